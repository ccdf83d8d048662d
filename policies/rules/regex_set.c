// SPDX-License-Identifier: Apache-2.0
/*
 * Sets of characters. Must not know expressions.
 */
#include "policies/rules/regex_tree.h"

#include <stdlib.h>

static int compare_ranges(const void *a, const void *b)
{
	const struct regex_range *left = a, *right = b;

	return left->low < right->low ? -1 : left->low > right->low;
}

/* Sorts and joins what overlaps or touches. Return: how many are left. */
static size_t join_ranges(struct regex_range *ranges, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (kept && ranges[i].low <= ranges[kept - 1].high + 1) {
			if (ranges[i].high > ranges[kept - 1].high)
				ranges[kept - 1].high = ranges[i].high;
		} else {
			ranges[kept++] = ranges[i];
		}
	}
	return kept;
}

/* What is between the @n ranges, to @out, which has room for one more. */
static size_t invert_ranges(const struct regex_range *ranges, size_t n, struct regex_range *out)
{
	uint32_t begin = 0;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (ranges[i].low > begin)
			out[kept++] = (struct regex_range){ begin, ranges[i].low - 1 };
		begin = ranges[i].high + 1;
	}
	if (begin <= REGEX_RUNE_MAX)
		out[kept++] = (struct regex_range){ begin, REGEX_RUNE_MAX };
	return kept;
}

const struct regex_set *regex_set_new(struct regex_range *ranges, size_t n, bool negated, struct policy_arena *arena)
{
	struct regex_set *set = policy_arena_alloc(arena, 1, sizeof(*set));
	struct regex_range *out;

	n = join_ranges(ranges, n);
	out = policy_arena_alloc(arena, n + 1, sizeof(*out));
	if (!set || !out)
		return NULL;
	if (negated)
		n = invert_ranges(ranges, n, out);
	for (size_t i = 0; !negated && i < n; i++)
		out[i] = ranges[i];
	set->ranges = out;
	set->n = n;
	for (size_t i = 0; i < n; i++) {
		for (uint32_t rune = out[i].low; rune <= out[i].high && rune < 128; rune++)
			set->ascii[rune / 64] |= UINT64_C(1) << rune % 64;
	}
	return set;
}

bool regex_set_has(const struct regex_set *set, uint32_t rune)
{
	size_t low = 0, high = set->n;

	if (rune < 128)
		return set->ascii[rune / 64] >> rune % 64 & 1;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].high < rune)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->n && set->ranges[low].low <= rune;
}
