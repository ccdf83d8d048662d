/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of regular expressions: text to tree to steps to automaton. For regex*.c alone. */
#ifndef HOLDFAST_POLICIES_RULES_REGEX_TREE_H
#define HOLDFAST_POLICIES_RULES_REGEX_TREE_H

#include "policies/rules/regex.h"

#include <stdint.h>

#define REGEX_RUNE_MAX 0x10ffff
#define REGEX_WORDS_MAX (RULE_REGEX_STEPS_MAX / 64)

enum regex_kind {
	REGEX_SET,
	REGEX_BEGIN, /* "^" */
	REGEX_END,   /* "$" */
	REGEX_JOIN,  /* one behind the other; the children are chained from the last to the first */
	REGEX_EITHER,
	REGEX_REPEAT,
};

struct regex_range {
	uint32_t low, high;
};

/* The characters that one place takes: ranges in order, with gaps between them. */
struct regex_set {
	uint64_t ascii[2];
	size_t n;
	const struct regex_range *ranges;
};

/**
 * struct regex_node - a part of an expression
 * @min: of a REPEAT
 * @max: of a REPEAT; -1: no bound
 * @depth: of the tree below
 * @times: how often the repeats with bounds would write out what is below
 */
struct regex_node {
	enum regex_kind kind;
	int min, max;
	unsigned depth, times;
	const struct regex_set *set;
	struct regex_node *child, *next;
};

/* One character of UTF-8 at *@at, which goes behind it; @at < @end. Return: the character; -1: it is none, one byte is skipped. */
int32_t regex_decode(const char **at, const char *end);

/* @scratch: holds the tree. @arena: holds its sets. Return: 0; -EINVAL with *@ret_error; -ENOMEM. */
int regex_parse(const char *pattern, size_t len, struct policy_arena *scratch, struct policy_arena *arena, struct regex_node **ret,
		const char **ret_error);

/* Sorts and joins @n ranges in @ranges, inverts them if @negated, and makes a set of them in @arena. NULL without memory. */
const struct regex_set *regex_set_new(struct regex_range *ranges, size_t n, bool negated, struct policy_arena *arena);
bool regex_set_has(const struct regex_set *set, uint32_t rune);

enum regex_op {
	STEP_SET,   /* takes a character */
	STEP_SPLIT, /* goes to both */
	STEP_BEGIN, /* goes on at the begin of a line */
	STEP_END,   /* goes on at the end of a line */
	STEP_MATCH, /* done, if the text is */
};

struct regex_step {
	enum regex_op op;
	uint16_t next, other;
	const struct regex_set *set;
};

/* Which steps the automaton is in: @list in the order in which they came, @seen a bit for each. */
struct regex_states {
	size_t n;
	uint16_t list[RULE_REGEX_STEPS_MAX];
	uint64_t seen[REGEX_WORDS_MAX];
};

/**
 * struct rule_regex
 * @lines: whether a step asks for the begin of a line
 * @n_states: of the table; 0: there is none, the steps are followed one by one. State 0 takes nothing any more, 1 is the first
 * @table: the next state for each state and class of characters
 * @accepts: whether the text may end in a state
 * @bounds: where classes of characters begin, in order, from 0 on
 * @classes: number of an ASCII character's class
 */
struct rule_regex {
	size_t n_steps;
	uint16_t start;
	bool lines;
	const struct regex_step *steps;
	size_t n_states, n_classes;
	const uint16_t *table;
	const bool *accepts;
	const uint32_t *bounds;
	uint16_t classes[128];
};

/* The class of a character; regex->bounds is filled. */
size_t regex_class(const struct rule_regex *regex, uint32_t rune);

/* Fills steps. Return: 0; -E2BIG: more than @max; -ENOMEM. */
int regex_write_steps(const struct regex_node *root, size_t max, struct policy_arena *arena, struct rule_regex *regex);

/* Fills the table if it stays small. @work: what it may cost, becomes less by what it did. Return: 0, also without a table;
 * -ENOMEM. */
int regex_build_table(struct rule_regex *regex, size_t *work, struct policy_arena *arena);

void regex_states_clear(const struct rule_regex *regex, struct regex_states *states);
void regex_states_add(struct regex_states *states, uint16_t step);

/**
 * regex_follow - takes one character, or the end of the text
 * @from: its list grows by what is reached without a character
 * @begins: the character stands at the begin of a line
 * @rune: -1 for the end
 * @to: (output)
 *
 * Return: whether the text may end here, for the end; else whether @to holds a step.
 */
bool regex_follow(const struct rule_regex *regex, struct regex_states *from, bool begins, int32_t rune, struct regex_states *to);

#endif
