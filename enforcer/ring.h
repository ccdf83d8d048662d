/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel half's ring to event lines: each record becomes one line, and each lost one is told.
 *
 * Owns: the watch on the ring and the count of what was lost. Must not know: the shape of a line, or where it goes.
 */
#ifndef ENFORCER_RING_H
#define ENFORCER_RING_H

struct daemon;
struct ring;

/* Begins to read (on daemon->loop), what piled up before included. 0 or -errno. */
int ring_new(struct daemon *daemon, struct ring **ret);
void ring_free(struct ring **ring);

#endif
