// SPDX-License-Identifier: Apache-2.0
/*
 * `exceptions` of a rule, as they are written. What must hold for them is in exceptions.c.
 */
#include "policies/rules/read.h"

#include <errno.h>
#include <string.h>

/* @depth: lists around @node. */
static int read_entry(const struct rule_source_item *item, const struct yaml_node *node, unsigned depth,
		      struct rule_entry *ret);

static int add_entry(const struct rule_source_item *item, const struct yaml_node *node, unsigned depth,
		     struct rule_entry *list)
{
	struct rule_entry *entry = policy_arena_alloc(item->reader->arena, 1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	if (list->last)
		list->last->next = entry;
	else
		list->first = entry;
	list->last = entry;
	list->n++;
	return read_entry(item, node, depth, entry);
}

static int read_list(const struct rule_source_item *item, const struct yaml_node *node, unsigned depth,
		     struct rule_entry *ret)
{
	struct rule_source_item inner;
	int r = 0;

	if (depth >= RULE_VALUE_DEPTH_MAX)
		return rule_read_fail(item, "Lists in an exception are nested too deep");
	ret->kind = RULE_ENTRY_LIST;
	for (const struct yaml_node *value = node->first; value && r == 0; value = value->next) {
		inner = rule_read_item(item->reader, value, RULE_ITEM_EXCEPTION, "", item->place);
		r = add_entry(&inner, value, depth + 1, ret);
	}
	return r;
}

static int read_entry(const struct rule_source_item *item, const struct yaml_node *node, unsigned depth,
		      struct rule_entry *ret)
{
	if (!item->place)
		return -ENOMEM;
	if (node->type == YAML_SEQUENCE)
		return read_list(item, node, depth, ret);
	if (node->type != YAML_SCALAR || rule_read_is_null(node))
		return 0;
	if (node->len == 0)
		return rule_read_fail(item, "Value must be non-empty");
	ret->kind = RULE_ENTRY_TEXT;
	ret->text = policy_arena_copy(item->reader->arena, node->text, node->len);
	return ret->text ? 0 : -ENOMEM;
}

static int read_key(const struct rule_source_item *item, const char *key, bool optional, struct rule_entry *ret)
{
	const struct yaml_node *value = rule_read_find(item->node, key);
	struct rule_source_item inner;

	if (!value)
		return optional ? 0 : rule_read_fail(item, "Item has no mapping for key '%s'", key);
	inner = rule_read_item(item->reader, value, RULE_ITEM_VALUE, key, item->place);
	return read_entry(&inner, value, 0, ret);
}

static int read_values(const struct rule_source_item *item, struct rule_entry *ret)
{
	const struct yaml_node *values = rule_read_find(item->node, "values");
	struct rule_source_item inner = rule_read_item(item->reader, values, RULE_ITEM_EXCEPTION_VALUES, "", item->place), one;
	int r = 0;

	if (!inner.place)
		return -ENOMEM;
	if (values->type != YAML_SEQUENCE)
		return rule_read_fail(&inner, "Rule exception values must be a sequence");
	ret->kind = RULE_ENTRY_LIST;
	for (const struct yaml_node *node = values->first; node && r == 0; node = node->next) {
		one = rule_read_item(item->reader, node, RULE_ITEM_EXCEPTION_VALUE, "", inner.place);
		r = add_entry(&one, node, 0, ret);
	}
	return r;
}

static int warn_twice(const struct rule_source_item *item, const struct rule_exceptions *exceptions, const char *name)
{
	for (const struct rule_exception *e = exceptions->first; e; e = e->next) {
		if (strcmp(e->name, name) == 0)
			return rule_report_warning(item->reader->report, RULE_WARNING_EXCEPTION_NAME_NOT_UNIQUE, item->place,
						   "Multiple definitions of exception '%s' in the same rule", name);
	}
	return 0;
}

static int read_parts(const struct rule_source_item *item, bool append, struct rule_exception *exception)
{
	int r = read_key(item, "fields", append, &exception->fields);

	if (r == 0)
		r = read_key(item, "comps", true, &exception->comps);
	if (r < 0)
		return r;
	if (rule_read_find(item->node, "values"))
		return read_values(item, &exception->values);
	return append ? rule_report_warning(item->reader->report, RULE_WARNING_APPEND_NO_VALUES, item->place,
					    "Overriding/appending exception with no values") :
			0;
}

/* @rule: the rule; @outer: its exceptions. */
static int read_exception(const struct rule_source_item *rule, const struct rule_source_item *outer,
			  const struct yaml_node *node, bool append, struct rule_exceptions *ret)
{
	struct rule_source_item item = rule_read_item(rule->reader, node, RULE_ITEM_EXCEPTION, "", outer->place);
	struct rule_exception *exception = policy_arena_alloc(rule->reader->arena, 1, sizeof(*exception));
	int r;

	if (!exception)
		return -ENOMEM;
	if (node->type != YAML_MAPPING)
		return rule_read_fail(&item, "Rule exception must be a mapping");
	if (ret->n >= RULE_EXCEPTIONS_MAX)
		return rule_read_fail(&item, "More than %d exceptions in one rule", RULE_EXCEPTIONS_MAX);
	r = rule_read_text(&item, "name", false, &exception->name);
	if (r < 0)
		return r;
	item = rule_read_item(rule->reader, node, RULE_ITEM_EXCEPTION, exception->name, rule->place);
	exception->place = item.place;
	r = item.place ? warn_twice(&item, ret, exception->name) : -ENOMEM;
	if (r == 0)
		r = read_parts(&item, append, exception);
	if (ret->last)
		ret->last->next = exception;
	else
		ret->first = exception;
	ret->last = exception;
	ret->n++;
	return r;
}

int rule_read_exceptions(const struct rule_source_item *item, bool append, struct rule_exceptions *ret)
{
	const struct yaml_node *value = rule_read_find(item->node, "exceptions");
	struct rule_source_item exceptions;
	int r = 0;

	if (!value || rule_read_is_null(value))
		return 0;
	exceptions = rule_read_item(item->reader, value, RULE_ITEM_EXCEPTIONS, "", item->place);
	if (!exceptions.place)
		return -ENOMEM;
	if (value->type != YAML_SEQUENCE)
		return rule_read_fail(&exceptions, "Rule exceptions must be a sequence");
	for (const struct yaml_node *node = value->first; node && r == 0; node = node->next)
		r = read_exception(item, &exceptions, node, append, ret);
	return r;
}
