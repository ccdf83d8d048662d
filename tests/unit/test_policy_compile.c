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

#define DENY POLICY_ACTION_DENY
#define AUDIT POLICY_ACTION_AUDIT
#define ALLOW POLICY_ACTION_ALLOW

static const struct policy_clock epoch = { 0, 0 };

/* Everything enforced and denied, so that each test changes only what it is about. */
static struct policy_effective make_strict(void)
{
	return (struct policy_effective){
		.mode = POLICY_MODE_ENFORCE,
		.executables_mode = POLICY_MODE_ENFORCE,
		.libraries_mode = POLICY_MODE_ENFORCE,
		.scripts_mode = POLICY_MODE_ENFORCE,
		.modified_metadata = DENY,
		.anonymous_exec = DENY,
		.modified_code = DENY,
		.memfd_exec = DENY,
		.memfd_map = DENY,
		.volume_read_only = DENY,
		.volume_writable = DENY,
		.volume_init = DENY,
	};
}

static struct hf_policy compile(const struct policy_effective *effective, enum policy_mode cap)
{
	struct policy_compiled compiled;

	assert_int_equal(policy_compile(effective, cap, &epoch, &compiled, NULL), 0);
	assert_int_equal(compiled.policy.valid, 1);
	policy_compiled_release(&compiled);
	return compiled.policy;
}

/* Each cell of the table but ORIGINAL, and the four beside it. */
static void check_all(const struct hf_policy *policy, enum hf_action expected)
{
	for (unsigned int c = 0; c < _HF_CLASS_MAX; c++) {
		assert_int_equal(policy->action[c][HF_REASON_ORIGINAL], HF_ACTION_ALLOW);
		for (unsigned int r = HF_REASON_ORIGINAL + 1; r < _HF_REASON_MAX; r++)
			assert_int_equal(policy->action[c][r], expected);
	}
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY], expected);
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE], expected);
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT], expected);
	assert_int_equal(policy->memfd_map, expected);
	assert_int_equal(policy->modified_metadata[HF_CLASS_EXECUTABLE], expected);
	assert_int_equal(policy->modified_metadata[HF_CLASS_LIBRARY], expected);
}

static void set_modes(struct policy_effective *e, enum policy_mode mode)
{
	e->mode = e->executables_mode = e->libraries_mode = e->scripts_mode = mode;
}

static void test_mode_scales_every_cell(void **state)
{
	static const struct {
		enum policy_mode mode, cap;
		enum policy_violation violation;
		enum hf_action expected;
	} rows[] = {
		{ POLICY_MODE_ENFORCE, POLICY_MODE_ENFORCE, POLICY_VIOLATION_DENY, HF_ACTION_DENY },
		{ POLICY_MODE_ENFORCE, POLICY_MODE_ENFORCE, POLICY_VIOLATION_KILL, HF_ACTION_KILL },
		{ POLICY_MODE_ENFORCE, POLICY_MODE_AUDIT, POLICY_VIOLATION_DENY, HF_ACTION_AUDIT },
		{ POLICY_MODE_ENFORCE, POLICY_MODE_AUDIT, POLICY_VIOLATION_KILL, HF_ACTION_AUDIT },
		{ POLICY_MODE_AUDIT, POLICY_MODE_ENFORCE, POLICY_VIOLATION_KILL, HF_ACTION_AUDIT },
		{ POLICY_MODE_OFF, POLICY_MODE_ENFORCE, POLICY_VIOLATION_KILL, HF_ACTION_ALLOW },
		{ POLICY_MODE_OFF, POLICY_MODE_AUDIT, POLICY_VIOLATION_KILL, HF_ACTION_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_effective e = make_strict();
		struct hf_policy policy;

		set_modes(&e, rows[i].mode);
		e.action = rows[i].violation;
		policy = compile(&e, rows[i].cap);
		check_all(&policy, rows[i].expected);
	}
}

enum { MAIN, EXECUTABLES, LIBRARIES, SCRIPTS };

/* Which mode governs which cell. */
static const struct {
	size_t cell;
	unsigned int mode;
} cells[] = {
#define CELL(class_, reason) offsetof(struct hf_policy, action[HF_CLASS_##class_][HF_REASON_##reason])
	{ CELL(EXECUTABLE, ADDED), EXECUTABLES },
	{ CELL(EXECUTABLE, MODIFIED), EXECUTABLES },
	{ CELL(EXECUTABLE, METADATA), EXECUTABLES },
	{ CELL(EXECUTABLE, MEMFD), MAIN },
	{ CELL(EXECUTABLE, TMPFS), EXECUTABLES },
	{ CELL(EXECUTABLE, VOLUME), EXECUTABLES },
	{ CELL(EXECUTABLE, FOREIGN), EXECUTABLES },
	{ CELL(EXECUTABLE, DELETED), EXECUTABLES },
	{ CELL(EXECUTABLE, LIBRARY), EXECUTABLES },
	{ CELL(EXECUTABLE, ANONYMOUS_CODE), MAIN },
	{ CELL(EXECUTABLE, MODIFIED_CODE), MAIN },
	{ CELL(EXECUTABLE, SCRIPT), SCRIPTS },
	{ CELL(EXECUTABLE, HOST_MODIFIED), EXECUTABLES },
	{ CELL(EXECUTABLE, UNKNOWN_CONTAINER), EXECUTABLES },
	{ CELL(EXECUTABLE, UNDECIDABLE), EXECUTABLES },
	{ CELL(LIBRARY, ADDED), LIBRARIES },
	{ CELL(LIBRARY, MODIFIED), LIBRARIES },
	{ CELL(LIBRARY, METADATA), LIBRARIES },
	{ CELL(LIBRARY, MEMFD), MAIN },
	{ CELL(LIBRARY, TMPFS), LIBRARIES },
	{ CELL(LIBRARY, VOLUME), LIBRARIES },
	{ CELL(LIBRARY, FOREIGN), LIBRARIES },
	{ CELL(LIBRARY, DELETED), LIBRARIES },
	{ CELL(LIBRARY, LIBRARY), LIBRARIES },
	{ CELL(LIBRARY, ANONYMOUS_CODE), MAIN },
	{ CELL(LIBRARY, MODIFIED_CODE), MAIN },
	{ CELL(LIBRARY, SCRIPT), SCRIPTS },
	{ CELL(LIBRARY, HOST_MODIFIED), LIBRARIES },
	{ CELL(LIBRARY, UNDECIDABLE), LIBRARIES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY]), EXECUTABLES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_LIBRARY][HF_VOLUME_READ_ONLY]), LIBRARIES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE]), EXECUTABLES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_LIBRARY][HF_VOLUME_WRITABLE]), LIBRARIES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT]), EXECUTABLES },
	{ offsetof(struct hf_policy, memfd_map), MAIN },
	{ offsetof(struct hf_policy, read_implies_exec), MAIN },
	{ offsetof(struct hf_policy, modified_metadata[HF_CLASS_EXECUTABLE]), EXECUTABLES },
	{ offsetof(struct hf_policy, modified_metadata[HF_CLASS_LIBRARY]), LIBRARIES },
#undef CELL
};

/* The cell denies with that mode on enforce, and is reported with any other one. */
static void test_each_cell_follows_its_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		for (unsigned int enforced = 0; enforced < 4; enforced++) {
			struct policy_effective e = make_strict();
			enum policy_mode *modes[] = { &e.mode, &e.executables_mode, &e.libraries_mode, &e.scripts_mode };
			struct hf_policy policy;

			set_modes(&e, POLICY_MODE_AUDIT);
			*modes[enforced] = POLICY_MODE_ENFORCE;
			policy = compile(&e, POLICY_MODE_ENFORCE);
			assert_int_equal(((uint8_t *)&policy)[cells[i].cell],
					 enforced == cells[i].mode ? HF_ACTION_DENY : HF_ACTION_AUDIT);
		}
	}
}

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
		cmocka_unit_test(test_mode_scales_every_cell),
		cmocka_unit_test(test_each_cell_follows_its_mode),
		cmocka_unit_test(test_each_rule_reaches_its_cells),
		cmocka_unit_test(test_metadata_is_silent_where_mode_is_off),
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
