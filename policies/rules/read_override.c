// SPDX-License-Identifier: Apache-2.0
/*
 * `override` and `append`: how an item changes an earlier one. Must not know what the keys hold.
 */
#include "policies/rules/read.h"

#include <errno.h>
#include <string.h>

int rule_read_append(const struct rule_source_item *item, bool *ret)
{
	int r = rule_read_bool(item, "append", true, ret);

	if (r < 0 || !*ret)
		return r;
	return rule_report_warning(item->reader->report, RULE_WARNING_DEPRECATED_ITEM, item->place,
				   "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under "
				   "'override' instead.");
}

/* One key under `override`. */
struct entry {
	const struct rule_source_item *item;
	const struct yaml_node *node;
	const struct rule_override_key *key; /* NULL: cannot be overridden */
};

static int fail_key(const struct entry *e, const char *message)
{
	struct rule_source_item inner = rule_read_item(e->item->reader, e->node, RULE_ITEM_OVERRIDE, e->node->key, e->item->place);

	return rule_read_fail(&inner, "Key '%s' %s", e->node->key, message);
}

static int fail_operation(const struct entry *e, const char *operation)
{
	struct rule_source_item inner = rule_read_item(e->item->reader, e->node, RULE_ITEM_VALUE, e->node->key, e->item->place);

	return rule_read_fail(&inner, "Invalid override operation for key '%s': '%s'. Allowed values are: %s%s",
			      e->node->key, operation, e->key && e->key->append ? "append " : "",
			      e->key && e->key->replace ? "replace " : "");
}

static int read_entry(const struct entry *e, unsigned *append, unsigned *replace)
{
	const char *operation = e->node->type == YAML_SCALAR ? e->node->text : "";

	if (strcmp(operation, "append") == 0) {
		if (!e->key || !e->key->append)
			return fail_key(e, "cannot be appended to, use 'replace' instead");
		*append |= e->key->bit;
	} else if (strcmp(operation, "replace") == 0) {
		if (!e->key || !e->key->replace)
			return fail_key(e, "cannot be replaced");
		*replace |= e->key->bit;
	} else {
		return fail_operation(e, operation);
	}
	return 0;
}

static const struct rule_override_key *find_key(const struct rule_override_key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

int rule_read_overrides(const struct rule_source_item *item, const struct rule_override_key *keys, size_t n,
			unsigned *ret_append, unsigned *ret_replace)
{
	const struct yaml_node *value = rule_read_find(item->node, "override");
	struct rule_source_item overrides;
	int r = 0;

	*ret_append = 0;
	*ret_replace = 0;
	if (!value || rule_read_is_null(value))
		return 0;
	overrides = rule_read_item(item->reader, value, RULE_ITEM_OVERRIDE, "", item->place);
	if (!overrides.place)
		return -ENOMEM;
	if (value->type != YAML_MAPPING)
		return rule_read_fail(&overrides, "Value of 'override' must be a mapping of keys to 'append' or 'replace'");
	for (const struct yaml_node *node = value->first; node && r == 0; node = node->next) {
		const struct entry entry = { &overrides, node, find_key(keys, n, node->key) };

		r = read_entry(&entry, ret_append, ret_replace);
	}
	return r;
}
