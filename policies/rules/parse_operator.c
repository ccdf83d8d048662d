// SPDX-License-Identifier: Apache-2.0
/*
 * The operators and their modifiers: names, order, and what they take on their right side. Must not know what they mean.
 */
#include "policies/rules/parse_lex.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *const names[] = {
	[RULE_OP_EQ] = "=",
	[RULE_OP_EQ2] = "==",
	[RULE_OP_NE] = "!=",
	[RULE_OP_LT] = "<",
	[RULE_OP_LE] = "<=",
	[RULE_OP_GT] = ">",
	[RULE_OP_GE] = ">=",
	[RULE_OP_CONTAINS] = "contains",
	[RULE_OP_ICONTAINS] = "icontains",
	[RULE_OP_BCONTAINS] = "bcontains",
	[RULE_OP_STARTSWITH] = "startswith",
	[RULE_OP_BSTARTSWITH] = "bstartswith",
	[RULE_OP_ENDSWITH] = "endswith",
	[RULE_OP_GLOB] = "glob",
	[RULE_OP_IGLOB] = "iglob",
	[RULE_OP_REGEX] = "regex",
	[RULE_OP_IN] = "in",
	[RULE_OP_INTERSECTS] = "intersects",
	[RULE_OP_PMATCH] = "pmatch",
};
static_assert(sizeof(names) / sizeof(names[0]) == _RULE_OP_MAX, "each operator has a name");

static const char *const modifiers[] = { "", "oneof", "anyof", "allof" };
static_assert(sizeof(modifiers) / sizeof(modifiers[0]) == _RULE_MODIFIER_MAX, "each modifier has a name");

/* In the order in which they are tried, so that none is taken for one that begins as it does. Words need @blank behind. */
static const struct operator_form {
	enum rule_operator operator;
	enum rule_operand_kind kind;
	bool blank;
} forms[] = {
	{ RULE_OP_LE, RULE_OPERAND_NUMBER, false },
	{ RULE_OP_LT, RULE_OPERAND_NUMBER, false },
	{ RULE_OP_GE, RULE_OPERAND_NUMBER, false },
	{ RULE_OP_GT, RULE_OPERAND_NUMBER, false },
	{ RULE_OP_EQ2, RULE_OPERAND_STRING, false },
	{ RULE_OP_EQ, RULE_OPERAND_STRING, false },
	{ RULE_OP_NE, RULE_OPERAND_STRING, false },
	{ RULE_OP_GLOB, RULE_OPERAND_STRING, true },
	{ RULE_OP_IGLOB, RULE_OPERAND_STRING, true },
	{ RULE_OP_CONTAINS, RULE_OPERAND_STRING, true },
	{ RULE_OP_ICONTAINS, RULE_OPERAND_STRING, true },
	{ RULE_OP_BCONTAINS, RULE_OPERAND_STRING, true },
	{ RULE_OP_STARTSWITH, RULE_OPERAND_STRING, true },
	{ RULE_OP_BSTARTSWITH, RULE_OPERAND_STRING, true },
	{ RULE_OP_ENDSWITH, RULE_OPERAND_STRING, true },
	{ RULE_OP_REGEX, RULE_OPERAND_STRING, true },
	{ RULE_OP_INTERSECTS, RULE_OPERAND_LIST, false },
	{ RULE_OP_IN, RULE_OPERAND_LIST, false },
	{ RULE_OP_PMATCH, RULE_OPERAND_LIST, false },
};
static_assert(sizeof(forms) / sizeof(forms[0]) == _RULE_OP_MAX, "each operator has a form");

const char *rule_operator_name(enum rule_operator operator)
{
	return names[operator];
}

const char *rule_modifier_name(enum rule_modifier modifier)
{
	return modifiers[modifier];
}

bool rule_lex_operator(struct rule_parser *p, enum rule_operator *ret, enum rule_operand_kind *ret_kind)
{
	for (size_t i = 0; i < _RULE_OP_MAX; i++) {
		struct rule_parser ahead = *p;

		if (!rule_lex_word(&ahead, names[forms[i].operator]))
			continue;
		if (forms[i].blank && !rule_lex_blank(&ahead))
			continue;
		*p = ahead;
		*ret = forms[i].operator;
		*ret_kind = forms[i].kind;
		return true;
	}
	return false;
}

/* Whether a list or the name of one is next: a name that no word of the language is. */
static bool is_list_next(struct rule_parser ahead)
{
	static const char *const reserved[] = { "and", "or", "not" };

	if (rule_lex_word(&ahead, "("))
		return true;
	if (!rule_lex_identifier(&ahead))
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (ahead.token_len == strlen(reserved[i]) && memcmp(ahead.token, reserved[i], ahead.token_len) == 0)
			return false;
	}
	return true;
}

static enum rule_modifier lex_modifier_name(struct rule_parser *p)
{
	for (enum rule_modifier m = RULE_ONEOF; m < _RULE_MODIFIER_MAX; m++) {
		if (rule_lex_word(p, modifiers[m]))
			return m;
	}
	return RULE_ONE;
}

enum rule_modifier rule_lex_modifier(struct rule_parser *p)
{
	struct rule_parser ahead = *p;
	const bool blank = rule_lex_blank(&ahead) || (p->at && strchr(" \t\b\r\n", p->text[p->at - 1]));
	const enum rule_modifier m = blank ? lex_modifier_name(&ahead) : RULE_ONE;

	if (m == RULE_ONE || !rule_lex_blank(&ahead) || !is_list_next(ahead))
		return RULE_ONE;
	*p = ahead;
	return m;
}

int rule_operator_parse(const char *text, enum rule_operator *ret_operator, enum rule_modifier *ret_modifier)
{
	for (size_t i = 0; i < _RULE_OP_MAX; i++) {
		struct rule_parser p = { .text = text, .len = strlen(text) };
		enum rule_modifier m = RULE_ONE;

		rule_lex_blank(&p);
		if (!rule_lex_word(&p, names[forms[i].operator]))
			continue;
		if (rule_lex_blank(&p) && forms[i].kind == RULE_OPERAND_STRING)
			m = lex_modifier_name(&p);
		rule_lex_blank(&p);
		if (p.at != p.len)
			continue;
		*ret_operator = forms[i].operator;
		*ret_modifier = m;
		return 0;
	}
	return -EINVAL;
}
