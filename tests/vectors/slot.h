/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to decide() and its answer, as the native programs and the BPF program exchange it.
 *
 * Owns: the layout of the question. Must not know: what the right answer is.
 */
#ifndef TESTS_VECTORS_SLOT_H
#define TESTS_VECTORS_SLOT_H

#include "bpf-lsm/decide.h"

#define SLOTS_MAX 4096 /* questions of one program run: some 300 KiB of map, and few runs for a million questions */

struct vector_slot {
	struct hf_policy policy;
	struct hf_facts facts;
	__u32 paused;
	struct hf_decision got;
	__u8 pad[3];
};

_Static_assert(sizeof(struct hf_decision) == 5, "no padding: answers are compared byte for byte");
_Static_assert(sizeof(struct vector_slot) % 8 == 0, "the same stride on both sides");

#endif
