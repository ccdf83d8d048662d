// SPDX-License-Identifier: Apache-2.0
/*
 * The store's life, and the one container's way to a policy. Contracts: policy_store.h.
 *
 * I1: a container's record points to a slot that is valid and in use at every moment: the new slot is complete before the
 *     record is switched, and the old one goes into quarantine only after.
 */
#include "enforcer/policy_store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"
#include "enforcer/volumes.h"

/* Shared with the kernel half: one plain store of 8 bytes. */
static void store_until(__u64 *at, uint64_t until_ns)
{
	__atomic_store_n(at, until_ns, __ATOMIC_RELEASE);
}

/* The record that is this container's; NULL while that has yet to be filled in by its owner, or no longer is. */
static struct hf_container *find_record(const struct policy_store *store, const struct container *c)
{
	struct hf_container *record;

	if (c->slot < HF_SLOT_FIRST || c->slot >= store->tables.n_containers)
		return NULL;
	record = &store->tables.containers[c->slot];
	return c->kernel_id && record->id == c->kernel_id ? record : NULL;
}

static void apply_pause(const char *namespace_, uint64_t until_boot_ns, void *data)
{
	struct policy_store *store = data;

	if (!namespace_[0]) {
		store_until(&store->tables.config->pause_until_ns, until_boot_ns);
		return;
	}
	for (size_t i = 0; i < store->n_assigned; i++) {
		const struct container *c = store->assigned[i];
		struct hf_container *record = find_record(store, c);

		if (record && c->facts.namespace_ && strcmp(c->facts.namespace_, namespace_) == 0)
			store_until(&record->pause_until_ns, until_boot_ns);
	}
}

static void note_unsaved(int err, void *data)
{
	struct policy_store *store = data;
	char text[128];

	snprintf(text, sizeof(text), "the pauses in force, which a restart would not show: %s", strerror(-err));
	faults_met(store->daemon->faults, FAULT_STATE, text);
}

int policy_store_mend_pauses(struct policy_store *store)
{
	return policy_pauses_mend(store->pauses);
}

static int start_pauses(struct policy_store *store)
{
	const struct policy_pause_options options = {
		.loop = store->daemon->loop,
		.run_dir = store->daemon->options.run_dir,
		.all_until_ns = store->tables.config->pause_until_ns,
		.apply = apply_pause,
		.unsaved = note_unsaved,
		.data = store,
	};

	return policy_pauses_new(&options, &store->pauses);
}

int policy_store_pause(struct policy_store *store, const char *namespace_, uint64_t seconds)
{
	return policy_pauses_set(store->pauses, namespace_, seconds);
}

int policy_store_pause_at(const struct policy_store *store, size_t i, const char **ret_namespace, uint64_t *ret_until_ns)
{
	return policy_pauses_at(store->pauses, i, ret_namespace, ret_until_ns);
}

uint64_t policy_store_pause_until(const struct policy_store *store, const char *namespace_)
{
	return policy_pauses_until(store->pauses, namespace_);
}

int policy_store_new_on(struct daemon *daemon, const struct policy_tables *tables, struct policy_store **ret,
			struct policy_error *reterr)
{
	_cleanup_(policy_store_free) struct policy_store *store = calloc(1, sizeof(*store));
	int err;

	if (!store)
		return -ENOMEM;
	store->daemon = daemon;
	store->tables = *tables;
	policy_store_sample_clock(store);
	err = policy_store_load(store, &store->set, reterr);
	if (!err)
		err = policy_slots_new(tables, &store->slots);
	if (!err)
		err = start_pauses(store);
	if (err)
		return err;
	store->generation = policy_slots_generation_found(store->slots) + 1;
	log_info("policies: %zu from %s, generation %u", policy_set_count(store->set), policy_store_path(store),
		 store->generation);
	*ret = TAKE_PTR(store);
	return 0;
}

int policy_store_new(struct daemon *daemon, struct policy_store **ret, struct policy_error *reterr)
{
	const struct lsm_sizes sizes = lsm_sizes(daemon->lsm);
	const struct policy_tables tables = {
		.policies = lsm_policy(daemon->lsm, 0),
		.n_policies = sizes.policies,
		.exceptions = lsm_exception(daemon->lsm, 0),
		.n_exceptions = sizes.exceptions,
		.config = lsm_config(daemon->lsm),
		.containers = lsm_container(daemon->lsm, 0),
		.n_containers = sizes.containers,
	};

	return policy_store_new_on(daemon, &tables, ret, reterr);
}

static void set_tidy_timer(struct policy_store *store);

static void on_tidy(uint32_t events, void *data)
{
	struct policy_store *store = data;

	(void)events;
	loop_unwatch(&store->tidy);
	policy_store_tidy(store);
}

/* For the end of the next quarantine. Without a timer slots are given back when the next one is wanted. */
static void set_tidy_timer(struct policy_store *store)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), next = policy_slots_next_free_ns(store->slots);

	if (next && !store->tidy && store->daemon->loop)
		loop_timer(store->daemon->loop, next > now ? next - now : 1, 0, on_tidy, store, &store->tidy);
}

void policy_store_tidy(struct policy_store *store)
{
	policy_slots_tidy(store->slots, clock_ns(CLOCK_MONOTONIC));
	set_tidy_timer(store);
}

static void forget(struct policy_store *store, struct container *container)
{
	container->on_free = NULL;
	container->on_free_data = NULL;
	for (size_t i = 0; i < store->n_assigned; i++) {
		if (store->assigned[i] == container) {
			store->assigned[i] = store->assigned[--store->n_assigned];
			return;
		}
	}
}

void policy_store_free(struct policy_store **store)
{
	struct policy_store *gone = store ? *store : NULL;

	if (!gone)
		return;
	*store = NULL;
	while (gone->n_assigned > 0)
		forget(gone, gone->assigned[gone->n_assigned - 1]);
	loop_unwatch(&gone->tidy);
	policy_watch_free(&gone->watch);
	policy_pauses_free(&gone->pauses);
	policy_slots_free(&gone->slots);
	policy_set_free(&gone->set);
	free(gone);
}

const struct policy_set *policy_store_set(const struct policy_store *store)
{
	return store->set;
}

uint32_t policy_store_generation(const struct policy_store *store)
{
	return store->generation;
}

const struct policy_error *policy_store_last_error(const struct policy_store *store)
{
	return store->failed ? &store->last_error : NULL;
}

static int resolve(const struct policy_set *set, const struct container *container, struct policy_effective **ret)
{
	struct policy_facts facts;
	int err = container_policy_facts(&container->facts, &facts);

	if (err)
		return err;
	err = policy_set_resolve(set, &facts, ret);
	free((void *)facts.labels);
	free((void *)facts.annotations);
	return err;
}

int policy_store_choose(struct policy_store *store, const struct policy_set *set, uint32_t generation,
			struct container *container, struct policy_choice *ret)
{
	enum policy_mode cap = container->state == CONTAINER_STATE_AUDIT ? POLICY_MODE_AUDIT : POLICY_MODE_ENFORCE;
	_cleanup_(policy_compiled_release) struct policy_compiled compiled = { 0 };
	_cleanup_(policy_effective_free) struct policy_effective *policy = NULL;
	const struct policy_clock clock = policy_store_clock(store);
	uint32_t slot;
	int err = set ? resolve(set, container, &policy) : 0;

	if (!err)
		err = policy_compile(policy ? policy : container->policy, cap, &clock, &compiled, NULL);
	if (!err)
		err = policy_slots_acquire(store->slots, &compiled, generation, clock_ns(CLOCK_MONOTONIC), &slot);
	if (err)
		return err;
	*ret = (struct policy_choice){ .container = container, .policy = TAKE_PTR(policy), .slot = slot };
	return 0;
}

/* What a policy says of volumes stands in a table of its own. A kind that cannot be written stays what it was. */
static void republish_volumes(struct policy_store *store, const struct container *c)
{
	int err = store->daemon->lsm ? volumes_publish(store->daemon->lsm, c) : 0;

	if (err)
		log_error("container %s: its volumes keep the former policy: %s", c->facts.id, strerror(-err));
}

void policy_store_commit(struct policy_store *store, struct policy_choice *choice)
{
	struct container *c = choice->container;
	struct hf_container *record = find_record(store, c);
	uint32_t old = c->policy_slot;

	c->policy_slot = choice->slot;
	if (record)
		__atomic_store_n(&record->policy, c->policy_slot, __ATOMIC_RELEASE);
	if (choice->policy) {
		policy_effective_free(&c->policy);
		c->policy = TAKE_PTR(choice->policy);
		republish_volumes(store, c);
	}
	policy_slots_release(store->slots, old, clock_ns(CLOCK_MONOTONIC));
	set_tidy_timer(store);
}

static bool is_assigned(const struct policy_store *store, const struct container *container)
{
	return container->on_free_data == store;
}

static void on_container_free(struct container *container, void *data)
{
	policy_store_unassign(data, container);
}

int policy_store_assign(struct policy_store *store, struct container *container)
{
	struct policy_choice choice;
	int err;

	if (!is_assigned(store, container) && store->n_assigned == ARRAY_SIZE(store->assigned))
		return -ENOSPC;
	policy_store_clock_changed(store); /* a clock that is slewed is never set; a failure is logged and leaves old ends */
	err = policy_store_choose(store, store->set, store->generation, container, &choice);
	if (err)
		return err;
	if (is_assigned(store, container)) {
		policy_store_commit(store, &choice);
		return 0;
	}
	policy_effective_free(&container->policy);
	container->policy = choice.policy;
	container->policy_slot = choice.slot;
	container->on_free = on_container_free;
	container->on_free_data = store;
	store->assigned[store->n_assigned++] = container;
	return 0;
}

int policy_store_resolve(struct policy_store *store, struct container *container)
{
	struct policy_effective *policy = NULL;
	int err = resolve(store->set, container, &policy);

	if (err)
		return err;
	policy_effective_free(&container->policy);
	container->policy = policy;
	return 0;
}

uint64_t policy_store_next_room_ns(const struct policy_store *store)
{
	return policy_slots_next_free_ns(store->slots);
}

bool policy_store_has_room(struct policy_store *store)
{
	return policy_slots_have_room(store->slots, clock_ns(CLOCK_MONOTONIC));
}

void policy_store_unassign(struct policy_store *store, struct container *container)
{
	if (!is_assigned(store, container))
		return;
	forget(store, container);
	policy_slots_release(store->slots, container->policy_slot, clock_ns(CLOCK_MONOTONIC));
	set_tidy_timer(store);
	container->policy_slot = 0;
}
