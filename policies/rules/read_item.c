// SPDX-License-Identifier: Apache-2.0
/*
 * Documents and their items: which kind each is; requirements, lists and macros. Rules are in read_rule.c.
 */
#include "policies/rules/parse.h"
#include "policies/rules/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int read_engine_version(struct rule_reader *r, const struct yaml_node *node)
{
	struct rule_source_item item = rule_read_item(r, node, RULE_ITEM_ENGINE_VERSION, "", r->file);
	const char *text = NULL;
	char version[32];
	uint32_t minor;
	int error = rule_read_text(&item, "required_engine_version", false, &text);

	if (error < 0)
		return error;
	/* Versions were plain numbers once. */
	if (rule_read_parse_u32(text, &minor)) {
		snprintf(version, sizeof(version), "0.%u.0", minor);
		text = version;
	}
	return rule_collect_engine_version(r->c, r->report, text, item.place);
}

/* {name, version} behind @alternatives. @item has no name yet and gets it. */
static int read_requirement(struct rule_source_item *item, enum rule_item kind, const struct rule_place *parent,
			    struct rule_alternatives *alternatives)
{
	struct rule_requirement *requirement = policy_arena_alloc(item->reader->arena, 1, sizeof(*requirement));
	int r;

	if (!requirement)
		return -ENOMEM;
	r = rule_read_text(item, "name", false, &requirement->name);
	if (r < 0)
		return r;
	*item = rule_read_item(item->reader, item->node, kind, requirement->name, parent);
	r = rule_read_text(item, "version", false, &requirement->version);
	if (r < 0)
		return r;
	if (alternatives->last)
		alternatives->last->next = requirement;
	else
		alternatives->first = requirement;
	alternatives->last = requirement;
	return 0;
}

static int read_alternatives(const struct rule_source_item *entry, struct rule_alternatives *alternatives)
{
	const struct yaml_node *value = rule_read_find(entry->node, "alternatives");
	struct rule_source_item item;
	int r = 0;

	if (!value)
		return 0;
	if (value->type != YAML_SEQUENCE)
		return rule_read_fail(entry, "Value of plugin version alternatives must be a sequence");
	for (const struct yaml_node *node = value->first; node && r == 0; node = node->next) {
		item = rule_read_item(entry->reader, node, RULE_ITEM_PLUGIN_VERSIONS_ALTERNATIVE, "", entry->place);
		if (node->type != YAML_MAPPING)
			return rule_read_fail(&item, "Plugin version alternative must be a mapping");
		r = read_requirement(&item, RULE_ITEM_PLUGIN_VERSIONS_ALTERNATIVE, entry->place, alternatives);
	}
	return r;
}

static int read_plugin(const struct rule_source_item *plugins, const struct yaml_node *node)
{
	struct rule_reader *r = plugins->reader;
	struct rule_source_item item = rule_read_item(r, node, RULE_ITEM_PLUGIN_VERSIONS_ENTRY, "", plugins->place);
	struct rule_alternatives *alternatives = policy_arena_alloc(r->arena, 1, sizeof(*alternatives));
	int error;

	if (!alternatives)
		return -ENOMEM;
	if (node->type != YAML_MAPPING)
		return rule_read_fail(&item, "Plugin version must be a mapping");
	error = read_requirement(&item, RULE_ITEM_PLUGIN_VERSIONS_ENTRY, plugins->place, alternatives);
	if (error == 0)
		error = read_alternatives(&item, alternatives);
	return error == 0 ? rule_collect_plugins(r->c, r->report, alternatives, item.place) : error;
}

static int read_plugins(struct rule_reader *r, const struct yaml_node *node)
{
	const struct yaml_node *value = rule_read_find(node, "required_plugin_versions");
	struct rule_source_item plugins = rule_read_item(r, value, RULE_ITEM_PLUGIN_VERSIONS, "", r->file);
	int error = 0;

	if (!plugins.place)
		return -ENOMEM;
	if (value->type != YAML_SEQUENCE)
		return rule_read_fail(&plugins, "Value of required_plugin_versions must be a sequence");
	for (const struct yaml_node *plugin = value->first; plugin && error == 0; plugin = plugin->next)
		error = read_plugin(&plugins, plugin);
	return error;
}

/* As rules need them: no blank, quote, bracket, comma or equals sign in it. */
static bool is_list_name(const char *name)
{
	return *name && !strpbrk(name, "()\"' \t\r\n\v\f=,");
}

/* Should it be appended to what is there? */
static int read_change(const struct rule_source_item *item, const char *key, bool *ret_append)
{
	const struct rule_override_key keys[] = { { key, 1, true, true } };
	unsigned append, replace;
	bool flag = false;
	int r = rule_read_append(item, &flag);

	if (r == 0)
		r = rule_read_overrides(item, keys, COUNT(keys), &append, &replace);
	if (r < 0)
		return r;
	if (flag && (append || replace))
		return rule_read_fail(item, "Keys 'override' and 'append: true' cannot be used together. Add an 'append' "
					    "entry (e.g. 'condition: append') under 'override' instead.");
	*ret_append = flag || append;
	return 0;
}

static int read_list(struct rule_reader *r, const struct yaml_node *node)
{
	struct rule_source_item item = rule_read_item(r, node, RULE_ITEM_LIST, "", r->file);
	struct rule_list_info *info = policy_arena_alloc(r->arena, 1, sizeof(*info));
	bool append = false;
	int error;

	if (!info)
		return -ENOMEM;
	error = rule_read_text(&item, "list", false, &info->name);
	if (error < 0)
		return error;
	item = rule_read_item(r, node, RULE_ITEM_LIST, info->name, r->file);
	info->place = item.place;
	if (!is_list_name(info->name) && item.place)
		error = rule_report_warning(r->report, RULE_WARNING_INVALID_LIST_NAME, item.place,
					    "List has an invalid name. List names should match a regular expression: "
					    "([^()\"'[:space:]=,]+)");
	if (error == 0)
		error = rule_read_texts(&item, "items", false, &info->items, &info->n_items);
	if (error == 0)
		error = read_change(&item, "items", &append);
	return error == 0 ? rule_collect_list(r->c, r->report, info, append) : error;
}

static int read_macro_condition(const struct rule_source_item *item, struct rule_macro_info *info)
{
	const char *text = NULL;
	int r = rule_read_text(item, "condition", false, &text);

	if (r < 0)
		return r;
	info->condition_place = rule_read_place(item->reader, rule_read_find(item->node, "condition"),
						RULE_ITEM_MACRO_CONDITION, "", item->place);
	return info->condition_place ? rule_buffer_add(&info->condition, item->reader->arena, text, strlen(text)) : -ENOMEM;
}

static int read_macro(struct rule_reader *r, const struct yaml_node *node)
{
	struct rule_source_item item = rule_read_item(r, node, RULE_ITEM_MACRO, "", r->file);
	struct rule_macro_info *info = policy_arena_alloc(r->arena, 1, sizeof(*info));
	bool append = false;
	int error;

	if (!info)
		return -ENOMEM;
	error = rule_read_text(&item, "macro", false, &info->name);
	if (error < 0)
		return error;
	item = rule_read_item(r, node, RULE_ITEM_MACRO, info->name, r->file);
	info->place = item.place;
	if (!rule_is_identifier(info->name, strlen(info->name)) && item.place)
		error = rule_report_warning(r->report, RULE_WARNING_INVALID_MACRO_NAME, item.place,
					    "Macro has an invalid name. Macro names should match a regular expression: "
					    "([a-zA-Z]+[a-zA-Z0-9_]*)");
	if (error == 0)
		error = read_macro_condition(&item, info);
	if (error == 0)
		error = read_change(&item, "condition", &append);
	return error == 0 ? rule_collect_macro(r->c, r->report, info, append) : error;
}

/* In the order in which an item's kind is looked for. */
static const struct kind {
	const char *key;
	enum rule_item item;
	int (*read)(struct rule_reader *r, const struct yaml_node *node);
	const char *keys[15]; /* that are read besides; NULL behind */
} kinds[] = {
	{ "required_engine_version", RULE_ITEM_ENGINE_VERSION, read_engine_version, { NULL } },
	{ "required_plugin_versions", RULE_ITEM_PLUGIN_VERSIONS, read_plugins, { NULL } },
	{ "list", RULE_ITEM_LIST, read_list, { "items", "append", "override" } },
	{ "macro", RULE_ITEM_MACRO, read_macro, { "condition", "append", "override" } },
	{ "rule", RULE_ITEM_RULE, rule_read_rule,
	  { "condition", "output", "desc", "priority", "source", "enabled", "tags", "exceptions", "warn_evttypes",
	    "skip-if-unknown-filter", "capture", "capture_duration", "append", "override" } },
};

static bool is_read(const struct kind *kind, const char *key)
{
	if (strcmp(key, kind->key) == 0)
		return true;
	for (size_t i = 0; kind->keys[i]; i++) {
		if (strcmp(key, kind->keys[i]) == 0)
			return true;
	}
	return false;
}

/* Names each key of an item that nothing reads. */
static int check_keys(struct rule_reader *r, const struct yaml_node *node, const struct kind *kind)
{
	const struct yaml_node *named = rule_read_find(node, kind->key);
	const char *name = named->type == YAML_SCALAR && kind->item >= RULE_ITEM_LIST ? named->text : "";
	struct rule_source_item item;
	int error = 0;

	for (const struct yaml_node *key = node->first; key && error == 0; key = key->next) {
		if (is_read(kind, key->key))
			continue;
		item = rule_read_item(r, node, kind->item, name, r->file);
		item = rule_read_item(r, key, RULE_ITEM_VALUE, key->key, item.place);
		if (!item.place)
			return -ENOMEM;
		error = rule_report_warning(r->report, RULE_WARNING_UNKNOWN_KEY, item.place, "Unknown key '%s'", key->key);
	}
	return error;
}

static int read_item(struct rule_reader *r, const struct yaml_node *node)
{
	struct rule_source_item item = rule_read_item(r, node, RULE_ITEM_CONTENT_ITEM, "", r->file);
	int error;

	if (!item.place)
		return -ENOMEM;
	if (node->type != YAML_MAPPING)
		return rule_read_fail(&item, "Unexpected element type. Each element should be a yaml associative array.");
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!rule_read_find(node, kinds[i].key))
			continue;
		error = check_keys(r, node, &kinds[i]);
		return error == 0 ? kinds[i].read(r, node) : error;
	}
	return rule_report_warning(r->report, RULE_WARNING_UNKNOWN_ITEM, item.place, "Unknown top level item");
}

static int read_document(struct rule_reader *r, const struct yaml_node *root)
{
	const struct rule_source_item file = { r, root, r->file };
	int error = 0;

	if (rule_read_is_null(root))
		return 0;
	if (root->type == YAML_SCALAR)
		return rule_read_fail(&file, "Rules content is not yaml");
	if (root->type != YAML_SEQUENCE)
		return rule_read_fail(&file, "Rules content is not yaml array of objects");
	for (const struct yaml_node *node = root->first; node && error == 0; node = node->next) {
		if (!rule_read_is_null(node))
			error = read_item(r, node);
	}
	return error;
}

int rule_read_documents(struct rule_reader *r, const struct yaml_node *roots)
{
	int error = 0;

	for (const struct yaml_node *root = roots->first; root && error == 0; root = root->next)
		error = read_document(r, root);
	return error;
}
