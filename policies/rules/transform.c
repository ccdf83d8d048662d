// SPDX-License-Identifier: Apache-2.0
/*
 * Transformers: which types they take, and what they do. Contracts: transform.h.
 */
#include "policies/rules/transform.h"

#include <errno.h>
#include <string.h>

#include "policies/rules/filter_internal.h"

static const char *const names[] = {
	[RULE_TRANSFORM_TOLOWER] = "tolower", [RULE_TRANSFORM_TOUPPER] = "toupper", [RULE_TRANSFORM_B64] = "b64",
	[RULE_TRANSFORM_BASENAME] = "basename", [RULE_TRANSFORM_LEN] = "len",	    [RULE_TRANSFORM_JOIN] = "join",
	[RULE_TRANSFORM_CONCAT] = "concat",   [RULE_TRANSFORM_GETOPT] = "getopt",
};

_Static_assert(sizeof(names) / sizeof(*names) == _RULE_TRANSFORM_MAX, "every transformer has a name");

int rule_transform_find(const char *name, size_t len)
{
	for (int i = 0; i < _RULE_TRANSFORM_MAX; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return i;
	return -ENOENT;
}

const char *rule_transform_name(enum rule_transform transform)
{
	return names[transform];
}

static bool is_string(const struct rule_operand *operand)
{
	return operand->type == RULE_TYPE_STRING || operand->type == RULE_TYPE_PATH;
}

static const char *check_single(struct rule_operand *operand)
{
	const struct rule_operand *argument = operand->arguments[0];

	if (operand->n_arguments != 1 || argument->kind == RULE_OPERAND_LIST)
		return "it takes one value";
	operand->type = argument->type;
	operand->list = argument->list;
	if (operand->transform == RULE_TRANSFORM_LEN) {
		if (!argument->list && !is_string(argument) && argument->type != RULE_TYPE_BYTES)
			return "it takes a string, a byte buffer or a list";
		operand->type = RULE_TYPE_UNSIGNED;
		operand->bits = 64;
		operand->list = false;
		return NULL;
	}
	if (!is_string(argument) && !(operand->transform == RULE_TRANSFORM_B64 && argument->type == RULE_TYPE_BYTES))
		return "the type of its argument is not supported";
	return NULL;
}

static const char *check_join(struct rule_operand *operand)
{
	if (operand->n_arguments != 2)
		return "it takes exactly 2 arguments: a separator and a list";
	if (!is_string(operand->arguments[0]) || operand->arguments[0]->list)
		return "its first argument must be a string";
	if (!is_string(operand->arguments[1]) || !operand->arguments[1]->list)
		return "its second argument must be a list of strings";
	return NULL;
}

static const char *check_concat(struct rule_operand *operand)
{
	if (operand->n_arguments < 2)
		return "it takes at least 2 arguments";
	for (size_t i = 0; i < operand->n_arguments; i++)
		if (!is_string(operand->arguments[i]) || operand->arguments[i]->list)
			return "its arguments must be strings";
	return NULL;
}

static const char *check_getopt(struct rule_operand *operand)
{
	if (operand->n_arguments != 2)
		return "it takes exactly 2 arguments: a list of words and the options";
	if (!is_string(operand->arguments[0]) || !operand->arguments[0]->list)
		return "its first argument must be a list of strings";
	if (!is_string(operand->arguments[1]) || operand->arguments[1]->list)
		return "its second argument must be a string";
	operand->list = !operand->selector;
	return NULL;
}

const char *rule_transform_check(struct rule_operand *operand)
{
	operand->type = RULE_TYPE_STRING;
	operand->list = false;
	if (operand->n_arguments == 0)
		return "it takes arguments";
	switch (operand->transform) {
	case RULE_TRANSFORM_JOIN:
		return check_join(operand);
	case RULE_TRANSFORM_CONCAT:
		return check_concat(operand);
	case RULE_TRANSFORM_GETOPT:
		return check_getopt(operand);
	default:
		return check_single(operand);
	}
}

static void set_text(const char *text, size_t n, struct rule_value *ret)
{
	ret->kind = RULE_VALUE_TEXT;
	ret->n = (uint32_t)n;
	ret->text = text;
}

static void change_case(const struct rule_value *in, char first, struct rule_facts *facts, struct rule_value *ret)
{
	char *text = rule_facts_scratch(facts, in->n + 1);

	if (!text)
		return;
	for (uint32_t i = 0; i < in->n; i++) {
		unsigned char letter = (unsigned char)(in->text[i] - first);

		text[i] = letter < 26 ? (char)(in->text[i] ^ 0x20) : in->text[i];
	}
	set_text(text, in->n, ret);
}

static void take_basename(const struct rule_value *in, struct rule_value *ret)
{
	const char *slash = memrchr(in->text, '/', in->n);
	size_t skipped = slash ? (size_t)(slash - in->text) + 1 : 0;

	set_text(in->text + skipped, in->n - skipped, ret);
}

static int base64_digit(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* With or without the padding. What is no base64 has no value. */
static void decode_base64(const struct rule_value *in, struct rule_facts *facts, struct rule_value *ret)
{
	uint32_t n = in->n, bits = 0, have = 0;
	char *text;
	size_t out = 0;

	while (n > 0 && in->n - n < 2 && in->text[n - 1] == '=')
		n--;
	text = rule_facts_scratch(facts, n / 4 * 3 + 3);
	if (!text || n % 4 == 1)
		return;
	for (uint32_t i = 0; i < n; i++) {
		int digit = base64_digit(in->text[i]);

		if (digit < 0)
			return;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[out++] = (char)(bits >> have);
		}
	}
	set_text(text, out, ret);
}

static void change_text(enum rule_transform transform, const struct rule_value *in, struct rule_facts *facts,
			struct rule_value *ret)
{
	if (in->kind != RULE_VALUE_TEXT)
		return;
	switch (transform) {
	case RULE_TRANSFORM_TOLOWER:
		change_case(in, 'A', facts, ret);
		break;
	case RULE_TRANSFORM_TOUPPER:
		change_case(in, 'a', facts, ret);
		break;
	case RULE_TRANSFORM_B64:
		decode_base64(in, facts, ret);
		break;
	default:
		take_basename(in, ret);
	}
}

static void change_list(enum rule_transform transform, const struct rule_value *in, struct rule_facts *facts,
			struct rule_value *ret)
{
	struct rule_value *items = rule_facts_scratch(facts, in->n * sizeof(*items));

	if (!items)
		return;
	for (uint32_t i = 0; i < in->n; i++) {
		items[i].kind = RULE_VALUE_MISSING;
		change_text(transform, &in->items[i], facts, &items[i]);
		if (items[i].kind == RULE_VALUE_MISSING)
			return;
	}
	ret->kind = RULE_VALUE_LIST;
	ret->n = in->n;
	ret->items = items;
}

static void measure(const struct rule_value *in, struct rule_value *ret)
{
	if (in->kind != RULE_VALUE_TEXT && in->kind != RULE_VALUE_LIST)
		return;
	ret->kind = RULE_VALUE_UNSIGNED;
	ret->count = in->n;
}

/* @values: all TEXT; @n of them with @separator between. */
static void put_together(const struct rule_value *values, size_t n, const struct rule_value *separator,
			 struct rule_facts *facts, struct rule_value *ret)
{
	size_t bytes = 0;
	char *text, *at;

	for (size_t i = 0; i < n; i++) {
		if (values[i].kind != RULE_VALUE_TEXT)
			return;
		bytes += values[i].n + (i > 0 ? separator->n : 0);
	}
	text = rule_facts_scratch(facts, bytes + 1);
	if (!text)
		return;
	at = text;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			at = mempcpy(at, separator->text, separator->n);
		at = mempcpy(at, values[i].text, values[i].n);
	}
	set_text(text, bytes, ret);
}

/* The values of arguments in a row. NULL if one is missing, or there is no room. */
static const struct rule_value *gather(const struct rule_operand *operand, struct rule_facts *facts)
{
	struct rule_value *values = rule_facts_scratch(facts, operand->n_arguments * sizeof(*values));

	for (size_t i = 0; values && i < operand->n_arguments; i++) {
		values[i] = *rule_operand_value(operand->arguments[i], facts);
		if (values[i].kind == RULE_VALUE_MISSING)
			return NULL;
	}
	return values;
}

static void join(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret)
{
	const struct rule_value *values = gather(operand, facts);

	if (values && values[0].kind == RULE_VALUE_TEXT && values[1].kind == RULE_VALUE_LIST)
		put_together(values[1].items, values[1].n, &values[0], facts, ret);
}

static void concat(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret)
{
	static const struct rule_value nothing = { .kind = RULE_VALUE_TEXT, .text = "" };
	const struct rule_value *values = gather(operand, facts);

	if (values)
		put_together(values, operand->n_arguments, &nothing, facts, ret);
}

static void make_list(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret)
{
	const struct rule_value *values = gather(operand, facts);

	if (!values)
		return;
	ret->kind = RULE_VALUE_LIST;
	ret->n = (uint32_t)operand->n_arguments;
	ret->items = values;
}

void rule_transform_value(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret)
{
	const struct rule_value *in;

	if (operand->kind == RULE_OPERAND_LIST) {
		make_list(operand, facts, ret);
		return;
	}
	switch (operand->transform) {
	case RULE_TRANSFORM_JOIN:
		join(operand, facts, ret);
		return;
	case RULE_TRANSFORM_CONCAT:
		concat(operand, facts, ret);
		return;
	case RULE_TRANSFORM_GETOPT:
		rule_transform_getopt(operand, facts, ret);
		return;
	default:
		in = rule_operand_value(operand->arguments[0], facts);
	}
	if (operand->transform == RULE_TRANSFORM_LEN)
		measure(in, ret);
	else if (in->kind == RULE_VALUE_LIST)
		change_list(operand->transform, in, facts, ret);
	else
		change_text(operand->transform, in, facts, ret);
}
