/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a hook's request, or from a container that was found running, to an armed container, and back.
 *
 * Owns: the order of the steps, slots and kernel ids, and what a container gets that cannot be armed. Must not know: how
 * requests arrive, how files are enrolled, how policies are compiled. Main thread only.
 */
#ifndef ENFORCER_ARM_H
#define ENFORCER_ARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container;
struct daemon;
struct oci_container;

/* A hook_arm_fn (hook_server.h). */
void arm_request(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd);

/* A container that runs already. */
struct arm_adoption {
	int pidfd;     /* (taken) of its first process, whose pid the facts name; -1: it has ended, others are left in its cgroup */
	int rootfs_fd; /* (taken) its root, O_PATH */
	struct oci_container *oci; /* (taken) its facts and declared mounts; NULL: in the next two */
	char *state_json; /* (taken) OCI state, perhaps made up; NULL when oci is given */
	int config_fd;	  /* (taken) config.json; -1 when oci is given */
	uint64_t started_ns; /* CLOCK_REALTIME, 0: not known */
	/* A record or a state file that names them: id and slot that it keeps, so that its tasks' tags go on. 0: new ones. */
	uint64_t keep_id;
	uint32_t keep_slot;
	/* It was armed, and another version holds it to its image still: a child that dies is tried again, and when this daemon has lost the
	 * means to read images, it is not adopted and nothing is written down. */
	bool insist;
	/* Called once, on the main thread, perhaps before arm_adopt returns; c is NULL when it was not adopted. Borrowed. */
	void (*done)(struct daemon *daemon, const struct container *c, void *data);
	void *data;
};

/**
 * arm_adopt - arm a container that runs already
 * @daemon: (borrowed)
 * @request: (borrowed) its members are taken, all of them, whatever happens
 *
 * The hook's way, but nobody waits for the end: its writes are noted first, then its root is compared and enrolled, then its record
 * is published, with HF_CONTAINER_ADOPTED and, when armed, HF_CONTAINER_SURVEY, which the caller's survey clears. It cannot be
 * refused: where its policy would, it is only audited. One that is known already, by its pid, or whose slot is taken is left alone.
 */
void arm_adopt(struct daemon *daemon, struct arm_adoption *request);

/* The i-th container that is on its way, borrowed until the loop goes on; NULL past the end. */
const struct container *arm_pending_at(struct daemon *daemon, size_t i);

/* Writes the container's record, root, cgroup and policy into the kernel half; its id last. Used at arming and after a
 * restart when a record is missing. 0 or -errno. */
int arm_publish(struct daemon *daemon, struct container *container);

/* The container has gone: takes it out of the kernel half and the table, and frees it. */
void arm_release(struct daemon *daemon, uint64_t kernel_id);

#endif
