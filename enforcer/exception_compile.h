/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's exceptions to entries of hf_exceptions. Owns: their order and number, and the sentence that says which does not
 * fit. Used by policy_compile.c only. */
#ifndef ENFORCER_EXCEPTION_COMPILE_H
#define ENFORCER_EXCEPTION_COMPILE_H

#include "enforcer/policy_compile.h"

/**
 * exception_compile - one entry for each path, each process and each way in which their globs compile
 * @exceptions: (borrowed) may be NULL when @n is 0
 * @n: their number
 * @clock: (borrowed) NULL: all are compiled, expired or not
 * @ret: (output) free(); NULL when there is none; untouched on failure
 * @ret_n: (output) untouched on failure
 * @reterr: (output) a sentence on failure; may be NULL
 *
 * Return: 0; -ENOMEM; -EINVAL: a pattern does not fit, or there are more than POLICY_COMPILE_ENTRIES_MAX entries.
 */
int exception_compile(const struct policy_exception *exceptions, size_t n, const struct policy_clock *clock,
		      struct hf_exception **ret, size_t *ret_n, char reterr[POLICY_COMPILE_ERROR_BYTES]);

#endif
