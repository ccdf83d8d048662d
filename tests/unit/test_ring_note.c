// SPDX-License-Identifier: Apache-2.0
/* The config on events over a crash at each step, and the sums that must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/ring_note.h"
#include "enforcer/util.h"

enum step { STEP_BEGUN, STEP_TOLD, STEP_COUNTED, STEP_TAKEN };

/* A daemon tells records of 40 bytes and is killed after a step of the nth. Its successor must find exactly that. */
static void check_kill(uint64_t n, enum step step)
{
	struct hf_config config = { 0 };
	uint64_t position = 0;
	enum ring_note_state expected = step <= STEP_TOLD ? RING_NOTE_DOUBTFUL :
					step == STEP_COUNTED ? RING_NOTE_TOLD : RING_NOTE_CLEAN;

	for (uint64_t i = 0; i <= n; i++) {
		bool last = i == n;

		ring_note_begin(&config, position + 40);
		if (!last || step >= STEP_COUNTED)
			ring_note_taken(&config, true);
		if (!last || step >= STEP_TAKEN)
			position += 40;
	}
	assert_int_equal(ring_note_recover(&config, position), expected);
	assert_int_equal(config.events_taken, step >= STEP_COUNTED ? n + 1 : n);
	if (expected == RING_NOTE_TOLD)
		assert_int_equal(ring_note_end(&config), position + 40);
}

static void test_kill_at_each_step_is_understood(void **state)
{
	(void)state;
	for (uint64_t n = 0; n < 20; n++)
		for (int step = STEP_BEGUN; step <= STEP_TAKEN; step++)
			check_kill(n, (enum step)step);
}

/* Killed again before the doubtful record was told: still doubtful, and counted once. */
static void test_second_kill_changes_nothing(void **state)
{
	struct hf_config config = { .events_taken = 7 };

	(void)state;
	ring_note_begin(&config, 48);
	assert_int_equal(ring_note_recover(&config, 0), RING_NOTE_DOUBTFUL);
	ring_note_begin(&config, 48);
	assert_int_equal(ring_note_recover(&config, 0), RING_NOTE_DOUBTFUL);
	ring_note_taken(&config, true);
	assert_int_equal(ring_note_recover(&config, 0), RING_NOTE_TOLD);
	assert_int_equal(config.events_taken, 8);
}

static void test_note_of_no_record_is_ignored(void **state)
{
	static const struct {
		uint64_t note, position;
	} rows[] = {
		{ 0, 0 }, { 0, 400 }, { 400, 400 }, { 392, 400 }, { 400 + HF_RING_BYTES + 8, 400 }, { UINT64_MAX, 8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hf_config config = { .events.position = rows[i].note };

		assert_int_equal(ring_note_recover(&config, rows[i].position), RING_NOTE_CLEAN);
	}
}

static void test_sums_agree(void **state)
{
	static const struct {
		uint64_t events, full, no_memory, taken, waiting;
		struct ring_counts expected; /* produced, delivered, waiting, lost, unreadable */
	} rows[] = {
		{ 0, 0, 0, 0, 0, { 0, 0, 0, 0, 0 } },
		{ 10, 0, 0, 7, 3, { 10, 7, 3, 0, 0 } },
		{ 10, 4, 1, 7, 3, { 15, 7, 3, 5, 0 } },
		{ 10, 0, 0, 6, 3, { 10, 6, 3, 1, 1 } }, /* one could not be read */
		{ 10, 2, 0, 6, 0, { 12, 6, 0, 6, 4 } },
		{ 9, 0, 0, 7, 3, { 9, 7, 3, 0, 0 } }, /* the counter follows in an instant */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hf_config config = { .events_taken = rows[i].taken };
		uint64_t counters[_HF_COUNTER_MAX] = {
			[HF_COUNTER_EVENTS] = rows[i].events,
			[HF_COUNTER_EVENTS_LOST] = rows[i].full,
			[HF_COUNTER_EVENTS_NO_MEMORY] = rows[i].no_memory,
		};
		struct ring_counts counts;

		ring_note_counts(&config, counters, rows[i].waiting, &counts);
		assert_memory_equal(&counts, &rows[i].expected, sizeof(counts));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_at_each_step_is_understood),
		cmocka_unit_test(test_second_kill_changes_nothing),
		cmocka_unit_test(test_note_of_no_record_is_ignored),
		cmocka_unit_test(test_sums_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
