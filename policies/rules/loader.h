/* SPDX-License-Identifier: Apache-2.0 */
/* The loader as its own files see it. Private. */
#ifndef HOLDFAST_POLICIES_RULES_LOADER_H
#define HOLDFAST_POLICIES_RULES_LOADER_H

#include "policies/rules/collect.h"

struct rule_loader {
	struct policy_arena *arena;
	struct rule_options options;
	struct rule_collector collector;
	struct rule_set *set; /* of the last file that was compiled; NULL: there is none, or it was taken */
	bool failed;
};

/* As rule_loader_add_text(), of a file that could not be read for the reason @message. */
int rule_loader_add_unreadable(struct rule_loader *loader, const char *name, const char *message,
			       const struct rule_report **ret);

#endif
