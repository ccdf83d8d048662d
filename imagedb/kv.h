/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and values in one file, ordered, in transactions. Owns: LMDB, its map's size, the translation of its errors.
 * Must not know: what keys and values mean, which processes share the file.
 *
 * I1: the map is replaced only while no transaction of this process is open (LMDB's rule), so every transaction is one call
 *     of imagedb_kv_read() or imagedb_kv_write(), which hold a lock that growing takes exclusively.
 * I2: no reader lives longer than such a call: an old reader would keep every page that was freed since.
 */
#ifndef IMAGEDB_KV_H
#define IMAGEDB_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGEDB_KV_MAX_KEY	511u	/* LMDB's limit as it is built everywhere */
#define IMAGEDB_KV_FIRST_BYTES	(64u << 20)	/* of the map; it doubles when it is full */

struct imagedb_kv;
struct imagedb_kv_txn;

/* Bytes that lie elsewhere: in the map when they come from a transaction, and then valid until it ends or writes. */
struct imagedb_bytes {
	const void *at;
	size_t len;
};

/* What runs inside a transaction; not 0 undoes it. A writing one may be called again after everything it did was undone. */
typedef int (*imagedb_kv_fn)(struct imagedb_kv_txn *txn, void *data);

/**
 * imagedb_kv_open() - open a file that imagedb_kv_check() has found sound; created unless read-only
 * @path:	the file, borrowed; its lock file is PATH-lock
 * @read_only:	only reading transactions
 * @max_bytes:	bound of the map
 * @ret:	output
 *
 * Never twice for one file in one process: LMDB's file locks belong to the process. Slots of readers that died are cleared.
 * Return: 0 or -errno, -EUCLEAN for what is no such file.
 */
int imagedb_kv_open(const char *path, bool read_only, uint64_t max_bytes, struct imagedb_kv **ret);

/** imagedb_kv_close() - write what is not yet on disk, close; NULL-safe, sets NULL */
void imagedb_kv_close(struct imagedb_kv **kv);

/** imagedb_kv_read() - run @fn in a reading transaction. Return: its value or an error */
int imagedb_kv_read(struct imagedb_kv *kv, imagedb_kv_fn fn, void *data);

/**
 * imagedb_kv_write() - run @fn in a writing transaction and commit it
 *
 * Waits for a writer of another process. On return the data is on disk; the page that makes it current may still be in
 * memory, and after a power failure the former state is then found. The map grows when it is full.
 * Return: 0, @fn's value, the bound is reached (-EFBIG), or an error of the disk.
 */
int imagedb_kv_write(struct imagedb_kv *kv, imagedb_kv_fn fn, void *data);

/** imagedb_kv_get() - the value of a key; -ENOENT */
int imagedb_kv_get(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret);

/**
 * imagedb_kv_fetch() - have the kernel read a long value's pages from disk before they are looked at
 *
 * A read error in a map is SIGBUS; here it is an answer. Return: 0 or -EIO. Cost: one system call for values of several pages.
 */
int imagedb_kv_fetch(struct imagedb_bytes value);

/** imagedb_kv_at_least() - the smallest key that is not below @key, and its value; -ENOENT */
int imagedb_kv_at_least(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret_key,
			struct imagedb_bytes *ret);

/** imagedb_kv_at_most() - the greatest key that is not above @key, and its value; -ENOENT */
int imagedb_kv_at_most(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes *ret_key,
		       struct imagedb_bytes *ret);

/** imagedb_kv_put() - set a key's value; -errno */
int imagedb_kv_put(struct imagedb_kv_txn *txn, struct imagedb_bytes key, struct imagedb_bytes value);

/** imagedb_kv_delete() - delete a key; -ENOENT */
int imagedb_kv_delete(struct imagedb_kv_txn *txn, struct imagedb_bytes key);

/** imagedb_kv_usage() - bytes in use, and size of the file; entries of the tree */
int imagedb_kv_usage(struct imagedb_kv *kv, uint64_t *ret_used, uint64_t *ret_file, uint64_t *ret_entries);

#endif /* IMAGEDB_KV_H */
