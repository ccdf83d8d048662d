// SPDX-License-Identifier: Apache-2.0
/* Layer sets: who shares one, when it goes, and that its number is nobody else's. Times are given, none is waited for. */
#include "enforcer/layers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "enforcer/util.h"

#define START_NS 5000u

static int setup(void **state)
{
	return layers_new(LAYERS_GRACE_NS, (struct layers **)state);
}

static int teardown(void **state)
{
	layers_free((struct layers **)state);
	layers_free((struct layers **)state);
	return 0;
}

static struct layer_set *take(struct layers *layers, const char *identity)
{
	struct layer_set *set = NULL;

	assert_int_equal(layers_acquire(layers, identity, &set), 0);
	assert_non_null(set);
	assert_int_not_equal(set->id, 0);
	return set;
}

static uint32_t take_complete(struct layers *layers, const char *identity)
{
	struct layer_set *set = take(layers, identity);

	set->complete = true;
	return set->id;
}

static void test_same_layers_share_a_set(void **state)
{
	struct layers *layers = *state;
	struct layer_set *a = take(layers, "a");

	a->complete = true;
	a->executables = 7;
	assert_ptr_equal(take(layers, "a"), a);
	assert_ptr_not_equal(take(layers, "b"), a);
	assert_string_equal(layers_identity(layers, a->id), "a");
	assert_true(layers_known(layers, a->id));
	assert_false(layers_known(layers, a->id + 100));
	assert_null(layers_identity(layers, a->id + 100));
}

static void test_unnamed_layers_are_never_shared(void **state)
{
	struct layers *layers = *state;
	struct layer_set *a = take(layers, NULL), *b = take(layers, NULL);

	assert_int_not_equal(a->id, b->id);
	assert_false(a->complete);
	assert_null(layers_identity(layers, a->id));
	assert_int_not_equal(take(layers, "")->id, a->id);
}

static void test_set_stays_for_its_grace_time(void **state)
{
	struct layers *layers = *state;
	uint32_t a = take_complete(layers, "a");

	layers_release(layers, a, START_NS);
	assert_int_equal(layers_expired(layers, START_NS + LAYERS_GRACE_NS - 1), 0);
	assert_int_equal(take(layers, "a")->id, a); /* used again: the time starts anew */
	assert_int_equal(layers_expired(layers, START_NS + 10 * LAYERS_GRACE_NS), 0);
	layers_release(layers, a, 2 * LAYERS_GRACE_NS);
	assert_int_equal(layers_expired(layers, 3 * LAYERS_GRACE_NS - 1), 0);
	assert_int_equal(layers_expired(layers, 3 * LAYERS_GRACE_NS), a);
	assert_int_equal(layers_expired(layers, 3 * LAYERS_GRACE_NS), 0);
	assert_false(layers_known(layers, a));
}

static void test_set_stays_for_its_last_user(void **state)
{
	struct layers *layers = *state;
	uint32_t a = take_complete(layers, "a");

	take(layers, "a");
	layers_release(layers, a, 0);
	assert_int_equal(layers_expired(layers, UINT64_MAX), 0);
	layers_release(layers, a, 0); /* a clock at 0 counts as well */
	assert_int_equal(layers_expired(layers, LAYERS_GRACE_NS + 1), a);
}

static void test_set_nobody_can_find_goes_at_once(void **state)
{
	struct layers *layers = *state;
	uint32_t unnamed = take_complete(layers, NULL), incomplete = take(layers, "a")->id;

	assert_int_equal(layers_expired(layers, START_NS), 0);
	layers_release(layers, unnamed, START_NS);
	assert_int_equal(layers_expired(layers, START_NS), unnamed);
	layers_release(layers, incomplete, START_NS);
	assert_int_equal(layers_expired(layers, START_NS), incomplete);
	assert_int_equal(layers_expired(layers, START_NS), 0);
}

static void test_release_without_user_changes_nothing(void **state)
{
	struct layers *layers = *state;
	uint32_t a = take_complete(layers, "a");

	layers_release(layers, a + 1, START_NS);
	layers_release(layers, 0, START_NS);
	layers_release(layers, a, START_NS);
	layers_release(layers, a, START_NS + LAYERS_GRACE_NS);
	assert_int_equal(layers_expired(layers, START_NS + LAYERS_GRACE_NS), a);
	layers_release(layers, a, START_NS);
	assert_int_equal(layers_expired(layers, UINT64_MAX), 0);
}

static void test_too_many_idle_sets_lose_the_longest_idle(void **state)
{
	struct layers *layers = *state;
	uint32_t ids[LAYERS_IDLE_MAX + 2];
	char name[16];

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		ids[i] = take_complete(layers, name);
	}
	/* Idle in another order than made: the last two first. */
	layers_release(layers, ids[LAYERS_IDLE_MAX + 1], START_NS);
	layers_release(layers, ids[LAYERS_IDLE_MAX], START_NS + 1);
	for (size_t i = 0; i < LAYERS_IDLE_MAX - 2; i++)
		layers_release(layers, ids[i], START_NS + 2 + i);
	assert_int_equal(layers_expired(layers, START_NS + 1000), 0);
	layers_release(layers, ids[LAYERS_IDLE_MAX - 2], START_NS + 999);
	layers_release(layers, ids[LAYERS_IDLE_MAX - 1], START_NS + 1000);
	assert_int_equal(layers_expired(layers, START_NS + 1000), ids[LAYERS_IDLE_MAX + 1]);
	assert_int_equal(layers_expired(layers, START_NS + 1000), ids[LAYERS_IDLE_MAX]);
	assert_int_equal(layers_expired(layers, START_NS + 1000), 0);
	assert_int_equal(take(layers, "0")->id, ids[0]);
}

/* No room for another image: the longest idle goes before its time, those in use never. */
static void test_evicted_set_is_the_longest_idle(void **state)
{
	struct layers *layers = *state;
	uint32_t a = take_complete(layers, "a"), b = take_complete(layers, "b"), c = take_complete(layers, "c");

	assert_int_equal(layers_evict(layers), 0);
	layers_release(layers, b, START_NS);
	layers_release(layers, a, START_NS + 1);
	assert_int_equal(layers_evict(layers), b);
	assert_false(layers_known(layers, b));
	assert_int_equal(layers_evict(layers), a);
	assert_int_equal(layers_evict(layers), 0);
	assert_true(layers_known(layers, c));
}

static void test_number_is_not_given_twice(void **state)
{
	struct layers *layers = *state;
	uint32_t last = 0;

	for (unsigned int i = 0; i < 100; i++) {
		uint32_t id = take(layers, NULL)->id;

		assert_true(id > last); /* even those of sets that went: their entries may still be on their way out */
		last = id;
		layers_release(layers, id, START_NS);
		assert_int_equal(layers_expired(layers, START_NS), id);
	}
}

static void test_numbers_wrap_around_zero_and_those_in_use(void **state)
{
	struct layers *layers = *state;

	assert_int_equal(layers_adopt(layers, UINT32_MAX, "max", true, 1), 0);
	assert_int_equal(layers_adopt(layers, 1, "one", true, 1), 0);
	assert_int_equal(layers_adopt(layers, 2, NULL, false, 1), 0);
	assert_int_equal(take(layers, NULL)->id, 3);
	assert_int_equal(take(layers, NULL)->id, 4);
	assert_int_equal(take(layers, "one")->id, 1);
}

static void test_adopted_set_is_known(void **state)
{
	struct layers *layers = *state;
	struct layer_set *set;

	assert_int_equal(layers_adopt(layers, 9, "a", true, 5), 0);
	set = take(layers, "a");
	assert_int_equal(set->id, 9);
	assert_true(set->complete);
	assert_int_equal(set->executables, 5);
	assert_int_equal(take(layers, "b")->id, 10);
	layers_release(layers, 9, START_NS);
	assert_int_equal(layers_expired(layers, UINT64_MAX), 0);
	layers_release(layers, 9, START_NS);
	assert_int_equal(layers_expired(layers, UINT64_MAX), 9);
}

static void test_number_of_another_identity_is_not_adopted(void **state)
{
	struct layers *layers = *state;

	assert_int_equal(layers_adopt(layers, 9, "a", true, 5), 0);
	assert_int_equal(layers_adopt(layers, 9, "b", true, 5), -EEXIST);
	assert_int_equal(layers_adopt(layers, 9, NULL, false, 5), -EEXIST);
	assert_int_equal(layers_adopt(layers, 9, "a", true, 5), 0); /* the twin: a second user */
	assert_int_equal(layers_adopt(layers, 8, NULL, false, 5), 0);
	assert_int_equal(layers_adopt(layers, 8, "a", false, 5), -EEXIST);
	assert_int_equal(layers_adopt(layers, 8, NULL, false, 5), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(layers_expired(layers, UINT64_MAX), 0);
		layers_release(layers, 8, START_NS);
	}
	assert_int_equal(layers_expired(layers, START_NS), 8);
}

/* A node's life: a hundred thousand starts and stops of a few hundred images; in the end nothing is left. */
static void test_hundred_thousand_starts_and_stops_leave_nothing(void **state)
{
	struct layers *layers;
	uint32_t expired = 0, id, acquired = 0;
	uint64_t now = 1;

	(void)state;
	assert_int_equal(layers_new(LAYERS_GRACE_NS, &layers), 0);
	for (unsigned int i = 0; i < 100000; i++) {
		struct layer_set *set;
		char identity[32];

		snprintf(identity, sizeof(identity), "image-%u", i * 7919 % 300);
		assert_int_equal(layers_acquire(layers, i % 10 ? identity : NULL, &set), 0);
		acquired += !set->executables;
		set->executables = 1;
		set->complete = i % 11;
		layers_release(layers, set->id, now);
		now += NSEC_PER_SEC;
		while ((id = layers_expired(layers, now))) {
			assert_false(layers_known(layers, id));
			expired++;
		}
	}
	while (layers_expired(layers, now + LAYERS_GRACE_NS))
		expired++;
	assert_int_equal(expired, acquired);
	layers_free(&layers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hundred_thousand_starts_and_stops_leave_nothing),
		cmocka_unit_test_setup_teardown(test_same_layers_share_a_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unnamed_layers_are_never_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_stays_for_its_grace_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_stays_for_its_last_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_nobody_can_find_goes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release_without_user_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_idle_sets_lose_the_longest_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evicted_set_is_the_longest_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_number_is_not_given_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_wrap_around_zero_and_those_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopted_set_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_number_of_another_identity_is_not_adopted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
