/* SPDX-License-Identifier: Apache-2.0 */
/* A process's cgroup on the unified hierarchy: its folder and the id that the kernel half sees. */
#ifndef ENFORCER_CGROUP_H
#define ENFORCER_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* *ret_path (owned by the caller, below CGROUP_ROOT) and *ret_id (the folder's inode number) of a container's first process. Left
 * alone, and -errno, when that is in the root cgroup (-ENOENT), in its runtime's, which never becomes empty (-EBUSY),
 * CGROUP_ROOT is not the unified hierarchy (-ENODEV), or it cannot be looked at. */
int cgroup_of_pid(pid_t pid, char **ret_path, uint64_t *ret_id);
/* The unified hierarchy's line of a /proc/PID/cgroup, into ret: an absolute path below the root. -ENOENT: it has none, is the
 * root's, or lies outside of our own cgroup namespace. -ENAMETOOLONG. */
int cgroup_read_path(FILE *file, char *ret, size_t bytes);
/* Opens cgroup.events of a folder as given by cgroup_of_pid: readable with EPOLLPRI when it changes. */
int cgroup_open_events(const char *path);
/* Reads it: are there processes in the cgroup or below? A cgroup that is gone has none. */
bool cgroup_is_populated(int events_fd);

#endif
