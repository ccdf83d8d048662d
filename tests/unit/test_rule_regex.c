// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions of rules: what matches and what is refused, by table; random expressions against regexec(3); time and size
 * of the worst ones.
 */
#include "policies/rules/regex.h"
#include "tests/unit/repeated.h"

#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Far above what the worst expression takes under sanitizers, far below what a quadratic one would. */
#define SECONDS_MAX 20

struct compiled {
	struct policy_arena *arena;
	struct rule_regex *regex;
	const char *error;
	int r;
};

static struct compiled compile(const char *pattern, size_t len)
{
	struct rule_regex_room room = RULE_REGEX_ROOM;
	struct compiled ret = { 0 };

	assert_int_equal(policy_arena_new(&ret.arena), 0);
	ret.r = rule_regex_compile(pattern, len, ret.arena, &room, &ret.regex, &ret.error);
	return ret;
}

static bool match(const char *pattern, const char *text, size_t len)
{
	struct compiled c = compile(pattern, strlen(pattern));
	bool ret;

	if (c.r < 0)
		fail_msg("%s: %s", pattern, c.error);
	ret = rule_regex_match(c.regex, text, len);
	policy_arena_free(&c.arena);
	return ret;
}

static const struct {
	const char *pattern, *text;
	bool match;
} cases[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "abc", "abc", true },
	{ "abc", "abcd", false },
	{ "b", "abc", false },
	{ ".*b.*", "abc", true },
	{ "a|bc|", "bc", true },
	{ "a|bc|", "", true },
	{ "a|bc|", "ac", false },
	{ "(a|b)*c", "abbac", true },
	{ "(?:ab)+", "ababab", true },
	{ "(?:ab)+", "aba", false },
	{ "a?b+c*", "bb", true },
	{ "a**b", "aab", true },
	{ "a+?", "", true },
	{ "()*x", "x", true },
	{ "(a*)*", "aaa", true },
	{ "a{2}", "aa", true },
	{ "a{2}", "aaa", false },
	{ "a{2,}", "aaa", true },
	{ "a{2,}", "a", false },
	{ "a{0,2}", "", true },
	{ "a{0,2}", "aaa", false },
	{ "a{0}b", "b", true },
	{ "a{,2}", "a{,2}", true },
	{ "a{x", "a{x", true },
	{ "a{01}", "a{01}", true },
	{ "(ab|c){2,3}", "abcab", true },
	{ "^[s]{1}ysca[l]{2}$", "syscall", true },
	{ ".*yscal", "syscall", false },
	{ "^a$", "a", true },
	{ "^^a$$", "a", true },
	{ "a^b", "ab", false },
	{ "a$b", "ab", false },
	{ "a$\n^b", "a\nb", true },
	{ "a\nb", "a\nb", true },
	{ "a.b", "a\nb", false },
	{ "a[^x]b", "a\nb", true },
	{ "(^a|b)*", "ab", true },
	{ "(^a|b)*", "ba", false },
	{ "[a-c]x", "bx", true },
	{ "[a-c]x", "dx", false },
	{ "[^a-c]", "d", true },
	{ "[]a]", "]", true },
	{ "[^]a]", "]", false },
	{ "[a-]", "-", true },
	{ "[-a]", "-", true },
	{ "[a\\]]", "]", true },
	{ "[\\x41-\\x43]", "B", true },
	{ "[[:alpha:]_]+", "ab_C", true },
	{ "[[:alpha:]_]+", "ab1", false },
	{ "[[:^alpha:]]", "1", true },
	{ "[^[:^alpha:]]", "1", false },
	{ "[[:word:]]", "_", true },
	{ "[[.a.]]", ".]", true },
	{ "\\.\\*\\_\\/", ".*_/", true },
	{ "\\x41\\x{1F600}\\101\\0", "A\xf0\x9f\x98\x80"
				    "A",
	  false },
	{ "\\x41\\x{1F600}\\101", "A\xf0\x9f\x98\x80"
				  "A",
	  true },
	{ "\\a\\f\\t\\n\\r\\v", "\a\f\t\n\r\v", true },
	{ ".", "\xc3\xa9", true },
	{ "..", "\xc3\xa9", false },
	{ "[\xc3\xa0-\xc3\xaf]", "\xc3\xa9", true },
	{ "[^a]", "\xf0\x9f\x98\x80", true },
	/* A byte that is no UTF-8 is one character. */
	{ ".", "\xff", true },
	{ "..", "\xc3(", true },
	{ "...", "\xe2\x82(", true },
	{ "\xef\xbf\xbd", "\xff", true },
	{ "[a-z]", "\xff", false },
};

static void test_regex_matches_whole_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (match(cases[i].pattern, cases[i].text, strlen(cases[i].text)) != cases[i].match)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
	}
	assert_true(match("a.b\\0?", "a\0b", 3));
}

static void test_regex_refuses_with_reason(void **state)
{
	static const struct {
		const char *pattern, *error;
	} refused[] = {
		{ "(a", "missing closing )" },
		{ "a)", "unexpected )" },
		{ "[a", "missing closing ]" },
		{ "[]", "missing closing ]" },
		{ "[[:foo:]]", "invalid character class: no such name between [: and :]" },
		{ "[b-a]", "invalid character class range: its ends are in the wrong order" },
		{ "[a-c-e]", "invalid character class range: - stands first or last" },
		{ "*a", "missing argument to repetition operator" },
		{ "a|+", "missing argument to repetition operator" },
		{ "(?i)a", "missing argument to repetition operator: of groups with (? there is only (?:" },
		{ "{2}", "missing argument to repetition operator" },
		{ "a{3,2}", "bad repetition: {n,m} wants n <= m <= 1000" },
		{ "a{1001}", "bad repetition: {n,m} wants n <= m <= 1000" },
		{ "a{99999999999999999999}", "bad repetition: {n,m} wants n <= m <= 1000" },
		{ "((a{11}){10}){10}", "bad repetition: repeats within repeats are more than 1000" },
		{ "\\d", "invalid escape sequence: \\ stands before punctuation, or one of a f n r t v x and octal digits" },
		{ "\\1", "invalid escape sequence: \\ stands before punctuation, or one of a f n r t v x and octal digits" },
		{ "\\x4", "invalid escape sequence: \\x wants two hexadecimal digits, or some in braces" },
		{ "\\x{110000}", "invalid escape sequence: \\x wants two hexadecimal digits, or some in braces" },
		{ "a\\", "trailing \\" },
		{ "\xff", "not UTF-8" },
		{ "[\xc3(]", "not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct compiled c = compile(refused[i].pattern, strlen(refused[i].pattern));

		assert_int_equal(c.r, -EINVAL);
		assert_string_equal(c.error, refused[i].error);
		assert_null(c.regex);
		policy_arena_free(&c.arena);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	return *seed ^= *seed << 5;
}

/* Writes an expression in the language that both have in common. */
static char *random_pattern(uint32_t *seed, int depth, char *at)
{
	static const char *const atoms[] = { "a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "[[:alpha:]]", "[^[:digit:]b]", "\\." };
	static const char *const repeats[] = { "", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,1}", "{2,}" };
	const uint32_t n = 1 + next_random(seed) % 3;

	for (uint32_t i = 0; i < n; i++) {
		if (depth && next_random(seed) % 3 == 0) {
			*at++ = '(';
			at = random_pattern(seed, depth - 1, at);
			if (next_random(seed) % 2) {
				*at++ = '|';
				at = random_pattern(seed, depth - 1, at);
			}
			at = stpcpy(at, ")");
		} else {
			at = stpcpy(at, atoms[next_random(seed) % COUNT(atoms)]);
		}
		at = stpcpy(at, repeats[next_random(seed) % COUNT(repeats)]);
	}
	return at;
}

static size_t compare_random(uint32_t *seed)
{
	static const char letters[] = "abc.1";
	char pattern[1024] = "^(", text[16];
	struct compiled c;
	size_t matches = 0;
	regex_t libc;

	strcpy(random_pattern(seed, 2, pattern + 2), ")$");
	assert_int_equal(regcomp(&libc, pattern, REG_EXTENDED | REG_NOSUB), 0);
	pattern[strlen(pattern) - 2] = '\0';
	c = compile(pattern + 2, strlen(pattern + 2));
	assert_int_equal(c.r, 0);
	for (int i = 0; i < 10; i++) {
		const size_t len = next_random(seed) % 9;

		for (size_t k = 0; k < len; k++)
			text[k] = letters[next_random(seed) % (sizeof(letters) - 1)];
		text[len] = '\0';
		if (rule_regex_match(c.regex, text, len) != (regexec(&libc, text, 0, NULL, 0) == 0))
			fail_msg("%s on '%s'", pattern + 2, text);
		matches += rule_regex_match(c.regex, text, len);
	}
	regfree(&libc);
	policy_arena_free(&c.arena);
	return matches;
}

static void test_regex_agrees_with_regexec_on_random_expressions(void **state)
{
	uint32_t seed = 1;
	size_t matches = 0;

	(void)state;
	for (int i = 0; i < 2000; i++)
		matches += compare_random(&seed);
	assert_true(matches > 2000);
}

/* 2^13 states are too many for a table. */
static void test_regex_without_table_matches_alike(void **state)
{
	static const char *const pattern = "^(a|b|\n)*a(a|b|\n){12}$";
	char text[32];
	uint32_t seed = 1;
	struct compiled c = compile(pattern, strlen(pattern));

	(void)state;
	assert_int_equal(c.r, 0);
	for (int i = 0; i < 5000; i++) {
		const size_t len = next_random(&seed) % 24;

		for (size_t k = 0; k < len; k++)
			text[k] = "ab\n"[next_random(&seed) % 3];
		assert_int_equal(rule_regex_match(c.regex, text, len), len >= 13 && text[len - 13] == 'a');
	}
	policy_arena_free(&c.arena);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_regex_size_is_bounded(void **state)
{
	static const struct {
		const char *piece;
		size_t n;
		const char *tail;
		int r;
	} sizes[] = {
		{ "a", RULE_REGEX_STEPS_MAX - 1, "", 0 },
		{ "a", RULE_REGEX_STEPS_MAX, "", -E2BIG },
		{ "a", 1 << 20, "", -E2BIG },
		{ "(", 1 << 15, "", -EINVAL },
		{ "(", 999, "", -EINVAL },
		{ "()", 1 << 14, "", 0 },
		{ "(()", 999, ")", -EINVAL },
		{ "[[:", 1 << 14, "", -EINVAL },
		{ "a*", 4000, "", 0 },
		{ "*", 1 << 15, "", -EINVAL },
		{ "(a{1,9}", 3, "){1,9}){1,9}){1,9}", -EINVAL },
		{ "(a|b){1,1000}", 1, "", 0 },
		{ "[a-z]{1,1000}", 8, "", -E2BIG },
		{ "a{1}", 1 << 10, "", 0 },
	};
	double begin = seconds();

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char *pattern = repeated(sizes[i].piece, sizes[i].n, sizes[i].tail);
		struct compiled c = compile(pattern, strlen(pattern));

		if (c.r != sizes[i].r)
			fail_msg("%s * %zu: %d %s", sizes[i].piece, sizes[i].n, c.r, c.error);
		policy_arena_free(&c.arena);
		free(pattern);
	}
	assert_true(seconds() - begin < SECONDS_MAX);
}

static void test_regex_is_linear(void **state)
{
	static const char *const patterns[] = { "(a*)*b",	   "(a|aa)*b",	      "(a?){500}a{500}b", ".*.*.*.*.*b", "(.*a){100}b",
						"((a*)*)*b", "(a|b)*a(a|b){200}c", "[a-z]{1,900}b" };
	char *text = repeated("a", 1 << 14, "");
	double begin = seconds();

	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		assert_false(match(patterns[i], text, strlen(text)));
	assert_true(seconds() - begin < SECONDS_MAX);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regex_matches_whole_text),
		cmocka_unit_test(test_regex_refuses_with_reason),
		cmocka_unit_test(test_regex_agrees_with_regexec_on_random_expressions),
		cmocka_unit_test(test_regex_without_table_matches_alike),
		cmocka_unit_test(test_regex_size_is_bounded),
		cmocka_unit_test(test_regex_is_linear),
	};

	return cmocka_run_group_tests_name("rule_regex", tests, NULL, NULL);
}
