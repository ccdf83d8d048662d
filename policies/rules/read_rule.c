// SPDX-License-Identifier: Apache-2.0
/*
 * Items that are rules: definitions, changes by `override` or `append`, and the bare `enabled`.
 */
#include "policies/rules/read.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct rule_override_key override_keys[] = {
	{ "condition", RULE_KEY_CONDITION, true, true },
	{ "exceptions", RULE_KEY_EXCEPTIONS, true, true },
	{ "output", RULE_KEY_OUTPUT, true, true },
	{ "desc", RULE_KEY_DESC, true, true },
	{ "tags", RULE_KEY_TAGS, true, true },
	{ "priority", RULE_KEY_PRIORITY, false, true },
	{ "capture", RULE_KEY_CAPTURE, false, true },
	{ "capture_duration", RULE_KEY_CAPTURE_DURATION, false, true },
	{ "enabled", RULE_KEY_ENABLED, false, true },
	{ "warn_evttypes", RULE_KEY_WARN_EVTTYPES, false, true },
	{ "skip-if-unknown-filter", RULE_KEY_SKIP_UNKNOWN, false, true },
};

/* A key whose value is text, and where it stands. */
static int read_text(const struct rule_source_item *item, const char *key, enum rule_item kind, struct rule_buffer *ret,
		     const struct rule_place **ret_place)
{
	const char *text = NULL;
	int r = rule_read_text(item, key, false, &text);

	if (r < 0)
		return r;
	if (ret_place) {
		*ret_place = rule_read_place(item->reader, rule_read_find(item->node, key), kind, "", item->place);
		if (!*ret_place)
			return -ENOMEM;
	}
	return rule_buffer_add(ret, item->reader->arena, text, strlen(text));
}

static int read_priority(const struct rule_source_item *item, enum rule_priority *ret)
{
	struct rule_source_item inner;
	const char *text = NULL;
	int r = rule_read_text(item, "priority", false, &text);

	if (r < 0)
		return r;
	if (rule_priority_parse(text, ret) == 0)
		return 0;
	inner = rule_read_item(item->reader, rule_read_find(item->node, "priority"), RULE_ITEM_RULE_PRIORITY, "", item->place);
	return rule_read_fail(&inner, "Invalid priority");
}

/* Reads one key that is there. @append: exceptions may leave out their fields. */
static int read_key(const struct rule_source_item *item, unsigned bit, bool append, struct rule_info *info)
{
	switch (bit) {
	case RULE_KEY_CONDITION:
		return read_text(item, "condition", RULE_ITEM_RULE_CONDITION, &info->condition, &info->condition_place);
	case RULE_KEY_OUTPUT:
		return read_text(item, "output", RULE_ITEM_RULE_OUTPUT, &info->output, &info->output_place);
	case RULE_KEY_DESC:
		return read_text(item, "desc", RULE_ITEM_VALUE, &info->desc, NULL);
	case RULE_KEY_TAGS:
		return rule_read_texts(item, "tags", true, &info->tags, &info->n_tags);
	case RULE_KEY_EXCEPTIONS:
		return rule_read_exceptions(item, append, &info->exceptions);
	case RULE_KEY_PRIORITY:
		return read_priority(item, &info->priority);
	case RULE_KEY_ENABLED:
		return rule_read_bool(item, "enabled", true, &info->enabled);
	case RULE_KEY_WARN_EVTTYPES:
		return rule_read_bool(item, "warn_evttypes", true, &info->warn_evttypes);
	case RULE_KEY_SKIP_UNKNOWN:
		return rule_read_bool(item, "skip-if-unknown-filter", true, &info->skip_unknown);
	case RULE_KEY_CAPTURE:
		return rule_read_bool(item, "capture", true, &info->capture);
	default:
		return rule_read_u32(item, "capture_duration", true, &info->capture_ms);
	}
}

static struct rule_info *new_info(const struct rule_source_item *item, const char *name)
{
	struct rule_info *info = policy_arena_alloc(item->reader->arena, 1, sizeof(*info));

	if (!info)
		return NULL;
	info->name = name;
	info->place = item->place;
	info->condition_place = item->place;
	info->output_place = item->place;
	info->enabled = true;
	info->warn_evttypes = true;
	info->source = "syscall";
	return info;
}

/* `source` of what changes a rule may be empty: it is the rule's then. */
static int read_update_source(const struct rule_source_item *item, struct rule_info *update)
{
	const struct yaml_node *source = rule_read_find(item->node, "source");

	if (!source || rule_read_is_null(source) || (source->type == YAML_SCALAR && source->len == 0))
		return 0;
	update->given |= RULE_KEY_SOURCE;
	return rule_read_text(item, "source", false, &update->source);
}

/* Reads the keys of @bits and nothing else. @operation: "append" or "replace". */
static int read_update(const struct rule_source_item *item, const char *operation, unsigned bits, struct rule_info *update)
{
	int r = read_update_source(item, update);

	for (size_t i = 0; i < COUNT(override_keys) && r == 0; i++) {
		const char *key = override_keys[i].name;

		if (!(bits & override_keys[i].bit))
			continue;
		if (!rule_read_find(item->node, key))
			return rule_read_fail(item, "An %s override for '%s' was specified but '%s' is not defined",
					      operation, key, key);
		update->given |= override_keys[i].bit;
		r = read_key(item, override_keys[i].bit, strcmp(operation, "append") == 0, update);
	}
	return r;
}

/* A key that could be overridden must be. */
static int check_unexpected(const struct rule_source_item *item, unsigned bits)
{
	const struct yaml_node *value;
	struct rule_source_item inner;

	for (size_t i = 0; i < COUNT(override_keys); i++) {
		value = rule_read_find(item->node, override_keys[i].name);
		if (!value || (bits & override_keys[i].bit))
			continue;
		inner = rule_read_item(item->reader, value, RULE_ITEM_OVERRIDE, override_keys[i].name, item->place);
		return rule_read_fail(&inner, "Unexpected key '%s': no corresponding entry under 'override' is defined.",
				      override_keys[i].name);
	}
	return 0;
}

static int read_override(const struct rule_source_item *item, const char *name, unsigned append, unsigned replace)
{
	struct rule_reader *r = item->reader;
	struct rule_info *appended = new_info(item, name), *replaced = new_info(item, name);
	int error = 0;

	if (!appended || !replaced)
		return -ENOMEM;
	if (append)
		error = read_update(item, "append", append, appended);
	if (append && error == 0)
		error = rule_collect_append(r->c, r->report, appended);
	if (replace && error == 0)
		error = read_update(item, "replace", replace, replaced);
	if (replace && error == 0)
		error = rule_collect_replace(r->c, r->report, replaced);
	return error == 0 ? check_unexpected(item, append | replace) : error;
}

/* `append: true`: condition and exceptions alone are looked at. */
static int read_appended(const struct rule_source_item *item, const char *name)
{
	struct rule_info *update = new_info(item, name);
	unsigned bits = 0;
	int r;

	if (!update)
		return -ENOMEM;
	if (rule_read_find(item->node, "condition"))
		bits |= RULE_KEY_CONDITION;
	if (rule_read_find(item->node, "exceptions"))
		bits |= RULE_KEY_EXCEPTIONS;
	r = read_update(item, "append", bits, update);
	return r == 0 ? rule_collect_append(item->reader->c, item->reader->report, update) : r;
}

static int read_enabled(const struct rule_source_item *item, struct rule_info *info)
{
	struct rule_report *report = item->reader->report;
	int r = rule_read_bool(item, "enabled", false, &info->enabled);

	if (r == 0)
		r = rule_report_warning(report, RULE_WARNING_DEPRECATED_ITEM, item->place,
					"The standalone 'enabled' key usage is deprecated. The correct approach requires "
					"also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').");
	return r == 0 ? rule_collect_enable(item->reader->c, report, info) : r;
}

/* Takes the blanks off both ends. */
static void trim_text(struct rule_buffer *text)
{
	while (text->len && strchr(" \t\r\n\v\f", text->s[text->len - 1]))
		text->s[--text->len] = '\0';
	while (text->len && strchr(" \t\r\n\v\f", text->s[0])) {
		text->s++;
		text->len--;
		text->size--;
	}
}

static int read_definition(const struct rule_source_item *item, struct rule_info *info)
{
	static const unsigned order[] = { RULE_KEY_CONDITION, RULE_KEY_OUTPUT, RULE_KEY_DESC, RULE_KEY_PRIORITY };
	static const unsigned rest[] = { RULE_KEY_ENABLED, RULE_KEY_WARN_EVTTYPES, RULE_KEY_SKIP_UNKNOWN, RULE_KEY_CAPTURE,
					 RULE_KEY_CAPTURE_DURATION, RULE_KEY_TAGS, RULE_KEY_EXCEPTIONS };
	int r = 0;

	for (size_t i = 0; i < COUNT(order) && r == 0; i++)
		r = read_key(item, order[i], false, info);
	if (r == 0)
		r = rule_read_text(item, "source", true, &info->source);
	for (size_t i = 0; i < COUNT(rest) && r == 0; i++)
		r = read_key(item, rest[i], false, info);
	if (r < 0)
		return r;
	trim_text(&info->output);
	return rule_collect_rule(item->reader->c, item->reader->report, info);
}

static bool is_definition(const struct rule_source_item *item)
{
	return rule_read_find(item->node, "condition") || rule_read_find(item->node, "output") ||
	       rule_read_find(item->node, "desc") || rule_read_find(item->node, "priority");
}

int rule_read_rule(struct rule_reader *reader, const struct yaml_node *node)
{
	struct rule_source_item item = rule_read_item(reader, node, RULE_ITEM_RULE, "", reader->file);
	struct rule_info *info;
	unsigned append_bits, replace_bits;
	const char *name = NULL;
	bool append = false;
	int r = rule_read_text(&item, "rule", false, &name);

	if (r < 0)
		return r;
	item = rule_read_item(reader, node, RULE_ITEM_RULE, name, reader->file);
	r = item.place ? rule_read_append(&item, &append) : -ENOMEM;
	if (r == 0)
		r = rule_read_overrides(&item, override_keys, COUNT(override_keys), &append_bits, &replace_bits);
	if (r < 0)
		return r;
	if (append && (append_bits || replace_bits))
		return rule_read_fail(&item, "Keys 'override' and 'append: true' cannot be used together. Add an 'append' "
					     "entry (e.g. 'condition: append') under 'override' instead.");
	if (append_bits || replace_bits)
		return read_override(&item, name, append_bits, replace_bits);
	if (append)
		return read_appended(&item, name);
	info = new_info(&item, name);
	if (!info)
		return -ENOMEM;
	return is_definition(&item) ? read_definition(&item, info) : read_enabled(&item, info);
}
