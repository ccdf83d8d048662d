// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions: matching, by the table where there is one, else by following all steps at once (Thompson 1968). Must
 * not know their syntax.
 */
#include "policies/rules/regex_tree.h"

#include <errno.h>
#include <string.h>

/* What stands for a byte that is no UTF-8. */
#define REPLACEMENT 0xfffd
/* An expression's text: a class of a few thousand characters still fits. Bounds time and memory of reading it. */
#define TEXT_BYTES_MAX 65536

int rule_regex_compile(const char *pattern, size_t len, struct policy_arena *arena, struct rule_regex_room *room,
		       struct rule_regex **ret, const char **ret_error)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	struct rule_regex *regex = policy_arena_alloc(arena, 1, sizeof(*regex));
	struct regex_node *root = NULL;
	int err;

	if (!regex || policy_arena_new(&scratch) < 0)
		return -ENOMEM;
	*ret_error = "the regular expression is too large, or all of the rules together are";
	if (len > TEXT_BYTES_MAX)
		return -E2BIG;
	err = regex_parse(pattern, len, scratch, arena, &root, ret_error);
	if (!err)
		err = regex_write_steps(root, room->steps < RULE_REGEX_STEPS_MAX ? room->steps : RULE_REGEX_STEPS_MAX, arena, regex);
	if (!err)
		err = regex_build_table(regex, &room->work, arena);
	if (err)
		return err;
	room->steps -= regex->n_steps;
	*ret = regex;
	return 0;
}

void regex_states_clear(const struct rule_regex *regex, struct regex_states *states)
{
	states->n = 0;
	memset(states->seen, 0, (regex->n_steps + 63) / 64 * sizeof(states->seen[0]));
}

void regex_states_add(struct regex_states *states, uint16_t step)
{
	const uint64_t bit = UINT64_C(1) << step % 64;

	if (states->seen[step / 64] & bit)
		return;
	states->seen[step / 64] |= bit;
	states->list[states->n++] = step;
}

bool regex_follow(const struct rule_regex *regex, struct regex_states *from, bool begins, int32_t rune, struct regex_states *to)
{
	regex_states_clear(regex, to);
	for (size_t i = 0; i < from->n; i++) {
		const struct regex_step *step = &regex->steps[from->list[i]];

		switch (step->op) {
		case STEP_SET:
			if (rune >= 0 && regex_set_has(step->set, (uint32_t)rune))
				regex_states_add(to, step->next);
			break;
		case STEP_SPLIT:
			regex_states_add(from, step->next);
			regex_states_add(from, step->other);
			break;
		case STEP_BEGIN:
			if (begins)
				regex_states_add(from, step->next);
			break;
		case STEP_END:
			if (rune < 0 || rune == '\n')
				regex_states_add(from, step->next);
			break;
		case STEP_MATCH:
			if (rune < 0)
				return true;
			break;
		}
	}
	return rune >= 0 && to->n;
}

size_t regex_class(const struct rule_regex *regex, uint32_t rune)
{
	size_t low = 0, high = regex->n_classes;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (regex->bounds[middle] <= rune)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t take_rune(const char **at, const char *end)
{
	const int32_t rune = regex_decode(at, end);

	return rune < 0 ? REPLACEMENT : (uint32_t)rune;
}

static bool match_table(const struct rule_regex *regex, const char *at, const char *end)
{
	size_t state = 1, class;

	while (at < end && state) {
		if ((unsigned char)*at < 128)
			class = regex->classes[(unsigned char)*at++];
		else
			class = regex_class(regex, take_rune(&at, end));
		state = regex->table[state * regex->n_classes + class];
	}
	return regex->accepts[state];
}

static bool match_steps(const struct rule_regex *regex, const char *at, const char *end)
{
	struct regex_states states[2], *from = &states[0], *to = &states[1], *swap;
	bool begins = true;

	regex_states_clear(regex, from);
	regex_states_add(from, regex->start);
	while (at < end) {
		const uint32_t rune = take_rune(&at, end);

		if (!regex_follow(regex, from, begins, (int32_t)rune, to))
			return false;
		begins = rune == '\n';
		swap = from;
		from = to;
		to = swap;
	}
	return regex_follow(regex, from, begins, -1, to);
}

bool rule_regex_match(const struct rule_regex *regex, const char *text, size_t len)
{
	return regex->n_states ? match_table(regex, text, text + len) : match_steps(regex, text, text + len);
}
