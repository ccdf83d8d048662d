/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For test_arm.c alone: everything around arm.c replaced, and arm.c itself with an allocator that can fail.
 */
#ifndef TESTS_UNIT_ARM_HARNESS_H
#define TESTS_UNIT_ARM_HARNESS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/util.h"

#define CLIENT 4711
#define ROOT_DEV 77
#define LAYER_SET 5

/* What the parts around arm.c hold for containers. */
static struct {
	struct daemon *daemon;
	struct hf_container records[HF_MAX_CONTAINERS];
	struct hf_config config;
	unsigned int step, fail_at;
	unsigned int answers, assigned, sets, watches, files, roots, cgroups, volumes, learning;
	uint64_t root_owner;
	int status;
	bool armed, client_gone, ended, state_broken;
	bool insist, helpless; /* what is adopted must be armed; there are no children to read images any more */
	unsigned int full; /* so often there is no room for a policy */
	uint64_t room_ns;  /* when there is said to be more; 0: never */
	char message[256];
	enum policy_not_ready not_ready;
	struct enrol_job *job;
} w;

static bool should_fail(void)
{
	return ++w.step == w.fail_at;
}

static void *failing_calloc(size_t n, size_t size)
{
	return should_fail() ? NULL : calloc(n, size);
}

static char *failing_strdup(const char *text)
{
	return should_fail() ? NULL : strdup(text);
}

#define calloc failing_calloc
#undef strdup
#define strdup failing_strdup
#include "enforcer/arm.c"
#undef calloc
#undef strdup

struct hf_container *lsm_container(struct lsm *, uint32_t slot)
{
	return slot < HF_MAX_CONTAINERS ? &w.records[slot] : NULL;
}

struct hf_config *lsm_config(struct lsm *)
{
	return &w.config;
}

static int add(unsigned int *count, int err)
{
	if (should_fail())
		return err;
	++*count;
	return 0;
}

int lsm_root_add(struct lsm *, const struct hf_root_key *key, const struct hf_slot_ref *ref)
{
	assert_int_equal(key->dev, ROOT_DEV);
	assert_int_equal(w.records[ref->slot].id, ref->id);
	if (should_fail())
		return -E2BIG;
	w.roots = 1; /* all containers of this test run on one root: the last one has it */
	w.root_owner = ref->id;
	return 0;
}

int lsm_root_remove(struct lsm *, const struct hf_root_key *key, uint64_t container)
{
	if (key->dev == ROOT_DEV && w.root_owner == container)
		w.roots = 0;
	return 0;
}

int lsm_cgroup_add(struct lsm *, uint64_t, const struct hf_slot_ref *ref)
{
	assert_int_equal(w.records[ref->slot].id, ref->id);
	return add(&w.cgroups, -E2BIG);
}

int lsm_cgroup_remove(struct lsm *, uint64_t, uint64_t)
{
	w.cgroups -= w.cgroups > 0;
	return 0;
}

int lsm_volume_add(struct lsm *, const struct hf_volume_key *, enum hf_volume_kind, bool)
{
	return add(&w.volumes, -E2BIG);
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
	w.volumes = 0;
	return 0;
}

int lsm_written_remove(struct lsm *, uint64_t)
{
	return 0;
}

static void on_container_free(struct container *container, void *data)
{
	policy_store_unassign(data, container);
}

static int give_policy(struct container *container)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_facts facts = { 0 };

	policy_effective_free(&container->policy);
	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	assert_int_equal(policy_set_resolve(set, &facts, &container->policy), 0);
	container->policy->not_ready = w.not_ready;
	container->policy_slot = 9;
	w.assigned += !container->on_free;
	container->on_free = on_container_free;
	return 0;
}

int policy_store_assign(struct policy_store *, struct container *container)
{
	if (w.full)
		w.full--;
	else if (!should_fail())
		return give_policy(container);
	return -ENOSPC;
}

uint64_t policy_store_next_room_ns(const struct policy_store *)
{
	return w.room_ns;
}

void policy_store_unassign(struct policy_store *, struct container *container)
{
	w.assigned -= container->on_free != NULL;
	container->on_free = NULL;
}

int policy_store_resolve(struct policy_store *, struct container *container)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_facts facts = { 0 };

	if (should_fail())
		return -ENOMEM;
	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	assert_int_equal(policy_set_resolve(set, &facts, &container->policy), 0);
	container->policy->not_ready = w.not_ready;
	return 0;
}

uint64_t policy_store_pause_until(const struct policy_store *, const char *)
{
	return 0;
}

int enrol_submit(struct enroller *, struct enrol_job *job)
{
	if (should_fail())
		return -ENOBUFS;
	assert_null(w.job);
	w.job = job;
	return 0;
}

void settle_on_start(struct settler *, const struct container *container)
{
	assert_non_null(container->policy);
	assert_int_equal(container->layer_set, LAYER_SET);
	w.learning++;
}

void settle_on_end(struct settler *, const struct container *)
{
	w.learning -= w.learning > 0;
}

bool workers_alive(struct workers *)
{
	return !w.helpless;
}

void enrol_release(struct enroller *, uint32_t layer_set)
{
	assert_int_equal(layer_set, LAYER_SET);
	assert_true(w.sets > 0);
	w.sets--;
}

void enrol_job_free(struct enrol_job **job)
{
	close_fd(&(*job)->rootfs_fd);
	free((*job)->root.layers);
	free((*job)->root.upper);
	free((*job)->volumes);
	free(*job);
	*job = NULL;
}

int life_watch(struct daemon *, struct container *container, int pidfd)
{
	if (should_fail())
		return -EMFILE;
	assert_true(pidfd >= 0);
	container->watch = (void *)(intptr_t)(pidfd + 1);
	w.watches++;
	return 0;
}

void life_unwatch(struct container *container)
{
	int fd = (int)(intptr_t)container->watch - 1;

	w.watches -= container->watch != NULL;
	close_fd(&fd);
	container->watch = NULL;
}

bool life_has_ended(const struct container *container)
{
	assert_non_null(container->watch);
	return w.ended;
}

void state_keep(struct daemon *daemon, struct container *container)
{
	container->unsaved = add(&w.files, -ENOSPC) || w.state_broken;
	if (container->unsaved)
		faults_met(daemon->faults, FAULT_STATE, NULL);
}

void state_remove(struct daemon *, uint64_t)
{
	w.files -= w.files > 0;
}

int cgroup_of_pid(pid_t pid, char **ret_path, uint64_t *ret_id)
{
	assert_int_equal(pid, 42);
	if (should_fail())
		return -ENOENT;
	*ret_path = strdup("/cgroup");
	*ret_id = 99;
	return 0;
}

/* I1 of arm.c: by then the kernel half has all of it. */
int hook_server_answer(struct hook_server *, uint64_t client, int status, const char *, bool armed,
		       const char *message)
{
	assert_int_equal(client, CLIENT);
	assert_true(status <= 0);
	assert_true(status == 0 || message);
	w.answers++;
	w.status = status;
	w.armed = armed;
	snprintf(w.message, sizeof(w.message), "%s", message ? message : "");
	if (armed) {
		assert_true(w.roots && w.watches && w.assigned && w.sets);
		assert_true(w.files || faults_count(w.daemon->faults, FAULT_STATE));
		assert_int_not_equal(w.records[HF_SLOT_FIRST].id, 0);
	}
	return w.client_gone ? -ENOENT : 0;
}

/* --- what each test begins and ends with ------------------------------------------------------------------------------ */

static int setup(void **)
{
	log_set_level(-1);
	memset(&w, 0, sizeof(w));
	w.daemon = calloc(1, sizeof(*w.daemon));
	assert_non_null(w.daemon);
	assert_int_equal(faults_new(NULL, NULL, NULL, &w.daemon->faults), 0);
	return container_table_new(&w.daemon->containers);
}

static int teardown(void **)
{
	container_table_free(&w.daemon->containers);
	faults_free(&w.daemon->faults);
	free(w.daemon);
	return 0;
}

static void release_all(void)
{
	while (container_at(w.daemon->containers, 0))
		arm_release(w.daemon, container_at(w.daemon->containers, 0)->kernel_id);
}

static void check_nothing_left(void)
{
	assert_int_equal(w.assigned + w.sets + w.watches + w.files + w.roots + w.cgroups + w.volumes + w.learning, 0);
	assert_null(w.daemon->armings);
	for (uint32_t slot = 0; slot < HF_MAX_CONTAINERS; slot++) {
		assert_false(w.daemon->slot_taken[slot]);
		assert_int_equal(w.records[slot].id, 0);
	}
}

#endif
