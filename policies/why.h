/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's match with a container, its rank, and both in words. Private to policies/. */
#ifndef HOLDFAST_POLICIES_WHY_H
#define HOLDFAST_POLICIES_WHY_H

#include "policies/policy.h"

/* The order of precedence: the first that differs decides, the larger one wins. */
enum policy_rank {
	RANK_KIND, /* a DriftPolicy before a ClusterDriftPolicy */
	RANK_LABELS, /* number of label terms */
	RANK_IMAGES, /* the narrowest image pattern that matched */
	RANK_CONTAINERS,
	RANK_NAMESPACES,
	RANK_EXCLUDES, /* one that names exceptions before one for all */
	_RANK_MAX,
};

/**
 * struct policy_match - one policy that matches; @policy is NULL for "none"
 * @image_pattern: the pattern that ranks it; NULL where any image matches or none narrows it; the others likewise
 * @tie: another one ranks the same and lost by its name
 */
struct policy_match {
	const struct policy *policy;
	unsigned int rank[_RANK_MAX];
	const char *image_pattern, *container_pattern, *namespace_pattern;
	bool tie;
};

/**
 * policy_explain - why @best decides, in one sentence
 * @second: the next in rank, or one without policy
 * @arena: holds @ret
 *
 * Return: 0; -ENOMEM.
 */
int policy_explain(const struct policy_match *best, const struct policy_match *second,
		   const struct policy_facts *facts, struct policy_arena *arena, const char **ret);

#endif
