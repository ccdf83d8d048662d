// SPDX-License-Identifier: Apache-2.0
/* Slots and ranges of exception entries: shared, kept in quarantine, inherited, full. Times are given, none is waited for. */
#include "enforcer/policy_slots.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/util.h"

#define POLICIES 8
#define ENTRIES 10
#define CONTAINERS 4
#define LATER (POLICY_SLOTS_QUARANTINE_NS)

/* What somebody holds. */
struct held {
	uint32_t slot, n;
	uint8_t says;
};

struct fixture {
	struct hf_policy policies[POLICIES];
	struct hf_exception exceptions[ENTRIES];
	struct hf_config config;
	struct hf_container containers[CONTAINERS];
	struct hf_exception entries[ENTRIES]; /* what policies are made of */
	struct policy_slots *slots;
};

static struct policy_tables tables_of(struct fixture *f)
{
	return (struct policy_tables){ f->policies, POLICIES, f->exceptions, ENTRIES, &f->config, f->containers, CONTAINERS };
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct policy_tables tables = tables_of(f);

	assert_non_null(f);
	for (uint32_t i = 0; i < ENTRIES; i++)
		f->entries[i].index = i;
	*state = f;
	return policy_slots_new(&tables, &f->slots);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	policy_slots_free(&f->slots);
	free(f);
	return 0;
}

static void renew(struct fixture *f)
{
	struct policy_tables tables = tables_of(f);

	policy_slots_free(&f->slots);
	assert_int_equal(policy_slots_new(&tables, &f->slots), 0);
}

/* Policies differ by what they say of memory files, and by the number of their entries. */
static int acquire(struct fixture *f, uint8_t says, uint32_t n, uint32_t generation, uint64_t now_ns, uint32_t *ret)
{
	struct policy_compiled compiled = { .exceptions = f->entries, .n_exceptions = n };

	compiled.policy.valid = 1;
	compiled.policy.memfd_map = says;
	compiled.policy.exceptions_count = n;
	return policy_slots_acquire(f->slots, &compiled, generation, now_ns, ret);
}

static uint32_t must(struct fixture *f, uint8_t says, uint32_t n, uint64_t now_ns)
{
	uint32_t slot = 0;

	assert_int_equal(acquire(f, says, n, 1, now_ns, &slot), 0);
	assert_true(slot >= HF_SLOT_FIRST && slot < POLICIES);
	assert_int_equal(f->policies[slot].valid, 1);
	assert_int_equal(f->policies[slot].memfd_map, says);
	assert_int_equal(f->policies[slot].exceptions_count, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(f->exceptions[f->policies[slot].exceptions_first + i].index, i);
	return slot;
}

static void test_equal_policies_share_a_slot(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 2, 0), other;

	assert_int_equal(must(f, 1, 2, 0), a);
	assert_int_not_equal(must(f, 2, 2, 0), a);
	assert_int_not_equal(must(f, 1, 3, 0), a);
	assert_int_equal(acquire(f, 1, 2, 2, 0, &other), 0);
	assert_int_not_equal(other, a);
	assert_int_equal(f->policies[other].generation, 2);
	assert_true(policy_slots_equal(f->slots, a, other));
	assert_false(policy_slots_equal(f->slots, a, must(f, 1, 3, 0)));
}

static void test_entries_tell_policies_apart(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 2, 0), b;

	f->entries[1].expires_ns = 5;
	assert_int_equal(acquire(f, 1, 2, 1, 0, &b), 0);
	assert_int_not_equal(a, b);
	assert_false(policy_slots_equal(f->slots, a, b));
}

static void test_slot_stays_for_the_last_holder(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 0, 0);

	must(f, 1, 0, 0);
	policy_slots_release(f->slots, a, 0);
	assert_int_equal(policy_slots_next_free_ns(f->slots), 0);
	assert_int_equal(must(f, 1, 0, 10 * LATER), a);
	policy_slots_release(f->slots, a, 10 * LATER);
	policy_slots_release(f->slots, a, 10 * LATER);
	assert_true(policy_slots_next_free_ns(f->slots) == 11 * LATER);
}

static void test_released_slot_waits_in_quarantine(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 0, 100);

	policy_slots_release(f->slots, a, 100);
	/* Not even for the same policy: a program may still read it, and it is valid for that one. */
	assert_int_not_equal(must(f, 1, 0, 100 + LATER - 1), a);
	assert_int_equal(f->policies[a].valid, 1);
	assert_int_equal(must(f, 2, 0, 100 + LATER), a);
}

static void test_quarantine_ends_in_order_of_release(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 0, 0), b = must(f, 2, 0, 0), c = must(f, 3, 0, 0), other;

	policy_slots_release(f->slots, b, 10);
	policy_slots_release(f->slots, c, 20);
	policy_slots_release(f->slots, a, 30);
	assert_true(policy_slots_next_free_ns(f->slots) == 10 + LATER);
	for (uint8_t says = 4; must(f, says, 0, 30) < POLICIES - 1; says++)
		;
	assert_int_equal(acquire(f, 10, 0, 1, 10 + LATER - 1, &other), -ENOSPC);
	assert_int_equal(must(f, 10, 0, 10 + LATER), b);
	assert_int_equal(acquire(f, 11, 0, 1, 20 + LATER - 1, &other), -ENOSPC);
	assert_int_equal(must(f, 11, 0, 20 + LATER), c);
	assert_int_equal(must(f, 12, 0, 30 + LATER), a);
	assert_int_equal(policy_slots_next_free_ns(f->slots), 0);
}

static void test_discarded_slot_is_free_at_once(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 6, 0), b = must(f, 2, 2, 0);

	must(f, 2, 2, 0);
	policy_slots_discard(f->slots, b);
	assert_int_equal(f->policies[b].valid, 1);
	policy_slots_discard(f->slots, a);
	assert_int_equal(f->policies[a].valid, 0);
	assert_int_equal(must(f, 3, 6, 0), a);
}

static void test_ranges_are_first_fit_and_never_overlap(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 3, 0), b = must(f, 2, 2, 0), c = must(f, 3, 5, 0), other = 77;

	assert_int_equal(f->policies[a].exceptions_first, 0);
	assert_int_equal(f->policies[b].exceptions_first, 3);
	assert_int_equal(f->policies[c].exceptions_first, 5);
	assert_int_equal(acquire(f, 4, 1, 1, 0, &other), -ENOSPC);
	assert_int_equal(other, 77);
	must(f, 4, 0, 0);
	policy_slots_release(f->slots, a, 0);
	policy_slots_release(f->slots, c, 0);
	assert_int_equal(acquire(f, 5, 1, 1, LATER - 1, &other), -ENOSPC);
	/* 3 free at 0 and 5 at 5: 4 do not fit into the first hole. */
	assert_int_equal(f->policies[must(f, 5, 4, LATER)].exceptions_first, 5);
	assert_int_equal(f->policies[must(f, 6, 3, LATER)].exceptions_first, 0);
	assert_int_equal(acquire(f, 7, 2, 1, LATER, &other), -ENOSPC);
	assert_int_equal(f->policies[must(f, 7, 1, LATER)].exceptions_first, 9);
}

static void test_full_table_refuses(void **state)
{
	struct fixture *f = *state;
	uint32_t other = 77;

	for (uint8_t says = 1; says <= POLICIES - HF_SLOT_FIRST; says++)
		must(f, says, 0, 0);
	assert_int_equal(acquire(f, 100, 0, 1, 0, &other), -ENOSPC);
	assert_int_equal(other, 77);
	/* Sharing needs no room. */
	must(f, 1, 0, 0);
}

static void test_reserved_slots_are_left_alone(void **state)
{
	struct fixture *f = *state;

	for (uint8_t says = 1; says <= POLICIES - HF_SLOT_FIRST; says++)
		must(f, says, 0, 0);
	assert_int_equal(f->policies[HF_SLOT_CANARY].valid, 0);
	assert_int_equal(f->policies[HF_SLOT_UNKNOWN].valid, 0);
}

/* After a restart: slot 3 belongs to a living record, slot 4 to nobody, slot 5 to a record that is free. */
static void test_inherited_slots_live_as_long_as_their_records(void **state)
{
	struct fixture *f = *state;
	uint32_t slot, entry_slot;

	for (uint32_t i = 3; i <= 5; i++)
		f->policies[i] = (struct hf_policy){ .valid = 1, .generation = i, .memfd_map = 1, .exceptions_first = 2 * i - 6,
						     .exceptions_count = 2 };
	f->containers[1] = (struct hf_container){ .id = 9, .policy = 3 };
	f->containers[2] = (struct hf_container){ .id = 0, .policy = 5 };
	renew(f);
	assert_int_equal(policy_slots_generation_found(f->slots), 5);
	assert_int_equal(must(f, 1, 0, 0), 2);
	entry_slot = must(f, 2, 2, 0);
	assert_int_equal(entry_slot, 6);
	assert_int_equal(f->policies[6].exceptions_first, 6);
	/* 4 and 5 have waited, 3 has not begun to. */
	assert_int_equal(must(f, 3, 2, LATER), 4);
	assert_int_equal(must(f, 4, 2, LATER), 5);
	assert_int_equal(must(f, 5, 0, LATER), 7);
	assert_int_equal(acquire(f, 6, 0, 1, 9 * LATER, &slot), -ENOSPC);
	assert_int_equal(f->policies[3].valid, 1);
	/* Its container is adopted under another slot. */
	f->containers[1].policy = 2;
	assert_int_equal(acquire(f, 6, 0, 1, 9 * LATER, &slot), -ENOSPC);
	assert_int_equal(must(f, 6, 0, 10 * LATER), 3);
}

static void test_free_leaves_tables_as_they_are(void **state)
{
	struct fixture *f = *state;
	uint32_t a = must(f, 1, 2, 0);

	policy_slots_free(&f->slots);
	policy_slots_free(&f->slots);
	policy_slots_free(NULL);
	assert_int_equal(f->policies[a].valid, 1);
	assert_int_equal(f->policies[a].exceptions_count, 2);
}

/* Different slots, different entries; and each slot says what it was acquired for. */
static void check_held(const struct fixture *f, const struct held *held, size_t n_held)
{
	uint32_t owner[ENTRIES] = { 0 };

	for (size_t i = 0; i < n_held; i++) {
		const struct hf_policy *p = &f->policies[held[i].slot];

		assert_true(p->valid && p->memfd_map == held[i].says && p->exceptions_count == held[i].n);
		for (uint32_t k = p->exceptions_first; k < p->exceptions_first + p->exceptions_count; k++) {
			assert_true(owner[k] == 0 || owner[k] == held[i].slot);
			assert_int_equal(f->exceptions[k].index, k - p->exceptions_first);
			owner[k] = held[i].slot;
		}
	}
}

/* A long random life: no two slots in use share an entry, and a slot in use always says what it was acquired for. */
static void test_random_life_keeps_invariants(void **state)
{
	struct fixture *f = *state;
	struct held held[POLICIES * 2];
	unsigned long long seed = 7;
	size_t n_held = 0, refused = 0;
	uint64_t now = 0;

	for (unsigned int step = 0; step < 20000; step++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		now += (seed >> 33) % LATER;
		if (n_held == ARRAY_SIZE(held) || (n_held && (seed >> 40) % 2)) {
			policy_slots_release(f->slots, held[--n_held].slot, now);
		} else {
			uint8_t says = (uint8_t)((seed >> 50) % 6);
			uint32_t n = says / 2;

			if (acquire(f, says, n, 1, now, &held[n_held].slot) == 0) {
				held[n_held].says = says;
				held[n_held++].n = n;
			} else {
				refused++;
			}
		}
		check_held(f, held, n_held);
	}
	assert_true(refused < 20000 / 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_equal_policies_share_a_slot),
		TEST(test_entries_tell_policies_apart),
		TEST(test_slot_stays_for_the_last_holder),
		TEST(test_released_slot_waits_in_quarantine),
		TEST(test_quarantine_ends_in_order_of_release),
		TEST(test_discarded_slot_is_free_at_once),
		TEST(test_ranges_are_first_fit_and_never_overlap),
		TEST(test_full_table_refuses),
		TEST(test_reserved_slots_are_left_alone),
		TEST(test_inherited_slots_live_as_long_as_their_records),
		TEST(test_free_leaves_tables_as_they_are),
		TEST(test_random_life_keeps_invariants),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
