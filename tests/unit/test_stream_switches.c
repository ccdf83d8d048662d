// SPDX-License-Identifier: Apache-2.0
/*
 * What narrows the stream, what it loses, and what is special about some calls; by real system calls of a child, as in
 * test_stream.c.
 */
#include <sys/prctl.h>

#include "tests/unit/stream_harness.h"

static void write_pieces(void)
{
	static const char elf[] = "\x7f" "ELF and so on", text[] = "#!/bin/sh\n";
	struct iovec piece = { (void *)(uintptr_t)elf, sizeof(elf) };
	int fd = openat(AT_FDCWD, folder, O_TMPFILE | O_RDWR, 0600);

	if (fd < 0)
		_exit(1);
	if (write(fd, text, sizeof(text)) < 0 || write(fd, elf, sizeof(elf)) < 0 || writev(fd, &piece, 1) < 0)
		_exit(2);
	if (write(-1, elf, sizeof(elf)) >= 0)
		_exit(3);
}

static void test_only_written_programs_are_told_if_asked(void **state)
{
	(void)state;
	look_for(HF_DETECT_WRITE, HF_DETECT_WANT_ALL | HF_DETECT_WANT_ELF);
	in_child(write_pieces);
	await(&search, 1);
	assert_int_equal(search.n, 1);
	assert_memory_equal(search.seen[0].data, "\x7f" "ELF", 4);
	assert_true(search.seen[0].has_file);
	look_for(HF_DETECT_WRITEV, HF_DETECT_WANT_ALL | HF_DETECT_WANT_ELF);
	in_child(write_pieces);
	await(&search, 1);
	assert_memory_equal(search.seen[0].data, "\x7f" "ELF", 4);
	look_for(HF_DETECT_WRITE, HF_DETECT_WANT_ALL);
	in_child(write_pieces);
	await(&search, 3);
	assert_int_equal(search.seen[2].head.result, -EBADF);
}

static void protect(void)
{
	char *written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *fresh = mmap((void *)0x10000000, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	written[0] = 'x';
	if (mprotect(written, 4096, PROT_READ | PROT_EXEC) || mprotect(fresh, 4096, PROT_READ | PROT_EXEC) ||
	    mprotect(written, 4096, PROT_READ))
		_exit(1);
}

static void test_mprotect_tells_whether_the_memory_was_written(void **state)
{
	(void)state;
	look_for(HF_DETECT_MPROTECT, HF_DETECT_WANT_ALL | HF_DETECT_WANT_EXECUTABLE);
	in_child(protect);
	await(&search, 2);
	assert_int_equal(search.n, 2);
	assert_int_equal(search.seen[0].head.args[3], HF_DETECT_PROT_KNOWN | HF_DETECT_PROT_WRITE);
	assert_int_equal(search.seen[1].head.args[3], HF_DETECT_PROT_KNOWN);
}

static void run_from_memory(void)
{
	char *const argv[] = { "hidden", NULL };
	int from = open("/bin/true", O_RDONLY), fd = memfd_create("payload", 0);
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(fd, buf, (size_t)n) != n)
			_exit(1);
	}
	syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
	_exit(2);
}

static void test_exec_from_memory_is_told_as_such(void **state)
{
	(void)state;
	look_for(HF_DETECT_EXECVEAT, HF_DETECT_WANT_ALL);
	in_child(run_from_memory);
	await(&search, 1);
	assert_true(search.seen[0].file.flags & HF_DETECT_FILE_MEMFD);
	assert_true(search.seen[0].file.flags & HF_DETECT_FILE_UNLINKED);
	assert_string_equal(search.seen[0].exepath, "/memfd:payload");
}

static void make_many_folders(void)
{
	for (int i = 0; i < 100; i++)
		mkdirat(-1, "x", 0700);
}

/* attempted == delivered + lost, exactly. */
static void test_lost_events_are_counted_exactly(void **state)
{
	struct stream_count before, after;

	(void)state;
	look_for(HF_DETECT_MKDIRAT, HF_DETECT_WANT_ALL);
	assert_int_equal(stream_count(stream, HF_DETECT_MKDIRAT, &before), 0);
	stream_simulate_loss(stream, 4);
	in_child(make_many_folders);
	stream_simulate_loss(stream, 0);
	await(&search, 60);
	while (stream_read(stream, 1000, note, &search) > 0)
		;
	assert_int_equal(stream_count(stream, HF_DETECT_MKDIRAT, &after), 0);
	assert_int_equal(after.kernel.attempted - before.kernel.attempted, 100);
	assert_int_equal(after.kernel.lost - before.kernel.lost, 25);
	assert_int_equal(after.kernel.attempted, after.delivered + after.kernel.lost);
	assert_int_equal(after.unreadable, 0);
}

static void fill_the_ring(void)
{
	for (int i = 0; i < 8000; i++)
		mkdirat(-1, "some/path/that/takes/room/in/the/ring", 0700);
}

static void test_full_ring_loses_in_the_open(void **state)
{
	struct stream_count count;

	(void)state;
	look_for(HF_DETECT_MKDIRAT, HF_DETECT_WANT_ALL);
	in_child(fill_the_ring);
	while (stream_read(stream, 1000, ignore, NULL) > 0)
		;
	assert_int_equal(stream_count(stream, HF_DETECT_MKDIRAT, &count), 0);
	assert_true(count.kernel.lost > 25);
	assert_int_equal(count.kernel.attempted, count.delivered + count.kernel.lost);
}

static void open_some(void)
{
	close(openat(AT_FDCWD, "/etc/passwd", O_RDONLY));
	close(openat(AT_FDCWD, "/dev/null", O_WRONLY));
	close(openat(AT_FDCWD, "/nonexistent", O_WRONLY));
}

static void test_switches_narrow_what_is_told(void **state)
{
	static const struct {
		uint32_t wants;
		size_t n;
		const char *first;
	} rows[] = {
		{ HF_DETECT_WANT_HOST | HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS | HF_DETECT_WANT_READ, 1, "/etc/passwd" },
		{ HF_DETECT_WANT_HOST | HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS | HF_DETECT_WANT_WRITE, 1, "/dev/null" },
		{ HF_DETECT_WANT_HOST | HF_DETECT_WANT_SUCCESS | HF_DETECT_WANT_FAILURE | HF_DETECT_WANT_WRITE, 2, "/dev/null" },
		{ HF_DETECT_WANT_HOST | HF_DETECT_WANT_FAILURE | HF_DETECT_WANT_WRITE, 1, "/nonexistent" },
		{ HF_DETECT_WANT_HOST | HF_DETECT_WANT_SUCCESS | HF_DETECT_WANT_CREATE, 0, "" },
		{ HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS | HF_DETECT_WANT_READ, 0, "" },
		{ 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		look_for(HF_DETECT_OPENAT, rows[i].wants);
		in_child(open_some);
		await(&search, rows[i].n);
		while (stream_read(stream, 1000, note, &search) > 0)
			;
		assert_int_equal(search.n, rows[i].n);
		assert_string_equal(search.seen[0].path, rows[i].first);
	}
}

static const struct {
	const char *path;
	bool missing; /* the open fails */
	bool told;
} cover_rows[] = {
	{ "/dev/null", false, true },
	{ "/etc/passwd", false, false },
	{ "/etc/hostname", false, true },
	{ "/etc/hostname-or-not", true, true },
	{ "/etc/hostnam", true, false },
	{ "/de", true, false },
	{ "/", false, false },
	{ "/etc/", false, false },
	{ "/etc//passwd", false, true },
	{ "/etc/./passwd", false, true },
	{ "/etc/../etc/passwd", false, true },
	{ "/usr/lib/.hidden", true, true },
	{ "/1234567/.hidden", true, true }, /* across two words */
	{ "/123456/./hidden", true, true },
	{ "/usr/lib/a.b/c-d_e.so.6", true, false },
	{ "/usr/lib/x86_64-linux-gnu/libnothing-of-a-longer-name-than-the-beginning-of-a-prefix-that-counts.so.6", true, false },
	{ "/dev/x86_64-linux-gnu/libnothing-of-a-longer-name-than-the-beginning-of-a-prefix-that-counts.so.6", true, true },
	{ "etc", true, true },
	{ "", true, true }, /* told last, whatever is left out */
};

static void open_covered(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cover_rows); i++) {
		int fd = openat(AT_FDCWD, cover_rows[i].path, O_RDONLY | O_NONBLOCK);

		if (fd >= 0)
			close(fd);
		if ((fd < 0) != cover_rows[i].missing)
			_exit(1);
	}
}

static void narrow(const struct stream_cover *cover)
{
	static struct stream_classes classes;

	memset(&classes, 0, sizeof(classes));
	for (size_t shape = 0; cover && shape < _HF_DETECT_SHAPE_MAX; shape++)
		if (shape % HF_DETECT_SHAPE_HOST == HF_DETECT_SHAPE_READ)
			classes.of[HF_DETECT_OPENAT][shape] = 1;
	assert_int_equal(stream_narrow(stream, &classes, cover, cover != NULL), 0);
}

static void look_at_opens(void)
{
	look_for(HF_DETECT_OPENAT, HF_DETECT_WANT_ALL);
	in_child(open_covered);
	do
		await(&search, search.n + 1);
	while (search.n && search.seen[search.n - 1].path[0]);
	assert_true(search.n > 0);
}

static void test_covers_leave_out_by_the_path_as_written(void **state)
{
	static const char *const prefixes[] = { "/dev/", "/etc/hostname", "/dev/shm/some" };
	const struct stream_cover cover = { .prefixes = prefixes, .n_prefixes = ARRAY_SIZE(prefixes) };
	struct stream_count before, after;
	size_t n = 0;

	(void)state;
	look_for(HF_DETECT_OPENAT, 0);
	narrow(&cover);
	assert_int_equal(stream_count(stream, HF_DETECT_OPENAT, &before), 0);
	look_at_opens();
	for (size_t i = 0; i < ARRAY_SIZE(cover_rows); i++) {
		bool told = n < search.n && !strcmp(search.seen[n].path, cover_rows[i].path);

		n += told;
		if (told != cover_rows[i].told)
			fail_msg("\"%s\": %s", cover_rows[i].path, told ? "told" : "left out");
	}
	assert_int_equal(stream_count(stream, HF_DETECT_OPENAT, &after), 0);
	assert_true(after.kernel.filtered > before.kernel.filtered);
	narrow(NULL);
	look_at_opens();
	assert_int_equal(search.n, ARRAY_SIZE(cover_rows));
}

static void rename_and_open(void)
{
	prctl(PR_SET_NAME, "covered");
	close(openat(AT_FDCWD, "/etc/passwd", O_RDONLY));
	prctl(PR_SET_NAME, "other");
	close(openat(AT_FDCWD, "/etc/hosts", O_RDONLY));
	openat(AT_FDCWD, "", O_RDONLY);
}

/* A set in place of another leaves no hole: both halves of the bits are used, twice. */
static void test_covers_leave_out_by_the_name_of_the_process(void **state)
{
	static const char *const names[] = { "covered", "a name that is too long for anybody" };
	static const char *const prefixes[] = { "/dev/" };
	const struct stream_cover cover = { .names = names, .n_names = ARRAY_SIZE(names) };
	const struct stream_cover other = { .prefixes = prefixes, .n_prefixes = ARRAY_SIZE(prefixes) };

	(void)state;
	for (int i = 0; i < 4; i++) {
		narrow(i % 2 ? &other : &cover);
		look_for(HF_DETECT_OPENAT, HF_DETECT_WANT_ALL);
		in_child(rename_and_open);
		await(&search, i % 2 ? 1 : 2);
		assert_int_equal(search.n, i % 2 ? 1 : 2);
		assert_string_equal(search.seen[0].path, i % 2 ? "" : "/etc/passwd");
	}
	narrow(NULL);
}

static void test_too_many_covers_leave_out_nothing(void **state)
{
	static struct stream_classes classes;
	static char texts[HF_DETECT_PREFIXES + 1][16];
	static const char *prefixes[HF_DETECT_PREFIXES + 1];
	struct stream_cover cover = { .prefixes = prefixes, .n_prefixes = ARRAY_SIZE(prefixes) };

	(void)state;
	look_for(HF_DETECT_OPENAT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		snprintf(texts[i], sizeof(texts[i]), "/%zu/", i);
		prefixes[i] = texts[i];
	}
	memset(classes.of[HF_DETECT_OPENAT], 1, sizeof(classes.of[0]));
	assert_int_equal(stream_narrow(stream, &classes, &cover, 1), -E2BIG);
	look_at_opens();
	assert_int_equal(search.n, ARRAY_SIZE(cover_rows));
	cover.n_prefixes = HF_DETECT_PREFIXES;
	assert_int_equal(stream_narrow(stream, &classes, &cover, 1), 0);
	look_at_opens();
	assert_true(search.n < ARRAY_SIZE(cover_rows));
	narrow(NULL);
}

static void call_in_32_bits(void)
{
#if defined(__x86_64__)
	char *name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	strcpy(name, "/nonexistent/32");
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(39), "b"(name), "c"(0700) : "memory", "r8", "r9", "r10", "r11");
	if (result == -ENOSYS)
		_exit(0);
#endif
}

static void test_32_bit_calls_are_told(void **state)
{
	(void)state;
#if !defined(__x86_64__)
	print_message("skip: 32-bit system calls are not looked at on this architecture\n");
	skip();
#endif
	look_for(HF_DETECT_MKDIR, HF_DETECT_WANT_ALL);
	in_child(call_in_32_bits);
	await(&search, 1);
	assert_string_equal(search.seen[0].path, "/nonexistent/32");
	assert_int_equal(search.seen[0].head.args[1], 0700);
	assert_true(search.seen[0].head.flags & HF_DETECT_COMPAT);
}

static void exit_with_seven(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	search.pid = (uint32_t)pid;
	waitpid(pid, NULL, 0);
}

static void test_exit_tells_status_and_reaper(void **state)
{
	(void)state;
	look_for(HF_DETECT_PROCEXIT, HF_DETECT_WANT_ALL);
	exit_with_seven();
	await(&search, 1);
	assert_int_equal(WEXITSTATUS((int)search.seen[0].head.result), 7);
	assert_true(search.seen[0].head.args[0] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_written_programs_are_told_if_asked),
		cmocka_unit_test(test_mprotect_tells_whether_the_memory_was_written),
		cmocka_unit_test(test_exec_from_memory_is_told_as_such),
		cmocka_unit_test(test_lost_events_are_counted_exactly),
		cmocka_unit_test(test_full_ring_loses_in_the_open),
		cmocka_unit_test(test_switches_narrow_what_is_told),
		cmocka_unit_test(test_covers_leave_out_by_the_path_as_written),
		cmocka_unit_test(test_covers_leave_out_by_the_name_of_the_process),
		cmocka_unit_test(test_too_many_covers_leave_out_nothing),
		cmocka_unit_test(test_32_bit_calls_are_told),
		cmocka_unit_test(test_exit_tells_status_and_reaper),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
