/* SPDX-License-Identifier: Apache-2.0 */
/* What adopt.c (the order of the steps, main thread) and adopt_work.c (the thread's work) share; nobody else includes it. */
#ifndef ENFORCER_ADOPT_WORK_H
#define ENFORCER_ADOPT_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"

struct lsm;
struct oci_container;

/* A container to be adopted. */
struct adopt_found {
	struct oci_container *oci; /* NULL once it was handed over */
	int pidfd, rootfs_fd;
	uint64_t start;	     /* as adopt_entry */
	uint64_t started_ns; /* CLOCK_REALTIME, 0: not known */
	uint64_t file_id; /* of its state file, 0: none */
	/* What its state file or its first process's tag names; 0: nothing. */
	uint64_t keep_id;
	uint32_t keep_slot;
	uint32_t root_dev;
	struct adopt_found *next;
};

/* One look at everything that runs. */
struct adopt_look {
	const char *const *folders; /* borrowed */
	size_t n_folders;
	const char *proc;
	const uint64_t *orphans; /* borrowed: ids of records that are nobody's */
	size_t n_orphans;
	struct adopt_found *known; /* from state files: processes are opened, those that have ended go */
	/* Answered: */
	struct adopt_found *found; /* known ones first */
	size_t strangers; /* roots of their own that belong to no container that a runtime names */
	size_t starting;  /* containers whose first process has the host's root still */
	int err;
};

void adopt_found_free(struct adopt_found **found);

/* Does the look: lists tasks, reads folders, opens processes. */
void adopt_work_look(struct lsm *lsm, struct adopt_look *look);

/* The same with the tasks given, which are sorted. */
void adopt_work_match(struct adopt_look *look, struct hf_task *tasks, size_t n_tasks);

/* Tags the tasks of what was adopted, again while there were some. 0 or -errno. */
int adopt_work_tag(struct lsm *lsm);

#endif
