/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Condition text to tree and back. Owns the grammar, its words and the canonical form. Must not know which fields and
 * macros there are.
 */
#ifndef HOLDFAST_POLICIES_RULES_PARSE_H
#define HOLDFAST_POLICIES_RULES_PARSE_H

#include "policies/arena.h"
#include "policies/rules/ast.h"

/* How deep the parser may call itself: five levels a parenthesis. The first is what the language says, the second what
 * rules get, whose conditions grow by exceptions and appending. */
#define RULE_DEPTH_MAX 100
#define RULE_DEPTH_MAX_RULE 1000
/* Bytes of one condition after lists are put in: the largest known rule has 12 KiB. Bounds time and memory. */
#define RULE_CONDITION_BYTES_MAX (1U << 20)

/* Where a text names a list of a rule file, and what the list stands for. */
struct rule_list_use {
	size_t offset, len;	  /* of the name, which stands between blanks, commas or parentheses */
	struct rule_node *values; /* (borrowed as long as the tree) */
	size_t n_values;	  /* at least one */
};

/**
 * struct rule_syntax_error - why a condition was refused
 * @message: static, or in the arena that was parsed into
 * @offset: in bytes, how far the parser came
 * @line: 1-based; each \n and each \r begins a line
 * @column: 1-based, in bytes
 */
struct rule_syntax_error {
	const char *message;
	size_t offset;
	unsigned line, column;
};

/**
 * rule_condition_parse - condition text to tree
 * @text: (borrowed) not needed afterwards
 * @len: of @text, in bytes
 * @depth_max: RULE_DEPTH_MAX or RULE_DEPTH_MAX_RULE
 * @arena: holds tree and message
 * @ret: (output)
 * @err: (output) filled with every failure; message is never NULL then
 *
 * Linear in @len. Any thread that owns @arena; never blocks.
 *
 * Return: 0; -EINVAL: it is no condition; -ENOMEM.
 */
int rule_condition_parse(const char *text, size_t len, unsigned depth_max, struct policy_arena *arena,
			 struct rule_node **ret, struct rule_syntax_error *err);

/**
 * rule_condition_parse_uses - the same for a text that names lists
 * @uses: (borrowed) by their offsets; each becomes ITEMS where an element of a list may stand
 *
 * Return: as above; -EAGAIN: not all of @uses stand where values do, and what the text means is seen only once the lists' text
 * is put in; @err says nothing.
 */
int rule_condition_parse_uses(const char *text, size_t len, const struct rule_list_use *uses, size_t n_uses, unsigned depth_max,
			      struct policy_arena *arena, struct rule_node **ret, struct rule_syntax_error *err);

/**
 * rule_values_parse - "a, b, c", as it may stand between the parentheses of a list
 * @ret: (output) the values, chained; @ret_n: how many; both untouched on failure
 *
 * Return: 0; -EINVAL: it is no such text; -ENOMEM.
 */
int rule_values_parse(const char *text, size_t len, struct policy_arena *arena, struct rule_node **ret, size_t *ret_n);

/* The canonical text of a tree, in @arena; NULL without memory. Values with NUL bytes keep them. @len (output) may be NULL. */
char *rule_condition_print(const struct rule_node *node, struct policy_arena *arena, size_t *len);

/* "=", "startswith", …; the word as it is written in a condition. */
const char *rule_operator_name(enum rule_operator operator);
/* "oneof", …; "" for RULE_ONE. */
const char *rule_modifier_name(enum rule_modifier modifier);

/* Whether the @len bytes at @text are a name of a field, as the parser takes it: two or more words joined by dots. */
bool rule_is_field_name(const char *text, size_t len);
/* Whether they are a name of a macro: a letter, then letters, digits and "_". */
bool rule_is_identifier(const char *text, size_t len);

/**
 * rule_operand_parse - what may stand left of an operator: a field or a transformer with its arguments
 * @prefix: take the longest operand that @text begins with, as output formats do; else all of @text must be one
 * @used: (output) bytes that were taken; may be NULL
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int rule_operand_parse(const char *text, size_t len, bool prefix, struct policy_arena *arena, struct rule_node **ret,
		       size_t *used, struct rule_syntax_error *err);

/**
 * rule_operator_parse - an operator, with or without modifier, as it stands in an exception's comps
 * @text: (borrowed) a string: "in", "startswith", "= anyof"; blanks around are taken
 *
 * Return: 0; -EINVAL.
 */
int rule_operator_parse(const char *text, enum rule_operator *ret_operator, enum rule_modifier *ret_modifier);

#endif
