/* SPDX-License-Identifier: Apache-2.0 */
/* Long texts. */
#ifndef TESTS_UNIT_REPEATED_H
#define TESTS_UNIT_REPEATED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The piece n times, then the tail. The caller frees it. */
static inline char *repeated(const char *piece, size_t n, const char *tail)
{
	const size_t len = strlen(piece);
	char *text = malloc(len * n + strlen(tail) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, piece, len);
	memcpy(text + len * n, tail, strlen(tail) + 1);
	return text;
}

#endif
