/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image database at work: finished scans are written down after the container was armed, then their files are hashed.
 *
 * Owns: the thread, the open store, the order and the pace of the work. Must not know: containers, the kernel half. The store is a
 * cache: while it cannot be used everything goes on without it, and it is tried again later.
 */
#ifndef ENFORCER_IMAGES_H
#define ENFORCER_IMAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "enforcer/image_list.h"

/* Scans that wait to be written, and their bytes; those beyond either are dropped. */
#define IMAGES_WAITING_MAX 64
#define IMAGES_WAITING_BYTES_MAX (2 * IMAGE_LIST_BYTES_MAX)
#define IMAGES_FAULT_BYTES 256

struct images;
struct scrub;
struct workers;

struct images_options {
	const char *folder;	  /* of the store; made if its parent is there */
	struct workers *workers;  /* (borrowed) who reads the files */
	uint64_t bytes_per_second; /* read for digests, on average; 0: no digests */
	struct scrub *scrub; /* (borrowed) looks at the files again when nothing else is to be done; outlives the thread; NULL: nobody does */
};

/* Snapshot for status; 0 and empty before the store was opened. */
struct images_status {
	bool open;
	uint32_t sets;
	uint64_t files, digests; /* pending: files - digests - unreadable */
	uint64_t unreadable;	 /* of this daemon's life: changed since, or their layers have gone */
	char fault[IMAGES_FAULT_BYTES]; /* why the store cannot be used; empty: it can */
};

/* Starts the thread, before the daemon is confined. Never waits for the disk. 0 or -errno. */
int images_new(const struct images_options *options, struct images **ret);
/* Ends the thread: waits for the disk at most as long as one write to it. NULL-safe. */
void images_free(struct images **images);

/* Hands over the result of a scan (taken, set to NULL). Any thread; does not wait. NULL images: dropped. */
void images_add(struct images *images, struct image_list **list);

/**
 * images_walk - the files of a set as they were stored
 * @images: NULL: there are none
 * @identity: (borrowed) of the layer set
 * @fn: called for each file, as imagedb_store_files() does
 * @data: handed to @fn
 *
 * Any thread but the main one; blocks on the disk. Return: 0; -ENOENT: there is no such set, or it is incomplete, or the store cannot
 * be used; the callback's value; -errno.
 */
int images_walk(struct images *images, const char *identity, imagedb_store_file_fn fn, void *data);

/* The stored digest of a file in that state, of whichever image. Blocks on the disk. -ENOENT: there is none. NULL: likewise. */
int images_find_digest(struct images *images, const struct imagedb_store_inode *inode, uint64_t size, uint64_t ctime_ns,
		       struct imagedb_digest *ret);

/* The name that a file had in the image, from its root and without a leading slash: *ret is the caller's. As images_walk(), and -ENOENT:
 * the set has no such file. */
int images_find_path(struct images *images, const char *identity, const struct imagedb_store_inode *inode, char **ret);

/* Any thread; does not wait for the disk. */
void images_get_status(struct images *images, struct images_status *ret);

#endif
