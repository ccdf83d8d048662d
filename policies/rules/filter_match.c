// SPDX-License-Identifier: Apache-2.0
/*
 * Evaluation: facts of one event, and checks against them. Contracts: filter.h. This is the hot path: nothing is
 * allocated, nothing is cleared between events, and what several rules ask is worked out once.
 *
 * I1: a fact, derived value or memo belongs to the event whose number it carries; numbers wrap only after all is cleared.
 */
#include <errno.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/pattern.h"

#define EPOCH_MAX ((1U << 31) - 1)

static inline bool match(const struct rule_check *check, struct rule_facts *facts);

int rule_facts_new(const struct rule_program *program, rule_extract_fn extract, struct policy_arena *arena, struct rule_facts **ret)
{
	struct rule_facts *facts = policy_arena_alloc(arena, 1, sizeof(*facts));

	if (!facts)
		return -ENOMEM;
	facts->program = program;
	facts->extract = extract;
	facts->uses = policy_arena_alloc(arena, program->n_uses, sizeof(*facts->uses));
	facts->derived = policy_arena_alloc(arena, program->n_derived, sizeof(*facts->derived));
	facts->memos = policy_arena_alloc(arena, program->n_memos + 1, sizeof(*facts->memos));
	facts->scratch = policy_arena_alloc(arena, RULE_SCRATCH_BYTES, 1);
	if (!facts->uses || !facts->derived || !facts->memos || !facts->scratch)
		return -ENOMEM;
	*ret = facts;
	return 0;
}

static void clear(struct rule_facts *facts)
{
	memset(facts->uses, 0, facts->program->n_uses * sizeof(*facts->uses));
	memset(facts->derived, 0, facts->program->n_derived * sizeof(*facts->derived));
	memset(facts->memos, 0, (facts->program->n_memos + 1) * sizeof(*facts->memos));
	facts->epoch = 0;
}

void rule_facts_begin(struct rule_facts *facts, void *event)
{
	if (facts->epoch >= EPOCH_MAX)
		clear(facts);
	facts->epoch++;
	facts->event = event;
	facts->scratch_used = 0;
}

void *rule_facts_scratch(struct rule_facts *facts, size_t bytes)
{
	size_t used = (facts->scratch_used + 7u) & ~7u;

	if (bytes > RULE_SCRATCH_BYTES - used) {
		facts->overflows++;
		return NULL;
	}
	facts->scratch_used = (uint32_t)(used + bytes);
	return facts->scratch + used;
}

uint64_t rule_facts_overflows(const struct rule_facts *facts)
{
	return facts->overflows;
}

static inline struct rule_fact *get_use(struct rule_facts *facts, uint32_t ref)
{
	struct rule_fact *fact = &facts->uses[ref];

	if (fact->epoch != facts->epoch) {
		fact->epoch = facts->epoch;
		fact->hash = 0;
		fact->value.kind = RULE_VALUE_MISSING;
		facts->extract(facts->event, facts->program->uses[ref], &fact->value);
	}
	return fact;
}

const struct rule_value *rule_facts_get(struct rule_facts *facts, uint32_t ref)
{
	return &get_use(facts, ref)->value;
}

static struct rule_fact *get_derived(const struct rule_operand *operand, struct rule_facts *facts)
{
	struct rule_fact *fact = &facts->derived[operand->ref];

	if (fact->epoch != facts->epoch) {
		fact->epoch = facts->epoch;
		fact->hash = 0;
		fact->value.kind = RULE_VALUE_MISSING;
		rule_transform_value(operand, facts, &fact->value);
	}
	return fact;
}

static struct rule_fact *get_operand(const struct rule_operand *operand, struct rule_facts *facts)
{
	return operand->kind == RULE_OPERAND_FIELD ? get_use(facts, operand->ref) : get_derived(operand, facts);
}

const struct rule_value *rule_operand_value(const struct rule_operand *operand, struct rule_facts *facts)
{
	return operand->kind == RULE_OPERAND_CONSTANT ? &operand->constant : &get_operand(operand, facts)->value;
}

static inline bool match_set(const struct rule_check *check, const struct rule_value *value, uint32_t *hash)
{
	const struct rule_text_set *set = check->set;

	if (!rule_text_set_may_have(set, value->n))
		return false;
	if (!*hash)
		*hash = rule_text_hash(value->text, value->n);
	return rule_text_set_has(set, value->text, value->n, *hash);
}

/* What is rare stays out of the frame of what is not. */
#define RARE __attribute__((noinline))

static RARE bool match_some(const struct rule_check *check, const struct rule_value *value)
{
	size_t n = check->n_constants, passed = 0;

	for (size_t i = 0; i < n; i++) {
		bool yes = check->test(value, &check->constants[i]);

		passed += yes;
		if (check->modifier == RULE_ALLOF ? !yes : yes && (check->modifier != RULE_ONEOF || passed > 1))
			break;
	}
	if (check->modifier == RULE_ALLOF)
		return n > 0 && passed == n;
	return check->modifier == RULE_ONEOF ? passed == 1 : passed > 0;
}

static RARE bool match_right(const struct rule_check *check, const struct rule_value *value, struct rule_facts *facts)
{
	const struct rule_value *right = rule_operand_value(check->right, facts);
	struct rule_constant constant = { 0 };

	if (right->kind != RULE_VALUE_LIST) {
		constant.value = *right;
		return right->kind == check->value_kind && check->test(value, &constant);
	}
	for (uint32_t i = 0; i < right->n; i++) {
		constant.value = right->items[i];
		if (constant.value.kind == check->value_kind && check->test(value, &constant))
			return true;
	}
	return false;
}

/* @hash: of the value's text, kept for who asks next. */
static inline bool match_value(const struct rule_check *check, const struct rule_value *value, uint32_t *hash,
			       struct rule_facts *facts)
{
	if (value->kind != check->value_kind)
		return false;
	if (check->kind == RULE_CHECK_ONE)
		return check->test(value, &check->only);
	if (check->kind == RULE_CHECK_SET)
		return match_set(check, value, hash);
	if (check->kind == RULE_CHECK_PATHS)
		return rule_paths_match(check->paths, value->text, value->n);
	return check->kind == RULE_CHECK_SOME ? match_some(check, value) : match_right(check, value, facts);
}

static RARE bool match_items(const struct rule_check *check, const struct rule_value *value, struct rule_facts *facts)
{
	bool wanted = check->quantifier == RULE_ANY;

	for (uint32_t i = 0; i < value->n; i++) {
		uint32_t hash = 0;

		if (match_value(check, &value->items[i], &hash, facts) == wanted)
			return wanted;
	}
	return !wanted;
}

static RARE bool match_constant(const struct rule_check *check, struct rule_facts *facts)
{
	uint32_t hash = 0;

	return match_value(check, &check->left->constant, &hash, facts);
}

static inline bool match_leaf(const struct rule_check *check, struct rule_facts *facts)
{
	struct rule_fact *fact;

	if (check->of_field)
		fact = get_use(facts, check->ref);
	else if (check->left->kind == RULE_OPERAND_CONSTANT)
		return check->kind == RULE_CHECK_EXISTS || match_constant(check, facts);
	else
		fact = get_derived(check->left, facts);
	if (check->kind == RULE_CHECK_EXISTS)
		return fact->value.kind != RULE_VALUE_MISSING;
	if (check->quantifier != RULE_SCALAR && fact->value.kind == RULE_VALUE_LIST)
		return match_items(check, &fact->value, facts);
	return match_value(check, &fact->value, &fact->hash, facts);
}

static bool match_once(const struct rule_check *check, struct rule_facts *facts)
{
	bool stop = check->kind == RULE_CHECK_OR;

	if (check->kind > RULE_CHECK_NOT)
		return match_leaf(check, facts);
	if (check->kind == RULE_CHECK_NOT)
		return !match(check->children[0], facts);
	for (size_t i = 0; i < check->n_children; i++)
		if (match(check->children[i], facts) == stop)
			return stop;
	return !stop;
}

static RARE bool match_remembered(const struct rule_check *check, struct rule_facts *facts)
{
	uint32_t *memo = &facts->memos[check->memo];

	if (*memo >> 1 != facts->epoch)
		*memo = facts->epoch << 1 | match_once(check, facts);
	return *memo & 1;
}

static inline bool match(const struct rule_check *check, struct rule_facts *facts)
{
	return check->memo ? match_remembered(check, facts) : match_once(check, facts);
}

bool rule_filter_match(const struct rule_filter *filter, struct rule_facts *facts)
{
	return match(filter->root, facts);
}
