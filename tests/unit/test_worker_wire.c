// SPDX-License-Identifier: Apache-2.0
/* Packets of children: what goes in comes out, and nothing that was changed on the way is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "enforcer/worker_wire.h"

#define CHANGES 200000

static const char *const needed[] = { "libc.so.6", "libm.so.6" };
static const struct imagedb_elf_details elf = { .machine = 62, .bits = 64, .malformed = true, .soname = "libx.so.1",
						.needed = needed, .needed_count = 2 };

static const struct imagedb_file files[] = {
	{ .path = "bin/sh", .path_len = 6, .kind = IMAGEDB_KIND_ELF_PIE, .size = 4711, .ino = 12, .dev = 34, .mode = 0100755,
	  .ctime = { .tv_sec = -1, .tv_nsec = 999999999 }, .interpreter = "/lib/ld.so", .elf = &elf },
	{ .path = "a\n\xff", .path_len = 3, .kind = IMAGEDB_KIND_SCRIPT, .interpreter = "/bin/sh", .interpreter_arg = "-e",
	  .hardlink_seen = true, .nlink = 2 },
	{ .path = "x", .path_len = 1, .kind = IMAGEDB_KIND_OTHER },
};

static int null_fd(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void fill(struct worker_packet *packet)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(worker_packet_add(packet, &files[i], null_fd()), 0);
}

static void assert_text(const char *a, const char *b)
{
	assert_true(a ? b && !strcmp(a, b) : !b);
}

static void test_packet_gives_back_what_was_added(void **state)
{
	static struct worker_packet packet;
	size_t at = 0;

	(void)state;
	fill(&packet);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct worker_file got;

		assert_int_equal(worker_packet_next(&packet, &at, i, &got), 0);
		assert_text(got.file.path, files[i].path);
		assert_int_equal(got.file.path_len, files[i].path_len);
		assert_int_equal(got.file.kind, files[i].kind);
		assert_int_equal(got.file.size, files[i].size);
		assert_int_equal(got.file.ino, files[i].ino);
		assert_int_equal(got.file.ctime.tv_sec, files[i].ctime.tv_sec);
		assert_int_equal(got.file.ctime.tv_nsec, files[i].ctime.tv_nsec);
		assert_int_equal(got.file.hardlink_seen, files[i].hardlink_seen);
		assert_text(got.file.interpreter, files[i].interpreter);
		assert_text(got.file.interpreter_arg, files[i].interpreter_arg);
		assert_int_equal(got.file.elf != NULL, files[i].elf != NULL);
	}
	assert_int_equal(at, packet.used);
	worker_packet_clear(&packet);
}

static void test_elf_details_come_back(void **state)
{
	static struct worker_packet packet;
	struct worker_file got;
	size_t at = 0;

	(void)state;
	fill(&packet);
	assert_int_equal(worker_packet_next(&packet, &at, 0, &got), 0);
	assert_int_equal(got.file.elf->machine, 62);
	assert_true(got.file.elf->malformed);
	assert_false(got.file.elf->cut_short);
	assert_string_equal(got.file.elf->soname, "libx.so.1");
	assert_int_equal(got.file.elf->needed_count, 2);
	assert_string_equal(got.file.elf->needed[1], "libm.so.6");
	worker_packet_clear(&packet);
}

static void test_packet_takes_a_bounded_number(void **state)
{
	static struct worker_packet packet;
	int fd = null_fd();

	(void)state;
	for (size_t i = 0; i < WORKER_FILES_MAX; i++)
		assert_int_equal(worker_packet_add(&packet, &files[2], null_fd()), 0);
	assert_int_equal(worker_packet_add(&packet, &files[2], fd), -ENOSPC);
	close(fd);
	worker_packet_clear(&packet);
}

static void test_longest_path_fits(void **state)
{
	static struct worker_packet packet;
	static char path[IMAGEDB_MAX_PATH + 1];
	struct imagedb_file file = files[0];
	struct worker_file got;
	size_t at = 0;

	(void)state;
	memset(path, 'a', IMAGEDB_MAX_PATH);
	file.path = path;
	file.path_len = IMAGEDB_MAX_PATH;
	assert_int_equal(worker_packet_add(&packet, &file, null_fd()), 0);
	assert_int_equal(worker_packet_next(&packet, &at, 0, &got), 0);
	assert_int_equal(got.file.path_len, IMAGEDB_MAX_PATH);
	worker_packet_clear(&packet);
}

/* Whatever is changed: it is refused, or what comes out lies within the packet (ASAN sees the rest). */
static void test_changed_packets_are_refused_or_sane(void **state)
{
	static struct worker_packet good, bad;
	unsigned int seed = 1, refused = 0;

	(void)state;
	fill(&good);
	for (unsigned int i = 0; i < CHANGES; i++) {
		size_t at = 0;

		bad = good;
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			bad.bytes[(size_t)rand_r(&seed) % good.used] = (char)rand_r(&seed);
		if (rand_r(&seed) % 4 == 0)
			bad.used = (size_t)rand_r(&seed) % good.used;
		for (size_t k = 0; k < bad.n_fds; k++) {
			struct worker_file got;

			if (worker_packet_next(&bad, &at, k, &got)) {
				refused++;
				break;
			}
			assert_true(at <= bad.used);
			assert_true(got.file.kind < _IMAGEDB_KIND_MAX);
			assert_int_equal(strlen(got.file.path), got.file.path_len);
			assert_true(worker_path_is_sane(got.file.path, got.file.path_len));
			for (size_t j = 0; got.file.elf && j < got.file.elf->needed_count; j++)
				assert_in_range(strlen(got.file.elf->needed[j]), 0, good.used);
		}
	}
	assert_in_range(refused, CHANGES / 4, CHANGES - 1);
	worker_packet_clear(&good);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		bool sane;
	} rows[] = {
		{ "a", true }, { "a/b", true }, { "a/.b", true }, { "...", true }, { "a/..b", true }, { "", false },
		{ "/a", false }, { "a/", false }, { "a//b", false }, { ".", false }, { "..", false }, { "a/../b", false },
		{ "a/.", false }, { "../a", false }, { "./a", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(worker_path_is_sane(rows[i].path, strlen(rows[i].path)), rows[i].sane);
	assert_false(worker_path_is_sane("a\0b", 3));
}

static unsigned int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

/* More descriptors than a packet may have: refused, and none is left open. */
static void test_too_many_descriptors_are_refused(void **state)
{
	static struct worker_packet packet;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * (WORKER_FDS_MAX + 1))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)"12345678", .iov_len = 8 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	unsigned int before;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	before = count_fds();
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * (WORKER_FDS_MAX + 1));
	memset(CMSG_DATA(head), 0, sizeof(int) * (WORKER_FDS_MAX + 1));
	assert_int_equal(sendmsg(pair[0], &message, 0), 8);
	assert_int_equal(worker_receive(pair[1], &packet, 0, NULL), -EPROTO);
	worker_packet_clear(&packet);
	assert_int_equal(count_fds(), before);
	close(pair[0]);
	assert_int_equal(worker_receive(pair[1], &packet, 0, NULL), -EPIPE);
	close(pair[1]);
}

static void test_receive_ends_in_time_and_when_cancelled(void **state)
{
	static struct worker_packet packet;
	atomic_bool cancel = true;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(worker_receive(pair[1], &packet, clock_ns(CLOCK_MONOTONIC) + 1000000, NULL), -ETIMEDOUT);
	assert_int_equal(worker_receive(pair[1], &packet, 0, &cancel), -ECANCELED);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_gives_back_what_was_added),
		cmocka_unit_test(test_elf_details_come_back),
		cmocka_unit_test(test_packet_takes_a_bounded_number),
		cmocka_unit_test(test_longest_path_fits),
		cmocka_unit_test(test_changed_packets_are_refused_or_sane),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_too_many_descriptors_are_refused),
		cmocka_unit_test(test_receive_ends_in_time_and_when_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
