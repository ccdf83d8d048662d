/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image database on disk: for each layer set the files that are executable code, and their digests.
 * Owns: the interface to the store (format: README.md). Must not know: containers, the kernel half, LMDB, logging.
 *
 * The store is a cache: everything in it can be found again by a scan, so whatever is damaged is dropped, never repaired.
 * A folder is opened once per process; any thread may call, and nothing is held between calls: no call keeps a reader alive
 * or a lock, so a caller may take its time inside a callback. Several processes may have the same folder open. Do not use an
 * open store after fork(). Every function may block on the disk, and on a write of another process (some ms).
 *
 * Errors that any function may return: no space (-ENOSPC, -EDQUOT), read error (-EIO), read-only (-EROFS, -EACCES), the
 * store's bound reached (-EFBIG: drop sets), what is stored does not hold together (-EUCLEAN), no memory (-ENOMEM). On
 * -EUCLEAN of one set that set has been dropped already when the store can be written: scan again.
 */
#ifndef IMAGEDB_STORE_H
#define IMAGEDB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "imagedb/imagedb.h"

#define IMAGEDB_STORE_FOLDER		"/var/lib/holdfast/imagedb"
#define IMAGEDB_STORE_MAX_BYTES		(2ull << 30)	/* ten sets of the largest kind; a cache must not fill a disk */
#define IMAGEDB_STORE_MAX_SETS		4096u		/* a node holds tens to hundreds of images */
#define IMAGEDB_STORE_MAX_FILES		IMAGEDB_MAX_CANDIDATES	/* of one set */
#define IMAGEDB_STORE_MAX_IDENTITY	(256u << 10)	/* as long as a mountinfo line is read */
#define IMAGEDB_STORE_MAX_LABEL		1024u		/* image names stay below 300 bytes */
#define IMAGEDB_STORE_MAX_NEEDED	128u		/* IMAGEDB_ELF_MAX_NEEDED */
#define IMAGEDB_STORE_ASIDE		2u		/* damaged files kept for a look: the newest ones */
#define IMAGEDB_STORE_MESSAGE_BYTES	512u
#define IMAGEDB_KEY_BYTES		32u		/* SHA-256 of an identity */

struct imagedb_store;
struct imagedb_store_writer;

enum imagedb_store_flags {
	IMAGEDB_STORE_READ_ONLY	= 1 << 0,	/* never creates, never sets aside, changes nothing */
};

/**
 * struct imagedb_store_report - what happened at opening; filled on success and on failure
 * @created:	there was no store
 * @set_aside:	what was there was damaged, foreign or of another version and has been renamed; an empty store took its place
 * @message:	one sentence for people saying what was wrong and where it lies now; empty when there is nothing to say
 */
struct imagedb_store_report {
	bool created;
	bool set_aside;
	char message[IMAGEDB_STORE_MESSAGE_BYTES];
};

/**
 * imagedb_store_open() - open the store in a folder
 * @folder:	where it lies; created (0700, its parents are not) unless read-only. Not writable by others than its owner.
 * @flags:	enum imagedb_store_flags
 * @ret:	output: the store, for imagedb_store_close()
 * @report:	output, may be NULL
 *
 * Validates before anything is mapped: magic, version, and the whole tree of pages read with read(), so that a cut-off file
 * or a read error is an answer and no signal. Reads what is stored per file only when it is asked for; each piece has a
 * checksum. After a crash at any moment the store holds the last or last but one committed state. Work that a killed writer
 * left behind is removed.
 *
 * Cost: some ms for a common store, see README.md.
 *
 * Return: 0, or: read-only and there is none (-ENOENT); read-only and damaged, foreign or of another version, or damaged while
 * another process has it open (-EUCLEAN, @report says which); folder writable by others or another's (-EPERM); already
 * open in this process (-EBUSY); or an error of the disk.
 */
int imagedb_store_open(const char *folder, unsigned int flags, struct imagedb_store **ret,
		       struct imagedb_store_report *report);

/** imagedb_store_close() - close; NULL-safe, sets NULL. Iterators and writers of it must be gone. */
void imagedb_store_close(struct imagedb_store **store);

/* --- layer sets ------------------------------------------------------------------------------------------------- */

/** enum imagedb_store_source - what a set was made from */
enum imagedb_store_source {
	IMAGEDB_STORE_LAYERS,	/* an overlay's layers: the identity is imagedb_layers_*() */
	IMAGEDB_STORE_FOLDER_TREE,	/* a plain folder: its identity is a name, not its content */
	_IMAGEDB_STORE_SOURCE_MAX,
};

/**
 * struct imagedb_store_set - one layer set
 * @number:		names the set in calls; another one after the set was replaced, never used again
 * @key:		SHA-256 of @identity
 * @identity:		what the set is: imagedb_layers_*()
 * @label:		name for people, such as the image's last name seen; "" when there is none. Never an identity.
 * @source:		layers or a plain folder
 * @scanned:		when it was stored, seconds since the epoch
 * @used:		when it was last used, likewise
 * @complete:		the scan left nothing out
 * @reason:		why it did
 * @files:		executable files
 * @bytes:		their sizes added up
 * @digests:		how many of them have a digest
 */
struct imagedb_store_set {
	uint64_t number;
	uint8_t key[IMAGEDB_KEY_BYTES];
	char *identity;
	char *label;
	enum imagedb_store_source source;
	int64_t scanned;
	int64_t used;
	bool complete;
	enum imagedb_incomplete reason;
	uint32_t files;
	uint64_t bytes;
	uint32_t digests;
};

/** imagedb_store_set_free() - NULL-safe, sets NULL */
void imagedb_store_set_free(struct imagedb_store_set **set);

/**
 * imagedb_store_get() - the set with that identity
 * @store:	the store
 * @identity:	borrowed
 * @ret:	output, owned: imagedb_store_set_free()
 *
 * Cost: two reads in memory. Return: 0, no such set (-ENOENT), or an error above.
 */
int imagedb_store_get(struct imagedb_store *store, const char *identity, struct imagedb_store_set **ret);

/** imagedb_store_get_number() - the same by number; -ENOENT when it was replaced or removed */
int imagedb_store_get_number(struct imagedb_store *store, uint64_t number, struct imagedb_store_set **ret);

/**
 * imagedb_store_touch() - note that a set is used now, and under which name
 * @store:	the store
 * @number:	the set
 * @label:	borrowed; NULL: stays as it is
 *
 * Return: 0, no such set (-ENOENT), label too long (-ENAMETOOLONG), or an error above.
 */
int imagedb_store_touch(struct imagedb_store *store, uint64_t number, const char *label);

/** imagedb_store_set_fn - called for each set (borrowed); anything but 0 ends the listing and is what it returns */
typedef int (*imagedb_store_set_fn)(const struct imagedb_store_set *set, void *data);

/** imagedb_store_list() - all sets, the most recently used first; a set that goes meanwhile is left out */
int imagedb_store_list(struct imagedb_store *store, imagedb_store_set_fn fn, void *data);

/** imagedb_store_remove() - remove a set at once, its files in small steps; -ENOENT */
int imagedb_store_remove(struct imagedb_store *store, uint64_t number);

/**
 * imagedb_store_trim() - remove the sets that were not used for longest
 * @store:	the store
 * @max_sets:	how many may stay; 0: IMAGEDB_STORE_MAX_SETS
 * @max_bytes:	how large the store may be, free pages not counted; 0: three quarters of IMAGEDB_STORE_MAX_BYTES
 * @ret_removed: output, may be NULL
 *
 * The order is that of use, not of the clock. At least the most recently used set stays. Return: 0 or an error above.
 */
int imagedb_store_trim(struct imagedb_store *store, uint32_t max_sets, uint64_t max_bytes, uint32_t *ret_removed);

/**
 * struct imagedb_store_totals - the whole store
 * @sets:	layer sets
 * @files:	files in them
 * @digests:	files with a digest
 * @used_bytes:	on disk, without pages that are free to be used again
 * @file_bytes:	size of the store's file
 */
struct imagedb_store_totals {
	uint32_t sets;
	uint64_t files;
	uint64_t digests;
	uint64_t used_bytes;
	uint64_t file_bytes;
};

/** imagedb_store_totals() - count; cost grows with the number of sets, not of files */
int imagedb_store_totals(struct imagedb_store *store, struct imagedb_store_totals *ret);

/* --- files of a set --------------------------------------------------------------------------------------------- */

/**
 * struct imagedb_store_inode - a file's real data inode as the kernel half names it (struct hf_catalog_key)
 *
 * All 0: not known, as in sets that the command line tool made. Never what stat() says of an overlay.
 */
struct imagedb_store_inode {
	uint64_t ino;
	uint32_t dev;
	uint32_t generation;
};

enum imagedb_store_file_flags {
	IMAGEDB_STORE_HARDLINK	= 1 << 0,	/* another name of this inode is in the set, too */
	IMAGEDB_STORE_MALFORMED	= 1 << 1,	/* the ELF headers do not hold together */
	IMAGEDB_STORE_CUT_SHORT	= 1 << 2,	/* there were more DT_NEEDED names than are kept */
};

/**
 * struct imagedb_store_file - one executable file; pointers are borrowed, valid during the callback
 * @number:		within its set, from 0; for imagedb_store_set_digests(). Ignored by imagedb_store_add().
 * @path:		bytes relative to the root, no leading slash, NUL-terminated, not empty
 * @path_len:		its length, at most IMAGEDB_MAX_PATH
 * @kind:		what its first bytes say
 * @flags:		enum imagedb_store_file_flags
 * @mode:		type and permission bits
 * @size:		in bytes
 * @ctime:		last change of the inode
 * @inode:		real data inode, or zeros
 * @interpreter:	or NULL
 * @interpreter_arg:	the rest of a "#!" line, or NULL
 * @soname:		or NULL
 * @needed:		DT_NEEDED names, @needed_count of them; NULL when there are none
 * @needed_count:	at most IMAGEDB_STORE_MAX_NEEDED
 * @digest:		.algorithms is 0 until it was computed
 */
struct imagedb_store_file {
	uint32_t number;
	const char *path;
	size_t path_len;
	enum imagedb_kind kind;
	unsigned int flags;
	uint32_t mode;
	uint64_t size;
	struct timespec ctime;
	struct imagedb_store_inode inode;
	const char *interpreter;
	const char *interpreter_arg;
	const char *soname;
	const char *const *needed;
	size_t needed_count;
	struct imagedb_digest digest;
};

/** imagedb_store_file_from_scan() - describe what a scan reports; pointers stay borrowed from @from. Inode and digest are empty. */
void imagedb_store_file_from_scan(const struct imagedb_file *from, struct imagedb_store_file *ret);

/**
 * imagedb_store_begin() - start to store a set
 * @store:	the store
 * @identity:	borrowed: what it is
 * @label:	borrowed, may be NULL
 * @source:	layers or a plain folder
 * @ret:	output: ended by imagedb_store_commit() or imagedb_store_abort()
 *
 * Nothing is seen of it before the commit, which replaces a set of the same identity in one transaction. Several writers may
 * be under way, also for one identity: the last commit wins. What a killed one leaves is removed by a later open or begin.
 * Writes about once for 1 MiB of records; holds no lock in between, so a scan may take as long as it likes.
 *
 * Context: one thread per writer. Memory: 1 MiB and 24 bytes per file.
 *
 * Return: 0, read-only (-EROFS), identity empty or too long (-EINVAL), label too long (-ENAMETOOLONG), or an error above.
 */
int imagedb_store_begin(struct imagedb_store *store, const char *identity, const char *label,
			enum imagedb_store_source source, struct imagedb_store_writer **ret);

/**
 * imagedb_store_add() - add a file
 * @writer:	the writer
 * @file:	borrowed
 *
 * Return: 0, too many files (-E2BIG), path empty or too long (-ENAMETOOLONG), a value out of range (-EINVAL), or an error above;
 * after an error other than -ENAMETOOLONG and -EINVAL the writer can only be aborted.
 */
int imagedb_store_add(struct imagedb_store_writer *writer, const struct imagedb_store_file *file);

/**
 * imagedb_store_commit() - make the set visible
 * @writer:	ended, on failure too, and set to NULL
 * @stats:	borrowed: the scan's, for .complete and .reason
 * @ret_number:	output, may be NULL: the set's number
 *
 * Return: 0 or an error above; then the former set of this identity, if any, stands.
 */
int imagedb_store_commit(struct imagedb_store_writer **writer, const struct imagedb_scan_stats *stats, uint64_t *ret_number);

/** imagedb_store_abort() - drop what was added; NULL-safe, sets NULL */
void imagedb_store_abort(struct imagedb_store_writer **writer);

/** imagedb_store_file_fn - called for each file (borrowed); anything but 0 ends the walk and is what it returns */
typedef int (*imagedb_store_file_fn)(const struct imagedb_store_file *file, void *data);

enum imagedb_store_which {
	IMAGEDB_STORE_ALL,
	IMAGEDB_STORE_WITHOUT_DIGEST,
};

/**
 * imagedb_store_files() - walk over the files of a set, in the order in which they were added
 * @store:	the store
 * @number:	the set
 * @which:	all, or those that have no digest yet
 * @from:	number of the first file to look at, 0 for all
 * @fn:		called without any lock held: it may call the store
 * @data:	handed to @fn
 *
 * Memory: one piece of the set, about 16 KiB. Return: 0, the callback's value, the set is not or no longer there (-ENOENT), or
 * an error above.
 */
int imagedb_store_files(struct imagedb_store *store, uint64_t number, enum imagedb_store_which which, uint32_t from,
			imagedb_store_file_fn fn, void *data);

/** imagedb_store_find_path() - call @fn for the file with that path; 0 or its value, -ENOENT: no such set or path */
int imagedb_store_find_path(struct imagedb_store *store, uint64_t number, const char *path, size_t path_len,
			    imagedb_store_file_fn fn, void *data);

/**
 * imagedb_store_find_digest() - the digest of a file that the kernel half has named
 * @store:	the store
 * @number:	the set to look in; 0: any, the most recently used one first
 * @inode:	borrowed, not all 0
 * @size:	and
 * @ctime:	as they are now (ctime's nanoseconds exactly; a kernel that marks bit 31 has to be unmarked by the caller)
 * @ret:	output, untouched on failure
 *
 * Return: 0, there is none, or size or ctime differ (-ENOENT), or an error above.
 */
int imagedb_store_find_digest(struct imagedb_store *store, uint64_t number, const struct imagedb_store_inode *inode,
			      uint64_t size, struct timespec ctime, struct imagedb_digest *ret);

/**
 * struct imagedb_store_digest_update - a digest for one file
 * @number:	the file's number in its set
 * @size:	and
 * @ctime:	of the file that was hashed: they must be the stored ones
 * @digest:	the digest
 * @stored:	output: whether it was; false when size or ctime differ or there is no such file
 */
struct imagedb_store_digest_update {
	uint32_t number;
	uint64_t size;
	struct timespec ctime;
	struct imagedb_digest digest;
	bool stored;
};

/**
 * imagedb_store_set_digests() - store digests, in one transaction for each few hundred
 * @store:	the store
 * @number:	the set
 * @updates:	@n of them, .stored is filled; cheapest when sorted by file number
 * @n:		any number; some hundred at once share the cost of one write to disk
 *
 * Return: 0 (look at .stored), no such set (-ENOENT), or an error above; then .stored tells nothing.
 */
int imagedb_store_set_digests(struct imagedb_store *store, uint64_t number, struct imagedb_store_digest_update *updates,
			      size_t n);

/** imagedb_store_source_to_string() - "layers", "folder"; static storage, NULL for a value that is none */
const char *imagedb_store_source_to_string(enum imagedb_store_source source);

#endif /* IMAGEDB_STORE_H */
