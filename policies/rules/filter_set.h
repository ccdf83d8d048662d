/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of texts that are written once and asked often: `proc.name in (..)`.
 */
#ifndef HOLDFAST_POLICIES_RULES_FILTER_SET_H
#define HOLDFAST_POLICIES_RULES_FILTER_SET_H

#include <string.h>

#include "policies/arena.h"
#include "policies/rules/value.h"

struct rule_text_slot {
	uint32_t hash; /* 0: empty */
	uint32_t len;
	const char *text;
};

struct rule_text_set {
	uint64_t lengths; /* bit n: some text has n bytes; bit 63: 63 or more */
	uint32_t mask;
	struct rule_text_slot slots[];
};

/* All TEXT. The texts themselves are borrowed. Return: 0; -ENOMEM. */
int rule_text_set_new(const struct rule_value *values, size_t stride, size_t n, struct policy_arena *arena,
		      const struct rule_text_set **ret);

static inline uint64_t rule_text_load(const char *text, size_t n)
{
	uint64_t eight = 0;
	uint32_t low, high;

	if (n >= 8) {
		memcpy(&eight, text, 8);
		return eight;
	}
	if (n >= 4) {
		memcpy(&low, text, 4);
		memcpy(&high, text + n - 4, 4);
		return (uint64_t)high << 32 | low;
	}
	if (n == 0)
		return 0;
	return (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[n / 2] << 8 | (unsigned char)text[n - 1];
}

/* Never 0. Not for keys that an attacker could choose by the thousand: the sets are those of rules. */
static inline uint32_t rule_text_hash(const char *text, size_t n)
{
	uint64_t hash = n * 0x9e3779b97f4a7c15ULL;

	for (; n > 8; text += 8, n -= 8) {
		hash = (hash ^ rule_text_load(text, 8)) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
	}
	hash = (hash ^ rule_text_load(text, n)) * 0xff51afd7ed558ccdULL;
	hash ^= hash >> 29;
	return (uint32_t)(hash >> 16) | 1;
}

static inline bool rule_text_set_has(const struct rule_text_set *set, const char *text, uint32_t len, uint32_t hash)
{
	for (uint32_t i = hash >> 1 & set->mask; set->slots[i].hash; i = (i + 1) & set->mask)
		if (set->slots[i].hash == hash && set->slots[i].len == len && memcmp(set->slots[i].text, text, len) == 0)
			return true;
	return false;
}

static inline bool rule_text_set_may_have(const struct rule_text_set *set, uint32_t len)
{
	return set->lengths >> (len < 63 ? len : 63) & 1;
}

#endif
