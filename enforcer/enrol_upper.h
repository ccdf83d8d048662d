/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writable layer that a container brings from an earlier life: what it hides of the image, what it changed of it.
 *
 * Owns: the walk over that layer. Must not know: layer sets. Enrolling thread only; it reads names and, of files that were copied up
 * from the image, bytes to compare. No content is parsed.
 *
 *   I1  A copied-up file counts as the image's if it was never written while the container was watched. For what was written
 *       before, a note must exist: so every regular file of the layer is asked about, by the path that leads to it in the
 *       container's root, and the kernel half answers from the inode that a later exec will be judged by. What that inode was
 *       copied from is stored with the file itself (overlay's origin), so it does not depend on the name or on who came first.
 *   I2  Only files of the catalogue need a note: the kernel half's proof asks for the image's file in the catalogue as well. But scripts'
 *       does not: files with a script's name get theirs, up to a bound.
 *   I3  Whatever is not seen for certain (another folder at the path, a mount over a file, a bound, the deadline, an error, a
 *       note that does not fit) takes the proof away from the whole container: all its copied-up files count as modified.
 *   I4  An empty file needs no note: it cannot run, and to fill it is a write that is watched.
 *   I5  Nobody writes unseen during the walk: the container does not run yet, and a mounted layer is not shared; or it runs and its
 *       root was registered before, so that each open for writing is noted, and a file with a writer from before is noted here.
 *   I6  The copy of a file that had several names in the image has no origin once its root is mounted anew. It counts as the image's if it
 *       lies in the place of one of its executables and has its bytes; the kernel half forgets that at the first open for writing.
 */
#ifndef ENFORCER_ENROL_UPPER_H
#define ENFORCER_ENROL_UPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "enforcer/enrol_internal.h"

/**
 * enrol_upper_hides - whether the container's view lacks something that its image has
 *
 * Looks every name up in the layers, and in folders what the layers have there. Return: false only when every name was looked at.
 */
bool enrol_upper_hides(struct enroller *e, const struct enrol_job *job);

/**
 * enrol_upper_note - note every copied-up file that differs from the catalogue's
 * @layer_set: complete
 *
 * Return: 0: copy-ups can be judged in this container (I1 to I5); the layer's folder cannot be found (-ESTALE), or a mount lies over
 * a copied-up file (-EXDEV): a scan of the whole root can still tell; else -errno: they cannot.
 */
int enrol_upper_note(struct enroller *e, const struct enrol_job *job, uint32_t layer_set);

/* The same for files with a script's name alone, beside a scan of the root, which has seen the others. */
int enrol_upper_note_scripts(struct enroller *e, const struct enrol_job *job, uint32_t layer_set);

#endif
