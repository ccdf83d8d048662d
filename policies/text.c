// SPDX-License-Identifier: Apache-2.0
/*
 * Checks the bytes of a policy file before any parser sees them. Must not know the language.
 */
#include "policies/text.h"

#include <errno.h>
#include <string.h>

/* What the walk over the text knows at one offset. */
struct walk {
	const struct policy_origin *origin;
	struct policy_error *err;
	const char *text;
	size_t len, i, line_start;
	size_t brackets, flow_indicators;
	bool tabs; /* may indent */
	bool indentation, flow_line; /* the line so far is blank; its first character is a bracket */
};

size_t policy_utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* The second byte's range shuts out overlong forms, surrogates and what lies above U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (len < n || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

/* C0 and C1 controls; the latter steer terminals just as well. @n is the character's length. */
static bool is_control(const char *text, size_t n)
{
	unsigned char c = (unsigned char)text[0];

	if (n == 2)
		return c == 0xc2 && (unsigned char)text[1] < 0xa0;
	return n == 1 && ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f);
}

size_t policy_text_find_bad(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = policy_utf8_length(text + i, len - i);

		if (n == 0 || is_control(text + i, n))
			return i;
		i += n;
	}
	return len;
}

static int fail_at(const struct walk *w, int error, const char *message)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < w->i; i++) {
		if (w->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)w->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return policy_fail(w->err, error, policy_place_at(w->origin, line, column), "%s", message);
}

/* What is wrong with the control character at w->i, or NULL. */
static const char *check_control(const struct walk *w)
{
	switch (w->text[w->i]) {
	case '\0':
		return "the file holds a NUL byte; a policy is plain text";
	case '\r':
		if (w->i + 1 < w->len && w->text[w->i + 1] == '\n')
			return NULL;
		return "a carriage return stands alone; end lines with a line feed";
	default:
		return "the file holds a control character; remove it";
	}
}

static const char *check_character(const struct walk *w, size_t n)
{
	if (n == 0)
		return "this is not UTF-8; save the file as UTF-8";
	if (w->i == 0 && n == 3 && memcmp(w->text, "\xef\xbb\xbf", 3) == 0)
		return "the file starts with a byte order mark; save it as UTF-8 without one";
	if (w->text[w->i] == '\t' && w->indentation && !w->tabs)
		return "a tab cannot indent; use spaces";
	if (is_control(w->text + w->i, n))
		return check_control(w);
	return NULL;
}

static bool is_bracket(char c)
{
	return c == '[' || c == '{';
}

static void take_character(struct walk *w, size_t n)
{
	char c = w->text[w->i];

	w->i += n;
	if (c == '\n') {
		w->line_start = w->i;
		w->indentation = true;
		w->flow_line = false;
	} else if (c != ' ') {
		w->flow_line = w->flow_line || (w->indentation && is_bracket(c));
		w->indentation = false;
	}
	w->brackets += is_bracket(c);
	w->flow_indicators += w->flow_line && strchr("[]{},:?&*!\"'", c);
}

/* What is too much about the character at w->i, or NULL. */
static const char *check_bounds(const struct walk *w)
{
	if (w->i - w->line_start >= POLICY_LINE_BYTES_MAX)
		return "the line is too long; break it";
	if (w->brackets >= POLICY_BRACKETS_MAX && is_bracket(w->text[w->i]))
		return "too many brackets in one file; split it";
	if (w->flow_indicators >= POLICY_FLOW_INDICATORS_MAX)
		return "too much on lines that start with a bracket; use indentation instead, or split the file";
	return NULL;
}

static int check_text(struct walk *w)
{
	if (w->len > POLICY_FILE_BYTES_MAX)
		return policy_fail(w->err, -EFBIG, (struct policy_place){ .file = w->origin->file },
				   "the file is larger than %d bytes; split it", POLICY_FILE_BYTES_MAX);
	while (w->i < w->len) {
		size_t n = policy_utf8_length(w->text + w->i, w->len - w->i);
		const char *wrong = check_character(w, n);

		if (wrong)
			return fail_at(w, -EINVAL, wrong);
		wrong = check_bounds(w);
		if (wrong)
			return fail_at(w, -E2BIG, wrong);
		take_character(w, n);
	}
	return 0;
}

int policy_text_check(const struct policy_origin *origin, const char *text, size_t len, struct policy_error *err)
{
	struct walk w = { .origin = origin, .err = err, .text = text, .len = len, .indentation = true };

	return check_text(&w);
}

int policy_text_check_wide(const struct policy_origin *origin, const char *text, size_t len, struct policy_error *err)
{
	struct walk w = { .origin = origin, .err = err, .text = text, .len = len, .tabs = true, .indentation = true };

	return check_text(&w);
}
