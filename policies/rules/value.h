/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fact about an event, as conditions and outputs of rules see it. Owns: the shape of values. Must not know: which
 * fields there are, where facts come from.
 */
#ifndef HOLDFAST_POLICIES_RULES_VALUE_H
#define HOLDFAST_POLICIES_RULES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a field holds; decides which operators and which constants a condition may use. */
enum rule_type {
	RULE_TYPE_BOOL,
	RULE_TYPE_SIGNED,
	RULE_TYPE_UNSIGNED,
	RULE_TYPE_PORT,
	RULE_TYPE_TIME,		/* ns since 1970 */
	RULE_TYPE_DURATION,	/* ns */
	RULE_TYPE_STRING,
	RULE_TYPE_PATH,
	RULE_TYPE_BYTES,
	RULE_TYPE_ADDRESS,
	RULE_TYPE_NET,		/* the value is an address, the constants are networks */
	_RULE_TYPE_MAX,
};

enum rule_value_kind {
	RULE_VALUE_MISSING,	/* the event has no such thing */
	RULE_VALUE_BOOL,
	RULE_VALUE_SIGNED,
	RULE_VALUE_UNSIGNED,	/* also ports, times and durations */
	RULE_VALUE_TEXT,	/* strings, paths and bytes; may hold NUL */
	RULE_VALUE_ADDRESS,
	RULE_VALUE_LIST,	/* elements are of one of the kinds above */
	_RULE_VALUE_MAX,
};

/* All pointers are borrowed from the event, and are valid until the next rule_facts_begin. */
struct rule_value {
	enum rule_value_kind kind;
	uint32_t n; /* TEXT: bytes; LIST: items; ADDRESS: bytes used of address, 4 or 16 */
	union {
		bool truth;
		int64_t number;
		uint64_t count;
		const char *text; /* not NUL-terminated; never NULL, even with n == 0 */
		uint8_t address[16]; /* network order */
		const struct rule_value *items;
	};
};

#endif
