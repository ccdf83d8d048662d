// SPDX-License-Identifier: Apache-2.0
/* One rule as a document, with the member names of Falco's. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "policies/rules/parse.h"
#include "tools/holdfast/rules.h"

static void add_text(struct json_object *json, const char *key, const char *text)
{
	cli_json_add_bytes(json, key, text ? text : "", text ? strlen(text) : 0);
}

/* Each text once, in the order in which they come. */
static void add_once(struct json_object *array, const char *text, size_t len)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		const char *have = json_object_get_string(json_object_array_get_idx(array, i));

		if (strlen(have) == len && memcmp(have, text, len) == 0)
			return;
	}
	json_object_array_add(array, json_object_new_string_len(text, (int)len));
}

struct parts {
	struct json_object *fields, *operators, *macros, *lists;
};

static void add_field(struct parts *parts, const struct rule_node *node)
{
	char text[512];
	int n = snprintf(text, sizeof(text), node->argument ? "%s[%s]" : "%s", node->text, node->argument ? node->argument : "");

	add_once(parts->fields, text, n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void add_operator(struct parts *parts, const struct rule_node *node)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s%s%s", rule_operator_name(node->operator), node->modifier ? " " : "",
			 rule_modifier_name(node->modifier));

	add_once(parts->operators, text, n < 0 ? 0 : (size_t)n);
}

static void walk_tree(struct parts *parts, const struct rule_node *node)
{
	if (node->kind == RULE_FIELD)
		add_field(parts, node);
	if (node->kind == RULE_COMPARE)
		add_operator(parts, node);
	if (node->kind == RULE_EXISTS)
		add_once(parts->operators, "exists", 6);
	for (const struct rule_node *child = node->first; child; child = child->next)
		walk_tree(parts, child);
}

static bool is_word(const struct rule_named_text *named, const char *word, size_t len)
{
	return strlen(named->name) == len && memcmp(named->name, word, len) == 0;
}

/* The macros and lists that words of a condition name; not yet those that these name. */
static void note_names(struct parts *parts, const struct rule_set *set, const char *text)
{
	static const char delimiters[] = " \t\r\n(),=";

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, delimiters);

		for (size_t i = 0; i < set->n_macros && len; i++) {
			if (is_word(&set->macros[i], at, len))
				add_once(parts->macros, at, len);
		}
		for (size_t i = 0; i < set->n_lists && len; i++) {
			if (is_word(&set->lists[i], at, len))
				add_once(parts->lists, at, len);
		}
		at += len ? len : 1;
	}
}

static const char *find_macro(const struct rule_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_macros; i++) {
		if (strcmp(set->macros[i].name, name) == 0)
			return set->macros[i].text;
	}
	return "";
}

static struct json_object *describe_events(const struct rule *rule)
{
	const struct rule_event_set *set = rule_filter_event_types(rule->filter);
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < rule_event_type_count(); i++) {
		if (rule_event_set_has(set, i))
			json_object_array_add(array, json_object_new_string(rule_event_type_name(i)));
	}
	return array;
}

static struct json_object *describe_output(const struct rule *rule)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < rule_format_fields(rule->format); i++)
		json_object_array_add(array, json_object_new_string(rule_format_field_name(rule->format, i)));
	return array;
}

static void add_compiled(struct json_object *json, const struct rule *rule)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;

	add_text(json, "condition_compiled", policy_arena_new(&arena) == 0 ? rule_condition_print(rule->tree, arena, NULL) : NULL);
}

static struct json_object *describe_details(const struct rule_set *set, const struct rule *rule)
{
	struct parts parts = { json_object_new_array(), json_object_new_array(), json_object_new_array(), json_object_new_array() };
	struct json_object *json = json_object_new_object();

	walk_tree(&parts, rule->tree);
	note_names(&parts, set, rule->condition);
	/* The array grows while it is walked. */
	for (size_t i = 0; i < json_object_array_length(parts.macros); i++)
		note_names(&parts, set, find_macro(set, json_object_get_string(json_object_array_get_idx(parts.macros, i))));
	add_compiled(json, rule);
	json_object_object_add(json, "events", describe_events(rule));
	json_object_object_add(json, "condition_fields", parts.fields);
	json_object_object_add(json, "operators", parts.operators);
	json_object_object_add(json, "output_fields", describe_output(rule));
	json_object_object_add(json, "macros", parts.macros);
	json_object_object_add(json, "lists", parts.lists);
	return json;
}

struct json_object *cli_rule_describe(const struct rule_set *set, const struct rule *rule)
{
	struct json_object *json = json_object_new_object(), *info = json_object_new_object(), *tags = json_object_new_array();

	for (size_t i = 0; i < rule->n_tags; i++)
		add_once(tags, rule->tags[i], strlen(rule->tags[i]));
	add_text(info, "name", rule->name);
	add_text(info, "description", rule->description);
	add_text(info, "priority", rule_priority_name(rule->priority));
	add_text(info, "source", rule->source);
	json_object_object_add(info, "enabled", json_object_new_boolean(rule->enabled));
	json_object_object_add(info, "tags", tags);
	add_text(info, "file", rule->file);
	json_object_object_add(info, "line", json_object_new_int(rule->line));
	add_text(info, "output", rule->output);
	add_text(info, "condition", rule->condition);
	json_object_object_add(json, "info", info);
	json_object_object_add(json, "details", describe_details(set, rule));
	return json;
}
