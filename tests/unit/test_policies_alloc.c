// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the library fails once: each constructor must then answer -ENOMEM, leave its output alone and
 * leak nothing (LeakSanitizer looks). libfyaml's own allocations are not part of it: it asserts on them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/failing_arena.h"

#include "policies/policies.h"

/* More allocations than any of these constructors makes: a sweep that reaches it does not end. */
#define SWEEP_MAX 10000

static const char text[] =
	"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n"
	"    apiVersion: holdfast.dev/v1alpha1\n    kind: DriftPolicy\n    metadata: {name: a, namespace: b, labels: {x: y}}\n"
	"    spec:\n      mode: enforce\n"
	"      selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d]}], images: ['*']}\n"
	"      volumes: {allow: [{path: /a}]}\n"
	"      exceptions: [{name: a, paths: [/a, /b], fromProcess: [/c], expires: 2027-01-01, reason: why}]\n"
	"---\napiVersion: v1\nkind: List\nitems:\n"
	"- apiVersion: holdfast.dev/v1alpha1\n  kind: ClusterDriftPolicy\n  metadata: {name: a}\n  spec: {mode: audit}\n";

static void *const untouched = (void *)(uintptr_t)1;

static int parse(void **ret, struct policy_error *err)
{
	struct policy_set *set = untouched;
	int r = policy_set_parse("t.yaml", text, sizeof(text) - 1, &set, err);

	*ret = set;
	if (r == 0)
		policy_set_free(&set);
	return r;
}

static char folder[] = "/tmp/test_policies_alloc.XXXXXX";

static int load(void **ret, struct policy_error *err)
{
	const char *const paths[] = { folder };
	struct policy_set *set = untouched;
	int r = policy_set_load(paths, 1, &set, err);

	*ret = set;
	if (r == 0)
		policy_set_free(&set);
	return r;
}

static struct policy_set *resolve_set;

static int resolve(void **ret, struct policy_error *err)
{
	static const struct policy_pair labels[] = { { "a", "b" } };
	static const struct policy_pair annotations[] = { { "holdfast.dev/memfd-map", "deny" },
							  { "holdfast.dev/mode", "off" } };
	const struct policy_facts facts = { .namespace_ = "b", .labels = labels, .n_labels = 1,
					    .annotations = annotations, .n_annotations = 2 };
	struct policy_effective *effective = untouched;
	int r = policy_set_resolve(resolve_set, &facts, &effective);

	err->line = 0;
	*ret = effective;
	if (r == 0)
		policy_effective_free(&effective);
	return r;
}

static void sweep(int (*construct)(void **ret, struct policy_error *err))
{
	size_t failures = 0;

	for (fail_at = 1; fail_at < SWEEP_MAX; fail_at++) {
		struct policy_error err = { .line = -1 };
		void *ret = NULL;
		int r;

		allocations = 0;
		r = construct(&ret, &err);
		if (r == 0) {
			/* One attempt later than the last allocation. */
			assert_int_equal(fail_at, allocations + 1);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_ptr_equal(ret, untouched);
		assert_int_not_equal(err.line, -1);
		failures++;
	}
	fail_at = 0;
	assert_true(failures > 10 && failures < SWEEP_MAX - 1);
}

static void test_parse_without_memory_refused(void **state)
{
	(void)state;
	sweep(parse);
}

static void test_load_without_memory_refused(void **state)
{
	char path[sizeof(folder) + 16];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.yaml", folder);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
	assert_int_equal(fclose(file), 0);
	sweep(load);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void test_resolve_without_memory_refused(void **state)
{
	(void)state;
	assert_int_equal(policy_set_parse("t.yaml", text, sizeof(text) - 1, &resolve_set, NULL), 0);
	sweep(resolve);
	policy_set_free(&resolve_set);
}

static void test_arena_sizes_that_overflow_refused(void **state)
{
	struct policy_arena *arena = NULL;

	(void)state;
	assert_int_equal(policy_arena_new(&arena), 0);
	assert_null(policy_arena_alloc(arena, SIZE_MAX, 2));
	assert_null(policy_arena_alloc(arena, 1, SIZE_MAX));
	assert_non_null(policy_arena_alloc(arena, 0, 8));
	assert_non_null(policy_arena_alloc(arena, 1, 100000));
	policy_arena_free(&arena);
	assert_null(arena);
	policy_arena_free(&arena);
	policy_arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_without_memory_refused),
		cmocka_unit_test(test_load_without_memory_refused),
		cmocka_unit_test(test_resolve_without_memory_refused),
		cmocka_unit_test(test_arena_sizes_that_overflow_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
