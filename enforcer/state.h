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

/* Writes (temporary name, then rename) the file of one container. 0 or -errno. */
int state_save(struct daemon *daemon, const struct container *container);
/* The same for a container that starts whether or not it can be written now: what fails is FAULT_STATE and tried again. */
void state_keep(struct daemon *daemon, struct container *container);
/* Removes its file; what fails is FAULT_STATE and tried again. */
void state_remove(struct daemon *daemon, uint64_t kernel_id);

/* Writes and removes what could not be before. 0 when nothing is left to do, or -errno of the first that fails. */
int state_mend(struct daemon *daemon);

/* After a restart: reads all files, takes back every container whose first process still lives and whose record stands in
 * the kernel half, and cleans up after the others. The number taken back, or -errno when the folder cannot be used. */
int state_restore(struct daemon *daemon);

#endif
