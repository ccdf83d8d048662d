/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From YAML nodes to typed values: each reader checks the type, the bounds and the characters, and says in the user's
 * words what it wanted. Knows nothing of which keys there are.
 */
#ifndef HOLDFAST_POLICIES_VALUE_H
#define HOLDFAST_POLICIES_VALUE_H

#include "policies/policy.h"
#include "policies/yaml.h"

/* What the readers of one file share. */
struct policy_reader {
	struct policy_origin origin;
	struct policy_set *set; /* receives the policies; its arena holds what they point to */
	struct policy_error *err;
};

/* Checks a string's content. Return: static text that says what is wrong and what to do, or NULL. */
typedef const char *(*policy_check_fn)(const char *text);

/* Fails at @node's value, or at its key. Return: -EINVAL. */
int policy_fail_at(struct policy_reader *r, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int policy_fail_key(struct policy_reader *r, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Return: -ENOMEM. */
int policy_fail_memory(struct policy_reader *r);

/* The entry of the mapping @node under @key; NULL if there is none or @node is no mapping. */
const struct yaml_node *policy_find_key(const struct yaml_node *node, const char *key);

/* Fails with "@what must be a mapping, but it is a number" unless @node is of @type. */
int policy_want_type(struct policy_reader *r, const struct yaml_node *node, enum yaml_type type, const char *what);

/* Fails at the first key of the mapping @node that is none of @known, suggesting the nearest. */
int policy_want_keys(struct policy_reader *r, const struct yaml_node *node, const char *const *known, size_t n,
		     const char *where);

/**
 * policy_want_string - a string, copied into the set
 * @node: may be NULL: "@what is missing", placed at @parent
 * @max: bytes
 * @check: may be NULL
 *
 * A plain scalar that YAML reads as a number, a boolean or null is refused: other tools would not see a string.
 */
int policy_want_string(struct policy_reader *r, const struct yaml_node *parent, const struct yaml_node *node,
		       const char *what, size_t max, policy_check_fn check, const char **ret);

/* true or false. */
int policy_want_bool(struct policy_reader *r, const struct yaml_node *node, const char *what, bool *ret);

/* The index of one of @words, suggesting the nearest. */
int policy_want_word(struct policy_reader *r, const struct yaml_node *node, const char *what,
		     const char *const *words, size_t n, size_t *ret);

/* A list of 1 to @max_items strings. */
int policy_want_strings(struct policy_reader *r, const struct yaml_node *node, const char *what, size_t max_items,
			size_t max_bytes, policy_check_fn check, struct policy_strings *ret);

/* Checks for policy_want_string(): a glob; an absolute glob; an absolute path in its shortest form. */
const char *policy_check_glob(const char *text);
const char *policy_check_path_glob(const char *text);
const char *policy_check_path(const char *text);

#endif
