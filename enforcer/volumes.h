/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's declared mounts: which kind each is under its policy, in the kernel half's table.
 *
 * Owns: the kinds. Must not know: how mounts were found (enrol_job.c), or what a kind means for a verdict.
 */
#ifndef ENFORCER_VOLUMES_H
#define ENFORCER_VOLUMES_H

struct container;
struct lsm;

/* Writes the kind of each of the container's mounts under its policy, over what stood there. Called at arming and after its policy
 * changed. 0; -E2BIG: the table is full; -errno. */
int volumes_publish(struct lsm *lsm, const struct container *container);

#endif
