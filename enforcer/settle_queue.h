/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that wait to be compared with the image's: which one is next, when one is tried again, when it is given up.
 *
 * Owns: order, bounds, patience. Must not know: threads, maps, how files are compared. Times are the caller's (CLOCK_MONOTONIC, ns).
 *
 *   I1  Containers take turns: one that opens all its files for writing does not keep another's single file from its turn.
 *   I2  A file is there once, however often it is asked for; asked for while it is looked at, it is looked at once more.
 */
#ifndef ENFORCER_SETTLE_QUEUE_H
#define ENFORCER_SETTLE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "enforcer/util.h"

#define SETTLE_WAITING_MAX 4096 /* files of all containers; what does not fit is asked for again when somebody runs it */
#define SETTLE_SHARE_MAX 512	/* … of one container */
#define SETTLE_FIRST_NS (10 * NSEC_PER_SEC / 1000) /* until a file that cannot be compared yet is tried again; doubles each time */
#define SETTLE_LONGEST_NS (5 * NSEC_PER_SEC)
#define SETTLE_PATIENCE_NS (600 * NSEC_PER_SEC) /* a writer that stays longer, or an image without digests: the next exec asks again */

/* Where a file is looked for, and what it is compared with: a snapshot, since containers belong to the main thread. */
struct settle_place {
	uint64_t container; /* struct hf_container.id */
	pid_t pid;	    /* whose root is the container's */
	uint32_t layer_set;
	uint32_t root_dev;
	uint64_t root_ino; /* of the root's folder, as the kernel half calls it */
	bool on_overlay;
	bool copies; /* its policy lets copies of the image's executables run */
	const char *layers; /* identity of its layers; NULL: none is kept. Owned by the queue once added */
};

struct settle_file {
	struct settle_place place;
	char *path; /* from the container's root, without its slash */
};

enum settle_result {
	SETTLE_RESULT_DONE,  /* an answer was found, or none is needed */
	SETTLE_RESULT_LATER, /* it is being written, or too young, or its image has no digest yet */
};

struct settle_queue;

int settle_queue_new(struct settle_queue **ret);
void settle_queue_free(struct settle_queue **queue);

/* Adds a file, or wakes it if it is there. place and path are borrowed and copied. -ENOSPC: no room, or the container's share is
 * used up; -ENOMEM. */
int settle_queue_add(struct settle_queue *queue, const struct settle_place *place, const char *path, uint64_t now_ns);

/* The next file whose time has come, until settle_queue_done(); one at a time. NULL: *ret_due_ns says when the first one's comes
 * (UINT64_MAX: there is none). */
const struct settle_file *settle_queue_next(struct settle_queue *queue, uint64_t now_ns, uint64_t *ret_due_ns);
/* What came of it. True: it was given up (a result of LATER for too long). */
bool settle_queue_done(struct settle_queue *queue, enum settle_result result, uint64_t now_ns);

size_t settle_queue_count(const struct settle_queue *queue);

#endif
