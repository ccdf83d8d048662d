// SPDX-License-Identifier: Apache-2.0
/* Files that wait to be compared: order, turns, patience, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/settle_queue.h"

#define MS (NSEC_PER_SEC / 1000)

static int add(struct settle_queue *queue, uint64_t container, const char *path, uint64_t now_ns)
{
	struct settle_place place = { .container = container, .layers = "/layers=1:2@3;" };

	return settle_queue_add(queue, &place, path, now_ns);
}

/* The next one as "container:path", or when one comes. */
static void expect_next(struct settle_queue *queue, uint64_t now_ns, const char *want)
{
	uint64_t due;
	const struct settle_file *file = settle_queue_next(queue, now_ns, &due);
	char got[64];

	if (file)
		snprintf(got, sizeof(got), "%llu:%s", (unsigned long long)file->place.container, file->path);
	else if (due == UINT64_MAX)
		strcpy(got, "none");
	else
		snprintf(got, sizeof(got), "at %llu", (unsigned long long)(due / MS));
	assert_string_equal(got, want);
}

static int setup(void **state)
{
	return settle_queue_new((struct settle_queue **)state);
}

static int teardown(void **state)
{
	settle_queue_free((struct settle_queue **)state);
	assert_null(*state);
	settle_queue_free((struct settle_queue **)state);
	return 0;
}

static void test_a_file_is_there_once(void **state)
{
	struct settle_queue *queue = *state;

	expect_next(queue, 0, "none");
	for (int i = 0; i < 3; i++)
		assert_int_equal(add(queue, 1, "bin/a", 0), 0);
	assert_int_equal(add(queue, 2, "bin/a", 0), 0);
	assert_int_equal(settle_queue_count(queue), 2);
	expect_next(queue, 0, "1:bin/a");
	assert_false(settle_queue_done(queue, SETTLE_RESULT_DONE, 0));
	expect_next(queue, 0, "2:bin/a");
	assert_false(settle_queue_done(queue, SETTLE_RESULT_DONE, 0));
	expect_next(queue, 0, "none");
}

static void test_containers_take_turns(void **state)
{
	struct settle_queue *queue = *state;
	char path[16];

	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%d", i);
		assert_int_equal(add(queue, 7, path, (uint64_t)i), 0);
	}
	assert_int_equal(add(queue, 3, "x", 10), 0);
	assert_int_equal(add(queue, 9, "y", 11), 0);
	expect_next(queue, 20, "3:x");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 20);
	expect_next(queue, 20, "7:0");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 20);
	expect_next(queue, 20, "9:y");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 20);
	expect_next(queue, 20, "7:1");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 20);
	expect_next(queue, 20, "7:2");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 20);
}

static void test_later_waits_twice_as_long_each_time(void **state)
{
	struct settle_queue *queue = *state;
	uint64_t now = 0, pause = SETTLE_FIRST_NS;
	uint64_t due;

	assert_int_equal(add(queue, 1, "a", 0), 0);
	while (now < SETTLE_PATIENCE_NS) {
		assert_non_null(settle_queue_next(queue, now, &due));
		assert_false(settle_queue_done(queue, SETTLE_RESULT_LATER, now));
		assert_null(settle_queue_next(queue, now, &due));
		assert_int_equal(due, now + pause);
		now = due;
		pause = 2 * pause < SETTLE_LONGEST_NS ? 2 * pause : SETTLE_LONGEST_NS;
	}
	assert_non_null(settle_queue_next(queue, now, &due));
	assert_true(settle_queue_done(queue, SETTLE_RESULT_LATER, now));
	assert_int_equal(settle_queue_count(queue), 0);
}

static void test_asked_for_while_looked_at_is_looked_at_again(void **state)
{
	struct settle_queue *queue = *state;

	assert_int_equal(add(queue, 1, "a", 0), 0);
	expect_next(queue, 0, "1:a");
	assert_int_equal(add(queue, 1, "a", 5), 0);
	assert_false(settle_queue_done(queue, SETTLE_RESULT_DONE, 6));
	expect_next(queue, 6, "1:a");
	assert_false(settle_queue_done(queue, SETTLE_RESULT_DONE, 7));
	expect_next(queue, 7, "none");
}

static void test_asked_for_again_its_turn_comes_at_once(void **state)
{
	struct settle_queue *queue = *state;

	assert_int_equal(add(queue, 1, "a", 0), 0);
	expect_next(queue, 0, "1:a");
	settle_queue_done(queue, SETTLE_RESULT_LATER, 0);
	expect_next(queue, 0, "at 10");
	assert_int_equal(add(queue, 1, "a", 1), 0);
	expect_next(queue, 1, "1:a");
	settle_queue_done(queue, SETTLE_RESULT_DONE, 1);
}

static void test_a_container_gets_its_share_and_no_more(void **state)
{
	struct settle_queue *queue = *state;
	char path[16];
	uint64_t n = 0;

	for (int i = 0; i <= SETTLE_SHARE_MAX; i++) {
		snprintf(path, sizeof(path), "%d", i);
		assert_int_equal(add(queue, 1, path, 0), i < SETTLE_SHARE_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(add(queue, 1, "0", 0), 0);
	assert_int_equal(add(queue, 2, "0", 0), 0);
	for (uint64_t container = 3; !add(queue, container, "x", 0); container++)
		n++;
	assert_int_equal(settle_queue_count(queue), SETTLE_WAITING_MAX);
	assert_int_equal(n, SETTLE_WAITING_MAX - SETTLE_SHARE_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_file_is_there_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_containers_take_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_waits_twice_as_long_each_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked_for_while_looked_at_is_looked_at_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked_for_again_its_turn_comes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_container_gets_its_share_and_no_more, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
