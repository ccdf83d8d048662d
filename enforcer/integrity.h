/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of files that are not what they were (scrub.h): an event that names the containers, a state of the daemon.
 *
 * Owns: neither the search nor the shape of the line, only their meeting. Main thread only.
 */
#ifndef ENFORCER_INTEGRITY_H
#define ENFORCER_INTEGRITY_H

struct daemon;
struct report_status;

/* Makes daemon->scrub by the daemon's options. 0 or -errno. */
int integrity_new(struct daemon *daemon);
/* After the image database's thread has ended; before the event log is closed. */
void integrity_free(struct daemon *daemon);
/* Fills in what status says of it. */
void integrity_status(struct daemon *daemon, struct report_status *status);

#endif
