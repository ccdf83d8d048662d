// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the removal of what no set refers to any more, in small transactions. Must not know: how sets look.
 *
 * Numbers of sets that are written or were removed stand in the table of unseen ones (store_internal.h, I3).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "imagedb/store_internal.h"

#define STEP_KEYS	1024u	/* deleted in one transaction: some ms, then other writers get their turn */

struct collect {
	const struct imagedb_store *store;
	uint64_t number;	/* the one at hand; searched from here on */
	bool done;		/* nothing of it is left */
};

static uint64_t number_of(struct imagedb_bytes key)
{
	uint64_t number = 0;

	for (size_t i = 1; i < key.len && i <= 8; i++)
		number = number << 8 | ((const uint8_t *)key.at)[i];
	return number;
}

/* The next unseen number that nobody writes; -ENOENT. */
static int find_unseen(struct imagedb_kv_txn *txn, void *data)
{
	struct collect *collect = data;

	for (;; collect->number++) {
		struct imagedb_key from = imagedb_key_number(IMAGEDB_TABLE_UNSEEN, collect->number);
		struct imagedb_bytes key, value;
		int r = imagedb_kv_at_least(txn, imagedb_key_bytes(&from), &key, &value);

		if (r < 0)
			return r;
		if (key.len != from.len || *(const uint8_t *)key.at != IMAGEDB_TABLE_UNSEEN)
			return -ENOENT;
		collect->number = number_of(key);
		if (!imagedb_lock_is_held(collect->store->lock_fd, IMAGEDB_LOCK_WRITER + (off_t)collect->number))
			return 0;
	}
}

static int delete_some(struct imagedb_kv_txn *txn, enum imagedb_table table, uint64_t number, uint32_t *left)
{
	struct imagedb_key from = imagedb_key_number(table, number);
	struct imagedb_bytes key, value;
	uint8_t copy[IMAGEDB_KV_MAX_KEY];
	int r = 0;

	while (r == 0 && *left > 0) {
		r = imagedb_kv_at_least(txn, imagedb_key_bytes(&from), &key, &value);
		if (r < 0 || !imagedb_key_is_of(key, table, number))
			return r == -ENOENT ? 0 : r;
		memcpy(copy, key.at, key.len);
		r = imagedb_kv_delete(txn, (struct imagedb_bytes){ copy, key.len });
		(*left)--;
	}
	return r;
}

/* In the transaction no writer can commit, so a number that stands here without its lock has no writer any more. */
static int run_step(struct imagedb_kv_txn *txn, void *data)
{
	static const enum imagedb_table tables[] = { IMAGEDB_TABLE_FILES, IMAGEDB_TABLE_PATHS, IMAGEDB_TABLE_INODES };
	struct collect *collect = data;
	struct imagedb_key unseen = imagedb_key_number(IMAGEDB_TABLE_UNSEEN, collect->number);
	struct imagedb_bytes value;
	uint32_t left = STEP_KEYS;
	int r = imagedb_kv_get(txn, imagedb_key_bytes(&unseen), &value);

	collect->done = true;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (imagedb_lock_is_held(collect->store->lock_fd, IMAGEDB_LOCK_WRITER + (off_t)collect->number))
		return 0;
	for (size_t i = 0; r == 0 && i < sizeof(tables) / sizeof(tables[0]); i++)
		r = delete_some(txn, tables[i], collect->number, &left);
	collect->done = left > 0;
	return r == 0 && collect->done ? imagedb_kv_delete(txn, imagedb_key_bytes(&unseen)) : r;
}

int imagedb_store_collect(struct imagedb_store *store)
{
	struct collect collect = { .store = store };
	int r;

	while ((r = imagedb_kv_read(store->kv, find_unseen, &collect)) == 0) {
		do
			r = imagedb_store_write(store, run_step, &collect);
		while (r == 0 && !collect.done);
		if (r < 0)
			return r;
		collect.number++;
	}
	return r == -ENOENT ? 0 : r;
}
