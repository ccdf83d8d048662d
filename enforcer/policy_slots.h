/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel half's policy slots and exception entries: who has which, and when one may be used again.
 *
 * Owns: the contents of hf_policies from HF_SLOT_FIRST on, and of hf_exceptions. Must not know: containers, or what a policy
 * says. Main thread only; nothing blocks.
 */
#ifndef ENFORCER_POLICY_SLOTS_H
#define ENFORCER_POLICY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/policy_compile.h"

/* How long a slot that nobody points to is left alone: far longer than a run of a program that has loaded its number. */
#define POLICY_SLOTS_QUARANTINE_NS (2ull * 1000 * 1000 * 1000)

/* The shared memory of the kernel half, or a test's. All borrowed. */
struct policy_tables {
	struct hf_policy *policies;
	uint32_t n_policies;
	struct hf_exception *exceptions;
	uint32_t n_exceptions;
	struct hf_config *config;
	struct hf_container *containers;
	uint32_t n_containers;
};

struct policy_slots;

/**
 * policy_slots_new - take the tables over
 * @tables: (borrowed) copied; what it points to outlives the slots
 * @ret: (output) to be given to policy_slots_free(); untouched on failure
 *
 * Slots that an earlier daemon left valid are kept for as long as a container's record points to them.
 * Return: 0; -ENOMEM.
 */
int policy_slots_new(const struct policy_tables *tables, struct policy_slots **ret);
/* The tables stay as they are: the kernel half goes on with them. NULL-safe, sets *slots to NULL. */
void policy_slots_free(struct policy_slots **slots);

/**
 * policy_slots_acquire - a slot that says what @compiled says
 * @slots: (borrowed)
 * @compiled: (borrowed)
 * @generation: goes into the slot; policies of two generations share one only when there is no room for another
 * @now_ns: CLOCK_MONOTONIC
 * @ret: (output) the slot, to be given back once for each call; untouched on failure
 *
 * Return: 0; -ENOSPC: no slot, or no range of exception entries as long as this.
 */
int policy_slots_acquire(struct policy_slots *slots, const struct policy_compiled *compiled, uint32_t generation,
			 uint64_t now_ns, uint32_t *ret);
/* Whether a slot is free at now_ns. */
bool policy_slots_have_room(struct policy_slots *slots, uint64_t now_ns);
/* Gives a slot back that records may have pointed to until now. */
void policy_slots_release(struct policy_slots *slots, uint32_t slot, uint64_t now_ns);
/* Gives a slot back that no record ever pointed to since it was acquired by this caller. */
void policy_slots_discard(struct policy_slots *slots, uint32_t slot);

/* Empties slots whose quarantine is over, and puts into quarantine those of an earlier daemon that no record points to. */
void policy_slots_tidy(struct policy_slots *slots, uint64_t now_ns);

/* Highest generation found in the tables at policy_slots_new(). */
uint32_t policy_slots_generation_found(const struct policy_slots *slots);
/* When the next slot leaves its quarantine (CLOCK_MONOTONIC); 0: none waits. */
uint64_t policy_slots_next_free_ns(const struct policy_slots *slots);
/* Do two slots say the same, whatever their generation? */
bool policy_slots_equal(const struct policy_slots *slots, uint32_t a, uint32_t b);

#endif
