// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for rule files: any bytes either load or are refused with an error that has a code, a message and a place; what
 * loads is tried on an event made of the same bytes.
 */
#include "policies/rules/parse.h"
#include "policies/rules/rule_set.h"
#include "tests/fuzz/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 4 KiB when a text ends in a flow collection whose last scalar holds escaped quotes. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_problems(const struct rule_problem *problem, size_t size)
{
	for (; problem; problem = problem->next) {
		require(problem->message && problem->place);
		for (const struct rule_place *place = problem->place; place; place = place->parent) {
			require(rule_item_name(place->item) && place->name && place->file);
			require(place->line >= 0 && place->column >= 0);
			require(place->item == RULE_ITEM_CONDITION_EXPRESSION || place->offset <= size);
		}
	}
}

static void try_rules(const struct rule_set *set, const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, size };
	struct policy_arena *arena = NULL;
	struct rule_facts *facts = NULL;
	char text[TEXT_BYTES];
	size_t len;

	/* One will do: rules share long lists, their texts do not. */
	require(set->n_rules == 0 || (policy_arena_new(&arena) == 0 && rule_condition_print(set->rules[0].tree, arena, NULL)));
	policy_arena_free(&arena);
	require(policy_arena_new(&arena) == 0 && rule_facts_new(set->program, fuzz_extract, arena, &facts) == 0);
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct rule *rule = &set->rules[i];

		require(rule->name && rule_priority_name(rule->priority));
		if (!rule->filter)
			continue;
		rule_facts_begin(facts, &bytes);
		rule_filter_match(rule->filter, facts);
		rule_format_text(rule->format, facts, text, sizeof(text), &len);
		require(len < sizeof(text) && text[len] == '\0');
	}
	policy_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	const struct rule_report *report = NULL;
	struct rule_loader *loader = NULL;
	char *exact = malloc(size ? size : 1);
	int r;

	require(exact && rule_loader_new(&options, &loader) == 0);
	memcpy(exact, data, size);
	r = rule_loader_add_text(loader, "fuzz", exact, size, &report);
	require(r == 0 || r == -EINVAL);
	require(report && report->ok == (r == 0) && (report->n_errors > 0) == (r != 0));
	check_problems(report->errors, size);
	check_problems(report->warnings, size);
	if (r == 0)
		try_rules(rule_loader_set(loader), data, size);
	rule_loader_free(&loader);
	free(exact);
	return 0;
}
