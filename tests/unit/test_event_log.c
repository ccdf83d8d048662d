// SPDX-License-Identifier: Apache-2.0
/* Where event lines go: memory, followers, pipes and sockets that nobody reads. Files are in test_event_file.c. */
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
#include <sys/socket.h>

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
	assert_false(stats.outputs[EVENT_OUTPUT_STDOUT].failing);
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
	assert_true(stats.outputs[EVENT_OUTPUT_STDOUT].failing);
	assert_in_range(stats.dropped, 500, 700);
	read_until(f, "\"lost\"");
	arrived = check_lines(f->text, 0, &lost);
	assert_int_equal(arrived, 1000 - stats.dropped);
	assert_true(json_object_object_get_ex(lost, "count", &count));
	assert_int_equal(json_object_get_int64(count), stats.dropped);
	json_object_put(lost);
	event_log_get_stats(f->log, &stats);
	assert_false(stats.outputs[EVENT_OUTPUT_STDOUT].failing);
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
	assert_true(stats.outputs[EVENT_OUTPUT_STDOUT].failing);
	assert_false(stats.outputs[EVENT_OUTPUT_FILE].failing);
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
	assert_true(stats.outputs[EVENT_OUTPUT_STDOUT].failing);
	assert_int_equal(stats.dropped, 0);
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
		TEST(test_memory_keeps_the_last_lines),
		TEST(test_memory_is_bounded_in_bytes),
		TEST(test_followers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
