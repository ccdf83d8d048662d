// SPDX-License-Identifier: Apache-2.0
/*
 * Which event types a condition can be true for. Contracts: event_types.h.
 *
 * A condition is walked with what is expected of it: below a "not" a conjunction is a disjunction and the other way
 * round, and only the comparisons of evt.type turn. Whatever else is compared can be true and false for every type.
 */
#include "policies/rules/event_types.h"

#include <string.h>

#define WORDS (RULE_EVENT_TYPES_MAX / 64)

unsigned rule_event_set_count(const struct rule_event_set *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i++)
		n += (unsigned)__builtin_popcountll(set->words[i]);
	return n;
}

static void fill(struct rule_event_set *set)
{
	memset(set, 0, sizeof(*set));
	for (unsigned type = 0; type < rule_event_type_count(); type++)
		set->words[type / 64] |= 1ULL << (type % 64);
}

static void invert(struct rule_event_set *set)
{
	struct rule_event_set all;

	fill(&all);
	for (unsigned i = 0; i < WORDS; i++)
		set->words[i] = all.words[i] & ~set->words[i];
}

static void add_named(const struct rule_node *value, struct rule_event_set *set)
{
	int type = rule_event_type_find(value->text, value->len);

	if (type >= 0)
		set->words[type / 64] |= 1ULL << (type % 64);
}

static bool is_type_check(const struct rule_node *node)
{
	const struct rule_node *left = node->first, *right = left ? left->next : NULL;
	bool equality = node->operator == RULE_OP_EQ || node->operator == RULE_OP_EQ2 || node->operator == RULE_OP_NE ||
			node->operator == RULE_OP_IN || node->operator == RULE_OP_INTERSECTS;

	return node->kind == RULE_COMPARE && equality && node->modifier == RULE_ONE && left && left->kind == RULE_FIELD &&
	       strcmp(left->text, "evt.type") == 0 && right && (right->kind == RULE_VALUE || right->kind == RULE_LIST);
}

/* `evt.num = 0`: events count from 1. It is how rule files write a macro that is never true. */
static bool is_never_true(const struct rule_node *node)
{
	const struct rule_node *left = node->first, *right = left ? left->next : NULL;

	return node->kind == RULE_COMPARE && (node->operator == RULE_OP_EQ || node->operator == RULE_OP_EQ2) &&
	       node->modifier == RULE_ONE && left && left->kind == RULE_FIELD && strcmp(left->text, "evt.num") == 0 &&
	       right && right->kind == RULE_VALUE && strcmp(right->text, "0") == 0;
}

static void types_of_check(const struct rule_node *node, bool expected, struct rule_event_set *ret)
{
	const struct rule_node *right, *value;
	struct rule_values values;

	if (expected && is_never_true(node)) {
		memset(ret, 0, sizeof(*ret));
		return;
	}
	if (!is_type_check(node)) {
		fill(ret);
		return;
	}
	memset(ret, 0, sizeof(*ret));
	right = node->first->next;
	for (values = rule_values_of(right); (value = rule_values_next(&values, NULL));)
		add_named(value, ret);
	if ((node->operator == RULE_OP_NE) == expected)
		invert(ret);
}

static void types_of(const struct rule_node *node, bool expected, struct rule_event_set *ret)
{
	struct rule_event_set child;
	bool both;

	if (node->kind == RULE_NOT && node->first) {
		types_of(node->first, !expected, ret);
		return;
	}
	if (node->kind != RULE_AND && node->kind != RULE_OR) {
		types_of_check(node, expected, ret);
		return;
	}
	both = (node->kind == RULE_AND) == expected;
	if (both)
		fill(ret);
	else
		memset(ret, 0, sizeof(*ret));
	for (const struct rule_node *at = node->first; at; at = at->next) {
		types_of(at, expected, &child);
		for (unsigned i = 0; i < WORDS; i++)
			ret->words[i] = both ? ret->words[i] & child.words[i] : ret->words[i] | child.words[i];
	}
}

void rule_event_types_of(const struct rule_node *node, struct rule_event_set *ret)
{
	types_of(node, true, ret);
}
