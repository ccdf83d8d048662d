// SPDX-License-Identifier: Apache-2.0
/*
 * Errors: where, what and which word was probably meant. Must not know the language.
 */
#include "policies/error.h"
#include "policies/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longest word that is compared; keys of the language are shorter, and the table is on the stack. */
#define WORD_MAX 32
/* Two wrong, missing, extra or swapped characters still look like a slip. */
#define DISTANCE_MAX 2

/* Takes off a character that the end of the buffer cut in two. */
static void trim_partial(char *text)
{
	size_t len = strlen(text), back = 0;

	while (back < 3 && back < len && ((unsigned char)text[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < len && ((unsigned char)text[len - 1 - back] & 0xc0) == 0xc0 &&
	    policy_utf8_length(text + len - 1 - back, back + 1) == 0)
		text[len - 1 - back] = '\0';
}

void policy_clean_text(char *text)
{
	size_t len, i = 0;

	trim_partial(text);
	len = strlen(text);
	while (i < len) {
		size_t n = policy_utf8_length(text + i, len - i);

		if (n == 0 || policy_text_find_bad(text + i, n) != n || text[i] == '\n' || text[i] == '\t') {
			memset(text + i, '?', n ? n : 1);
			n = n ? n : 1;
		}
		i += n;
	}
}

struct policy_place policy_place_at(const struct policy_origin *origin, int line, int column)
{
	if (origin->pinned)
		return (struct policy_place){ origin->file, origin->line, origin->column };
	return (struct policy_place){ origin->file, origin->line + line, origin->column + column };
}

int policy_fail(struct policy_error *err, int error, struct policy_place place, const char *format, ...)
{
	va_list args;

	if (!err)
		return error;
	snprintf(err->file, sizeof(err->file), "%s", place.file);
	err->line = place.line;
	err->column = place.column;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	policy_clean_text(err->message);
	return error;
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Optimal string alignment distance, case ignored: insert, delete, replace, or swap two neighbours. */
static unsigned int measure_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_len; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= b_len; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			bool same = strncasecmp(a + i - 1, b + j - 1, 1) == 0;

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_len][b_len];
}

const char *policy_suggest(const char *text, const char *const *words, size_t n)
{
	size_t len = strnlen(text, WORD_MAX + 1);
	unsigned int best = DISTANCE_MAX + 1;
	const char *ret = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t word_len = words[i] ? strlen(words[i]) : 0;
		unsigned int distance;

		if (word_len == 0 || word_len > WORD_MAX)
			continue;
		distance = measure_distance(text, len, words[i], word_len);
		/* A distance that replaces most of a short word says nothing. */
		if (distance < best && distance * 2 < word_len) {
			best = distance;
			ret = words[i];
		}
	}
	/* "enforcing" and "audited" are further away, yet plainly meant. */
	for (size_t i = 0; i < n && !ret; i++) {
		if (words[i] && len > 4 && strncasecmp(words[i], text, 4) == 0)
			ret = words[i];
	}
	return ret;
}

const char *policy_join(char *buffer, size_t size, const char *const *words, size_t n)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		int len;

		if (!words[i])
			continue;
		len = snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", words[i]);
		if (len < 0)
			break;
		used += (size_t)len;
	}
	return buffer;
}
