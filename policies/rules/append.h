/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `append_output` of a falco.yaml: what is put behind the outputs of rules. Must not know how outputs are made.
 */
#ifndef HOLDFAST_POLICIES_RULES_APPEND_H
#define HOLDFAST_POLICIES_RULES_APPEND_H

#include "policies/rules/rule_set.h"

/* Entries of one file, and extra fields of one entry: each is tried on each rule. */
#define RULE_APPENDS_MAX 256

/**
 * rule_appends_load - read the entries of a file
 * @path: a mapping with the key append_output; its other keys, as a falco.yaml has them, are not looked at
 * @arena: (borrowed) holds what is returned
 * @ret: (output) for struct rule_options; untouched on failure
 * @reterr: (output) what is wrong, with its place; may be NULL
 *
 * Return: 0; -EINVAL; -errno of reading; -ENOMEM. Blocks.
 */
int rule_appends_load(const char *path, struct policy_arena *arena, const struct rule_append_output **ret, size_t *ret_n,
		      struct policy_error *reterr);

#endif
