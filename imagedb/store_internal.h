/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the store share; nobody else includes it. Owns: the open store, its locks.
 *
 * I1: imagedb_store_write() is the only way to a writing transaction. It holds LOCK_WRITE, so that a process that opens the
 *     store and checks the file page by page never meets one that is being changed.
 * I2: who renames the file holds LOCK_USE alone: nobody maps it.
 * I3: a set being written has a number in the table of unseen ones and its writer holds LOCK_WRITER + number. The number
 *     without the lock is garbage, whoever finds it.
 */
#ifndef IMAGEDB_STORE_INTERNAL_H
#define IMAGEDB_STORE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "imagedb/kv.h"
#include "imagedb/store.h"
#include "imagedb/store_record.h"

/* Bytes of the lock file that stand for something; open file descriptions own the locks, so they end with their process. */
#define IMAGEDB_LOCK_USE	0
#define IMAGEDB_LOCK_WRITE	1
#define IMAGEDB_LOCK_WRITER	16	/* and the set's number */

struct imagedb_store {
	struct imagedb_kv *kv;
	char *folder;
	bool read_only;
	int lock_fd;		/* -1: on a read-only file system, where nobody can write */
	uint64_t seed;
	pthread_mutex_t writing;	/* threads share lock_fd, whose lock does not part them */
	dev_t dev;		/* the folder */
	ino_t ino;
	struct imagedb_store *next;	/* open ones of this process */
};

/* A piece or other value copied out of the map, and its key. Zero-initialise. */
struct imagedb_piece {
	struct imagedb_key key;
	uint8_t *bytes;
	size_t len;
};

void imagedb_piece_release(struct imagedb_piece *piece);

/* --- store_lock.c ----------------------------------------------------------------------------------------------- */

/* Opens the lock file of a folder; -1 in *ret when there can be none (read-only file system). -errno. */
int imagedb_lock_open(const char *folder, bool read_only, int *ret);
/* type: F_RDLCK, F_WRLCK, F_UNLCK. With wait it returns once it is taken, else -EAGAIN when others are in the way. */
int imagedb_lock(int fd, off_t byte, short type, bool wait);
/* Has another open file description a lock on it? */
bool imagedb_lock_is_held(int fd, off_t byte);

/* --- store_open.c ----------------------------------------------------------------------------------------------- */

int imagedb_store_write(struct imagedb_store *store, imagedb_kv_fn fn, void *data);
int imagedb_head_read(struct imagedb_kv_txn *txn, struct imagedb_store_head *ret);
int imagedb_head_write(struct imagedb_kv_txn *txn, const struct imagedb_store_head *head);

/* --- store_sets.c ----------------------------------------------------------------------------------------------- */

/* The record of a set inside a transaction, by number; -ENOENT, -EUCLEAN. */
int imagedb_set_read(struct imagedb_kv_txn *txn, uint64_t number, struct imagedb_set_record *ret);
int imagedb_set_write(struct imagedb_kv_txn *txn, const struct imagedb_set_record *record);
/* Inside a transaction: a set is no longer seen; its files become garbage. Needs no sound record. */
int imagedb_set_hide(struct imagedb_kv_txn *txn, const uint8_t sha256[IMAGEDB_KEY_BYTES], uint64_t number);
/* Something of the set is damaged: drops it when the store can be written. Returns -EUCLEAN. */
int imagedb_set_damaged(struct imagedb_store *store, uint64_t number);
int64_t imagedb_now_s(void);

/* --- store_garbage.c -------------------------------------------------------------------------------------------- */

/* Removes the files of all sets that nobody sees or writes. */
int imagedb_store_collect(struct imagedb_store *store);

/* --- store_index.c ---------------------------------------------------------------------------------------------- */

#define IMAGEDB_FOUND_MAX	256u	/* entries of one hash that are looked at: names of one inode */

/* Packed: a writer holds two for each file. */
struct imagedb_index_entry {
	uint64_t hash;
	uint32_t number;
} __attribute__((packed));

uint64_t imagedb_path_hash(const struct imagedb_store *store, const char *path, size_t len);
uint64_t imagedb_inode_facts_hash(const struct imagedb_store *store, const struct imagedb_store_inode *inode);
/* Sorts the entries and writes them in pieces. */
int imagedb_index_write(struct imagedb_store *store, enum imagedb_table table, uint64_t number,
			struct imagedb_index_entry *entries, size_t n);
/* The files' numbers with that hash, at most IMAGEDB_FOUND_MAX; returns how many, or -EUCLEAN, … */
int imagedb_index_find(struct imagedb_store *store, enum imagedb_table table, uint64_t number, uint64_t hash,
		       uint32_t found[IMAGEDB_FOUND_MAX]);

/* --- store_files.c ---------------------------------------------------------------------------------------------- */

/* The piece that holds that file, inside a transaction; the value lies in the map. -ENOENT: no such file. */
int imagedb_piece_seek(struct imagedb_kv_txn *txn, uint64_t number, uint32_t file, struct imagedb_key *ret_key,
		       struct imagedb_bytes *ret);

#endif /* IMAGEDB_STORE_INTERNAL_H */
