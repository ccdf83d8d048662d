/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a pass over the images' files is, and what it and the one before found: over restarts, in a small file.
 *
 * Owns: the file. Must not know: what a pass does. Blocks on the disk.
 */
#ifndef ENFORCER_SCRUB_POSITION_H
#define ENFORCER_SCRUB_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "imagedb/store.h"

struct scrub_position {
	uint64_t began_s; /* CLOCK_REALTIME; 0: there was no pass yet */
	bool done;
	uint8_t key[IMAGEDB_KEY_BYTES]; /* set that it is at; they are gone through in the order of their keys */
	uint32_t next; /* number of the next file in it */
	uint64_t files, bytes, bad;
	uint64_t last_s;   /* end of the pass before; 0: there was none */
	uint64_t last_bad; /* what that found */
};

/* As it was saved; all zero when there is no file or it makes no sense. */
void scrub_position_load(const char *path, struct scrub_position *ret);
/* Written beside and renamed. 0 or -errno. */
int scrub_position_save(const char *path, const struct scrub_position *position);

#endif
