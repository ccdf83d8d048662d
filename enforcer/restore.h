/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a running container back after a restart of the daemon.
 *
 * Owns: the checks that what a state file says is still true. Must not know: where the file lies.
 */
#ifndef ENFORCER_RESTORE_H
#define ENFORCER_RESTORE_H

#include <stdint.h>
#include <sys/types.h>

struct daemon;
struct json_object;

/* Start time of a process in clock ticks since boot, 0 when there is none: tells a reused pid. */
uint64_t restore_start_of_pid(pid_t pid);
/* The same, with another folder for /proc. */
uint64_t restore_start_in(const char *proc, pid_t pid);
/* One container from its state (state.c wrote it). 0: it is in the table and watched, or noted to be armed again (rearm.h); 1: it lives, but the kernel half does not have
 * it as the file says: it was handed to adoption; -ESRCH: it has ended, and nobody is left in its cgroup; -EBADMSG: not a state;
 * other -errno. */
int restore_container(struct daemon *daemon, struct json_object *state);
/* After the last one: hands records that no container owns to adoption, frees what else in the tables is nobody's. Walks them. */
void restore_finish(struct daemon *daemon);
/* Takes a record out of the kernel half, with all that belongs to it there but its layer set. */
void restore_free_slot(struct daemon *daemon, uint32_t slot);

#endif
