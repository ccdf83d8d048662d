/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that deny everything, and the table they compile to. */
#ifndef TESTS_UNIT_POLICY_COMPILE_FIXTURE_H
#define TESTS_UNIT_POLICY_COMPILE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enforcer/policy_compile.h"

#define DENY POLICY_ACTION_DENY
#define AUDIT POLICY_ACTION_AUDIT
#define ALLOW POLICY_ACTION_ALLOW

/* Everything enforced and denied, so that each test changes only what it is about. */
static inline struct policy_effective make_strict(void)
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
		.unsettled = DENY,
		.copies = DENY,
		.bytecode = DENY,
		.read_implies_exec = DENY,
		.process_memory = DENY,
		.ptrace = DENY,
		.host_kernel = DENY,
		.host_image_store = DENY,
		.host_exec = DENY,
		.host_kernel_helpers = DENY,
		.volume_read_only = DENY,
		.volume_writable = DENY,
		.volume_init = DENY,
	};
}

static inline struct hf_policy compile(const struct policy_effective *effective, enum policy_mode cap)
{
	static const struct policy_clock epoch = { 0, 0 };
	struct policy_compiled compiled;

	assert_int_equal(policy_compile(effective, cap, &epoch, &compiled, NULL), 0);
	assert_int_equal(compiled.policy.valid, 1);
	policy_compiled_release(&compiled);
	return compiled.policy;
}

/* Each cell of the table but ORIGINAL, and the four beside it. */
static inline void check_all(const struct hf_policy *policy, enum hf_action expected)
{
	for (unsigned int c = 0; c < _HF_CLASS_MAX; c++) {
		assert_int_equal(policy->action[c][HF_REASON_ORIGINAL], HF_ACTION_ALLOW);
		for (unsigned int r = HF_REASON_ORIGINAL + 1; r < _HF_REASON_MAX; r++)
			assert_int_equal(policy->action[c][r], expected);
	}
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_READ_ONLY], expected);
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_WRITABLE], expected);
	assert_int_equal(policy->volume[HF_CLASS_EXECUTABLE][HF_VOLUME_INIT], expected);
	for (unsigned int c = 0; c < _HF_CLASS_MAX; c++) {
		assert_int_equal(policy->modified_metadata[c], expected);
		assert_int_equal(policy->unsettled[c], expected);
		assert_int_equal(policy->copies[c], expected);
	}
	assert_int_equal(policy->bytecode, expected);
	assert_int_equal(policy->memfd_map, expected);
	assert_int_equal(policy->modified_metadata[HF_CLASS_EXECUTABLE], expected);
	assert_int_equal(policy->modified_metadata[HF_CLASS_LIBRARY], expected);
}

#endif
