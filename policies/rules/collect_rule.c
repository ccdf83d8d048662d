// SPDX-License-Identifier: Apache-2.0
/*
 * Collecting rules: definitions, and what changes them later. Must not know YAML.
 */
#include "policies/rules/collect.h"

#include <errno.h>
#include <string.h>

static struct rule_info *find_rule(const struct rule_collector *c, const char *name)
{
	return rule_names_find(&c->rule_names, name, strlen(name));
}

static int fail(struct rule_report *report, const struct rule_info *info, const char *message)
{
	return rule_report_error(report, RULE_ERROR_VALIDATE, info->place, "%s", message);
}

static int fail_source(struct rule_report *report, const struct rule_info *info)
{
	return fail(report, info, "Rule has been re-defined with a different source");
}

static int check_exceptions(struct rule_collector *c, struct rule_report *report, const struct rule_info *info, bool known)
{
	int r = 0;

	for (struct rule_exception *e = info->exceptions.first; e && r == 0; e = e->next) {
		if (e->fields.kind == RULE_ENTRY_NONE)
			return rule_report_error(report, RULE_ERROR_VALIDATE, e->place,
						 "Rule exception item must have fields property with a list of fields");
		r = rule_exception_check(c, report, e, known);
	}
	return r;
}

static int add_rule(struct rule_collector *c, struct rule_info *info)
{
	if (c->last_rule)
		c->last_rule->next = info;
	else
		c->rules = info;
	c->last_rule = info;
	c->n_rules++;
	return rule_names_add(&c->rule_names, c->arena, info->name, info);
}

int rule_collect_rule(struct rule_collector *c, struct rule_report *report, struct rule_info *info)
{
	struct rule_info *prev = find_rule(c, info->name);
	int r = 0;

	if (prev && strcmp(prev->source, info->source) != 0)
		return fail_source(report, info);
	info->unknown_source = !rule_source_known(c->options, info->source);
	if (info->unknown_source)
		r = rule_report_warning(report, RULE_WARNING_UNKNOWN_SOURCE, info->place, "Unknown source %s, skipping",
					info->source);
	if (r == 0)
		r = check_exceptions(c, report, info, !info->unknown_source);
	if (r < 0)
		return r;
	info->index = prev ? prev->index : c->next_index;
	c->next_index++;
	if (!prev)
		return add_rule(c, info);
	info->next = prev->next;
	info->name = prev->name;
	*prev = *info;
	return 0;
}

static int append_text(struct rule_collector *c, struct rule_buffer *text, const struct rule_buffer *more)
{
	if (more->len == 0)
		return 0;
	if (rule_buffer_add(text, c->arena, " ", 1) < 0)
		return -ENOMEM;
	return rule_buffer_add(text, c->arena, more->s, more->len);
}

static struct rule_exception *find_exception(const struct rule_info *rule, const char *name)
{
	for (struct rule_exception *e = rule->exceptions.first; e; e = e->next) {
		if (strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static int fail_exception(struct rule_report *report, const struct rule_exception *exception, const char *message)
{
	return rule_report_error(report, RULE_ERROR_VALIDATE, exception->place, "%s", message);
}

/* A new one, which must be complete. */
static int add_exception(struct rule_collector *c, struct rule_report *report, struct rule_info *rule,
			 struct rule_exception *exception)
{
	int r;

	if (exception->fields.kind == RULE_ENTRY_NONE)
		return fail_exception(report, exception, "Rule exception must have fields property with a list of fields");
	if (exception->values.n == 0)
		return fail_exception(report, exception, "Rule exception must have values property with a list of values");
	if (rule->exceptions.n >= RULE_EXCEPTIONS_MAX)
		return fail_exception(report, exception, "Too many exceptions in one rule");
	r = rule_exception_check(c, report, exception, !rule->unknown_source);
	if (r < 0)
		return r;
	exception->next = NULL;
	if (rule->exceptions.last)
		rule->exceptions.last->next = exception;
	else
		rule->exceptions.first = exception;
	rule->exceptions.last = exception;
	rule->exceptions.n++;
	return 0;
}

static int append_exception(struct rule_collector *c, struct rule_report *report, struct rule_info *rule,
			    struct rule_exception *exception)
{
	struct rule_exception *prev = find_exception(rule, exception->name);

	if (!prev)
		return add_exception(c, report, rule, exception);
	if (exception->fields.kind != RULE_ENTRY_NONE)
		return fail_exception(report, exception, "Can not append exception fields to existing exception, only values");
	if (exception->comps.kind != RULE_ENTRY_NONE)
		return fail_exception(report, exception, "Can not append exception comps to existing exception, only values");
	if (exception->values.n == 0)
		return 0;
	if (prev->values.last)
		prev->values.last->next = exception->values.first;
	else
		prev->values.first = exception->values.first;
	prev->values.last = exception->values.last;
	prev->values.n += exception->values.n;
	prev->values.kind = RULE_ENTRY_LIST;
	return 0;
}

static int append_exceptions(struct rule_collector *c, struct rule_report *report, struct rule_info *rule,
			     const struct rule_info *update)
{
	struct rule_exception *next;
	int r = 0;

	for (struct rule_exception *e = update->exceptions.first; e && r == 0; e = next) {
		next = e->next;
		r = append_exception(c, report, rule, e);
	}
	return r;
}

static int check_update(struct rule_report *report, const struct rule_info *rule, const struct rule_info *update)
{
	if ((update->given & RULE_KEY_SOURCE) && strcmp(update->source, rule->source) != 0)
		return fail_source(report, update);
	return 0;
}

int rule_collect_append(struct rule_collector *c, struct rule_report *report, struct rule_info *update)
{
	struct rule_info *rule = find_rule(c, update->name);
	int r;

	if (!rule)
		return fail(report, update,
			    "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists");
	if (!(update->given & ~(unsigned)RULE_KEY_SOURCE))
		return fail(report, update, "Appended rule must have exceptions or condition property");
	r = check_update(report, rule, update);
	if (r == 0)
		r = append_text(c, &rule->condition, &update->condition);
	if (r == 0)
		r = append_text(c, &rule->output, &update->output);
	if (r == 0)
		r = append_text(c, &rule->desc, &update->desc);
	if (r == 0)
		r = rule_texts_add(c->arena, &rule->tags, &rule->n_tags, &rule->tags_size, update->tags, update->n_tags);
	if (r == 0)
		r = append_exceptions(c, report, rule, update);
	c->next_index++;
	return r;
}

static void replace_texts(struct rule_info *rule, const struct rule_info *update)
{
	if (update->given & RULE_KEY_CONDITION) {
		rule->condition = update->condition;
		rule->condition_place = update->condition_place;
	}
	if (update->given & RULE_KEY_OUTPUT) {
		rule->output = update->output;
		rule->output_place = update->output_place;
	}
	if (update->given & RULE_KEY_DESC)
		rule->desc = update->desc;
	if (update->given & RULE_KEY_TAGS) {
		rule->tags = update->tags;
		rule->n_tags = update->n_tags;
		rule->tags_size = update->tags_size;
	}
	if (update->given & RULE_KEY_EXCEPTIONS)
		rule->exceptions = update->exceptions;
}

static void replace_settings(struct rule_info *rule, const struct rule_info *update)
{
	if (update->given & RULE_KEY_PRIORITY)
		rule->priority = update->priority;
	if (update->given & RULE_KEY_ENABLED)
		rule->enabled = update->enabled;
	if (update->given & RULE_KEY_WARN_EVTTYPES)
		rule->warn_evttypes = update->warn_evttypes;
	if (update->given & RULE_KEY_SKIP_UNKNOWN)
		rule->skip_unknown = update->skip_unknown;
	if (update->given & RULE_KEY_CAPTURE)
		rule->capture = update->capture;
	if (update->given & RULE_KEY_CAPTURE_DURATION)
		rule->capture_ms = update->capture_ms;
}

int rule_collect_replace(struct rule_collector *c, struct rule_report *report, struct rule_info *update)
{
	struct rule_info *rule = find_rule(c, update->name);
	int r;

	if (!rule)
		return fail(report, update,
			    "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists");
	if (!(update->given & ~(unsigned)RULE_KEY_SOURCE))
		return fail(report, update, "The rule must have at least one field that can be replaced");
	r = check_update(report, rule, update);
	if (r == 0)
		r = check_exceptions(c, report, update, !rule->unknown_source);
	if (r < 0)
		return r;
	replace_texts(rule, update);
	replace_settings(rule, update);
	c->next_index++;
	return 0;
}

int rule_collect_enable(struct rule_collector *c, struct rule_report *report, const struct rule_info *update)
{
	struct rule_info *rule = find_rule(c, update->name);

	if (!rule)
		return fail(report, update, "Rule has 'enabled' key but no rule by that name already exists");
	rule->enabled = update->enabled;
	return 0;
}
