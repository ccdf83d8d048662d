/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases of the rule language in files, one JSON object a line. A kind of cases is the name of its file and the function
 * that runs one; the table of kinds is in acceptance.c.
 */
#ifndef HOLDFAST_TESTS_RULES_ACCEPTANCE_H
#define HOLDFAST_TESTS_RULES_ACCEPTANCE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "policies/arena.h"

#define WHY_BYTES 1024

/* One case, with an arena of its own that is freed behind it. */
struct acceptance_case {
	struct json_object *json;
	struct policy_arena *arena;
	char why[WHY_BYTES]; /* output of a case that fails */
};

/* Return: whether the case passes. */
typedef bool (*acceptance_fn)(struct acceptance_case *c);

/* Says why the case fails. Return: false. */
bool acceptance_fail(struct acceptance_case *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text of a member, with its length; NULL if there is none. */
const char *acceptance_text(struct json_object *json, const char *name, size_t *len);
/* The case's condition; {"repeat": "(", "n": 1000} is one, too. Never NULL. */
const char *acceptance_condition(struct acceptance_case *c, size_t *ret_len);
bool acceptance_bool(struct json_object *json, const char *name, bool otherwise);

bool acceptance_accepted(struct acceptance_case *c);
bool acceptance_rejected(struct acceptance_case *c);
bool acceptance_canonical(struct acceptance_case *c);
bool acceptance_evaluation(struct acceptance_case *c);
bool acceptance_format(struct acceptance_case *c);
bool acceptance_loader(struct acceptance_case *c);
bool acceptance_validation(struct acceptance_case *c);

#endif
