/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's state and its words, for parse*.c alone. */
#ifndef HOLDFAST_POLICIES_RULES_PARSE_LEX_H
#define HOLDFAST_POLICIES_RULES_PARSE_LEX_H

#include "policies/rules/parse.h"

/**
 * struct rule_parser - how far the parser is
 * @token: what was taken last, blanks apart; it stays when a word is not found. Errors quote it
 */
struct rule_parser {
	const char *text;
	size_t len, at;
	const char *token;
	size_t token_len;
	unsigned depth, depth_max;
	struct policy_arena *arena;
	struct rule_syntax_error *err;
	const struct rule_list_use *uses; /* those that were not met yet */
	size_t n_uses;
};

/* Fills the error with the parser's place. Return: -EINVAL. */
int rule_parser_fail(struct rule_parser *p, const char *message);

/* The same for an error that quotes: @before, @len bytes of @text, @after, joined. Return: -EINVAL; -ENOMEM. */
int rule_parser_fail_at(struct rule_parser *p, const char *before, const char *text, size_t len, const char *after);

/* The error for -ENOMEM. Return: -ENOMEM. */
int rule_parser_fail_memory(struct rule_parser *p);

/* Each takes the longest such piece at the parser's place, or nothing. Return: whether there was one. */
bool rule_lex_blank(struct rule_parser *p);
bool rule_lex_word(struct rule_parser *p, const char *word);
bool rule_lex_not(struct rule_parser *p);
bool rule_lex_identifier(struct rule_parser *p);
bool rule_lex_field(struct rule_parser *p);
bool rule_lex_argument(struct rule_parser *p);
bool rule_lex_number(struct rule_parser *p);
bool rule_lex_bare(struct rule_parser *p);
/* The name of a list; which one is the first of p->uses. */
bool rule_lex_list_use(struct rule_parser *p);
/* A transformer's name and its parenthesis; the token is the name. */
bool rule_lex_transformer(struct rule_parser *p);

/* What stands right of an operator. */
enum rule_operand_kind {
	RULE_OPERAND_NUMBER,
	RULE_OPERAND_STRING,
	RULE_OPERAND_LIST,
};

bool rule_lex_operator(struct rule_parser *p, enum rule_operator *ret, enum rule_operand_kind *ret_kind);
/* A modifier and the blanks behind it. It is one only between blanks and before a list: else it is a value like any other. */
enum rule_modifier rule_lex_modifier(struct rule_parser *p);

/* A quoted string; the token is its value, in the arena. Return: 1; 0: there is none; -EINVAL: a bad escape; -ENOMEM. */
int rule_lex_quoted(struct rule_parser *p);

/* A node of the token's text, or of none for @kind without text. NULL without memory. */
struct rule_node *rule_parser_node(struct rule_parser *p, enum rule_node_kind kind, size_t offset);

typedef int rule_parse_fn(struct rule_parser *p, struct rule_node **ret);
/* Calls @parse one level deeper. Return: its own; -EINVAL: too deep. */
int rule_parser_deeper(struct rule_parser *p, rule_parse_fn *parse, struct rule_node **ret);

/* What stands behind a field's name, which is the token: brackets or nothing. */
rule_parse_fn rule_parse_field;
/* What stands behind a transformer's name and parenthesis; the name is the token. */
rule_parse_fn rule_parse_transformer;

#endif
