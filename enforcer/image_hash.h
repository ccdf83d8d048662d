/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of a stored set's files, read through the folders of its layers.
 *
 * Owns: finding the files again, the pace. Must not know: when it is called. A file is believed only if inode number, size and change
 * time are those that the kernel half saw at enrolment.
 */
#ifndef ENFORCER_IMAGE_HASH_H
#define ENFORCER_IMAGE_HASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct imagedb_store;
struct imagedb_store_set;
struct workers;

struct image_hash {
	struct imagedb_store *store; /* borrowed */
	struct workers *workers;     /* borrowed */
	uint64_t bytes_per_second;
	const atomic_bool *stop;
	/* Waits that long, or until there is something better to do: true then. */
	bool (*pause)(uint64_t ns, void *data);
	void *data;
	/* Called when digests were stored or a file turned out unreadable. */
	void (*progress)(uint32_t digests, uint32_t unreadable, void *data);
};

/* Hashes what has no digest yet. 0: the end was reached; -EINTR: there is something better to do; or an error of the store or of the
 * children. */
int image_hash_set(const struct image_hash *hash, const struct imagedb_store_set *set);

#endif
