// SPDX-License-Identifier: Apache-2.0
/*
 * Compiled globs against the language's own matcher. Two matchers for the byte code: one that tries everything, which says
 * what the code means, and one with the two points of return that the kernel half has, which says what the kernel does.
 */
#include "enforcer/glob_compile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/policies.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_BYTES 512
#define RANDOM_PATTERNS 6000
#define RANDOM_PATHS 60
#define NONE SIZE_MAX

struct subject {
	const struct glob_code *code;
	const struct glob_classes *classes;
	const char *text;
	size_t bytes;
};

static bool in_class(const struct subject *s, size_t p, char c)
{
	unsigned int index = (unsigned int)(unsigned char)s->code->text[p + 1] - 1u, byte = (unsigned char)c;

	return index < s->classes->n && (s->classes->sets[index][byte / 8] >> (byte % 8) & 1);
}

/* Whether the byte of the text at t satisfies the one-byte token at p; *ret_length: bytes of the token. */
static bool takes(const struct subject *s, size_t p, size_t t, size_t *ret_length)
{
	char op = s->code->text[p], c = s->text[t];

	*ret_length = op == HF_GLOB_CLASS ? 2 : 1;
	if (op == HF_GLOB_CLASS)
		return in_class(s, p, c);
	return op == HF_GLOB_ONE ? c != '/' : op == c;
}

/* All positions of the text that a prefix of the code can have reached: no greed, no order. */
static bool match_all_ways(const struct subject *s)
{
	bool now[TEXT_BYTES + 1] = { true }, next[TEXT_BYTES + 1];
	size_t length = 1;

	for (size_t p = 0; p < s->code->bytes; p += length) {
		char op = s->code->text[p];

		memset(next, 0, sizeof(next));
		length = 1;
		for (size_t t = 0; t <= s->bytes; t++) {
			if (!now[t])
				continue;
			if (op == HF_GLOB_STAR || op == HF_GLOB_DEEP) {
				next[t] = true;
				if (t < s->bytes && (op == HF_GLOB_DEEP || s->text[t] != '/'))
					now[t + 1] = true;
			} else if (t < s->bytes && takes(s, p, t, &length)) {
				next[t + 1] = true;
			}
		}
		if (op == HF_GLOB_CLASS)
			length = 2;
		memcpy(now, next, sizeof(now));
	}
	return now[s->bytes];
}

/* As the kernel half: the last star, then the last deep run, can take one more byte; nothing before them is tried again. */
static bool match_greedy(const struct subject *s)
{
	size_t p = 0, t = 0, star_p = NONE, star_t = 0, deep_p = NONE, deep_t = 0, length;

	for (;;) {
		char op = p < s->code->bytes ? s->code->text[p] : '\0';

		if (op == HF_GLOB_STAR || op == HF_GLOB_DEEP) {
			p++;
			star_p = op == HF_GLOB_STAR ? p : NONE;
			star_t = t;
			if (op == HF_GLOB_DEEP) {
				deep_p = p;
				deep_t = t;
			}
			continue;
		}
		if (!op && t == s->bytes)
			return true;
		if (op && t < s->bytes && takes(s, p, t, &length)) {
			p += length;
			t++;
		} else if (star_p != NONE && star_t < s->bytes && s->text[star_t] != '/') {
			t = ++star_t;
			p = star_p;
		} else if (deep_p != NONE && deep_t < s->bytes) {
			t = ++deep_t;
			p = deep_p;
			star_p = NONE;
		} else {
			return false;
		}
	}
}

/* "/tmp/x.so" to "x.so/tmp/", as the kernel half writes paths. */
static size_t turn_round(const char *path, char *ret)
{
	size_t end = strlen(path), n = 0;

	while (end > 0) {
		size_t begin = end;

		while (path[begin - 1] != '/')
			begin--;
		memcpy(ret + n, path + begin, end - begin);
		n += end - begin;
		ret[n++] = '/';
		end = begin - 1;
	}
	return n;
}

static void check_pair(const char *pattern, const struct glob_alternatives *compiled, const struct glob_classes *classes,
		       const char *path)
{
	bool expected = policy_glob_match(pattern, path, true), all = false, greedy = false;
	char text[TEXT_BYTES];
	size_t bytes = turn_round(path, text);

	for (size_t i = 0; i < compiled->n; i++) {
		struct subject s = { &compiled->code[i], classes, text, bytes };

		all = all || match_all_ways(&s);
		greedy = greedy || match_greedy(&s);
	}
	if (all != expected || greedy != expected)
		fail_msg("\"%s\" on \"%s\": %d, all ways %d, greedy %d", pattern, path, expected, all, greedy);
}

static const char *const paths[] = {
	"/x",
	"/b",
	"/a/b",
	"/a/x/b",
	"/a/x/y/b",
	"/ab",
	"/aab",
	"/a/xb",
	"/ax/b",
	"/ax/yb",
	"/ax/y/zb",
	"/a/bb/b",
	"/b/a",
	"/a/b/a/b",
	"/tmp/x.so",
	"/tmp/.so",
	"/tmp/jna-1/x.so",
	"/tmp/jna-1/y/x.so",
	"/tmp/jna/x.so",
	"/tmp/jna-/.so",
	"/tmp/x.so.so",
	"/tmp/x.so/y",
	"/opt/x",
	"/opt/a/x",
	"/opt/a/b/x",
	"/xopt/x",
	"/opt/plugins/a.so",
	"/plugins/a.so",
	"/a/plugins/b/plugins/c.so",
	"/plugins/ab.so",
	"/var/lib/app/plugins/z.so",
	"/*",
	"/a*b",
	"/[",
	"/a]",
	"/\\",
	"/-",
	"/caf\xc3\xa9/x",
	"/a/a/a/a/a/a/a/a",
	"/a/b/c/d/e/f/g/h",
};

static const char *const patterns[] = {
	"*",
	"**",
	"***",
	"?",
	"/",
	"//",
	"/*",
	"/**",
	"/***",
	"*/x",
	"**/x",
	"***/x",
	"**x",
	"**/**",
	"**/**/x",
	"[a-z]*",
	"/[a-z]*",
	"/[!a]*",
	"/[^a-w]",
	"/[]a]*",
	"/[!]]*",
	"/[a-]",
	"/[-a]",
	"/a[/]b",
	"/a[!b]b",
	"/a",
	"/a/",
	"/a/*",
	"/a/**",
	"/a**",
	"/a**/b",
	"/a/**b",
	"/a/**/b",
	"/a/***/b",
	"/a/**\\/b",
	"/a\\/**/b",
	"/a/**/**/b",
	"/a/**/*/b",
	"/a/*/**/b",
	"/a**b",
	"/a***b",
	"/**a**b",
	"/a*/**/*b",
	"/a*b**a*b",
	"/**/b",
	"/**/*.so",
	"/**/?.so",
	"/**/a/**/b",
	"/**/a/**/b/**",
	"/tmp/jna-*/*.so",
	"/tmp/*.so",
	"/tmp/**.so",
	"/tmp/**/*.so",
	"/opt/**/x",
	"/opt/*x",
	"/opt**",
	"**/plugins/?.so",
	"**plugins/?.so",
	"/**/plugins/[a-m].so",
	"/**/plugins/**",
	"/\\*",
	"/a\\*b",
	"/\\[",
	"/a\\]",
	"/\\\\",
	"/caf?\?/x",
	"/caf\xc3\xa9/*",
	"/?/?/?/?/?/?/?/?",
	"/*/*/*/*/*/*/*/*",
	"/**/a/*/a/**",
	"\\/a/b",
};

static void test_table_agrees_with_language(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++) {
		struct glob_classes classes = { 0 };
		struct glob_alternatives compiled;

		assert_int_equal(glob_compile(patterns[i], &classes, &compiled, NULL), 0);
		for (size_t k = 0; k < COUNT(paths); k++)
			check_pair(patterns[i], &compiled, &classes, paths[k]);
	}
}

static unsigned int draw(unsigned long long *seed, unsigned int n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(*seed >> 33) % n;
}

/* Few letters and short pieces, so that patterns and paths meet often. */
static void make_pattern(unsigned long long *seed, char *ret)
{
	static const char *const pieces[] = { "/", "/", "/", "/**/", "/**/", "**", "*", "*", "?", "a", "a", "b", "ab", ".",
					      "[ab]", "[!a]", "[a-b.]", "\\a", "\\/", "***", "/*" };
	unsigned int n = 1 + draw(seed, 8);

	strcpy(ret, draw(seed, 8) ? "/" : "");
	while (n-- > 0)
		strcat(ret, pieces[draw(seed, COUNT(pieces))]);
}

static void make_path(unsigned long long *seed, char *ret)
{
	static const char letters[] = "aaabb.";
	unsigned int n = 1 + draw(seed, 5);
	size_t at = 0;

	while (n-- > 0) {
		unsigned int length = 1 + draw(seed, 3);

		ret[at++] = '/';
		while (length-- > 0)
			ret[at++] = letters[draw(seed, COUNT(letters) - 1)];
	}
	ret[at] = '\0';
}

static void test_random_pairs_agree_with_language(void **state)
{
	unsigned long long seed = 20260131;
	size_t compiled_patterns = 0, hits = 0;
	char pattern[TEXT_BYTES], path[TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < RANDOM_PATTERNS; i++) {
		struct glob_classes classes = { 0 };
		struct glob_alternatives compiled;
		int err;

		make_pattern(&seed, pattern);
		err = glob_compile(pattern, &classes, &compiled, NULL);
		if (err == -E2BIG)
			continue;
		assert_int_equal(err, 0);
		compiled_patterns++;
		for (size_t k = 0; k < RANDOM_PATHS; k++) {
			make_path(&seed, path);
			check_pair(pattern, &compiled, &classes, path);
			hits += policy_glob_match(pattern, path, true);
		}
	}
	assert_true(compiled_patterns > RANDOM_PATTERNS * 9 / 10);
	assert_true(hits > RANDOM_PATTERNS);
}

static const struct code_case {
	const char *pattern, *code[3];
} codes[] = {
	{ "/tmp/x.so", { "x.so/tmp/" } },
	{ "/tmp/jna-*/*.so", { "\1.so/jna-\1/tmp/" } },
	{ "/opt/**/x", { "x/\2/opt/", "x/opt/" } },
	{ "/opt/**", { "\2/opt/" } },
	{ "**/plugins/?.so", { "\3.so/plugins/\2" } },
	{ "/a**b", { "a\1b/", "\1b/a\1/", "\1b/\2/a\1/" } },
	{ "/[a-c]/\\*", { "*/\4\1/" } },
	{ "/a/", { NULL } },
	{ "a", { NULL } },
};

static void test_codes_are_leaf_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct glob_classes classes = { 0 };
		struct glob_alternatives compiled;
		size_t n = 0;

		assert_int_equal(glob_compile(codes[i].pattern, &classes, &compiled, NULL), 0);
		for (; n < COUNT(codes[i].code) && codes[i].code[n]; n++) {
			assert_true(n < compiled.n);
			assert_int_equal(compiled.code[n].bytes, strlen(codes[i].code[n]));
			assert_memory_equal(compiled.code[n].text, codes[i].code[n], compiled.code[n].bytes);
		}
		assert_int_equal(compiled.n, n);
	}
}

static void test_class_never_holds_slash_or_nul(void **state)
{
	struct glob_classes classes = { 0 };
	struct glob_alternatives compiled;

	(void)state;
	assert_int_equal(glob_compile("/[!a][ -~]", &classes, &compiled, NULL), 0);
	assert_int_equal(classes.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_false(classes.sets[i]['/' / 8] >> ('/' % 8) & 1);
		assert_false(classes.sets[i][0] & 1);
		assert_true(classes.sets[i]['b' / 8] >> ('b' % 8) & 1);
	}
	assert_false(classes.sets[0]['a' / 8] >> ('a' % 8) & 1);
	assert_int_equal(classes.sets[0][0xc3 / 8], 0xff);
	assert_int_equal(classes.sets[0][0xff / 8], 0xff);
}

static void test_equal_classes_are_shared(void **state)
{
	struct glob_classes classes = { 0 };
	struct glob_alternatives compiled;

	(void)state;
	assert_int_equal(glob_compile("/[ab][ab]/[ba]", &classes, &compiled, NULL), 0);
	assert_int_equal(glob_compile("/[a-b]", &classes, &compiled, NULL), 0);
	assert_int_equal(classes.n, 1);
}

static const struct refusal {
	const char *pattern;
	int err;
} refusals[] = {
	{ "/[0][1][2][3][4][5][6][7]", 0 },
	{ "/[0][1][2][3][4][5][6][7][8]", -ENOSPC },
	{ "/**/a/**/a/**/a/**/a", 0 },
	{ "/**/a/**/a/**/a/**/a/**/a", -E2BIG },
	{ "//**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x**x", -E2BIG },
	{ "", -EINVAL },
	{ "/[a", -EINVAL },
	{ "/a\x02", -EINVAL },
	{ "/a\\", -EINVAL },
};

static void test_what_does_not_fit_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct glob_classes classes = { 0 };
		struct glob_alternatives compiled;
		const char *reason = NULL;

		assert_int_equal(glob_compile(refusals[i].pattern, &classes, &compiled, &reason), refusals[i].err);
		if (refusals[i].err)
			assert_non_null(reason);
		else
			assert_null(reason);
	}
}

/* A code without `**` has its pattern's length: the slash behind the last component takes the place of the first one. */
static void test_longest_pattern_fits_exactly(void **state)
{
	struct glob_classes classes = { 0 };
	struct glob_alternatives compiled;
	char pattern[POLICY_PATTERN_MAX + 1];
	const char *reason = NULL;

	(void)state;
	memset(pattern, 'x', sizeof(pattern));
	pattern[0] = '/';
	pattern[POLICY_PATTERN_MAX] = '\0';
	assert_int_equal(glob_compile(pattern, &classes, &compiled, NULL), 0);
	assert_int_equal(compiled.code[0].bytes, HF_GLOB_BYTES - 1);
	check_pair(pattern, &compiled, &classes, pattern);
	/* A run over several components is written as three bytes and more for two. */
	memcpy(pattern + 100, "**", 2);
	assert_int_equal(glob_compile(pattern, &classes, &compiled, &reason), -ENAMETOOLONG);
	assert_non_null(reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_agrees_with_language),
		cmocka_unit_test(test_random_pairs_agree_with_language),
		cmocka_unit_test(test_codes_are_leaf_first),
		cmocka_unit_test(test_class_never_holds_slash_or_nul),
		cmocka_unit_test(test_equal_classes_are_shared),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_longest_pattern_fits_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
