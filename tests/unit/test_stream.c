// SPDX-License-Identifier: Apache-2.0
/*
 * Real system calls of this process, seen through the kernel's programs, the ring and the decoder. Where the kernel does not
 * let us load programs, each test is skipped by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/stream.h"
#include "enforcer/util.h"

#define SEEN_MAX 64
#define ROUNDS 100 /* of looks at the ring; each waits for 20 ms at most */

static struct stream *stream;
static int open_error;
static char folder[64];

/* A copy of what a test may ask an event about. */
struct seen {
	struct hf_detect_head head;
	char path[512], path2[512], base[512], base2[512], real[512], cwd[512], exepath[512], filename[512], args[512], name[64], data[96];
	char address[128], unix_peer[112], unix_local[112];
	uint32_t args_len, data_len, address_len;
	bool has_path, has_base, has_file, has_socket, has_child;
	struct hf_detect_file file;
	struct hf_detect_socket socket;
	struct hf_detect_child child;
};

/* What is looked for, and what was found of it. */
struct search {
	enum hf_detect_type type;
	uint32_t pid;
	struct seen seen[SEEN_MAX];
	size_t n;
};

static void copy(char *to, size_t room, const struct stream_text *from)
{
	size_t n = from->data ? from->len : 0;

	if (n >= room)
		n = room - 1;
	if (n)
		memcpy(to, from->data, n);
	to[n] = '\0';
}

static void note(const struct stream_event *event, void *data)
{
	struct search *search = data;
	struct seen *seen = &search->seen[search->n];

	if (event->type != search->type || event->head->pid != search->pid || search->n == SEEN_MAX)
		return;
	search->n++;
	seen->head = *event->head;
	copy(seen->path, sizeof(seen->path), &event->path);
	copy(seen->path2, sizeof(seen->path2), &event->path2);
	copy(seen->base, sizeof(seen->base), &event->base);
	copy(seen->base2, sizeof(seen->base2), &event->base2);
	copy(seen->real, sizeof(seen->real), &event->real);
	copy(seen->cwd, sizeof(seen->cwd), &event->cwd);
	copy(seen->exepath, sizeof(seen->exepath), &event->exepath);
	copy(seen->filename, sizeof(seen->filename), &event->filename);
	copy(seen->args, sizeof(seen->args), &event->args);
	copy(seen->name, sizeof(seen->name), &event->name);
	copy(seen->data, sizeof(seen->data), &event->data);
	copy(seen->address, sizeof(seen->address), &event->address);
	copy(seen->unix_local, sizeof(seen->unix_local), &event->unix_local);
	copy(seen->unix_peer, sizeof(seen->unix_peer), &event->unix_peer);
	seen->args_len = event->args.len;
	seen->data_len = event->data.len;
	seen->address_len = event->address.len;
	seen->has_path = event->path.data != NULL;
	seen->has_base = event->base.data != NULL;
	seen->has_file = event->file != NULL;
	seen->has_socket = event->socket != NULL;
	seen->has_child = event->child != NULL;
	if (event->file)
		seen->file = *event->file;
	if (event->socket)
		seen->socket = *event->socket;
	if (event->child)
		seen->child = *event->child;
}

static void ignore(const struct stream_event *event, void *data)
{
	(void)event, (void)data;
}

static int load(void **state)
{
	struct stream_options options = { .ring_bytes = 1 << 20, .tasks_fd = -1 };
	char error[256] = "";

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/hf-stream-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	open_error = stream_open(&options, &stream, error, sizeof(error));
	if (open_error)
		print_message("%s\n", error);
	return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(name);
}

static int unload(void **state)
{
	(void)state;
	stream_close(&stream);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A kernel that finds the programs wrong is a failure; one that does not take any from us is a skip. */
static void need_stream(void)
{
	if (stream)
		return;
	if (open_error != -EPERM)
		fail_msg("the programs do not load: %s", strerror(-open_error));
	print_message("skip: this kernel does not let us load programs\n");
	skip();
}

static void want(enum hf_detect_type type, uint32_t wants)
{
	uint32_t all[_HF_DETECT_MAX] = { 0 };

	while (stream_read(stream, 1000, ignore, NULL) > 0)
		;
	all[type] = wants;
	stream_want(stream, all);
}

/* Waits until n of them are there. */
static void await(struct search *search, size_t n)
{
	struct pollfd fd = { .fd = stream_fd(stream), .events = POLLIN };

	for (int i = 0; i < ROUNDS && search->n < n; i++) {
		if (!stream_read(stream, 1000, note, search))
			poll(&fd, 1, 20);
	}
	assert_true(search->n >= n);
}

static struct search search;

static void look_for(enum hf_detect_type type, uint32_t wants)
{
	need_stream();
	memset(&search, 0, sizeof(search));
	search.type = type;
	search.pid = (uint32_t)getpid();
	want(type, wants);
}

/* Runs fn in a child, and waits for its end. The programs leave out what their owner itself does. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	search.pid = (uint32_t)pid;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static char path[128];

static void open_a_file(void)
{
	if (chdir(folder) || openat(AT_FDCWD, "./made", O_CREAT | O_RDWR | O_CLOEXEC, 0640) < 0)
		_exit(1);
	if (openat(AT_FDCWD, "/nonexistent/x", O_RDONLY) >= 0)
		_exit(2);
}

static void test_open_tells_path_base_real_and_result(void **state)
{
	(void)state;
	look_for(HF_DETECT_OPENAT, HF_DETECT_WANT_ALL);
	in_child(open_a_file);
	await(&search, 2);
	snprintf(path, sizeof(path), "%s/made", folder);
	assert_string_equal(search.seen[0].path, "./made");
	assert_string_equal(search.seen[0].base, folder);
	assert_string_equal(search.seen[0].real, path);
	assert_string_equal(search.seen[0].cwd, folder);
	assert_true(search.seen[0].head.result >= 0);
	assert_int_equal(search.seen[0].head.args[2], O_CREAT | O_RDWR | O_CLOEXEC);
	assert_int_equal(search.seen[0].head.args[3], 0640);
	assert_true(search.seen[0].has_file);
	assert_true(S_ISREG(search.seen[0].file.mode));
	assert_int_equal(search.seen[0].head.ppid, getpid());
	assert_string_equal(search.seen[1].path, "/nonexistent/x");
	assert_int_equal(search.seen[1].head.result, -ENOENT);
	assert_false(search.seen[1].has_file);
	assert_false(search.seen[1].has_base);
}

static void run_true(void)
{
	char *const argv[] = { "first", "second argument", "third", NULL };

	if (chdir("/usr/bin"))
		_exit(1);
	execv("/bin/true", argv);
	_exit(2);
}

static void test_exec_tells_program_and_arguments(void **state)
{
	(void)state;
	look_for(HF_DETECT_EXECVE, HF_DETECT_WANT_ALL);
	in_child(run_true);
	await(&search, 1);
	assert_string_equal(search.seen[0].filename, "/bin/true");
	assert_string_equal(search.seen[0].exepath, "/usr/bin/true");
	assert_string_equal(search.seen[0].cwd, "/usr/bin");
	assert_string_equal(search.seen[0].head.comm, "true");
	assert_string_equal(search.seen[0].args, "first");
	assert_int_equal(search.seen[0].args_len, sizeof("first") + sizeof("second argument") + sizeof("third"));
	assert_true(search.seen[0].file.ino > 0);
}

static void nothing(void)
{
}

static void test_fork_tells_the_child(void **state)
{
	uint32_t child;

	(void)state;
	look_for(HF_DETECT_CLONE, HF_DETECT_WANT_ALL);
	in_child(nothing);
	child = search.pid;
	search.pid = (uint32_t)getpid();
	await(&search, 1);
	assert_true(search.seen[0].has_child);
	assert_int_equal(search.seen[0].child.pid, child);
	assert_int_equal(search.seen[0].child.tid, child);
	assert_int_equal(search.seen[0].head.result, child);
}

static void rename_a_file(void)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || chdir("/tmp") || close(openat(fd, "from", O_CREAT | O_WRONLY, 0600)))
		_exit(1);
	if (renameat(fd, "from", AT_FDCWD, "hf-stream-absent/to") == 0 || renameat(fd, "from", fd, "to"))
		_exit(2);
}

static void test_rename_tells_both_paths_and_both_folders(void **state)
{
	(void)state;
	look_for(HF_DETECT_RENAMEAT, HF_DETECT_WANT_ALL);
	in_child(rename_a_file);
	await(&search, 2);
	assert_string_equal(search.seen[0].path, "from");
	assert_string_equal(search.seen[0].base, folder);
	assert_string_equal(search.seen[0].path2, "hf-stream-absent/to");
	assert_string_equal(search.seen[0].base2, "/tmp");
	assert_int_equal(search.seen[0].head.result, -ENOENT);
	assert_string_equal(search.seen[1].base2, folder);
	assert_int_equal(search.seen[1].head.result, 0);
}

static uint16_t port;

static int listener(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (void *)&to, &bytes), 0);
	port = ntohs(to.sin_port);
	return fd;
}

static void connect_there(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (void *)&to, sizeof(to)))
		_exit(1);
}

static void test_connect_tells_both_ends(void **state)
{
	const struct seen *seen = &search.seen[0];
	int fd;

	(void)state;
	look_for(HF_DETECT_CONNECT, HF_DETECT_WANT_ALL);
	fd = listener();
	in_child(connect_there);
	await(&search, 1);
	close(fd);
	assert_true(seen->has_socket && !seen->has_file);
	assert_int_equal(seen->socket.family, AF_INET);
	assert_int_equal(seen->socket.type, SOCK_STREAM);
	assert_int_equal(seen->socket.protocol, IPPROTO_TCP);
	assert_int_equal(seen->socket.peer_port, port);
	assert_true(seen->socket.local_port > 0);
	assert_memory_equal(seen->socket.peer, "\x7f\0\0\1", 4);
	assert_memory_equal(seen->socket.local, "\x7f\0\0\1", 4);
	assert_int_equal(seen->address_len, sizeof(struct sockaddr_in));
	assert_int_equal(((const struct sockaddr_in *)(const void *)seen->address)->sin_port, htons(port));
}

static void accept_one(void)
{
	int fd = listener();
	pid_t pid = fork();

	if (pid == 0) {
		connect_there();
		_exit(0);
	}
	if (accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0)
		_exit(1);
}

static void test_accept_tells_the_peer(void **state)
{
	(void)state;
	look_for(HF_DETECT_ACCEPT4, HF_DETECT_WANT_ALL);
	in_child(accept_one);
	await(&search, 1);
	assert_true(search.seen[0].has_socket);
	assert_true(search.seen[0].head.result >= 0);
	assert_true(search.seen[0].socket.peer_port > 0);
	assert_memory_equal(search.seen[0].socket.peer, "\x7f\0\0\1", 4);
}

static void send_to_a_unix_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char buf[8] = "12345678";
	struct iovec piece = { "cafebabe and more", 17 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", folder);
	if (bind(server, (void *)&to, sizeof(to)) || connect(client, (void *)&to, sizeof(to)))
		_exit(1);
	if (sendmsg(client, &message, 0) != 17 || recvfrom(server, buf, sizeof(buf), 0, NULL, NULL) != sizeof(buf))
		_exit(2);
}

static void test_received_bytes_and_unix_names_are_told(void **state)
{
	(void)state;
	look_for(HF_DETECT_RECVFROM, HF_DETECT_WANT_ALL);
	in_child(send_to_a_unix_socket);
	await(&search, 1);
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_string_equal(search.seen[0].data, "cafebabe");
	assert_string_equal(search.seen[0].unix_local, path);
	assert_int_equal(unlink(path), 0);
	look_for(HF_DETECT_SENDMSG, HF_DETECT_WANT_ALL);
	in_child(send_to_a_unix_socket);
	await(&search, 1);
	assert_string_equal(search.seen[0].data, "cafebabe and more");
	assert_string_equal(search.seen[0].unix_peer, path);
	assert_int_equal(unlink(path), 0);
}

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
		while (stream_read(stream, 1000, note, &search) > 0)
			;
		assert_int_equal(search.n, rows[i].n);
		assert_string_equal(search.seen[0].path, rows[i].first);
	}
}

static void test_prefixes_narrow_by_the_path_as_written(void **state)
{
	static const char *const prefixes[] = { "/dev/" };
	struct stream_count before, after;

	(void)state;
	look_for(HF_DETECT_OPENAT, 0);
	assert_int_equal(stream_prefixes(stream, prefixes, 1), 0);
	assert_int_equal(stream_count(stream, HF_DETECT_OPENAT, &before), 0);
	look_for(HF_DETECT_OPENAT, HF_DETECT_WANT_ALL | HF_DETECT_WANT_PREFIXES);
	in_child(open_some);
	await(&search, 2);
	assert_string_equal(search.seen[0].path, "/dev/null");
	assert_string_equal(search.seen[1].path, "/nonexistent"); /* failures are not narrowed */
	assert_int_equal(stream_count(stream, HF_DETECT_OPENAT, &after), 0);
	assert_true(after.kernel.filtered > before.kernel.filtered);
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
		cmocka_unit_test(test_open_tells_path_base_real_and_result),
		cmocka_unit_test(test_exec_tells_program_and_arguments),
		cmocka_unit_test(test_fork_tells_the_child),
		cmocka_unit_test(test_rename_tells_both_paths_and_both_folders),
		cmocka_unit_test(test_connect_tells_both_ends),
		cmocka_unit_test(test_accept_tells_the_peer),
		cmocka_unit_test(test_received_bytes_and_unix_names_are_told),
		cmocka_unit_test(test_only_written_programs_are_told_if_asked),
		cmocka_unit_test(test_mprotect_tells_whether_the_memory_was_written),
		cmocka_unit_test(test_exec_from_memory_is_told_as_such),
		cmocka_unit_test(test_lost_events_are_counted_exactly),
		cmocka_unit_test(test_full_ring_loses_in_the_open),
		cmocka_unit_test(test_switches_narrow_what_is_told),
		cmocka_unit_test(test_prefixes_narrow_by_the_path_as_written),
		cmocka_unit_test(test_32_bit_calls_are_told),
		cmocka_unit_test(test_exit_tells_status_and_reaper),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
