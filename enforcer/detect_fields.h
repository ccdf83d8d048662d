/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts that rules ask of an event: Falco's fields out of our events, and the fields of drift.
 *
 * Owns: which field comes from where. Must not know: rules, outputs. Used by the daemon and by `holdfast rules test`.
 */
#ifndef ENFORCER_DETECT_FIELDS_H
#define ENFORCER_DETECT_FIELDS_H

#include "enforcer/detect_event.h"
#include "policies/rules/filter.h"

struct detect_plan;

/**
 * detect_plan_new - choose the function for each field that a program uses
 * @program: (borrowed until return) complete
 * @ret: (output) to be given to detect_plan_free(); untouched on failure
 *
 * Return: 0; -ENOMEM.
 */
int detect_plan_new(const struct rule_program *program, struct detect_plan **ret);
/* NULL-safe, sets *plan to NULL. */
void detect_plan_free(struct detect_plan **plan);

/* A rule_extract_fn; event is a struct detect_event whose plan is of the same program. */
void detect_extract(void *event, const struct rule_field_use *use, struct rule_value *ret);

/* The number in event_types.h of an event of the stream, and of a verdict of the enforcer. Looked up once. */
unsigned int detect_type_of(enum hf_detect_type type);
unsigned int detect_type_of_drift(void);

/* The number of a field's name, whether it is extracted at all: for `rules list`. */
bool detect_field_is_known(const char *name);

#endif
