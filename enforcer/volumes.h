/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's declared mounts: which kind each is under its policy, in the kernel half's table.
 *
 * Owns: the kinds. Must not know: how mounts were found (enrol_job.c), or what a kind means for a verdict.
 */
#ifndef ENFORCER_VOLUMES_H
#define ENFORCER_VOLUMES_H

#include <stddef.h>
#include <stdint.h>

struct container;
struct lsm;

/* Writes the kind of each of the container's mounts under its policy, over what stood there. Called at arming and after its policy
 * changed. 0; -E2BIG: the table is full; -errno. */
int volumes_publish(struct lsm *lsm, const struct container *container);

/* A task of the container wrote to the volume with that root (0: to some volume of that file system): the mounts that show it count as
 * writable from now on, once they are published and saved. How many they are; each is logged. */
size_t volumes_mark_written(struct container *container, uint64_t root_ino, uint32_t dev);

#endif
