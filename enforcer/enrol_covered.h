/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's mounts cover of its image: a scan of its root does not see it, and another container of the image may
 * need it.
 *
 * Owns: the list of those mounts, and the look into the layers below them. Must not know: what follows from it.
 */
#ifndef ENFORCER_ENROL_COVERED_H
#define ENFORCER_ENROL_COVERED_H

#include <stdbool.h>

struct copied_layers;
struct enroller;
struct enrol_job;

/**
 * enrol_covered - whether a mount covers executable code of the image
 * @e: (borrowed)
 * @job: (borrowed) its root, pid and deadline
 * @layers: (borrowed) the image's, as copied_layers_open() gives them
 *
 * Looks into every layer at the path of every mount below the root: a folder is read by a child, of a file the first bytes.
 * A layer above that takes the file away again is not thought of: too often "yes" costs a scan, never a verdict.
 * Blocks on the layers' file systems. Return: true also when it cannot be told.
 */
bool enrol_covered(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers);

/* "/a/b\040c" below "/a" is "b c": the path of a mount below the root, in place; NULL: it is not below. For tests. */
char *enrol_covered_path(char *point, const char *root);

#endif
