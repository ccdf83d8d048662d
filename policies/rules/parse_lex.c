// SPDX-License-Identifier: Apache-2.0
/*
 * The words of conditions: each function takes the longest piece of its kind. The language is that of regular expressions
 * on UTF-8 text, so that what is no UTF-8 is part of no bare word. Must not know how words make a condition.
 */
#include "policies/rules/parse_lex.h"

#include <errno.h>
#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

/* What separates words. \b is here, \v and \f are not: those end a bare word, but nothing skips them. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The character at @at, or NUL behind the end. */
static char peek(const struct rule_parser *p, size_t at)
{
	return at < p->len ? p->text[at] : '\0';
}

static bool take(struct rule_parser *p, size_t end)
{
	if (end == p->at)
		return false;
	p->token = p->text + p->at;
	p->token_len = end - p->at;
	p->at = end;
	return true;
}

bool rule_lex_blank(struct rule_parser *p)
{
	const size_t begin = p->at;

	while (is_blank(peek(p, p->at)))
		p->at++;
	return p->at != begin;
}

bool rule_lex_word(struct rule_parser *p, const char *word)
{
	const size_t n = strlen(word);

	return p->len - p->at >= n && memcmp(p->text + p->at, word, n) == 0 && take(p, p->at + n);
}

bool rule_lex_not(struct rule_parser *p)
{
	size_t end = p->at + 3;

	if (p->len - p->at < 4 || memcmp(p->text + p->at, "not", 3) != 0 || !is_space(p->text[end]))
		return false;
	while (is_space(peek(p, end)))
		end++;
	return take(p, end);
}

/* Where an identifier that begins at @at ends; @at if there is none. */
static size_t end_of_identifier(const struct rule_parser *p, size_t at)
{
	if (!is_letter(peek(p, at)))
		return at;
	while (is_word(peek(p, at)))
		at++;
	return at;
}

/* The same for a field's name. */
static size_t end_of_field(const struct rule_parser *p, size_t at)
{
	size_t end = end_of_identifier(p, at), next;

	if (end == at)
		return at;
	for (size_t dots = 0;; dots++) {
		if (peek(p, end) != '.')
			return dots ? end : at;
		next = end_of_identifier(p, end + 1);
		if (next == end + 1)
			return dots ? end : at;
		end = next;
	}
}

bool rule_lex_identifier(struct rule_parser *p)
{
	return take(p, end_of_identifier(p, p->at));
}

bool rule_lex_field(struct rule_parser *p)
{
	return take(p, end_of_field(p, p->at));
}

bool rule_is_field_name(const char *text, size_t len)
{
	const struct rule_parser p = { .text = text, .len = len };

	return len && end_of_field(&p, 0) == len;
}

bool rule_is_identifier(const char *text, size_t len)
{
	const struct rule_parser p = { .text = text, .len = len };

	return len && end_of_identifier(&p, 0) == len;
}

/* Bytes of the UTF-8 character at @at; 0: there is none. */
static size_t character_bytes(const struct rule_parser *p, size_t at)
{
	const unsigned char *s = (const unsigned char *)p->text + at;
	const size_t left = p->len - at;
	size_t n;

	if (!left)
		return 0;
	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Characters that are neither space nor one of @except. */
static bool take_without(struct rule_parser *p, const char *except)
{
	size_t at = p->at, n;

	while ((n = character_bytes(p, at)) > 0) {
		if (n == 1 && (is_space(p->text[at]) || (p->text[at] && strchr(except, p->text[at]))))
			break;
		at += n;
	}
	return take(p, at);
}

bool rule_lex_argument(struct rule_parser *p)
{
	return take_without(p, "][\"'");
}

bool rule_lex_bare(struct rule_parser *p)
{
	return take_without(p, "()\"'=,");
}

bool rule_lex_list_use(struct rule_parser *p)
{
	return p->n_uses && p->uses->offset == p->at && take(p, p->at + p->uses->len);
}

static size_t skip_digits(const struct rule_parser *p, size_t at)
{
	while (is_digit(peek(p, at)))
		at++;
	return at;
}

static bool lex_hex(struct rule_parser *p)
{
	size_t at = p->at;

	if (peek(p, at) != '0' || (peek(p, at + 1) != 'x' && peek(p, at + 1) != 'X') || !is_hex(peek(p, at + 2)))
		return false;
	for (at += 2; is_hex(peek(p, at)); at++)
		;
	return take(p, at);
}

bool rule_lex_number(struct rule_parser *p)
{
	size_t at = p->at, end;

	if (lex_hex(p))
		return true;
	if (peek(p, at) == '+' || peek(p, at) == '-')
		at++;
	end = skip_digits(p, at);
	if (end == at)
		return false;
	if (peek(p, end) == '.')
		end = skip_digits(p, end + 1);
	if ((peek(p, end) == 'e' || peek(p, end) == 'E') && (peek(p, end + 1) == '+' || peek(p, end + 1) == '-') &&
	    is_digit(peek(p, end + 2)))
		end = skip_digits(p, end + 2);
	return take(p, end);
}

bool rule_lex_transformer(struct rule_parser *p)
{
	static const char *const transformers[] = {
		"tolower(", "toupper(", "b64(", "basename(", "len(", "join(", "concat(", "getopt(",
	};

	for (size_t i = 0; i < sizeof(transformers) / sizeof(transformers[0]); i++) {
		if (rule_lex_word(p, transformers[i])) {
			p->token_len--;
			return true;
		}
	}
	return false;
}

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/*
 * One escape at @s, of which @left bytes remain in the string; its value to @value.
 * Return: bytes that it has, or 0 with the parser's error filled.
 */
static size_t unescape(struct rule_parser *p, char quote, const char *s, size_t left, char *value)
{
	static const char names[] = "bfnrt\\/ ", values[] = "\b\f\n\r\t\\/\\";
	const char *found = *s ? strchr(names, *s) : NULL;

	if (*s == 'x' && left >= 3 && is_hex(s[1]) && is_hex(s[2])) {
		*value = (char)(hex_value(s[1]) << 4 | hex_value(s[2]));
		return 3;
	}
	*value = found ? values[found - names] : *s;
	if (found || *s == quote)
		return 1;
	if (*s == '"' || *s == '\'')
		rule_parser_fail(p, quote == '"' ? "invalid \\' escape in \"-quoted string" :
						   "invalid \\\" escape in '-quoted string");
	else
		rule_parser_fail_at(p, "unsupported string escape sequence: \\", s, 1, "");
	return 0;
}

/* A quote ends the string unless a backslash stands before it, be that one escaped itself or not. */
static bool find_end(const struct rule_parser *p, size_t *ret_end)
{
	for (size_t i = p->at + 1; i < p->len && p->text[i]; i++) {
		if (p->text[i] == p->text[p->at] && p->text[i - 1] != '\\') {
			*ret_end = i;
			return true;
		}
	}
	return false;
}

int rule_lex_quoted(struct rule_parser *p)
{
	const char quote = peek(p, p->at);
	size_t end, n, len = 0;
	const char *s;
	char *value;

	if ((quote != '"' && quote != '\'') || !find_end(p, &end))
		return 0;
	s = p->text + p->at + 1;
	value = policy_arena_alloc(p->arena, 1, end - p->at);
	if (!value)
		return rule_parser_fail_memory(p);
	p->at = end + 1;
	for (const char *stop = p->text + end; s < stop; s += n) {
		n = 1;
		if (*s != '\\')
			value[len++] = *s;
		else if (++s < stop && (n = unescape(p, quote, s, (size_t)(stop - s), &value[len++])) == 0)
			return -EINVAL;
	}
	p->token = value;
	p->token_len = len;
	return 1;
}
