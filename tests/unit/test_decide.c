// SPDX-License-Identifier: Apache-2.0
/* decide(): the hand-written vectors, the whole space against the model, and what must hold whatever the facts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vectors/vectors.h"

#define ROUNDS 1000000
#define ROWS_MIN 150
#define SEED 0x486f6c6466617374ull

/* decide() is inlined wherever it is called: once is enough. */
static struct hf_decision ask(const struct hf_facts *facts, const struct hf_policy *policy, int paused)
{
	return decide(facts, policy, paused);
}

static struct hf_decision ask_filled(const struct hf_facts *facts, __u8 action, int paused)
{
	struct hf_policy policy;

	vector_policy_fill(&policy, action);
	return ask(facts, &policy, paused);
}

static int is_same(const struct hf_decision *a, const struct hf_decision *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void print_decision(const char *what, const struct hf_decision *d)
{
	print_message("  %s: verdict %u reason %u detail %u class %u paused %u\n", what, d->verdict, d->reason, d->detail,
		      d->class_, d->paused);
}

static void print_facts(const struct hf_facts *f, int paused)
{
	print_message("facts: bits %#x op %u subject %u volume %u detail %u stale_enforced %u paused %d\n", f->bits, f->op,
		      f->subject, f->volume, f->detail, f->stale_enforced, paused);
}

/* Fails with the question when the two answers differ. */
static void check_same(const struct vector_slot *slot, const struct hf_decision *got, const struct hf_decision *want)
{
	if (is_same(got, want))
		return;
	print_facts(&slot->facts, (int)slot->paused);
	print_decision("got", got);
	print_decision("want", want);
	fail();
}

static void test_rows_answer_as_written(void **state)
{
	const struct vector *row;
	struct vector_slot slot;
	unsigned int wrong = 0;
	size_t n;

	(void)state;
	for (n = 0; (row = vector_at(n)); n++) {
		vector_slot_of(row, &slot);
		slot.got = ask(&slot.facts, &slot.policy, row->paused);
		if (is_same(&slot.got, &row->want))
			continue;
		print_message("%s\n", row->name);
		print_decision("got", &slot.got);
		print_decision("want", &row->want);
		wrong++;
	}
	assert_in_range(n, ROWS_MIN, SIZE_MAX);
	assert_int_equal(wrong, 0);
}

static void test_rows_have_names_of_their_own(void **state)
{
	const struct vector *a, *b;

	(void)state;
	for (size_t i = 0; (a = vector_at(i)); i++)
		for (size_t j = i + 1; (b = vector_at(j)); j++)
			assert_string_not_equal(a->name, b->name);
}

static void test_rows_name_every_reason_that_decide_gives(void **state)
{
	/* Found by user space or by later stages, never by decide(). */
	uint32_t seen = 1u << HF_REASON_LIBRARY | 1u << HF_REASON_PERSONALITY |
			1u << HF_REASON_PROCESS_MEMORY | 1u << HF_REASON_PTRACE | 1u << HF_REASON_KERNEL_ACCESS |
			1u << HF_REASON_TAMPERING | 1u << HF_REASON_IMAGE_WRITE;
	uint32_t verdicts = 0;
	const struct vector *row;

	(void)state;
	for (size_t i = 0; (row = vector_at(i)); i++) {
		seen |= 1u << row->want.reason;
		verdicts |= 1u << row->want.verdict;
	}
	assert_int_equal(seen, (1u << _HF_REASON_MAX) - 1);
	assert_int_equal(verdicts, (1u << _HF_VERDICT_MAX) - 1);
}

static void test_rows_agree_with_the_model(void **state)
{
	const struct vector *row;
	struct vector_slot slot;

	(void)state;
	for (size_t i = 0; (row = vector_at(i)); i++) {
		struct hf_decision model;

		vector_slot_of(row, &slot);
		model = model_decide(&slot.facts, &slot.policy, row->paused);
		check_same(&slot, &model, &row->want);
	}
}

/* Every reason has another action, so that a wrong reason shows as a wrong verdict too. */
static void test_every_combination_answers_as_the_model(void **state)
{
	struct vector_slot slot = { 0 };

	(void)state;
	vector_policy(VECTOR_POLICY_ENFORCE, &slot.policy);
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++)
		for (int reason = 0; reason < _HF_REASON_MAX; reason++)
			slot.policy.action[class_][reason] = (__u8)((class_ + reason) % _HF_ACTION_MAX);
	slot.policy.modified_metadata[HF_CLASS_EXECUTABLE] = HF_ACTION_KILL;
	slot.policy.modified_metadata[HF_CLASS_LIBRARY] = HF_ACTION_ALLOW;
	for (uint64_t i = 0; i < SWEEP_CASES; i++) {
		struct hf_decision got, want;

		sweep_facts(i, &slot.facts);
		slot.paused = (i >> SWEEP_BITS ^ i) & 1;
		got = ask(&slot.facts, &slot.policy, (int)slot.paused);
		want = model_decide(&slot.facts, &slot.policy, (int)slot.paused);
		check_same(&slot, &got, &want);
	}
}

static void test_random_questions_answer_as_the_model(void **state)
{
	uint64_t seed = SEED;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct hf_decision got, want;

		sweep_random(&seed, &slot);
		got = ask(&slot.facts, &slot.policy, (int)slot.paused);
		want = model_decide(&slot.facts, &slot.policy, (int)slot.paused);
		check_same(&slot, &got, &want);
	}
}

static void test_allow_is_original_or_named_by_the_policy(void **state)
{
	uint64_t seed = SEED + 1;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct hf_decision d;

		sweep_random(&seed, &slot);
		d = ask(&slot.facts, &slot.policy, (int)slot.paused);
		if (d.verdict != HF_VERDICT_ALLOW || d.reason == HF_REASON_ORIGINAL)
			continue;
		assert_true(slot.policy.valid);
		assert_int_equal(model_cell(&slot.facts, &slot.policy, &d), HF_ACTION_ALLOW);
	}
}

/* Registered containers: a catalogue hit on the root's superblock, with nothing against it; or a handler of the host's. */
static void test_original_needs_a_clean_hit_in_the_root(void **state)
{
	const uint32_t must = HF_FACT_HIT | HF_FACT_ROOT_WORLD;
	const uint32_t must_not = HF_FACT_NO_FILE | HF_FACT_MEMFD | HF_FACT_CHANGED | HF_FACT_WRITER | HF_FACT_GAINED_SETID |
				  HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE;
	uint64_t seed = SEED + 2;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const struct hf_facts *f = &slot.facts;
		struct hf_decision d;

		sweep_random(&seed, &slot);
		slot.facts.subject = HF_SUBJECT_CONTAINER;
		if (f->op == HF_OP_READ)
			continue;
		d = ask(f, &slot.policy, (int)slot.paused);
		assert_int_equal(d.reason == HF_REASON_ORIGINAL,
				 !f->detail && !f->access && (f->bits & HF_FACT_HOST_HANDLER ||
							      ((f->bits & must) == must && !(f->bits & must_not) &&
							       f->volume >= _HF_VOLUME_MAX)));
	}
}

/* What an interpreter reads: such a hit, or data of the overlay's layers; never what lies in the writable layer. */
static void test_an_original_script_is_of_the_layers(void **state)
{
	const uint32_t layers = HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER;
	uint64_t seed = SEED + 12;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		const struct hf_facts *f = &slot.facts;
		struct hf_decision d;

		sweep_random(&seed, &slot);
		slot.facts.subject = HF_SUBJECT_CONTAINER;
		slot.facts.op = HF_OP_READ;
		slot.facts.access = 0;
		d = ask(f, &slot.policy, (int)slot.paused);
		assert_int_equal(d.class_, HF_CLASS_SCRIPT);
		if (d.reason != HF_REASON_ORIGINAL)
			continue;
		assert_false(f->bits & HF_FACT_MEMFD || f->detail || f->volume < _HF_VOLUME_MAX);
		assert_true((f->bits & HF_FACT_ROOT_WORLD && f->bits & HF_FACT_HIT && !(f->bits & HF_FACT_CHANGED)) ||
			    ((f->bits & layers) == layers && !(f->bits & HF_FACT_UPPER_DATA)));
	}
}

static void test_the_mode_never_changes_the_reason(void **state)
{
	uint64_t seed = SEED + 3;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct hf_decision first;

		sweep_random(&seed, &slot);
		first = ask_filled(&slot.facts, HF_ACTION_ALLOW, 0);
		for (int action = 0; action <= _HF_ACTION_MAX; action++)
			for (int paused = 0; paused < 2; paused++) {
				struct hf_decision d = ask_filled(&slot.facts, (__u8)action, paused);

				assert_int_equal(d.reason, first.reason);
				assert_int_equal(d.detail, first.detail);
				assert_int_equal(d.class_, first.class_);
			}
	}
}

static void test_actions_out_of_range_deny(void **state)
{
	uint64_t seed = SEED + 4;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		__u8 action = (__u8)(_HF_ACTION_MAX + (sweep_next(&seed) >> 32) % (256 - _HF_ACTION_MAX));
		struct hf_decision d;

		sweep_random(&seed, &slot);
		slot.facts.bits &= ~HF_FACT_TOO_LATE; /* which makes a kill of it */
		slot.facts.subject = HF_SUBJECT_CONTAINER;
		if (slot.facts.volume == HF_VOLUME_ALLOWED) /* allowed by its own entry, not by an action */
			slot.facts.volume = HF_VOLUME_WRITABLE;
		d = ask_filled(&slot.facts, action, 0);
		assert_int_equal(d.verdict, d.reason == HF_REASON_ORIGINAL ? HF_VERDICT_ALLOW : HF_VERDICT_DENY);
	}
}

static void test_a_slot_not_in_use_denies_all_but_original(void **state)
{
	uint64_t seed = SEED + 5;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct hf_decision d;

		sweep_random(&seed, &slot);
		slot.policy.valid = 0;
		slot.facts.bits &= ~HF_FACT_TOO_LATE; /* which makes a kill of it */
		slot.facts.subject = HF_SUBJECT_CONTAINER;
		d = ask(&slot.facts, &slot.policy, 0);
		assert_int_equal(d.verdict, d.reason == HF_REASON_ORIGINAL ? HF_VERDICT_ALLOW : HF_VERDICT_DENY);
	}
}

/* A kind of subject that does not exist is judged as strictly as a registered container. */
static void test_subjects_out_of_range_are_contained(void **state)
{
	uint64_t seed = SEED + 6;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct hf_decision d, contained;

		sweep_random(&seed, &slot);
		slot.facts.subject = (__u8)(_HF_SUBJECT_MAX + (sweep_next(&seed) >> 32) % (256 - _HF_SUBJECT_MAX));
		d = ask(&slot.facts, &slot.policy, (int)slot.paused);
		slot.facts.subject = HF_SUBJECT_CONTAINER;
		contained = ask(&slot.facts, &slot.policy, (int)slot.paused);
		check_same(&slot, &d, &contained);
	}
}

static void test_the_host_is_allowed_without_an_event(void **state)
{
	uint64_t seed = SEED + 7;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct hf_decision d, silent = { .class_ = HF_CLASS_EXECUTABLE };

		sweep_random(&seed, &slot);
		slot.facts.subject = HF_SUBJECT_HOST;
		slot.facts.bits &= ~HF_FACT_CONTAINER_FILE;
		d = ask(&slot.facts, &slot.policy, (int)slot.paused);
		silent.class_ = d.class_;
		check_same(&slot, &d, &silent);
	}
}

/* Whatever it runs, and whatever the policy says. */
static void test_a_process_of_the_host_is_never_refused(void **state)
{
	uint64_t seed = SEED + 9;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct hf_decision d;

		sweep_random(&seed, &slot);
		slot.facts.subject = HF_SUBJECT_HOST;
		slot.facts.bits |= HF_FACT_CONTAINER_FILE;
		slot.facts.bits &= ~HF_FACT_KERNEL_HELPER;
		d = ask(&slot.facts, &slot.policy, (int)slot.paused);
		assert_in_range(d.verdict, HF_VERDICT_ALLOW, HF_VERDICT_AUDIT);
	}
}

/* Break-glass takes denials away, says so, and changes nothing else. */
static void test_break_glass_only_turns_denials_into_reports(void **state)
{
	uint64_t seed = SEED + 8;
	struct vector_slot slot;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct hf_decision live, expected, paused;

		sweep_random(&seed, &slot);
		live = expected = ask(&slot.facts, &slot.policy, 0);
		paused = ask(&slot.facts, &slot.policy, 1);
		assert_int_equal(live.paused, 0);
		if (live.verdict >= HF_VERDICT_DENY) {
			expected.verdict = HF_VERDICT_AUDIT;
			expected.paused = 1;
		}
		check_same(&slot, &paused, &expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_answer_as_written),
		cmocka_unit_test(test_rows_have_names_of_their_own),
		cmocka_unit_test(test_rows_name_every_reason_that_decide_gives),
		cmocka_unit_test(test_rows_agree_with_the_model),
		cmocka_unit_test(test_every_combination_answers_as_the_model),
		cmocka_unit_test(test_random_questions_answer_as_the_model),
		cmocka_unit_test(test_allow_is_original_or_named_by_the_policy),
		cmocka_unit_test(test_original_needs_a_clean_hit_in_the_root),
		cmocka_unit_test(test_an_original_script_is_of_the_layers),
		cmocka_unit_test(test_the_mode_never_changes_the_reason),
		cmocka_unit_test(test_actions_out_of_range_deny),
		cmocka_unit_test(test_a_slot_not_in_use_denies_all_but_original),
		cmocka_unit_test(test_subjects_out_of_range_are_contained),
		cmocka_unit_test(test_the_host_is_allowed_without_an_event),
		cmocka_unit_test(test_a_process_of_the_host_is_never_refused),
		cmocka_unit_test(test_break_glass_only_turns_denials_into_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
