// SPDX-License-Identifier: Apache-2.0
/* Questions in bulk: every combination that matters, and random ones with any value anywhere. */
#include <string.h>

#include "tests/vectors/vectors.h"

void sweep_facts(uint64_t index, struct hf_facts *ret)
{
	static const __u8 subjects[] = { HF_SUBJECT_CONTAINER, HF_SUBJECT_UNKNOWN };
	static const __u8 ops[] = { HF_OP_EXEC, HF_OP_MMAP, HF_OP_READ };
	static const __u8 volumes[] = { HF_VOLUME_READ_ONLY, HF_VOLUME_WRITABLE, HF_VOLUME_INIT,
					HF_VOLUME_ALLOWED,   _HF_VOLUME_MAX,	  0xff };
	static const __u8 details[] = { HF_DETAIL_NONE, HF_DETAIL_NO_REAL_FILE, HF_DETAIL_READ_IMPLIES_EXEC };
	uint64_t others = index >> SWEEP_BITS;

	_Static_assert(sizeof(subjects) * sizeof(ops) * sizeof(volumes) * sizeof(details) == SWEEP_OTHERS, "vectors.h");
	memset(ret, 0, sizeof(*ret));
	ret->bits = (__u32)(index & ((1u << SWEEP_BITS) - 1));
	ret->subject = subjects[others % sizeof(subjects)];
	others /= sizeof(subjects);
	ret->op = ops[others % sizeof(ops)];
	others /= sizeof(ops);
	ret->volume = volumes[others % sizeof(volumes)];
	ret->detail = details[others / sizeof(volumes)];
	ret->compared = (__u8)(index * 0x9e3779b97f4a7c15ull >> 62); /* each with some of all combinations */
}

/* xorshift64*: repeatable, and good enough to scatter. */
uint64_t sweep_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* Below limit most of the time, now and then anything. */
static __u8 pick(uint64_t *state, unsigned int limit)
{
	uint64_t r = sweep_next(state) >> 16;

	return (__u8)(r % 16 == 0 ? r >> 8 : (r >> 8) % limit);
}

static void pick_policy(uint64_t *state, struct hf_policy *policy)
{
	__u8 *cells = &policy->action[0][0];

	if (sweep_next(state) >> 60 == 0) {
		vector_policy(pick(state, _VECTOR_POLICY_MAX) % _VECTOR_POLICY_MAX, policy);
		return;
	}
	memset(policy, 0, sizeof(*policy));
	for (size_t i = 0; i < sizeof(policy->action); i++)
		cells[i] = pick(state, _HF_ACTION_MAX);
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++) {
		for (int kind = 0; kind < _HF_VOLUME_MAX; kind++)
			policy->volume[class_][kind] = pick(state, _HF_ACTION_MAX);
	}
	policy->read_implies_exec = pick(state, _HF_ACTION_MAX);
	policy->bytecode = pick(state, _HF_ACTION_MAX);
	policy->ptrace_descendant = pick(state, _HF_ACTION_MAX);
	policy->memfd_map = pick(state, _HF_ACTION_MAX);
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++)
		policy->modified_metadata[class_] = pick(state, _HF_ACTION_MAX);
	for (int class_ = 0; class_ < _HF_CLASS_MAX; class_++) {
		policy->unsettled[class_] = pick(state, _HF_ACTION_MAX);
		policy->copies[class_] = pick(state, _HF_ACTION_MAX);
	}
	policy->valid = sweep_next(state) >> 61 != 0;
}

void sweep_random(uint64_t *state, struct vector_slot *ret)
{
	memset(ret, 0, sizeof(*ret));
	pick_policy(state, &ret->policy);
	/* Few bits set in half of the cases: with many, the first rules would answer all of them. */
	ret->facts.bits = (__u32)(sweep_next(state) >> 32);
	if (sweep_next(state) >> 63)
		ret->facts.bits &= (__u32)(sweep_next(state) >> 32) & (__u32)(sweep_next(state) >> 32);
	ret->facts.op = pick(state, _HF_OP_MAX);
	ret->facts.subject = pick(state, _HF_SUBJECT_MAX);
	ret->facts.volume = pick(state, _HF_VOLUME_MAX + 1);
	ret->facts.detail = sweep_next(state) >> 62 ? 0 : pick(state, _HF_DETAIL_MAX);
	ret->facts.access = sweep_next(state) >> 61 ? 0 : pick(state, _HF_REASON_MAX);
	ret->facts.stale_enforced = sweep_next(state) >> 63;
	ret->facts.compared = pick(state, _HF_COMPARED_MAX);
	ret->paused = sweep_next(state) >> 62 == 0;
}
