// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: opening and closing the store's folder, what happens to a file that is no sound store, the store's own record.
 * Must not know: sets, files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "imagedb/kv_check.h"
#include "imagedb/store_internal.h"
#include "imagedb/util.h"

#define FILE_NAME	"images.mdb"
#define PATH_BYTES	4096u	/* PATH_MAX */

/* LMDB must not have one file open twice in a process. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct imagedb_store *open_stores;

/* --- the store's own record ------------------------------------------------------------------------------------- */

int imagedb_head_read(struct imagedb_kv_txn *txn, struct imagedb_store_head *ret)
{
	struct imagedb_key key = imagedb_key_head();
	struct imagedb_bytes value;
	int r = imagedb_kv_get(txn, imagedb_key_bytes(&key), &value);

	if (r < 0)
		return r == -ENOENT ? -EUCLEAN : r;
	return imagedb_head_decode(value, ret);
}

int imagedb_head_write(struct imagedb_kv_txn *txn, const struct imagedb_store_head *head)
{
	struct imagedb_key key = imagedb_key_head();
	uint8_t value[IMAGEDB_HEAD_BYTES];

	imagedb_head_encode(head, value);
	return imagedb_kv_put(txn, imagedb_key_bytes(&key), (struct imagedb_bytes){ value, sizeof(value) });
}

static int read_head(struct imagedb_kv_txn *txn, void *data)
{
	return imagedb_head_read(txn, data);
}

static int write_first_head(struct imagedb_kv_txn *txn, void *data)
{
	return imagedb_head_write(txn, data);
}

/* --- folder and file -------------------------------------------------------------------------------------------- */

static int file_path(const struct imagedb_store *store, const char *suffix, char path[PATH_BYTES])
{
	int n = snprintf(path, PATH_BYTES, "%s/" FILE_NAME "%s", store->folder, suffix);

	return n < 0 || (unsigned int)n >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

/* Whoever can write here decides what counts as an image's: only the owner may. */
static int open_folder(struct imagedb_store *store)
{
	struct stat st;

	if (!store->read_only && mkdir(store->folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (stat(store->folder, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	store->dev = st.st_dev;
	store->ino = st.st_ino;
	return 0;
}

static int register_store(struct imagedb_store *store)
{
	int r = 0;

	pthread_mutex_lock(&open_lock);
	for (struct imagedb_store *other = open_stores; other; other = other->next)
		if (other->dev == store->dev && other->ino == store->ino)
			r = -EBUSY;
	if (r == 0) {
		store->next = open_stores;
		open_stores = store;
	}
	pthread_mutex_unlock(&open_lock);
	return r;
}

static void unregister_store(struct imagedb_store *store)
{
	pthread_mutex_lock(&open_lock);
	for (struct imagedb_store **at = &open_stores; *at; at = &(*at)->next)
		if (*at == store) {
			*at = store->next;
			break;
		}
	pthread_mutex_unlock(&open_lock);
}

/* --- what is no sound store ------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct imagedb_store_report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->message, sizeof(report->message), format, args);
	va_end(args);
}

/* images.mdb.aside.1 is the newest one. */
static int rename_aside(struct imagedb_store *store)
{
	char from[PATH_BYTES], to[PATH_BYTES], suffix[32];
	int r;

	for (unsigned int i = IMAGEDB_STORE_ASIDE; i > 0; i--) {
		snprintf(suffix, sizeof(suffix), ".aside.%u", i);
		r = file_path(store, suffix, to);
		snprintf(suffix, sizeof(suffix), ".aside.%u", i - 1);
		if (r == 0)
			r = file_path(store, i > 1 ? suffix : "", from);
		if (r < 0)
			return r;
		if (rename(from, to) < 0 && (i == 1 || errno != ENOENT))
			return -errno;
	}
	r = file_path(store, "-lock", from);
	if (r == 0 && unlink(from) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

/* Only while no other process maps it; with LOCK_WRITE held. */
static int set_aside(struct imagedb_store *store, const char *why, struct imagedb_store_report *report)
{
	int r;

	if (store->read_only) {
		say(report, "%s/" FILE_NAME ": %s", store->folder, why);
		return -EUCLEAN;
	}
	if (imagedb_lock(store->lock_fd, IMAGEDB_LOCK_USE, F_WRLCK, false) < 0) {
		say(report, "%s/" FILE_NAME ": %s, and another process has it open", store->folder, why);
		return -EUCLEAN;
	}
	r = rename_aside(store);
	if (r == 0)
		r = imagedb_lock(store->lock_fd, IMAGEDB_LOCK_USE, F_RDLCK, false);
	if (r < 0) {
		say(report, "%s/" FILE_NAME ": %s, and it cannot be set aside: %s", store->folder, why, strerror(-r));
		return r;
	}
	report->set_aside = true;
	say(report, "%s/" FILE_NAME ": %s; set aside as " FILE_NAME ".aside.1, started empty", store->folder, why);
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* An empty store: the first record. */
static int start_store(struct imagedb_store *store, struct imagedb_store_report *report)
{
	struct imagedb_store_head head = { .version = IMAGEDB_STORE_VERSION, .next_number = 1, .next_use = 1 };

	if (store->read_only)
		return -ENOENT;
	if (getrandom(&head.seed, sizeof(head.seed), 0) != sizeof(head.seed))
		return -EIO;
	report->created = true;
	store->seed = head.seed;
	return imagedb_kv_write(store->kv, write_first_head, &head);
}

/* Opens the file and reads the first record. -EUCLEAN, -EPROTO: another file, with the reason in why. */
static int open_file(struct imagedb_store *store, const char *path, char why[IMAGEDB_KV_CHECK_MESSAGE],
		     struct imagedb_store_report *report)
{
	struct imagedb_store_head head = { 0 };
	uint64_t used, size, entries;
	int r;

	snprintf(why, IMAGEDB_KV_CHECK_MESSAGE, "it is no database");
	r = imagedb_kv_check(path, IMAGEDB_STORE_MAX_BYTES, why);
	if (r < 0 && (r != -ENOENT || store->read_only))
		return r;
	r = imagedb_kv_open(path, store->read_only, IMAGEDB_STORE_MAX_BYTES, &store->kv);
	if (r == 0)
		r = imagedb_kv_usage(store->kv, &used, &size, &entries);
	if (r < 0)
		return r;
	if (entries == 0)
		return start_store(store, report);
	r = imagedb_kv_read(store->kv, read_head, &head);
	store->seed = head.seed;
	if (r == -EUCLEAN)
		snprintf(why, IMAGEDB_KV_CHECK_MESSAGE, "it is a database, but none of images");
	if (r == -EPROTO)
		snprintf(why, IMAGEDB_KV_CHECK_MESSAGE, "it has version %u of the format, not %u", head.version,
			 IMAGEDB_STORE_VERSION);
	return r;
}

/* With LOCK_WRITE held. */
static int open_or_rebuild(struct imagedb_store *store, struct imagedb_store_report *report)
{
	char path[PATH_BYTES], why[IMAGEDB_KV_CHECK_MESSAGE];
	int r = file_path(store, "", path);

	if (r == 0)
		r = imagedb_lock(store->lock_fd, IMAGEDB_LOCK_USE, F_RDLCK, true);
	if (r == 0)
		r = open_file(store, path, why, report);
	if (r != -EUCLEAN && r != -EPROTO)
		return r;
	imagedb_kv_close(&store->kv);
	r = set_aside(store, why, report);
	return r == 0 ? open_file(store, path, why, report) : r;
}

int imagedb_store_open(const char *folder, unsigned int flags, struct imagedb_store **ret,
		       struct imagedb_store_report *report)
{
	_cleanup_(imagedb_store_close) struct imagedb_store *store = calloc(1, sizeof(*store));
	struct imagedb_store_report unused;
	int r;

	report = report ? report : &unused;
	*report = (struct imagedb_store_report){ 0 };
	if (!store)
		return -ENOMEM;
	store->lock_fd = -1;
	pthread_mutex_init(&store->writing, NULL);
	store->read_only = flags & IMAGEDB_STORE_READ_ONLY;
	store->folder = strdup(folder);
	r = store->folder ? open_folder(store) : -ENOMEM;
	if (r == 0)
		r = register_store(store);
	if (r == 0)
		r = imagedb_lock_open(folder, store->read_only, &store->lock_fd);
	if (r < 0)
		return r;
	r = imagedb_lock(store->lock_fd, IMAGEDB_LOCK_WRITE, store->read_only ? F_RDLCK : F_WRLCK, true);
	if (r == 0)
		r = open_or_rebuild(store, report);
	imagedb_lock(store->lock_fd, IMAGEDB_LOCK_WRITE, F_UNLCK, false);
	if (r == 0 && !store->read_only)
		r = imagedb_store_collect(store);
	if (r < 0)
		return r;
	*ret = store;
	store = NULL;
	return 0;
}

void imagedb_store_close(struct imagedb_store **store)
{
	if (!*store)
		return;
	imagedb_kv_close(&(*store)->kv);
	unregister_store(*store);
	closep(&(*store)->lock_fd);
	pthread_mutex_destroy(&(*store)->writing);
	free((*store)->folder);
	free(*store);
	*store = NULL;
}

int imagedb_store_write(struct imagedb_store *store, imagedb_kv_fn fn, void *data)
{
	int r;

	if (store->read_only)
		return -EROFS;
	pthread_mutex_lock(&store->writing);
	r = imagedb_lock(store->lock_fd, IMAGEDB_LOCK_WRITE, F_WRLCK, true);
	if (r == 0)
		r = imagedb_kv_write(store->kv, fn, data);
	imagedb_lock(store->lock_fd, IMAGEDB_LOCK_WRITE, F_UNLCK, false);
	pthread_mutex_unlock(&store->writing);
	return r;
}
