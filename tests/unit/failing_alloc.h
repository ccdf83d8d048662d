/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator of which the call number fail_at fails, 0: none. A test puts it in the place of the real one around the sources
 * that it brings its own copy of, and sweeps: fail_at from 1 on, allocations back to 0 each time, until fewer calls were made.
 */
#ifndef TESTS_UNIT_FAILING_ALLOC_H
#define TESTS_UNIT_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ALLOC_UNUSED __attribute__((unused)) /* not every test needs all of them */

static size_t allocations, fail_at;

static bool should_fail(void)
{
	return ++allocations == fail_at;
}

ALLOC_UNUSED static void *failing_malloc(size_t size)
{
	return should_fail() ? NULL : malloc(size);
}

ALLOC_UNUSED static void *failing_calloc(size_t n, size_t size)
{
	return should_fail() ? NULL : calloc(n, size);
}

ALLOC_UNUSED static void *failing_realloc(void *old, size_t size)
{
	return should_fail() ? NULL : realloc(old, size);
}

ALLOC_UNUSED static char *failing_strdup(const char *text)
{
	return should_fail() ? NULL : strdup(text);
}

ALLOC_UNUSED static char *failing_strndup(const char *text, size_t n)
{
	return should_fail() ? NULL : strndup(text, n);
}

#endif
