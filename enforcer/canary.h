/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof behind READY: a program that must not run is executed, and must come back with EPERM; the same program, not judged,
 * must run.
 */
#ifndef ENFORCER_CANARY_H
#define ENFORCER_CANARY_H

#include <stddef.h>

struct lsm;

/* argv[1] with which the daemon's own program, run as the canary, reports that it ran. */
#define CANARY_ARGUMENT "--canary-ran"
#define CANARY_RAN 42 /* its exit status */

/* Fills in the two slots that are no containers: the canary's, and that of unknown containers (audit). */
void canary_prepare(struct lsm *lsm);

/* Runs both. Needs canary_prepare and the hooks enabled (host.h); forks, so call before threads are made. 0; -EKEYREJECTED:
 * the forbidden one ran, nothing is enforced; -errno with the reason in reterr. Takes a few ms. */
int canary_prove(struct lsm *lsm, char *reterr, size_t reterr_bytes);

#endif
