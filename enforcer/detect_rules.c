// SPDX-License-Identifier: Apache-2.0
/* A set of rules at work. Contracts: detect_rules.h. */
#include "enforcer/detect_rules.h"

#include <errno.h>
#include <stdlib.h>

#include "enforcer/detect_fields.h"
#include "enforcer/util.h"
#include "policies/rules/append.h"
#include "policies/rules/engine.h"

struct detect_rules {
	struct rule_set *set;
	struct policy_arena *arena; /* of engine and facts */
	struct rule_engine *engine;
	struct rule_facts *facts;
	struct detect_plan *plan;
	struct detect_room *room;
	size_t enabled, warnings;
	bool first_only;
};

/* One run. */
struct run {
	const struct detect_rules *rules;
	detect_match_fn fn;
	void *data;
};

static int make_engine(struct detect_rules *rules)
{
	_cleanup_(free_ptr) const struct rule_filter **filters = calloc(rules->set->n_rules + 1, sizeof(*filters));

	if (!filters)
		return -ENOMEM;
	for (size_t i = 0; i < rules->set->n_rules; i++) {
		const struct rule *rule = &rules->set->rules[i];

		if (!rule->enabled)
			continue;
		filters[i] = rule->filter;
		rules->enabled++;
	}
	return rule_engine_new(filters, rules->set->n_rules, rules->arena, &rules->engine);
}

int detect_rules_new(const struct detect_rules_options *options, struct detect_rules **ret, struct policy_error *reterr)
{
	_cleanup_(detect_rules_free) struct detect_rules *rules = calloc(1, sizeof(*rules));
	struct rule_options load = { .priority_max = options->priority_max, .suggested = true };
	int err;

	if (!rules)
		return -ENOMEM;
	rules->first_only = options->first_only;
	rules->room = malloc(sizeof(*rules->room));
	err = rules->room ? policy_arena_new(&rules->arena) : -ENOMEM;
	if (!err && options->appends)
		err = rule_appends_load(options->appends, rules->arena, &load.appends, &load.n_appends, reterr);
	if (!err)
		err = rule_set_load(options->paths, options->n_paths, &load, &rules->set, reterr, &rules->warnings);
	if (!err)
		err = make_engine(rules);
	if (!err)
		err = detect_plan_new(rules->set->program, &rules->plan);
	if (!err)
		err = rule_facts_new(rules->set->program, detect_extract, rules->arena, &rules->facts);
	if (err)
		return err;
	*ret = TAKE_PTR(rules);
	return 0;
}

void detect_rules_free(struct detect_rules **rules)
{
	struct detect_rules *gone = *rules;

	if (!gone)
		return;
	detect_plan_free(&gone->plan);
	policy_arena_free(&gone->arena);
	rule_set_free(&gone->set);
	free(gone->room);
	free(gone);
	*rules = NULL;
}

const struct rule_set *detect_rules_set(const struct detect_rules *rules)
{
	return rules->set;
}

size_t detect_rules_enabled(const struct detect_rules *rules)
{
	return rules->enabled;
}

size_t detect_rules_warnings(const struct detect_rules *rules)
{
	return rules->warnings;
}

bool detect_rules_need(const struct detect_rules *rules, unsigned int type)
{
	return rule_engine_rules_of(rules->engine, type) > 0;
}

static bool on_match(size_t number, struct rule_facts *facts, void *data)
{
	const struct run *run = data;

	run->fn(&run->rules->set->rules[number], facts, run->data);
	return !run->rules->first_only;
}

size_t detect_rules_run(struct detect_rules *rules, struct detect_event *event, detect_match_fn fn, void *data)
{
	struct run run = { .rules = rules, .fn = fn, .data = data };

	if (!detect_rules_need(rules, event->type))
		return 0;
	rules->room->used = 0;
	event->room = rules->room;
	event->plan = rules->plan;
	rule_facts_begin(rules->facts, event);
	return rule_engine_run(rules->engine, event->type, rules->facts, on_match, &run);
}

uint64_t detect_rules_overflows(const struct detect_rules *rules)
{
	return rule_facts_overflows(rules->facts);
}
