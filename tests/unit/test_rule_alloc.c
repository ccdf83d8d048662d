// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the rules' language fails once: each constructor must then answer -ENOMEM, leave its output alone and
 * leak nothing. libfyaml's own allocations are not part of it.
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

#include <cmocka.h>

#include "tests/unit/failing_arena.h"

#include "policies/rules/parse.h"
#include "policies/rules/pattern.h"
#include "policies/rules/regex.h"
#include "policies/rules/rule_set.h"

/* More allocations than any of these constructors makes: a sweep that reaches it does not end. */
#define SWEEP_MAX 10000

static void *const untouched = (void *)(uintptr_t)1;

static int parse(struct policy_arena *arena, void **ret)
{
	static const char text[] = "not a.b[\"c d\"] in (a, 'b', \"\\x41\") and (concat(a.b, \"x\", (1, len(c.d)))[y] exists or m) "
				   "and a.b >= val(c.d) and a.b = oneof (x)";
	struct rule_syntax_error err = { 0 };
	struct rule_node *node = untouched;
	int r = rule_condition_parse(text, sizeof(text) - 1, RULE_DEPTH_MAX, arena, &node, &err);

	*ret = node;
	if (r == 0)
		return rule_condition_print(node, arena, NULL) ? 0 : -ENOMEM;
	assert_non_null(err.message);
	return r;
}

static int glob(struct policy_arena *arena, void **ret)
{
	static const char pattern[] = "*[a-c]?x*yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy*";
	struct rule_glob *compiled = untouched;
	int r = rule_glob_compile(pattern, sizeof(pattern) - 1, true, arena, &compiled);

	*ret = compiled;
	return r;
}

static int paths(struct policy_arena *arena, void **ret)
{
	static const struct rule_text texts[] = { { "/a/b", 4 }, { "/a/*/c", 6 }, { "/", 1 } };
	struct rule_paths *compiled = untouched;
	int r = rule_paths_compile(texts, 3, arena, &compiled);

	*ret = compiled;
	return r;
}

static int regex(struct policy_arena *arena, void **ret)
{
	static const char pattern[] = "^([a-z]+|x{2,3})*[^[:digit:]]?$";
	struct rule_regex_room room = RULE_REGEX_ROOM;
	struct rule_regex *compiled = untouched;
	const char *error = NULL;
	int r = rule_regex_compile(pattern, sizeof(pattern) - 1, arena, &room, &compiled, &error);

	*ret = compiled;
	return r;
}

static int load(struct policy_arena *arena, void **ret)
{
	static const char text[] =
		"- list: l\n  items: [a, 'b c']\n- macro: m\n  condition: proc.name in (l) and fd.name glob '/a*'\n"
		"- rule: r\n  desc: d\n  condition: evt.type=open and m\n  output: \"%proc.name %tolower(fd.name)\"\n  priority: INFO\n"
		"  tags: [t]\n  exceptions:\n    - name: e\n      fields: [proc.name, fd.name]\n      comps: [=, startswith]\n"
		"      values:\n        - [x, /y]\n";
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct rule_loader *loader = NULL;
	struct rule_set *set = untouched;
	int r = rule_loader_new(&options, &loader);

	(void)arena;
	if (r == 0)
		r = rule_loader_add_text(loader, "t.yaml", text, sizeof(text) - 1, NULL);
	if (r == 0)
		r = rule_loader_take_set(loader, &set);
	*ret = set;
	if (r == 0)
		rule_set_free(&set);
	rule_loader_free(&loader);
	return r;
}

static void sweep(int (*construct)(struct policy_arena *arena, void **ret))
{
	size_t failures = 0;

	for (fail_at = 1; fail_at < SWEEP_MAX; fail_at++) {
		struct policy_arena *arena = NULL;
		void *ret = NULL;
		int r = -ENOMEM;

		allocations = 0;
		if (policy_arena_new(&arena) == 0)
			r = construct(arena, &ret);
		else
			ret = untouched;
		policy_arena_free(&arena);
		if (r == 0) {
			/* One attempt later than the last allocation. */
			assert_int_equal(fail_at, allocations + 1);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_true(ret == untouched || construct == parse);
		failures++;
	}
	fail_at = 0;
	assert_true(failures > 3 && failures < SWEEP_MAX - 1);
}

static void test_condition_without_memory_refused(void **state)
{
	(void)state;
	sweep(parse);
}

static void test_patterns_without_memory_refused(void **state)
{
	(void)state;
	sweep(glob);
	sweep(paths);
	sweep(regex);
}

static void test_rules_without_memory_refused(void **state)
{
	(void)state;
	sweep(load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_condition_without_memory_refused),
		cmocka_unit_test(test_patterns_without_memory_refused),
		cmocka_unit_test(test_rules_without_memory_refused),
	};

	return cmocka_run_group_tests_name("rule_alloc", tests, NULL, NULL);
}
