// SPDX-License-Identifier: Apache-2.0
/*
 * Inputs that only want to cost something: refused by size, depth or count before they do. Each bound is met exactly by
 * an input that is accepted, where the language lets one exist.
 */
#include "policies/policies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICY_NAMED \
	"apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: a%zu}\nspec:\n  mode: audit\n"
#define SPEC "apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: a}\nspec:\n  mode: audit\n"
#define NOISE "apiVersion: v1\nkind: ConfigMap\nmetadata: "
/* A tenth of it in a release build; the sanitizers take the rest. */
#define SECONDS_MAX 1.0

/* A growing text. */
struct text {
	char *bytes;
	size_t len;
	FILE *stream;
};

static struct text *begin(struct text *t)
{
	*t = (struct text){ 0 };
	t->stream = open_memstream(&t->bytes, &t->len);
	assert_non_null(t->stream);
	return t;
}

static void repeat(struct text *t, const char *unit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(fputs(unit, t->stream) >= 0);
}

static void expect(struct text *t, int want, const char *message)
{
	struct policy_set *set = NULL;
	struct policy_error err = { .line = -1 };
	clock_t start = clock();
	int r;

	assert_int_equal(fclose(t->stream), 0);
	r = policy_set_parse("t.yaml", t->bytes, t->len, &set, &err);
	if (r != want || (r != 0 && !strstr(err.message, message)))
		fail_msg("%.60s… gave %d %d:%d %s, wanted %d %s", t->bytes, r, err.line, err.column,
			 r ? err.message : "", want, message);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < SECONDS_MAX);
	policy_set_free(&set);
	free(t->bytes);
}

static void test_repetitions_refused_in_time(void **state)
{
	static const struct {
		const char *unit;
		size_t n;
		int error;
		const char *message;
	} cases[] = {
		{ "[", 10000, -E2BIG, "nested too deep" },
		{ "[\n", 10000, -E2BIG, "nested too deep" },
		{ "{a: ", 10000, -E2BIG, "nested too deep" },
		{ "- ", 10000, -E2BIG, "nested too deep" },
		{ "? ", 10000, -EINVAL, "a key must be a plain word" },
		{ "- [", 40000, -E2BIG, "the line is too long" },
		{ "- [\n", 40000, -E2BIG, "too many brackets" },
		{ "[", 60000, -E2BIG, "too many brackets" },
		{ "[\n", 500000, -E2BIG, "too much on lines" },
		{ "[a,", 60000, -E2BIG, "too much on lines that start with a bracket" },
		{ "[: : : : : : : :]\n", 50000, -E2BIG, "too much on lines that start with a bracket" },
		{ "  {a, \"b\", 'c'}\n", 50000, -E2BIG, "too much on lines that start with a bracket" },
		{ "a,", 500000, -E2BIG, "the line is too long" },
		{ "- a\n", 200000, -E2BIG, "too many values" },
		{ "---\n", 2000, -E2BIG, "too many documents" },
		{ "--- a\n", 2000, -E2BIG, "too many documents" },
		{ "- &a [*a, *a, *a]\n", 30000, -EINVAL, "anchors are not allowed" },
		{ "\"", 60000, -EINVAL, "this is not YAML" },
		{ "!!", 30000, -EINVAL, "tags are not allowed" },
		{ "|\n", 300000, -EINVAL, "this is not YAML" },
		{ "%TAG ! x\n", 50000, -EINVAL, "this is not YAML" },
		{ "\n", 1000000, 0, NULL },
		{ "# comment\n", 100000, 0, NULL },
	};
	struct text t;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		repeat(begin(&t), cases[i].unit, cases[i].n);
		expect(&t, cases[i].error, cases[i].message);
	}
}

static void test_depth_bounded(void **state)
{
	struct text t;

	(void)state;
	/* The document's mapping is one level. */
	repeat(begin(&t), NOISE, 1);
	repeat(&t, "[", POLICY_DEPTH_MAX - 1);
	repeat(&t, "]", POLICY_DEPTH_MAX - 1);
	expect(&t, 0, NULL);
	repeat(begin(&t), NOISE, 1);
	repeat(&t, "[", POLICY_DEPTH_MAX);
	repeat(&t, "]", POLICY_DEPTH_MAX);
	expect(&t, -E2BIG, "nested too deep");
}

static void test_file_size_bounded(void **state)
{
	struct text t;

	(void)state;
	repeat(begin(&t), "\n", POLICY_FILE_BYTES_MAX);
	expect(&t, 0, NULL);
	repeat(begin(&t), "\n", POLICY_FILE_BYTES_MAX + 1);
	expect(&t, -EFBIG, "the file is larger than 1048576 bytes; split it");
}

static void test_documents_and_policies_bounded(void **state)
{
	struct text t;

	(void)state;
	begin(&t);
	for (size_t i = 0; i < POLICY_DOCUMENTS_MAX; i++)
		fprintf(t.stream, "---\n" POLICY_NAMED, i);
	expect(&t, 0, NULL);
	begin(&t);
	for (size_t i = 0; i <= POLICY_DOCUMENTS_MAX; i++)
		fprintf(t.stream, "---\n" POLICY_NAMED, i);
	expect(&t, -E2BIG, "too many documents");
}

static void print_list(FILE *stream, size_t n)
{
	fputs("apiVersion: v1\nkind: List\nitems:\n", stream);
	for (size_t i = 0; i < n; i++)
		fprintf(stream,
			"- apiVersion: holdfast.dev/v1alpha1\n  kind: ClusterDriftPolicy\n  metadata: {name: a%zu}\n"
			"  spec: {mode: audit}\n",
			i);
}

static void test_policies_of_a_set_bounded(void **state)
{
	struct text t;

	(void)state;
	print_list(begin(&t)->stream, POLICY_POLICIES_MAX);
	expect(&t, 0, NULL);
	print_list(begin(&t)->stream, POLICY_POLICIES_MAX + 1);
	expect(&t, -E2BIG, "more than 4096 policies");
}

/* @head, then @n times @unit with a number in it, then @tail. */
static void expect_list(const char *head, const char *unit, size_t n, const char *tail, int want, const char *message)
{
	struct text t;

	repeat(begin(&t), SPEC, 1);
	repeat(&t, head, 1);
	for (size_t i = 0; i < n; i++) {
		repeat(&t, unit, 1);
		fprintf(t.stream, "%zu%s", i, tail);
	}
	expect(&t, want, message);
}

static void test_lists_bounded(void **state)
{
	static const struct {
		const char *head, *unit, *tail;
		size_t max;
		const char *message;
	} cases[] = {
		{ "  exceptions:\n", "  - {paths: [/a], name: a", "}\n", POLICY_EXCEPTIONS_MAX, "65 entries, more than 64" },
		{ "  exceptions:\n  - name: a\n    paths:\n", "    - /a", "\n", POLICY_PATHS_MAX, "33 entries, more than 32" },
		{ "  exceptions:\n  - name: a\n    paths: [/a]\n    fromProcess:\n", "    - /a", "\n", POLICY_PATHS_MAX,
		  "33 entries, more than 32" },
		{ "  volumes:\n    allow:\n", "    - path: /a", "\n", POLICY_VOLUMES_MAX, "33 entries, more than 32" },
		{ "  selector:\n    matchLabels:\n", "      a", ": b\n", POLICY_SELECTOR_TERMS_MAX,
		  "65 label terms, more than 64" },
		{ "  selector:\n    images:\n", "    - a", "\n", POLICY_SELECTOR_TERMS_MAX, "65 entries, more than 64" },
		{ "  selector:\n    matchExpressions:\n    - key: a\n      operator: In\n      values:\n", "      - a", "\n",
		  POLICY_SELECTOR_TERMS_MAX, "65 entries, more than 64" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_list(cases[i].head, cases[i].unit, cases[i].max, cases[i].tail, 0, NULL);
		expect_list(cases[i].head, cases[i].unit, cases[i].max + 1, cases[i].tail, -EINVAL, cases[i].message);
	}
}

static void expect_word(const char *head, size_t n, const char *tail, int want, const char *message)
{
	struct text t;

	repeat(begin(&t), head, 1);
	repeat(&t, "a", n);
	repeat(&t, tail, 1);
	expect(&t, want, message);
}

static void test_words_bounded(void **state)
{
#define API "apiVersion: holdfast.dev/v1alpha1\n"
	static const struct {
		const char *head, *tail;
		size_t max;
		const char *message;
	} cases[] = {
		{ SPEC "  exceptions: [{name: a, paths: [/", "]}]\n", POLICY_PATTERN_MAX - 1, "longer than 255 bytes" },
		{ SPEC "  exceptions: [{name: a, paths: [/a], reason: ", "}]\n", POLICY_REASON_MAX, "longer than 512 bytes" },
		{ SPEC "  exceptions: [{paths: [/a], name: ", "}]\n", 63, "longer than 63 bytes" },
		{ SPEC "  selector: {images: [", "]}\n", POLICY_PATTERN_MAX, "longer than 255 bytes" },
		{ SPEC "  selector: {matchLabels: {a: ", "}}\n", 63, "longer than 63 bytes" },
		{ SPEC "  selector: {matchLabels: {", ": a}}\n", 317, "the key is too long" },
		{ SPEC "  volumes: {allow: [{path: /", "}]}\n", POLICY_PATTERN_MAX - 1, "longer than 255 bytes" },
		{ API "kind: ClusterDriftPolicy\nspec: {mode: off}\nmetadata: {name: ", "}\n", 253, "longer than 253 bytes" },
		{ API "kind: DriftPolicy\nspec: {mode: off}\nmetadata: {name: a, namespace: ", "}\n", 63,
		  "longer than 63 bytes" },
	};
#undef API

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect_word(cases[i].head, cases[i].max, cases[i].tail, 0, NULL);
		expect_word(cases[i].head, cases[i].max + 1, cases[i].tail, -EINVAL, cases[i].message);
	}
}

static void test_keys_of_a_mapping_bounded(void **state)
{
	struct text t;

	(void)state;
	begin(&t);
	for (size_t i = 0; i < 20000; i++)
		fprintf(t.stream, "a%zu: b\n", i);
	expect(&t, -E2BIG, "too many keys in one mapping");
}

static void test_message_with_a_huge_word_cut(void **state)
{
	struct policy_set *set = NULL;
	struct policy_error err;
	struct text t;

	(void)state;
	repeat(begin(&t), SPEC "  ", 1);
	repeat(&t, "\xc3\xa9", 20000);
	repeat(&t, ": a\n", 1);
	assert_int_equal(fclose(t.stream), 0);
	assert_int_equal(policy_set_parse("t.yaml", t.bytes, t.len, &set, &err), -EINVAL);
	assert_non_null(strstr(err.message, "unknown key"));
	assert_non_null(strstr(err.message, "it takes mode"));
	assert_null(strchr(err.message, '?'));
	free(t.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repetitions_refused_in_time),
		cmocka_unit_test(test_depth_bounded),
		cmocka_unit_test(test_file_size_bounded),
		cmocka_unit_test(test_documents_and_policies_bounded),
		cmocka_unit_test(test_policies_of_a_set_bounded),
		cmocka_unit_test(test_lists_bounded),
		cmocka_unit_test(test_words_bounded),
		cmocka_unit_test(test_keys_of_a_mapping_bounded),
		cmocka_unit_test(test_message_with_a_huge_word_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
