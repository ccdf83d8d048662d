/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the kernel half which files of a layer set are interpreters.
 *
 * Owns: the way from a path that the image names to its inode, through the image's own symbolic links. Must not know: which names are
 * interpreters' (interpreters.h).
 */
#ifndef ENFORCER_ENROL_INTERPRETERS_H
#define ENFORCER_ENROL_INTERPRETERS_H

#include <stdint.h>

struct enroller;
struct enrol_job;
struct interpreters;

/* Marks what was noted in the set's catalogue entries. On the enrolling thread, after the set's files were shown. What is not there, or
 * no executable of the image, is passed over: it interprets nothing. 0; -EIO: the kernel half does not answer. */
int enrol_interpreters_mark(struct enroller *e, const struct enrol_job *job, uint32_t layer_set,
			    const struct interpreters *list);

#endif
