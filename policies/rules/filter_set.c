// SPDX-License-Identifier: Apache-2.0
/*
 * How sets of texts are built: open addressing, at most half full. Contracts: filter_set.h.
 */
#include "policies/rules/filter_set.h"

#include <errno.h>

int rule_text_set_new(const struct rule_value *values, size_t stride, size_t n, struct policy_arena *arena,
		      const struct rule_text_set **ret)
{
	struct rule_text_set *set;
	size_t room = 2;

	while (room < 2 * n)
		room *= 2;
	set = policy_arena_alloc(arena, 1, sizeof(*set) + room * sizeof(*set->slots));
	if (!set)
		return -ENOMEM;
	set->mask = (uint32_t)room - 1;
	for (size_t i = 0; i < n; i++) {
		const struct rule_value *value = (const void *)((const char *)values + i * stride);
		uint32_t hash = rule_text_hash(value->text, value->n), at = hash >> 1 & set->mask;

		if (rule_text_set_has(set, value->text, value->n, hash))
			continue;
		while (set->slots[at].hash)
			at = (at + 1) & set->mask;
		set->slots[at] = (struct rule_text_slot){ .hash = hash, .len = value->n, .text = value->text };
		set->lengths |= 1ULL << (value->n < 63 ? value->n : 63);
	}
	*ret = set;
	return 0;
}
