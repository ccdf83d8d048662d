/* SPDX-License-Identifier: Apache-2.0 */
/* Names to what they name, in an arena. Private to the loader. Must not know what is named. */
#ifndef HOLDFAST_POLICIES_RULES_NAMES_H
#define HOLDFAST_POLICIES_RULES_NAMES_H

#include "policies/arena.h"

#include <stdint.h>

struct rule_name_slot {
	const char *name; /* borrowed; NULL: free */
	size_t len;
	void *value;
};

/* All zero is an empty table. Grows with the names, which the size of a file bounds. */
struct rule_names {
	struct rule_name_slot *slots;
	size_t size, n;
};

/* What the @len bytes of @name stand for; NULL: nothing. Cost: constant. */
void *rule_names_find(const struct rule_names *names, const char *name, size_t len);

/* Adds a name that is not there. @name is borrowed. Return: 0; -ENOMEM. */
int rule_names_add(struct rule_names *names, struct policy_arena *arena, const char *name, void *value);

#endif
