/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must survive the daemon: one small file per container in <run dir>/containers.
 *
 * Owns: the files. Must not know: how a container was armed. The run dir is on a tmpfs: a reboot ends containers and files
 * alike.
 */
#ifndef ENFORCER_STATE_H
#define ENFORCER_STATE_H

#include <stdint.h>

struct container;
struct daemon;

/* Writes (temporary name, then rename) or removes the file of one container. 0 or -errno; removing logs its own errors. */
int state_save(struct daemon *daemon, const struct container *container);
void state_remove(struct daemon *daemon, uint64_t kernel_id);

/* After a restart: reads all files, takes back every container whose first process still lives and whose record stands in
 * the kernel half, and cleans up after the others. The number taken back, or -errno when the folder cannot be used. */
int state_restore(struct daemon *daemon);

#endif
