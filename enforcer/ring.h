/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel half's ring to event lines: each record becomes one line, and each lost one is told.
 *
 * Owns: the watch on the ring, when a record is taken, the count of what was lost. Must not know: the shape of a line, or
 * where it goes.
 *
 * A record is taken from the ring once its line has been handed to the outputs, so that an end of the daemon at any moment
 * loses none: the next daemon finds it there. Numbers of events rise by one and outlive the daemon; should it die between
 * telling an event and noting that, the next one tells it again under the same number, flagged "repeated".
 */
#ifndef ENFORCER_RING_H
#define ENFORCER_RING_H

#include <stdint.h>

struct daemon;
struct ring;

/* Every record that the kernel half made, or could not make, since it was loaded. Whenever nothing moves,
 * produced == delivered + waiting + lost. The daemon's own canary is among them. */
struct ring_counts {
	uint64_t produced;
	uint64_t delivered; /* reached the outputs */
	uint64_t waiting;   /* in the ring */
	uint64_t lost;	    /* the ring was full, there was no memory, or the record could not be read */
	uint64_t unreadable; /* … the last of these */
};

/* Begins to read (on daemon->loop), what piled up before included. 0 or -errno. */
int ring_new(struct daemon *daemon, struct ring **ret);
/* Tells what is in the ring, with the digests that are there by now. NULL-safe, sets *ring to NULL. */
void ring_free(struct ring **ring);

/* Looks at every record that waits: O(records). 0 or -errno of reading the counters. */
int ring_count(const struct ring *ring, struct ring_counts *ret);

#endif
