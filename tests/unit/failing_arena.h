/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies' arena, of whose allocations one fails (failing_alloc.h). It owns all memory of that library: the test's program
 * brings its own copy under other names and puts wrappers in their place; the linker then takes none from the library. To be
 * included before any header of policies.
 */
#ifndef TESTS_UNIT_FAILING_ARENA_H
#define TESTS_UNIT_FAILING_ARENA_H

#include <errno.h>

#include "tests/unit/failing_alloc.h"

#define calloc failing_calloc
#define policy_arena_alloc real_alloc
#define policy_arena_copy real_copy
#define policy_arena_dup real_dup
#include "policies/arena.c"
#undef calloc
#undef policy_arena_alloc
#undef policy_arena_copy
#undef policy_arena_dup

void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size);
char *policy_arena_copy(struct policy_arena *arena, const char *text, size_t len);
int policy_arena_dup(struct policy_arena *arena, const char *text, const char **ret);

void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size)
{
	return should_fail() ? NULL : real_alloc(arena, n, size);
}

char *policy_arena_copy(struct policy_arena *arena, const char *text, size_t len)
{
	return should_fail() ? NULL : real_copy(arena, text, len);
}

int policy_arena_dup(struct policy_arena *arena, const char *text, const char **ret)
{
	return should_fail() ? -ENOMEM : real_dup(arena, text, ret);
}

#endif
