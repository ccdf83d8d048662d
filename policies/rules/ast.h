/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of one condition, as the parser leaves it and the compiler reads it. Must not know fields, types or rules.
 */
#ifndef HOLDFAST_POLICIES_RULES_AST_H
#define HOLDFAST_POLICIES_RULES_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rule_node_kind {
	RULE_AND,	     /* two or more children */
	RULE_OR,	     /* two or more children */
	RULE_NOT,	     /* one child */
	RULE_MACRO,	     /* a bare word: the name of a macro */
	RULE_EXISTS,	     /* one child: FIELD or TRANSFORM */
	RULE_COMPARE,	     /* left: FIELD or TRANSFORM; right: VALUE, LIST, TRANSFORM, or a FIELD, which was written val(field) */
	RULE_FIELD,	     /* leaf */
	RULE_TRANSFORM,	     /* one or more children: FIELD, TRANSFORM, VALUE, TRANSFORM_LIST */
	RULE_VALUE,	     /* leaf */
	RULE_LIST,	     /* any number of VALUEs and ITEMS */
	RULE_TRANSFORM_LIST, /* any number of FIELD, TRANSFORM, VALUE */
	RULE_ITEMS,	     /* what a list of a rule file stands for: one or more VALUEs, which all who name the list share */
	_RULE_NODE_KIND_MAX,
};

enum rule_operator {
	RULE_OP_EQ,
	RULE_OP_EQ2, /* "==", means the same, is printed as it was written */
	RULE_OP_NE,
	RULE_OP_LT,
	RULE_OP_LE,
	RULE_OP_GT,
	RULE_OP_GE,
	RULE_OP_CONTAINS,
	RULE_OP_ICONTAINS,
	RULE_OP_BCONTAINS,
	RULE_OP_STARTSWITH,
	RULE_OP_BSTARTSWITH,
	RULE_OP_ENDSWITH,
	RULE_OP_GLOB,
	RULE_OP_IGLOB,
	RULE_OP_REGEX,
	RULE_OP_IN,
	RULE_OP_INTERSECTS,
	RULE_OP_PMATCH,
	_RULE_OP_MAX,
};

enum rule_modifier {
	RULE_ONE, /* no modifier */
	RULE_ONEOF,
	RULE_ANYOF,
	RULE_ALLOF,
	_RULE_MODIFIER_MAX,
};

/**
 * struct rule_node - one part of a condition; lives in the arena that it was parsed into
 * @operator: of a COMPARE
 * @modifier: of a COMPARE; with one, the right side is a LIST, or a VALUE that names a list
 * @quoted: a VALUE that was written in quotes
 * @offset: where it begins in the text that was parsed, in bytes; below ITEMS in the text of the list
 * @text: value, or the name of field, macro or transformer; NUL-terminated; NULL for the other kinds
 * @len: of @text; a value can hold NUL bytes. Of ITEMS how many there are
 * @argument: what stood in brackets behind a field or transformer; NULL: no brackets, "" is an argument
 * @first: the children, in order, chained by @next
 */
struct rule_node {
	enum rule_node_kind kind;
	enum rule_operator operator;
	enum rule_modifier modifier;
	bool quoted;
	uint32_t offset;
	const char *text;
	size_t len;
	const char *argument;
	struct rule_node *first, *next;
};

/* The values of the right side of a COMPARE, one by one; all zero behind the last. */
struct rule_values {
	const struct rule_node *at, *after;
};

/* @right: a VALUE, or a LIST with those of its ITEMS among them. */
static inline struct rule_values rule_values_of(const struct rule_node *right)
{
	return (struct rule_values){ .at = right->kind == RULE_LIST ? right->first : right };
}

/* The next one, or NULL. @ret_items: (output, may be NULL) the ITEMS that it is one of; NULL: none. */
static inline const struct rule_node *rule_values_next(struct rule_values *values, const struct rule_node **ret_items)
{
	const struct rule_node *node = values->at;

	if (!node && values->after) {
		node = values->after->next;
		values->after = NULL;
	}
	if (node && node->kind == RULE_ITEMS) {
		values->after = node;
		node = node->first;
	}
	if (ret_items)
		*ret_items = node ? values->after : NULL;
	values->at = node ? node->next : NULL;
	return node;
}

#endif
