/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is executable code in a container's root, and what it hashes to.
 * Owns: finding candidates by content, classifying them, digests. Must not know: containers, policies, BPF, JSON, logging.
 * Paths are bytes: they may hold newlines, quotes, escape sequences and invalid UTF-8.
 * Every function may block on the file system, none takes a lock: call from any thread, one scan per call.
 */
#ifndef IMAGEDB_IMAGEDB_H
#define IMAGEDB_IMAGEDB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Default bounds of a scan; each can be lowered or raised in struct imagedb_scan_limits. */
#define IMAGEDB_MAX_DEPTH	16384u		/* no image nests like that; keeps the frame stack below 1 MiB */
#define IMAGEDB_MAX_ENTRIES	4000000u	/* ten times the largest images; stops a directory that never ends */
#define IMAGEDB_MAX_CANDIDATES	1000000u	/* what the catalogue is sized for */
#define IMAGEDB_MAX_PATH	65536u		/* 16 * PATH_MAX: reachable by chdir in steps, still one small buffer */
#define IMAGEDB_MAX_PENDING	(16u << 20)	/* bytes of directory names not yet visited, the walk's only other growth */

/* The kernel's own limits for interpreters: a longer one cannot run. */
#define IMAGEDB_MAX_SCRIPT_LINE	256u		/* BINPRM_BUF_SIZE: what the kernel reads of a "#!" line */
#define IMAGEDB_MAX_INTERP	4096u		/* PATH_MAX: longest PT_INTERP the kernel takes */

/**
 * enum imagedb_kind - what a candidate's first bytes say it is
 * @IMAGEDB_KIND_ELF_EXEC:	ET_EXEC: a program at a fixed address
 * @IMAGEDB_KIND_ELF_PIE:	ET_DYN with an interpreter, or flagged as a static PIE
 * @IMAGEDB_KIND_ELF_SHARED:	any other ET_DYN
 * @IMAGEDB_KIND_ELF_RELOC:	ET_REL: object file, kernel module
 * @IMAGEDB_KIND_ELF_OTHER:	ELF magic, but another type, or headers that do not hold together
 * @IMAGEDB_KIND_SCRIPT:	starts with "#!"
 * @IMAGEDB_KIND_PE:		starts with "MZ": .NET maps the machine code in its .dll files executable
 * @IMAGEDB_KIND_HEAP:		a saved heap with machine code that its language maps executable: SBCL's core, Java's shared classes
 * @IMAGEDB_KIND_MODE_BITS:	none of these, but executable by its mode: a shell runs it after ENOEXEC, or binfmt_misc does;
 *				only with IMAGEDB_SCAN_MODE_BITS
 * @IMAGEDB_KIND_OTHER:		a regular file that is no candidate; only with IMAGEDB_SCAN_ALL
 *
 * A label for people and reports. That a file is a candidate matters; no verdict may hang on which kind it is.
 */
enum imagedb_kind {
	IMAGEDB_KIND_ELF_EXEC,
	IMAGEDB_KIND_ELF_PIE,
	IMAGEDB_KIND_ELF_SHARED,
	IMAGEDB_KIND_ELF_RELOC,
	IMAGEDB_KIND_ELF_OTHER,
	IMAGEDB_KIND_SCRIPT,
	IMAGEDB_KIND_PE,
	IMAGEDB_KIND_HEAP,
	IMAGEDB_KIND_MODE_BITS,
	IMAGEDB_KIND_OTHER,
	_IMAGEDB_KIND_MAX,
};

/**
 * enum imagedb_incomplete - why a scan did not see everything; the first reason met is kept
 * @IMAGEDB_INCOMPLETE_NONE:		it saw everything
 * @IMAGEDB_INCOMPLETE_DEPTH:		a directory deeper than the bound was left out
 * @IMAGEDB_INCOMPLETE_PATH:		a path longer than the bound was left out
 * @IMAGEDB_INCOMPLETE_ENTRIES:		more directory entries than the bound; the scan stopped there
 * @IMAGEDB_INCOMPLETE_CANDIDATES:	more candidates than the bound; the scan stopped there
 * @IMAGEDB_INCOMPLETE_PENDING:		too many directory names waiting; the surplus directories were left out
 * @IMAGEDB_INCOMPLETE_UNREADABLE:	a file or directory could not be opened or read
 * @IMAGEDB_INCOMPLETE_MOVED:		a directory was moved during the scan and the rest of its parent was lost
 * @IMAGEDB_INCOMPLETE_STOPPED:		deadline, cancellation, the callback or an error ended the scan
 */
enum imagedb_incomplete {
	IMAGEDB_INCOMPLETE_NONE,
	IMAGEDB_INCOMPLETE_DEPTH,
	IMAGEDB_INCOMPLETE_PATH,
	IMAGEDB_INCOMPLETE_ENTRIES,
	IMAGEDB_INCOMPLETE_CANDIDATES,
	IMAGEDB_INCOMPLETE_PENDING,
	IMAGEDB_INCOMPLETE_UNREADABLE,
	IMAGEDB_INCOMPLETE_MOVED,
	IMAGEDB_INCOMPLETE_STOPPED,
	_IMAGEDB_INCOMPLETE_MAX,
};

/**
 * struct imagedb_elf_details - what an ELF file says about itself; filled only with IMAGEDB_SCAN_DETAILS
 * @machine:		e_machine (EM_X86_64, …), 0 when the header could not be read
 * @bits:		32 or 64, 0 when unknown
 * @big_endian:		byte order of the file
 * @malformed:		something in the headers does not hold together; what could be read is given
 * @soname:		DT_SONAME or NULL
 * @needed:		DT_NEEDED names, @needed_count of them; NULL when there are none
 * @needed_count:	number of @needed
 * @cut_short:		there was more (names, entries) than the bounds allow
 */
struct imagedb_elf_details {
	uint16_t machine;
	uint8_t bits;
	bool big_endian;
	bool malformed;
	const char *soname;
	const char *const *needed;
	size_t needed_count;
	bool cut_short;
};

/**
 * struct imagedb_file - one name of one candidate; everything in it is valid during the callback only
 * @path:		bytes relative to the scanned root, no leading slash, NUL-terminated
 * @path_len:		length of @path in bytes
 * @fd:			the very file that was classified, open O_RDONLY at offset 0; borrowed: do not close, dup() to keep
 * @kind:		what its content says
 * @dev:		st_dev as stat() gives it (on overlayfs not what the kernel half sees: never a catalogue key)
 * @ino:		st_ino, with the same caveat
 * @nlink:		number of names the inode has
 * @mode:		type and permission bits
 * @uid:		owner
 * @gid:		group
 * @size:		length in bytes when it was opened
 * @ctime:		last change of the inode
 * @mtime:		last change of the content
 * @hardlink_seen:	another name of this inode was reported before in this scan: enrol an inode once
 * @interpreter:	"#!" interpreter, or with IMAGEDB_SCAN_DETAILS the PT_INTERP of an ELF file; NULL when there is none
 * @interpreter_arg:	the rest of a "#!" line (one argument, as the kernel passes it), or NULL
 * @elf:		ELF details with IMAGEDB_SCAN_DETAILS, else NULL
 */
struct imagedb_file {
	const char *path;
	size_t path_len;
	int fd;
	enum imagedb_kind kind;
	dev_t dev;
	ino_t ino;
	nlink_t nlink;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec ctime;
	struct timespec mtime;
	bool hardlink_seen;
	const char *interpreter;
	const char *interpreter_arg;
	const struct imagedb_elf_details *elf;
};

/**
 * struct imagedb_scan_stats - what a scan saw
 * @entries:		directory entries read, "." and ".." not counted
 * @directories:	directories listed, the root included
 * @regular_files:	regular files looked at
 * @bytes:		their sizes added up
 * @candidates:		names handed to the callback, without IMAGEDB_KIND_OTHER
 * @kinds:		names handed to the callback, by kind
 * @hardlinks:		names handed to the callback with @hardlink_seen set
 * @symlinks:		symbolic links, never followed
 * @skipped_mounts:	names on which something is mounted (volumes, /proc, /etc/hosts): not entered, not opened
 * @skipped_special:	FIFOs, sockets, devices: never opened
 * @vanished:		names that were gone when they were to be opened: nothing was missed
 * @unreadable:		files and directories that could not be opened or read
 * @moved:		directories whose remaining sub-directories were lost because a directory was moved
 * @too_deep:		directories left out by the depth bound
 * @too_long:		names left out by the path bound
 * @pending_dropped:	directories left out by the bound on waiting names
 * @complete:		nothing was left out: no bound, no unreadable file, not stopped
 * @reason:		first reason why not
 */
struct imagedb_scan_stats {
	uint64_t entries;
	uint64_t directories;
	uint64_t regular_files;
	uint64_t bytes;
	uint64_t candidates;
	uint64_t kinds[_IMAGEDB_KIND_MAX];
	uint64_t hardlinks;
	uint64_t symlinks;
	uint64_t skipped_mounts;
	uint64_t skipped_special;
	uint64_t vanished;
	uint64_t unreadable;
	uint64_t moved;
	uint64_t too_deep;
	uint64_t too_long;
	uint64_t pending_dropped;
	bool complete;
	enum imagedb_incomplete reason;
};

/** struct imagedb_scan_limits - bounds of one scan; 0 means the default constant above */
struct imagedb_scan_limits {
	uint32_t depth;
	uint32_t entries;
	uint32_t candidates;
	uint32_t path_bytes;
	uint32_t pending_bytes;
};

enum imagedb_scan_flags {
	IMAGEDB_SCAN_DETAILS	= 1 << 0,	/* fill .elf and the interpreter of ELF files: up to a few more reads per file */
	IMAGEDB_SCAN_MODE_BITS	= 1 << 1,	/* also report IMAGEDB_KIND_MODE_BITS */
	IMAGEDB_SCAN_ALL	= 1 << 2,	/* also report IMAGEDB_KIND_OTHER: every regular file; bounded by the entries */
};

/**
 * imagedb_file_fn - called for each candidate, with IMAGEDB_SCAN_ALL for each regular file
 * @file: borrowed, valid during the call
 * @data: the pointer given to imagedb_scan()
 *
 * Return: 0 to go on; anything else stops the scan and is what imagedb_scan() returns.
 */
typedef int (*imagedb_file_fn)(const struct imagedb_file *file, void *data);

/** imagedb_progress_fn - called every few thousand entries with the counts so far (borrowed) */
typedef void (*imagedb_progress_fn)(const struct imagedb_scan_stats *stats, void *data);

/**
 * struct imagedb_scan_options - how to scan; zero-initialise for the defaults
 * @flags:		enum imagedb_scan_flags
 * @deadline_ns:	CLOCK_MONOTONIC time at which to give up, 0 for none
 * @cancel:		borrowed, may be NULL: the scan stops soon after it becomes true
 * @limits:		bounds
 * @progress:		may be NULL
 * @progress_data:	handed to @progress
 */
struct imagedb_scan_options {
	unsigned int flags;
	uint64_t deadline_ns;
	const atomic_bool *cancel;
	struct imagedb_scan_limits limits;
	imagedb_progress_fn progress;
	void *progress_data;
};

/**
 * imagedb_scan() - find the executable code below a directory
 * @rootfs_fd:	the container's root: a directory descriptor, O_PATH or O_RDONLY; borrowed, its offset is not touched
 * @options:	borrowed; NULL for the defaults
 * @fn:		called for each candidate, in no particular order, never twice for one name
 * @data:	handed to @fn
 * @ret_stats:	output, may be NULL; filled on failure as well, because a stopped scan must say how far it came
 *
 * Looks at content, whatever the mode bits. Never leaves the root, follows no link, crosses no mount, and opens neither FIFO,
 * socket nor device: each name is pinned with O_PATH first, and what is opened is the pinned inode. Holds at most 40 descriptors
 * however the tree looks; memory is 64 KiB, and what the bounds allow for deep or wide trees. Needs /proc in the caller's mount
 * namespace.
 *
 * Needs CAP_DAC_READ_SEARCH to read what is closed to the caller; without it such files are counted as unreadable.
 *
 * Context: any thread; blocks on the file system (the deadline cannot interrupt one blocked system call).
 * Cost: six system calls per regular file (openat2, fstat, openat, close, pread, close), five per directory.
 *
 * Return: 0 when the walk ended by itself (look at @ret_stats->complete), the callback's value if not 0, or: deadline passed
 * (-ETIMEDOUT), cancelled (-ECANCELED), no memory (-ENOMEM), no descriptors left (-EMFILE, -ENFILE), unknown flag or no
 * callback (-EINVAL), not a directory (-ENOTDIR), no /proc (-ENOENT), openat2 missing or filtered (-ENOSYS, -EPERM), or the error of
 * opening the root.
 */
int imagedb_scan(int rootfs_fd, const struct imagedb_scan_options *options, imagedb_file_fn fn, void *data,
		 struct imagedb_scan_stats *ret_stats);

/** imagedb_kind_to_string() - "elf-exec", "script", …; static storage, NULL for a value that is none */
const char *imagedb_kind_to_string(enum imagedb_kind kind);

/** imagedb_incomplete_to_string() - "none", "depth", …; static storage, NULL for a value that is none */
const char *imagedb_incomplete_to_string(enum imagedb_incomplete reason);

#define IMAGEDB_XXH3_BYTES	16
#define IMAGEDB_SHA256_BYTES	32

/** Algorithms of a digest record, a bit mask: a record says itself what it holds. */
enum imagedb_algorithm {
	IMAGEDB_ALGORITHM_XXH3_128	= 1 << 0,	/* finds equal content fast; proves nothing against an attacker */
	IMAGEDB_ALGORITHM_SHA256	= 1 << 1,	/* what alerts, exceptions and re-verification compare */
};

/**
 * struct imagedb_digest - digests of one file's content
 * @algorithms:	which of the fields below are valid (enum imagedb_algorithm)
 * @size:	bytes that were hashed: the file's whole length
 * @xxh3_128:	XXH3 128 bits in canonical (big endian) order, as xxhsum prints it
 * @sha256:	SHA-256
 */
struct imagedb_digest {
	uint32_t algorithms;
	uint64_t size;
	uint8_t xxh3_128[IMAGEDB_XXH3_BYTES];
	uint8_t sha256[IMAGEDB_SHA256_BYTES];
};

/**
 * imagedb_digest_fd() - hash a file, both algorithms in one pass
 * @fd:		regular file open for reading, borrowed; its offset is neither used nor moved
 * @max_bytes:	refuse longer files; 0 for no bound
 * @ret:	output, untouched on failure
 *
 * A write between the first and the last byte is noticed by size, mtime or ctime. What these do not show is not noticed: a store
 * through a shared mapping whose page was already dirty, or a write within the same clock tick (some ms) before the start.
 *
 * Context: any thread; blocks on the file system. Cost: reads the whole file, 128 KiB of memory.
 *
 * Return: 0, or: not a regular file (-EINVAL), longer than @max_bytes (-EFBIG), changed while it was read (-EAGAIN: try again),
 * no memory (-ENOMEM), the cryptographic library refused (-EIO), or the read error.
 */
int imagedb_digest_fd(int fd, uint64_t max_bytes, struct imagedb_digest *ret);

/**
 * imagedb_hex() - write bytes as lower-case hexadecimal
 * @bytes:	what to write, @len of them
 * @len:	number of bytes
 * @buf:	output, always NUL-terminated on success
 * @buf_size:	at least 2 * @len + 1
 *
 * Return: 0, or the buffer is too small (-ENOSPC).
 */
int imagedb_hex(const uint8_t *bytes, size_t len, char *buf, size_t buf_size);

/** imagedb_algorithm_to_string() - "xxh3-128", "sha256"; static storage, NULL for anything but one known bit */
const char *imagedb_algorithm_to_string(enum imagedb_algorithm algorithm);

#endif /* IMAGEDB_IMAGEDB_H */
