// SPDX-License-Identifier: Apache-2.0
/*
 * Values of keys, with the types and the messages that Falco's reader has. Must not know which keys there are.
 */
#include "policies/rules/read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MESSAGE_BYTES_MAX 1024

const struct rule_place *rule_read_place(struct rule_reader *r, const struct yaml_node *node, enum rule_item item,
					 const char *name, const struct rule_place *parent)
{
	struct rule_place *place = policy_arena_alloc(r->arena, 1, sizeof(*place));
	/* Names are often those of the tree, which does not last. */
	const char *copy = *name ? policy_arena_copy(r->arena, name, strlen(name)) : "";

	if (!place || !copy)
		return NULL;
	*place = (struct rule_place){ .parent = parent, .item = item, .name = copy, .file = r->file->file,
				      .line = node->line, .column = node->column, .offset = node->offset,
				      .text = r->file->text, .len = r->file->len };
	return place;
}

struct rule_source_item rule_read_item(struct rule_reader *r, const struct yaml_node *node, enum rule_item item,
				       const char *name, const struct rule_place *parent)
{
	return (struct rule_source_item){ r, node, parent ? rule_read_place(r, node, item, name, parent) : NULL };
}

const struct yaml_node *rule_read_find(const struct yaml_node *mapping, const char *key)
{
	if (mapping->type != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *node = mapping->first; node; node = node->next) {
		if (strcmp(node->key, key) == 0)
			return node;
	}
	return NULL;
}

bool rule_read_is_null(const struct yaml_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->type != YAML_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcmp(node->text, words[i]) == 0)
			return true;
	}
	return false;
}

int rule_read_fail(const struct rule_source_item *item, const char *format, ...)
{
	char message[MESSAGE_BYTES_MAX];
	va_list args;

	if (!item->place)
		return -ENOMEM;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return rule_report_error(item->reader->report, RULE_ERROR_YAML_VALIDATE, item->place, "%s", message);
}

/* About the value of a key. */
static int fail_value(const struct rule_source_item *item, const struct yaml_node *value, enum rule_item kind,
		      const char *key, const char *message)
{
	struct rule_source_item inner = rule_read_item(item->reader, value, kind, key, item->place);

	return rule_read_fail(&inner, "%s", message);
}

/* @ret: (output) NULL if it is missing and may be. */
static int find_scalar(const struct rule_source_item *item, const char *key, bool optional, const struct yaml_node **ret)
{
	const struct yaml_node *value = rule_read_find(item->node, key);

	*ret = NULL;
	if (!item->place)
		return -ENOMEM;
	if (!value)
		return optional ? 0 : rule_read_fail(item, "Item has no mapping for key '%s'", key);
	if (rule_read_is_null(value))
		return rule_read_fail(item, "Mapping for key '%s' is empty", key);
	if (value->type != YAML_SCALAR)
		return fail_value(item, value, RULE_ITEM_VALUE, key, "Value is not a scalar value");
	if (value->len == 0)
		return fail_value(item, value, RULE_ITEM_VALUE, key, "Value must be non-empty");
	*ret = value;
	return 0;
}

static int fail_decode(const struct rule_source_item *item, const struct yaml_node *value, const char *key)
{
	return fail_value(item, value, RULE_ITEM_VALUE, key, "Can't decode YAML scalar value");
}

static int copy_text(const struct rule_source_item *item, const struct yaml_node *value, const char **ret)
{
	*ret = policy_arena_copy(item->reader->arena, value->text, value->len);
	return *ret ? 0 : -ENOMEM;
}

int rule_read_text(const struct rule_source_item *item, const char *key, bool optional, const char **ret)
{
	const struct yaml_node *value;
	int r = find_scalar(item, key, optional, &value);

	return r == 0 && value ? copy_text(item, value, ret) : r;
}

/* All small, all capital, or only the first capital. */
static bool is_word(const char *text, const char *word)
{
	bool small = true, capital = true, first = true;

	for (size_t i = 0; word[i] || text[i]; i++) {
		if (tolower((unsigned char)text[i]) != word[i])
			return false;
		small = small && text[i] == word[i];
		capital = capital && text[i] != word[i];
		first = first && (text[i] != word[i]) == (i == 0);
	}
	return small || capital || first;
}

static bool parse_bool(const char *text, bool *ret)
{
	static const char *const words[][2] = { { "n", "y" }, { "no", "yes" }, { "false", "true" }, { "off", "on" } };

	for (size_t i = 0; i < COUNT(words); i++) {
		for (size_t value = 0; value < 2; value++) {
			if (is_word(text, words[i][value])) {
				*ret = value;
				return true;
			}
		}
	}
	return false;
}

int rule_read_bool(const struct rule_source_item *item, const char *key, bool optional, bool *ret)
{
	const struct yaml_node *value;
	int r = find_scalar(item, key, optional, &value);

	if (r < 0 || !value)
		return r;
	return parse_bool(value->text, ret) ? 0 : fail_decode(item, value, key);
}

bool rule_read_parse_u32(const char *text, uint32_t *ret)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)text[*text == '+']))
		return false;
	errno = 0;
	number = strtoull(text, &end, 0);
	end += strspn(end, " \t\r\n\v\f");
	if (errno || *end || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

int rule_read_u32(const struct rule_source_item *item, const char *key, bool optional, uint32_t *ret)
{
	const struct yaml_node *value;
	int r = find_scalar(item, key, optional, &value);

	if (r < 0 || !value)
		return r;
	return rule_read_parse_u32(value->text, ret) ? 0 : fail_decode(item, value, key);
}

int rule_read_texts(const struct rule_source_item *item, const char *key, bool optional, const char ***ret, size_t *ret_n)
{
	const struct yaml_node *value = rule_read_find(item->node, key);
	struct rule_source_item inner;
	const char **texts;
	size_t n = 0;

	*ret_n = 0;
	if (!item->place)
		return -ENOMEM;
	if (!value)
		return optional ? 0 : rule_read_fail(item, "Item has no mapping for key '%s'", key);
	inner = rule_read_item(item->reader, value, RULE_ITEM_VALUE, key, item->place);
	if (value->type != YAML_SEQUENCE)
		return rule_read_fail(&inner, "Value is not a sequence");
	texts = policy_arena_alloc(item->reader->arena, value->count, sizeof(*texts));
	if (!texts || !inner.place)
		return -ENOMEM;
	for (const struct yaml_node *node = value->first; node; node = node->next) {
		if (node->type != YAML_SCALAR || rule_read_is_null(node))
			return fail_value(&inner, node, RULE_ITEM_LIST_ITEM, "", "sequence value is not scalar");
		if (copy_text(item, node, &texts[n++]) < 0)
			return -ENOMEM;
	}
	*ret = texts;
	*ret_n = n;
	return 0;
}
