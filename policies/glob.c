// SPDX-License-Identifier: Apache-2.0
/*
 * Globs for paths, images and names. The matcher walks the text once and keeps the set of pattern offsets that the text
 * so far can have reached, so no pattern makes it go back. Must not know what is matched or why.
 */
#include "policies/policies.h"

#include <string.h>

#define TO_TEXT_(x) #x
#define TO_TEXT(x) TO_TEXT_(x)

struct matcher {
	const char *pattern;
	size_t len;
	bool path;
};

/* Offset behind the class that starts at @i, or 0 if it has no end or no content. */
static size_t find_class_end(const char *pattern, size_t i)
{
	size_t first;

	i++;
	if (pattern[i] == '!' || pattern[i] == '^')
		i++;
	first = i;
	for (; pattern[i]; i++) {
		if (pattern[i] == ']' && i > first)
			return i + 1;
	}
	return 0;
}

static bool match_class(const char *pattern, size_t i, size_t end, unsigned char c)
{
	bool negated, hit = false;

	i++;
	negated = pattern[i] == '!' || pattern[i] == '^';
	if (negated)
		i++;
	while (i < end - 1) {
		unsigned char low = (unsigned char)pattern[i], high = low;

		if (pattern[i + 1] == '-' && i + 2 < end - 1) {
			high = (unsigned char)pattern[i + 2];
			i += 2;
		}
		hit = hit || (low <= c && c <= high);
		i++;
	}
	return hit != negated;
}

static bool is_globstar(const struct matcher *m, size_t i)
{
	return m->path && m->pattern[i] == '*' && m->pattern[i + 1] == '*';
}

/*
 * Adds offset @i and all that can be reached from it without consuming text. @entered: the token at @i begins here;
 * only then may "**" between two slashes stand for nothing.
 */
static void add_state(const struct matcher *m, bool *states, size_t i, bool entered)
{
	for (;;) {
		states[i] = true;
		if (is_globstar(m, i)) {
			if (entered && i > 0 && m->pattern[i - 1] == '/' && m->pattern[i + 2] == '/')
				add_state(m, states, i + 3, true);
			i += 2;
		} else if (m->pattern[i] == '*') {
			i++;
		} else {
			return;
		}
		if (states[i])
			return;
	}
}

/* Follows the pattern's token at @i over the character @c. */
static void step_state(const struct matcher *m, bool *next, size_t i, char c)
{
	bool wild = !m->path || c != '/';
	size_t end;

	switch (m->pattern[i]) {
	case '\0':
		return;
	case '*':
		if (wild || is_globstar(m, i))
			add_state(m, next, i, false);
		return;
	case '?':
		if (wild)
			add_state(m, next, i + 1, true);
		return;
	case '[':
		end = find_class_end(m->pattern, i);
		if (wild && match_class(m->pattern, i, end, (unsigned char)c))
			add_state(m, next, end, true);
		return;
	case '\\':
		if (m->pattern[i + 1] == c)
			add_state(m, next, i + 2, true);
		return;
	default:
		if (m->pattern[i] == c)
			add_state(m, next, i + 1, true);
	}
}

/*
 * Compares what stands for itself at the start of @pattern: most texts already differ there, and a resolve tries many.
 * Return: false if @text differs; @ret_prefix is the offset of the first special character, or of the end.
 */
static bool match_prefix(const char *pattern, const char *text, size_t *ret_prefix)
{
	size_t i = 0;

	while (pattern[i] && pattern[i] != '*' && pattern[i] != '?' && pattern[i] != '[' && pattern[i] != '\\') {
		if (pattern[i] != text[i])
			return false;
		i++;
	}
	*ret_prefix = i;
	return true;
}

/* Matches @text, from where the pattern's offset @prefix was reached. */
static bool walk_text(const struct matcher *m, size_t prefix, const char *text)
{
	bool a[POLICY_PATTERN_MAX + 1] = { false }, b[POLICY_PATTERN_MAX + 1];
	bool *states = a, *next = b, *swap;

	add_state(m, states, prefix, true);
	for (; *text; text++) {
		bool alive = false;

		memset(next, 0, m->len + 1);
		for (size_t i = prefix; i < m->len; i++) {
			if (states[i]) {
				step_state(m, next, i, *text);
				alive = true;
			}
		}
		if (!alive)
			return false;
		swap = states;
		states = next;
		next = swap;
	}
	return states[m->len];
}

bool policy_glob_match(const char *pattern, const char *text, bool path)
{
	struct matcher m = { .pattern = pattern, .path = path };
	size_t prefix;

	if (!match_prefix(pattern, text, &prefix))
		return false;
	if (pattern[prefix] == '\0')
		return prefix > 0 && text[prefix] == '\0';
	if (!policy_glob_valid(pattern, NULL, NULL))
		return false;
	m.len = strlen(pattern);
	return walk_text(&m, prefix, text + prefix);
}

static bool is_printable_ascii(char c)
{
	return c >= ' ' && c < 0x7f;
}

/* What is wrong with the content of the class at @i, or NULL. */
static const char *check_range(const char *pattern, size_t i, size_t end)
{
	i++;
	if (pattern[i] == '!' || pattern[i] == '^')
		i++;
	for (; i < end - 1; i++) {
		if (!is_printable_ascii(pattern[i]))
			return "a class holds printable ASCII characters only; write others outside of it";
		if (pattern[i + 1] != '-' || i + 2 >= end - 1)
			continue;
		if ((unsigned char)pattern[i] > (unsigned char)pattern[i + 2])
			return "the range in this class runs backwards; swap its ends";
		i += 2;
	}
	return NULL;
}

/* Checks the token at *@i and moves *@i behind it. Return: what is wrong, or NULL. */
static const char *check_token(const char *pattern, size_t *i)
{
	const char *reason;
	size_t end;

	if ((unsigned char)pattern[*i] < ' ' || pattern[*i] == 0x7f)
		return "a pattern cannot hold control characters; remove them";
	switch (pattern[*i]) {
	case '\\':
		if ((unsigned char)pattern[*i + 1] < ' ')
			return "a backslash at the end quotes nothing; remove it or write \\\\";
		*i += 2;
		return NULL;
	case '[':
		end = find_class_end(pattern, *i);
		if (!end)
			return "this class has no end; close it with ] or write \\[";
		reason = check_range(pattern, *i, end);
		if (!reason)
			*i = end;
		return reason;
	default:
		(*i)++;
		return NULL;
	}
}

bool policy_glob_valid(const char *pattern, size_t *ret_offset, const char **ret_reason)
{
	const char *reason = NULL;
	size_t i = 0;

	if (!*pattern)
		reason = "a pattern cannot be empty; write * to match everything";
	else if (strnlen(pattern, POLICY_PATTERN_MAX + 1) > POLICY_PATTERN_MAX)
		reason = "the pattern is longer than " TO_TEXT(POLICY_PATTERN_MAX) " bytes; shorten it with *";
	while (!reason && pattern[i])
		reason = check_token(pattern, &i);
	if (!reason)
		return true;
	if (ret_offset)
		*ret_offset = i;
	if (ret_reason)
		*ret_reason = reason;
	return false;
}

bool policy_exception_applies(const struct policy_exception *exception, const char *path, const char *from,
			      time_t now)
{
	bool path_hit = false, from_hit = exception->n_from == 0;

	if (exception->expires != 0 && now >= exception->expires)
		return false;
	for (size_t i = 0; i < exception->n_paths && !path_hit; i++)
		path_hit = policy_glob_match(exception->paths[i], path, true);
	for (size_t i = 0; path_hit && from && i < exception->n_from && !from_hit; i++)
		from_hit = policy_glob_match(exception->from[i], from, true);
	return path_hit && from_hit;
}
