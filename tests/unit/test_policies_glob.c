// SPDX-License-Identifier: Apache-2.0
/*
 * Globs on paths, names and image references, and the exceptions built on them.
 */
#include "policies/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct match_case {
	const char *pattern, *text;
	bool as_path, as_name;
} matches[] = {
	{ "a", "a", true, true },
	{ "a", "", false, false },
	{ "a", "ab", false, false },
	{ "ab", "a", false, false },
	{ "*", "", true, true },
	{ "*", "abc", true, true },
	{ "*", "a/b", false, true },
	{ "**", "a/b", true, true },
	{ "?", "a", true, true },
	{ "?", "", false, false },
	{ "?", "/", false, true },
	{ "a?c", "a/c", false, true },
	{ "/tmp/*", "/tmp/a", true, true },
	{ "/tmp/*", "/tmp/", true, true },
	{ "/tmp/*", "/tmp", false, false },
	{ "/tmp/*", "/tmp/a/b", false, true },
	{ "/tmp/*.so", "/tmp/a.so", true, true },
	{ "/tmp/*.so", "/tmp/a.so.so", true, true },
	{ "/tmp/*.so", "/tmp/a.so.1", false, false },
	{ "/tmp/jna-*/*.so", "/tmp/jna-1/x.so", true, true },
	{ "/tmp/jna-*/*.so", "/tmp/jna-1/y/x.so", false, true },
	{ "/tmp/jna-*/*.so", "/tmp/jna/x.so", false, false },
	{ "/a/**", "/a/b", true, true },
	{ "/a/**", "/a/b/c/d", true, true },
	{ "/a/**", "/a", false, false },
	{ "/a/**", "/ab", false, false },
	{ "/a/**/b", "/a/b", true, false },
	{ "/a/**/b", "/a/x/b", true, true },
	{ "/a/**/b", "/a/x/y/b", true, true },
	{ "/a/**/b", "/ab", false, false },
	{ "/a/**/b", "/a/xb", false, false },
	{ "/a/**/b", "/a/x/yb", false, false },
	{ "/a/**/**/b", "/a/x/y/b", true, true },
	{ "/**/b", "/b", true, false },
	{ "/**/**/b", "/b", true, false },
	{ "/a**b", "/a/x/b", true, true },
	{ "/a***b", "/a/x/b", true, true },
	{ "/**/*.so", "/a/b/c.so", true, true },
	{ "[abc]", "b", true, true },
	{ "[abc]", "d", false, false },
	{ "[a-c]x", "bx", true, true },
	{ "[a-c]x", "dx", false, false },
	{ "[!a-c]", "d", true, true },
	{ "[^a-c]", "b", false, false },
	{ "[!a]", "/", false, true },
	{ "[]]", "]", true, true },
	{ "[!]]", "]", false, false },
	{ "[a-]", "-", true, true },
	{ "[-a]", "-", true, true },
	{ "[a-]", "b", false, false },
	{ "*[0-9]", "web1", true, true },
	{ "\\*", "*", true, true },
	{ "\\*", "a", false, false },
	{ "a\\[b", "a[b", true, true },
	{ "\\\\", "\\", true, true },
	{ "caf\xc3\xa9*", "caf\xc3\xa9-1", true, true },
	{ "", "", false, false },
	{ "[a", "[a", false, false },
	{ "*\\", "a\\", false, false },
};

static void test_patterns_match_as_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(matches); i++) {
		const struct match_case *c = &matches[i];

		if (policy_glob_match(c->pattern, c->text, true) != c->as_path)
			fail_msg("path: %s on %s", c->pattern, c->text);
		if (policy_glob_match(c->pattern, c->text, false) != c->as_name)
			fail_msg("name: %s on %s", c->pattern, c->text);
	}
}

static const struct fault_case {
	const char *pattern, *reason; /* NULL: valid */
	size_t offset;
} faults[] = {
	{ "a", NULL, 0 },
	{ "/a/**/[!a-z]?*\\[", NULL, 0 },
	{ "a]", NULL, 0 },
	{ "[]a]", NULL, 0 },
	{ "caf\xc3\xa9", NULL, 0 },
	{ "", "cannot be empty", 0 },
	{ "ab[", "has no end", 2 },
	{ "ab[]", "has no end", 2 },
	{ "a[!]", "has no end", 1 },
	{ "[z-a]", "runs backwards", 0 },
	{ "ab\\", "backslash at the end", 2 },
	{ "a\nb", "control characters", 1 },
	{ "a\x7f", "control characters", 1 },
	{ "[\xc3\xa9]", "ASCII", 0 },
	{ "[a\n]", "ASCII", 0 },
};

static void test_patterns_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		const struct fault_case *c = &faults[i];
		const char *reason = NULL;
		size_t offset = 0;

		if (policy_glob_valid(c->pattern, &offset, &reason) != !c->reason)
			fail_msg("%s", c->pattern);
		if (!c->reason)
			continue;
		assert_non_null(strstr(reason, c->reason));
		assert_int_equal(offset, c->offset);
		assert_false(policy_glob_valid(c->pattern, NULL, NULL));
	}
}

static void test_longest_pattern_accepted_and_longer_refused(void **state)
{
	char pattern[POLICY_PATTERN_MAX + 2];
	const char *reason = NULL;

	(void)state;
	memset(pattern, '?', sizeof(pattern) - 1);
	pattern[POLICY_PATTERN_MAX + 1] = '\0';
	assert_false(policy_glob_valid(pattern, NULL, &reason));
	assert_non_null(strstr(reason, "longer than"));
	assert_false(policy_glob_match(pattern, pattern, true));
	pattern[POLICY_PATTERN_MAX] = '\0';
	assert_true(policy_glob_valid(pattern, NULL, NULL));
	assert_true(policy_glob_match(pattern, pattern, true));
}

/* Backtracking matchers take years for this one; ours is bounded by pattern times text. */
static void test_hostile_pattern_matched_in_bounded_time(void **state)
{
	char pattern[POLICY_PATTERN_MAX + 1], text[4096];
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(pattern); i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(policy_glob_match(pattern, text, false));
	assert_false(policy_glob_match(pattern, text, true));
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

static const struct image_case {
	const char *pattern, *image, *digest;
	bool match;
} images[] = {
	{ "registry.example/web:*", "registry.example/web:1.2", NULL, true },
	{ "registry.example/web:*", "registry.example/web", NULL, true },
	{ "registry.example/web:*", "registry.example/web@" DIGEST, NULL, true },
	{ "registry.example/web:*", "registry.example/web:1.2@" DIGEST, NULL, true },
	{ "registry.example/web:*", "registry.example/webber:1.2", NULL, false },
	{ "registry.example/web:*", "registry.example/a/web:1.2", NULL, false },
	{ "registry.example/web", "registry.example/web:1.2", NULL, true },
	{ "registry.example/web", "registry.example/web@" DIGEST, NULL, true },
	{ "registry.example/web:latest", "registry.example/web", NULL, true },
	{ "registry.example/web:latest", "registry.example/web@" DIGEST, NULL, false },
	{ "registry.example/web:1.*", "registry.example/web:1.2", NULL, true },
	{ "registry.example/web:1.*", "registry.example/web:2.1", NULL, false },
	{ "registry.example/web:1.*", "registry.example/web@" DIGEST, NULL, false },
	{ "registry.example/*", "registry.example/a/b/web:1", NULL, true },
	{ "registry.example/*", "other.example/web:1", NULL, false },
	{ "*@" DIGEST, "registry.example/web:1.2@" DIGEST, NULL, true },
	{ "*@" DIGEST, "registry.example/web:1.2", DIGEST, true },
	{ "registry.example/web@" DIGEST, "registry.example/web:1.2", DIGEST, true },
	{ "*@" DIGEST, "registry.example/web:1.2", NULL, false },
	{ "localhost:5000/web:*", "localhost:5000/web", NULL, true },
	{ "localhost:5000/web", "localhost:5000/web:2", NULL, true },
	{ "localhost/web", "localhost/web:2", NULL, true },
	{ "docker.io/localhost/*", "localhost/web:2", NULL, false },
	{ "nginx", "nginx", NULL, true },
	{ "nginx:*", "docker.io/library/nginx:1.25", NULL, true },
	{ "docker.io/library/nginx", "nginx:1.25", NULL, true },
	{ "docker.io/library/nginx:latest", "nginx", NULL, true },
	{ "docker.io/library/nginx", "docker.io/nginx:1", NULL, true },
	{ "nginx", "index.docker.io/library/nginx:1", NULL, true },
	{ "docker.io/bitnami/redis", "bitnami/redis:7", NULL, true },
	{ "bitnami/redis:7", "docker.io/bitnami/redis:7", NULL, true },
	{ "nginx", "registry.example/nginx:1", NULL, false },
	{ "docker.io/*", "registry.example/nginx:1", NULL, false },
	{ "*", "", NULL, true },
	{ "*", NULL, NULL, true },
	{ "nginx", "", NULL, false },
	{ "docker.io/*", DIGEST, NULL, false },
	{ "sha256:*", DIGEST, NULL, true },
	{ "*", "/:@", NULL, true },
	{ "a", ":", NULL, false },
};

static void test_images_match_in_every_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(images); i++) {
		const struct image_case *c = &images[i];

		if (policy_image_match(c->pattern, c->image, c->digest) != c->match)
			fail_msg("%s on %s %s", c->pattern, c->image, c->digest ? c->digest : "");
	}
}

static void test_image_too_long_to_take_apart_matched_as_it_is(void **state)
{
	char image[2000];

	(void)state;
	memset(image, 'a', sizeof(image) - 1);
	image[sizeof(image) - 1] = '\0';
	assert_true(policy_image_match("aaa*", image, NULL));
	assert_false(policy_image_match("docker.io/*", image, NULL));
}

static void test_exception_applies_to_its_paths_process_and_time(void **state)
{
	static const char *const paths[] = { "/opt/x", "/tmp/jna-*/*.so" };
	static const char *const from[] = { "/usr/bin/java", "/opt/jdk-*/bin/java" };
	const struct policy_exception any = { "a", paths, 2, NULL, 0, 0, "" };
	const struct policy_exception java = { "b", paths, 2, from, 2, 1000, "" };

	(void)state;
	assert_true(policy_exception_applies(&any, "/opt/x", NULL, 5000));
	assert_true(policy_exception_applies(&any, "/tmp/jna-1/a.so", "/bin/sh", 5000));
	assert_false(policy_exception_applies(&any, "/tmp/a.so", NULL, 5000));
	assert_true(policy_exception_applies(&java, "/opt/x", "/opt/jdk-21/bin/java", 999));
	assert_false(policy_exception_applies(&java, "/opt/x", "/bin/sh", 999));
	assert_false(policy_exception_applies(&java, "/opt/x", NULL, 999));
	assert_false(policy_exception_applies(&java, "/opt/x", "/usr/bin/java", 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns_match_as_documented),
		cmocka_unit_test(test_patterns_checked),
		cmocka_unit_test(test_longest_pattern_accepted_and_longer_refused),
		cmocka_unit_test(test_hostile_pattern_matched_in_bounded_time),
		cmocka_unit_test(test_images_match_in_every_spelling),
		cmocka_unit_test(test_image_too_long_to_take_apart_matched_as_it_is),
		cmocka_unit_test(test_exception_applies_to_its_paths_process_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
