// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: storing a set: pieces are gathered and written about once for 1 MiB, then the indexes, then, in one transaction, the
 * set becomes visible and its predecessor garbage. Must not know: how records look.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "imagedb/hash.h"
#include "imagedb/store_internal.h"
#include "imagedb/util.h"

#define BATCH_BYTES	(1u << 20)	/* a write waits for the disk once, and 1 MiB is little beside the daemon's memory */

struct imagedb_store_writer {
	struct imagedb_store *store;
	struct imagedb_set_record record;	/* owns its texts */
	int lock_fd;		/* holds the writer's lock while the number is among the unseen ones */
	struct imagedb_piece *pieces;	/* closed ones that wait to be written */
	size_t n_pieces, room_pieces, waiting_bytes;
	uint8_t *piece;		/* the one being filled; .len counts its head */
	size_t len, room;
	uint32_t first, count;	/* its files */
	struct imagedb_index_entry *paths, *inodes;
	size_t n_inodes, room_entries;
	bool failed;
};

/* --- the writer ------------------------------------------------------------------------------------------------- */

static void free_writer(struct imagedb_store_writer **writer)
{
	struct imagedb_store_writer *w = *writer;

	if (!w)
		return;
	for (size_t i = 0; i < w->n_pieces; i++)
		imagedb_piece_release(&w->pieces[i]);
	closep(&w->lock_fd);
	imagedb_set_record_release(&w->record);
	free(w->pieces);
	free(w->piece);
	free(w->paths);
	free(w->inodes);
	free(w);
	*writer = NULL;
}

/* Takes a number, under its lock before anybody can see it. */
static int run_begin(struct imagedb_kv_txn *txn, void *data)
{
	struct imagedb_store_writer *w = data;
	struct imagedb_store_head head;
	struct imagedb_key key;
	int r = imagedb_head_read(txn, &head);

	if (r < 0)
		return r;
	w->record.set.number = head.next_number++;
	r = imagedb_lock(w->lock_fd, IMAGEDB_LOCK_WRITER + (off_t)w->record.set.number, F_WRLCK, false);
	if (r < 0)
		return r;
	key = imagedb_key_number(IMAGEDB_TABLE_UNSEEN, w->record.set.number);
	r = imagedb_kv_put(txn, imagedb_key_bytes(&key), (struct imagedb_bytes){ "", 1 });
	return r == 0 ? imagedb_head_write(txn, &head) : r;
}

static int fill_set(struct imagedb_store_set *set, const char *identity, const char *label,
		    enum imagedb_store_source source)
{
	size_t len = strlen(identity);

	if (len == 0 || len > IMAGEDB_STORE_MAX_IDENTITY || (unsigned int)source >= _IMAGEDB_STORE_SOURCE_MAX)
		return -EINVAL;
	if (label && strlen(label) > IMAGEDB_STORE_MAX_LABEL)
		return -ENAMETOOLONG;
	set->source = source;
	set->identity = strdup(identity);
	set->label = strdup(label ? label : "");
	if (!set->identity || !set->label)
		return -ENOMEM;
	return imagedb_sha256(identity, len, set->key);
}

int imagedb_store_begin(struct imagedb_store *store, const char *identity, const char *label,
			enum imagedb_store_source source, struct imagedb_store_writer **ret)
{
	_cleanup_(free_writer) struct imagedb_store_writer *w = NULL;
	int r;

	if (store->read_only)
		return -EROFS;
	r = imagedb_store_collect(store);
	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->store = store;
	w->lock_fd = -1;
	w->len = IMAGEDB_PIECE_HEAD;
	r = fill_set(&w->record.set, identity, label, source);
	if (r == 0)
		r = imagedb_lock_open(store->folder, false, &w->lock_fd);
	if (r == 0)
		r = imagedb_store_write(store, run_begin, w);
	if (r < 0)
		return r;
	*ret = w;
	w = NULL;
	return 0;
}

void imagedb_store_abort(struct imagedb_store_writer **writer)
{
	struct imagedb_store *store = *writer ? (*writer)->store : NULL;

	free_writer(writer);
	if (store)
		imagedb_store_collect(store); /* what fails here is tried again later */
}

/* --- adding ----------------------------------------------------------------------------------------------------- */

static int run_flush(struct imagedb_kv_txn *txn, void *data)
{
	struct imagedb_store_writer *w = data;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n_pieces; i++)
		r = imagedb_kv_put(txn, imagedb_key_bytes(&w->pieces[i].key),
				   (struct imagedb_bytes){ w->pieces[i].bytes, w->pieces[i].len });
	return r;
}

static int flush(struct imagedb_store_writer *w)
{
	int r = imagedb_store_write(w->store, run_flush, w);

	for (size_t i = 0; i < w->n_pieces; i++)
		imagedb_piece_release(&w->pieces[i]);
	w->n_pieces = w->waiting_bytes = 0;
	return r;
}

/* Makes room for one element more. */
static int reserve(void **array, size_t *room, size_t n, size_t bytes)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown;

	if (n < *room)
		return 0;
	grown = realloc(*array, more * bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

/* Closes the piece being filled, which then waits with the others. */
static int close_piece(struct imagedb_store_writer *w)
{
	struct imagedb_piece *piece;
	int r;

	if (w->count == 0)
		return 0;
	r = reserve((void **)&w->pieces, &w->room_pieces, w->n_pieces, sizeof(*w->pieces));
	if (r < 0)
		return r;
	piece = &w->pieces[w->n_pieces++];
	*piece = (struct imagedb_piece){
		.key = imagedb_key_files(w->record.set.number, w->first),
		.bytes = w->piece,
		.len = w->len,
	};
	imagedb_piece_close(imagedb_key_bytes(&piece->key), piece->bytes, piece->len, w->first, w->count);
	w->waiting_bytes += w->len;
	w->piece = NULL;
	w->room = 0;
	w->len = IMAGEDB_PIECE_HEAD;
	w->first += w->count;
	w->count = 0;
	return w->waiting_bytes >= BATCH_BYTES ? flush(w) : 0;
}

/* A piece has a fixed size, so that its pages fit where another one's were; only a very long record has a larger one. */
static int make_room(struct imagedb_store_writer *w, size_t bytes)
{
	int r;

	if (w->piece && w->len + bytes <= w->room)
		return 0;
	r = close_piece(w);
	if (r < 0)
		return r;
	free(w->piece);
	w->room = IMAGEDB_PIECE_HEAD + bytes > IMAGEDB_PIECE_BYTES ? IMAGEDB_PIECE_HEAD + bytes : IMAGEDB_PIECE_BYTES;
	w->piece = malloc(w->room);
	return w->piece ? 0 : -ENOMEM;
}

static bool is_named(const struct imagedb_store_inode *inode)
{
	return inode->ino || inode->dev || inode->generation;
}

/* Both indexes have room for every file. */
static int reserve_entries(struct imagedb_store_writer *w)
{
	size_t room = w->room_entries;
	int r = reserve((void **)&w->paths, &room, w->record.set.files, sizeof(*w->paths));

	if (r == 0 && room > w->room_entries) {
		void *grown = realloc(w->inodes, room * sizeof(*w->inodes));

		if (!grown)
			return -ENOMEM;
		w->inodes = grown;
		w->room_entries = room;
	}
	return r;
}

static void add_entries(struct imagedb_store_writer *w, const struct imagedb_store_file *file)
{
	uint32_t number = w->record.set.files;

	w->paths[number] = (struct imagedb_index_entry){ imagedb_path_hash(w->store, file->path, file->path_len), number };
	if (is_named(&file->inode))
		w->inodes[w->n_inodes++] =
			(struct imagedb_index_entry){ imagedb_inode_facts_hash(w->store, &file->inode), number };
}

int imagedb_store_add(struct imagedb_store_writer *writer, const struct imagedb_store_file *file)
{
	struct imagedb_store_set *set = &writer->record.set;
	size_t bytes = imagedb_record_bytes(file);
	int r;

	if (bytes == 0)
		return !file->path || file->path_len == 0 || file->path_len > IMAGEDB_MAX_PATH ? -ENAMETOOLONG : -EINVAL;
	if (writer->failed)
		return -EIO;
	r = set->files < IMAGEDB_STORE_MAX_FILES ? reserve_entries(writer) : -E2BIG;
	if (r == 0)
		r = make_room(writer, bytes);
	writer->failed = r < 0;
	if (r < 0)
		return r;
	imagedb_record_encode(file, writer->piece + writer->len);
	writer->len += bytes;
	writer->count++;
	add_entries(writer, file);
	set->files++;
	set->bytes += file->size;
	set->digests += file->digest.algorithms != 0;
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------------------------- */


/* The number of the set that has this identity now. A damaged record is replaced without more ado. */
static int find_old(struct imagedb_kv_txn *txn, const uint8_t sha256[IMAGEDB_KEY_BYTES], uint64_t *ret)
{
	struct imagedb_set_key key = imagedb_key_set(sha256);
	struct imagedb_bytes at = { key.bytes, sizeof(key.bytes) }, value;
	struct imagedb_set_record record;
	int r = imagedb_kv_get(txn, at, &value);

	*ret = 0;
	if (r == 0)
		r = imagedb_set_decode(at, value, &record);
	if (r == -ENOENT || r == -EUCLEAN)
		return 0;
	if (r == 0) {
		*ret = record.set.number;
		imagedb_set_record_release(&record);
	}
	return r;
}

static int run_commit(struct imagedb_kv_txn *txn, void *data)
{
	struct imagedb_store_writer *w = data;
	struct imagedb_key unseen = imagedb_key_number(IMAGEDB_TABLE_UNSEEN, w->record.set.number);
	struct imagedb_store_head head;
	uint64_t old;
	int r = imagedb_head_read(txn, &head);

	if (r == 0)
		r = find_old(txn, w->record.set.key, &old);
	if (r == 0 && old)
		r = imagedb_set_hide(txn, w->record.set.key, old);
	if (r < 0)
		return r;
	w->record.use = head.next_use++;
	r = imagedb_set_write(txn, &w->record);
	if (r == 0)
		r = imagedb_kv_delete(txn, imagedb_key_bytes(&unseen));
	return r == 0 ? imagedb_head_write(txn, &head) : r == -ENOENT ? -EUCLEAN : r;
}

static int write_rest(struct imagedb_store_writer *w)
{
	uint64_t number = w->record.set.number;
	int r = close_piece(w);

	if (r == 0)
		r = flush(w);
	if (r == 0)
		r = imagedb_index_write(w->store, IMAGEDB_TABLE_PATHS, number, w->paths, w->record.set.files);
	if (r == 0)
		r = imagedb_index_write(w->store, IMAGEDB_TABLE_INODES, number, w->inodes, w->n_inodes);
	return r;
}

int imagedb_store_commit(struct imagedb_store_writer **writer, const struct imagedb_scan_stats *stats, uint64_t *ret_number)
{
	struct imagedb_store_writer *w = *writer;
	struct imagedb_store *store = w->store;
	uint64_t number = w->record.set.number;
	int r = w->failed ? -EIO : write_rest(w);

	w->record.set.complete = stats->complete;
	w->record.set.reason = stats->reason;
	w->record.set.scanned = w->record.set.used = imagedb_now_s();
	if (r == 0)
		r = imagedb_store_write(store, run_commit, w);
	free_writer(writer);
	if (r == 0 && ret_number)
		*ret_number = number;
	imagedb_store_collect(store); /* the predecessor, or on failure this one; what fails is tried again later */
	if (r == 0)
		imagedb_store_trim(store, 0, 0, NULL);
	return r;
}
