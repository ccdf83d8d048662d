// SPDX-License-Identifier: Apache-2.0
/*
 * Rules to the kernel half's table of actions. Contracts: policy_compile.h.
 *
 * Owns: which mode governs which reason. Must not know: slots, containers, files.
 *
 * I1: no cell is left to chance: the table starts as "deny" under the mode of its class and only named cells differ.
 * I2: under a cap or mode of audit no cell is stricter than HF_ACTION_AUDIT.
 */
#include "enforcer/policy_compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/exception_compile.h"
#include "enforcer/util.h"

/* What turns a rule into an action. */
struct rigour {
	enum policy_mode cap;
	enum policy_violation violation;
};

static uint8_t find_action(const struct rigour *rigour, enum policy_mode mode, enum policy_action rule)
{
	if (mode > rigour->cap)
		mode = rigour->cap;
	if (mode == POLICY_MODE_OFF || rule == POLICY_ACTION_ALLOW)
		return HF_ACTION_ALLOW;
	if (mode == POLICY_MODE_AUDIT || rule == POLICY_ACTION_AUDIT)
		return HF_ACTION_AUDIT;
	return rigour->violation == POLICY_VIOLATION_KILL ? HF_ACTION_KILL : HF_ACTION_DENY;
}

/* Some findings are told even where they may go on: an image's file that became setuid, an odd personality. */
static enum policy_action raise_to_audit(enum policy_action rule)
{
	return rule == POLICY_ACTION_ALLOW ? POLICY_ACTION_AUDIT : rule;
}

static void fill_class(uint8_t row[_HF_REASON_MAX], const struct policy_effective *e, const struct rigour *rigour,
		       enum policy_mode mode)
{
	for (unsigned int reason = 0; reason < _HF_REASON_MAX; reason++)
		row[reason] = find_action(rigour, mode, POLICY_ACTION_DENY);
	row[HF_REASON_ORIGINAL] = HF_ACTION_ALLOW;
	row[HF_REASON_METADATA] = find_action(rigour, mode, raise_to_audit(e->modified_metadata));
	row[HF_REASON_SCRIPT] = find_action(rigour, e->scripts_mode, POLICY_ACTION_DENY);
	row[HF_REASON_ANONYMOUS_CODE] = find_action(rigour, e->mode, e->anonymous_exec);
	row[HF_REASON_MODIFIED_CODE] = find_action(rigour, e->mode, e->modified_code);
	row[HF_REASON_PERSONALITY] = find_action(rigour, e->mode, e->read_implies_exec);
	row[HF_REASON_PROCESS_MEMORY] = find_action(rigour, e->mode, e->process_memory);
	row[HF_REASON_PTRACE] = find_action(rigour, e->mode, e->ptrace);
	row[HF_REASON_KERNEL_ACCESS] = find_action(rigour, e->mode, e->host_kernel);
	row[HF_REASON_TAMPERING] = find_action(rigour, e->mode, POLICY_ACTION_DENY);
	row[HF_REASON_IMAGE_WRITE] = find_action(rigour, e->mode, e->host_image_store);
	row[HF_REASON_HOST_EXEC] = find_action(rigour, e->mode, e->host_exec);
	row[HF_REASON_KERNEL_HELPER] = find_action(rigour, e->mode, e->host_kernel_helpers);
}

/* Code from volumes goes by the mode of its kind, as other code does. */
static void fill_volumes(uint8_t row[_HF_VOLUME_MAX], const struct policy_effective *e, const struct rigour *rigour,
			 enum policy_mode mode)
{
	row[HF_VOLUME_READ_ONLY] = find_action(rigour, mode, e->volume_read_only);
	row[HF_VOLUME_WRITABLE] = find_action(rigour, mode, e->volume_writable);
	row[HF_VOLUME_INIT] = find_action(rigour, mode, e->volume_init);
	row[HF_VOLUME_ALLOWED] = HF_ACTION_ALLOW;
}

static void fill_actions(struct hf_policy *ret, const struct policy_effective *e, const struct rigour *rigour)
{
	const enum policy_mode modes[_HF_CLASS_MAX] = {
		[HF_CLASS_EXECUTABLE] = e->executables_mode,
		[HF_CLASS_LIBRARY] = e->libraries_mode,
		[HF_CLASS_SCRIPT] = e->scripts_mode,
	};

	for (unsigned int class_ = 0; class_ < _HF_CLASS_MAX; class_++) {
		fill_class(ret->action[class_], e, rigour, modes[class_]);
		fill_volumes(ret->volume[class_], e, rigour, modes[class_]);
		ret->modified_metadata[class_] = find_action(rigour, modes[class_], e->modified_metadata);
		ret->unsettled[class_] = find_action(rigour, modes[class_], e->unsettled);
		ret->copies[class_] = find_action(rigour, modes[class_], e->copies);
		ret->action[class_][HF_REASON_VOLUME] = ret->volume[class_][HF_VOLUME_WRITABLE];
	}
	ret->memfd_map = find_action(rigour, e->mode, e->memfd_map);
	ret->action[HF_CLASS_EXECUTABLE][HF_REASON_MEMFD] = find_action(rigour, e->mode, e->memfd_exec);
	ret->action[HF_CLASS_LIBRARY][HF_REASON_MEMFD] = ret->memfd_map;
	ret->read_implies_exec = find_action(rigour, e->mode, raise_to_audit(e->anonymous_exec));
	/* Watching one's own children is told of only where tracing is to be denied, and that mode only audits. */
	ret->ptrace_descendant = e->ptrace == POLICY_ACTION_DENY ? find_action(rigour, e->mode, e->ptrace) : HF_ACTION_ALLOW;
	ret->bytecode = find_action(rigour, e->scripts_mode, e->bytecode);
	ret->all_script_files = e->script_files == POLICY_SCRIPTS_ALL;
}

int policy_compile(const struct policy_effective *effective, enum policy_mode cap, const struct policy_clock *clock,
		   struct policy_compiled *ret, char reterr[POLICY_COMPILE_ERROR_BYTES])
{
	struct rigour rigour = { .cap = cap, .violation = effective->action };
	struct policy_compiled made = { .policy = { .valid = 1 } };
	int err = exception_compile(effective->exceptions, effective->n_exceptions, clock, &made.exceptions,
				    &made.n_exceptions, reterr);

	if (err)
		return err;
	fill_actions(&made.policy, effective, &rigour);
	made.policy.exceptions_count = (uint32_t)made.n_exceptions;
	*ret = made;
	return 0;
}

int policy_compile_check(const struct policy_exception *exceptions, size_t n, char reterr[POLICY_COMPILE_ERROR_BYTES])
{
	_cleanup_(free_ptr) struct hf_exception *compiled = NULL;
	size_t n_compiled;

	return exception_compile(exceptions, n, NULL, &compiled, &n_compiled, reterr);
}

/* Through policy_publish(), since after a restart the slot is in use and must not be torn for a moment. */
static void publish_all(struct hf_policy *slot, uint8_t action)
{
	struct hf_policy policy = { .memfd_map = action, .read_implies_exec = action, .bytecode = action,
				    .ptrace_descendant = action, .valid = 1 };

	memset(policy.volume, action, sizeof(policy.volume));
	memset(policy.action, action, sizeof(policy.action));
	memset(policy.modified_metadata, action, sizeof(policy.modified_metadata));
	memset(policy.unsettled, action, sizeof(policy.unsettled));
	memset(policy.copies, action, sizeof(policy.copies));
	for (unsigned int class_ = 0; class_ < _HF_CLASS_MAX; class_++)
		policy.action[class_][HF_REASON_ORIGINAL] = HF_ACTION_ALLOW;
	policy_publish(slot, &policy);
}

void policy_compile_unknown(struct hf_policy *slot, enum policy_mode mode)
{
	const struct rigour rigour = { .cap = POLICY_MODE_ENFORCE, .violation = POLICY_VIOLATION_DENY };

	publish_all(slot, find_action(&rigour, mode, POLICY_ACTION_DENY));
}

void policy_compile_canary(struct hf_policy *slot)
{
	publish_all(slot, HF_ACTION_DENY);
}

void policy_publish(struct hf_policy *slot, const struct hf_policy *policy)
{
	memcpy(slot->action, policy->action, sizeof(slot->action));
	memcpy(slot->volume, policy->volume, sizeof(slot->volume));
	slot->read_implies_exec = policy->read_implies_exec;
	slot->memfd_map = policy->memfd_map;
	memcpy(slot->modified_metadata, policy->modified_metadata, sizeof(slot->modified_metadata));
	memcpy(slot->unsettled, policy->unsettled, sizeof(slot->unsettled));
	memcpy(slot->copies, policy->copies, sizeof(slot->copies));
	slot->bytecode = policy->bytecode;
	slot->all_script_files = policy->all_script_files;
	slot->ptrace_descendant = policy->ptrace_descendant;
	slot->generation = policy->generation;
	slot->exceptions_first = policy->exceptions_first;
	slot->exceptions_count = policy->exceptions_count;
	__atomic_store_n(&slot->valid, policy->valid, __ATOMIC_RELEASE);
}

void policy_compiled_release(struct policy_compiled *compiled)
{
	free_ptr(&compiled->exceptions);
	compiled->n_exceptions = 0;
}
