/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child that reads hostile files: images that are scanned, files that are hashed.
 *
 * Owns: its limits and its work. Must not know: containers, the kernel half, who asks. It holds one socket and what comes
 * through it; it can open nothing by a path of its own.
 */
#ifndef ENFORCER_WORKER_CHILD_H
#define ENFORCER_WORKER_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#define WORKER_MEMORY_BYTES (64ull << 20) /* beyond what the bare process has; the largest allowed tree needs about 40 MiB */
#define WORKER_FILES_OPEN_MAX 1024 /* the scan holds 40; the kernel counts those in flight of all of root's processes against it */
#define WORKER_CPU_SECONDS 60 /* a scan ends at --enrol-timeout; ten times as much in the background */

struct worker_limits {
	uint64_t memory_bytes;
	bool background; /* lowest priority of CPU and disk */
};

/**
 * worker_child_prepare - what children inherit ready-made: the filter, the hash library's state
 *
 * In the spawner, before it confines itself. 0 or -errno.
 */
int worker_child_prepare(void);

/* Confines the calling process for good and works off requests until the socket ends. Returns the exit status. */
int worker_child_run(int sock, const struct worker_limits *limits);

#endif
