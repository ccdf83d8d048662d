/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the compiler of conditions reaches regular expressions, globs and path prefixes: one function each.
 */
#ifndef HOLDFAST_POLICIES_RULES_FILTER_PATTERN_H
#define HOLDFAST_POLICIES_RULES_FILTER_PATTERN_H

#include "policies/rules/filter_internal.h"

/* Return: 0; -EINVAL: @c's error says why; -ENOMEM. The results are for rule_constant.pattern and rule_check.paths. */
int rule_pattern_regex(struct rule_compiler *c, const struct rule_node *node, void **ret);
int rule_pattern_glob(struct rule_compiler *c, const struct rule_node *node, bool fold_case, void **ret);
int rule_pattern_paths(struct rule_compiler *c, const struct rule_constant *constants, size_t n, const void **ret);

#endif
