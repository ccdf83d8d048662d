/* SPDX-License-Identifier: Apache-2.0 */
/* Building a struct policy_effective. Private to policies/. */
#ifndef HOLDFAST_POLICIES_EFFECTIVE_H
#define HOLDFAST_POLICIES_EFFECTIVE_H

#include "policies/policy.h"

/* Notes on pod annotations that are kept of each kind: pod authors write them, so they must not grow without bound. */
#define POLICY_NOTES_MAX 32

/* An empty one with its own arena. Return: 0; -ENOMEM. */
int policy_effective_new(struct policy_effective **ret);

/* Copies volumes and exceptions of @policy. Return: 0; -ENOMEM. */
int policy_effective_copy_lists(struct policy_effective *effective, const struct policy *policy);

/**
 * policy_tighten - apply the pod's annotations
 * @values: in: the document's, with FIELD_UNSET; out: every field set
 * @effective: (borrowed) receives the notes
 *
 * Return: 0; -ENOMEM.
 */
int policy_tighten(struct policy_effective *effective, const struct policy_facts *facts,
		   signed char values[_FIELD_MAX]);

#endif
