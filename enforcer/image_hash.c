// SPDX-License-Identifier: Apache-2.0
/*
 * One set's digests: a file at a time, in batches to the store.
 */
#include "enforcer/image_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/enrol_copied.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"
#include "imagedb/store.h"

#define BATCH 128 /* digests of one write to disk */
#define BATCH_NS (5 * NSEC_PER_SEC) /* … or what was computed in that time: a kill loses no more */
#define FILE_NS (600 * NSEC_PER_SEC) /* for the largest file on the slowest disk */

struct state {
	const struct image_hash *hash;
	const struct imagedb_store_set *set;
	struct copied_layers layers;
	struct worker *worker;
	struct imagedb_store_digest_update batch[BATCH];
	size_t n;
	uint32_t unreadable;
	uint64_t batch_ns;
};

static int flush(struct state *s)
{
	uint32_t stored = 0;
	int err = 0;

	if (s->n)
		err = imagedb_store_set_digests(s->hash->store, s->set->number, s->batch, s->n);
	for (size_t i = 0; !err && i < s->n; i++)
		stored += s->batch[i].stored;
	if (!err && (s->n || s->unreadable))
		s->hash->progress(stored, s->unreadable + (uint32_t)s->n - stored, s->hash->data);
	s->n = 0;
	s->unreadable = 0;
	s->batch_ns = clock_ns(CLOCK_MONOTONIC);
	return err;
}

static bool is_fatal(int err)
{
	return err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -ECANCELED;
}

/* A child that died is replaced once for a file; one that kills a second is left out. */
static int hash_below(struct state *s, int root, const struct imagedb_store_file *file, struct imagedb_digest *ret)
{
	struct worker_hash what = { .root_fd = root, .path = file->path, .ino = file->inode.ino, .size = file->size,
				    .ctime_ns = (uint64_t)file->ctime.tv_sec * NSEC_PER_SEC + (uint64_t)file->ctime.tv_nsec };
	int err = 0;

	for (int tries = 0; tries < 2; tries++) {
		if (!s->worker)
			err = worker_new(s->hash->workers, true, &s->worker);
		if (err)
			return -EIO;
		what.deadline_ns = clock_ns(CLOCK_MONOTONIC) + FILE_NS;
		err = worker_hash(s->worker, &what, s->hash->stop, ret);
		if (!is_fatal(err))
			break;
		worker_free(&s->worker);
		if (err == -ECANCELED)
			break;
		err = 0;
	}
	return s->worker ? err : -ECANCELED;
}

/* In the top layer that has this very file. -ENOENT: none has. */
static int hash_file(struct state *s, const struct imagedb_store_file *file, struct imagedb_digest *ret)
{
	for (size_t i = 0; i < s->layers.n; i++) {
		int err = hash_below(s, s->layers.fds[i], file, ret);

		if (!err || err == -ECANCELED || err == -EIO)
			return err;
	}
	return -ENOENT;
}

/* The store's callback: one file without a digest. */
static int take_file(const struct imagedb_store_file *file, void *data)
{
	struct state *s = data;
	struct imagedb_digest digest;
	uint64_t pause_ns;
	int err;

	if (atomic_load(s->hash->stop))
		return -EINTR;
	err = hash_file(s, file, &digest);
	if (err == -EIO)
		return err;
	if (err)
		s->unreadable++;
	else
		s->batch[s->n++] = (struct imagedb_store_digest_update){ .number = file->number, .size = file->size,
									 .ctime = file->ctime, .digest = digest };
	if (s->n == BATCH || clock_ns(CLOCK_MONOTONIC) - s->batch_ns >= BATCH_NS)
		err = flush(s);
	else
		err = 0;
	pause_ns = (uint64_t)((double)file->size / (double)s->hash->bytes_per_second * (double)NSEC_PER_SEC);
	if (!err && s->hash->pause(pause_ns, s->hash->data))
		err = -EINTR;
	return err;
}

int image_hash_set(const struct image_hash *hash, const struct imagedb_store_set *set)
{
	struct state *s = calloc(1, sizeof(*s));
	int err, last;

	if (!s)
		return -ENOMEM;
	s->hash = hash;
	s->set = set;
	s->batch_ns = clock_ns(CLOCK_MONOTONIC);
	err = copied_layers_open(set->identity, &s->layers);
	if (!err)
		err = imagedb_store_files(hash->store, set->number, IMAGEDB_STORE_WITHOUT_DIGEST, 0, take_file, s);
	last = flush(s);
	worker_free(&s->worker);
	copied_layers_close(&s->layers);
	free(s);
	return err ? err : last;
}
