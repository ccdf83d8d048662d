// SPDX-License-Identifier: Apache-2.0
/*
 * Cases of the parser: trees, canonical text, errors.
 */
#include <stdio.h>
#include <string.h>

#include "policies/rules/parse.h"
#include "tests/rules/acceptance.h"

static struct json_object *describe(const struct rule_node *node);

static struct json_object *begin(const char *word)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, json_object_new_string(word));
	return array;
}

static void put_text(struct json_object *array, const char *text, size_t len)
{
	json_object_array_add(array, text ? json_object_new_string_len(text, (int)len) : NULL);
}

static void put_children(struct json_object *array, const struct rule_node *node)
{
	for (const struct rule_node *at = node->first; at; at = at->next)
		json_object_array_add(array, describe(at));
}

static void put_right(struct json_object *array, const struct rule_node *right)
{
	struct json_object *val;

	if (right->kind != RULE_FIELD) {
		json_object_array_add(array, describe(right));
		return;
	}
	val = begin("tr");
	put_text(val, "val", 3);
	json_object_array_add(val, NULL);
	json_object_array_add(val, describe(right));
	json_object_array_add(array, val);
}

static struct json_object *describe_compare(const struct rule_node *node)
{
	struct json_object *array = begin("bin");
	char operator[64];

	snprintf(operator, sizeof(operator), "%s%s%s", rule_operator_name(node->operator), node->modifier ? " " : "",
		 rule_modifier_name(node->modifier));
	put_text(array, operator, strlen(operator));
	json_object_array_add(array, describe(node->first));
	put_right(array, node->first->next);
	return array;
}

/* A tree as the cases write it. */
static struct json_object *describe(const struct rule_node *node)
{
	static const char *const words[] = {
		[RULE_AND] = "and",	[RULE_OR] = "or",      [RULE_NOT] = "not",     [RULE_MACRO] = "id",
		[RULE_EXISTS] = "un",	[RULE_COMPARE] = "bin", [RULE_FIELD] = "field", [RULE_TRANSFORM] = "tr",
		[RULE_VALUE] = "val",	[RULE_LIST] = "list",  [RULE_TRANSFORM_LIST] = "tlist",
	};
	struct json_object *array;

	if (node->kind == RULE_COMPARE)
		return describe_compare(node);
	array = begin(words[node->kind]);
	if (node->kind == RULE_EXISTS)
		put_text(array, "exists", 6);
	if (node->text)
		put_text(array, node->text, node->len);
	if (node->kind == RULE_FIELD || node->kind == RULE_TRANSFORM)
		put_text(array, node->argument, node->argument ? strlen(node->argument) : 0);
	if (node->kind != RULE_LIST)
		put_children(array, node);
	for (const struct rule_node *at = node->kind == RULE_LIST ? node->first : NULL; at; at = at->next)
		put_text(array, at->text, at->len);
	return array;
}

static int parse(struct acceptance_case *c, struct rule_node **ret, struct rule_syntax_error *err)
{
	size_t len;
	const char *text = acceptance_condition(c, &len);

	return rule_condition_parse(text, len, RULE_DEPTH_MAX, c->arena, ret, err);
}

static bool check_printed(struct acceptance_case *c, const struct rule_node *node)
{
	const char *expected = acceptance_text(c->json, "canonical", NULL);
	const char *printed = rule_condition_print(node, c->arena, NULL);

	if (expected && strcmp(printed, expected) != 0)
		return acceptance_fail(c, "printed as '%s', not '%s'", printed, expected);
	return true;
}

bool acceptance_accepted(struct acceptance_case *c)
{
	struct json_object *expected = json_object_object_get(c->json, "ast"), *tree;
	struct rule_syntax_error err;
	struct rule_node *node;
	bool same;

	if (parse(c, &node, &err) < 0)
		return acceptance_fail(c, "refused: %s", err.message);
	tree = describe(node);
	same = !expected || json_object_equal(tree, expected);
	if (!same)
		acceptance_fail(c, "parsed as %s", json_object_to_json_string(tree));
	json_object_put(tree);
	return same && check_printed(c, node);
}

bool acceptance_rejected(struct acceptance_case *c)
{
	const char *message = acceptance_text(c->json, "err", NULL), *part = acceptance_text(c->json, "expected_msg", NULL);
	struct rule_syntax_error err;
	struct rule_node *node;

	if (parse(c, &node, &err) == 0)
		return acceptance_fail(c, "accepted");
	if ((message && strcmp(message, err.message) != 0) || (part && !strstr(err.message, part)))
		return acceptance_fail(c, "refused with '%s'", err.message);
	if (message && ((int)err.offset != json_object_get_int(json_object_object_get(c->json, "idx")) ||
			(int)err.line != json_object_get_int(json_object_object_get(c->json, "line")) ||
			(int)err.column != json_object_get_int(json_object_object_get(c->json, "col"))))
		return acceptance_fail(c, "refused at %zu, line %u, column %u", err.offset, err.line, err.column);
	return true;
}

/* With a canonical text: it is printed so. Without: what is printed is the same condition again. */
bool acceptance_canonical(struct acceptance_case *c)
{
	struct json_object *first, *second;
	struct rule_syntax_error err;
	struct rule_node *node, *again;
	const char *printed;
	size_t len;
	bool same;

	if (parse(c, &node, &err) < 0)
		return acceptance_fail(c, "refused: %s", err.message);
	if (acceptance_text(c->json, "canonical", NULL))
		return check_printed(c, node);
	printed = rule_condition_print(node, c->arena, &len);
	if (rule_condition_parse(printed, len, RULE_DEPTH_MAX, c->arena, &again, &err) < 0)
		return acceptance_fail(c, "printed as '%s', which is refused: %s", printed, err.message);
	first = describe(node);
	second = describe(again);
	same = json_object_equal(first, second);
	json_object_put(first);
	json_object_put(second);
	return same || acceptance_fail(c, "printed as '%s', which is another condition", printed);
}
