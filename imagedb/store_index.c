// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the two indexes of a set, from path and from inode to file number: sorted tables in pieces.
 * Must not know: how a file's record looks; whoever asks compares the record itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imagedb/hash.h"
#include "imagedb/store_internal.h"
#include "imagedb/util.h"

#define ENTRIES_PER_PIECE	((IMAGEDB_PIECE_BYTES - IMAGEDB_PIECE_HEAD) / IMAGEDB_INDEX_ENTRY)
#define PIECES_PER_WRITE	64u	/* 1 MiB */

uint64_t imagedb_path_hash(const struct imagedb_store *store, const char *path, size_t len)
{
	return imagedb_hash64(path, len, store->seed);
}

uint64_t imagedb_inode_facts_hash(const struct imagedb_store *store, const struct imagedb_store_inode *inode)
{
	uint8_t bytes[16];

	imagedb_set(bytes, 8, inode->ino);
	imagedb_set(bytes + 8, 4, inode->dev);
	imagedb_set(bytes + 12, 4, inode->generation);
	return imagedb_hash64(bytes, sizeof(bytes), store->seed);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

struct index_writer {
	enum imagedb_table table;
	uint64_t number;
	const struct imagedb_index_entry *entries;
	size_t n;
	uint32_t piece;		/* of the first of these entries */
};

static int compare_entries(const void *a, const void *b)
{
	const struct imagedb_index_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int write_piece(struct imagedb_kv_txn *txn, const struct index_writer *writer, size_t first, size_t n, uint32_t piece)
{
	struct imagedb_key key = imagedb_key_index(writer->table, writer->number, writer->entries[first].hash, piece);
	uint8_t bytes[IMAGEDB_PIECE_BYTES];
	size_t len = IMAGEDB_PIECE_HEAD + n * IMAGEDB_INDEX_ENTRY;

	for (size_t i = 0; i < n; i++) {
		uint8_t *at = bytes + IMAGEDB_PIECE_HEAD + i * IMAGEDB_INDEX_ENTRY;

		imagedb_set(at, 8, writer->entries[first + i].hash);
		imagedb_set(at + 8, 4, writer->entries[first + i].number);
	}
	imagedb_piece_close(imagedb_key_bytes(&key), bytes, len, piece, (uint32_t)n);
	return imagedb_kv_put(txn, imagedb_key_bytes(&key), (struct imagedb_bytes){ bytes, len });
}

static int run_write(struct imagedb_kv_txn *txn, void *data)
{
	const struct index_writer *writer = data;
	uint32_t piece = writer->piece;
	int r = 0;

	for (size_t at = 0; r == 0 && at < writer->n; at += ENTRIES_PER_PIECE) {
		size_t n = writer->n - at < ENTRIES_PER_PIECE ? writer->n - at : ENTRIES_PER_PIECE;

		r = write_piece(txn, writer, at, n, piece++);
	}
	return r;
}

int imagedb_index_write(struct imagedb_store *store, enum imagedb_table table, uint64_t number,
			struct imagedb_index_entry *entries, size_t n)
{
	int r = 0;

	if (n > 1)
		qsort(entries, n, sizeof(*entries), compare_entries);
	for (size_t at = 0; r == 0 && at < n; at += PIECES_PER_WRITE * ENTRIES_PER_PIECE) {
		struct index_writer writer = {
			.table = table,
			.number = number,
			.entries = entries + at,
			.n = n - at < PIECES_PER_WRITE * ENTRIES_PER_PIECE ? n - at : PIECES_PER_WRITE * ENTRIES_PER_PIECE,
			.piece = (uint32_t)(at / ENTRIES_PER_PIECE),
		};

		r = imagedb_store_write(store, run_write, &writer);
	}
	return r;
}

/* --- looking up ------------------------------------------------------------------------------------------------- */

struct search {
	enum imagedb_table table;
	uint64_t number, hash;
	uint32_t *found;
	uint32_t n;
};

static uint64_t entry_hash(const uint8_t *entries, size_t i)
{
	return imagedb_get(entries + i * IMAGEDB_INDEX_ENTRY, 8);
}

/* The first entry that is not below the hash. */
static size_t lower_bound(const uint8_t *entries, size_t n, uint64_t hash)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (entry_hash(entries, middle) < hash)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/* 1: the hash may go on in the next piece. */
static int search_piece(struct search *search, struct imagedb_bytes key, struct imagedb_bytes value)
{
	const uint8_t *entries = (const uint8_t *)value.at + IMAGEDB_PIECE_HEAD;
	size_t n, i;

	if (imagedb_kv_fetch(value) < 0)
		return -EIO;
	if (!imagedb_value_is_sound(key, value) || value.len < IMAGEDB_PIECE_HEAD)
		return -EUCLEAN;
	n = (value.len - IMAGEDB_PIECE_HEAD) / IMAGEDB_INDEX_ENTRY;
	for (i = lower_bound(entries, n, search->hash); i < n && entry_hash(entries, i) == search->hash; i++) {
		if (search->n == IMAGEDB_FOUND_MAX)
			return 0;
		search->found[search->n++] = (uint32_t)imagedb_get(entries + i * IMAGEDB_INDEX_ENTRY + 8, 4);
	}
	return i == n;
}

/* Starts in the last piece that begins below the hash: the one before the hash's first entry, or with it. */
static int run_search(struct imagedb_kv_txn *txn, void *data)
{
	struct search *search = data;
	struct imagedb_key at = imagedb_key_index(search->table, search->number, search->hash, 0);
	struct imagedb_bytes key, value;
	int r = imagedb_kv_at_most(txn, imagedb_key_bytes(&at), &key, &value);

	search->n = 0;
	if (r == -ENOENT || (r == 0 && !imagedb_key_is_of(key, search->table, search->number)))
		r = imagedb_kv_at_least(txn, imagedb_key_bytes(&at), &key, &value);
	while (r == 0 && imagedb_key_is_of(key, search->table, search->number)) {
		uint8_t next[sizeof(at.bytes) + 1];

		r = search_piece(search, key, value);
		if (r <= 0)
			return r;
		if (key.len > sizeof(at.bytes))
			return -EUCLEAN;
		memcpy(next, key.at, key.len);
		next[key.len] = 0;
		r = imagedb_kv_at_least(txn, (struct imagedb_bytes){ next, key.len + 1 }, &key, &value);
	}
	return r == -ENOENT ? 0 : r;
}

int imagedb_index_find(struct imagedb_store *store, enum imagedb_table table, uint64_t number, uint64_t hash,
		       uint32_t found[IMAGEDB_FOUND_MAX])
{
	struct search search = { .table = table, .number = number, .hash = hash, .found = found };
	int r = imagedb_kv_read(store->kv, run_search, &search);

	return r < 0 ? r : (int)search.n;
}
