// SPDX-License-Identifier: Apache-2.0
/*
 * Globs of rules against fnmatch(3), by table and on random patterns; path prefixes against their definition.
 */
#include "policies/rules/pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* More than the largest pattern, less than what a test may take if a comparison were quadratic. */
#define LONG_TEXT (1 << 20)

static bool glob(const char *pattern, bool fold, const char *text, size_t len)
{
	struct policy_arena *arena = NULL;
	struct rule_glob *compiled = NULL;
	bool ret;

	assert_int_equal(policy_arena_new(&arena), 0);
	assert_int_equal(rule_glob_compile(pattern, strlen(pattern), fold, arena, &compiled), 0);
	ret = rule_glob_match(compiled, text, len);
	policy_arena_free(&arena);
	return ret;
}

static const struct {
	const char *pattern, *text;
	bool match, folded;
} globs[] = {
	{ "", "", true, true },
	{ "", "a", false, false },
	{ "a", "a", true, true },
	{ "a", "A", false, true },
	{ "A", "a", false, true },
	{ "a", "ab", false, false },
	{ "*", "", true, true },
	{ "*", "a/b", true, true },
	{ "*", ".a", true, true },
	{ "/etc/*", "/etc/a/b", true, true },
	{ "/ETC/*", "/etc/a/b", false, true },
	{ "*.so", "a.so.so", true, true },
	{ "*.so", "a.so.1", false, false },
	{ "a*a", "a", false, false },
	{ "a*a", "aa", true, true },
	{ "a*b*c", "a1b2c", true, true },
	{ "a*b*c", "abab", false, false },
	{ "a*bc*bc", "abc", false, false },
	{ "?", "/", true, true },
	{ "?", "", false, false },
	{ "*?*", "", false, false },
	{ "*a?c*", "xxaacxx", true, true },
	{ "*?b", "ab", true, true },
	{ "[abc]", "b", true, true },
	{ "[abc]", "B", false, true },
	{ "[!a-c]", "d", true, true },
	{ "[^a-c]", "b", false, false },
	{ "[a-C]", "b", false, true },
	{ "[0-_]", "B", true, false },
	{ "[0-_]", "5", true, true },
	{ "[]a]", "]", true, true },
	{ "[!]a]", "]", false, false },
	{ "[a-]", "-", true, true },
	{ "[\\]]", "]", true, true },
	{ "[\\a-c]", "b", true, true },
	{ "[[:digit:]x]*", "7", true, true },
	{ "[[:upper:]]", "a", false, false },
	{ "[[:nonsense:]]", "a", false, false },
	{ "[a[:nonsense:]]", "a", true, true },
	{ "[!a[:nonsense:]]", "b", false, false },
	{ "[[=a=]]", "a", true, true },
	{ "[[.-.]-0]", ".", true, true },
	{ "[", "[", true, true },
	{ "[a", "[a", true, true },
	{ "\\*", "*", true, true },
	{ "\\*", "a", false, false },
	{ "a\\", "a\\", false, false },
	{ "\\A", "a", false, true },
	{ "caf\xc3\xa9", "caf\xc3\xa9", true, true },
	{ "\xff*", "\xff\xfe", true, true },
};

static void test_glob_matches_as_fnmatch(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(globs); i++) {
		const char *pattern = globs[i].pattern, *text = globs[i].text;

		if (glob(pattern, false, text, strlen(text)) != globs[i].match || glob(pattern, true, text, strlen(text)) != globs[i].folded)
			fail_msg("%s, %s", pattern, text);
		assert_int_equal(fnmatch(pattern, text, 0) == 0, globs[i].match);
		assert_int_equal(fnmatch(pattern, text, FNM_CASEFOLD) == 0, globs[i].folded);
	}
}

/* A generator of our own, so that a failure comes again with the same seed. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	return *seed ^= *seed << 5;
}

static void random_text(uint32_t *seed, const char *const *pieces, size_t n_pieces, size_t n_max, char *text)
{
	const size_t n = next_random(seed) % (n_max + 1);

	*text = '\0';
	for (size_t i = 0; i < n; i++)
		text = stpcpy(text, pieces[next_random(seed) % n_pieces]);
}

static void compare_random(uint32_t *seed)
{
	/* Whole brackets only: what fnmatch does with an end that is missing depends on what matched before. */
	static const char *const pattern_pieces[] = { "*",     "*",	    "?",    "a",	 "b",	  "A",		"ab",	     "/",	   ".",	    "[ab]",
						      "[!ab]", "[^A]",	    "[a-c]", "[B-b]",	 "[!a-]", "[]-a]",	"[[:alpha:]]", "[![:lower:]a]", "\\a",   "\\*",
						      "[\\]a]", "[[=a=]b]", "-",    "[[.a.]-c]", "]",	  "[[:punct:]]", "[?]",	     "[*]" };
	static const char *const text_pieces[] = { "a", "b", "c", "A", "B", "/", ".", "*", "]", "-", "ab", "aab", "\\", "?" };
	char pattern[256], text[64];

	random_text(seed, pattern_pieces, COUNT(pattern_pieces), 8, pattern);
	for (int i = 0; i < 8; i++) {
		random_text(seed, text_pieces, COUNT(text_pieces), 10, text);
		if (glob(pattern, false, text, strlen(text)) != (fnmatch(pattern, text, 0) == 0))
			fail_msg("glob '%s' on '%s'", pattern, text);
		if (glob(pattern, true, text, strlen(text)) != (fnmatch(pattern, text, FNM_CASEFOLD) == 0))
			fail_msg("iglob '%s' on '%s'", pattern, text);
	}
}

static void test_glob_agrees_with_fnmatch_on_random_patterns(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++)
		compare_random(&seed);
}

static void test_glob_takes_nul_as_a_byte(void **state)
{
	(void)state;
	assert_true(glob("a?b", false, "a\0b", 3));
	assert_true(glob("a*b", false, "a\0b", 3));
	assert_false(glob("a", false, "a\0b", 3));
}

static void fill(char *text, size_t len, const char *piece)
{
	for (size_t i = 0; i < len; i++)
		text[i] = piece[i % strlen(piece)];
	text[len] = '\0';
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_glob_is_linear(void **state)
{
	static const char *const pieces[] = { "*a", "a?*", "?", "*[ab]?", "a" };
	char *text = malloc(LONG_TEXT + 1), pattern[RULE_PATTERN_BYTES_MAX + 1];
	double begin;

	(void)state;
	assert_non_null(text);
	fill(text, LONG_TEXT, "a");
	for (size_t i = 0; i < COUNT(pieces); i++) {
		pattern[0] = '*';
		fill(pattern + 1, RULE_PATTERN_BYTES_MAX - 3, pieces[i]);
		strcpy(pattern + RULE_PATTERN_BYTES_MAX - 2, "b*");
		begin = seconds();
		assert_false(glob(pattern, false, text, LONG_TEXT));
		assert_true(seconds() - begin < 5);
	}
	free(text);
}

static void test_glob_length_is_bounded(void **state)
{
	static char pattern[RULE_PATTERN_BYTES_MAX + 2];
	struct policy_arena *arena = NULL;
	struct rule_glob *compiled = NULL;

	(void)state;
	fill(pattern, sizeof(pattern) - 1, "?");
	assert_int_equal(policy_arena_new(&arena), 0);
	assert_int_equal(rule_glob_compile(pattern, sizeof(pattern) - 1, false, arena, &compiled), -E2BIG);
	assert_null(compiled);
	assert_int_equal(rule_glob_compile(pattern, sizeof(pattern) - 2, false, arena, &compiled), 0);
	assert_true(rule_glob_match(compiled, pattern, sizeof(pattern) - 2));
	assert_false(rule_glob_match(compiled, pattern, sizeof(pattern) - 3));
	policy_arena_free(&arena);
}

static bool paths_match(const char *const *list, size_t n, const char *text)
{
	struct policy_arena *arena = NULL;
	struct rule_paths *paths = NULL;
	struct rule_text texts[8];
	bool ret;

	for (size_t i = 0; i < n; i++)
		texts[i] = (struct rule_text){ list[i], strlen(list[i]) };
	assert_int_equal(policy_arena_new(&arena), 0);
	assert_int_equal(rule_paths_compile(texts, n, arena, &paths), 0);
	ret = rule_paths_match(paths, text, strlen(text));
	policy_arena_free(&arena);
	return ret;
}

static const struct {
	const char *paths[4];
	const char *text;
	bool match;
} prefixes[] = {
	{ { "/opt/dir" }, "/opt/dir", true },
	{ { "/opt/dir" }, "/opt/dir/x", true },
	{ { "/opt/dir" }, "/opt/dir2", false },
	{ { "/opt/dir" }, "/opt", false },
	{ { "/opt/dir/" }, "/opt/dir", true },
	{ { "/opt//dir" }, "//opt/dir//x/", true },
	{ { "opt/dir" }, "/opt/dir", true },
	{ { "/var/run" }, "/var", false },
	{ { "/var/run", "/var" }, "/var/lib", true },
	{ { "/var", "/var/run" }, "/var/lib", true },
	{ { "/a/b", "/a/c", "/d" }, "/a/c/x", true },
	{ { "/a/b", "/a/c", "/d" }, "/a/d", false },
	{ { "/" }, "/x", true },
	{ { "/" }, "", true },
	{ { NULL }, "/x", false },
	{ { "/opt/*" }, "/opt/dir/x", true },
	{ { "/opt/*" }, "/opt", false },
	{ { "/opt/di?/sub" }, "/opt/dir/sub/x", true },
	{ { "/opt/di[t]/sub" }, "/opt/dir/sub", false },
	{ { "/*/*/c" }, "/a/b/c/d", true },
	{ { "/*/*/c" }, "/a/c", false },
	{ { "/a*b" }, "/a/b", false },
	/* Falco compares the second of two globs with the next component. */
	{ { "/x*/1", "/?a/2", "/[ab]a/3" }, "/aa/3", true },
	{ { "/x*", "/y*", "/a*" }, "/ab", true },
	{ { "/a/*x/1", "/a/*y/2", "/a/*z/3" }, "/a/az/3", true },
	/* Only a component with a wildcard is a glob. */
	{ { "/a\\b" }, "/a\\b/c", true },
	{ { "/a\\b" }, "/ab/c", false },
};

static void test_paths_match_by_component(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		size_t n = 0;

		while (n < COUNT(prefixes[i].paths) && prefixes[i].paths[n])
			n++;
		if (paths_match(prefixes[i].paths, n, prefixes[i].text) != prefixes[i].match)
			fail_msg("%s (row %zu) on %s", prefixes[i].paths[0], i, prefixes[i].text);
	}
}

static void test_paths_many_equal_ones_cost_one(void **state)
{
	const size_t n = 100000;
	struct rule_text *texts = calloc(n, sizeof(*texts));
	struct policy_arena *arena = NULL;
	struct rule_paths *paths = NULL;
	double begin = seconds();

	(void)state;
	assert_non_null(texts);
	for (size_t i = 0; i < n; i++)
		texts[i] = (struct rule_text){ "/a/b", 4 };
	assert_int_equal(policy_arena_new(&arena), 0);
	assert_int_equal(rule_paths_compile(texts, n, arena, &paths), 0);
	assert_true(rule_paths_match(paths, "/a/b/c", 6));
	assert_false(rule_paths_match(paths, "/a/c", 4));
	assert_true(seconds() - begin < 5);
	policy_arena_free(&arena);
	free(texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob_matches_as_fnmatch),
		cmocka_unit_test(test_glob_agrees_with_fnmatch_on_random_patterns),
		cmocka_unit_test(test_glob_takes_nul_as_a_byte),
		cmocka_unit_test(test_glob_is_linear),
		cmocka_unit_test(test_glob_length_is_bounded),
		cmocka_unit_test(test_paths_match_by_component),
		cmocka_unit_test(test_paths_many_equal_ones_cost_one),
	};

	return cmocka_run_group_tests_name("rule_pattern", tests, NULL, NULL);
}
