// SPDX-License-Identifier: Apache-2.0
/*
 * A container's record in the kernel half: its id and slot, its publication, its end.
 *
 *   I1  The id is stored last and taken out first: whoever reads it finds the rest complete.
 *   I2  Where two containers run on one root their writes cannot be told apart, so neither's copies are taken for the image's.
 */
#include "enforcer/arm_record.h"

#include <errno.h>
#include <string.h>
#include <string.h>

#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/enrol.h"
#include "enforcer/faults.h"
#include "enforcer/life.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/policy_store.h"
#include "enforcer/settle.h"
#include "enforcer/state.h"
#include "enforcer/util.h"

uint64_t arm_fresh_id(struct daemon *daemon)
{
	struct hf_config *config = lsm_config(daemon->lsm);
	uint64_t now = clock_ns(CLOCK_REALTIME);

	if (daemon->last_kernel_id < config->last_container)
		daemon->last_kernel_id = config->last_container;
	daemon->last_kernel_id = now > daemon->last_kernel_id ? now : daemon->last_kernel_id + 1;
	config->last_container = daemon->last_kernel_id;
	return daemon->last_kernel_id;
}

/* Slots belong to records of the kernel half; free is what has no id there and is not pending here. */
int arm_take_slot(struct daemon *daemon, struct container *c)
{
	struct hf_container *record;

	for (uint32_t slot = HF_SLOT_FIRST; (record = lsm_container(daemon->lsm, slot)); slot++) {
		if (record->id || daemon->slot_taken[slot])
			continue;
		record->flags = 0;
		daemon->slot_taken[slot] = true;
		c->slot = slot;
		return 0;
	}
	return -ENOSPC;
}

int arm_keep_slot(struct daemon *daemon, struct container *c, uint32_t slot)
{
	struct hf_container *record = slot >= HF_SLOT_FIRST ? lsm_container(daemon->lsm, slot) : NULL;

	if (!record || daemon->slot_taken[slot] || (record->id && record->id != c->kernel_id))
		return -EBUSY;
	if (!record->id)
		record->flags = 0;
	if (c->kernel_id > daemon->last_kernel_id)
		daemon->last_kernel_id = c->kernel_id;
	daemon->slot_taken[slot] = true;
	c->slot = slot;
	return 0;
}

void arm_begin_watch(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);

	c->was_unwatched = record->id != c->kernel_id;
	if (c->was_unwatched)
		__atomic_fetch_or(&record->flags, HF_CONTAINER_ADOPTED, __ATOMIC_RELEASE);
}

void arm_take_root(struct container *c, struct enrol_job *job)
{
	c->layer_set = job->layer_set;
	c->root_dev = job->root_dev;
	c->root_ino = job->root_ino;
	c->upper_dev = job->upper_dev;
	c->upper_ino = job->upper_ino;
	c->own_overlay = job->root.own_overlay;
	c->root_type = strdup(job->root.type);
	c->layers = TAKE_PTR(job->root.layers);
	c->layers_complete = job->complete;
	c->clean_upper = job->clean_upper;
	c->executables = job->executables;
	c->unsupported = job->err == -EOPNOTSUPP;
}

static struct hf_root_key root_key(const struct container *c)
{
	return (struct hf_root_key){ .dev = c->root_dev, .ino = c->own_overlay ? 0 : c->root_ino };
}

static uint32_t record_flags(const struct container *c)
{
	uint32_t flags = c->own_overlay ? HF_CONTAINER_OVERLAY_ROOT : 0;

	if (c->clean_upper && c->state == CONTAINER_STATE_ARMED)
		flags |= HF_CONTAINER_CLEAN_UPPER;
	if (c->state == CONTAINER_STATE_AUDIT)
		flags |= HF_CONTAINER_NO_BASELINE | (c->unsupported ? HF_CONTAINER_UNSUPPORTED : 0);
	if (c->state == CONTAINER_STATE_UNWATCHED)
		flags |= HF_CONTAINER_UNARMED;
	if (c->was_unwatched)
		flags |= HF_CONTAINER_ADOPTED;
	if (c->was_unwatched && c->state == CONTAINER_STATE_ARMED)
		flags |= HF_CONTAINER_SURVEY;
	return flags;
}

/* Another container with the same root; NULL: none. */
static struct container *find_root_mate(struct daemon *daemon, const struct container *c)
{
	struct hf_root_key key = root_key(c);

	for (size_t i = 0; c->root_dev && i < container_count(daemon->containers); i++) {
		struct container *other = container_at(daemon->containers, i);
		struct hf_root_key others = root_key(other);

		if (other != c && others.dev == key.dev && others.ino == key.ino)
			return other;
	}
	return NULL;
}

static void distrust_copies(struct daemon *daemon, const struct container *c)
{
	__atomic_fetch_or(&lsm_container(daemon->lsm, c->slot)->flags, HF_CONTAINER_WRITES_LOST, __ATOMIC_RELEASE);
}

/* All flags but the one that the kernel half sets by itself, which stays. */
static void set_flags(struct hf_container *record, uint32_t flags)
{
	uint32_t old = __atomic_load_n(&record->flags, __ATOMIC_ACQUIRE);

	while (!__atomic_compare_exchange_n(&record->flags, &old, (old & HF_CONTAINER_WRITES_LOST) | flags, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		continue;
}

/* A file of the writable layer is the container's also where it is reached below the overlay. */
static int publish_upper(struct daemon *daemon, const struct container *c, const struct hf_slot_ref *ref)
{
	struct hf_root_key key = { .dev = c->upper_dev, .ino = c->upper_ino };

	return c->upper_ino ? lsm_upper_add(daemon->lsm, &key, ref) : 0;
}

int arm_publish(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);
	struct hf_slot_ref ref = { .id = c->kernel_id, .slot = c->slot };
	struct container *mate = find_root_mate(daemon, c);
	struct hf_root_key key = root_key(c);
	int err;

	record->policy = c->policy_slot;
	record->layer_set = c->layer_set;
	record->root_dev = c->root_dev;
	record->root_ino = c->root_ino;
	set_flags(record, record_flags(c));
	if (mate) {
		distrust_copies(daemon, c);
		distrust_copies(daemon, mate);
		log_warning("container %s: it shares its root with %s: what either copied up counts as modified", c->facts.id,
			    mate->facts.id);
	}
	record->cgroup = c->cgroup;
	record->pause_until_ns = policy_store_pause_until(daemon->policies, c->facts.namespace_);
	if (record->id != c->kernel_id)
		record->denied = record->audited = 0;
	__atomic_store_n(&record->id, c->kernel_id, __ATOMIC_RELEASE);
	err = c->root_dev ? lsm_root_add(daemon->lsm, &key, &ref) : 0;
	if (!err && c->cgroup)
		err = lsm_cgroup_add(daemon->lsm, c->cgroup, &ref);
	return err ? err : publish_upper(daemon, c, &ref);
}

/* The root goes to another container that runs on it, if there is one. */
static void give_up_root(struct daemon *daemon, const struct container *c)
{
	struct container *mate = find_root_mate(daemon, c);
	struct hf_root_key key = root_key(c);
	struct hf_slot_ref ref;

	if (!c->root_dev)
		return;
	lsm_root_remove(daemon->lsm, &key, c->kernel_id);
	if (!mate)
		return;
	ref = (struct hf_slot_ref){ .id = mate->kernel_id, .slot = mate->slot };
	if (lsm_root_add(daemon->lsm, &key, &ref))
		log_error("container %s: its root cannot be registered again", mate->facts.id);
}

void arm_withdraw(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);

	give_up_root(daemon, c);
	if (record && record->id == c->kernel_id) {
		if (c->cgroup)
			lsm_cgroup_remove(daemon->lsm, c->cgroup, c->kernel_id);
		__atomic_store_n(&record->id, 0, __ATOMIC_RELEASE);
	}
	lsm_upper_remove(daemon->lsm, c->kernel_id);
	lsm_volumes_remove(daemon->lsm, c->kernel_id);
	lsm_written_remove(daemon->lsm, c->kernel_id);
	policy_store_unassign(daemon->policies, c);
	if (c->layer_set)
		enrol_release(daemon->enroller, c->layer_set);
	if (c->slot)
		daemon->slot_taken[c->slot] = false;
}

/* There is room again for what this one had. */
static void tell_room(struct daemon *daemon, const struct container *c)
{
	faults_over(daemon->faults, FAULT_CONTAINERS);
	faults_over(daemon->faults, FAULT_ROOTS);
	if (c->volumes)
		faults_over(daemon->faults, FAULT_VOLUMES);
}

void arm_release(struct daemon *daemon, uint64_t kernel_id)
{
	struct container *c = container_table_take(daemon->containers, kernel_id);

	if (!c)
		return;
	life_unwatch(c);
	settle_on_end(daemon->settler, c);
	arm_withdraw(daemon, c);
	tell_room(daemon, c);
	state_remove(daemon, kernel_id);
	log_info("container %s: gone", c->facts.id);
	container_free(&c);
}

void arm_release_same_id(struct daemon *daemon, const char *id)
{
	for (size_t i = container_count(daemon->containers); i > 0; i--) {
		struct container *old = container_at(daemon->containers, i - 1);

		if (old && old->facts.id && !strcmp(old->facts.id, id) && life_has_ended(old))
			arm_release(daemon, old->kernel_id);
	}
}

bool arm_is_known(struct daemon *daemon, pid_t pid)
{
	const struct container *c;

	for (size_t i = 0; (c = container_at(daemon->containers, i)); i++) {
		if (c->pid == pid && !life_has_ended(c))
			return true;
	}
	for (size_t i = 0; (c = arm_pending_at(daemon, i)); i++) {
		if (c->pid == pid)
			return true;
	}
	return false;
}
