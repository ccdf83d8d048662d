/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and stop of the daemon: one ordered table, walked forwards and backwards.
 *
 * Owns: the order. Must not know: options or the command line.
 */
#ifndef ENFORCER_STAGES_H
#define ENFORCER_STAGES_H

#include <stddef.h>

struct daemon;

#define STAGES_ERROR_BYTES 512

/* Starts every stage; on a failure stops those that had started and returns its -errno, *reterr naming stage and cause. */
int stages_start(struct daemon *daemon, char reterr[STAGES_ERROR_BYTES]);
/* Stops every stage, last first. The kernel half keeps enforcing. */
void stages_stop(struct daemon *daemon);

#endif
