// SPDX-License-Identifier: Apache-2.0
/* Rules to actions and entries: tables of modes and rules, and what an exception becomes. */
#include "enforcer/policy_compile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bpf-lsm/decide.h"
#include "enforcer/util.h"
#include "tests/unit/policy_compile_fixture.h"

static const struct policy_clock epoch = { 0, 0 };


/* Which rule decides which cell. Gained setuid is told even where changed metadata is allowed. */
static void test_each_rule_reaches_its_cells(void **state)
{
	static const enum hf_action action_of[] = { [ALLOW] = HF_ACTION_ALLOW,
						    [AUDIT] = HF_ACTION_AUDIT,
						    [DENY] = HF_ACTION_DENY };

	(void)state;
	for (enum policy_action rule = ALLOW; rule <= DENY; rule++) {
		struct policy_effective e = make_strict();
		struct hf_policy p;

		e.anonymous_exec = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_ANONYMOUS_CODE], action_of[rule]);
		assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_ANONYMOUS_CODE], action_of[rule]);
		e = make_strict();
		e.modified_code = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_MODIFIED_CODE], action_of[rule]);
		assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_MODIFIED_CODE], action_of[rule]);
		e = make_strict();
		e.memfd_exec = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_MEMFD], action_of[rule]);
		assert_int_equal(p.memfd_map, HF_ACTION_DENY);
		e = make_strict();
		e.memfd_map = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.memfd_map, action_of[rule]);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_MEMFD], HF_ACTION_DENY);
		e = make_strict();
		e.ptrace = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_PTRACE], action_of[rule]);
		assert_int_equal(p.ptrace_descendant, rule == DENY ? HF_ACTION_DENY : HF_ACTION_ALLOW);
		e = make_strict();
		e.volume_read_only = rule;
		assert_int_equal(compile(&e, POLICY_MODE_ENFORCE).volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY], action_of[rule]);
		e = make_strict();
		e.volume_writable = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE], action_of[rule]);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_VOLUME], action_of[rule]);
		e = make_strict();
		e.volume_init = rule;
		assert_int_equal(compile(&e, POLICY_MODE_ENFORCE).volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT], action_of[rule]);
		e = make_strict();
		e.modified_metadata = rule;
		p = compile(&e, POLICY_MODE_ENFORCE);
		assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_METADATA],
				 rule == ALLOW ? HF_ACTION_AUDIT : action_of[rule]);
		assert_int_equal(p.modified_metadata[HF_CLASS_EXECUTABLE], action_of[rule]);
		assert_int_equal(p.modified_metadata[HF_CLASS_LIBRARY], action_of[rule]);
	}
}

static void test_metadata_is_silent_where_mode_is_off(void **state)
{
	struct policy_effective e = make_strict();
	struct hf_policy p;

	(void)state;
	e.modified_metadata = ALLOW;
	e.executables_mode = POLICY_MODE_OFF;
	p = compile(&e, POLICY_MODE_ENFORCE);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_METADATA], HF_ACTION_ALLOW);
	assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_METADATA], HF_ACTION_AUDIT);
}

/* A field that is forgotten would be allowed in the kernel half, whatever was compiled. */
static void test_publishing_forgets_no_field(void **state)
{
	const size_t gaps = offsetof(struct hf_policy, valid) - offsetof(struct hf_policy, ptrace_descendant) - 1 +
			    sizeof(((struct hf_policy *)NULL)->pad);
	struct hf_policy policy, slot = { 0 };
	size_t missing = 0;

	(void)state;
	memset(&policy, 0xa5, sizeof(policy));
	policy_publish(&slot, &policy);
	for (size_t i = 0; i < sizeof(slot); i++)
		missing += ((const unsigned char *)&slot)[i] == 0;
	assert_int_equal(missing, gaps);
}

/* The language's defaults, through its own parser: what a user gets who writes `mode` alone. */
static void test_defaults_of_language_are_as_documented(void **state)
{
	static const char text[] = "apiVersion: " POLICY_API_VERSION "\nkind: ClusterDriftPolicy\n"
				   "metadata: {name: a}\nspec: {mode: enforce}\n";
	struct policy_facts facts = { 0 };
	struct policy_effective *effective = NULL;
	struct policy_set *set = NULL;
	struct hf_policy p;

	(void)state;
	assert_int_equal(policy_set_parse("a", text, strlen(text), &set, NULL), 0);
	assert_int_equal(policy_set_resolve(set, &facts, &effective), 0);
	p = compile(effective, POLICY_MODE_ENFORCE);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_ADDED], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_ADDED], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_SCRIPT], HF_ACTION_AUDIT);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_MEMFD], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_ANONYMOUS_CODE], HF_ACTION_ALLOW);
	assert_int_equal(p.action[HF_CLASS_LIBRARY][HF_REASON_MODIFIED_CODE], HF_ACTION_DENY);
	assert_int_equal(p.memfd_map, HF_ACTION_ALLOW);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_PERSONALITY], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_PROCESS_MEMORY], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_PTRACE], HF_ACTION_AUDIT);
	assert_int_equal(p.ptrace_descendant, HF_ACTION_ALLOW);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_KERNEL_ACCESS], HF_ACTION_DENY);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_HOST_EXEC], HF_ACTION_AUDIT);
	assert_int_equal(p.action[HF_CLASS_EXECUTABLE][HF_REASON_KERNEL_HELPER], HF_ACTION_DENY);
	assert_int_equal(p.unsettled[HF_CLASS_EXECUTABLE], HF_ACTION_DENY);
	assert_int_equal(p.copies[HF_CLASS_EXECUTABLE], HF_ACTION_DENY);
	assert_int_equal(p.bytecode, HF_ACTION_ALLOW);
	assert_int_equal(p.all_script_files, 0);
	assert_int_equal(p.volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY], HF_ACTION_ALLOW);
	assert_int_equal(p.volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE], HF_ACTION_DENY);
	assert_int_equal(p.volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT], HF_ACTION_ALLOW);
	policy_effective_free(&effective);
	policy_set_free(&set);
}

/* Through the kernel half's own decision: dropped file, and its negative twin. */
static void test_decide_obeys_compiled_policy(void **state)
{
	struct hf_facts added = { .op = HF_OP_EXEC, .subject = HF_SUBJECT_CONTAINER, .volume = _HF_VOLUME_MAX,
				  .bits = HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_UPPER_DATA };
	struct hf_facts original = added;
	struct policy_effective e = make_strict();
	struct hf_policy p = compile(&e, POLICY_MODE_ENFORCE);

	(void)state;
	original.bits = HF_FACT_ROOT_WORLD | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER | HF_FACT_HIT;
	assert_int_equal(decide(&added, &p, 0).verdict, HF_VERDICT_DENY);
	assert_int_equal(decide(&original, &p, 0).verdict, HF_VERDICT_ALLOW);
	p = compile(&e, POLICY_MODE_AUDIT);
	assert_int_equal(decide(&added, &p, 0).verdict, HF_VERDICT_AUDIT);
	policy_compile_canary(&p);
	assert_int_equal(decide(&added, &p, 0).verdict, HF_VERDICT_DENY);
	assert_int_equal(decide(&original, &p, 0).verdict, HF_VERDICT_ALLOW);
}

static void test_own_slots_say_one_thing_to_all_reasons(void **state)
{
	struct hf_policy p = { 0 };

	(void)state;
	policy_compile_unknown(&p, POLICY_MODE_AUDIT);
	check_all(&p, HF_ACTION_AUDIT);
	assert_int_equal(p.valid, 1);
	policy_compile_unknown(&p, POLICY_MODE_ENFORCE);
	check_all(&p, HF_ACTION_DENY);
	policy_compile_unknown(&p, POLICY_MODE_OFF);
	check_all(&p, HF_ACTION_ALLOW);
	policy_compile_canary(&p);
	check_all(&p, HF_ACTION_DENY);
	assert_int_equal(p.exceptions_count, 0);
}

static void test_publish_copies_whole_policy(void **state)
{
	struct hf_policy slot, policy;

	(void)state;
	/* A pattern in every byte, padding included, shows what is not copied. */
	memset(&slot, 0x55, sizeof(slot));
	memset(&policy, 0x55, sizeof(policy));
	policy_compile_canary(&policy);
	policy.generation = 3;
	policy.exceptions_first = 4;
	policy.exceptions_count = 5;
	policy_publish(&slot, &policy);
	assert_memory_equal(&slot, &policy, sizeof(slot));
	assert_int_equal(slot.valid, 1);
}

static const char *const java[] = { "/usr/bin/java", "/opt/*/bin/java" };
static const char *const jna[] = { "/tmp/jna-*/*.so", "/tmp/**/libjna.so" };

static void test_exception_becomes_path_times_process(void **state)
{
	const struct policy_exception exceptions[] = {
		{ .name = "one", .paths = (const char *[]){ "/tmp/x" }, .n_paths = 1 },
		{ .name = "jna", .paths = jna, .n_paths = 2, .from = java, .n_from = 2 },
	};
	static const struct {
		uint32_t index;
		const char *path, *process;
	} expected[] = {
		{ 0, "x/tmp/", "" },
		{ 1, "\1.so/jna-\1/tmp/", "java/bin/usr/" },
		{ 1, "\1.so/jna-\1/tmp/", "java/bin/\1/opt/" },
		{ 1, "libjna.so/\2/tmp/", "java/bin/usr/" },
		{ 1, "libjna.so/tmp/", "java/bin/usr/" },
		{ 1, "libjna.so/\2/tmp/", "java/bin/\1/opt/" },
		{ 1, "libjna.so/tmp/", "java/bin/\1/opt/" },
	};
	struct policy_effective e = make_strict();
	struct policy_compiled compiled;

	(void)state;
	e.exceptions = exceptions;
	e.n_exceptions = ARRAY_SIZE(exceptions);
	assert_int_equal(policy_compile(&e, POLICY_MODE_ENFORCE, &epoch, &compiled, NULL), 0);
	assert_int_equal(compiled.n_exceptions, ARRAY_SIZE(expected));
	assert_int_equal(compiled.policy.exceptions_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct hf_exception *entry = &compiled.exceptions[i];

		assert_int_equal(entry->index, expected[i].index);
		assert_int_equal(entry->expires_ns, 0);
		assert_int_equal(entry->path_bytes, strlen(expected[i].path));
		assert_string_equal(entry->path, expected[i].path);
		assert_int_equal(entry->process_bytes, strlen(expected[i].process));
		assert_string_equal(entry->process, expected[i].process);
	}
	policy_compiled_release(&compiled);
	policy_compiled_release(&compiled);
}

static void test_classes_of_path_and_process_share_entry(void **state)
{
	const char *paths[] = { "/[ab][cd]" }, *from[] = { "/[cd][ef]" };
	const struct policy_exception exception = { .name = "c", .paths = paths, .n_paths = 1, .from = from, .n_from = 1 };
	struct policy_effective e = make_strict();
	struct policy_compiled compiled;

	(void)state;
	e.exceptions = &exception;
	e.n_exceptions = 1;
	assert_int_equal(policy_compile(&e, POLICY_MODE_ENFORCE, &epoch, &compiled, NULL), 0);
	assert_int_equal(compiled.n_exceptions, 1);
	assert_memory_equal(compiled.exceptions[0].path, "\4\1\4\2/", 5);
	assert_memory_equal(compiled.exceptions[0].process, "\4\2\4\3/", 5);
	assert_int_equal(compiled.exceptions[0].classes[1]['c' / 8] >> ('c' % 8) & 1, 1);
	assert_int_equal(compiled.exceptions[0].classes[1]['e' / 8] >> ('e' % 8) & 1, 0);
	policy_compiled_release(&compiled);
}

static void test_expiry_moves_to_boot_clock(void **state)
{
	/* Booted 1,000 s after the epoch and up for 500 s: it is 1,500. */
	const struct policy_clock clock = { -1000 * (int64_t)NSEC_PER_SEC, 500 * NSEC_PER_SEC };
	static const struct {
		time_t expires;
		size_t n;
		uint64_t expires_ns;
	} rows[] = {
		{ 0, 1, 0 },
		{ 1501, 1, 501 * NSEC_PER_SEC },
		{ 4000, 1, 3000 * NSEC_PER_SEC },
		{ 1500, 0, 0 },
		{ 1000, 0, 0 },
		{ 1, 0, 0 },
		{ -5, 0, 0 },
		{ 253402300799, 1, 0 }, /* the year 9999 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy_exception exception = { .name = "e", .paths = jna, .n_paths = 1,
							    .expires = rows[i].expires };
		struct policy_effective e = make_strict();
		struct policy_compiled compiled;

		e.exceptions = &exception;
		e.n_exceptions = 1;
		assert_int_equal(policy_compile(&e, POLICY_MODE_ENFORCE, &clock, &compiled, NULL), 0);
		assert_int_equal(compiled.n_exceptions, rows[i].n);
		if (rows[i].n)
			assert_true(compiled.exceptions[0].expires_ns == rows[i].expires_ns);
		policy_compiled_release(&compiled);
	}
}

static void test_equal_rules_compile_to_equal_bytes(void **state)
{
	const struct policy_exception exceptions[] = {
		{ .name = "jna", .paths = jna, .n_paths = 2, .from = java, .n_from = 2, .expires = 5000 },
	};
	struct policy_effective e = make_strict();
	struct policy_compiled a, b;

	(void)state;
	e.exceptions = exceptions;
	e.n_exceptions = 1;
	assert_int_equal(policy_compile(&e, POLICY_MODE_ENFORCE, &epoch, &a, NULL), 0);
	assert_int_equal(policy_compile(&e, POLICY_MODE_ENFORCE, &epoch, &b, NULL), 0);
	assert_memory_equal(&a.policy, &b.policy, sizeof(a.policy));
	assert_memory_equal(a.exceptions, b.exceptions, a.n_exceptions * sizeof(*a.exceptions));
	policy_compiled_release(&a);
	policy_compiled_release(&b);
}

static void test_pattern_that_does_not_fit_is_named(void **state)
{
	const char *classes[] = { "/[0][1][2][3][4]" }, *from[] = { "/[5][6][7][8]" };
	const char *stars[] = { "/ok", "/**/a/**/a/**/a/**/a/**/a" };
	const struct policy_exception bad[] = {
		{ .name = "classy", .paths = classes, .n_paths = 1, .from = from, .n_from = 1 },
		{ .name = "starry", .paths = stars, .n_paths = 2, .expires = 1 },
	};
	char error[POLICY_COMPILE_ERROR_BYTES] = "";

	(void)state;
	assert_int_equal(policy_compile_check(&bad[0], 1, error), -EINVAL);
	assert_non_null(strstr(error, "\"classy\""));
	assert_non_null(strstr(error, from[0]));
	/* Looked at although it has expired: it would come back with the next edit. */
	assert_int_equal(policy_compile_check(&bad[1], 1, error), -EINVAL);
	assert_non_null(strstr(error, "\"starry\""));
	assert_non_null(strstr(error, stars[1]));
	assert_int_equal(policy_compile_check(&bad[1], 1, NULL), -EINVAL);
	/* Negative twin: the same without the fourth class of the process. */
	from[0] = "/[5][6][7]";
	assert_int_equal(policy_compile_check(&bad[0], 1, error), 0);
	assert_int_equal(policy_compile_check(NULL, 0, error), 0);
}

static void test_entries_of_a_policy_are_bounded(void **state)
{
	const char *paths[POLICY_PATHS_MAX], *from[POLICY_PATHS_MAX];
	struct policy_exception exceptions[3];
	char error[POLICY_COMPILE_ERROR_BYTES] = "";

	(void)state;
	for (size_t i = 0; i < POLICY_PATHS_MAX; i++)
		paths[i] = from[i] = "/x";
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
		exceptions[i] = (struct policy_exception){ .name = i == 2 ? "last" : "e", .paths = paths,
							   .n_paths = POLICY_PATHS_MAX, .from = from,
							   .n_from = POLICY_PATHS_MAX };
	assert_int_equal(POLICY_PATHS_MAX * POLICY_PATHS_MAX * 2, POLICY_COMPILE_ENTRIES_MAX);
	assert_int_equal(policy_compile_check(exceptions, 2, error), 0);
	assert_int_equal(policy_compile_check(exceptions, 3, error), -EINVAL);
	assert_non_null(strstr(error, "\"last\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_rule_reaches_its_cells),
		cmocka_unit_test(test_metadata_is_silent_where_mode_is_off),
		cmocka_unit_test(test_publishing_forgets_no_field),
		cmocka_unit_test(test_defaults_of_language_are_as_documented),
		cmocka_unit_test(test_decide_obeys_compiled_policy),
		cmocka_unit_test(test_own_slots_say_one_thing_to_all_reasons),
		cmocka_unit_test(test_publish_copies_whole_policy),
		cmocka_unit_test(test_exception_becomes_path_times_process),
		cmocka_unit_test(test_classes_of_path_and_process_share_entry),
		cmocka_unit_test(test_expiry_moves_to_boot_clock),
		cmocka_unit_test(test_equal_rules_compile_to_equal_bytes),
		cmocka_unit_test(test_pattern_that_does_not_fit_is_named),
		cmocka_unit_test(test_entries_of_a_policy_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
