// SPDX-License-Identifier: Apache-2.0
/*
 * metadata of a policy: name, namespace, labels and annotations by the rules of Kubernetes.
 */
#include "policies/parse.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The last ones are what an API server adds, so that "kubectl get -o yaml" gives a file that can be read back. */
static const char *const metadata_keys[] = {
	"name",		   "namespace",	     "labels",	   "annotations",     "uid",	    "resourceVersion",
	"generation",	   "creationTimestamp", "selfLink", "ownerReferences", "finalizers", "managedFields",
};

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static const char *check_dns(const char *text, bool dots)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i == len - 1;
		bool inner = text[i] == '-' || (dots && text[i] == '.');

		if (!is_lower_alnum(text[i]) && (edge || !inner))
			return dots ? "use a-z, 0-9, \"-\" and \".\", and begin and end with a letter or digit" :
				      "use a-z, 0-9 and \"-\", and begin and end with a letter or digit";
	}
	return len ? NULL : "it cannot be empty";
}

static const char *check_name(const char *text)
{
	return check_dns(text, true);
}

static const char *check_namespace(const char *text)
{
	return check_dns(text, false);
}

/* labels and annotations mean nothing to the language; a wrong type still is the user's slip. */
static int check_strings(struct policy_reader *r, const struct yaml_node *node, const char *what)
{
	const char *ignored;
	int error;

	if (!node)
		return 0;
	error = policy_want_type(r, node, YAML_MAPPING, what);
	for (const struct yaml_node *entry = node->first; entry && error == 0; entry = entry->next)
		error = policy_want_string(r, node, entry, what, POLICY_FILE_BYTES_MAX, NULL, &ignored);
	return error;
}

static int parse_namespace(struct policy_reader *r, const struct yaml_node *metadata, struct policy *policy)
{
	const struct yaml_node *node = policy_find_key(metadata, "namespace");

	if (policy->info.kind == POLICY_KIND_NAMESPACED)
		return policy_want_string(r, metadata, node, "metadata.namespace", POLICY_NAMESPACE_MAX,
					  check_namespace, &policy->info.namespace_);
	if (node)
		return policy_fail_key(r, node, "a ClusterDriftPolicy has no namespace; remove it, or write "
						"kind: DriftPolicy or spec.selector.namespaces");
	return 0;
}

int policy_parse_metadata(struct policy_reader *r, const struct yaml_node *document, struct policy *policy)
{
	const struct yaml_node *metadata = policy_find_key(document, "metadata");
	int error;

	if (!metadata)
		return policy_fail_at(r, document, "metadata is missing; add it with a name");
	error = policy_want_keys(r, metadata, metadata_keys, COUNT(metadata_keys), "metadata");
	if (error < 0)
		return error;
	error = policy_want_string(r, metadata, policy_find_key(metadata, "name"), "metadata.name", POLICY_NAME_MAX,
				   check_name, &policy->info.name);
	if (error < 0)
		return error;
	error = parse_namespace(r, metadata, policy);
	if (error < 0)
		return error;
	error = check_strings(r, policy_find_key(metadata, "labels"), "metadata.labels");
	if (error < 0)
		return error;
	return check_strings(r, policy_find_key(metadata, "annotations"), "metadata.annotations");
}
