/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct policy_error, and finding the word that was probably meant. Must not know the language. */
#ifndef HOLDFAST_POLICIES_ERROR_H
#define HOLDFAST_POLICIES_ERROR_H

#include "policies/policies.h"

/* Bytes of user text that a message quotes: enough to recognise it, too little to bury the sentence. */
#define POLICY_QUOTE_MAX 64

/* A place in a file, both 1-based; 0 means the file as a whole. */
struct policy_place {
	const char *file;
	int line, column;
};

/**
 * struct policy_origin - where a text stands in its file
 * @file: (borrowed) the file's path
 * @line: lines above its first line
 * @column: characters before each of its lines
 * @pinned: the text's own lines are unknown in the file: every place is (@line, @column)
 */
struct policy_origin {
	const char *file;
	int line, column;
	bool pinned;
};

/* Place in the file of a place in the text. */
struct policy_place policy_place_at(const struct policy_origin *origin, int line, int column);

/**
 * policy_fail - fill @err (may be NULL) and hand back @error, so that a caller can return it
 *
 * Control characters and bytes that do not form UTF-8 become '?'; a long message is cut between two characters.
 */
int policy_fail(struct policy_error *err, int error, struct policy_place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Takes a character that a buffer's end cut off @text, and writes '?' over control characters and what is not UTF-8. */
void policy_clean_text(char *text);

/**
 * policy_suggest - the word of @words that @text is probably meant to be
 * @words: (borrowed) @n strings; NULL entries are skipped
 *
 * Return: an entry of @words, or NULL if none is close enough.
 */
const char *policy_suggest(const char *text, const char *const *words, size_t n);

/* "a, b, c" of @words, cut where @size ends; NULL entries are skipped. Return: @buffer. */
const char *policy_join(char *buffer, size_t size, const char *const *words, size_t n);

#endif
