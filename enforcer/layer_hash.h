/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of stored files, read in a child through the folders of their layers.
 *
 * Owns: finding a file again, the child that reads it. Must not know: what the digest is wanted for. A file is believed only if
 * inode number, size and change time are those that the kernel half saw at enrolment. One thread.
 */
#ifndef ENFORCER_LAYER_HASH_H
#define ENFORCER_LAYER_HASH_H

#include <stdatomic.h>

#include "enforcer/enrol_copied.h"
#include "imagedb/store.h"

struct worker;
struct workers;

struct layer_hash {
	struct workers *workers; /* borrowed */
	const atomic_bool *stop; /* borrowed: gives up soon after it becomes true */
	struct copied_layers layers;
	struct worker *worker;
};

/* Opens the layers' folders that an identity names; blocks on their file systems. 0 or -ENOMEM. */
int layer_hash_open(struct layer_hash *ret, struct workers *workers, const atomic_bool *stop, const char *identity);
void layer_hash_close(struct layer_hash *hash);

/**
 * layer_hash_file - digests of a file as it is now
 * @hash: (borrowed)
 * @file: (borrowed) as it was stored
 * @ret: (output)
 *
 * Looks in the top layer that has this very file; blocks on reading it, at the lowest priority. A child that dies is replaced once.
 * Return: 0; -ENOENT: no layer has it in that state; -EIO: no child can be made; -ECANCELED: stopped.
 */
int layer_hash_file(struct layer_hash *hash, const struct imagedb_store_file *file, struct imagedb_digest *ret);

#endif
