// SPDX-License-Identifier: Apache-2.0
/*
 * The meaning of operators: a value and a constant, yes or no. Both are of the kind that the type asks for. Must not know
 * lists, modifiers or missing values.
 */
#include <errno.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/pattern.h"
#include "policies/rules/regex.h"

/* Bytes of a part that is searched for byte by byte: bounds what a hostile text can make of it. */
#define SHORT_PART 32

static int order_text(const struct rule_value *a, const struct rule_value *b)
{
	uint32_t n = a->n < b->n ? a->n : b->n;
	int order = n ? memcmp(a->text, b->text, n) : 0;

	return order ? order : (a->n > b->n) - (a->n < b->n);
}

static bool same_text(const struct rule_value *a, const struct rule_value *b)
{
	return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
}

static bool text_eq(const struct rule_value *value, const struct rule_constant *constant)
{
	return same_text(value, &constant->value);
}

static bool text_ne(const struct rule_value *value, const struct rule_constant *constant)
{
	return !same_text(value, &constant->value);
}

static bool text_lt(const struct rule_value *value, const struct rule_constant *constant)
{
	return order_text(value, &constant->value) < 0;
}

static bool text_le(const struct rule_value *value, const struct rule_constant *constant)
{
	return order_text(value, &constant->value) <= 0;
}

static bool text_gt(const struct rule_value *value, const struct rule_constant *constant)
{
	return order_text(value, &constant->value) > 0;
}

static bool text_ge(const struct rule_value *value, const struct rule_constant *constant)
{
	return order_text(value, &constant->value) >= 0;
}

/* memmem() builds a table first, which costs more than it saves in short texts; of long parts it is linear. */
static bool text_contains(const struct rule_value *value, const struct rule_constant *constant)
{
	const struct rule_value *part = &constant->value;
	const char *at = value->text, *last;

	if (part->n > value->n)
		return false;
	if (part->n == 0 || part->n > SHORT_PART)
		return memmem(value->text, value->n, part->text, part->n);
	last = value->text + (value->n - part->n);
	while (at <= last && (at = memchr(at, part->text[0], (size_t)(last - at) + 1))) {
		if (memcmp(at, part->text, part->n) == 0)
			return true;
		at++;
	}
	return false;
}

static char fold(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static bool starts_folded(const char *text, const struct rule_value *part)
{
	for (uint32_t i = 0; i < part->n; i++)
		if (fold(text[i]) != fold(part->text[i]))
			return false;
	return true;
}

static bool text_icontains(const struct rule_value *value, const struct rule_constant *constant)
{
	const struct rule_value *part = &constant->value;

	for (uint32_t i = 0; part->n <= value->n && i <= value->n - part->n; i++)
		if (starts_folded(value->text + i, part))
			return true;
	return false;
}

static bool text_startswith(const struct rule_value *value, const struct rule_constant *constant)
{
	const struct rule_value *part = &constant->value;

	return part->n <= value->n && memcmp(value->text, part->text, part->n) == 0;
}

static bool text_endswith(const struct rule_value *value, const struct rule_constant *constant)
{
	const struct rule_value *part = &constant->value;

	return part->n <= value->n && memcmp(value->text + value->n - part->n, part->text, part->n) == 0;
}

static bool text_glob(const struct rule_value *value, const struct rule_constant *constant)
{
	return rule_glob_match(constant->pattern, value->text, value->n);
}

static bool text_regex(const struct rule_value *value, const struct rule_constant *constant)
{
	return rule_regex_match(constant->pattern, value->text, value->n);
}

static bool signed_eq(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number == constant->value.number;
}

static bool signed_ne(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number != constant->value.number;
}

static bool signed_lt(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number < constant->value.number;
}

static bool signed_le(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number <= constant->value.number;
}

static bool signed_gt(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number > constant->value.number;
}

static bool signed_ge(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->number >= constant->value.number;
}

static bool unsigned_eq(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count == constant->value.count;
}

static bool unsigned_ne(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count != constant->value.count;
}

static bool unsigned_lt(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count < constant->value.count;
}

static bool unsigned_le(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count <= constant->value.count;
}

static bool unsigned_gt(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count > constant->value.count;
}

static bool unsigned_ge(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->count >= constant->value.count;
}

static bool bool_eq(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->truth == constant->value.truth;
}

static bool bool_ne(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->truth != constant->value.truth;
}

/* Addresses of different families are never equal. */
static bool address_eq(const struct rule_value *value, const struct rule_constant *constant)
{
	return value->n == constant->value.n && memcmp(value->address, constant->value.address, value->n) == 0;
}

static bool address_ne(const struct rule_value *value, const struct rule_constant *constant)
{
	return !address_eq(value, constant);
}

static bool net_has(const struct rule_value *value, const struct rule_constant *constant)
{
	unsigned whole = constant->prefix_bits / 8, rest = constant->prefix_bits % 8;

	if (value->n != constant->value.n || memcmp(value->address, constant->value.address, whole) != 0)
		return false;
	return rest == 0 || ((value->address[whole] ^ constant->value.address[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}

static bool net_has_not(const struct rule_value *value, const struct rule_constant *constant)
{
	return !net_has(value, constant);
}

#define EQUALITY(prefix)                                                                                                   \
	[RULE_OP_EQ] = prefix##_eq, [RULE_OP_EQ2] = prefix##_eq, [RULE_OP_NE] = prefix##_ne, [RULE_OP_IN] = prefix##_eq, \
	[RULE_OP_INTERSECTS] = prefix##_eq
#define ORDER(prefix) \
	EQUALITY(prefix), [RULE_OP_LT] = prefix##_lt, [RULE_OP_LE] = prefix##_le, [RULE_OP_GT] = prefix##_gt, [RULE_OP_GE] = prefix##_ge

static const rule_test_fn string_tests[_RULE_OP_MAX] = {
	ORDER(text),
	[RULE_OP_CONTAINS] = text_contains,
	[RULE_OP_ICONTAINS] = text_icontains,
	[RULE_OP_STARTSWITH] = text_startswith,
	[RULE_OP_ENDSWITH] = text_endswith,
	[RULE_OP_GLOB] = text_glob,
	[RULE_OP_IGLOB] = text_glob,
	[RULE_OP_REGEX] = text_regex,
	[RULE_OP_PMATCH] = text_eq, /* never called: paths are matched as a set */
};
static const rule_test_fn bytes_tests[_RULE_OP_MAX] = {
	EQUALITY(text),
	[RULE_OP_CONTAINS] = text_contains,
	[RULE_OP_BCONTAINS] = text_contains,
	[RULE_OP_STARTSWITH] = text_startswith,
	[RULE_OP_BSTARTSWITH] = text_startswith,
	[RULE_OP_ENDSWITH] = text_endswith,
};
static const rule_test_fn signed_tests[_RULE_OP_MAX] = { ORDER(signed) };
static const rule_test_fn unsigned_tests[_RULE_OP_MAX] = { ORDER(unsigned) };
static const rule_test_fn bool_tests[_RULE_OP_MAX] = { EQUALITY(bool) };
static const rule_test_fn address_tests[_RULE_OP_MAX] = { EQUALITY(address) };
static const rule_test_fn net_tests[_RULE_OP_MAX] = {
	[RULE_OP_EQ] = net_has,	 [RULE_OP_EQ2] = net_has,	  [RULE_OP_NE] = net_has_not,
	[RULE_OP_IN] = net_has,	 [RULE_OP_INTERSECTS] = net_has,
};

static const struct {
	const rule_test_fn *tests;
	enum rule_value_kind kind;
} types[] = {
	[RULE_TYPE_BOOL] = { bool_tests, RULE_VALUE_BOOL },
	[RULE_TYPE_SIGNED] = { signed_tests, RULE_VALUE_SIGNED },
	[RULE_TYPE_UNSIGNED] = { unsigned_tests, RULE_VALUE_UNSIGNED },
	[RULE_TYPE_PORT] = { unsigned_tests, RULE_VALUE_UNSIGNED },
	[RULE_TYPE_TIME] = { unsigned_tests, RULE_VALUE_UNSIGNED },
	[RULE_TYPE_DURATION] = { unsigned_tests, RULE_VALUE_UNSIGNED },
	[RULE_TYPE_STRING] = { string_tests, RULE_VALUE_TEXT },
	[RULE_TYPE_PATH] = { string_tests, RULE_VALUE_TEXT },
	[RULE_TYPE_BYTES] = { bytes_tests, RULE_VALUE_TEXT },
	[RULE_TYPE_ADDRESS] = { address_tests, RULE_VALUE_ADDRESS },
	[RULE_TYPE_NET] = { net_tests, RULE_VALUE_ADDRESS },
};

_Static_assert(sizeof(types) / sizeof(*types) == _RULE_TYPE_MAX, "every type has its tests");

enum rule_value_kind rule_value_kind_of(enum rule_type type)
{
	return types[type].kind;
}

int rule_test_for(enum rule_type type, enum rule_operator operator, rule_test_fn *ret)
{
	if (!types[type].tests[operator])
		return -EINVAL;
	*ret = types[type].tests[operator];
	return 0;
}
