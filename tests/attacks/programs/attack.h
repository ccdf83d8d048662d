/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a program of tests/attacks/programs says what became of its one action: "WHAT: ran", "WHAT: EPERM", or "SKIP: why" where
 * the kernel does not have it. Exit status 0, 1 and 0. Owns these words, which judge.sh reads; must not know who refuses.
 */
#ifndef TESTS_ATTACKS_PROGRAMS_ATTACK_H
#define TESTS_ATTACKS_PROGRAMS_ATTACK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* result: 0, or a negative errno. Returns what main returns. */
static inline int attack_say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np((int)-result));
	else
		printf("%s: ran\n", what);
	return result < 0;
}

static inline int attack_skip(const char *why)
{
	printf("SKIP: %s\n", why);
	return 0;
}

/* A step before the action that must not fail: says which one did. */
static inline long attack_must(const char *what, long result)
{
	if (result < 0) {
		printf("%s failed: %s\n", what, strerrorname_np(errno));
		exit(2);
	}
	return result;
}

#endif
