/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment from the image database: the files of a set that was scanned before, without walking its tree.
 *
 * Owns: the comparison of what was stored with what is. Must not know: the walk. What goes into the catalogue comes from the kernel half
 * alone; the database only says where to look.
 */
#ifndef ENFORCER_ENROL_STORED_H
#define ENFORCER_ENROL_STORED_H

#include "enforcer/enrol_internal.h"

/**
 * enrol_from_store - show the stored files of a root's layers to the kernel half
 * @e: (borrowed)
 * @job: (borrowed) its root hides nothing of the layers
 * @layer_set: to enrol into
 * @ret_executables: (output)
 *
 * Return: 0: each stored file is there in the very state that was stored, and enrolled; -ENOENT: nothing is stored; -ESTALE: something
 * differs, scan; another -errno: of reading, of the kernel half, or the deadline.
 */
int enrol_from_store(struct enroller *e, const struct enrol_job *job, uint32_t layer_set, uint32_t *ret_executables);

#endif
