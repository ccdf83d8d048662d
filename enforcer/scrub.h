/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the images' files still what they were? A slow pass over all files with a recorded digest, read through the page cache, which is
 * also what runs: bytes that changed without any trace in the inode (a kernel's bug, a disk's) are found by nothing else.
 *
 * Owns: the order of a pass, its pace, what it found. Must not know: containers, the kernel half. The work is done on the image
 * database's thread, which calls it when there is nothing better to do; findings are handed over on the main thread.
 *
 * A file whose inode says that it was changed is none of ours: its catalogue entry does not match any more.
 */
#ifndef ENFORCER_SCRUB_H
#define ENFORCER_SCRUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "imagedb/imagedb.h"
#include "imagedb/store.h"

#define SCRUB_WAITING_MAX 256 /* findings that wait for the main thread: those beyond are counted and logged, not told one by one */

struct loop;
struct scrub;
struct workers;

/* A file that is not what it was. All borrowed during the call. */
struct scrub_finding {
	const char *identity; /* of its layer set */
	const char *label;    /* the image's name; may be empty */
	const char *path;     /* relative to the root */
	struct imagedb_store_inode inode;
	uint64_t size;
	struct imagedb_digest expected, found;
};

struct scrub_options {
	const char *file;	   /* borrowed: where the position is kept */
	uint64_t bytes_per_second; /* on average; 0: there is no pass */
	uint64_t interval_s;	   /* from the beginning of one pass to that of the next; 0: there is no pass */
	void (*found)(const struct scrub_finding *finding, void *data); /* main thread */
	void *data;
};

struct scrub_status {
	bool enabled;
	bool running;
	uint64_t began_s; /* CLOCK_REALTIME, of the present or last pass; 0: none */
	uint64_t last_s;  /* end of the last one; 0: none */
	uint64_t files, bytes; /* looked at in the pass that began then */
	uint64_t bad;	  /* files that were not what they were, in the last whole pass or in the present one, whichever is more */
};

/* 0 or -errno. loop: for the findings. */
int scrub_new(const struct scrub_options *options, struct loop *loop, struct scrub **ret);
/* Its thread must have ended; findings that wait are handed over. NULL-safe. */
void scrub_free(struct scrub **scrub);

/* What the thread gives it for its work. */
struct scrub_work {
	struct imagedb_store *store; /* all borrowed */
	struct workers *workers;
	const atomic_bool *stop;
	/* Waits that long, or until there is something better to do: true then. */
	bool (*pause)(uint64_t ns, void *data);
	void *data;
};

/* Goes on with the pass, or begins one that is due, until its end or until there is something better to do. NULL: does nothing. */
void scrub_go_on(struct scrub *scrub, const struct scrub_work *work);
/* How long nothing is to be done. UINT64_MAX: for ever. */
uint64_t scrub_idle_ns(const struct scrub *scrub);

/* Any thread; does not wait. */
void scrub_get_status(struct scrub *scrub, struct scrub_status *ret);

#endif
