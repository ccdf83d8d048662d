// SPDX-License-Identifier: Apache-2.0
/*
 * Compiling all that was collected, and what is left over: macros and lists that nothing names. Must not know YAML.
 */
#include "policies/rules/compile.h"

#include <errno.h>
#include <string.h>

size_t rule_nodes_max(const struct rule_compiler *k)
{
	return RULE_NODES_TOTAL_MAX + k->c->bytes;
}

size_t rule_text_bytes_max(const struct rule_compiler *k)
{
	return RULE_TEXT_BYTES_MAX + 2 * k->c->bytes;
}

static int keep_lists(struct rule_compiler *k)
{
	struct rule_named_text *texts = policy_arena_alloc(k->set->arena, k->c->n_lists, sizeof(*texts));
	int r = texts ? 0 : -ENOMEM;

	for (size_t i = 0; i < k->c->n_lists && r == 0; i++) {
		const struct rule_compiled_list *list = &k->lists[i];

		r = policy_arena_dup(k->set->arena, list->info->name, &texts[i].name);
		if (r == 0)
			r = policy_arena_dup(k->set->arena, list->text.s ? list->text.s : "", &texts[i].text);
	}
	k->set->lists = texts;
	k->set->n_lists = k->c->n_lists;
	return r;
}

static int keep_macros(struct rule_compiler *k)
{
	struct rule_named_text *texts = policy_arena_alloc(k->set->arena, k->c->n_macros, sizeof(*texts));
	int r = texts ? 0 : -ENOMEM;

	for (size_t i = 0; i < k->c->n_macros && r == 0; i++) {
		const struct rule_compiled_macro *macro = &k->macros[i];

		r = policy_arena_dup(k->set->arena, macro->info->name, &texts[i].name);
		if (r == 0)
			r = policy_arena_dup(k->set->arena, macro->info->condition.s, &texts[i].text);
	}
	k->set->macros = texts;
	k->set->n_macros = k->c->n_macros;
	return r;
}

static int warn_unused(struct rule_compiler *k)
{
	int r = 0;

	for (size_t i = 0; i < k->c->n_macros && r == 0; i++) {
		if (!k->macros[i].used)
			r = rule_report_warning(k->report, RULE_WARNING_UNUSED_MACRO, k->macros[i].info->place,
						"Macro not referred to by any other rule/macro");
	}
	for (size_t i = 0; i < k->c->n_lists && r == 0; i++) {
		if (!k->lists[i].used)
			r = rule_report_warning(k->report, RULE_WARNING_UNUSED_LIST, k->lists[i].info->place,
						"List not referred to by any other rule/macro");
	}
	return r;
}

static int compile(struct rule_compiler *k)
{
	int r = rule_compile_lists(k);

	if (r == 0)
		r = rule_compile_macros(k);
	if (r == 0)
		r = rule_compile_rules(k);
	if (r == 0)
		r = warn_unused(k);
	if (r == 0)
		r = keep_macros(k);
	return r == 0 ? keep_lists(k) : r;
}

static int new_set(const struct rule_options *options, struct rule_set **ret)
{
	struct policy_arena *arena = NULL;
	struct rule_set *set = NULL;
	int r = policy_arena_new(&arena);

	if (r == 0) {
		set = policy_arena_alloc(arena, 1, sizeof(*set));
		r = set ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = rule_program_new(arena, options->fields, options->n_fields, &set->program);
	if (r < 0) {
		policy_arena_free(&arena);
		return r;
	}
	set->arena = arena;
	*ret = set;
	return 0;
}

int rule_compile(struct rule_collector *c, struct rule_report *report, struct rule_set **ret)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	_cleanup_(rule_set_free) struct rule_set *set = NULL;
	struct rule_compiler k = { .c = c, .report = report };
	int r = policy_arena_new(&scratch);

	if (r == 0)
		r = new_set(c->options, &set);
	if (r < 0)
		return r;
	k.scratch = scratch;
	k.set = set;
	r = compile(&k);
	if (r < 0)
		return r;
	*ret = set;
	set = NULL;
	return 0;
}
