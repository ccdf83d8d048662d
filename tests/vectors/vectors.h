/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decide vectors: named rows written by hand, an independent model of decide(), and questions in bulk.
 *
 * Owns: what the right answer is. Must not know: how it is asked (natively or in the kernel).
 */
#ifndef TESTS_VECTORS_VECTORS_H
#define TESTS_VECTORS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/vectors/slot.h"

/* The policies that rows are judged by. */
enum vector_policy {
	VECTOR_POLICY_OFF,	 /* every cell allow */
	VECTOR_POLICY_AUDIT,	 /* every cell audit */
	VECTOR_POLICY_ENFORCE,	 /* every cell deny */
	VECTOR_POLICY_KILL,	 /* every cell kill */
	VECTOR_POLICY_DEFAULT,	 /* a document that only says "enforce" */
	VECTOR_POLICY_LAGGING,	 /* the same, with libraries in audit */
	VECTOR_POLICY_TORN,	 /* every cell 0xff */
	VECTOR_POLICY_INVALID,	 /* every cell allow, but the slot is not in use */
	_VECTOR_POLICY_MAX
};

struct vector {
	const char *name;
	struct hf_facts facts;
	enum vector_policy policy;
	int paused;
	struct hf_decision want;
};

/* The hand-written rows of all files, in order. NULL behind the last one. */
const struct vector *vector_at(size_t index);
/* Fills *ret with one of the policies above. */
void vector_policy(enum vector_policy policy, struct hf_policy *ret);
/* Sets every action of *ret, the volumes' and memfd's included, and marks it as in use. */
void vector_policy_fill(struct hf_policy *ret, __u8 action);
/* The question of a row. */
void vector_slot_of(const struct vector *vector, struct vector_slot *ret);

/* What the model answers. It shares no code with decide(): an ordered table of rules, first match wins. */
struct hf_decision model_decide(const struct hf_facts *facts, const struct hf_policy *policy, int paused);
/* The cell of the policy that speaks about the reason of an answer, by the model. */
__u8 model_cell(const struct hf_facts *facts, const struct hf_policy *policy, const struct hf_decision *d);

/* Every combination of the facts' bits with the values of the other fields that matter. */
#define SWEEP_BITS 19
#define SWEEP_OTHERS (2 * 3 * 6 * 3)
#define SWEEP_CASES ((uint64_t)SWEEP_OTHERS << SWEEP_BITS)
void sweep_facts(uint64_t index, struct hf_facts *ret);

/* Questions with any value in any field, those outside their enums included. *state is the seed, and never 0. */
void sweep_random(uint64_t *state, struct vector_slot *ret);
uint64_t sweep_next(uint64_t *state);

#endif
