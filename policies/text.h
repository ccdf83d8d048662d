/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a policy file before any parser sees them: what no policy holds is refused here, with a place, at the
 * cost of one walk. Must not know YAML beyond its brackets and line ends.
 */
#ifndef HOLDFAST_POLICIES_TEXT_H
#define HOLDFAST_POLICIES_TEXT_H

#include "policies/error.h"

/*
 * libfyaml scans ahead for the ':' that would make a flow collection a key, and keeps up to 700 bytes for each token on
 * the way: to the end of the line, over lines while brackets open, and to the end of the text where lines that start
 * with a collection follow each other. Each of the three is bounded, to about 25 MiB in all.
 */
#define POLICY_LINE_BYTES_MAX (64 * 1024)
/* '[' and '{' in one file; a policy has about fifteen. */
#define POLICY_BRACKETS_MAX 32768
/* Indicators on lines that start with a bracket: one line of JSON of the largest length, or thousands of short ones. */
#define POLICY_FLOW_INDICATORS_MAX 32768

/* Bytes of the well-formed UTF-8 character at @text (RFC 3629), or 0 if there is none within @len bytes. */
size_t policy_utf8_length(const char *text, size_t len);

/* Offset of the first byte of @text that is a control character other than tab and line feed or is not UTF-8; @len if
 * there is none. */
size_t policy_text_find_bad(const char *text, size_t len);

/**
 * policy_text_check - refuse bytes and sizes that no policy file has
 * @origin: (borrowed) where the text stands, for @err
 *
 * Return: 0; -EINVAL for a byte order mark, NUL, control character, lone carriage return, invalid UTF-8, or a tab in
 * the indentation; -E2BIG for too long a line or too much in brackets. -EFBIG for too long a text.
 */
int policy_text_check(const struct policy_origin *origin, const char *text, size_t len, struct policy_error *err);

/* The same, but tabs may stand at the beginning of lines, as they do in blocks of text. */
int policy_text_check_wide(const struct policy_origin *origin, const char *text, size_t len, struct policy_error *err);

#endif
