// SPDX-License-Identifier: Apache-2.0
/*
 * One set's digests: a file at a time, in batches to the store.
 */
#include "enforcer/image_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/layer_hash.h"
#include "enforcer/util.h"
#include "imagedb/store.h"

#define BATCH 128 /* digests of one write to disk */
#define BATCH_NS (5 * NSEC_PER_SEC) /* … or what was computed in that time: a kill loses no more */

struct state {
	const struct image_hash *hash;
	const struct imagedb_store_set *set;
	struct layer_hash layers;
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

/* The store's callback: one file without a digest. */
static int take_file(const struct imagedb_store_file *file, void *data)
{
	struct state *s = data;
	struct imagedb_digest digest;
	uint64_t pause_ns;
	int err;

	if (atomic_load(s->hash->stop))
		return -EINTR;
	err = layer_hash_file(&s->layers, file, &digest);
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
	err = layer_hash_open(&s->layers, hash->workers, hash->stop, set->identity);
	if (!err)
		err = imagedb_store_files(hash->store, set->number, IMAGEDB_STORE_WITHOUT_DIGEST, 0, take_file, s);
	last = flush(s);
	layer_hash_close(&s->layers);
	free(s);
	return err ? err : last;
}
