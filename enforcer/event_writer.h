/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that writes to the event file, so that a disk that does not answer holds up nobody else. Used by event_sink.c only.
 *
 * Owns: the thread and the one line it has in its hands. Must not know: what waits behind that line. All calls from the main
 * thread, before it confines itself for event_writer_new().
 */
#ifndef ENFORCER_EVENT_WRITER_H
#define ENFORCER_EVENT_WRITER_H

#include <stddef.h>
#include <stdint.h>

/* How long the main thread waits for one line: above what a disk that works needs on a busy machine, below what a hook notices. */
#define EVENT_WRITER_WAIT_NS 1000000000ull
/* … after one that took longer, until one did not. */
#define EVENT_WRITER_SLOW_NS 10000000ull
/* … for the file to be opened, or for the end of the thread. */
#define EVENT_WRITER_OPEN_NS 2000000000ull
/* How often the disk is asked for what was written, while there is some: what a power failure may take. */
#define EVENT_WRITER_SYNC_NS 2000000000ull

struct event_writer;

/* Starts the thread; the file is not opened yet. 0; -ENOMEM; -errno of the thread. */
int event_writer_new(const char *path, uint64_t max_bytes, struct event_writer **ret);
/* A thread that the disk does not let go is left behind. NULL-safe, sets *writer to NULL. */
void event_writer_free(struct event_writer **writer);

/* As event_file_open(). -ETIMEDOUT: it is done later, without another call. */
int event_writer_open(struct event_writer *writer);
/* As event_file_put(), at most EVENT_JSON_BYTES_MAX + 1 bytes. -ETIMEDOUT: it is not known yet; the next call must be with the same
 * line and gives the answer. Waits as said above, and not at all while an answer is owed. */
int event_writer_put(struct event_writer *writer, const char *line, size_t n);

/* Readable once an answer that was owed is there. */
int event_writer_fd(const struct event_writer *writer);

#endif
