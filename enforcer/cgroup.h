/* SPDX-License-Identifier: Apache-2.0 */
/* A process's cgroup on the unified hierarchy: its folder and the id that the kernel half sees. */
#ifndef ENFORCER_CGROUP_H
#define ENFORCER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* *ret_path (owned by the caller, below CGROUP_ROOT) and *ret_id (the folder's inode number). Left alone, and -errno, when the
 * process is in the root cgroup (-ENOENT), or cannot be looked at. */
int cgroup_of_pid(pid_t pid, char **ret_path, uint64_t *ret_id);
/* Opens cgroup.events of a folder as given by cgroup_of_pid: readable with EPOLLPRI when it changes. */
int cgroup_open_events(const char *path);
/* Reads it: are there processes in the cgroup or below? A cgroup that is gone has none. */
bool cgroup_is_populated(int events_fd);

#endif
