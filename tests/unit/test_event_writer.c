// SPDX-License-Identifier: Apache-2.0
/* The thread of the event file, and the output in front of it, while the disk does not answer. The disk is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "enforcer/event_file.h"
#include "enforcer/event_sink.h"
#include "enforcer/event_writer.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

/* The disk: lines that it took, and whether it answers. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool stalled;
static int error, sync_error;
static char text[1024];
static unsigned int opened, refusals, syncs;

static void wait_for_disk(void)
{
	while (stalled)
		pthread_cond_wait(&moved, &lock);
}

int event_file_open(struct event_file *file)
{
	(void)file;
	pthread_mutex_lock(&lock);
	wait_for_disk();
	opened++;
	pthread_mutex_unlock(&lock);
	return 0;
}

size_t event_file_close(struct event_file *file)
{
	(void)file;
	return 0;
}

int event_file_sync(struct event_file *file)
{
	int err;

	pthread_mutex_lock(&lock);
	err = sync_error;
	if (err) {
		refusals++;
	} else {
		syncs++;
		file->unsure_bytes = 0;
	}
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
	return err;
}

bool event_file_is_ragged(int fd, uint64_t bytes)
{
	(void)fd;
	(void)bytes;
	return false;
}

int event_file_put(struct event_file *file, const char *line, size_t n)
{
	int err;

	pthread_mutex_lock(&lock);
	wait_for_disk();
	err = error;
	if (!err) {
		strncat(text, line, n);
		file->unsure_bytes = n;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

static void set_disk(bool stall, int err)
{
	pthread_mutex_lock(&lock);
	stalled = stall;
	error = err;
	pthread_cond_broadcast(&moved);
	pthread_mutex_unlock(&lock);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_EMERG);
	set_disk(false, 0);
	text[0] = '\0';
	sync_error = 0;
	opened = refusals = syncs = 0;
	return 0;
}

static void await(const struct event_writer *writer)
{
	struct pollfd poller = { .fd = event_writer_fd(writer), .events = POLLIN };

	assert_int_equal(poll(&poller, 1, 30000), 1);
}

static void test_answers_come_at_once_from_a_disk_that_works(void **state)
{
	struct event_writer *writer = NULL;

	(void)state;
	assert_int_equal(event_writer_new("x", 0, &writer), 0);
	assert_int_equal(event_writer_open(writer), 0);
	assert_int_equal(event_writer_put(writer, "a\n", 2), 0);
	set_disk(false, -ENOSPC);
	assert_int_equal(event_writer_put(writer, "b\n", 2), -ENOSPC);
	set_disk(false, 0);
	assert_int_equal(event_writer_put(writer, "b\n", 2), 0);
	assert_string_equal(text, "a\nb\n");
	event_writer_free(&writer);
	assert_null(writer);
}

static void test_late_answer_is_kept_and_given_once(void **state)
{
	struct event_writer *writer = NULL;
	uint64_t before;

	(void)state;
	assert_int_equal(event_writer_new("x", 0, &writer), 0);
	set_disk(true, -EIO);
	assert_int_equal(event_writer_put(writer, "a\n", 2), -ETIMEDOUT);
	before = clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < 100; i++)
		assert_int_equal(event_writer_put(writer, "a\n", 2), -ETIMEDOUT);
	assert_true(clock_ns(CLOCK_MONOTONIC) - before < 10 * EVENT_WRITER_WAIT_NS); /* of a hundred */
	set_disk(false, -EIO);
	await(writer);
	assert_int_equal(event_writer_put(writer, "a\n", 2), -EIO);
	set_disk(false, 0);
	assert_int_equal(event_writer_put(writer, "a\n", 2), 0);
	assert_string_equal(text, "a\n");
	event_writer_free(&writer);
}

/* SIGHUP meanwhile: the line in hand is written once, the file opened before the next one. */
static void test_reopen_waits_for_the_line_in_hand(void **state)
{
	struct event_writer *writer = NULL;

	(void)state;
	assert_int_equal(event_writer_new("x", 0, &writer), 0);
	set_disk(true, 0);
	assert_int_equal(event_writer_put(writer, "a\n", 2), -ETIMEDOUT);
	assert_int_equal(event_writer_open(writer), -ETIMEDOUT);
	set_disk(false, 0);
	await(writer);
	assert_int_equal(event_writer_put(writer, "a\n", 2), 0);
	assert_int_equal(opened, 0);
	assert_int_equal(event_writer_put(writer, "b\n", 2), 0);
	assert_int_equal(opened, 1);
	assert_string_equal(text, "a\nb\n");
	event_writer_free(&writer);
}

static void test_late_open_is_followed_by_the_line(void **state)
{
	struct event_writer *writer = NULL;

	(void)state;
	assert_int_equal(event_writer_new("x", 0, &writer), 0);
	set_disk(true, 0);
	assert_int_equal(event_writer_open(writer), -ETIMEDOUT);
	assert_int_equal(event_writer_put(writer, "a\n", 2), -ETIMEDOUT);
	set_disk(false, 0);
	await(writer);
	assert_int_equal(event_writer_put(writer, "a\n", 2), 0);
	assert_string_equal(text, "a\n");
	event_writer_free(&writer);
}

/* Waits until a count of calls is at least n. */
static void await_calls(const unsigned int *calls, unsigned int n)
{
	pthread_mutex_lock(&lock);
	while (*calls < n)
		pthread_cond_wait(&moved, &lock);
	pthread_mutex_unlock(&lock);
}

/* Without any further line: until it has said yes, and not after that. It may be asked as soon as the line is written. */
static void test_disk_is_asked_for_what_was_written_until_it_has_it(void **state)
{
	struct event_writer *writer = NULL;

	(void)state;
	sync_error = -EIO;
	assert_int_equal(event_writer_new("x", 0, &writer), 0);
	assert_int_equal(event_writer_put(writer, "a\n", 2), 0);
	await_calls(&refusals, 2);
	pthread_mutex_lock(&lock);
	sync_error = 0;
	pthread_mutex_unlock(&lock);
	await_calls(&syncs, 1);
	event_writer_free(&writer);
	assert_int_equal(syncs, 1);
}

struct waiting {
	struct loop *loop;
	struct event_sink *sink;
	struct loop_source *poll, *limit;
};

static void look(uint32_t events, void *data)
{
	struct waiting *w = data;

	(void)events;
	if (event_sink_waiting(w->sink) == 0)
		loop_quit(w->loop, 0);
}

static void give_up(uint32_t events, void *data)
{
	struct waiting *w = data;

	(void)events;
	loop_quit(w->loop, -ETIMEDOUT);
}

/* The main thread is held up once, and for moments; what comes meanwhile is kept in order and written by itself. */
static void test_output_waits_for_the_disk_without_the_daemon(void **state)
{
	struct waiting w = { 0 };
	uint64_t before;

	(void)state;
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(event_sink_new_file(w.loop, "x", 0, &w.sink), 0);
	event_sink_write(w.sink, "0", 1);
	set_disk(true, 0);
	before = clock_ns(CLOCK_MONOTONIC);
	for (int i = 1; i < 10; i++)
		event_sink_write(w.sink, "123456789" + i - 1, 1);
	assert_true(clock_ns(CLOCK_MONOTONIC) - before < 5 * EVENT_WRITER_WAIT_NS); /* nine lines */
	assert_true(event_sink_is_failing(w.sink));
	assert_int_equal(event_sink_waiting(w.sink), 18);
	set_disk(false, 0);
	assert_int_equal(loop_timer(w.loop, 0, NSEC_PER_SEC / 100, look, &w, &w.poll), 0);
	assert_int_equal(loop_timer(w.loop, 30 * NSEC_PER_SEC, 0, give_up, &w, &w.limit), 0);
	assert_int_equal(loop_run(w.loop), 0);
	assert_string_equal(text, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
	assert_false(event_sink_is_failing(w.sink));
	assert_int_equal(event_sink_dropped(w.sink), 0);
	loop_unwatch(&w.poll);
	loop_unwatch(&w.limit);
	event_sink_free(&w.sink);
	loop_free(&w.loop);
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers_come_at_once_from_a_disk_that_works),
		TEST(test_late_answer_is_kept_and_given_once),
		TEST(test_reopen_waits_for_the_line_in_hand),
		TEST(test_late_open_is_followed_by_the_line),
		TEST(test_disk_is_asked_for_what_was_written_until_it_has_it),
		TEST(test_output_waits_for_the_disk_without_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
