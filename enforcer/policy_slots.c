// SPDX-License-Identifier: Apache-2.0
/*
 * Slots and ranges. Contracts: policy_slots.h.
 *
 * I1: a slot and its entries are written only while no record points to it and no program can still be reading it: a program
 *     that has loaded the slot's number would otherwise judge by half of another policy.
 * I2: valid is set after everything else of a slot was written, and cleared before anything is written again.
 */
#include "enforcer/policy_slots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

enum slot_state {
	SLOT_FREE,
	SLOT_USED,
	SLOT_INHERITED, /* an earlier daemon's, perhaps still in a record */
	SLOT_QUARANTINE,
};

struct slot {
	uint8_t state;
	uint32_t refs;
	uint32_t next;	      /* in the quarantine's queue; 0 ends it, a reserved slot */
	uint64_t hash;	      /* of what it says, without generation and place */
	uint64_t released_ns; /* CLOCK_MONOTONIC */
};

struct policy_slots {
	struct policy_tables tables;
	struct slot *slots;
	bool *entry_taken; /* for each entry of hf_exceptions */
	uint32_t end;	   /* no slot from here on is anything but free */
	uint32_t n_inherited;
	uint32_t generation_found;
	uint32_t queue_first, queue_last; /* oldest release first; 0: empty */
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	/* FNV-1a (draft-eastlake-fnv): only narrows the search, equality is compared. */
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ull;
	return hash;
}

/* A policy without what says where it is and since when. */
static struct hf_policy strip(const struct hf_policy *policy)
{
	struct hf_policy stripped = *policy;

	stripped.generation = 0;
	stripped.exceptions_first = 0;
	stripped.valid = 1;
	memset(&stripped.pad, 0, sizeof(stripped.pad));
	return stripped;
}

static uint64_t hash_compiled(const struct policy_compiled *compiled)
{
	struct hf_policy stripped = strip(&compiled->policy);
	uint64_t hash = hash_bytes(0xcbf29ce484222325ull, &stripped, sizeof(stripped));

	return hash_bytes(hash, compiled->exceptions, compiled->n_exceptions * sizeof(*compiled->exceptions));
}

static bool says(const struct policy_tables *tables, const struct hf_policy *slot, const struct hf_policy *policy,
		 const struct hf_exception *exceptions)
{
	struct hf_policy a = strip(slot), b = strip(policy);

	if (memcmp(&a, &b, sizeof(a)) != 0)
		return false;
	return a.exceptions_count == 0 || memcmp(tables->exceptions + slot->exceptions_first, exceptions,
						 a.exceptions_count * sizeof(*exceptions)) == 0;
}

static void set_entries(struct policy_slots *slots, const struct hf_policy *policy, bool taken)
{
	for (uint32_t i = 0; i < policy->exceptions_count && policy->exceptions_first + i < slots->tables.n_exceptions; i++)
		slots->entry_taken[policy->exceptions_first + i] = taken;
}

static void free_slot(struct policy_slots *slots, uint32_t i)
{
	struct hf_policy *policy = &slots->tables.policies[i];

	__atomic_store_n(&policy->valid, 0, __ATOMIC_RELEASE);
	set_entries(slots, policy, false);
	slots->slots[i] = (struct slot){ .state = SLOT_FREE };
	while (slots->end > HF_SLOT_FIRST && slots->slots[slots->end - 1].state == SLOT_FREE)
		slots->end--;
}

static void enqueue(struct policy_slots *slots, uint32_t i, uint64_t now_ns)
{
	struct slot *slot = &slots->slots[i];

	*slot = (struct slot){ .state = SLOT_QUARANTINE, .released_ns = now_ns };
	if (slots->queue_last)
		slots->slots[slots->queue_last].next = i;
	else
		slots->queue_first = i;
	slots->queue_last = i;
}

/* Frees what has waited long enough. */
static void end_quarantines(struct policy_slots *slots, uint64_t now_ns)
{
	while (slots->queue_first) {
		uint32_t i = slots->queue_first;

		if (now_ns - slots->slots[i].released_ns < POLICY_SLOTS_QUARANTINE_NS)
			return;
		slots->queue_first = slots->slots[i].next;
		if (!slots->queue_first)
			slots->queue_last = 0;
		free_slot(slots, i);
	}
}

/* Inherited slots that no living record points to any more. A record is switched by its owner at any time, so this looks
 * again and again until none is left. */
static void leave_inherited(struct policy_slots *slots, uint64_t now_ns)
{
	const struct policy_tables *t = &slots->tables;

	for (uint32_t i = HF_SLOT_FIRST; slots->n_inherited && i < slots->end; i++)
		if (slots->slots[i].state == SLOT_INHERITED)
			slots->slots[i].refs = 0;
	for (uint32_t i = 0; slots->n_inherited && i < t->n_containers; i++) {
		uint32_t policy = t->containers[i].policy;

		if (t->containers[i].id && policy < slots->end && slots->slots[policy].state == SLOT_INHERITED)
			slots->slots[policy].refs++;
	}
	for (uint32_t i = HF_SLOT_FIRST; slots->n_inherited && i < slots->end; i++) {
		if (slots->slots[i].state != SLOT_INHERITED || slots->slots[i].refs)
			continue;
		slots->n_inherited--;
		enqueue(slots, i, now_ns);
	}
}

static void inherit(struct policy_slots *slots)
{
	for (uint32_t i = HF_SLOT_FIRST; i < slots->tables.n_policies; i++) {
		const struct hf_policy *policy = &slots->tables.policies[i];

		if (!policy->valid)
			continue;
		slots->slots[i].state = SLOT_INHERITED;
		slots->n_inherited++;
		slots->end = i + 1;
		set_entries(slots, policy, true);
		if (policy->generation > slots->generation_found)
			slots->generation_found = policy->generation;
	}
}

int policy_slots_new(const struct policy_tables *tables, struct policy_slots **ret)
{
	_cleanup_(policy_slots_free) struct policy_slots *slots = calloc(1, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	slots->tables = *tables;
	slots->slots = calloc(tables->n_policies, sizeof(*slots->slots));
	slots->entry_taken = calloc(tables->n_exceptions, sizeof(*slots->entry_taken));
	if (!slots->slots || !slots->entry_taken)
		return -ENOMEM;
	slots->end = HF_SLOT_FIRST;
	inherit(slots);
	*ret = TAKE_PTR(slots);
	return 0;
}

void policy_slots_free(struct policy_slots **slots)
{
	struct policy_slots *gone = slots ? *slots : NULL;

	if (!gone)
		return;
	*slots = NULL;
	free(gone->slots);
	free(gone->entry_taken);
	free(gone);
}

/* A slot in use that says the same in the same generation; 0: none. */
static uint32_t find_same(const struct policy_slots *slots, const struct policy_compiled *compiled, uint64_t hash,
			  uint32_t generation)
{
	for (uint32_t i = HF_SLOT_FIRST; i < slots->end; i++) {
		const struct hf_policy *policy = &slots->tables.policies[i];

		if (slots->slots[i].state == SLOT_USED && slots->slots[i].hash == hash &&
		    policy->generation == generation &&
		    says(&slots->tables, policy, &compiled->policy, compiled->exceptions))
			return i;
	}
	return 0;
}

/* A slot of whatever generation, of an earlier daemon's too: rather an old number in events than a policy that has no room. An
 * inherited one is held from now on, and by the records that point to it until their owners have taken it as well. */
static uint32_t find_equal(struct policy_slots *slots, const struct policy_compiled *compiled, uint64_t hash)
{
	for (uint32_t i = HF_SLOT_FIRST; i < slots->end; i++) {
		struct slot *slot = &slots->slots[i];

		if ((slot->state != SLOT_USED && slot->state != SLOT_INHERITED) ||
		    !says(&slots->tables, &slots->tables.policies[i], &compiled->policy, compiled->exceptions))
			continue;
		if (slot->state == SLOT_INHERITED) {
			slots->n_inherited--;
			*slot = (struct slot){ .state = SLOT_USED, .hash = hash };
		}
		return i;
	}
	return 0;
}

static int find_free_slot(const struct policy_slots *slots, uint32_t *ret)
{
	uint32_t i = HF_SLOT_FIRST;

	while (i < slots->end && slots->slots[i].state != SLOT_FREE)
		i++;
	if (i >= slots->tables.n_policies)
		return -ENOSPC;
	*ret = i;
	return 0;
}

/* First fit. */
static int find_free_range(const struct policy_slots *slots, uint32_t n, uint32_t *ret)
{
	uint32_t run = 0;

	for (uint32_t i = 0; run < n; i++) {
		if (i == slots->tables.n_exceptions)
			return -ENOSPC;
		run = slots->entry_taken[i] ? 0 : run + 1;
		*ret = i + 1 - run;
	}
	return 0;
}

static void write_slot(struct policy_slots *slots, uint32_t i, uint32_t first, const struct policy_compiled *compiled,
		       uint32_t generation)
{
	struct hf_policy policy = compiled->policy;

	policy.generation = generation;
	policy.exceptions_first = first;
	if (compiled->n_exceptions)
		memcpy(slots->tables.exceptions + first, compiled->exceptions,
		       compiled->n_exceptions * sizeof(*compiled->exceptions));
	set_entries(slots, &policy, true);
	policy_publish(&slots->tables.policies[i], &policy);
}

static int share_equal(struct policy_slots *slots, const struct policy_compiled *compiled, uint64_t hash, int err,
		       uint32_t *ret)
{
	uint32_t i = find_equal(slots, compiled, hash);

	if (!i)
		return err;
	slots->slots[i].refs++;
	*ret = i;
	return 0;
}

bool policy_slots_have_room(struct policy_slots *slots, uint64_t now_ns)
{
	uint32_t slot;

	leave_inherited(slots, now_ns);
	end_quarantines(slots, now_ns);
	return find_free_slot(slots, &slot) == 0;
}

int policy_slots_acquire(struct policy_slots *slots, const struct policy_compiled *compiled, uint32_t generation,
			 uint64_t now_ns, uint32_t *ret)
{
	uint64_t hash = hash_compiled(compiled);
	uint32_t i, first = 0;
	int err;

	leave_inherited(slots, now_ns);
	end_quarantines(slots, now_ns);
	i = find_same(slots, compiled, hash, generation);
	if (i) {
		slots->slots[i].refs++;
		*ret = i;
		return 0;
	}
	err = find_free_slot(slots, &i);
	if (!err)
		err = find_free_range(slots, (uint32_t)compiled->n_exceptions, &first);
	if (err)
		return share_equal(slots, compiled, hash, err, ret);
	write_slot(slots, i, first, compiled, generation);
	slots->slots[i] = (struct slot){ .state = SLOT_USED, .refs = 1, .hash = hash };
	if (i >= slots->end)
		slots->end = i + 1;
	*ret = i;
	return 0;
}

void policy_slots_release(struct policy_slots *slots, uint32_t slot, uint64_t now_ns)
{
	end_quarantines(slots, now_ns);
	if (--slots->slots[slot].refs == 0)
		enqueue(slots, slot, now_ns);
}

void policy_slots_discard(struct policy_slots *slots, uint32_t slot)
{
	if (--slots->slots[slot].refs == 0)
		free_slot(slots, slot);
}

void policy_slots_tidy(struct policy_slots *slots, uint64_t now_ns)
{
	leave_inherited(slots, now_ns);
	end_quarantines(slots, now_ns);
}

uint32_t policy_slots_generation_found(const struct policy_slots *slots)
{
	return slots->generation_found;
}

uint64_t policy_slots_next_free_ns(const struct policy_slots *slots)
{
	return slots->queue_first ? slots->slots[slots->queue_first].released_ns + POLICY_SLOTS_QUARANTINE_NS : 0;
}

bool policy_slots_equal(const struct policy_slots *slots, uint32_t a, uint32_t b)
{
	const struct policy_tables *t = &slots->tables;

	return says(t, &t->policies[a], &t->policies[b], t->exceptions + t->policies[b].exceptions_first);
}
