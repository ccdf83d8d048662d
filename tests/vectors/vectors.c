// SPDX-License-Identifier: Apache-2.0
/* The rows as one list, and the policies that they name. */
#include <string.h>

#include "tests/vectors/rows.h"

static const struct vector_rows *const files[] = {
	&vector_rows_root, &vector_rows_elsewhere, &vector_rows_memory, &vector_rows_subject, &vector_rows_policy,
	&vector_rows_access, &vector_rows_host, &vector_rows_scripts, &vector_rows_compared,
};

const struct vector *vector_at(size_t index)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (index < files[i]->n)
			return &files[i]->rows[index];
		index -= files[i]->n;
	}
	return NULL;
}

void vector_policy_fill(struct hf_policy *ret, __u8 action)
{
	memset(ret, 0, sizeof(*ret));
	memset(ret->action, action, sizeof(ret->action));
	memset(ret->modified_metadata, action, sizeof(ret->modified_metadata));
	memset(ret->unsettled, action, sizeof(ret->unsettled));
	memset(ret->copies, action, sizeof(ret->copies));
	memset(ret->volume, action, sizeof(ret->volume));
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++)
		ret->volume[class_][HF_VOLUME_ALLOWED] = HF_ACTION_ALLOW;
	ret->memfd_map = ret->read_implies_exec = ret->bytecode = ret->ptrace_descendant = action;
	ret->valid = 1;
}

/* The defaults of the policy language (design, section 6) in the mode enforce. */
static void fill_default(struct hf_policy *ret, __u8 library)
{
	vector_policy_fill(ret, HF_ACTION_DENY);
	memset(ret->action[HF_CLASS_LIBRARY], library, sizeof(ret->action[HF_CLASS_LIBRARY]));
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++) {
		ret->action[class_][HF_REASON_METADATA] = HF_ACTION_AUDIT; /* gained setuid is told even where it may run */
		ret->action[class_][HF_REASON_ANONYMOUS_CODE] = HF_ACTION_ALLOW;
		ret->action[class_][HF_REASON_PTRACE] = HF_ACTION_AUDIT;
		ret->modified_metadata[class_] = HF_ACTION_ALLOW;
	}
	memset(ret->action[HF_CLASS_SCRIPT], HF_ACTION_AUDIT, sizeof(ret->action[HF_CLASS_SCRIPT]));
	memset(ret->volume[HF_CLASS_SCRIPT], HF_ACTION_AUDIT, sizeof(ret->volume[HF_CLASS_SCRIPT]));
	ret->bytecode = HF_ACTION_ALLOW;
	memset(ret->volume[HF_CLASS_LIBRARY], library, sizeof(ret->volume[HF_CLASS_LIBRARY]));
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++) {
		ret->volume[class_][HF_VOLUME_READ_ONLY] = ret->volume[class_][HF_VOLUME_INIT] = HF_ACTION_ALLOW;
		ret->volume[class_][HF_VOLUME_ALLOWED] = HF_ACTION_ALLOW;
	}
	ret->read_implies_exec = HF_ACTION_AUDIT;
	ret->ptrace_descendant = HF_ACTION_ALLOW;
	ret->memfd_map = HF_ACTION_ALLOW;
}

void vector_policy(enum vector_policy policy, struct hf_policy *ret)
{
	static const __u8 fill[_VECTOR_POLICY_MAX] = {
		[VECTOR_POLICY_AUDIT] = HF_ACTION_AUDIT,
		[VECTOR_POLICY_ENFORCE] = HF_ACTION_DENY,
		[VECTOR_POLICY_KILL] = HF_ACTION_KILL,
		[VECTOR_POLICY_TORN] = 0xff,
	};

	if (policy == VECTOR_POLICY_DEFAULT)
		fill_default(ret, HF_ACTION_DENY);
	else if (policy == VECTOR_POLICY_LAGGING)
		fill_default(ret, HF_ACTION_AUDIT);
	else
		vector_policy_fill(ret, fill[policy]);
	ret->valid = policy != VECTOR_POLICY_INVALID;
}

void vector_slot_of(const struct vector *vector, struct vector_slot *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->facts = vector->facts;
	ret->paused = (__u32)vector->paused;
	vector_policy(vector->policy, &ret->policy);
}
