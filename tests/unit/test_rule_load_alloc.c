// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the rule loader fails once: it must then answer -ENOMEM, give no set and leak nothing
 * (LeakSanitizer looks). libfyaml's own allocations are not part of it. The arena owns all of the library's memory: this
 * program puts a wrapper that fails on demand in its place; the linker then takes none from the library.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"

#define policy_arena_alloc real_alloc
#define policy_arena_new real_new
#include "policies/arena.c"
#undef policy_arena_alloc
#undef policy_arena_new

int policy_arena_new(struct policy_arena **ret);
void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size);

#include "policies/rules/rule_set.h"

int policy_arena_new(struct policy_arena **ret)
{
	return should_fail() ? -ENOMEM : real_new(ret);
}

void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size)
{
	return should_fail() ? NULL : real_alloc(arena, n, size);
}

/* More allocations than this text takes: a sweep that reaches it does not end. */
#define SWEEP_MAX 20000

static const char text[] =
	"- required_engine_version: 0.57.0\n"
	"- required_plugin_versions:\n  - {name: container, version: 0.4.0, alternatives: [{name: other, version: 1.0.0}]}\n"
	"- list: a\n  items: &i [x, y z]\n- list: b\n  items: [a, w]\n- list: a\n  items: *i\n  override: {items: append}\n"
	"- macro: m\n  condition: proc.name in (a, b)\n- macro: m\n  condition: or evt.dir = <\n  append: true\n"
	"- rule: r\n  desc: d\n  condition: evt.type = open and m\n  output: o %proc.name %container.info\n  priority: INFO\n"
	"  tags: [t, s]\n  unknown: 1\n  exceptions:\n  - {name: e, fields: [proc.name, proc.pid], values: [[fd.name, 1]]}\n"
	"- rule: r\n  tags: [u]\n  exceptions: [{name: e, values: [[v, 2]]}]\n  override: {tags: append, exceptions: append}\n"
	"- rule: r\n  desc: e\n  output: p\n  override: {desc: replace, output: append}\n"
	"- rule: s\n  desc: d\n  condition: proc.nobody = 1\n  output: o\n  priority: INFO\n  skip-if-unknown-filter: true\n"
	"- rule: r\n  enabled: false\n";

static int load(struct rule_set **ret)
{
	const struct rule_options options = { .priority_max = RULE_PRIORITY_DEBUG, .suggested = true };
	struct rule_loader *loader = NULL;
	const char *message;
	int r = rule_loader_new(&options, &loader);

	if (r == 0)
		r = rule_loader_add_text(loader, "t.yaml", text, sizeof(text) - 1, NULL);
	if (r == 0)
		r = rule_loader_check_plugins(loader, &message);
	if (r == 0)
		r = rule_loader_take_set(loader, ret);
	rule_loader_free(&loader);
	return r;
}

static void test_every_failed_allocation_is_enomem(void **state)
{
	struct rule_set *set = NULL;

	(void)state;
	for (fail_at = 1; fail_at < SWEEP_MAX; fail_at++) {
		int r;

		allocations = 0;
		r = load(&set);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(set);
	}
	/* One attempt later than the last allocation. */
	assert_int_equal(fail_at, allocations + 1);
	assert_int_equal(set->n_rules, 1);
	rule_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failed_allocation_is_enomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
