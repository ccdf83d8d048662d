/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that read what is hostile, so that the daemon need not: one per job, without privileges, with limits.
 *
 * Owns: the spawner process (forked early, since the daemon forks no more once it is confined) and the talk with the children.
 * Must not know: containers, the kernel half. Every call blocks at most until its deadline, whatever a child does or its file
 * system does to it; none may be made on the main thread. A worker belongs to one thread, struct workers to all.
 */
#ifndef ENFORCER_WORKERS_H
#define ENFORCER_WORKERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "imagedb/imagedb.h"

#define WORKERS_ERROR_BYTES 192

struct workers;
struct worker;

struct workers_options {
	const char *folder; /* the spawner mounts its own view of the file system there, in a mount namespace of its own; NULL:
			     * it keeps the daemon's */
	uint64_t memory_bytes; /* of a child; 0: WORKER_MEMORY_BYTES */
};

/**
 * workers_new - fork the spawner
 * @options: (borrowed)
 * @ret: (output)
 * @reterr: (output) WORKERS_ERROR_BYTES: what failed
 *
 * Before any thread is made and any descriptor is opened that a child must not have. Needs CAP_SYS_ADMIN for the view, CAP_SETPCAP
 * to give up the rest. Return: 0 or -errno.
 */
int workers_new(const struct workers_options *options, struct workers **ret, char *reterr);
/* The spawner ends, and with it all children. NULL-safe. */
void workers_free(struct workers **workers);
/* False once the spawner is gone: no child can be made until the daemon is started again. Any thread, does not wait. */
bool workers_alive(struct workers *workers);
/* A descriptor (borrowed) that hangs up when the spawner ends. */
int workers_fd(const struct workers *workers);
/* Of the spawner, for tests and status. */
pid_t workers_pid(const struct workers *workers);

/**
 * worker_new - a fresh child
 * @workers: (borrowed) outlives the worker
 * @background: at the lowest priority of CPU and disk
 * @ret: (output)
 *
 * Takes about a millisecond. Return: 0; -EPIPE: the spawner is gone; -EAGAIN: too many children do not end; -ETIMEDOUT; -errno.
 */
int worker_new(struct workers *workers, bool background, struct worker **ret);
/* Ends the child. NULL-safe. */
void worker_free(struct worker **worker);
pid_t worker_pid(const struct worker *worker);
/* How a child ended that answered -EPIPE or -ETIMEDOUT: "was killed by signal 9 (out of memory, or by hand)". Ends it. */
void worker_fate(struct worker *worker, char reterr[WORKERS_ERROR_BYTES]);

/**
 * worker_scan - imagedb_scan() in the child
 * @worker: (borrowed) unusable after any failure but that of @fn
 * @rootfs_fd: (borrowed)
 * @options: (borrowed) flags, deadline and cancel count
 * @fn: called in this thread; file->fd is borrowed. What it gets is checked for form, not for truth: a child may lie
 * @data: handed to @fn
 * @ret_stats: (output) may be NULL
 *
 * Return: as imagedb_scan(), or: the child died (-EPIPE), answered nonsense (-EPROTO).
 */
int worker_scan(struct worker *worker, int rootfs_fd, const struct imagedb_scan_options *options, imagedb_file_fn fn,
		void *data, struct imagedb_scan_stats *ret_stats);

/* The same for a list of paths, one after the other, each with its NUL, at most WORKERS_PATHS_BYTES. A path that is no regular file
 * ends it: -ENOENT, -EINVAL, … Kinds are not told. */
#define WORKERS_PATHS_BYTES (64u << 10)
int worker_open(struct worker *worker, int rootfs_fd, const char *paths, size_t bytes,
		const struct imagedb_scan_options *options, imagedb_file_fn fn, void *data);

struct worker_hash {
	int root_fd;	      /* borrowed: folder that the path begins at, and does not leave */
	const char *path;     /* borrowed; "": root_fd is the file itself, open for reading */
	bool no_capabilities; /* one that has file capabilities is refused: -EPERM */
	uint64_t ino;	      /* as stat() must tell; 0: any */
	uint64_t size;
	uint64_t ctime_ns;
	uint64_t max_bytes;   /* 0: no bound */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
};

/* Digests of a file that is in that state. -ESTALE: it is not; -ENOENT, -EINVAL (not regular), -EFBIG, -EAGAIN (changed meanwhile);
 * -EPIPE, -ETIMEDOUT, -EPROTO, -ECANCELED: the worker is unusable. */
int worker_hash(struct worker *worker, const struct worker_hash *file, const atomic_bool *cancel,
		struct imagedb_digest *ret);

#endif
