// SPDX-License-Identifier: Apache-2.0
/*
 * Condition text to tree: and, or, not, checks and their right sides, in the order in which Falco tries them, since that
 * decides what an error says and where. Must not know which fields, macros and lists there are, nor types.
 */
#include "policies/rules/parse_lex.h"

#include <errno.h>
#include <string.h>

#define TRANSFORMERS "'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"

static rule_parse_fn parse_or;

/* What follows "(": it may be right behind "and", "or" or "not". */
static int parse_rest(struct rule_parser *p, struct rule_node **ret)
{
	int r;

	rule_lex_blank(p);
	r = rule_parser_deeper(p, parse_or, ret);
	if (r < 0)
		return r;
	rule_lex_blank(p);
	return rule_lex_word(p, ")") ? 0 : rule_parser_fail(p, "expected a ')' token");
}

/* One token on the right side, as a VALUE that begins at @offset. */
static int make_value(struct rule_parser *p, size_t offset, bool quoted, struct rule_node **ret)
{
	struct rule_node *node = rule_parser_node(p, RULE_VALUE, offset);

	if (!node)
		return -ENOMEM;
	node->quoted = quoted;
	*ret = node;
	return 0;
}

static int parse_val(struct rule_parser *p, struct rule_node **ret)
{
	int r;

	rule_lex_blank(p);
	if (!rule_lex_field(p))
		return rule_parser_fail(p, "expected a field within 'val' transformer");
	r = rule_parser_deeper(p, rule_parse_field, ret);
	if (r < 0)
		return r;
	rule_lex_blank(p);
	return rule_lex_word(p, ")") ? 0 : rule_parser_fail(p, "expected a ')' token closing the transformer");
}

/* A transformer or val(); *@ret stays NULL where there is neither. */
static int try_transformer(struct rule_parser *p, struct rule_node **ret)
{
	rule_lex_blank(p);
	if (rule_lex_word(p, "val("))
		return parse_val(p, ret);
	if (rule_lex_transformer(p))
		return rule_parser_deeper(p, rule_parse_transformer, ret);
	return 0;
}

static int parse_number(struct rule_parser *p, struct rule_node **ret)
{
	size_t offset;
	int r;

	rule_lex_blank(p);
	offset = p->at;
	r = rule_parser_deeper(p, try_transformer, ret);
	if (r < 0 || *ret)
		return r;
	if (!rule_lex_number(p))
		return rule_parser_fail(p, "expected a number value or a field with a valid transformer: " TRANSFORMERS);
	return make_value(p, offset, false, ret);
}

/* A string in quotes or without; *@ret stays NULL where there is neither. */
static int try_string(struct rule_parser *p, struct rule_node **ret)
{
	const size_t offset = p->at;
	int r = rule_lex_quoted(p);

	if (r < 0 || (!r && !rule_lex_bare(p)))
		return r;
	return make_value(p, offset, r > 0, ret);
}

static int parse_string(struct rule_parser *p, struct rule_node **ret)
{
	int r;

	rule_lex_blank(p);
	r = rule_parser_deeper(p, try_transformer, ret);
	if (r < 0 || *ret)
		return r;
	r = try_string(p, ret);
	if (r < 0 || *ret)
		return r;
	return rule_parser_fail(p, "expected a string value or a field with a valid transformer: " TRANSFORMERS);
}

/* The values of a list whose name was taken. */
static int make_items(struct rule_parser *p, size_t offset, struct rule_node **ret)
{
	struct rule_node *node = rule_parser_node(p, RULE_ITEMS, offset);

	if (!node)
		return -ENOMEM;
	node->first = p->uses->values;
	node->len = p->uses->n_values;
	p->uses++;
	p->n_uses--;
	*ret = node;
	return 0;
}

/* An element of a list; *@ret stays NULL where there is none. */
static int try_element(struct rule_parser *p, struct rule_node **ret)
{
	const size_t offset = p->at;

	return rule_lex_list_use(p) ? make_items(p, offset, ret) : try_string(p, ret);
}

static int parse_element(struct rule_parser *p, struct rule_node **ret)
{
	int r;

	rule_lex_blank(p);
	r = try_element(p, ret);
	if (r < 0 || *ret)
		return r;
	return rule_parser_fail(p, "expected a string value");
}

/*
 * "(a, b)"; the parenthesis is taken. Where the first element can't be taken the list is empty, so that an error is that of
 * the missing ")". Falco does so for a first element with a bad escape too and drops it silently; that is an error here.
 */
static int parse_list(struct rule_parser *p, size_t offset, struct rule_node **ret)
{
	struct rule_node *list = rule_parser_node(p, RULE_LIST, offset), **tail;
	int r;

	if (!list)
		return -ENOMEM;
	tail = &list->first;
	rule_lex_blank(p);
	if (p->depth + 1 < p->depth_max) {
		r = try_element(p, tail);
		if (r < 0)
			return r;
	}
	while (*tail) {
		tail = &(*tail)->next;
		rule_lex_blank(p);
		if (!rule_lex_word(p, ","))
			break;
		r = rule_parser_deeper(p, parse_element, tail);
		if (r < 0)
			return r;
	}
	if (!rule_lex_word(p, ")"))
		return rule_parser_fail(p, "expected a ')' token");
	*ret = list;
	return 0;
}

static int parse_list_or_name(struct rule_parser *p, bool transformers, struct rule_node **ret)
{
	size_t offset;
	int r;

	rule_lex_blank(p);
	offset = p->at;
	if (rule_lex_word(p, "("))
		return parse_list(p, offset, ret);
	if (transformers) {
		r = rule_parser_deeper(p, try_transformer, ret);
		if (r < 0 || *ret)
			return r;
	}
	if (rule_lex_identifier(p))
		return make_value(p, offset, false, ret);
	return rule_parser_fail(p, "expected a list, an identifier, or a field with a valid transformer: " TRANSFORMERS);
}

static int parse_list_value(struct rule_parser *p, struct rule_node **ret)
{
	return parse_list_or_name(p, true, ret);
}

static int parse_modified_value(struct rule_parser *p, struct rule_node **ret)
{
	return parse_list_or_name(p, false, ret);
}

static int parse_right(struct rule_parser *p, enum rule_operand_kind kind, struct rule_node *check)
{
	static rule_parse_fn *const parsers[] = {
		[RULE_OPERAND_NUMBER] = parse_number,
		[RULE_OPERAND_STRING] = parse_string,
		[RULE_OPERAND_LIST] = parse_list_value,
	};
	rule_parse_fn *parse = parsers[kind];

	if (kind == RULE_OPERAND_STRING)
		check->modifier = rule_lex_modifier(p);
	if (check->modifier != RULE_ONE)
		parse = parse_modified_value;
	return rule_parser_deeper(p, parse, &check->first->next);
}

/* The check whose left side is *@ret. */
static int parse_condition(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *left = *ret, *check;
	enum rule_operand_kind kind;

	rule_lex_blank(p);
	check = rule_parser_node(p, RULE_EXISTS, left->offset);
	if (!check)
		return -ENOMEM;
	check->first = left;
	*ret = check;
	if (rule_lex_word(p, "exists"))
		return 0;
	if (!rule_lex_operator(p, &check->operator, &kind))
		return rule_parser_fail(p, "expected a valid check operator: one of 'exists', '<=', '<', '>=', '>', '==', '=', '!=', "
					   "'glob', 'iglob', 'contains', 'icontains', 'bcontains', 'startswith', 'bstartswith', "
					   "'endswith', 'regex', 'intersects', 'in', 'pmatch'");
	check->kind = RULE_COMPARE;
	return parse_right(p, kind, check);
}

static int parse_check(struct rule_parser *p, struct rule_node **ret)
{
	size_t offset;
	int r;

	rule_lex_blank(p);
	offset = p->at;
	if (rule_lex_word(p, "("))
		return rule_parser_deeper(p, parse_rest, ret);
	if (rule_lex_field(p))
		r = rule_parser_deeper(p, rule_parse_field, ret);
	else if (rule_lex_transformer(p))
		r = rule_parser_deeper(p, rule_parse_transformer, ret);
	else if (rule_lex_identifier(p))
		return (*ret = rule_parser_node(p, RULE_MACRO, offset)) ? 0 : -ENOMEM;
	else
		return rule_parser_fail(p, "expected a '(' token, a field check, or an identifier");
	return r < 0 ? r : rule_parser_deeper(p, parse_condition, ret);
}

static int parse_not(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *node;
	bool negated = false;
	size_t offset;
	int r;

	rule_lex_blank(p);
	offset = p->at;
	while (rule_lex_not(p))
		negated = !negated;
	if (rule_lex_word(p, "not(")) {
		negated = !negated;
		r = rule_parser_deeper(p, parse_rest, ret);
	} else {
		r = rule_parser_deeper(p, parse_check, ret);
	}
	if (r < 0 || !negated)
		return r;
	node = rule_parser_node(p, RULE_NOT, offset);
	if (!node)
		return -ENOMEM;
	node->first = *ret;
	*ret = node;
	return 0;
}

/* What "and" or "or" join: @word, and behind each a blank and one more @parse, or a parenthesis. */
static int parse_joined(struct rule_parser *p, const char *word, enum rule_node_kind kind, rule_parse_fn *parse,
			struct rule_node **ret)
{
	struct rule_node *node = NULL, **tail;
	int r = 0;

	rule_lex_blank(p);
	r = rule_parser_deeper(p, parse, ret);
	if (r < 0)
		return r;
	tail = &(*ret)->next;
	rule_lex_blank(p);
	while (rule_lex_word(p, word)) {
		if (!node) {
			node = rule_parser_node(p, kind, (*ret)->offset);
			if (!node)
				return -ENOMEM;
			node->first = *ret;
			*ret = node;
		}
		if (rule_lex_blank(p))
			r = rule_parser_deeper(p, parse, tail);
		else if (rule_lex_word(p, "("))
			r = rule_parser_deeper(p, parse_rest, tail);
		else
			r = rule_parser_fail(p, kind == RULE_AND ? "expected blank or '(' after 'and'" : "expected blank or '(' after 'or'");
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		rule_lex_blank(p);
	}
	return 0;
}

static int parse_and(struct rule_parser *p, struct rule_node **ret)
{
	return parse_joined(p, "and", RULE_AND, parse_not, ret);
}

static int parse_or(struct rule_parser *p, struct rule_node **ret)
{
	return parse_joined(p, "or", RULE_OR, parse_and, ret);
}

static int parse_all(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *node = NULL;
	int r;

	if (!p->len)
		return rule_parser_fail(p, "filter input string is empty");
	if (p->len > RULE_CONDITION_BYTES_MAX)
		return rule_parser_fail(p, "condition is longer than 1 MiB");
	r = rule_parser_deeper(p, parse_or, &node);
	if (r < 0)
		return r;
	if (p->at != p->len)
		return rule_parser_fail_at(p, "unexpected token after '", p->token, p->token_len, "', expecting 'or', 'and'");
	*ret = node;
	return 0;
}

int rule_condition_parse(const char *text, size_t len, unsigned depth_max, struct policy_arena *arena,
			 struct rule_node **ret, struct rule_syntax_error *err)
{
	struct rule_parser p = { .text = text, .len = len, .token = "", .depth_max = depth_max, .arena = arena, .err = err };

	return parse_all(&p, ret);
}

int rule_condition_parse_uses(const char *text, size_t len, const struct rule_list_use *uses, size_t n_uses, unsigned depth_max,
			      struct policy_arena *arena, struct rule_node **ret, struct rule_syntax_error *err)
{
	struct rule_parser p = { .text = text, .len = len, .token = "", .depth_max = depth_max, .arena = arena, .err = err,
				 .uses = uses, .n_uses = n_uses };
	struct rule_node *node = NULL;
	int r = parse_all(&p, &node);

	if (r == -ENOMEM)
		return r;
	/* An error too is what it is only with all texts put in. */
	if (p.n_uses || (r < 0 && n_uses))
		return -EAGAIN;
	if (r == 0)
		*ret = node;
	return r;
}

int rule_values_parse(const char *text, size_t len, struct policy_arena *arena, struct rule_node **ret, size_t *ret_n)
{
	struct rule_syntax_error error;
	struct rule_parser p = { .text = text, .len = len, .token = "", .depth_max = RULE_DEPTH_MAX, .arena = arena, .err = &error };
	struct rule_node *first = NULL, **tail = &first;
	size_t n = 0;
	int r;

	do {
		r = parse_element(&p, tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		n++;
		rule_lex_blank(&p);
	} while (rule_lex_word(&p, ","));
	if (p.at != len)
		return -EINVAL;
	*ret = first;
	*ret_n = n;
	return 0;
}
