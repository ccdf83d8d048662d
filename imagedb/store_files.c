// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: reading the files of a set, and adding digests to them. Must not know: how a set is written.
 *
 * Files lie in pieces of about a hundred. A piece is copied out of the map and looked at without a transaction; a set's files
 * never change but for their digests, and a set that is replaced or removed meanwhile has its number no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imagedb/store_internal.h"
#include "imagedb/util.h"

#define UPDATES_PER_WRITE	256u	/* at most as many pieces change in one transaction: 4 MiB */

void imagedb_piece_release(struct imagedb_piece *piece)
{
	free(piece->bytes);
	piece->bytes = NULL;
}

/* --- one piece -------------------------------------------------------------------------------------------------- */

int imagedb_piece_seek(struct imagedb_kv_txn *txn, uint64_t number, uint32_t file, struct imagedb_key *ret_key,
		       struct imagedb_bytes *ret)
{
	struct imagedb_key at = imagedb_key_files(number, file);
	struct imagedb_bytes key;
	int r = imagedb_kv_at_most(txn, imagedb_key_bytes(&at), &key, ret);

	if (r < 0)
		return r;
	if (key.len != at.len || !imagedb_key_is_of(key, IMAGEDB_TABLE_FILES, number))
		return -ENOENT;
	memcpy(ret_key->bytes, key.at, key.len);
	ret_key->len = key.len;
	return imagedb_kv_fetch(*ret);
}

struct fetch {
	uint64_t number;
	uint32_t file;
	uint32_t files;		/* of the whole set */
	struct imagedb_piece piece;
};

/* Copies the piece that holds the file; -ENOENT: no such set or file, -EUCLEAN: it should be there. */
static int run_fetch(struct imagedb_kv_txn *txn, void *data)
{
	struct fetch *fetch = data;
	struct imagedb_set_record record;
	struct imagedb_bytes value;
	int r = imagedb_set_read(txn, fetch->number, &record);

	if (r < 0)
		return r;
	fetch->files = record.set.files;
	imagedb_set_record_release(&record);
	if (fetch->file >= fetch->files)
		return -ENOENT;
	r = imagedb_piece_seek(txn, fetch->number, fetch->file, &fetch->piece.key, &value);
	if (r < 0)
		return r == -ENOENT ? -EUCLEAN : r;
	fetch->piece.bytes = malloc(value.len + 1);
	if (!fetch->piece.bytes)
		return -ENOMEM;
	memcpy(fetch->piece.bytes, value.at, value.len);
	fetch->piece.len = value.len;
	return 0;
}

static int fetch_piece(struct imagedb_store *store, struct fetch *fetch, struct imagedb_piece_reader *reader)
{
	int r;

	imagedb_piece_release(&fetch->piece);
	r = imagedb_kv_read(store->kv, run_fetch, fetch);
	return r < 0 ? r : imagedb_piece_open(imagedb_key_bytes(&fetch->piece.key),
					      (struct imagedb_bytes){ fetch->piece.bytes, fetch->piece.len }, reader);
}

/* Reads on to the file with that number in its piece; -EUCLEAN when it is not there. */
static int read_up_to(struct imagedb_piece_reader *reader, uint32_t file)
{
	int r;

	if (file < reader->next || file - reader->next >= reader->left)
		return -EUCLEAN;
	do
		r = imagedb_piece_next(reader);
	while (r == 1 && reader->file.number < file);
	return r == 1 ? 0 : -EUCLEAN;
}

/* --- all files -------------------------------------------------------------------------------------------------- */

struct walk {
	enum imagedb_store_which which;
	uint32_t from;
	imagedb_store_file_fn fn;
	void *data;
	bool stopped;		/* by the callback, whose value may look like an error of ours */
};

/* Hands the files of one piece on, from walk->from, which then is the next piece's first file. */
static int walk_piece(struct walk *walk, struct imagedb_piece_reader *reader)
{
	int r = read_up_to(reader, walk->from);

	if (r < 0)
		return r;
	do {
		const struct imagedb_store_file *file = &reader->file;

		if (walk->which == IMAGEDB_STORE_ALL || file->digest.algorithms == 0) {
			r = walk->fn(file, walk->data);
			walk->stopped = r != 0;
			if (r != 0)
				return r;
		}
		r = imagedb_piece_next(reader);
	} while (r == 1);
	walk->from = reader->next;
	return r;
}

int imagedb_store_files(struct imagedb_store *store, uint64_t number, enum imagedb_store_which which, uint32_t from,
			imagedb_store_file_fn fn, void *data)
{
	struct walk walk = { .which = which, .from = from, .fn = fn, .data = data };
	struct imagedb_piece_reader reader;
	struct fetch fetch = { .number = number };
	int r;

	do {
		fetch.file = walk.from;
		r = fetch_piece(store, &fetch, &reader);
		if (r == 0)
			r = walk_piece(&walk, &reader);
	} while (r == 0 && walk.from < fetch.files);
	imagedb_piece_release(&fetch.piece);
	if (walk.stopped)
		return r;
	if (r == -EUCLEAN)
		return imagedb_set_damaged(store, number);
	/* Past the last file there is nothing to say; without the set, fetch.files is still 0. */
	if (r == -ENOENT && fetch.file == from) {
		struct imagedb_store_set *set = NULL;

		r = imagedb_store_get_number(store, number, &set);
		imagedb_store_set_free(&set);
	}
	return r;
}

/* --- one file --------------------------------------------------------------------------------------------------- */

/* Is the file the one that is looked for? */
typedef bool (*match_fn)(const struct imagedb_store_file *file, const void *wanted);

/* The first of these files that matches; it lies in fetch->piece. -ENOENT. */
static int find_match(struct imagedb_store *store, const uint32_t *found, int n, match_fn match, const void *wanted,
		      struct fetch *fetch, struct imagedb_piece_reader *reader)
{
	for (int i = 0; i < n; i++) {
		int r;

		fetch->file = found[i];
		r = fetch_piece(store, fetch, reader);
		if (r == 0)
			r = read_up_to(reader, found[i]);
		if (r < 0)
			return r;
		if (match(&reader->file, wanted))
			return 0;
	}
	return -ENOENT;
}

struct wanted_path {
	const char *path;
	size_t len;
};

static bool is_path(const struct imagedb_store_file *file, const void *wanted)
{
	const struct wanted_path *path = wanted;

	return file->path_len == path->len && memcmp(file->path, path->path, path->len) == 0;
}

int imagedb_store_find_path(struct imagedb_store *store, uint64_t number, const char *path, size_t path_len,
			    imagedb_store_file_fn fn, void *data)
{
	const struct wanted_path wanted = { path, path_len };
	struct imagedb_piece_reader reader;
	struct fetch fetch = { .number = number };
	uint32_t found[IMAGEDB_FOUND_MAX];
	int r = imagedb_index_find(store, IMAGEDB_TABLE_PATHS, number, imagedb_path_hash(store, path, path_len), found);

	r = r < 0 ? r : find_match(store, found, r, is_path, &wanted, &fetch, &reader);
	if (r == -EUCLEAN)
		imagedb_set_damaged(store, number);
	if (r == 0)
		r = fn(&reader.file, data);
	imagedb_piece_release(&fetch.piece);
	return r;
}

struct wanted_inode {
	const struct imagedb_store_inode *inode;
	uint64_t size;
	struct timespec ctime;
};

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_digest_of(const struct imagedb_store_file *file, const void *data)
{
	const struct wanted_inode *wanted = data;

	return file->digest.algorithms && file->inode.ino == wanted->inode->ino && file->inode.dev == wanted->inode->dev &&
	       file->inode.generation == wanted->inode->generation && file->size == wanted->size &&
	       is_same_time(&file->ctime, &wanted->ctime);
}

static int find_digest_in(struct imagedb_store *store, uint64_t number, const struct wanted_inode *wanted,
			  struct imagedb_digest *ret)
{
	struct imagedb_piece_reader reader;
	struct fetch fetch = { .number = number };
	uint32_t found[IMAGEDB_FOUND_MAX];
	uint64_t hash = imagedb_inode_facts_hash(store, wanted->inode);
	int r = imagedb_index_find(store, IMAGEDB_TABLE_INODES, number, hash, found);

	r = r < 0 ? r : find_match(store, found, r, has_digest_of, wanted, &fetch, &reader);
	if (r == 0)
		*ret = reader.file.digest;
	imagedb_piece_release(&fetch.piece);
	return r == -EUCLEAN ? imagedb_set_damaged(store, number) : r;
}

struct search_sets {
	struct imagedb_store *store;
	const struct wanted_inode *wanted;
	struct imagedb_digest *ret;
	int result;
};

static int search_set(const struct imagedb_store_set *set, void *data)
{
	struct search_sets *search = data;

	search->result = set->digests ? find_digest_in(search->store, set->number, search->wanted, search->ret) : -ENOENT;
	return search->result == 0 || (search->result != -ENOENT && search->result != -EUCLEAN);
}

int imagedb_store_find_digest(struct imagedb_store *store, uint64_t number, const struct imagedb_store_inode *inode,
			      uint64_t size, struct timespec ctime, struct imagedb_digest *ret)
{
	const struct wanted_inode wanted = { inode, size, ctime };
	struct search_sets search = { .store = store, .wanted = &wanted, .ret = ret, .result = -ENOENT };
	int r;

	if (number)
		return find_digest_in(store, number, &wanted, ret);
	r = imagedb_store_list(store, search_set, &search);
	return r < 0 ? r : r > 0 ? search.result : -ENOENT;
}

/* --- digests ---------------------------------------------------------------------------------------------------- */

struct updating {
	uint64_t number;
	struct imagedb_store_digest_update *updates;
	size_t n;
};

/* Applies an update to the piece's copy. 1: there was no digest before, 0: there was, or it does not fit. */
static int apply(struct imagedb_piece_reader *reader, uint8_t *bytes, const uint8_t *original,
		 struct imagedb_store_digest_update *update)
{
	bool first;
	int r = read_up_to(reader, update->number);

	if (r < 0)
		return r;
	update->stored = reader->file.size == update->size && is_same_time(&reader->file.ctime, &update->ctime) &&
			 update->digest.algorithms != 0 && update->digest.size == update->size;
	if (!update->stored)
		return 0;
	first = reader->file.digest.algorithms == 0;
	imagedb_record_set_digest(bytes + (reader->record - original), &update->digest);
	return first;
}

/* Applies all updates of one piece from the first on, those in order; returns how many it took, or -errno. */
static int update_piece(struct imagedb_kv_txn *txn, struct updating *updating, size_t at, uint32_t *added)
{
	_cleanup_(free_bytes) uint8_t *copy = NULL;
	struct imagedb_piece_reader reader;
	struct imagedb_bytes value;
	struct imagedb_key key;
	size_t i = at;
	int r = imagedb_piece_seek(txn, updating->number, updating->updates[at].number, &key, &value);

	if (r == 0)
		r = imagedb_piece_open(imagedb_key_bytes(&key), value, &reader);
	if (r < 0)
		return r == -ENOENT ? -EUCLEAN : r;
	copy = malloc(value.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value.at, value.len);
	do {
		r = apply(&reader, copy, value.at, &updating->updates[i]);
		if (r < 0)
			return r;
		*added += (uint32_t)r;
		i++;
	} while (i < updating->n && updating->updates[i].number >= reader.next &&
		 updating->updates[i].number - reader.next < reader.left);
	imagedb_value_seal(imagedb_key_bytes(&key), copy, value.len);
	r = imagedb_kv_put(txn, imagedb_key_bytes(&key), (struct imagedb_bytes){ copy, value.len });
	return r < 0 ? r : (int)(i - at);
}

static int run_updates(struct imagedb_kv_txn *txn, void *data)
{
	struct updating *updating = data;
	struct imagedb_set_record record;
	int r = imagedb_set_read(txn, updating->number, &record), n = 1;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < updating->n; i += (size_t)n) {
		n = 1;
		updating->updates[i].stored = false;
		if (updating->updates[i].number >= record.set.files)
			continue;
		n = update_piece(txn, updating, i, &record.set.digests);
		r = n < 0 ? n : 0;
	}
	if (r == 0)
		r = imagedb_set_write(txn, &record);
	imagedb_set_record_release(&record);
	return r;
}

int imagedb_store_set_digests(struct imagedb_store *store, uint64_t number, struct imagedb_store_digest_update *updates,
			      size_t n)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < n; at += UPDATES_PER_WRITE) {
		struct updating updating = {
			.number = number,
			.updates = updates + at,
			.n = n - at < UPDATES_PER_WRITE ? n - at : UPDATES_PER_WRITE,
		};

		r = imagedb_store_write(store, run_updates, &updating);
	}
	return r == -EUCLEAN ? imagedb_set_damaged(store, number) : r;
}
