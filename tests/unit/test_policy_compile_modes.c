// SPDX-License-Identifier: Apache-2.0
/* Which mode governs which cell of a compiled policy. */
#include <errno.h>
#include <stdbool.h>

#include "enforcer/util.h"
#include "tests/unit/policy_compile_fixture.h"

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
	{ CELL(SCRIPT, SCRIPT), SCRIPTS },
	{ CELL(SCRIPT, ADDED), SCRIPTS },
	{ CELL(SCRIPT, VOLUME), SCRIPTS },
	{ CELL(SCRIPT, UNDECIDABLE), SCRIPTS },
	{ CELL(EXECUTABLE, PERSONALITY), MAIN },
	{ CELL(EXECUTABLE, PROCESS_MEMORY), MAIN },
	{ CELL(EXECUTABLE, PTRACE), MAIN },
	{ CELL(LIBRARY, PTRACE), MAIN },
	{ CELL(EXECUTABLE, KERNEL_ACCESS), MAIN },
	{ CELL(EXECUTABLE, TAMPERING), MAIN },
	{ CELL(EXECUTABLE, IMAGE_WRITE), MAIN },
	{ CELL(EXECUTABLE, HOST_EXEC), MAIN },
	{ CELL(EXECUTABLE, KERNEL_HELPER), MAIN },
	{ offsetof(struct hf_policy, volume[HF_CLASS_SCRIPT][HF_VOLUME_READ_ONLY]), SCRIPTS },
	{ offsetof(struct hf_policy, modified_metadata[HF_CLASS_SCRIPT]), SCRIPTS },
	{ offsetof(struct hf_policy, unsettled[HF_CLASS_EXECUTABLE]), EXECUTABLES },
	{ offsetof(struct hf_policy, unsettled[HF_CLASS_LIBRARY]), LIBRARIES },
	{ offsetof(struct hf_policy, copies[HF_CLASS_EXECUTABLE]), EXECUTABLES },
	{ offsetof(struct hf_policy, bytecode), SCRIPTS },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY]), EXECUTABLES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_LIBRARY][HF_VOLUME_READ_ONLY]), LIBRARIES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE]), EXECUTABLES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_LIBRARY][HF_VOLUME_WRITABLE]), LIBRARIES },
	{ offsetof(struct hf_policy, volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT]), EXECUTABLES },
	{ offsetof(struct hf_policy, memfd_map), MAIN },
	{ offsetof(struct hf_policy, read_implies_exec), MAIN },
	{ offsetof(struct hf_policy, ptrace_descendant), MAIN },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode_scales_every_cell),
		cmocka_unit_test(test_each_cell_follows_its_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
