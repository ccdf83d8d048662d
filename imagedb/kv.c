// SPDX-License-Identifier: Apache-2.0
/*
 * Keys and values in one file; see kv.h. The only user of LMDB. Must not know: what the values mean.
 *
 * MDB_NOMETASYNC: data pages are on disk before the page that makes them current is written, and that page is on disk before
 * a page of the state before the last is used again. So a power failure costs at most the last transaction, at half the
 * waits for the disk of full synchronisation. The database is a cache: a lost transaction costs a scan.
 */
#include "imagedb/kv.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "imagedb/kv_check.h"
#include "imagedb/util.h"

#define READERS		126u	/* LMDB's default: threads of all processes that read in the same instant */
#define DISK_FULL_BYTES	(1u << 20)	/* free: no more than this */

struct imagedb_kv {
	MDB_env *env;
	MDB_dbi dbi;
	char *path;
	uint64_t map_bytes;	/* changed with the lock held for writing */
	uint64_t max_bytes;
	bool read_only;
	bool dead;		/* could not be opened again after an error of the disk */
	pthread_rwlock_t lock;	/* held for reading around each transaction */
};

struct imagedb_kv_txn {
	struct imagedb_kv *kv;
	MDB_txn *txn;
	bool full;		/* the map was: worth another try with a larger one */
};

static int to_errno(int r)
{
	switch (r) {
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
		return -EFBIG;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		return -EUCLEAN;
	case MDB_READERS_FULL:
		return -EUSERS;
	case MDB_PANIC:
	case MDB_BAD_TXN:
		return -EIO;
	default:
		return r > 0 ? -r : r == 0 ? 0 : -EINVAL;
	}
}

static MDB_val to_val(struct imagedb_bytes bytes)
{
	return (MDB_val){ .mv_size = bytes.len, .mv_data = (void *)bytes.at };
}

static struct imagedb_bytes to_bytes(const MDB_val *val)
{
	return (struct imagedb_bytes){ .at = val->mv_data, .len = val->mv_size };
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static int open_table(struct imagedb_kv *kv)
{
	MDB_txn *txn;
	int r = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);

	if (r)
		return r;
	r = mdb_dbi_open(txn, NULL, 0, &kv->dbi);
	mdb_txn_abort(txn);
	return r;
}

/* Opens the environment; on failure it is closed again. */
static int open_env(struct imagedb_kv *kv)
{
	unsigned int flags = MDB_NOSUBDIR | MDB_NOTLS | (kv->read_only ? MDB_RDONLY : MDB_NOMETASYNC);
	int dead_readers, r = mdb_env_create(&kv->env);

	if (r)
		return to_errno(r);
	r = mdb_env_set_mapsize(kv->env, kv->map_bytes);
	if (!r)
		r = mdb_env_set_maxreaders(kv->env, READERS);
	if (!r)
		r = mdb_env_open(kv->env, kv->path, flags, 0600);
	if (!r)
		r = open_table(kv);
	if (!r)
		r = mdb_reader_check(kv->env, &dead_readers);
	if (!r)
		return 0;
	mdb_env_close(kv->env);
	kv->env = NULL;
	return to_errno(r);
}

/* Room for what is there and as much again, in steps of doubling. */
static uint64_t choose_map_bytes(const char *path, uint64_t max_bytes)
{
	uint64_t bytes = IMAGEDB_KV_FIRST_BYTES;
	struct stat st;

	if (stat(path, &st) == 0)
		while (bytes < max_bytes && bytes / 2 < (uint64_t)st.st_size)
			bytes *= 2;
	return bytes < max_bytes ? bytes : max_bytes;
}

int imagedb_kv_open(const char *path, bool read_only, uint64_t max_bytes, struct imagedb_kv **ret)
{
	_cleanup_(imagedb_kv_close) struct imagedb_kv *kv = calloc(1, sizeof(*kv));
	int r;

	if (!kv)
		return -ENOMEM;
	pthread_rwlock_init(&kv->lock, NULL);
	kv->path = strdup(path);
	if (!kv->path)
		return -ENOMEM;
	kv->read_only = read_only;
	kv->max_bytes = max_bytes;
	kv->map_bytes = choose_map_bytes(path, max_bytes);
	r = open_env(kv);
	if (r < 0)
		return r;
	*ret = kv;
	kv = NULL;
	return 0;
}

void imagedb_kv_close(struct imagedb_kv **kv)
{
	if (!*kv)
		return;
	if ((*kv)->env) {
		if (!(*kv)->read_only)
			mdb_env_sync((*kv)->env, 1);
		mdb_env_close((*kv)->env);
	}
	pthread_rwlock_destroy(&(*kv)->lock);
	free((*kv)->path);
	free(*kv);
	*kv = NULL;
}

/* --- when the map or the environment has to be replaced ---------------------------------------------------------- */

/* Another process has made the file larger than our map. */
static int follow_growth(struct imagedb_kv *kv)
{
	MDB_envinfo info;
	int r;

	pthread_rwlock_wrlock(&kv->lock);
	r = to_errno(mdb_env_set_mapsize(kv->env, 0));
	if (r == 0 && mdb_env_info(kv->env, &info) == 0)
		kv->map_bytes = info.me_mapsize;
	pthread_rwlock_unlock(&kv->lock);
	return r;
}

/* old_bytes: the map that was full; another thread may have replaced it meanwhile. */
static int grow(struct imagedb_kv *kv, uint64_t old_bytes)
{
	int r = 0;

	pthread_rwlock_wrlock(&kv->lock);
	if (kv->map_bytes == old_bytes) {
		uint64_t bytes = old_bytes < kv->max_bytes / 2 ? old_bytes * 2 : kv->max_bytes;

		r = bytes > old_bytes ? to_errno(mdb_env_set_mapsize(kv->env, bytes)) : -EFBIG;
		if (r == 0)
			kv->map_bytes = bytes;
	}
	pthread_rwlock_unlock(&kv->lock);
	return r;
}

/* After a failed write of the current state LMDB refuses everything until the file is opened again, which is checked first. */
static int open_again(struct imagedb_kv *kv)
{
	char message[IMAGEDB_KV_CHECK_MESSAGE];
	int r;

	pthread_rwlock_wrlock(&kv->lock);
	if (kv->env)
		mdb_env_close(kv->env);
	kv->env = NULL;
	r = imagedb_kv_check(kv->path, kv->max_bytes, message);
	if (r == 0)
		r = open_env(kv);
	kv->dead = r < 0;
	pthread_rwlock_unlock(&kv->lock);
	return r;
}

/* --- transactions ----------------------------------------------------------------------------------------------- */

/* With the lock held. Returns LMDB's error. */
static int begin(struct imagedb_kv *kv, unsigned int flags, MDB_txn **ret)
{
	int dead_readers, r;

	if (kv->dead || !kv->env)
		return MDB_PANIC;
	r = mdb_txn_begin(kv->env, NULL, flags, ret);
	if (r == MDB_READERS_FULL && mdb_reader_check(kv->env, &dead_readers) == 0 && dead_readers > 0)
		r = mdb_txn_begin(kv->env, NULL, flags, ret);
	return r;
}

int imagedb_kv_read(struct imagedb_kv *kv, imagedb_kv_fn fn, void *data)
{
	struct imagedb_kv_txn txn = { .kv = kv };
	int r;

	for (;;) {
		pthread_rwlock_rdlock(&kv->lock);
		r = begin(kv, MDB_RDONLY, &txn.txn);
		if (r != MDB_MAP_RESIZED)
			break;
		pthread_rwlock_unlock(&kv->lock);
		r = follow_growth(kv);
		if (r < 0)
			return r;
	}
	if (r) {
		pthread_rwlock_unlock(&kv->lock);
		return to_errno(r);
	}
	r = fn(&txn, data);
	mdb_txn_abort(txn.txn);
	pthread_rwlock_unlock(&kv->lock);
	return r;
}

/* LMDB says EIO when less was written than asked for, which is what a disk that has just become full does. */
static int explain(const struct imagedb_kv *kv, int r)
{
	struct statvfs disk;

	if (r == EIO && statvfs(kv->path, &disk) == 0 && disk.f_bavail < DISK_FULL_BYTES / disk.f_frsize)
		return -ENOSPC;
	return to_errno(r);
}

enum outcome { OUTCOME_DONE, OUTCOME_FULL, OUTCOME_RESIZED, OUTCOME_PANIC };

/* One try; *ret is what the caller gets when it is OUTCOME_DONE. */
static enum outcome write_once(struct imagedb_kv *kv, imagedb_kv_fn fn, void *data, uint64_t *ret_map_bytes, int *ret)
{
	struct imagedb_kv_txn txn = { .kv = kv };
	int r;

	pthread_rwlock_rdlock(&kv->lock);
	*ret_map_bytes = kv->map_bytes;
	r = begin(kv, 0, &txn.txn);
	if (r) {
		pthread_rwlock_unlock(&kv->lock);
		*ret = to_errno(r);
		return r == MDB_MAP_RESIZED ? OUTCOME_RESIZED : r == MDB_PANIC ? OUTCOME_PANIC : OUTCOME_DONE;
	}
	*ret = fn(&txn, data);
	if (*ret != 0) {
		mdb_txn_abort(txn.txn);
	} else {
		r = mdb_txn_commit(txn.txn);
		txn.full = r == MDB_MAP_FULL;
		*ret = explain(kv, r);
	}
	pthread_rwlock_unlock(&kv->lock);
	return txn.full ? OUTCOME_FULL : OUTCOME_DONE;
}

int imagedb_kv_write(struct imagedb_kv *kv, imagedb_kv_fn fn, void *data)
{
	bool opened_again = false;
	uint64_t map_bytes;
	int result, r = 0;

	if (kv->read_only)
		return -EROFS;
	while (r == 0) {
		switch (write_once(kv, fn, data, &map_bytes, &result)) {
		case OUTCOME_DONE:
			return result;
		case OUTCOME_FULL:
			r = grow(kv, map_bytes);
			break;
		case OUTCOME_RESIZED:
			r = follow_growth(kv);
			break;
		case OUTCOME_PANIC:
			r = opened_again ? result : open_again(kv);
			opened_again = true;
			break;
		}
	}
	return r;
}

/* --- inside a transaction --------------------------------------------------------------------------------------- */

static int note_full(struct imagedb_kv_txn *txn, int r)
{
	if (r == MDB_MAP_FULL)
		txn->full = true;
	return to_errno(r);
}

int imagedb_kv_get(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret)
{
	MDB_val k = to_val(key), v;
	int r = mdb_get(txn->txn, txn->kv->dbi, &k, &v);

	if (r == 0)
		*ret = to_bytes(&v);
	return to_errno(r);
}

/* Kernels that do not know the advice are older than those that this program runs on; there it is left out. */
int imagedb_kv_fetch(struct imagedb_bytes value)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)value.at & ~(page - 1);
	uintptr_t end = ((uintptr_t)value.at + value.len + page - 1) & ~(page - 1);

	if (value.len < page || madvise((void *)start, end - start, MADV_POPULATE_READ) == 0)
		return 0;
	return errno == EFAULT || errno == EHWPOISON ? -EIO : 0;
}

/* Moves a cursor of its own by one or two steps. */
static int seek(struct imagedb_kv_txn *txn, struct imagedb_bytes key, bool upwards, struct imagedb_bytes *ret_key,
		struct imagedb_bytes *ret)
{
	MDB_val k = to_val(key), v;
	MDB_cursor *cursor;
	int r = mdb_cursor_open(txn->txn, txn->kv->dbi, &cursor);

	if (r)
		return to_errno(r);
	r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	if (!upwards && r == MDB_NOTFOUND)
		r = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
	else if (!upwards && r == 0 && (k.mv_size != key.len || memcmp(k.mv_data, key.at, key.len) != 0))
		r = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
	mdb_cursor_close(cursor);
	if (r == 0) {
		*ret_key = to_bytes(&k);
		*ret = to_bytes(&v);
	}
	return to_errno(r);
}

int imagedb_kv_at_least(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret_key,
			struct imagedb_bytes *ret)
{
	return seek(txn, key, true, ret_key, ret);
}

int imagedb_kv_at_most(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret_key,
		       struct imagedb_bytes *ret)
{
	return seek(txn, key, false, ret_key, ret);
}

int imagedb_kv_put(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes value)
{
	MDB_val k = to_val(key), v = to_val(value);

	return note_full(txn, mdb_put(txn->txn, txn->kv->dbi, &k, &v, 0));
}

int imagedb_kv_delete(struct imagedb_kv_txn *txn, struct imagedb_bytes key)
{
	MDB_val k = to_val(key);

	return note_full(txn, mdb_del(txn->txn, txn->kv->dbi, &k, NULL));
}

static uint64_t count_pages(const MDB_stat *stat)
{
	return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

struct usage {
	uint64_t used_bytes;
	uint64_t entries;
};

static int read_usage(struct imagedb_kv_txn *txn, void *data)
{
	struct usage *usage = data;
	MDB_stat table, unused;
	int r = mdb_stat(txn->txn, txn->kv->dbi, &table);

	if (!r)
		r = mdb_stat(txn->txn, 0, &unused); /* the tree that lists free pages */
	if (r)
		return to_errno(r);
	usage->used_bytes = (2 + count_pages(&table) + count_pages(&unused)) * table.ms_psize;
	usage->entries = table.ms_entries;
	return 0;
}

int imagedb_kv_usage(struct imagedb_kv *kv, uint64_t *ret_used, uint64_t *ret_file, uint64_t *ret_entries)
{
	struct usage usage = { 0 };
	struct stat st;
	int r = imagedb_kv_read(kv, read_usage, &usage);

	if (r < 0)
		return r;
	if (stat(kv->path, &st) < 0)
		return -errno;
	*ret_used = usage.used_bytes;
	*ret_file = (uint64_t)st.st_size;
	*ret_entries = usage.entries;
	return 0;
}
