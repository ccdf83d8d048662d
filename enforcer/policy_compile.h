/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the rules of one container to what the kernel half looks up: an action for each class and reason, and the list of
 * exceptions as byte code.
 *
 * Owns: what a mode and a rule mean together. Must not know: slots, containers, files. Pure: no clock, no system calls.
 */
#ifndef ENFORCER_POLICY_COMPILE_H
#define ENFORCER_POLICY_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "policies/policies.h"

/* Entries of one policy: the kernel half looks at no more of them (GLOB_PER_POLICY_MAX of bpf-lsm/exception.h). */
#define POLICY_COMPILE_ENTRIES_MAX 2048
/* Bytes for a sentence that names the exception and what is wrong with it. */
#define POLICY_COMPILE_ERROR_BYTES 512

/* Wall clock and the kernel half's clock side by side. Exceptions expire by the former and are matched by the latter; equal
 * rules compile to equal bytes only under the same offset. */
struct policy_clock {
	int64_t real_to_boot_ns; /* add to CLOCK_REALTIME to get CLOCK_BOOTTIME */
	uint64_t boot_ns;	 /* now: what has expired by then is left out */
};

/* policy: complete but for generation and exceptions_first, valid is 1. exceptions: owned. */
struct policy_compiled {
	struct hf_policy policy;
	struct hf_exception *exceptions;
	size_t n_exceptions;
};

/**
 * policy_compile - compile the rules of one container
 * @effective: (borrowed)
 * @cap: the strictest mode allowed: POLICY_MODE_AUDIT for a container that must not be denied anything, otherwise
 *       POLICY_MODE_ENFORCE
 * @clock: (borrowed)
 * @ret: (output) to be given to policy_compiled_release(); untouched on failure
 * @reterr: (output) on failure, a sentence; may be NULL
 *
 * Cost: each exception's paths times its processes. Does not block.
 * Return: 0; -ENOMEM; -EINVAL: an exception does not fit into the kernel's tables, which policy_compile_check() would
 * have found when the policy was loaded.
 */
int policy_compile(const struct policy_effective *effective, enum policy_mode cap, const struct policy_clock *clock,
		   struct policy_compiled *ret, char reterr[POLICY_COMPILE_ERROR_BYTES]);

/**
 * policy_compile_check - would these exceptions fit?
 * @exceptions: (borrowed) of one policy
 * @n: their number
 * @reterr: (output) on failure, a sentence that names the exception; may be NULL
 *
 * Expired ones are looked at, too. Return: 0; -EINVAL; -ENOMEM.
 */
int policy_compile_check(const struct policy_exception *exceptions, size_t n,
			 char reterr[POLICY_COMPILE_ERROR_BYTES]);

/* Writes the policy of slot HF_SLOT_UNKNOWN: every reason is let through (off), reported (audit) or denied (enforce). The
 * slot may be in use. */
void policy_compile_unknown(struct hf_policy *slot, enum policy_mode mode);
/* The policy of slot HF_SLOT_CANARY: whatever is not original is denied. */
void policy_compile_canary(struct hf_policy *slot);

/* Writes a policy into a slot of the kernel half, valid last: a program that finds valid set finds the rest. The slot may
 * be in use: then each rule changes by itself. */
void policy_publish(struct hf_policy *slot, const struct hf_policy *policy);

/* Idempotent. */
void policy_compiled_release(struct policy_compiled *compiled);

#endif
