/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a document, one reader each. All give 0, -EINVAL or -ENOMEM with the reader's error filled. */
#ifndef HOLDFAST_POLICIES_PARSE_H
#define HOLDFAST_POLICIES_PARSE_H

#include "policies/value.h"

/* Bounds of names and labels: those of the Kubernetes API (RFC 1123 names; label keys with a DNS prefix). */
#define POLICY_NAME_MAX 253
#define POLICY_NAMESPACE_MAX 63
#define POLICY_LABEL_KEY_MAX 317
#define POLICY_LABEL_VALUE_MAX 63

/* metadata of a policy whose info.kind is set: fills name and namespace. */
int policy_parse_metadata(struct policy_reader *r, const struct yaml_node *document, struct policy *policy);

/* spec of a policy whose info is set: fills the rest. */
int policy_parse_spec(struct policy_reader *r, const struct yaml_node *document, struct policy *policy);

/* spec.selector. @node is its value. */
int policy_parse_selector(struct policy_reader *r, const struct yaml_node *node, struct policy *policy);

/* spec.exceptions. @node is its value. */
int policy_parse_exceptions(struct policy_reader *r, const struct yaml_node *node, struct policy *policy);

/**
 * policy_parse_expiry - when an exception ends
 * @text: "2027-01-31": to the end of that day in UTC; or a time of RFC 3339, "2027-01-31T18:00:00+01:00"
 * @ret: (output) seconds since the epoch from which on it no longer holds
 *
 * Return: static text that says what is wrong and what to do, or NULL.
 */
const char *policy_parse_expiry(const char *text, time_t *ret);

/**
 * policy_parse_text - take every policy out of one text into r->set
 * @text: (borrowed) not needed afterwards
 * @embedded: the text is a ConfigMap's data, so there can't be another ConfigMap in it
 *
 * Return: as policy_set_parse(), but -EEXIST.
 */
int policy_parse_text(struct policy_reader *r, const char *text, size_t len, bool embedded);

#endif
