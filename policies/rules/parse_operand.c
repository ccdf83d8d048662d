// SPDX-License-Identifier: Apache-2.0
/*
 * What stands left of an operator: fields with their argument, transformers with theirs; and the parser's nodes, errors
 * and depth. Must not know which fields there are.
 */
#include "policies/rules/parse_lex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fill_error(struct rule_parser *p, const char *message)
{
	struct rule_syntax_error err = { .message = message, .offset = p->at, .line = 1, .column = 1 };

	for (size_t i = 0; i < p->at; i++) {
		err.column++;
		if (p->text[i] == '\n' || p->text[i] == '\r') {
			err.column = 1;
			err.line++;
		}
	}
	*p->err = err;
	return -EINVAL;
}

int rule_parser_fail(struct rule_parser *p, const char *message)
{
	return fill_error(p, message);
}

int rule_parser_fail_memory(struct rule_parser *p)
{
	fill_error(p, "out of memory");
	return -ENOMEM;
}

int rule_parser_fail_at(struct rule_parser *p, const char *before, const char *text, size_t len, const char *after)
{
	const size_t size = strlen(before) + len + strlen(after) + 1;
	char *message = policy_arena_alloc(p->arena, 1, size), *at = message;

	if (!message)
		return rule_parser_fail_memory(p);
	at = mempcpy(at, before, strlen(before));
	at = mempcpy(at, text, len);
	memcpy(at, after, strlen(after) + 1);
	return fill_error(p, message);
}

int rule_parser_deeper(struct rule_parser *p, rule_parse_fn *parse, struct rule_node **ret)
{
	char number[16];
	int r;

	if (++p->depth >= p->depth_max) {
		p->depth--;
		snprintf(number, sizeof(number), "%u", p->depth_max);
		return rule_parser_fail_at(p, "exceeded max depth limit of ", number, strlen(number), "");
	}
	r = parse(p, ret);
	p->depth--;
	return r;
}

struct rule_node *rule_parser_node(struct rule_parser *p, enum rule_node_kind kind, size_t offset)
{
	const bool leaf = kind == RULE_MACRO || kind == RULE_FIELD || kind == RULE_TRANSFORM || kind == RULE_VALUE;
	const size_t len = leaf ? p->token_len : 0;
	struct rule_node *node = policy_arena_alloc(p->arena, 1, sizeof(*node) + (leaf ? len + 1 : 0));

	if (!node) {
		rule_parser_fail_memory(p);
		return NULL;
	}
	node->kind = kind;
	node->offset = (uint32_t)offset;
	if (leaf) {
		if (len)
			memcpy(node + 1, p->token, len);
		node->text = (const char *)(node + 1);
		node->len = len;
	}
	return node;
}

/* "[…]" behind a field or a transformer. */
static int parse_brackets(struct rule_parser *p, struct rule_node *node)
{
	int r;

	if (!rule_lex_word(p, "["))
		return 0;
	r = rule_lex_quoted(p);
	if (r < 0)
		return r;
	if ((!r && !rule_lex_argument(p)) || memchr(p->token, '\0', p->token_len))
		return rule_parser_fail(p, "expected a valid field argument: a quoted string or a bare string");
	node->argument = policy_arena_copy(p->arena, p->token, p->token_len);
	if (!node->argument)
		return rule_parser_fail_memory(p);
	return rule_lex_word(p, "]") ? 0 : rule_parser_fail(p, "expected a ']' token");
}

int rule_parse_field(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *node = rule_parser_node(p, RULE_FIELD, p->at - p->token_len);
	int r;

	if (!node)
		return -ENOMEM;
	r = parse_brackets(p, node);
	if (r < 0)
		return r;
	*ret = node;
	return 0;
}

static int make_value(struct rule_parser *p, size_t offset, bool quoted, struct rule_node **ret)
{
	struct rule_node *node = rule_parser_node(p, RULE_VALUE, offset);

	if (!node)
		return -ENOMEM;
	node->quoted = quoted;
	*ret = node;
	return 0;
}

/* An element of a list in parentheses. Fields are tried first here, numbers last: what is taken is the same. */
static int parse_list_element(struct rule_parser *p, struct rule_node **ret)
{
	const size_t offset = p->at;
	int r;

	if (rule_lex_field(p))
		return rule_parser_deeper(p, rule_parse_field, ret);
	if (rule_lex_transformer(p))
		return rule_parser_deeper(p, rule_parse_transformer, ret);
	r = rule_lex_quoted(p);
	if (r < 0)
		return r;
	if (r || rule_lex_number(p))
		return make_value(p, offset, r > 0, ret);
	return rule_parser_fail(p, "expected transformer list argument: field, transformer, quoted string, or number");
}

static int parse_list(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *list = rule_parser_node(p, RULE_TRANSFORM_LIST, p->at - 1), **tail;
	int r;

	if (!list)
		return -ENOMEM;
	tail = &list->first;
	rule_lex_blank(p);
	if (!rule_lex_word(p, ")")) {
		do {
			rule_lex_blank(p);
			r = parse_list_element(p, tail);
			if (r < 0)
				return r;
			tail = &(*tail)->next;
			rule_lex_blank(p);
		} while (rule_lex_word(p, ","));
		if (!rule_lex_word(p, ")"))
			return rule_parser_fail(p, "expected ')'");
	}
	*ret = list;
	return 0;
}

static int parse_argument(struct rule_parser *p, struct rule_node **ret)
{
	size_t offset;
	int r;

	rule_lex_blank(p);
	offset = p->at;
	if (rule_lex_number(p))
		return make_value(p, offset, false, ret);
	r = rule_lex_quoted(p);
	if (r)
		return r < 0 ? r : make_value(p, offset, true, ret);
	if (rule_lex_word(p, "("))
		return parse_list(p, ret);
	if (rule_lex_transformer(p))
		return rule_parser_deeper(p, rule_parse_transformer, ret);
	if (rule_lex_field(p))
		return rule_parser_deeper(p, rule_parse_field, ret);
	return rule_parser_fail(p, "expected field transformer argument: field, transformer, quoted string, number, or transformer list");
}

int rule_parse_transformer(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *node = rule_parser_node(p, RULE_TRANSFORM, p->at - p->token_len - 1), **tail;
	int r;

	if (!node)
		return -ENOMEM;
	tail = &node->first;
	rule_lex_blank(p);
	do {
		r = rule_parser_deeper(p, parse_argument, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		rule_lex_blank(p);
	} while (rule_lex_word(p, ","));
	if (!rule_lex_word(p, ")"))
		return rule_parser_fail(p, "expected a ')' token closing the transformer");
	r = parse_brackets(p, node);
	if (r < 0)
		return r;
	*ret = node;
	return 0;
}

static int parse_operand(struct rule_parser *p, struct rule_node **ret)
{
	if (rule_lex_field(p))
		return rule_parser_deeper(p, rule_parse_field, ret);
	if (rule_lex_transformer(p))
		return rule_parser_deeper(p, rule_parse_transformer, ret);
	return rule_parser_fail(p, "expected a field or a transformer");
}

int rule_operand_parse(const char *text, size_t len, bool prefix, struct policy_arena *arena, struct rule_node **ret,
		       size_t *used, struct rule_syntax_error *err)
{
	struct rule_parser p = { .text = text, .len = len, .token = "", .depth_max = RULE_DEPTH_MAX, .arena = arena, .err = err };
	struct rule_node *node = NULL;
	int r = rule_parser_deeper(&p, parse_operand, &node);

	if (r < 0)
		return r;
	if (!prefix && p.at != len)
		return rule_parser_fail_at(&p, "unexpected token after '", p.token, p.token_len, "'");
	*ret = node;
	if (used)
		*used = p.at;
	return 0;
}
