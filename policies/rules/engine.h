/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules an event is shown to: the rules of one set, indexed by event type.
 *
 * Owns: the index. Must not know: rule files, where events come from, what becomes of a match. What conditions share is worked
 * out once per event by the program that all of them were compiled into (filter.h).
 */
#ifndef HOLDFAST_POLICIES_RULES_ENGINE_H
#define HOLDFAST_POLICIES_RULES_ENGINE_H

#include "policies/rules/filter.h"

struct rule_engine;

/* Called for each rule that matches, in the order of the rules. False ends this event. */
typedef bool (*rule_match_fn)(size_t rule, struct rule_facts *facts, void *data);

/**
 * rule_engine_new - the index
 * @filters: (borrowed until return; the filters as long as the engine) by number of rule; NULL where a rule is not enabled
 * @n: their number
 * @arena: (borrowed) for all of the engine
 * @ret: (output) untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int rule_engine_new(const struct rule_filter *const *filters, size_t n, struct policy_arena *arena, struct rule_engine **ret);

/* The event types that some rule can be true for; an event of any other need not be made at all. */
const struct rule_event_set *rule_engine_types(const struct rule_engine *engine);

/* How many rules an event of this type is shown to. */
size_t rule_engine_rules_of(const struct rule_engine *engine, unsigned type);

/**
 * rule_engine_run - show one event to the rules of its type
 * @type: number of event_types.h; of one that there is not, nothing happens
 * @facts: (borrowed) of the same program, with rule_facts_begin() called for the event
 * @fn: called for matches, on this thread
 *
 * Allocates nothing and does not block. Return: how many rules matched.
 */
size_t rule_engine_run(const struct rule_engine *engine, unsigned type, struct rule_facts *facts, rule_match_fn fn, void *data);

#endif
