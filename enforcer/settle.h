/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image files that were opened for writing: are their bytes still the image's?
 *
 * Owns: the thread that compares them, what it is told by the kernel half's notices and by events. Must not know: how a file is
 * compared (settle_work.h), verdicts. All calls on the main thread, none waits.
 */
#ifndef ENFORCER_SETTLE_H
#define ENFORCER_SETTLE_H

#include <stddef.h>
#include <stdint.h>

struct container;
struct daemon;
struct hf_event;
struct settler;

/* For status. */
struct settle_status {
	size_t waiting;
	size_t learning; /* files of images without lasting layers whose digests are still to be read */
	uint64_t refused; /* no room for them: they are looked at when somebody runs them */
	uint64_t given_up; /* written for too long, or their image has no digests */
};

/* Makes daemon->settler, before the daemon is confined: the thread registers with the kernel half (needs CAP_BPF), then drops its
 * capabilities. 0 or -errno, the reason is logged. */
int settle_start(struct daemon *daemon, char *reterr);
/* Cancels what runs, waits for the thread. */
void settle_stop(struct daemon *daemon);

/* A container that is armed, or was when the daemon started: if its image has no lasting layers, its bytes are learned. NULL-safe. */
void settle_on_start(struct settler *settler, const struct container *container);
/* It has gone. NULL-safe. */
void settle_on_end(struct settler *settler, const struct container *container);

/* An event of a container, record whole: if it is about a file that may be the image's after all, it is compared. NULL-safe. */
void settle_on_event(struct settler *settler, const struct hf_event *record, const struct container *container);
void settle_get_status(struct settler *settler, struct settle_status *ret);

#endif
