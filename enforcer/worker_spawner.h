/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spawner: a small process that forks the children which the daemon, confined, cannot fork.
 *
 * Owns: its confinement, the list of its children. Must not know: what they do. Nobody but workers.c includes this.
 */
#ifndef ENFORCER_WORKER_SPAWNER_H
#define ENFORCER_WORKER_SPAWNER_H

#include <stdint.h>
#include <sys/types.h>

#define SPAWNER_CHILDREN_MAX 64 /* at once; only children that hang in the kernel and cannot be ended pile up */

struct spawner_options {
	const char *folder; /* for its view of the file system; NULL: none */
	uint64_t memory_bytes;
	pid_t parent; /* ends with it */
};

/*
 * Runs in the forked process until the daemon's end of sock closes. Reports on sock, as an answer with number 0, whether it is
 * confined. Returns the exit status, of the spawner or of a child that it has become.
 */
int worker_spawner_run(int sock, const struct spawner_options *options);

#endif
