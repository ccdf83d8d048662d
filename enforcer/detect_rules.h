/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files at work: loaded, indexed, and tried on one event after the other.
 *
 * Owns: a set of rules with all that it takes to run it. Must not know: where events come from, where alerts go. Used by the
 * daemon and by `holdfast rules test`.
 */
#ifndef ENFORCER_DETECT_RULES_H
#define ENFORCER_DETECT_RULES_H

#include "enforcer/detect_event.h"
#include "policies/policies.h"
#include "policies/rules/alert.h"
#include "policies/rules/rule_set.h"

struct detect_rules;

struct detect_rules_options {
	const char *const *paths; /* files and folders, in order */
	size_t n_paths;
	enum rule_priority priority_max; /* rules of less importance are left out */
	bool first_only;		 /* of several rules that match, the first alone */
	const char *appends;		 /* a file with what outputs get besides (policies/rules/append.h); NULL: none */
};

/**
 * detect_rules_new - load rule files
 * @options: (borrowed until return)
 * @ret: (output) to be given to detect_rules_free(); untouched on failure
 * @reterr: (output) the first mistake with its place; may be NULL
 *
 * All or nothing. Blocks on file I/O. Return: 0; -EINVAL: a file is wrong or cannot be read; -ENOMEM.
 */
int detect_rules_new(const struct detect_rules_options *options, struct detect_rules **ret, struct policy_error *reterr);
/* NULL-safe, sets *rules to NULL. */
void detect_rules_free(struct detect_rules **rules);

/* The set, borrowed; how many of its rules are switched on; how many warnings there were. */
const struct rule_set *detect_rules_set(const struct detect_rules *rules);
size_t detect_rules_enabled(const struct detect_rules *rules);
size_t detect_rules_warnings(const struct detect_rules *rules);

/* Whether an event of this type is shown to any rule. */
bool detect_rules_need(const struct detect_rules *rules, unsigned int type);

/* What the kernel half is to tell for these rules: enum hf_detect_want by type. */
void detect_rules_wants(const struct detect_rules *rules, uint32_t ret[_HF_DETECT_MAX]);
/* … and the least of it, by which the process tree lives: execs, forks, exits. */
void detect_tree_wants(const struct detect_rules *rules, uint32_t ret[_HF_DETECT_MAX]);

/* Called for each rule that matches. Facts are those of the event, for rule_alert_line(). */
typedef void (*detect_match_fn)(const struct rule *rule, struct rule_facts *facts, void *data);

/**
 * detect_rules_run - try the rules on one event
 * @event: (borrowed) its plan and room are set here, all else by the caller
 *
 * Allocates nothing and does not block. Return: how many rules matched.
 */
size_t detect_rules_run(struct detect_rules *rules, struct detect_event *event, detect_match_fn fn, void *data);

/* Facts that did not fit into the room of their event, and so counted as missing, since the rules were loaded. */
uint64_t detect_rules_overflows(const struct detect_rules *rules);

#endif
