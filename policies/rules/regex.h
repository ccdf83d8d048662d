/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions as RE2 takes them in its POSIX syntax, without captures. Owns their language and the automata. Must
 * not know fields or rules. Matching is linear in the text, allocates nothing, never blocks, and any number of threads may do it.
 */
#ifndef HOLDFAST_POLICIES_RULES_REGEX_H
#define HOLDFAST_POLICIES_RULES_REGEX_H

#include "policies/arena.h"

#include <stdbool.h>

/* What one expression may grow to after its repeats are written out: bounds the cost of one character of a text, and the
 * room on the stack while matching. A thousand repeats of a word with a class in it still fit. */
#define RULE_REGEX_STEPS_MAX 8192

/* The same for all expressions of a set of rules: some thousands of usual size. */
#define RULE_REGEX_STEPS_TOTAL (1U << 19)
/* Work on tables that make matching fast, for all expressions of a set: what comes later has none, and matches slower. In
 * visits of steps, some 3 ns each. */
#define RULE_REGEX_WORK_TOTAL (1U << 24)

struct rule_regex;

/* What the expressions of a set may still take. */
struct rule_regex_room {
	size_t steps, work;
};

#define RULE_REGEX_ROOM ((struct rule_regex_room){ RULE_REGEX_STEPS_TOTAL, RULE_REGEX_WORK_TOTAL })

/**
 * rule_regex_compile - an expression that the whole of a text must match
 * @pattern: (borrowed) UTF-8, not needed afterwards
 * @arena: holds the result
 * @room: (borrowed) of the set that it is a part of; becomes less by what it takes
 * @ret: (output)
 * @ret_error: (output) static text that says what is wrong, with -EINVAL and -E2BIG
 *
 * Syntax: literals, ".", "[a-z]", "[^[:alpha:]]", "*", "+", "?", "{n}", "{n,}", "{n,m}" with at most 1000, "|", "()", "(?:)", "^" and "$"
 * at lines' ends, "\" before punctuation, \n \r \t \a \f \v \123 \x41 \x{1F600}. No \d \w \s \b: these are Perl's.
 *
 * Return: 0; -EINVAL: no expression; -E2BIG: more than RULE_REGEX_STEPS_MAX, or than there is room for; -ENOMEM.
 */
int rule_regex_compile(const char *pattern, size_t len, struct policy_arena *arena, struct rule_regex_room *room,
		       struct rule_regex **ret, const char **ret_error);

/* Whether all of @text matches. Bytes that are no UTF-8 count as U+FFFD each. */
bool rule_regex_match(const struct rule_regex *regex, const char *text, size_t len);

#endif
