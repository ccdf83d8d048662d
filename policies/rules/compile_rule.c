// SPDX-License-Identifier: Apache-2.0
/*
 * Rules: conditions and outputs to filters and formats. Must not know how they are evaluated.
 */
#include "policies/rules/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A rule that matches more types of events than that is tried on nearly everything. */
#define EVENT_TYPES_WARN 100

/* Falco forgives what it does not know if the rule asks for that. */
static bool is_unknown(const struct rule_filter_error *error)
{
	return error->kind == RULE_FILTER_UNKNOWN_FIELD || error->kind == RULE_FILTER_UNKNOWN_EVENT_TYPE;
}

/* @ret_drop: (output) the rule is left out. */
static int take_error(struct rule_compiler *k, const struct rule_info *info, enum rule_error_code code,
		      const struct rule_place *place, const struct rule_filter_error *error, bool *ret_drop)
{
	if (!place)
		return -ENOMEM;
	if (!info->skip_unknown || !is_unknown(error))
		return rule_report_error(k->report, code, place, "%s", error->message);
	*ret_drop = true;
	return rule_report_warning(k->report, RULE_WARNING_UNKNOWN_FILTER, place, "%s", error->message);
}

static int add_extra_fields(struct rule_compiler *k, const struct rule_info *info, struct rule_format *format,
			    struct rule_filter_error *error)
{
	const struct rule_options *options = k->c->options;
	int r = 0;

	for (size_t i = 0; i < options->n_appends && r == 0; i++) {
		const struct rule_append_output *append = &options->appends[i];

		for (size_t n = 0; n < append->n_fields && r == 0 && rule_append_applies(info, append); n++)
			r = rule_format_add_field(k->set->program, format, append->fields[n].name, append->fields[n].text, error);
	}
	return r;
}

/* "*", so that missing values show as <NA>. */
static int compile_output(struct rule_compiler *k, const struct rule_info *info, struct policy_arena *arena,
			  struct rule *rule, bool *ret_drop)
{
	struct rule_buffer output = { 0 };
	struct rule_filter_error error = { 0 };
	int r = rule_buffer_add(&output, arena, "*", 1);

	if (r == 0)
		r = rule_buffer_add(&output, arena, rule->output, strlen(rule->output));
	if (r == 0)
		r = rule_format_compile(k->set->program, output.s, &rule->format, &error);
	if (r == 0)
		r = add_extra_fields(k, info, rule->format, &error);
	if (r == -EINVAL)
		return take_error(k, info, RULE_ERROR_COMPILE_OUTPUT, info->output_place, &error, ret_drop);
	return r;
}

/* Says once for each deprecated field that it is. */
struct deprecated {
	const struct rule_field *seen[8]; /* there are six */
	size_t n;
};

static bool is_seen(struct deprecated *deprecated, const struct rule_field *field)
{
	for (size_t i = 0; i < deprecated->n; i++) {
		if (deprecated->seen[i] == field)
			return true;
	}
	if (deprecated->n < sizeof(deprecated->seen) / sizeof(deprecated->seen[0]))
		deprecated->seen[deprecated->n++] = field;
	return false;
}

static const char *explain_deprecated(const struct rule_field *field)
{
	if (strcmp(field->name, "evt.dir") == 0)
		return "there are no enter events any more: 'evt.dir = <' is always true and 'evt.dir = >' always false, "
		       "so the check can be removed";
	return "there are no enter events any more, so the field has no value";
}

static int warn_deprecated(struct rule_compiler *k, struct rule_expression *expression, const struct rule_node *node,
			   struct deprecated *deprecated)
{
	const struct rule_field *field = NULL;
	const struct rule_place *place;
	int r = 0;

	if (node->kind == RULE_FIELD)
		field = rule_program_field(k->set->program, node->text, node->len, NULL);
	if (field && (field->flags & RULE_FIELD_DEPRECATED) && !is_seen(deprecated, field)) {
		place = rule_condition_place(k, expression, node->offset);
		if (!place)
			return -ENOMEM;
		r = rule_report_warning(k->report, RULE_WARNING_DEPRECATED_ITEM, place,
					"usage of deprecated field '%s' has been detected in the rule condition: %s",
					field->name, explain_deprecated(field));
	}
	for (const struct rule_node *child = node->kind == RULE_ITEMS ? NULL : node->first; child && r == 0; child = child->next)
		r = warn_deprecated(k, expression, child, deprecated);
	return r;
}

/* The names of the output's values, transformed ones among them, are looked through as text, as in Falco. */
static int warn_deprecated_output(struct rule_compiler *k, const struct rule_info *info, const struct rule *rule)
{
	size_t n;
	const struct rule_field *fields = rule_fields(&n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!(fields[i].flags & RULE_FIELD_DEPRECATED) || !strstr(rule->output, fields[i].name))
			continue;
		r = rule_report_warning(k->report, RULE_WARNING_DEPRECATED_ITEM, info->output_place,
					"usage of deprecated field '%s' has been detected in the rule output: %s",
					fields[i].name, explain_deprecated(&fields[i]));
	}
	return r;
}

static int report_warning(struct rule_compiler *k, const struct rule_filter_warning *warning, struct rule_expression *expression)
{
	const struct rule_place *place = expression->place;

	/* One that is only counted needs no place of its own. */
	if (k->report->n_warnings < RULE_WARNINGS_MAX)
		place = rule_condition_place(k, expression, warning->offset);
	if (!place)
		return -ENOMEM;
	return rule_report_warning(k->report, RULE_WARNING_COMPILE_CONDITION, place, "%s", warning->message);
}

/* Oldest first, while @newest is the newest. */
static int report_warnings(struct rule_compiler *k, const struct rule_filter_warning *newest, struct rule_expression *expression)
{
	const struct rule_filter_warning **all;
	size_t n = 0;
	int r = 0;

	for (const struct rule_filter_warning *at = newest; at; at = at->next)
		n++;
	all = policy_arena_alloc(expression->arena, n, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = n; newest; newest = newest->next)
		all[--i] = newest;
	for (size_t i = 0; i < n && r == 0; i++)
		r = report_warning(k, all[i], expression);
	return r;
}

static int compile_filter(struct rule_compiler *k, const struct rule_info *info, struct rule_expression *expression,
			  struct rule *rule, bool *ret_drop)
{
	struct rule_filter_error error = { 0 };
	const struct rule_place *place;
	int r = rule_filter_compile(k->set->program, expression->node, &rule->filter, &error);

	if (r == 0)
		return report_warnings(k, rule_filter_warnings(rule->filter), expression);
	if (r != -EINVAL)
		return r;
	place = rule_condition_place(k, expression, error.offset);
	return take_error(k, info, RULE_ERROR_COMPILE_CONDITION, place, &error, ret_drop);
}

static int warn_event_types(struct rule_compiler *k, const struct rule_info *info, const struct rule *rule)
{
	if (!info->warn_evttypes || rule_event_set_count(rule_filter_event_types(rule->filter)) <= EVENT_TYPES_WARN)
		return 0;
	return rule_report_warning(k->report, RULE_WARNING_NO_EVTTYPE, info->place,
				   "Rule matches too many evt.type values. This has a significant performance penalty.");
}

/* With exceptions, before lists are put in. */
static int build_condition(struct rule_compiler *k, const struct rule_info *info, struct policy_arena *arena,
			   struct rule *rule, struct rule_buffer *ret)
{
	int r = 0;

	if (info->exceptions.first)
		r = rule_exceptions_build(arena, k->report, info, ret);
	else
		*ret = info->condition;
	if (r < 0)
		return r;
	rule->condition = policy_arena_copy(k->set->arena, ret->s ? ret->s : "", ret->len);
	return rule->condition ? 0 : -ENOMEM;
}

static int compile_condition(struct rule_compiler *k, const struct rule_info *info, struct policy_arena *arena,
			     struct rule *rule, bool *ret_drop)
{
	struct rule_expression expression = { .arena = arena, .place = info->condition_place };
	struct deprecated deprecated = { .n = 0 };
	struct rule_buffer condition = { 0 };
	int r = build_condition(k, info, arena, rule, &condition);

	if (r == 0)
		r = rule_parse_expression(k, &condition, &expression);
	if (r == 0)
		r = rule_put_macros(k, &expression, SIZE_MAX);
	if (r == 0)
		r = compile_filter(k, info, &expression, rule, ret_drop);
	if (r < 0 || *ret_drop)
		return r;
	rule->tree = rule_copy_tree(k->set->arena, expression.node);
	r = rule->tree ? warn_deprecated(k, &expression, expression.node, &deprecated) : -ENOMEM;
	return r == 0 ? warn_event_types(k, info, rule) : r;
}

static int compare_tags(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keeps one of each. @n: before and after. */
static void sort_tags(const char **tags, size_t *n)
{
	size_t unique = 0;

	if (*n)
		qsort(tags, *n, sizeof(*tags), compare_tags);
	for (size_t i = 0; i < *n; i++) {
		if (unique == 0 || strcmp(tags[unique - 1], tags[i]) != 0)
			tags[unique++] = tags[i];
	}
	*n = unique;
}

static int copy_texts(struct rule_compiler *k, const struct rule_info *info, struct rule *rule)
{
	struct policy_arena *arena = k->set->arena;
	const char **tags = policy_arena_alloc(arena, info->n_tags, sizeof(*tags));
	int r = tags ? policy_arena_dup(arena, info->name, &rule->name) : -ENOMEM;

	if (r == 0)
		r = policy_arena_dup(arena, info->desc.s, &rule->description);
	if (r == 0)
		r = policy_arena_dup(arena, info->source, &rule->source);
	if (r == 0)
		r = policy_arena_dup(arena, info->place->file, &rule->file);
	if (r < 0)
		return r;
	rule->tags = tags;
	rule->n_tags = info->n_tags;
	for (size_t i = 0; i < info->n_tags; i++)
		tags[i] = info->tags[i];
	sort_tags(tags, &rule->n_tags);
	for (size_t i = 0; i < rule->n_tags && r == 0; i++)
		r = policy_arena_dup(arena, tags[i], &tags[i]);
	return r;
}

static int compile_parts(struct rule_compiler *k, const struct rule_info *info, struct policy_arena *arena,
			 struct rule *rule, bool *ret_drop)
{
	struct rule_buffer output = { 0 };
	int r = copy_texts(k, info, rule);

	if (r == 0)
		r = rule_build_output(k, info, &output);
	if (r < 0)
		return r;
	rule->output = policy_arena_copy(k->set->arena, output.s ? output.s : "", output.len);
	if (!rule->output)
		return -ENOMEM;
	r = compile_output(k, info, arena, rule, ret_drop);
	if (r == 0 && !*ret_drop)
		r = warn_deprecated_output(k, info, rule);
	return r == 0 && !*ret_drop ? compile_condition(k, info, arena, rule, ret_drop) : r;
}

/* @rule is filled unless it is to be left out. */
static int compile_rule(struct rule_compiler *k, const struct rule_info *info, struct rule *rule, bool *ret_drop)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	int r = policy_arena_new(&arena);

	*rule = (struct rule){ .priority = info->priority, .enabled = info->enabled, .capture = info->capture,
			       .capture_ms = info->capture_ms, .line = info->place->line };
	if (r == 0)
		r = compile_parts(k, info, arena, rule, ret_drop);
	if (r == 0 && !*ret_drop)
		rule->enabled = rule_select(k->c->options, rule);
	return r;
}

int rule_compile_rules(struct rule_compiler *k)
{
	struct rule *rules = policy_arena_alloc(k->set->arena, k->c->n_rules, sizeof(*rules));
	int r = 0;

	if (!rules)
		return -ENOMEM;
	for (const struct rule_info *info = k->c->rules; info && r == 0; info = info->next) {
		bool drop = info->unknown_source;

		if (!drop)
			r = compile_rule(k, info, &rules[k->set->n_rules], &drop);
		k->set->n_rules += r == 0 && !drop;
	}
	k->set->rules = rules;
	return r;
}
