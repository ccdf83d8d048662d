// SPDX-License-Identifier: Apache-2.0
/* hook.sock: a good request reaches the arming function with what it needs, anything else does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "enforcer/hook_server.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)
#define CONNECT_MS 5000
#define STATE "{\"ociVersion\":\"1.0.2\",\"id\":\"abc\",\"pid\":1,\"bundle\":\"/b\"}"

struct fixture {
	struct loop *loop;
	struct loop_source *limit, *poll;
	struct hook_server *hook;
	char folder[32];
	char path[64];
	int pidfd, folder_fd, file_fd, other_fd;
	int sock;
	unsigned int armed;
	uint64_t client;
	char *state;
	int fds[3];
	struct wire_message received;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

/* The daemon is opaque here: its place is taken by the fixture. */
static void arm(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd)
{
	struct fixture *f = (struct fixture *)daemon;

	f->armed++;
	f->client = client;
	free(f->state);
	f->state = state_json;
	f->fds[0] = pidfd;
	f->fds[1] = rootfs_fd;
	f->fds[2] = config_fd;
	loop_quit(f->loop, 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-hook-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/hook.sock", f->folder);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	f->pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	f->folder_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f->file_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	f->other_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	f->fds[0] = f->fds[1] = f->fds[2] = -1;
	assert_true(f->pidfd >= 0 && f->folder_fd >= 0 && f->file_fd >= 0 && f->other_fd >= 0);
	assert_int_equal(hook_server_new(f->loop, (struct daemon *)f, f->folder, arm, &f->hook), 0);
	f->sock = wire_connect(f->path, CONNECT_MS);
	assert_true(f->sock >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hook_server_free(&f->hook);
	loop_unwatch(&f->limit);
	loop_unwatch(&f->poll);
	loop_free(&f->loop);
	close_fd(&f->pidfd);
	close_fd(&f->folder_fd);
	close_fd(&f->file_fd);
	close_fd(&f->other_fd);
	close_fd(&f->sock);
	for (size_t i = 0; i < ARRAY_SIZE(f->fds); i++)
		close_fd(&f->fds[i]);
	free(f->state);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void check_answer(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (wire_receive(f->sock, &f->received) == 0)
		loop_quit(f->loop, 1);
}

/* Runs the loop until the hook has its answer. */
static void await_answer(struct fixture *f)
{
	assert_int_equal(fcntl(f->sock, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 1000, check_answer, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 1);
	loop_unwatch(&f->poll);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
}

static bool same_file(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 && one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

static void test_good_request_is_armed_and_answered(void **state)
{
	struct fixture *f = *state;
	int fds[] = { f->pidfd, f->folder_fd, f->file_fd };

	assert_int_equal(wire_send(f->sock, WIRE_HOOK_ARM, 0, 0, STATE, strlen(STATE), fds, 3), 0);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->armed, 1);
	assert_string_equal(f->state, STATE);
	assert_true(same_file(f->fds[1], f->folder_fd));
	assert_true(same_file(f->fds[2], f->file_fd));
	assert_int_equal(fcntl(f->fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(hook_server_answer(f->hook, f->client, 0, "abc", true, "armed: 12 executables"), 0);
	await_answer(f);
	assert_int_equal(f->received.header.status, 0);
	assert_string_equal(f->received.payload,
			    "{\"container\":\"abc\",\"armed\":true,\"message\":\"armed: 12 executables\"}");
}

static void test_refusal_is_told(void **state)
{
	struct fixture *f = *state;
	int fds[] = { f->pidfd, f->folder_fd, f->file_fd };

	assert_int_equal(wire_send(f->sock, WIRE_HOOK_ARM, 0, 0, STATE, strlen(STATE), fds, 3), 0);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(hook_server_answer(f->hook, f->client, -EPERM, NULL, false, "bad \xff name"), 0);
	await_answer(f);
	assert_int_equal(f->received.header.status, -EPERM);
	assert_string_equal(f->received.payload, "{\"container\":null,\"armed\":false,\"message\":\"bad \xef\xbf\xbd "
						 "name\",\"message_base64\":\"YmFkIP8gbmFtZQ==\"}");
}

static void test_answer_too_long_for_words_still_comes(void **state)
{
	struct fixture *f = *state;
	int fds[] = { f->pidfd, f->folder_fd, f->file_fd };
	_cleanup_(free_ptr) char *words = malloc(WIRE_MAX_BYTES + 1);

	memset(words, 'x', WIRE_MAX_BYTES);
	words[WIRE_MAX_BYTES] = '\0';
	assert_int_equal(wire_send(f->sock, WIRE_HOOK_ARM, 0, 0, STATE, strlen(STATE), fds, 3), 0);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(hook_server_answer(f->hook, f->client, 0, "abc", true, words), 0);
	await_answer(f);
	assert_string_equal(f->received.payload, "{\"armed\":true}");
}

static void test_hook_that_left_is_harmless(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hook_server_answer(f->hook, 12345, 0, "abc", true, NULL), -ENOENT);
}

static void test_bad_requests_are_refused(void **state)
{
	static const char nul[] = "{\"a\":\"\0\"}";
	struct fixture *f = *state;
	const int p = f->pidfd, d = f->folder_fd, r = f->file_fd, o = f->other_fd;
	const struct {
		enum wire_type type;
		const char *payload;
		size_t bytes;
		int fds[3];
		size_t n_fds;
	} cases[] = {
		{ WIRE_STATUS, STATE, 0, { p, d, r }, 3 },    { WIRE_HOOK_ARM, STATE, 0, { p, d, r }, 2 },
		{ WIRE_HOOK_ARM, STATE, 0, { p, d, r }, 0 },  { WIRE_HOOK_ARM, STATE, 0, { d, d, r }, 3 },
		{ WIRE_HOOK_ARM, STATE, 0, { o, d, r }, 3 },  { WIRE_HOOK_ARM, STATE, 0, { p, r, r }, 3 },
		{ WIRE_HOOK_ARM, STATE, 0, { p, d, d }, 3 },  { WIRE_HOOK_ARM, STATE, 0, { p, d, o }, 3 },
		{ WIRE_HOOK_ARM, STATE, 0, { p, o, r }, 3 },  { WIRE_HOOK_ARM, "", 0, { p, d, r }, 3 },
		{ WIRE_HOOK_ARM, "[]", 0, { p, d, r }, 3 },   { WIRE_HOOK_ARM, "{", 0, { p, d, r }, 3 },
		{ WIRE_HOOK_ARM, "null", 0, { p, d, r }, 3 }, { WIRE_HOOK_ARM, "{} {}", 0, { p, d, r }, 3 },
		{ WIRE_HOOK_ARM, "{a:1}", 0, { p, d, r }, 3 },
		{ WIRE_HOOK_ARM, nul, sizeof(nul) - 1, { p, d, r }, 3 },
		{ WIRE_HOOK_ARM, "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", 0, { p, d, r }, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t bytes = cases[i].bytes ? cases[i].bytes : strlen(cases[i].payload);

		assert_int_equal(wire_send(f->sock, cases[i].type, 0, 0, cases[i].payload, bytes, cases[i].fds,
					   cases[i].n_fds), 0);
		await_answer(f);
		assert_int_equal(f->received.header.status, -EPROTO);
		assert_int_equal(f->armed, 0);
	}
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_refused_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	int fds[] = { f->folder_fd, f->folder_fd, f->folder_fd }, before = -1;

	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(wire_send(f->sock, WIRE_HOOK_ARM, 0, 0, STATE, strlen(STATE), fds, 3), 0);
		await_answer(f);
		assert_true(before < 0 || before == count_fds());
		before = count_fds();
	}
}

static void test_config_must_be_readable(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int write_only = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	_cleanup_(close_fd) int path_only = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	int bad[] = { write_only, path_only };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int fds[] = { f->pidfd, f->folder_fd, bad[i] };

		assert_int_equal(wire_send(f->sock, WIRE_HOOK_ARM, 0, 0, STATE, strlen(STATE), fds, 3), 0);
		await_answer(f);
		assert_int_equal(f->received.header.status, -EPROTO);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_request_is_armed_and_answered),
		TEST(test_refusal_is_told),
		TEST(test_answer_too_long_for_words_still_comes),
		TEST(test_hook_that_left_is_harmless),
		TEST(test_bad_requests_are_refused),
		TEST(test_refused_descriptors_are_closed),
		TEST(test_config_must_be_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
