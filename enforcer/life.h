/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a container's end is noticed: its first process has ended and nobody is left in its cgroup.
 *
 * Owns: the watches. Must not know: what has to be cleaned up (arm_release does). poststop hooks are not relied upon: crun
 * does not run them after a failed start.
 */
#ifndef ENFORCER_LIFE_H
#define ENFORCER_LIFE_H

#include <stdbool.h>

struct container;
struct daemon;

/* Watches the container; pidfd (of its first process) is taken on success, -1: that one has ended already. When nobody is left,
 * arm_release is called with its kernel id, not before the loop runs. 0; -ESRCH: nobody is left now; -errno. */
int life_watch(struct daemon *daemon, struct container *container, int pidfd);
/* Whether the first process of a watched container has ended; others may live on. True when it is not watched. */
bool life_has_ended(const struct container *container);
/* Ends the watch. Nothing happens when there is none. */
void life_unwatch(struct container *container);

#endif
