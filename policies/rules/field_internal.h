/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the field registry share.
 */
#ifndef HOLDFAST_POLICIES_RULES_FIELD_INTERNAL_H
#define HOLDFAST_POLICIES_RULES_FIELD_INTERNAL_H

#include "policies/rules/field.h"

struct rule_field_argument {
	const char *name;
	uint8_t type; /* of evt.rawarg with this argument */
	uint8_t bits;
	uint16_t flags;
};

extern const struct rule_field rule_field_table[];
extern const size_t rule_field_table_size;

/* The argument that the @len bytes at @text are, or the longest that they begin with; NULL if there is none. */
const struct rule_field_argument *rule_field_argument_find(const char *text, size_t len, bool exact);

/**
 * rule_field_prefix - the field with the longest name that @text begins with
 * @extra: fields that go before those of the table; may be NULL
 */
const struct rule_field *rule_field_prefix(const struct rule_field *extra, size_t n_extra, const char *text, size_t len);

/* Bytes of @text, which stands behind the name of @field, that are an argument after a dot, with the dot; 0 if none. */
size_t rule_field_dotted(const struct rule_field *field, const char *text, size_t len, bool exact);

#endif
