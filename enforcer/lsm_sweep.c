// SPDX-License-Identifier: Apache-2.0
/*
 * A map walked in batches: looked up, filtered, deleted.
 */
#include "enforcer/lsm_sweep.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"

#define BATCH 4096u	   /* entries of a system call; about 200 KiB of memory */
#define BATCH_MAX (BATCH << 6) /* entries of one bucket come together: what a hash that somebody chose could collect */

struct sweep {
	int fd;
	size_t key_bytes, value_bytes;
	char *keys, *values;
	uint32_t room;
};

static void release(struct sweep *s)
{
	free(s->keys);
	free(s->values);
	s->keys = s->values = NULL;
}

static int make_room(struct sweep *s, uint32_t room)
{
	release(s);
	s->keys = calloc(room, s->key_bytes);
	s->values = calloc(room, s->value_bytes);
	s->room = room;
	return s->keys && s->values ? 0 : -ENOMEM;
}

/* Moves the matching keys to the front. */
static uint32_t pick(struct sweep *s, uint32_t n, lsm_match_fn match, void *data)
{
	uint32_t picked = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *key = s->keys + i * s->key_bytes;

		if (match(key, data))
			memmove(s->keys + picked++ * s->key_bytes, key, s->key_bytes);
	}
	return picked;
}

static int64_t delete_one_by_one(struct sweep *s, uint32_t from, uint32_t n)
{
	int64_t removed = 0;

	for (uint32_t i = from; i < n; i++) {
		if (bpf_map_delete_elem(s->fd, s->keys + i * s->key_bytes) == 0)
			removed++;
		else if (errno != ENOENT)
			return -errno;
	}
	return removed;
}

/* A batch ends at a key that has gone by itself. */
static int64_t delete(struct sweep *s, uint32_t n)
{
	uint32_t done = n;
	int64_t more;

	if (!n || bpf_map_delete_batch(s->fd, s->keys, &done, NULL) == 0)
		return n;
	if (done > n)
		done = 0;
	more = delete_one_by_one(s, done, n);
	return more < 0 ? more : done + more;
}

static int64_t walk(struct sweep *s, lsm_match_fn match, void *data)
{
	uint32_t in = 0, out = 0;
	bool started = false;
	int64_t removed = 0;
	int err = 0;

	while (err != ENOENT) {
		uint32_t n = s->room;
		int64_t gone;

		err = bpf_map_lookup_batch(s->fd, started ? &in : NULL, &out, s->keys, s->values, &n, NULL) ? errno : 0;
		if (err == ENOSPC && s->room < BATCH_MAX) {
			err = make_room(s, 2 * s->room);
			if (err)
				return err;
			continue;
		}
		if (err && err != ENOENT)
			return -err;
		gone = delete(s, pick(s, n, match, data));
		if (gone < 0)
			return gone;
		removed += gone;
		in = out;
		started = true;
	}
	return removed;
}

int64_t lsm_sweep(int fd, size_t key_bytes, size_t value_bytes, lsm_match_fn match, void *data)
{
	struct sweep s = { .fd = fd, .key_bytes = key_bytes, .value_bytes = value_bytes };
	int64_t removed = make_room(&s, BATCH);

	if (!removed)
		removed = walk(&s, match, data);
	release(&s);
	return removed;
}
