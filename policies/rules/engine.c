// SPDX-License-Identifier: Apache-2.0
/*
 * The rules by event type. Contracts: engine.h.
 *
 * One array holds the rules of all types, one type's behind the other's, so that a run reads one stretch of memory.
 */
#include "policies/rules/engine.h"

#include <errno.h>

struct indexed_rule {
	const struct rule_filter *filter;
	size_t number;
};

struct rule_engine {
	struct indexed_rule *rules;
	uint32_t first[RULE_EVENT_TYPES_MAX + 1]; /* of a type; the next type's is its end */
	struct rule_event_set types;
};

static bool is_for(const struct rule_filter *filter, unsigned type)
{
	return filter && rule_event_set_has(rule_filter_event_types(filter), type);
}

/* How many rules each type has. Return: all together. */
static size_t count_rules(struct rule_engine *engine, const struct rule_filter *const *filters, size_t n)
{
	size_t total = 0;

	for (unsigned type = 0; type < RULE_EVENT_TYPES_MAX; type++) {
		engine->first[type] = (uint32_t)total;
		for (size_t i = 0; type < rule_event_type_count() && i < n; i++)
			total += is_for(filters[i], type);
		if (total > engine->first[type])
			engine->types.words[type / 64] |= UINT64_C(1) << (type % 64);
	}
	engine->first[RULE_EVENT_TYPES_MAX] = (uint32_t)total;
	return total;
}

static void fill_rules(struct rule_engine *engine, const struct rule_filter *const *filters, size_t n)
{
	size_t at = 0;

	for (unsigned type = 0; type < rule_event_type_count(); type++)
		for (size_t i = 0; i < n; i++)
			if (is_for(filters[i], type))
				engine->rules[at++] = (struct indexed_rule){ .filter = filters[i], .number = i };
}

int rule_engine_new(const struct rule_filter *const *filters, size_t n, struct policy_arena *arena, struct rule_engine **ret)
{
	struct rule_engine *engine = policy_arena_alloc(arena, 1, sizeof(*engine));
	size_t total;

	if (!engine)
		return -ENOMEM;
	if (n > UINT32_MAX / RULE_EVENT_TYPES_MAX)
		return -ENOMEM;
	total = count_rules(engine, filters, n);
	engine->rules = policy_arena_alloc(arena, total, sizeof(*engine->rules));
	if (!engine->rules)
		return -ENOMEM;
	fill_rules(engine, filters, n);
	*ret = engine;
	return 0;
}

const struct rule_event_set *rule_engine_types(const struct rule_engine *engine)
{
	return &engine->types;
}

size_t rule_engine_rules_of(const struct rule_engine *engine, unsigned type)
{
	return type < RULE_EVENT_TYPES_MAX ? engine->first[type + 1] - engine->first[type] : 0;
}

size_t rule_engine_run(const struct rule_engine *engine, unsigned type, struct rule_facts *facts, rule_match_fn fn, void *data)
{
	const struct indexed_rule *rule, *end;
	size_t matches = 0;

	if (type >= RULE_EVENT_TYPES_MAX)
		return 0;
	rule = engine->rules + engine->first[type];
	end = engine->rules + engine->first[type + 1];
	for (; rule < end; rule++) {
		if (!rule_filter_match(rule->filter, facts))
			continue;
		matches++;
		if (!fn(rule->number, facts, data))
			break;
	}
	return matches;
}
