// SPDX-License-Identifier: Apache-2.0
/*
 * spec.exceptions: code that may run although the image does not hold it.
 */
#include "policies/parse.h"

#include <ctype.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An exception's name stands in events and listings; long ones bury the rest. */
#define NAME_MAX_BYTES 63
/* "2027-01-31T18:00:00.123456789+01:00" and some room. */
#define EXPIRY_MAX_BYTES 64

static const char *check_name(const char *text)
{
	for (const char *s = text; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("-_.", *s))
			return "use letters, digits, \"-\", \"_\" and \".\"";
	}
	return *text ? NULL : "it cannot be empty";
}

static int parse_globs(struct policy_reader *r, const struct yaml_node *node, const char *what,
		       const char *const **ret, size_t *ret_n)
{
	struct policy_strings strings;
	int error = policy_want_strings(r, node, what, POLICY_PATHS_MAX, POLICY_PATTERN_MAX, policy_check_path_glob,
					&strings);

	if (error < 0)
		return error;
	*ret = strings.item;
	*ret_n = strings.n;
	return 0;
}

static int parse_expires(struct policy_reader *r, const struct yaml_node *node, struct policy_exception *exception)
{
	const char *text, *wrong;
	int error = policy_want_string(r, node, node, "expires", EXPIRY_MAX_BYTES, NULL, &text);

	if (error < 0)
		return error;
	wrong = policy_parse_expiry(text, &exception->expires);
	return wrong ? policy_fail_at(r, node, "expires: %s", wrong) : 0;
}

static int parse_optional(struct policy_reader *r, const struct yaml_node *node, struct policy_exception *exception)
{
	const struct yaml_node *from = policy_find_key(node, "fromProcess");
	const struct yaml_node *expires = policy_find_key(node, "expires");
	const struct yaml_node *reason = policy_find_key(node, "reason");
	int error = 0;

	exception->reason = "";
	if (from)
		error = parse_globs(r, from, "fromProcess", &exception->from, &exception->n_from);
	if (error == 0 && expires)
		error = parse_expires(r, expires, exception);
	if (error == 0 && reason)
		error = policy_want_string(r, node, reason, "reason", POLICY_REASON_MAX, NULL, &exception->reason);
	return error;
}

static int parse_exception(struct policy_reader *r, const struct yaml_node *node, struct policy_exception *exception)
{
	static const char *const keys[] = { "name", "paths", "fromProcess", "expires", "reason" };
	const struct yaml_node *paths;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "an exception");

	if (error < 0)
		return error;
	error = policy_want_string(r, node, policy_find_key(node, "name"), "name of an exception", NAME_MAX_BYTES,
				   check_name, &exception->name);
	if (error < 0)
		return error;
	paths = policy_find_key(node, "paths");
	if (!paths)
		return policy_fail_at(r, node, "paths is missing; list the files that may run");
	error = parse_globs(r, paths, "paths", &exception->paths, &exception->n_paths);
	return error < 0 ? error : parse_optional(r, node, exception);
}

static int check_unique(struct policy_reader *r, const struct yaml_node *node, const struct policy *policy)
{
	const char *name = policy->exceptions[policy->n_exceptions].name;

	for (size_t i = 0; i < policy->n_exceptions; i++) {
		if (strcmp(policy->exceptions[i].name, name) == 0)
			return policy_fail_at(r, policy_find_key(node, "name"),
					      "two exceptions are named \"%s\"; rename one", name);
	}
	return 0;
}

int policy_parse_exceptions(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	int error = policy_want_type(r, node, YAML_SEQUENCE, "spec.exceptions");

	if (error < 0)
		return error;
	if (node->count > POLICY_EXCEPTIONS_MAX)
		return policy_fail_at(r, node, "spec.exceptions has %zu entries, more than %d; merge them", node->count,
				      POLICY_EXCEPTIONS_MAX);
	policy->exceptions = policy_arena_alloc(r->set->arena, node->count, sizeof(*policy->exceptions));
	if (!policy->exceptions)
		return policy_fail_memory(r);
	for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
		error = parse_exception(r, entry, &policy->exceptions[policy->n_exceptions]);
		if (error == 0)
			error = check_unique(r, entry, policy);
		if (error < 0)
			return error;
		policy->n_exceptions++;
	}
	return 0;
}
