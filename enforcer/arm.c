// SPDX-License-Identifier: Apache-2.0
/*
 * Arming: parse the request, resolve the policy, enrol, publish, answer.
 *
 *   I1  The hook is answered "armed" only after the record is visible to the kernel half: the runtime then pivots and
 *       executes, and the first exec finds record, policy and catalogue.
 *   I2  Every request is answered exactly once, and every failure has a name that the policy's notReady decides upon.
 *   I3  What is full or broken never takes room from those that are armed: a container that cannot even be registered, and that
 *       its policy lets start, is one that nobody registered, with the kernel half's rule for those.
 */
#include "enforcer/arm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/cgroup.h"
#include "enforcer/daemon.h"
#include "enforcer/enrol.h"
#include "enforcer/faults.h"
#include "enforcer/hook_server.h"
#include "enforcer/life.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/policy_store.h"
#include "enforcer/state.h"
#include "enforcer/util.h"
#include "enforcer/volumes.h"

#define TELL_BYTES 1536 /* an id and a reason */

/* A request on its way. */
struct arming {
	struct daemon *daemon;
	struct container *container;
	struct oci_container *oci;
	uint64_t client;
	uint64_t asked_ns; /* CLOCK_MONOTONIC */
	int pidfd;
};

static void arming_free(struct arming **arming)
{
	if (!*arming)
		return;
	container_free(&(*arming)->container);
	oci_free(&(*arming)->oci);
	close_fd(&(*arming)->pidfd);
	free(*arming);
	*arming = NULL;
}

/* Slots belong to records of the kernel half; free is what has no id there and is not pending here. */
static int find_slot(struct daemon *daemon, uint32_t *ret)
{
	const struct hf_container *record;

	for (uint32_t slot = HF_SLOT_FIRST; (record = lsm_container(daemon->lsm, slot)); slot++) {
		if (record->id == 0 && !daemon->slot_taken[slot]) {
			*ret = slot;
			return 0;
		}
	}
	return -ENOSPC;
}

/* Ids rise with the wall clock and never repeat, also across restarts of the daemon. */
static uint64_t fresh_id(struct daemon *daemon)
{
	uint64_t now = clock_ns(CLOCK_REALTIME);

	daemon->last_kernel_id = now > daemon->last_kernel_id ? now : daemon->last_kernel_id + 1;
	return daemon->last_kernel_id;
}

static void fill_root_key(const struct container *c, struct hf_root_key *key)
{
	*key = (struct hf_root_key){ .dev = c->root_dev, .ino = c->own_overlay ? 0 : c->root_ino };
}

static uint32_t record_flags(const struct container *c)
{
	uint32_t flags = c->own_overlay ? HF_CONTAINER_OVERLAY_ROOT : 0;

	if (c->clean_upper && c->state == CONTAINER_STATE_ARMED)
		flags |= HF_CONTAINER_CLEAN_UPPER;
	if (c->state == CONTAINER_STATE_AUDIT)
		flags |= HF_CONTAINER_NO_BASELINE;
	if (c->state == CONTAINER_STATE_UNWATCHED)
		flags |= HF_CONTAINER_UNARMED;
	return flags;
}

int arm_publish(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);
	struct hf_slot_ref ref = { .id = c->kernel_id, .slot = c->slot };
	struct hf_root_key key;
	int err;

	record->policy = c->policy_slot;
	record->layer_set = c->layer_set;
	record->root_dev = c->root_dev;
	record->root_ino = c->root_ino;
	record->flags = record_flags(c);
	record->cgroup = c->cgroup;
	record->pause_until_ns = policy_store_pause_until(daemon->policies, c->facts.namespace_);
	record->denied = record->audited = 0;
	__atomic_store_n(&record->id, c->kernel_id, __ATOMIC_RELEASE);
	fill_root_key(c, &key);
	err = c->root_dev ? lsm_root_add(daemon->lsm, &key, &ref) : 0;
	if (!err && c->cgroup)
		err = lsm_cgroup_add(daemon->lsm, c->cgroup, &ref);
	return err;
}

static void withdraw(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);
	struct hf_root_key key;

	if (record && record->id == c->kernel_id) {
		fill_root_key(c, &key);
		lsm_root_remove(daemon->lsm, &key, c->kernel_id);
		if (c->cgroup)
			lsm_cgroup_remove(daemon->lsm, c->cgroup, c->kernel_id);
		__atomic_store_n(&record->id, 0, __ATOMIC_RELEASE);
	}
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
	withdraw(daemon, c);
	tell_room(daemon, c);
	state_remove(daemon, kernel_id);
	log_info("container %s: gone", c->facts.id);
	container_free(&c);
}

/* The container remembers its mounts: another policy may see them with other eyes. */
static int take_mounts(struct arming *a, const struct enrol_job *job)
{
	struct container *c = a->container;

	c->mounts = calloc(job->n_mounts + 1, sizeof(*c->mounts));
	if (!c->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < job->n_mounts; i++) {
		const struct enrol_volume *volume = &job->volumes[i];

		c->mounts[c->n_mounts++] = (struct container_mount){
			.destination = TAKE_PTR(a->oci->mounts[i].destination),
			.root_ino = volume->root_ino,
			.dev = volume->dev,
			.read_only = a->oci->mounts[i].read_only && !volume->written,
			.is_file = volume->is_file,
		};
		c->volumes += volume->dev != 0;
	}
	return 0;
}

/* One line for a container, or for all that meet the same fault. _FAULT_MAX: this one's own trouble. */
static void tell(struct daemon *daemon, const char *id, enum fault_kind kind, const char *what, const char *why)
{
	char text[TELL_BYTES];

	snprintf(text, sizeof(text), "container %s: %s: %s", id, what, why);
	if (kind == _FAULT_MAX)
		log_warning("%s", text);
	else if (!faults_met(daemon->faults, kind, text))
		log_debug("%s", text);
}

/* Hands the container to the table, its record to the kernel half, and writes it down, now or when that works again. */
static int commit(struct arming *a, enum fault_kind *ret_kind)
{
	struct daemon *daemon = a->daemon;
	struct container *c = a->container;
	int err;

	state_keep(daemon, c);
	*ret_kind = FAULT_DESCRIPTORS;
	err = life_watch(daemon, c, a->pidfd);
	if (!err) {
		a->pidfd = -1; /* taken */
		*ret_kind = FAULT_ROOTS;
		err = arm_publish(daemon, c);
	}
	if (!err) {
		*ret_kind = FAULT_CONTAINERS;
		err = container_table_add(daemon->containers, &a->container);
	}
	if (err) {
		life_unwatch(c);
		state_remove(daemon, c->kernel_id);
	}
	return err;
}

static void give_up(struct arming *a, int err, enum fault_kind kind, const char *why)
{
	const char *id = a->container ? a->container->facts.id : a->oci->facts.id;

	tell(a->daemon, id, kind, "refused", why);
	if (a->container)
		withdraw(a->daemon, a->container);
	hook_server_answer(a->daemon->hook, a->client, err, id, false, why);
}

static enum policy_not_ready not_ready_of(struct arming *a)
{
	struct container *c = a->container;

	if (!c->policy)
		policy_store_resolve(a->daemon->policies, c);
	return c->policy ? c->policy->not_ready : POLICY_NOT_READY_DENY; /* no memory to find out: the safe side */
}

/* There is no record for it. Either it does not start, or it starts as one that nobody registered (I3). */
static void cannot_register(struct arming *a, int err, enum fault_kind kind, const char *why)
{
	if (not_ready_of(a) == POLICY_NOT_READY_DENY) {
		give_up(a, err, kind, why);
		return;
	}
	tell(a->daemon, a->container->facts.id, kind, "runs as an unknown container", why);
	withdraw(a->daemon, a->container);
	hook_server_answer(a->daemon->hook, a->client, 0, a->container->facts.id, false, why);
}

/* The state caps its policy at audit, so it gets another slot. Without one the policy of unknown containers does, until there
 * is room: it denies nothing either. */
static int assign_again(struct arming *a)
{
	struct container *c = a->container;
	int err;

	policy_store_unassign(a->daemon->policies, c);
	err = policy_store_assign(a->daemon->policies, c);
	if (err != -ENOSPC)
		return err;
	faults_met(a->daemon->faults, FAULT_POLICIES, c->facts.id);
	c->policy_slot = HF_SLOT_UNKNOWN;
	return 0;
}

/* It could not be armed: the policy says what it gets. kind: what was full or broken, or _FAULT_MAX. */
static void not_ready(struct arming *a, int err, enum fault_kind kind, const char *why)
{
	struct container *c = a->container;
	enum policy_not_ready not_ready = not_ready_of(a);
	enum fault_kind next = _FAULT_MAX;

	if (not_ready == POLICY_NOT_READY_DENY) {
		give_up(a, err, kind, why);
		return;
	}
	c->state = not_ready == POLICY_NOT_READY_AUDIT ? CONTAINER_STATE_AUDIT : CONTAINER_STATE_UNWATCHED;
	free(c->state_reason);
	c->state_reason = strdup(why);
	err = c->slot ? assign_again(a) : -ENOSPC;
	if (!err)
		err = commit(a, &next);
	if (err) {
		cannot_register(a, err, next == _FAULT_MAX ? kind : next, why);
		return;
	}
	tell(a->daemon, c->facts.id, kind, c->state == CONTAINER_STATE_AUDIT ? "only audited" : "unwatched", why);
	hook_server_answer(a->daemon->hook, a->client, 0, c->facts.id, false, why);
}

static void armed(struct arming *a, struct enrol_job *job)
{
	struct container *c = a->container;
	enum fault_kind kind;
	int err;

	c->state = CONTAINER_STATE_ARMED;
	c->armed_after_ns = clock_ns(CLOCK_MONOTONIC) - a->asked_ns;
	if (job->warning[0])
		c->state_reason = strdup(job->warning);
	err = take_mounts(a, job);
	if (!err)
		err = volumes_publish(a->daemon->lsm, c);
	if (err) {
		lsm_volumes_remove(a->daemon->lsm, c->kernel_id); /* those that found room are of no use to it now */
		not_ready(a, err, err == -ENOMEM ? _FAULT_MAX : FAULT_VOLUMES, "no room for its volumes in the kernel half");
		return;
	}
	err = commit(a, &kind);
	if (err) {
		cannot_register(a, err, kind, "it cannot be registered");
		return;
	}
	if (!job->known)
		faults_over(a->daemon->faults, FAULT_CATALOG);
	log_info("container %s: armed in %llu ms, %u executables%s, policy %s", c->facts.id,
		 (unsigned long long)((clock_ns(CLOCK_MONOTONIC) - a->asked_ns) / 1000000), job->executables,
		 job->known ? " (known layers)" : "", c->policy->name);
	hook_server_answer(a->daemon->hook, a->client, 0, c->facts.id, true, NULL);
}

static void on_enrolled(struct enrol_job *job, void *data)
{
	_cleanup_(arming_free) struct arming *a = data;
	struct container *c = a->container;

	c->layer_set = job->layer_set;
	c->root_dev = job->root_dev;
	c->root_ino = job->root_ino;
	c->own_overlay = job->root.own_overlay;
	c->root_type = strdup(job->root.type);
	c->layers = TAKE_PTR(job->root.layers);
	c->layers_complete = job->complete;
	c->clean_upper = job->clean_upper;
	c->executables = job->executables;
	if (job->err)
		not_ready(a, job->err, job->err == -ENOSPC ? FAULT_CATALOG : _FAULT_MAX, job->error);
	else
		armed(a, job);
	enrol_job_free(&job);
}

/* A runtime may start a container again under the same id before we saw the end of the old one. One that lives is another
 * runtime's, whose ids need not differ, and stays. */
static void release_same_id(struct daemon *daemon, const char *id)
{
	for (size_t i = container_count(daemon->containers); i > 0; i--) {
		struct container *old = container_at(daemon->containers, i - 1);

		if (old && old->facts.id && !strcmp(old->facts.id, id) && life_has_ended(old))
			arm_release(daemon, old->kernel_id);
	}
}

/* a->container: NULL only when there is no memory. *ret_kind: which table had no room, on failure. */
static int make_container(struct arming *a, enum fault_kind *ret_kind)
{
	struct container *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	a->container = c;
	c->facts = a->oci->facts;
	a->oci->facts = (struct container_facts){ 0 };
	c->pid = a->oci->pid;
	c->kernel_id = fresh_id(a->daemon);
	c->started_ns = clock_ns(CLOCK_REALTIME);
	cgroup_of_pid(c->pid, &c->cgroup_path, &c->cgroup);
	*ret_kind = FAULT_CONTAINERS;
	err = find_slot(a->daemon, &c->slot);
	if (err)
		return err;
	a->daemon->slot_taken[c->slot] = true;
	err = policy_store_assign(a->daemon->policies, c);
	*ret_kind = err == -ENOSPC ? FAULT_POLICIES : _FAULT_MAX;
	return err;
}

static int submit(struct arming *a, int rootfs_fd)
{
	struct enrol_job *job = calloc(1, sizeof(*job));
	int err;

	if (!job) {
		close(rootfs_fd);
		return -ENOMEM;
	}
	job->rootfs_fd = rootfs_fd;
	job->pid = a->container->pid;
	job->container = a->container->kernel_id;
	job->image = a->container->facts.image;
	job->mounts = a->oci->mounts;
	job->n_mounts = a->oci->n_mounts;
	job->deadline_ns = a->asked_ns + a->daemon->options.enrol_timeout_ms * 1000000ull;
	job->done = on_enrolled;
	job->data = a;
	err = enrol_submit(a->daemon->enroller, job);
	if (err)
		enrol_job_free(&job);
	return err;
}

/* While nobody answered, the runtime gave the container up. */
static bool has_ended(int pidfd)
{
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	return poll(&poller, 1, 0) > 0 && poller.revents & POLLIN;
}

void arm_request(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd)
{
	_cleanup_(arming_free) struct arming *a = calloc(1, sizeof(*a));
	char error[OCI_ERROR_BYTES] = "out of memory";
	enum fault_kind kind = _FAULT_MAX;
	int err = a ? 0 : -ENOMEM;

	if (a) {
		*a = (struct arming){ .daemon = daemon, .client = client, .pidfd = pidfd,
				      .asked_ns = clock_ns(CLOCK_MONOTONIC) };
		err = oci_parse(state_json, config_fd, &a->oci, error);
	}
	free(state_json);
	close_fd(&config_fd);
	if (err) {
		log_warning("hook: refused: %s", error);
		close_fd(&rootfs_fd);
		if (!a)
			close_fd(&pidfd);
		hook_server_answer(daemon->hook, client, err, NULL, false, error);
		return;
	}
	if (has_ended(pidfd)) {
		close_fd(&rootfs_fd);
		hook_server_answer(daemon->hook, client, -ESRCH, a->oci->facts.id, false, "its process has ended");
		return;
	}
	release_same_id(daemon, a->oci->facts.id);
	err = make_container(a, &kind);
	if (err) {
		close_fd(&rootfs_fd);
		if (a->container)
			not_ready(a, err, kind, kind == _FAULT_MAX ? strerror(-err) : faults_text(kind));
		else
			give_up(a, err, _FAULT_MAX, strerror(-err));
		return;
	}
	err = submit(a, rootfs_fd);
	if (err) {
		kind = err == -ENOBUFS ? FAULT_QUEUE : _FAULT_MAX;
		not_ready(a, err, kind, kind == FAULT_QUEUE ? faults_text(kind) : strerror(-err));
		return;
	}
	a = NULL; /* on_enrolled's now */
}
