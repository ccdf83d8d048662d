// SPDX-License-Identifier: Apache-2.0
/*
 * State to container: parse, check that it still lives and that the kernel half still has it, watch it again.
 */
#include "enforcer/restore.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/adopt.h"
#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/enrol.h"
#include "enforcer/faults.h"
#include "enforcer/life.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/oci_declared.h"
#include "enforcer/policy_store.h"
#include "enforcer/rearm.h"
#include "enforcer/settle.h"
#include "enforcer/util.h"
#include "enforcer/volumes.h"

#define START_FIELD 22 /* of /proc/PID/stat; the second one, in brackets, may hold blanks */

uint64_t restore_start_of_pid(pid_t pid)
{
	return restore_start_in("/proc", pid);
}

uint64_t restore_start_in(const char *proc, pid_t pid)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[512], text[1024];
	char *at, *save = NULL;
	size_t n;

	snprintf(path, sizeof(path), "%.400s/%d/stat", proc, (int)pid);
	file = fopen(path, "re");
	n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at)
		return 0;
	at = strtok_r(at + 1, " ", &save);
	for (int field = 3; at && field < START_FIELD; field++)
		at = strtok_r(NULL, " ", &save);
	return at ? strtoull(at, NULL, 10) : 0;
}

static uint64_t number(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_uint64(value) : 0;
}

static char *text(struct json_object *o, const char *key)
{
	struct json_object *value;
	const char *s = json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : NULL;

	return s ? strdup(s) : NULL;
}

static void pairs(struct json_object *o, const char *key, struct container_label **ret, size_t *ret_n)
{
	struct json_object *map;
	struct container_label *list;

	if (!json_object_object_get_ex(o, key, &map) || !json_object_is_type(map, json_type_object))
		return;
	list = calloc((size_t)json_object_object_length(map) + 1, sizeof(*list));
	if (!list)
		return;
	*ret = list;
	json_object_object_foreach(map, name, value) {
		if (!json_object_is_type(value, json_type_string))
			continue;
		list[*ret_n].key = strdup(name);
		list[*ret_n].value = strdup(json_object_get_string(value));
		(*ret_n)++;
	}
}

static void mounts(struct json_object *o, struct container *c)
{
	struct json_object *list;
	size_t n;

	if (!json_object_object_get_ex(o, "mounts", &list) || !json_object_is_type(list, json_type_array))
		return;
	n = json_object_array_length(list);
	c->mounts = calloc(n + 1, sizeof(*c->mounts));
	for (size_t i = 0; c->mounts && i < n; i++) {
		struct json_object *mount = json_object_array_get_idx(list, i);
		char *destination = text(mount, "destination");

		if (!destination)
			continue;
		c->mounts[c->n_mounts++] = (struct container_mount){
			.destination = destination,
			.root_ino = number(mount, "root_ino"),
			.dev = (uint32_t)number(mount, "dev"),
			.read_only = number(mount, "read_only"),
			.is_file = number(mount, "is_file"),
		};
	}
}

static struct container *parse(struct json_object *o)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->facts = (struct container_facts){
		.id = text(o, "id"),
		.name = text(o, "name"),
		.image = text(o, "image"),
		.image_digest = text(o, "image_digest"),
		.namespace_ = text(o, "namespace"),
		.pod = text(o, "pod"),
		.pod_uid = text(o, "pod_uid"),
		.manager = text(o, "manager"),
		.program = text(o, "program"),
	};
	pairs(o, "labels", &c->facts.labels, &c->facts.n_labels);
	pairs(o, "annotations", &c->facts.annotations, &c->facts.n_annotations);
	mounts(o, c);
	if (oci_declared_restore(&c->facts, o) < 0)
		log_warning("container %s: no memory for its declared mounts: rules do not see them", c->facts.id ? c->facts.id : "?");
	c->state_reason = text(o, "state_reason");
	c->cgroup_path = text(o, "cgroup_path");
	c->root_type = text(o, "root_type");
	c->layers = text(o, "layers");
	c->state = (enum container_state)number(o, "state");
	c->pid = (pid_t)number(o, "pid");
	c->kernel_id = number(o, "kernel_id");
	c->slot = (uint32_t)number(o, "slot");
	c->layer_set = (uint32_t)number(o, "layer_set");
	c->root_dev = (uint32_t)number(o, "root_dev");
	c->root_ino = number(o, "root_ino");
	c->upper_dev = (uint32_t)number(o, "upper_dev");
	c->upper_ino = number(o, "upper_ino");
	c->layers_complete = number(o, "layers_complete");
	c->own_overlay = number(o, "own_overlay");
	c->cgroup = number(o, "cgroup");
	c->executables = (uint32_t)number(o, "executables");
	c->volumes = (uint32_t)number(o, "volumes");
	c->started_ns = number(o, "started_ns");
	c->armed_after_ns = number(o, "armed_after_ns");
	c->watched_ns = number(o, "watched_ns");
	c->source = CONTAINER_SOURCE_RESTORED;
	return c;
}

/* A state file is only believed where the kernel half agrees. */
static bool is_sane(struct daemon *daemon, const struct container *c)
{
	return c->facts.id && c->kernel_id && c->state < _CONTAINER_STATE_MAX && c->pid > 0 && c->slot >= HF_SLOT_FIRST &&
	       lsm_container(daemon->lsm, c->slot) && !daemon->slot_taken[c->slot];
}

/* Numbers that another version wrote mean nothing here. */
static bool has_record(struct daemon *daemon, const struct container *c, uint64_t abi)
{
	const struct hf_container *record = lsm_container(daemon->lsm, c->slot);

	return abi == HF_ABI_VERSION && record->id == c->kernel_id && record->layer_set == c->layer_set;
}

/* The first process, if it is still the one that was written down; -1: it has ended. */
static int open_first_process(const struct container *c, uint64_t start)
{
	int pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);

	if (pidfd >= 0 && (!start || restore_start_of_pid(c->pid) != start))
		close_fd(&pidfd);
	return pidfd < 0 ? -1 : pidfd;
}

/* Whether its cgroup is still the same one, so that others than the first process may be left in it. */
static bool has_cgroup(const struct container *c)
{
	struct stat st;

	return c->cgroup_path && stat(c->cgroup_path, &st) == 0 && st.st_ino == c->cgroup;
}

/* *pidfd is taken, and -1 then, unless watching fails. */
static int attach(struct daemon *daemon, struct container *c, int *pidfd)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);
	bool complete = c->layers && c->layers_complete;
	int err = policy_store_assign(daemon->policies, c);

	if (err == -ENOSPC) { /* the policy that an earlier daemon gave it stays until there is room: see mend.c */
		faults_met(daemon->faults, FAULT_POLICIES, c->facts.id);
		c->policy_slot = record->policy;
		err = policy_store_resolve(daemon->policies, c);
	}
	if (err)
		return err;
	__atomic_store_n(&record->policy, c->policy_slot, __ATOMIC_RELEASE);
	err = volumes_publish(daemon->lsm, c); /* the policy may have changed meanwhile */
	if (!err)
		err = life_watch(daemon, c, *pidfd);
	if (err)
		return err;
	*pidfd = -1;
	if (c->layer_set)
		err = enrol_adopt(daemon->enroller, c->layer_set, complete ? c->layers : NULL, complete, c->executables);
	if (err)
		life_unwatch(c);
	return err;
}

static int add_to_table(struct daemon *daemon, struct container **container)
{
	struct container *c = *container;
	int err = container_table_add(daemon->containers, container);

	if (!err) {
		daemon->slot_taken[c->slot] = true;
		settle_on_start(daemon->settler, c);
		return 0;
	}
	life_unwatch(c);
	if (c->layer_set)
		enrol_release(daemon->enroller, c->layer_set);
	return err;
}

/* Its facts and declared mounts as the hook would have given them. */
static struct oci_container *make_oci(struct container *c)
{
	struct oci_container *oci = calloc(1, sizeof(*oci));

	if (!oci)
		return NULL;
	oci->mounts = calloc(c->n_mounts + 1, sizeof(*oci->mounts));
	if (!oci->mounts) {
		oci_free(&oci);
		return NULL;
	}
	oci->facts = c->facts;
	c->facts = (struct container_facts){ 0 };
	oci->pid = c->pid;
	for (size_t i = 0; i < c->n_mounts; i++) {
		oci->mounts[oci->n_mounts++] = (struct oci_mount){ .destination = TAKE_PTR(c->mounts[i].destination),
								   .read_only = c->mounts[i].read_only };
	}
	return oci;
}

/* The kernel half does not have it as the file says, but it lives: it is adopted. */
static int adopt_again(struct daemon *daemon, struct container *c, uint64_t start)
{
	struct oci_container *oci;

	if (!c->facts.id || !c->kernel_id || c->pid <= 0 || !start)
		return -EBADMSG;
	if (restore_start_of_pid(c->pid) != start)
		return -ESRCH;
	oci = make_oci(c);
	if (!oci)
		return -ENOMEM;
	log_warning("container %s: the kernel half does not have it as %s/containers/%llu says: it is adopted", oci->facts.id,
		    daemon->options.run_dir, (unsigned long long)c->kernel_id);
	adopter_add(daemon->adopter, oci, start, c->started_ns, c->kernel_id, c->slot);
	return 1;
}

/* Another version judges, and the tables of this one are empty: it is armed before they count. What was never armed is what it
 * was, since its mounts are not known. */
static int arm_again(struct daemon *daemon, struct container **container, int *pidfd)
{
	struct container *c = *container;
	struct oci_container *oci;
	int err;

	if (c->state == CONTAINER_STATE_ARMED) {
		oci = make_oci(c);
		return oci ? rearm_note(daemon, c, oci, pidfd) : -ENOMEM;
	}
	c->layer_set = 0;
	err = attach(daemon, c, pidfd);
	if (!err)
		err = arm_publish(daemon, c);
	return err ? err : add_to_table(daemon, container);
}

int restore_container(struct daemon *daemon, struct json_object *state)
{
	_cleanup_(container_free) struct container *c = parse(state);
	_cleanup_(close_fd) int pidfd = -1;
	bool fresh = !lsm_took_over(daemon->lsm);
	int err;

	if (!c)
		return -ENOMEM;
	if (!is_sane(daemon, c) || (!fresh && !has_record(daemon, c, number(state, "abi"))))
		return adopt_again(daemon, c, number(state, "pid_start"));
	if (c->kernel_id > daemon->last_kernel_id)
		daemon->last_kernel_id = c->kernel_id;
	pidfd = open_first_process(c, number(state, "pid_start"));
	if (pidfd < 0 && !has_cgroup(c))
		return -ESRCH; /* its slot is freed by restore_finish */
	if (fresh)
		return arm_again(daemon, &c, &pidfd);
	err = attach(daemon, c, &pidfd);
	if (!err)
		return add_to_table(daemon, &c);
	log_error("container %s: cannot be taken over: %s", c->facts.id, strerror(-err));
	return adopt_again(daemon, c, number(state, "pid_start"));
}

void restore_free_slot(struct daemon *daemon, uint32_t slot)
{
	struct hf_container *record = lsm_container(daemon->lsm, slot);
	struct hf_root_key key = { .dev = record->root_dev,
				   .ino = record->flags & HF_CONTAINER_OVERLAY_ROOT ? 0 : record->root_ino };

	lsm_root_remove(daemon->lsm, &key, record->id);
	if (record->cgroup)
		lsm_cgroup_remove(daemon->lsm, record->cgroup, record->id);
	lsm_upper_remove(daemon->lsm, record->id);
	lsm_volumes_remove(daemon->lsm, record->id);
	lsm_written_remove(daemon->lsm, record->id);
	__atomic_store_n(&record->id, 0, __ATOMIC_RELEASE);
}

/* A record that no state file claims: its container ended while nobody watched, or its file was lost. It judges until adoption has
 * found out. */
static void keep_orphan(struct daemon *daemon, uint32_t slot, const struct hf_container *record)
{
	bool held = record->layer_set && !enrol_adopt(daemon->enroller, record->layer_set, NULL, false, 0);

	adopter_add_orphan(daemon->adopter, slot, held);
}

static bool is_gone(uint64_t container, void *data)
{
	const struct hf_container *record;
	struct daemon *daemon = data;

	if (container_by_kernel_id(daemon->containers, container))
		return false;
	for (uint32_t slot = HF_SLOT_FIRST; (record = lsm_container(daemon->lsm, slot)); slot++) {
		if (record->id == container)
			return false; /* an orphan's */
	}
	return true;
}

void restore_finish(struct daemon *daemon)
{
	const struct hf_container *record;
	int err;

	for (uint32_t slot = HF_SLOT_FIRST; (record = lsm_container(daemon->lsm, slot)); slot++) {
		if (record->id && !daemon->slot_taken[slot])
			keep_orphan(daemon, slot, record);
	}
	enrol_adopted_all(daemon->enroller);
	err = lsm_leftovers_remove(daemon->lsm, is_gone, daemon);
	if (err)
		log_error("cannot tidy the kernel half's tables: %s", strerror(-err));
}
