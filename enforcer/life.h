/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container's end is noticed: its first process has ended and nobody is left in its cgroup.
 *
 * Owns: the watches. Must not know: what has to be cleaned up (arm_release does). poststop hooks are not relied upon: crun
 * does not run them after a failed start.
 */
#ifndef ENFORCER_LIFE_H
#define ENFORCER_LIFE_H

struct container;
struct daemon;

/* Watches the container; pidfd (of its first process) is taken on success. When it has gone, arm_release is called with its
 * kernel id. 0 or -errno. */
int life_watch(struct daemon *daemon, struct container *container, int pidfd);
/* Ends the watch. Nothing happens when there is none. */
void life_unwatch(struct container *container);

#endif
