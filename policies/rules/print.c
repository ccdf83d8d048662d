// SPDX-License-Identifier: Apache-2.0
/*
 * Tree to canonical text. It reads as Falco's does, which can't be parsed back where a value is empty or has commas or
 * parentheses. Must not know what the nodes mean.
 */
#include "policies/rules/parse.h"

#include <string.h>

/* Where the text goes: nowhere at first, while its length is counted. */
struct printer {
	char *text;
	size_t len;
};

static void put(struct printer *out, const char *text, size_t len)
{
	if (out->text)
		memcpy(out->text + out->len, text, len);
	out->len += len;
}

static void put_word(struct printer *out, const char *word)
{
	put(out, word, strlen(word));
}

static bool needs_quotes(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || strchr("=\"'\\", text[i]))
			return true;
	}
	return false;
}

static void put_value(struct printer *out, const char *text, size_t len)
{
	static const char special[] = "\b\f\n\r\t\\\"", names[] = "bfnrt\\\"";
	const char *found;

	if (!needs_quotes(text, len)) {
		put(out, text, len);
		return;
	}
	put(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		found = text[i] ? strchr(special, text[i]) : NULL;
		if (found)
			put(out, "\\", 1);
		put(out, found ? &names[found - special] : &text[i], 1);
	}
	put(out, "\"", 1);
}

static void put_argument(struct printer *out, const char *argument)
{
	if (!argument)
		return;
	put(out, "[", 1);
	if (*argument)
		put_value(out, argument, strlen(argument));
	else
		put_word(out, "\"\"");
	put(out, "]", 1);
}

static void put_node(struct printer *out, const struct rule_node *node);

static void put_children(struct printer *out, const struct rule_node *node, const char *between)
{
	put(out, "(", 1);
	for (const struct rule_node *child = node->first; child; child = child->next) {
		put_node(out, child);
		if (child->next)
			put_word(out, between);
	}
	put(out, ")", 1);
}

static void put_items(struct printer *out, const struct rule_node *node)
{
	for (const struct rule_node *value = node->first; value; value = value->next) {
		put_value(out, value->text, value->len);
		if (value->next)
			put_word(out, ", ");
	}
}

static void put_compare(struct printer *out, const struct rule_node *node)
{
	const struct rule_node *right = node->first->next;

	put_node(out, node->first);
	put(out, " ", 1);
	put_word(out, rule_operator_name(node->operator));
	put(out, " ", 1);
	if (node->modifier != RULE_ONE) {
		put_word(out, rule_modifier_name(node->modifier));
		put(out, " ", 1);
	}
	if (right->kind == RULE_FIELD)
		put_word(out, "val(");
	put_node(out, right);
	if (right->kind == RULE_FIELD)
		put(out, ")", 1);
}

static void put_node(struct printer *out, const struct rule_node *node)
{
	switch (node->kind) {
	case RULE_AND:
		put_children(out, node, " and ");
		break;
	case RULE_OR:
		put_children(out, node, " or ");
		break;
	case RULE_NOT:
		put_word(out, "not ");
		put_node(out, node->first);
		break;
	case RULE_EXISTS:
		put_node(out, node->first);
		put_word(out, " exists");
		break;
	case RULE_COMPARE:
		put_compare(out, node);
		break;
	case RULE_VALUE:
		put_value(out, node->text, node->len);
		break;
	case RULE_MACRO:
	case RULE_FIELD:
	case RULE_TRANSFORM:
		put(out, node->text, node->len);
		if (node->kind == RULE_TRANSFORM)
			put_children(out, node, ",");
		put_argument(out, node->argument);
		break;
	case RULE_LIST:
		put_children(out, node, ", ");
		break;
	case RULE_ITEMS:
		put_items(out, node);
		break;
	case RULE_TRANSFORM_LIST:
		put_children(out, node, ",");
		break;
	case _RULE_NODE_KIND_MAX:
		break;
	}
}

char *rule_condition_print(const struct rule_node *node, struct policy_arena *arena, size_t *len)
{
	struct printer out = { 0 };

	put_node(&out, node);
	out.text = policy_arena_alloc(arena, out.len + 1, 1);
	if (!out.text)
		return NULL;
	out.len = 0;
	put_node(&out, node);
	if (len)
		*len = out.len;
	return out.text;
}
