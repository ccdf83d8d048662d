/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running containers that a state file knows, but not this version's fresh tables: armed again under the id and slot that their tasks'
 * tags name. Main thread only.
 */
#ifndef ENFORCER_REARM_H
#define ENFORCER_REARM_H

struct container;
struct daemon;
struct oci_container;

/**
 * rearm_note - remember a container that has to be armed again
 * @daemon: (borrowed)
 * @container: (borrowed) from its state file: id, slot, cgroup
 * @oci: (taken) its facts and mounts
 * @pidfd: (taken, and -1 then) of its first process; -1: it has ended, others are left in its cgroup
 *
 * Return: 0; -ENOMEM; -ESRCH: nobody is left in it.
 */
int rearm_note(struct daemon *daemon, const struct container *container, struct oci_container *oci, int *pidfd);

/**
 * rearm_all - arm those that were noted, and wait for the answers
 * @daemon: (borrowed) its loop runs meanwhile
 *
 * Call before this version's programs judge, and another version's are silenced.
 * Return: 0: each one is armed, or has what its policy gives to those that cannot be; -EPIPE: no image can be read
 * any more, so those are as they were; -EINTR: the daemon was told to stop.
 */
int rearm_all(struct daemon *daemon);

#endif
