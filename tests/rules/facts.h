/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of a case: a JSON object from field to value, {"proc.name": "init", "fd.sport": 443}.
 */
#ifndef HOLDFAST_TESTS_RULES_FACTS_H
#define HOLDFAST_TESTS_RULES_FACTS_H

#include "policies/rules/filter.h"
#include "tests/rules/acceptance.h"

/* Fields that only cases have. @n: output. */
const struct rule_field *case_fields(size_t *n);

/* A rule_extract_fn; @event is the struct acceptance_case, whose member "fields" or "values" has the facts. */
void case_extract(void *event, const struct rule_field_use *use, struct rule_value *ret);

#endif
