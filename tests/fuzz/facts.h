/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of an event that never was, made of the input's bytes: of every kind that a field can have, and missing ones. */
#ifndef TESTS_FUZZ_FACTS_H
#define TESTS_FUZZ_FACTS_H

#include "policies/rules/filter.h"

struct fuzz_bytes {
	const uint8_t *data;
	size_t size;
};

/* A rule_extract_fn; the event is a struct fuzz_bytes. */
void fuzz_extract(void *event, const struct rule_field_use *use, struct rule_value *ret);

#endif
