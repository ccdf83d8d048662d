// SPDX-License-Identifier: Apache-2.0
/*
 * What a rule cannot match. Contracts: detect_narrow.h.
 *
 * The condition is tried on an event of which little is known, in three values: what asks for something that is not known may be
 * either. If it comes out false, no event of that kind matches. (A field that an event has not makes its check false, and so does
 * "may be" cover it.)
 */
#include "enforcer/detect_narrow_internal.h"

#include <stdlib.h>
#include <string.h>

#include "enforcer/stream.h"
#include "enforcer/util.h"

#define ERRNO_MAX 4095 /* results from -1 to minus that are errors */
#define HEX_DIGITS_OF_ELF "7f454c46"

static enum truth truth_of(bool is)
{
	return is ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth opposite(enum truth truth)
{
	return TRUTH_TRUE - truth;
}

static bool is_equality(enum rule_operator operator)
{
	return operator == RULE_OP_EQ || operator == RULE_OP_EQ2;
}

static enum truth least(enum truth a, enum truth b)
{
	return a < b ? a : b;
}

/* The field holds @value: what does a check of it for being equal, unequal or in a list say? */
static enum truth compare_word(const struct rule_node *check, const char *value)
{
	const struct rule_node *right = check->first->next, *item;
	struct rule_values items = rule_values_of(right);
	bool found = false;

	if (check->modifier != RULE_ONE || right->kind == RULE_FIELD || right->kind == RULE_TRANSFORM)
		return TRUTH_MAYBE;
	if (right->kind == RULE_VALUE && is_equality(check->operator))
		return truth_of(!strcmp(right->text, value));
	if (right->kind == RULE_VALUE && check->operator == RULE_OP_NE)
		return truth_of(strcmp(right->text, value));
	if (right->kind != RULE_LIST || (check->operator != RULE_OP_IN && check->operator != RULE_OP_INTERSECTS))
		return TRUTH_MAYBE;
	while ((item = rule_values_next(&items, NULL)))
		found = found || !strcmp(item->text, value);
	return truth_of(found);
}

/* The field holds a number from @low to @high. */
static enum truth compare_range(const struct rule_node *check, long low, long high)
{
	const struct rule_node *right = check->first->next;
	char *end;
	long number;

	if (right->kind != RULE_VALUE || check->modifier != RULE_ONE)
		return TRUTH_MAYBE;
	number = strtol(right->text, &end, 10);
	if (end == right->text || *end)
		return TRUTH_MAYBE;
	switch (check->operator) {
	case RULE_OP_EQ:
	case RULE_OP_EQ2:
		return number < low || number > high ? TRUTH_FALSE : TRUTH_MAYBE;
	case RULE_OP_LT:
		return high < number ? TRUTH_TRUE : low >= number ? TRUTH_FALSE : TRUTH_MAYBE;
	case RULE_OP_LE:
		return high <= number ? TRUTH_TRUE : low > number ? TRUTH_FALSE : TRUTH_MAYBE;
	case RULE_OP_GT:
		return low > number ? TRUTH_TRUE : high <= number ? TRUTH_FALSE : TRUTH_MAYBE;
	case RULE_OP_GE:
		return low >= number ? TRUTH_TRUE : high < number ? TRUTH_FALSE : TRUTH_MAYBE;
	default:
		return TRUTH_MAYBE;
	}
}

static enum truth compare_bool(const struct rule_node *check, bool value)
{
	return compare_word(check, value ? "true" : "false");
}

static enum truth compare_result(const struct rule_node *check, const char *field, const struct known *known)
{
	if (!strcmp(field, "evt.res")) {
		const struct rule_node *right = check->first->next;
		bool says_success = right->kind == RULE_VALUE && !strcmp(right->text, "SUCCESS");

		return says_success ? compare_word(check, "E") : TRUTH_MAYBE;
	}
	if (!strcmp(field, "evt.failed"))
		return compare_bool(check, true);
	if (!strcmp(field, "evt.rawres"))
		return compare_range(check, -ERRNO_MAX, -1);
	if (known->opens && !strcmp(field, "fd.num")) /* or it has none */
		return least(compare_range(check, -ERRNO_MAX, -1), TRUTH_MAYBE);
	return TRUTH_MAYBE;
}

static enum truth compare_open(const struct rule_node *check, const char *field, enum open_kind open)
{
	if (!strcmp(field, "evt.is_open_write") && open != OPEN_CREATES)
		return compare_bool(check, open == OPEN_WRITES);
	if (!strcmp(field, "evt.is_open_read") && open == OPEN_READS)
		return compare_bool(check, true);
	if ((!strcmp(field, "evt.is_open_create") || !strcmp(field, "evt.is_open_exec")) && open != OPEN_CREATES)
		return compare_bool(check, false);
	return TRUTH_MAYBE;
}

static bool has_word(const struct rule_node *check, enum rule_operator operator, const char *prefix)
{
	const struct rule_node *right = check->first->next;

	return check->modifier == RULE_ONE && check->operator == operator && right->kind == RULE_VALUE &&
	       !strncmp(right->text, prefix, strlen(prefix));
}

enum truth detect_try_check(const struct rule_node *check, const struct known *known)
{
	const char *field = check->first->text, *argument = check->first->argument;

	if (check->first->kind != RULE_FIELD)
		return TRUTH_MAYBE;
	if (!strcmp(field, "evt.type"))
		return compare_word(check, known->type);
	if (!strcmp(field, "container.id"))
		return known->host ? compare_word(check, "host") : TRUTH_MAYBE;
	if (known->not_exec && has_word(check, RULE_OP_CONTAINS, "PROT_EXEC") &&
	    (!strcmp(field, "evt.arg.prot") || (!strcmp(field, "evt.arg") && argument && !strcmp(argument, "prot"))))
		return TRUTH_FALSE;
	if (known->not_elf && !strcmp(field, "evt.buffer") && has_word(check, RULE_OP_BSTARTSWITH, HEX_DIGITS_OF_ELF))
		return TRUTH_FALSE;
	if (known->failed && compare_result(check, field, known) != TRUTH_MAYBE)
		return compare_result(check, field, known);
	return known->open ? compare_open(check, field, known->open) : TRUTH_MAYBE;
}

/* As deep as the parser lets conditions be. */
static enum truth try_node(const struct rule_node *node, const struct known *known)
{
	enum truth truth = node->kind == RULE_AND ? TRUTH_TRUE : TRUTH_FALSE;

	switch (node->kind) {
	case RULE_AND:
		for (const struct rule_node *child = node->first; child && truth != TRUTH_FALSE; child = child->next)
			truth = least(truth, try_node(child, known));
		return truth;
	case RULE_OR:
		for (const struct rule_node *child = node->first; child && truth != TRUTH_TRUE; child = child->next)
			truth = opposite(least(opposite(truth), opposite(try_node(child, known))));
		return truth;
	case RULE_NOT:
		return opposite(try_node(node->first, known));
	case RULE_COMPARE:
		return detect_try_check(node, known);
	default:
		return TRUTH_MAYBE;
	}
}

static bool can_match(const struct rule_node *tree, struct known known)
{
	return try_node(tree, &known) != TRUTH_FALSE;
}

static uint32_t narrow_open(const struct rule_node *tree, struct known known)
{
	static const struct {
		enum open_kind kind;
		uint32_t want;
	} kinds[] = {
		{ OPEN_READS, HF_DETECT_WANT_READ },
		{ OPEN_WRITES, HF_DETECT_WANT_WRITE },
		{ OPEN_CREATES, HF_DETECT_WANT_CREATE },
	};
	uint32_t wants = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		known.open = kinds[i].kind;
		if (can_match(tree, known))
			wants |= kinds[i].want;
	}
	return wants;
}

uint32_t detect_narrow(const struct rule_node *tree, enum hf_detect_type type)
{
	const struct known known = {
		.type = stream_type_name(type),
		.opens = type == HF_DETECT_OPEN || type == HF_DETECT_OPENAT || type == HF_DETECT_OPENAT2,
	};
	struct known host = known, failed = known, not_exec = known, not_elf = known;
	uint32_t wants = HF_DETECT_WANT_CONTAINERS | HF_DETECT_WANT_SUCCESS;

	if (!can_match(tree, known))
		return 0;
	host.host = failed.failed = not_exec.not_exec = not_elf.not_elf = true;
	if (can_match(tree, host))
		wants |= HF_DETECT_WANT_HOST;
	if (can_match(tree, failed))
		wants |= HF_DETECT_WANT_FAILURE;
	wants |= known.opens ? narrow_open(tree, known) : HF_DETECT_WANT_READ | HF_DETECT_WANT_WRITE | HF_DETECT_WANT_CREATE;
	if ((type == HF_DETECT_MMAP || type == HF_DETECT_MPROTECT) && !can_match(tree, not_exec))
		wants |= HF_DETECT_WANT_EXECUTABLE;
	if ((type == HF_DETECT_WRITE || (type >= HF_DETECT_PWRITE && type <= HF_DETECT_PWRITEV)) && !can_match(tree, not_elf))
		wants |= HF_DETECT_WANT_ELF;
	return wants;
}
