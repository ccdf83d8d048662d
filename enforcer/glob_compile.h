/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path glob of the policy language to the byte code that the kernel half matches (abi.h, enum hf_glob_op).
 *
 * Owns: turning patterns round, leaf first, as the kernel half builds paths. Must not know: exceptions or slots.
 */
#ifndef ENFORCER_GLOB_COMPILE_H
#define ENFORCER_GLOB_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"

/* Byte code strings that one glob may become: each `**` inside a path doubles them, and each is matched on a violation. */
#define GLOB_ALTERNATIVES_MAX 16

/* The character classes of one struct hf_exception, shared by its two patterns. Starts as { 0 }. */
struct glob_classes {
	unsigned int n;
	uint8_t sets[HF_GLOB_CLASSES][32];
};

struct glob_code {
	uint16_t bytes;
	char text[HF_GLOB_BYTES]; /* not terminated */
};

/* A path matches the glob if one of these matches it. None: no path can match. */
struct glob_alternatives {
	size_t n;
	struct glob_code code[GLOB_ALTERNATIVES_MAX];
};

/**
 * glob_compile - compile a path glob
 * @pattern: (borrowed) as policy_glob_match() takes it with path = true
 * @classes: (borrowed) gets the pattern's classes, unless they are there already; changed on failure, too
 * @ret: (output) undefined on failure
 * @ret_reason: (output) static text on failure that says what is wrong and what to do; may be NULL
 *
 * For every absolute path without empty components, some code of @ret matches it, leaf first, exactly if
 * policy_glob_match() says true. Does not block, allocates nothing; cost: GLOB_ALTERNATIVES_MAX times the pattern's length.
 *
 * Return: 0; -EINVAL: not a valid glob; -E2BIG: more than GLOB_ALTERNATIVES_MAX; -ENAMETOOLONG: a code is longer than
 * HF_GLOB_BYTES - 1; -ENOSPC: more than HF_GLOB_CLASSES classes.
 */
int glob_compile(const char *pattern, struct glob_classes *classes, struct glob_alternatives *ret,
		 const char **ret_reason);

#endif
