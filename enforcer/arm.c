// SPDX-License-Identifier: Apache-2.0
/*
 * Arming: parse the request, resolve the policy, enrol, publish, answer.
 *
 *   I1  The hook is answered "armed" only after the record is visible to the kernel half: the runtime then pivots and
 *       executes, and the first exec finds record, policy and catalogue.
 *   I2  Every request is answered exactly once, and every failure has a name that the policy's notReady decides upon.
 *   I3  What is full or broken never takes room from those that are armed: a container that cannot even be registered, and that
 *       its policy lets start, is one that nobody registered, with the kernel half's rule for those.
 *   I4  Room that was given back before the request is free again within POLICY_SLOTS_QUARANTINE_NS: the request waits for it, since
 *       what it gets instead it would have for its whole life.
 */
#include "enforcer/arm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/arm_record.h"
#include "enforcer/cgroup.h"
#include "enforcer/daemon.h"
#include "enforcer/enrol.h"
#include "enforcer/faults.h"
#include "enforcer/hook_server.h"
#include "enforcer/life.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/policy_slots.h"
#include "enforcer/policy_store.h"
#include "enforcer/settle.h"
#include "enforcer/state.h"
#include "enforcer/util.h"
#include "enforcer/volumes.h"
#include "enforcer/workers.h"

#define TELL_BYTES 1536 /* an id and a reason */
/* Longest scan of the root of a container that runs already: nobody waits for it, but others wait behind it. */
#define ADOPT_SCAN_NS (300ull * NSEC_PER_SEC)

/* A request on its way. */
struct arming {
	struct daemon *daemon;
	struct container *container;
	struct oci_container *oci;
	uint64_t client;
	uint64_t asked_ns; /* CLOCK_MONOTONIC */
	int pidfd;
	int rootfs_fd;		  /* -1 but while it waits for room */
	struct loop_source *room; /* I4 */
	bool adopted; /* no hook waits for an answer: done is called */
	bool insist;  /* struct arm_adoption */
	void (*done)(struct daemon *daemon, const struct container *c, void *data);
	void *data;
	struct arming *next; /* of the daemon's list */
};

static void arming_free(struct arming **arming)
{
	struct arming **at;

	if (!*arming)
		return;
	at = &(*arming)->daemon->armings;
	while (*at && *at != *arming)
		at = &(*at)->next;
	if (*at)
		*at = (*arming)->next;
	container_free(&(*arming)->container);
	oci_free(&(*arming)->oci);
	close_fd(&(*arming)->pidfd);
	close_fd(&(*arming)->rootfs_fd);
	loop_unwatch(&(*arming)->room);
	free(*arming);
	*arming = NULL;
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

	c->watched_ns = clock_ns(CLOCK_REALTIME);
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

/* c: NULL when it is not taken. */
static void answer(struct arming *a, int err, const struct container *c, const char *id, const char *why)
{
	if (a->adopted)
		a->done(a->daemon, c, a->data);
	else
		hook_server_answer(a->daemon->hook, a->client, err, id, c && c->state == CONTAINER_STATE_ARMED, why);
}

static void give_up(struct arming *a, int err, enum fault_kind kind, const char *why)
{
	const char *id = a->container ? a->container->facts.id : a->oci->facts.id;

	tell(a->daemon, id, kind, a->adopted ? "not adopted" : "refused", why);
	if (a->container)
		arm_withdraw(a->daemon, a->container);
	answer(a, err, NULL, id, why);
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
	if (not_ready_of(a) == POLICY_NOT_READY_DENY && !a->adopted) {
		give_up(a, err, kind, why);
		return;
	}
	tell(a->daemon, a->container->facts.id, kind, "runs as an unknown container", why);
	arm_withdraw(a->daemon, a->container);
	answer(a, 0, NULL, a->container->facts.id, why);
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

	if (a->insist ? !workers_alive(a->daemon->workers) : not_ready == POLICY_NOT_READY_DENY && !a->adopted) {
		give_up(a, err, kind, why);
		return;
	}
	c->state = not_ready == POLICY_NOT_READY_ALLOW ? CONTAINER_STATE_UNWATCHED : CONTAINER_STATE_AUDIT;
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
	answer(a, 0, c, c->facts.id, why);
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
	log_info("container %s: %s in %llu ms, %u executables%s, policy %s", c->facts.id, a->adopted ? "adopted" : "armed",
		 (unsigned long long)((clock_ns(CLOCK_MONOTONIC) - a->asked_ns) / 1000000), job->executables,
		 job->known ? " (known layers)" : "", c->policy->name);
	settle_on_start(a->daemon->settler, c);
	answer(a, 0, c, c->facts.id, NULL);
}

static void on_enrolled(struct enrol_job *job, void *data)
{
	_cleanup_(arming_free) struct arming *a = data;
	struct container *c = a->container;

	arm_take_root(c, job);
	if (job->err)
		not_ready(a, job->err, job->err == -ENOSPC ? FAULT_CATALOG : _FAULT_MAX, job->error);
	else
		armed(a, job);
	enrol_job_free(&job);
}

/* Its id and slot: new ones, or those that its tasks' tags or its record name. */
static int take_identity(struct arming *a, const struct arm_adoption *request)
{
	struct daemon *daemon = a->daemon;
	struct container *c = a->container;

	if (!request || !request->keep_id) {
		c->kernel_id = arm_fresh_id(daemon);
		return arm_take_slot(daemon, c);
	}
	c->kernel_id = request->keep_id;
	return arm_keep_slot(daemon, c, request->keep_slot);
}

/* request: NULL when it comes from the hook. a->container: NULL only when there is no memory. *ret_kind: which table had no room, on failure. */
static int make_container(struct arming *a, const struct arm_adoption *request, enum fault_kind *ret_kind)
{
	struct container *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	a->container = c;
	c->facts = a->oci->facts;
	a->oci->facts = (struct container_facts){ 0 };
	c->pid = a->oci->pid;
	c->started_ns = request && request->started_ns ? request->started_ns : clock_ns(CLOCK_REALTIME);
	c->source = request ? CONTAINER_SOURCE_ADOPTED : CONTAINER_SOURCE_HOOK;
	c->state = request ? CONTAINER_STATE_ADOPTING : CONTAINER_STATE_PENDING;
	cgroup_of_pid(c->pid, &c->cgroup_path, &c->cgroup);
	err = take_identity(a, request);
	*ret_kind = err == -ENOSPC ? FAULT_CONTAINERS : _FAULT_MAX;
	if (err)
		return err;
	if (request)
		arm_begin_watch(a->daemon, c);
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
	job->deadline_ns = a->asked_ns + (a->adopted ? ADOPT_SCAN_NS : a->daemon->options.enrol_timeout_ms * 1000000ull);
	job->unwatched = a->container->was_unwatched;
	job->slot = a->container->slot;
	job->insist = a->insist;
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

static void list(struct arming *a)
{
	a->next = a->daemon->armings;
	a->daemon->armings = a;
}

/* The container is made, or err and kind say why not. 0: it is on its way until on_enrolled has freed it. */
static int proceed(struct arming *a, int err, enum fault_kind kind, int rootfs_fd)
{
	if (err) {
		close_fd(&rootfs_fd);
		if (a->container)
			not_ready(a, err, kind, kind == _FAULT_MAX ? strerror(-err) : faults_text(kind));
		else
			give_up(a, err, _FAULT_MAX, strerror(-err));
		return err;
	}
	err = submit(a, rootfs_fd);
	if (err) {
		kind = err == -ENOBUFS ? FAULT_QUEUE : _FAULT_MAX;
		not_ready(a, err, kind, kind == FAULT_QUEUE ? faults_text(kind) : strerror(-err));
		return err;
	}
	return 0;
}

static void on_room(uint32_t events, void *data);

/* I4. Takes the descriptor when it waits. */
static bool wait_for_room(struct arming *a, int rootfs_fd)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), next = policy_store_next_room_ns(a->daemon->policies);

	if (!next || next > a->asked_ns + POLICY_SLOTS_QUARANTINE_NS ||
	    loop_timer(a->daemon->loop, next > now ? next - now : 1, 0, on_room, a, &a->room))
		return false;
	a->rootfs_fd = rootfs_fd;
	return true;
}

static void on_room(uint32_t events, void *data)
{
	struct arming *a = data;
	int rootfs_fd = TAKE_FD(a->rootfs_fd), err = policy_store_assign(a->daemon->policies, a->container);

	(void)events;
	loop_unwatch(&a->room);
	if (err == -ENOSPC && wait_for_room(a, rootfs_fd))
		return;
	if (proceed(a, err, err == -ENOSPC ? FAULT_POLICIES : _FAULT_MAX, rootfs_fd))
		arming_free(&a);
}

/* 0: it is on its way until on_room or on_enrolled has freed it. */
static int begin(struct arming *a, const struct arm_adoption *request, int rootfs_fd)
{
	enum fault_kind kind = _FAULT_MAX;
	int err = make_container(a, request, &kind);

	err = err && kind == FAULT_POLICIES && wait_for_room(a, rootfs_fd) ? 0 : proceed(a, err, kind, rootfs_fd);
	if (!err)
		list(a);
	return err;
}

void arm_request(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd)
{
	_cleanup_(arming_free) struct arming *a = calloc(1, sizeof(*a));
	char error[OCI_ERROR_BYTES] = "out of memory";
	int err = a ? 0 : -ENOMEM;

	if (a) {
		*a = (struct arming){ .daemon = daemon, .client = client, .pidfd = pidfd, .rootfs_fd = -1,
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
	arm_release_same_id(daemon, a->oci->facts.id);
	if (begin(a, NULL, rootfs_fd) == 0)
		a = NULL; /* on_enrolled's now */
}

const struct container *arm_pending_at(struct daemon *daemon, size_t i)
{
	for (const struct arming *a = daemon->armings; a; a = a->next) {
		if (a->container && i-- == 0)
			return a->container;
	}
	return NULL;
}

/* Takes the request's members into *a, those that it has no use for are freed. */
static int take_adoption(struct arming *a, struct daemon *daemon, struct arm_adoption *request, char *reterr)
{
	int err = 0;

	*a = (struct arming){ .daemon = daemon, .adopted = true, .insist = request->insist, .pidfd = TAKE_FD(request->pidfd), .rootfs_fd = -1,
			      .done = request->done, .data = request->data, .asked_ns = clock_ns(CLOCK_MONOTONIC),
			      .oci = TAKE_PTR(request->oci) };
	if (!a->oci)
		err = oci_parse(request->state_json, request->config_fd, &a->oci, reterr);
	if (!err && arm_is_known(daemon, a->oci->pid)) {
		snprintf(reterr, OCI_ERROR_BYTES, "process %d is a known container's", (int)a->oci->pid);
		err = -EEXIST;
	}
	return err;
}

static void free_adoption(struct arm_adoption *request)
{
	close_fd(&request->pidfd);
	close_fd(&request->rootfs_fd);
	close_fd(&request->config_fd);
	oci_free(&request->oci);
	free(request->state_json);
	request->state_json = NULL;
}

void arm_adopt(struct daemon *daemon, struct arm_adoption *request)
{
	_cleanup_(arming_free) struct arming *a = calloc(1, sizeof(*a));
	char error[OCI_ERROR_BYTES] = "out of memory";
	int err = a ? take_adoption(a, daemon, request, error) : -ENOMEM;

	if (err) {
		log_warning("adoption: left alone: %s", error);
		request->done(daemon, NULL, request->data);
	} else {
		arm_release_same_id(daemon, a->oci->facts.id);
		if (begin(a, request, TAKE_FD(request->rootfs_fd)) == 0)
			a = NULL; /* on_enrolled's now */
	}
	free_adoption(request);
}
