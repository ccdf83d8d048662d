// SPDX-License-Identifier: Apache-2.0
/*
 * A stored file found again in its layers, and hashed.
 */
#include "enforcer/layer_hash.h"

#include <errno.h>

#include "enforcer/util.h"
#include "enforcer/workers.h"

#define FILE_NS (600 * NSEC_PER_SEC) /* for the largest file on the slowest disk */

int layer_hash_open(struct layer_hash *ret, struct workers *workers, const atomic_bool *stop, const char *identity)
{
	*ret = (struct layer_hash){ .workers = workers, .stop = stop };
	return copied_layers_open(identity, &ret->layers);
}

void layer_hash_close(struct layer_hash *hash)
{
	worker_free(&hash->worker);
	copied_layers_close(&hash->layers);
}

static bool is_fatal(int err)
{
	return err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -ECANCELED;
}

/* A child that died is replaced once for a file; one that kills a second is left out. */
static int hash_below(struct layer_hash *hash, int root, const struct imagedb_store_file *file, struct imagedb_digest *ret)
{
	struct worker_hash what = { .root_fd = root, .path = file->path, .ino = file->inode.ino, .size = file->size,
				    .ctime_ns = (uint64_t)file->ctime.tv_sec * NSEC_PER_SEC + (uint64_t)file->ctime.tv_nsec };
	int err = 0;

	for (int tries = 0; tries < 2; tries++) {
		if (!hash->worker)
			err = worker_new(hash->workers, true, &hash->worker);
		if (err)
			return -EIO;
		what.deadline_ns = clock_ns(CLOCK_MONOTONIC) + FILE_NS;
		err = worker_hash(hash->worker, &what, hash->stop, ret);
		if (!is_fatal(err))
			break;
		worker_free(&hash->worker);
		if (err == -ECANCELED)
			break;
		err = 0;
	}
	return hash->worker ? err : -ECANCELED;
}

int layer_hash_file(struct layer_hash *hash, const struct imagedb_store_file *file, struct imagedb_digest *ret)
{
	for (size_t i = 0; i < hash->layers.n; i++) {
		int err = hash_below(hash, hash->layers.fds[i], file, ret);

		if (!err || err == -ECANCELED || err == -EIO)
			return err;
	}
	return -ENOENT;
}
