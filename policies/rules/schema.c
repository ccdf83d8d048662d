// SPDX-License-Identifier: Apache-2.0
/*
 * What Falco's JSON schema says of rule files: keys and types, for all kinds of items together. It decides nothing, it is
 * told. Types are weak there: any scalar is a text, "true" and "false" are booleans.
 */
#include "policies/rules/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MESSAGE_BYTES_MAX 256

enum type {
	TYPE_ANY,
	TYPE_TEXT,
	TYPE_BOOL,
	TYPE_INTEGER,
	TYPE_PRIORITY,
	TYPE_OPERATION, /* of an override */
	TYPE_TEXTS,
	TYPE_EXCEPTIONS,
	TYPE_OVERRIDE,
	TYPE_PLUGINS,
	TYPE_ALTERNATIVES,
};

struct property {
	const char *name;
	enum type type;
	bool required;
};

static const struct property item_properties[] = {
	{ "required_engine_version", TYPE_TEXT, false },
	{ "required_plugin_versions", TYPE_PLUGINS, false },
	{ "macro", TYPE_TEXT, false },
	{ "condition", TYPE_TEXT, false },
	{ "list", TYPE_TEXT, false },
	{ "items", TYPE_TEXTS, false },
	{ "rule", TYPE_TEXT, false },
	{ "desc", TYPE_TEXT, false },
	{ "enabled", TYPE_BOOL, false },
	{ "output", TYPE_TEXT, false },
	{ "append", TYPE_BOOL, false },
	{ "priority", TYPE_PRIORITY, false },
	{ "capture", TYPE_BOOL, false },
	{ "capture_duration", TYPE_INTEGER, false },
	{ "source", TYPE_TEXT, false },
	{ "exceptions", TYPE_EXCEPTIONS, false },
	{ "override", TYPE_OVERRIDE, false },
	{ "tags", TYPE_TEXTS, false },
	{ "warn_evttypes", TYPE_BOOL, false },
	{ "skip-if-unknown-filter", TYPE_BOOL, false },
};

static const struct property exception_properties[] = {
	{ "name", TYPE_TEXT, true },
	{ "fields", TYPE_ANY, false },
	{ "comps", TYPE_ANY, false },
	{ "values", TYPE_ANY, false },
};

static const struct property override_properties[] = {
	{ "items", TYPE_OPERATION, false },	      { "desc", TYPE_OPERATION, false },
	{ "condition", TYPE_OPERATION, false },	      { "output", TYPE_OPERATION, false },
	{ "priority", TYPE_OPERATION, false },	      { "enabled", TYPE_OPERATION, false },
	{ "exceptions", TYPE_OPERATION, false },      { "capture", TYPE_OPERATION, false },
	{ "capture_duration", TYPE_OPERATION, false }, { "tags", TYPE_OPERATION, false },
	{ "warn_evttypes", TYPE_OPERATION, false },   { "skip-if-unknown-filter", TYPE_OPERATION, false },
};

static const struct property plugin_properties[] = {
	{ "name", TYPE_TEXT, true },
	{ "version", TYPE_TEXT, true },
	{ "alternatives", TYPE_ALTERNATIVES, false },
};

static const struct property alternative_properties[] = {
	{ "name", TYPE_TEXT, true },
	{ "version", TYPE_TEXT, true },
};

static const char *const priorities[] = { "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING",
					  "NOTICE", "INFO", "INFORMATIONAL", "DEBUG" };
static const char *const operations[] = { "append", "replace" };
static const char *const booleans[] = { "true", "false" };

/* The first thing that is wrong; empty if nothing is. */
struct check {
	char message[MESSAGE_BYTES_MAX];
};

static bool fail(struct check *check, const struct yaml_node *node, const char *what)
{
	snprintf(check->message, sizeof(check->message), "failed for line %d, column %d: %s", node->line, node->column, what);
	return false;
}

static bool is_one_of(const struct yaml_node *node, const char *const *words, size_t n)
{
	if (node->type != YAML_SCALAR)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(node->text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_integer(const struct yaml_node *node)
{
	const char *s = node->type == YAML_SCALAR ? node->text : "";

	s += *s == '-' || *s == '+';
	return *s && s[strspn(s, "0123456789")] == '\0';
}

static bool check_value(struct check *check, const struct yaml_node *node, enum type type);

static const struct property *find_property(const struct property *properties, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(properties[i].name, name) == 0)
			return &properties[i];
	}
	return NULL;
}

static bool check_required(struct check *check, const struct yaml_node *node, const struct property *properties, size_t n)
{
	char message[64];

	for (size_t i = 0; i < n; i++) {
		if (!properties[i].required || rule_read_find(node, properties[i].name))
			continue;
		snprintf(message, sizeof(message), "missing required property '%s'", properties[i].name);
		return fail(check, node, message);
	}
	return true;
}

static bool is_empty(const struct yaml_node *node)
{
	return node->type != YAML_SCALAR && node->count == 0;
}

static bool check_object(struct check *check, const struct yaml_node *node, const struct property *properties, size_t n)
{
	const struct property *property;
	char message[128];

	if (node->type != YAML_MAPPING && !is_empty(node))
		return fail(check, node, "a mapping is expected");
	for (const struct yaml_node *value = node->first; value; value = value->next) {
		property = find_property(properties, n, value->key);
		if (!property) {
			snprintf(message, sizeof(message), "there is no property '%.64s'", value->key);
			return fail(check, value, message);
		}
		if (!check_value(check, value, property->type))
			return false;
	}
	return check_required(check, node, properties, n);
}

static bool check_array(struct check *check, const struct yaml_node *node, const struct property *properties, size_t n)
{
	if (node->type != YAML_SEQUENCE && !is_empty(node))
		return fail(check, node, "a sequence is expected");
	for (const struct yaml_node *item = node->first; item && n; item = item->next) {
		if (!check_object(check, item, properties, n))
			return false;
	}
	return true;
}

static bool check_override(struct check *check, const struct yaml_node *node)
{
	if (node->count == 0)
		return fail(check, node, "a mapping with at least one property is expected");
	return check_object(check, node, override_properties, COUNT(override_properties));
}

static bool check_scalar(struct check *check, const struct yaml_node *node, enum type type)
{
	switch (type) {
	case TYPE_BOOL:
		return is_one_of(node, booleans, COUNT(booleans)) || fail(check, node, "true or false is expected");
	case TYPE_INTEGER:
		return is_integer(node) || fail(check, node, "an integer is expected");
	case TYPE_PRIORITY:
		return is_one_of(node, priorities, COUNT(priorities)) || fail(check, node, "a priority in capitals is expected");
	case TYPE_OPERATION:
		return is_one_of(node, operations, COUNT(operations)) || fail(check, node, "append or replace is expected");
	default:
		return true;
	}
}

static bool check_value(struct check *check, const struct yaml_node *node, enum type type)
{
	switch (type) {
	case TYPE_TEXTS:
		return check_array(check, node, NULL, 0);
	case TYPE_EXCEPTIONS:
		return check_array(check, node, exception_properties, COUNT(exception_properties));
	case TYPE_PLUGINS:
		return check_array(check, node, plugin_properties, COUNT(plugin_properties));
	case TYPE_ALTERNATIVES:
		return check_array(check, node, alternative_properties, COUNT(alternative_properties));
	case TYPE_OVERRIDE:
		return check_override(check, node);
	default:
		return check_scalar(check, node, type);
	}
}

int rule_schema_check(struct rule_report *report, const struct yaml_node *roots)
{
	struct check check = { .message = "" };
	bool ok = true;

	for (const struct yaml_node *root = roots->first; root && ok; root = root->next)
		ok = check_array(&check, root, item_properties, COUNT(item_properties));
	if (roots->first)
		report->schema = ok ? RULE_SCHEMA_OK : RULE_SCHEMA_FAILED;
	if (ok)
		return 0;
	report->schema_message = policy_arena_copy(report->arena, check.message, strlen(check.message));
	return report->schema_message ? 0 : -ENOMEM;
}
