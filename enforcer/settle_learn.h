/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of the image for roots that the image database cannot keep: without lasting layers below them, what the image's bytes were can
 * only be read while nobody has touched them.
 *
 * Owns: those digests, and which files are still to be read. Must not know: threads, how a file is read (struct learn_ops).
 *
 *   I1  A digest counts only if the kernel half says before the first byte and after the last that the file is the image's and was
 *       not opened for writing. It can say so for as long as the file is believed to be original, and not a moment longer.
 *   I2  A container that is armed before it runs has its root a little later: until then nothing is read.
 *   I3  What has no digest by the time it is opened for writing, gets none.
 */
#ifndef ENFORCER_SETTLE_LEARN_H
#define ENFORCER_SETTLE_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/settle_work.h"

#define LEARN_FILES_MAX 65536 /* digests of all such roots together, some 8 MB: five large images */
#define LEARN_ROOTS_MAX 256   /* such roots at once */

struct imagedb_digest;
struct learner;

/* A candidate of the image: its path from the root, without its slash, borrowed. Other than 0 ends the scan. */
typedef int (*learn_found_fn)(const char *path, void *found);

struct learn_ops {
	/* Names all candidates of a container's root. 0 or -errno; -EAGAIN: it has none yet, later. */
	int (*scan)(const struct settle_place *place, learn_found_fn fn, void *found, void *data);
	struct settle_ops file; /* open, ask, hash; its data is scan's, too */
};

/* One thread's, as everything below. */
int learner_new(const struct learn_ops *ops, struct learner **ret);
/* NULL-safe. */
void learner_free(struct learner **learner);

/* A container whose image is to be learned; place is copied, its layers are not looked at. -ENOSPC, -ENOMEM. */
int learner_add(struct learner *learner, const struct settle_place *place);
/* Its container has gone. */
void learner_forget(struct learner *learner, uint64_t container);

/* Scans a root or reads one file; nothing, before learner_due(). Blocks on the container's file system. */
void learner_step(struct learner *learner, uint64_t now_ns);
/* When there is something to do (CLOCK_MONOTONIC; UINT64_MAX: never). */
uint64_t learner_due(const struct learner *learner);
/* Files that are still to be read; a root that is not scanned counts as one. */
size_t learner_left(const struct learner *learner);

/* The digest of the image's file that state names. -EAGAIN: it was not learned. */
int learner_digest(const struct learner *learner, uint64_t container, const struct hf_settling *state, struct imagedb_digest *ret);
/* HF_ENTRY_* bits of an executable of the container's image with that digest. -ENOENT: it has none, or nothing is learned of that
 * container; -EAGAIN: not all are read yet. */
int learner_find(const struct learner *learner, uint64_t container, const struct imagedb_digest *digest, uint32_t *ret_entry);

#endif
