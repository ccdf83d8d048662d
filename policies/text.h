/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a policy file before any parser sees them: what no policy holds is refused here, with a place, at the
 * cost of one walk. Must not know YAML beyond its brackets and line ends.
 */
#ifndef HOLDFAST_POLICIES_TEXT_H
#define HOLDFAST_POLICIES_TEXT_H

#include "policies/error.h"

/* Bytes of one line: libfyaml looks ahead to the end of the line for a ':' and keeps 400 bytes for each token it meets. */
#define POLICY_LINE_BYTES_MAX (64 * 1024)
/* '[' and '{' in one file: the look-ahead crosses lines while brackets are open. A policy has about fifteen. */
#define POLICY_BRACKETS_MAX 32768

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
 * the indentation; -E2BIG for too long a line or too many brackets. -EFBIG for too long a text.
 */
int policy_text_check(const struct policy_origin *origin, const char *text, size_t len, struct policy_error *err);

#endif
