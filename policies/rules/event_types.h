/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event types of Falco's language: names and numbers. Owns: the table, and which types a condition can match. Must
 * not know: which of them our kernel half produces.
 */
#ifndef HOLDFAST_POLICIES_RULES_EVENT_TYPES_H
#define HOLDFAST_POLICIES_RULES_EVENT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/rules/ast.h"

/* Room for every type; the table is checked against it. */
#define RULE_EVENT_TYPES_MAX 576

struct rule_event_set {
	uint64_t words[RULE_EVENT_TYPES_MAX / 64];
};

/* How many there are; numbers are 0 to that minus 1, stable only within one build. */
unsigned rule_event_type_count(void);

/* The name of a type; NULL if there is no such number. */
const char *rule_event_type_name(unsigned type);

/* Return: the number of the type named by @len bytes of @name; -ENOENT. Cost: one binary search. */
int rule_event_type_find(const char *name, size_t len);

static inline bool rule_event_set_has(const struct rule_event_set *set, unsigned type)
{
	return set->words[type / 64] >> (type % 64) & 1;
}

unsigned rule_event_set_count(const struct rule_event_set *set);

/**
 * rule_event_types_of - the types whose events a condition can be true for
 * @node: macros resolved
 *
 * As Falco decides it: only `evt.type` with =, ==, != and in under and, or, not is understood; any other check can be
 * true for every type. An event of a type that is not in @ret need not be shown to the rule.
 */
void rule_event_types_of(const struct rule_node *node, struct rule_event_set *ret);

#endif
