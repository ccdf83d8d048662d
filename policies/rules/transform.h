/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transformers: functions of values in conditions and outputs, as toupper(proc.name). Owns: what they accept and what
 * they yield.
 */
#ifndef HOLDFAST_POLICIES_RULES_TRANSFORM_H
#define HOLDFAST_POLICIES_RULES_TRANSFORM_H

#include "policies/rules/value.h"

enum rule_transform {
	RULE_TRANSFORM_TOLOWER,
	RULE_TRANSFORM_TOUPPER,
	RULE_TRANSFORM_B64,
	RULE_TRANSFORM_BASENAME,
	RULE_TRANSFORM_LEN,
	RULE_TRANSFORM_JOIN,
	RULE_TRANSFORM_CONCAT,
	RULE_TRANSFORM_GETOPT,
	_RULE_TRANSFORM_MAX,
};

struct rule_operand;
struct rule_facts;

/* Return: the number of the transformer of this name; -ENOENT. */
int rule_transform_find(const char *name, size_t len);
const char *rule_transform_name(enum rule_transform transform);

/**
 * rule_transform_check - does the operand's transformer accept its arguments?
 * @operand: its type and list are filled in
 *
 * Return: NULL; or static text that says what is wrong.
 */
const char *rule_transform_check(struct rule_operand *operand);

/* The value of a TRANSFORM or LIST operand for an event. @ret is MISSING on entry. */
void rule_transform_value(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret);

/* Options of an argument list, as getopt(3) reads them, without looking behind the first word that is none. */
void rule_transform_getopt(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret);

#endif
