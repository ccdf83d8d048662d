/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For test_state.c alone: the kernel half's records, the policies and the layer sets that a restart meets.
 */
#ifndef TESTS_UNIT_STATE_HARNESS_H
#define TESTS_UNIT_STATE_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/adopt.h"
#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/mend.h"
#include "enforcer/enrol.h"
#include "enforcer/life.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/policy_store.h"
#include "enforcer/rearm.h"
#include "enforcer/restore.h"
#include "enforcer/settle.h"
#include "enforcer/util.h"
#include "tests/unit/imagedb_tree.h"

#define SLOT 7
#define ID 1700000000000000001ull
#define LAYER_SET 5
#define POLICY_SLOT 11

static struct {
	struct daemon *daemon;
	struct tree *tree;
	struct hf_container records[HF_MAX_CONTAINERS];
	unsigned int assigned, adopted, finished, orphans, again;
	int assign_err, adopt_err;
	uint64_t rearmed, published, learned;
	bool shared, fresh;
	pid_t pid;
} w;

struct hf_container *lsm_container(struct lsm *, uint32_t slot)
{
	return slot < HF_MAX_CONTAINERS ? &w.records[slot] : NULL;
}

int lsm_root_remove(struct lsm *, const struct hf_root_key *, uint64_t)
{
	return 0;
}

int lsm_cgroup_remove(struct lsm *, uint64_t, uint64_t)
{
	return 0;
}

int lsm_volume_add(struct lsm *, const struct hf_volume_key *, enum hf_volume_kind, bool)
{
	return 0;
}

int lsm_upper_add(struct lsm *, const struct hf_root_key *, const struct hf_slot_ref *)
{
	return 0;
}

int lsm_upper_remove(struct lsm *, uint64_t)
{
	return 0;
}

int lsm_volumes_remove(struct lsm *, uint64_t)
{
	return 0;
}

int lsm_written_remove(struct lsm *, uint64_t)
{
	return 0;
}

static void on_container_free(struct container *, void *data)
{
	--*(unsigned int *)data;
}

int policy_store_assign(struct policy_store *, struct container *container)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_facts facts = { 0 };

	if (w.assign_err)
		return w.assign_err;
	policy_effective_free(&container->policy);
	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	assert_int_equal(policy_set_resolve(set, &facts, &container->policy), 0);
	container->policy_slot = POLICY_SLOT;
	container->on_free = on_container_free;
	container->on_free_data = &w.assigned;
	w.assigned++;
	return 0;
}

int policy_store_resolve(struct policy_store *, struct container *container)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_facts facts = { 0 };

	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	return policy_set_resolve(set, &facts, &container->policy);
}

int policy_store_mend_pauses(struct policy_store *)
{
	return 0;
}

int policy_store_retry(struct policy_store *)
{
	return w.assign_err;
}

bool policy_store_has_room(struct policy_store *)
{
	return !w.assign_err;
}

int enrol_adopt(struct enroller *, uint32_t layer_set, const char *identity, bool complete, uint32_t executables)
{
	if (!executables) /* an orphan's: adopter_add_orphan gives it back */
		return w.adopt_err;
	assert_int_equal(layer_set, LAYER_SET);
	assert_int_equal(identity != NULL, complete);
	assert_int_equal(executables, 1500);
	if (w.adopt_err)
		return w.adopt_err;
	w.shared = complete;
	w.adopted++;
	return 0;
}

void enrol_release(struct enroller *, uint32_t layer_set)
{
	assert_int_equal(layer_set, LAYER_SET);
	w.adopted--;
}

void enrol_adopted_all(struct enroller *)
{
	w.finished++;
}

/* What adoption does once it has looked and found nobody. */
void adopter_add_orphan(struct adopter *, uint32_t slot, bool)
{
	w.orphans++;
	restore_free_slot(w.daemon, slot);
}

void adopter_add(struct adopter *, struct oci_container *oci, uint64_t start, uint64_t, uint64_t keep_id, uint32_t keep_slot)
{
	assert_string_equal(oci->facts.id, "abc");
	assert_int_equal(oci->pid, w.pid);
	assert_int_equal(start, restore_start_of_pid(w.pid));
	assert_true(oci->n_mounts == 1 && oci->mounts[0].read_only && !strcmp(oci->mounts[0].destination, "/v"));
	assert_true(keep_id && keep_slot == SLOT);
	w.again++;
	oci_free(&oci);
}

void arm_release(struct daemon *, uint64_t)
{
	loop_quit(w.daemon->loop, 0);
}

int lsm_leftovers_remove(struct lsm *, lsm_gone_fn fn, void *data)
{
	return fn(UINT64_MAX, data) ? 0 : -EEXIST;
}

int rearm_note(struct daemon *, const struct container *container, struct oci_container *oci, int *pidfd)
{
	oci_free(&oci);
	w.rearmed = container->kernel_id;
	close_fd(pidfd);
	return 0;
}

int arm_publish(struct daemon *, struct container *container)
{
	w.published = container->kernel_id;
	return 0;
}

void settle_on_start(struct settler *, const struct container *container)
{
	assert_true(w.daemon->slot_taken[container->slot]);
	w.learned = container->kernel_id;
}

bool lsm_took_over(const struct lsm *)
{
	return !w.fresh;
}

#endif
