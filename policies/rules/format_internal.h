/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of outputs share.
 */
#ifndef HOLDFAST_POLICIES_RULES_FORMAT_INTERNAL_H
#define HOLDFAST_POLICIES_RULES_FORMAT_INTERNAL_H

#include "policies/rules/filter_internal.h"
#include "policies/rules/format.h"

struct rule_format_token {
	const char *literal; /* without an operand */
	size_t literal_len;
	const struct rule_operand *operand;
	const char *name; /* of the operand, as it was written */
	uint32_t width;	  /* bytes to cut to or fill up to; 0: as it comes */
};

struct rule_format_field {
	const char *name;
	const struct rule_operand *operand;
	const struct rule_format *text; /* without an operand: its text is the value */
};

struct rule_format {
	bool partial; /* a missing value is "<NA>" */
	struct rule_format_token *tokens;
	size_t n_tokens;
	struct rule_format_field *fields; /* sorted by name, each once */
	size_t n_fields;
};

/* Fills in the fields from the tokens. Return: 0; -ENOMEM. */
int rule_format_collect(struct rule_program *program, struct rule_format *format);

/* As rule_value_print, for a value of an operand: a missing one is "<NA>", all ancestors stand in a row. */
size_t rule_operand_print(const struct rule_operand *operand, const struct rule_value *value, char *buffer, size_t size);

#endif
