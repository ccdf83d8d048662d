/* SPDX-License-Identifier: Apache-2.0 */
/* Building a set in steps: new, add texts, seal. Private to policies/. */
#ifndef HOLDFAST_POLICIES_SET_H
#define HOLDFAST_POLICIES_SET_H

#include "policies/parse.h"

/* An empty set that is not sealed yet. Return: 0; -ENOMEM. */
int policy_set_new(struct policy_set **ret);

/* Adds the policies of one text; @name stands for it in errors. Return: as policy_set_parse(). */
int policy_set_add_text(struct policy_set *set, const char *name, const char *text, size_t len,
			struct policy_error *err);

/* Sorts the policies and refuses duplicates; nothing can be added after. Return: 0; -EEXIST; -ENOMEM. */
int policy_set_seal(struct policy_set *set, struct policy_error *err);

#endif
