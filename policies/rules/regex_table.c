// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions: steps to a table of states, each a set of steps, as long as that stays small. It is built as a whole
 * when rules are loaded, since matching must not allocate. Must not know their syntax.
 */
#include "policies/rules/regex_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a table may have. Rules' expressions have some tens of states; what has more is matched step by step, which is slower
 * but as right. The work is that of a millisecond or two. */
#define STATES_MAX 512
#define CELLS_MAX 16384
#define BOUNDS_MAX 16384
#define WORK_MAX (1U << 19)
#define SLOTS (2 * STATES_MAX)

/**
 * struct builder - the states so far
 * @sets: @words for each state: the steps that it is in
 * @begins: whether a state stands at the begin of a line
 * @slots: states by hash; 0: free, since state 0 is no set's
 */
struct builder {
	struct rule_regex *regex;
	size_t words, n, n_max, work, work_max;
	uint64_t *sets;
	bool *begins, *accepts;
	uint16_t *table;
	uint16_t slots[SLOTS];
	struct regex_states from, to;
};

static int compare_bounds(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* The ranges of @set begin and end classes. Repeats write one set many times in a row. */
static size_t add_bounds(const struct rule_regex *regex, uint32_t *bounds)
{
	const struct regex_set *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < regex->n_steps && n <= BOUNDS_MAX; i++) {
		const struct regex_set *set = regex->steps[i].set;

		if (!set || set == last)
			continue;
		last = set;
		for (size_t k = 0; k < set->n && n <= BOUNDS_MAX; k++, n += 2) {
			if (!bounds)
				continue;
			bounds[n] = set->ranges[k].low;
			bounds[n + 1] = set->ranges[k].high + 1;
		}
	}
	return n;
}

/* Return: 1; 0: there are too many; -ENOMEM. */
static int make_classes(struct rule_regex *regex, struct policy_arena *arena)
{
	const size_t n = add_bounds(regex, NULL);
	uint32_t *bounds;

	if (n > BOUNDS_MAX)
		return 0;
	bounds = policy_arena_alloc(arena, n + 3, sizeof(*bounds));
	if (!bounds)
		return -ENOMEM;
	add_bounds(regex, bounds);
	bounds[n] = 0;
	bounds[n + 1] = '\n';
	bounds[n + 2] = '\n' + 1;
	qsort(bounds, n + 3, sizeof(*bounds), compare_bounds);
	for (size_t i = 0; i < n + 3 && bounds[i] <= REGEX_RUNE_MAX; i++) {
		if (!regex->n_classes || bounds[i] != bounds[regex->n_classes - 1])
			bounds[regex->n_classes++] = bounds[i];
	}
	regex->bounds = bounds;
	for (uint32_t rune = 0; rune < 128; rune++)
		regex->classes[rune] = (uint16_t)regex_class(regex, rune);
	return 1;
}

static size_t hash_set(const struct builder *b, const uint64_t *set, bool begins)
{
	uint64_t hash = begins;

	for (size_t i = 0; i < b->words; i++)
		hash = (hash ^ set[i]) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
	return hash >> 32;
}

/* The state of these steps, a new one if need be. Return: false: there are too many. */
static bool find_state(struct builder *b, const struct regex_states *states, bool begins, uint16_t *ret)
{
	size_t slot = hash_set(b, states->seen, begins) % SLOTS;

	if (!states->n) {
		*ret = 0;
		return true;
	}
	for (; b->slots[slot]; slot = (slot + 1) % SLOTS) {
		*ret = b->slots[slot];
		if (b->begins[*ret] == begins && memcmp(&b->sets[*ret * b->words], states->seen, b->words * sizeof(*b->sets)) == 0)
			return true;
	}
	if (b->n == b->n_max)
		return false;
	memcpy(&b->sets[b->n * b->words], states->seen, b->words * sizeof(*b->sets));
	b->begins[b->n] = begins;
	b->slots[slot] = *ret = (uint16_t)b->n++;
	return true;
}

static void load_state(struct builder *b, size_t state)
{
	const uint64_t *set = &b->sets[state * b->words];

	regex_states_clear(b->regex, &b->from);
	for (size_t i = 0; i < b->words; i++) {
		for (uint64_t word = set[i]; word; word &= word - 1)
			regex_states_add(&b->from, (uint16_t)(i * 64 + (size_t)__builtin_ctzll(word)));
	}
	b->work += b->words;
}

/* The row of a state. Return: false: too many states, or too much work. */
static bool fill_state(struct builder *b, size_t state)
{
	const struct rule_regex *regex = b->regex;

	load_state(b, state);
	b->accepts[state] = regex_follow(regex, &b->from, b->begins[state], -1, &b->to);
	for (size_t class = 0; class < regex->n_classes; class++) {
		const uint32_t rune = regex->bounds[class];

		load_state(b, state);
		regex_follow(regex, &b->from, b->begins[state], (int32_t)rune, &b->to);
		if (!find_state(b, &b->to, regex->lines && rune == '\n', &b->table[state * regex->n_classes + class]))
			return false;
		b->work += b->from.n + b->words;
		if (b->work > b->work_max)
			return false;
	}
	return true;
}

static bool fill_table(struct builder *b)
{
	uint16_t first;

	b->n = 1;
	regex_states_clear(b->regex, &b->to);
	regex_states_add(&b->to, b->regex->start);
	if (!find_state(b, &b->to, b->regex->lines, &first))
		return false;
	for (size_t state = 1; state < b->n; state++) {
		if (!fill_state(b, state))
			return false;
	}
	return true;
}

static int keep_table(const struct builder *b, struct policy_arena *arena)
{
	struct rule_regex *regex = b->regex;
	uint16_t *table = policy_arena_alloc(arena, b->n * regex->n_classes, sizeof(*table));
	bool *accepts = policy_arena_alloc(arena, b->n, sizeof(*accepts));

	if (!table || !accepts)
		return -ENOMEM;
	memcpy(table, b->table, b->n * regex->n_classes * sizeof(*table));
	memcpy(accepts, b->accepts, b->n * sizeof(*accepts));
	regex->table = table;
	regex->accepts = accepts;
	regex->n_states = b->n;
	return 0;
}

int regex_build_table(struct rule_regex *regex, size_t *work, struct policy_arena *arena)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	struct builder *b;
	int r = *work ? make_classes(regex, arena) : 0;

	if (r <= 0)
		return r;
	if (policy_arena_new(&scratch) < 0)
		return -ENOMEM;
	b = policy_arena_alloc(scratch, 1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->regex = regex;
	b->work_max = *work < WORK_MAX ? *work : WORK_MAX;
	b->words = (regex->n_steps + 63) / 64;
	b->n_max = CELLS_MAX / regex->n_classes;
	if (b->n_max > STATES_MAX)
		b->n_max = STATES_MAX;
	b->sets = policy_arena_alloc(scratch, b->n_max * b->words, sizeof(*b->sets));
	b->begins = policy_arena_alloc(scratch, b->n_max, sizeof(*b->begins));
	b->accepts = policy_arena_alloc(scratch, b->n_max, sizeof(*b->accepts));
	b->table = policy_arena_alloc(scratch, b->n_max * regex->n_classes, sizeof(*b->table));
	if (!b->sets || !b->begins || !b->accepts || !b->table)
		return -ENOMEM;
	r = b->n_max > 1 && fill_table(b) ? keep_table(b, arena) : 0;
	*work -= b->work < *work ? b->work : *work;
	return r;
}
