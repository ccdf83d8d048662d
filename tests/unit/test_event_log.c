// SPDX-License-Identifier: Apache-2.0
/* Where event lines go: memory, followers, pipes that nobody reads, files that are full, rotated or moved away. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "enforcer/event_log.h"
#include "enforcer/event_sink.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)

struct fixture {
	struct loop *loop;
	struct loop_source *limit, *reader;
	struct event_log *log;
	char folder[32];
	char file[64];
	int out[2]; /* read end, write end */
	char *text; /* what was read so far */
	size_t n;
	const char *awaited;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-events-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/events", f->folder);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	assert_int_equal(pipe2(f->out, O_CLOEXEC), 0);
	f->text = calloc(1, 4 * EVENT_SINK_SPOOL_BYTES);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char old[96];

	snprintf(old, sizeof(old), "%s.1", f->file);
	event_log_free(&f->log);
	loop_unwatch(&f->limit);
	loop_unwatch(&f->reader);
	loop_free(&f->loop);
	close_fd(&f->out[0]);
	close_fd(&f->out[1]);
	unlink(f->file);
	unlink(old);
	rmdir(f->folder);
	free(f->text);
	free(f);
	return 0;
}

static void open_log(struct fixture *f, int out, const char *file, uint64_t max_bytes)
{
	struct event_log_options options = { .stdout_fd = out, .file = file, .file_max_bytes = max_bytes };

	assert_int_equal(event_log_new(f->loop, &options, &f->log), 0);
}

/* Line i is {"i":i,"pad":"…"} of about n bytes. */
static void append_numbered(struct fixture *f, unsigned int i, unsigned int n)
{
	_cleanup_(free_ptr) char *line = NULL;

	assert_true(asprintf(&line, "{\"i\":%u,\"pad\":\"%0*u\"}", i, (int)n, 0u) > 0);
	event_log_append(f->log, line, strlen(line));
}

static void take_input(uint32_t events, void *data)
{
	struct fixture *f = data;
	ssize_t n = read(f->out[0], f->text + f->n, 65536);

	(void)events;
	if (n > 0)
		f->n += (size_t)n;
	f->text[f->n] = '\0';
	if (strstr(f->text + (f->n > 70000 ? f->n - 70000 : 0), f->awaited))
		loop_quit(f->loop, 0);
}

/* Reads standard output's other end until a text has come. */
static void read_until(struct fixture *f, const char *text)
{
	f->awaited = text;
	assert_int_equal(loop_watch(f->loop, f->out[0], EPOLLIN, take_input, f, &f->reader), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->reader);
}

/* Each line is an object; "i" counts up by one from first. The number of such lines; lines without go to *ret_other. */
static unsigned int check_lines(char *text, unsigned int first, struct json_object **ret_other)
{
	unsigned int n = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct json_object *object = json_tokener_parse(line), *number;

		assert_non_null(object);
		if (json_object_object_get_ex(object, "i", &number)) {
			assert_int_equal(json_object_get_int(number), first + n++);
		} else {
			assert_non_null(ret_other);
			*ret_other = json_object_get(object);
		}
		json_object_put(object);
	}
	return n;
}

static char *slurp(const char *path)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
	return text;
}

static void test_lines_reach_all_sinks_in_order(void **state)
{
	_cleanup_(free_ptr) char *text = NULL;
	struct fixture *f = *state;

	open_log(f, f->out[1], f->file, 0);
	for (unsigned int i = 0; i < 20; i++)
		append_numbered(f, i, 100);
	read_until(f, "\"i\":19");
	assert_int_equal(check_lines(f->text, 0, NULL), 20);
	text = slurp(f->file);
	assert_int_equal(check_lines(text, 0, NULL), 20);
}

static void test_no_sinks_still_remember(void **state)
{
	struct fixture *f = *state;
	size_t n;

	open_log(f, -1, NULL, 0);
	event_log_append(f->log, "{}", 2);
	assert_string_equal(event_log_line(f->log, 0, &n), "{}");
	assert_int_equal(n, 2);
	assert_null(event_log_line(f->log, 1, &n));
	assert_int_equal(event_log_reopen(f->log), 0);
}

static void test_unread_pipe_spools_and_keeps_flags(void **state)
{
	struct fixture *f = *state;
	struct event_log_stats stats;
	int flags = fcntl(f->out[1], F_GETFL);

	open_log(f, f->out[1], NULL, 0);
	for (unsigned int i = 0; i < 200; i++)
		append_numbered(f, i, 5000);
	event_log_get_stats(f->log, &stats);
	assert_int_equal(stats.dropped, 0);
	assert_false(stats.stdout_failing);
	assert_int_equal(fcntl(f->out[1], F_GETFL), flags);
	read_until(f, "\"i\":199");
	event_log_append(f->log, "{\"i\":200}", 9);
	read_until(f, "\"i\":200");
	assert_int_equal(check_lines(f->text, 0, NULL), 201);
}

static void test_overflow_is_counted_and_told(void **state)
{
	struct json_object *lost = NULL, *count;
	struct event_log_stats stats;
	struct fixture *f = *state;
	unsigned int arrived;

	open_log(f, f->out[1], NULL, 0);
	for (unsigned int i = 0; i < 1000; i++)
		append_numbered(f, i, 10000);
	event_log_get_stats(f->log, &stats);
	assert_true(stats.stdout_failing);
	assert_in_range(stats.dropped, 500, 700);
	read_until(f, "\"lost\"");
	arrived = check_lines(f->text, 0, &lost);
	assert_int_equal(arrived, 1000 - stats.dropped);
	assert_true(json_object_object_get_ex(lost, "count", &count));
	assert_int_equal(json_object_get_int64(count), stats.dropped);
	json_object_put(lost);
	event_log_get_stats(f->log, &stats);
	assert_false(stats.stdout_failing);
}

static void test_blocking_pipe_without_reopen_never_blocks(void **state)
{
	struct fixture *f = *state;

	/* Somebody else's pipe cannot be opened through /proc. */
	assert_int_equal(seteuid(65534), 0);
	open_log(f, f->out[1], NULL, 0);
	assert_int_equal(seteuid(0), 0);
	for (unsigned int i = 0; i < 100; i++)
		append_numbered(f, i, 9000);
	read_until(f, "\"i\":99");
	event_log_append(f->log, "{\"i\":100}", 9);
	read_until(f, "\"i\":100");
	assert_int_equal(check_lines(f->text, 0, NULL), 101);
}

static void test_socket_is_written_without_blocking(void **state)
{
	struct fixture *f = *state;

	close_fd(&f->out[0]);
	close_fd(&f->out[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->out), 0);
	open_log(f, f->out[1], NULL, 0);
	for (unsigned int i = 0; i < 100; i++)
		append_numbered(f, i, 9000);
	read_until(f, "\"i\":99");
	event_log_append(f->log, "{\"i\":100}", 9);
	read_until(f, "\"i\":100");
	assert_int_equal(check_lines(f->text, 0, NULL), 101);
}

static void test_reader_that_left_does_not_kill(void **state)
{
	struct event_log_stats stats;
	struct fixture *f = *state;

	open_log(f, f->out[1], f->file, 0);
	close_fd(&f->out[0]);
	append_numbered(f, 0, 10);
	append_numbered(f, 1, 10);
	event_log_get_stats(f->log, &stats);
	assert_true(stats.stdout_failing);
	assert_false(stats.file_failing);
	assert_int_equal(stats.lines, 2);
}

static void test_full_device_is_noticed(void **state)
{
	_cleanup_(close_fd) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct event_log_stats stats;
	struct fixture *f = *state;

	open_log(f, full, NULL, 0);
	append_numbered(f, 0, 10);
	event_log_get_stats(f->log, &stats);
	assert_true(stats.stdout_failing);
	assert_int_equal(stats.dropped, 0);
}

static void stop_waiting(uint32_t events, void *data)
{
	struct event_log_stats stats;
	struct fixture *f = data;

	(void)events;
	event_log_get_stats(f->log, &stats);
	if (!stats.file_failing)
		loop_quit(f->loop, 0);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The limit cuts a line in its middle, as a full disk does. */
static void test_line_cut_by_a_full_disk_is_finished_later(void **state)
{
	_cleanup_(free_ptr) char *text = NULL;
	struct event_log_stats stats;
	struct fixture *f = *state;
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_log(f, -1, f->file, 0);
	set_file_limit(2500);
	for (unsigned int i = 0; i < 5; i++)
		append_numbered(f, i, 1000);
	event_log_get_stats(f->log, &stats);
	assert_true(stats.file_failing);
	set_file_limit(before.rlim_cur);
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 100, stop_waiting, f, &f->reader), 0);
	assert_int_equal(loop_run(f->loop), 0);
	append_numbered(f, 5, 1000);
	text = slurp(f->file);
	assert_int_equal(check_lines(text, 0, NULL), 6);
	signal(SIGXFSZ, SIG_DFL);
}

static void test_line_cut_by_a_dead_daemon_does_not_spoil_the_next(void **state)
{
	_cleanup_(free_ptr) char *text = NULL;
	_cleanup_(close_file) FILE *before = NULL;
	struct fixture *f = *state;

	before = fopen(f->file, "we");
	assert_non_null(before);
	fputs("{\"i\":0}\n{\"i\":", before);
	close_file(&before);
	open_log(f, -1, f->file, 0);
	event_log_append(f->log, "{\"i\":1}", 7);
	text = slurp(f->file);
	assert_string_equal(text, "{\"i\":0}\n{\"i\":\n{\"i\":1}\n");
}

static void test_file_is_bounded_by_rotation(void **state)
{
	_cleanup_(free_ptr) char *now = NULL, *old = NULL;
	struct fixture *f = *state;
	char old_path[96];
	unsigned int n_old;
	struct stat st;

	snprintf(old_path, sizeof(old_path), "%s.1", f->file);
	open_log(f, -1, f->file, 5000);
	for (unsigned int i = 0; i < 10; i++)
		append_numbered(f, i, 1000);
	assert_int_equal(stat(f->file, &st), 0);
	assert_true(st.st_size <= 5000);
	assert_int_equal(stat(old_path, &st), 0);
	assert_true(st.st_size <= 5000);
	old = slurp(old_path);
	now = slurp(f->file);
	n_old = check_lines(old, 4, NULL);
	assert_int_equal(n_old, 4);
	assert_int_equal(check_lines(now, 8, NULL), 2);
}

static void test_line_larger_than_the_bound_gets_its_own_file(void **state)
{
	_cleanup_(free_ptr) char *text = NULL;
	struct fixture *f = *state;

	open_log(f, -1, f->file, 100);
	append_numbered(f, 0, 1000);
	append_numbered(f, 1, 1000);
	text = slurp(f->file);
	assert_int_equal(check_lines(text, 1, NULL), 1);
}

static void test_reopen_follows_a_moved_file(void **state)
{
	_cleanup_(free_ptr) char *now = NULL, *moved = NULL;
	struct fixture *f = *state;
	char moved_path[96];

	snprintf(moved_path, sizeof(moved_path), "%s.1", f->file);
	open_log(f, -1, f->file, 0);
	append_numbered(f, 0, 10);
	assert_int_equal(rename(f->file, moved_path), 0);
	append_numbered(f, 1, 10);
	assert_int_equal(event_log_reopen(f->log), 0);
	append_numbered(f, 2, 10);
	moved = slurp(moved_path);
	now = slurp(f->file);
	assert_int_equal(check_lines(moved, 0, NULL), 2);
	assert_int_equal(check_lines(now, 2, NULL), 1);
}

static void test_failed_reopen_keeps_the_old_file(void **state)
{
	_cleanup_(free_ptr) char *text = NULL;
	struct fixture *f = *state;
	char moved_path[96];

	snprintf(moved_path, sizeof(moved_path), "%s.1", f->file);
	open_log(f, -1, f->file, 0);
	assert_int_equal(rename(f->file, moved_path), 0);
	assert_int_equal(symlink("elsewhere", f->file), 0);
	assert_int_equal(event_log_reopen(f->log), -ELOOP);
	append_numbered(f, 0, 10);
	text = slurp(moved_path);
	assert_int_equal(check_lines(text, 0, NULL), 1);
}

static void test_file_is_private_and_regular(void **state)
{
	struct fixture *f = *state;
	struct event_log_options options = { .stdout_fd = -1, .file = f->file };
	mode_t mask = umask(0);
	struct stat st;

	open_log(f, -1, f->file, 0);
	umask(mask);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	event_log_free(&f->log);
	unlink(f->file);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_int_equal(event_log_new(f->loop, &options, &f->log), -EINVAL);
	unlink(f->file);
	assert_int_equal(symlink("/dev/null", f->file), 0);
	assert_int_equal(event_log_new(f->loop, &options, &f->log), -ELOOP);
	options.file = "/nonexistent-folder/events";
	assert_int_equal(event_log_new(f->loop, &options, &f->log), -ENOENT);
	assert_null(f->log);
}

static void test_memory_keeps_the_last_lines(void **state)
{
	struct fixture *f = *state;
	char text[16];
	size_t n;

	open_log(f, -1, NULL, 0);
	for (unsigned int i = 0; i < EVENT_LOG_LINES + 10; i++) {
		snprintf(text, sizeof(text), "%u", i);
		event_log_append(f->log, text, strlen(text));
	}
	assert_int_equal(event_log_first(f->log), 10);
	assert_int_equal(event_log_next(f->log), EVENT_LOG_LINES + 10);
	assert_null(event_log_line(f->log, 9, &n));
	assert_string_equal(event_log_line(f->log, 10, &n), "10");
	assert_string_equal(event_log_line(f->log, EVENT_LOG_LINES + 9, &n), text);
}

static void test_memory_is_bounded_in_bytes(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = 0;
	size_t n;

	open_log(f, -1, NULL, 0);
	for (unsigned int i = 0; i < 200; i++)
		append_numbered(f, i, 60000);
	for (uint64_t i = event_log_first(f->log); i < event_log_next(f->log); i++) {
		assert_non_null(event_log_line(f->log, i, &n));
		bytes += n;
	}
	assert_in_range(bytes, EVENT_LOG_BYTES - 70000, EVENT_LOG_BYTES);
}

struct follower {
	struct event_log *log;
	struct event_subscription *subscription, *other;
	unsigned int calls, leave_after;
	const char *last;
};

static void follow(void *data)
{
	struct follower *follower = data;
	size_t n;

	follower->last = event_log_line(follower->log, event_log_next(follower->log) - 1, &n);
	if (++follower->calls != follower->leave_after)
		return;
	event_log_unsubscribe(&follower->subscription);
	event_log_unsubscribe(&follower->other);
}

static void test_followers_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct follower stays = { 0 }, leaves = { .leave_after = 2 }, removed = { 0 };

	open_log(f, -1, NULL, 0);
	stays.log = leaves.log = removed.log = f->log;
	/* The last subscriber is called first. */
	assert_int_equal(event_log_subscribe(f->log, follow, &removed, &removed.subscription), 0);
	assert_int_equal(event_log_subscribe(f->log, follow, &leaves, &leaves.subscription), 0);
	assert_int_equal(event_log_subscribe(f->log, follow, &stays, &stays.subscription), 0);
	leaves.other = removed.subscription;
	for (unsigned int i = 0; i < 4; i++)
		event_log_append(f->log, "{}", 2);
	assert_int_equal(stays.calls, 4);
	assert_int_equal(leaves.calls, 2);
	assert_int_equal(removed.calls, 1);
	assert_string_equal(stays.last, "{}");
	event_log_unsubscribe(&stays.subscription);
	assert_null(stays.subscription);
	event_log_append(f->log, "{}", 2);
	assert_int_equal(stays.calls, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines_reach_all_sinks_in_order),
		TEST(test_no_sinks_still_remember),
		TEST(test_unread_pipe_spools_and_keeps_flags),
		TEST(test_overflow_is_counted_and_told),
		TEST(test_blocking_pipe_without_reopen_never_blocks),
		TEST(test_socket_is_written_without_blocking),
		TEST(test_reader_that_left_does_not_kill),
		TEST(test_full_device_is_noticed),
		TEST(test_line_cut_by_a_full_disk_is_finished_later),
		TEST(test_line_cut_by_a_dead_daemon_does_not_spoil_the_next),
		TEST(test_file_is_bounded_by_rotation),
		TEST(test_line_larger_than_the_bound_gets_its_own_file),
		TEST(test_reopen_follows_a_moved_file),
		TEST(test_failed_reopen_keeps_the_old_file),
		TEST(test_file_is_private_and_regular),
		TEST(test_memory_keeps_the_last_lines),
		TEST(test_memory_is_bounded_in_bytes),
		TEST(test_followers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
