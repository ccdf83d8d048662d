/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place that event lines are written to. Used by event_log.c and alert_out.c only.
 *
 * Owns: its descriptor, the spool, rotation. Must not know: what lines say, or the other sinks. Main thread only.
 */
#ifndef ENFORCER_EVENT_SINK_H
#define ENFORCER_EVENT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"

struct event_sink;
struct loop;

/* What waits in memory while a sink takes nothing: some thousand events, a small part of the daemon's memory budget.
 * Newer lines are dropped then, since the first ones of an incident tell most. */
#define EVENT_SINK_SPOOL_BYTES (4u << 20)

/* A stream that is open already (standard output). fd is borrowed and its flags stay as they are. -ENOMEM, -EBADF. */
int event_sink_new_stream(struct loop *loop, int fd, struct event_sink **ret);
/* A file, opened or created now; on a full or broken disk as soon as that works. Errors as event_log_new(). */
int event_sink_new_file(struct loop *loop, const char *path, uint64_t max_bytes, struct event_sink **ret);
/* Tries once more to write what is spooled. NULL-safe, sets *sink to NULL. */
void event_sink_free(struct event_sink **sink);

/* Writes the line and a newline as one write(), now or later. Never blocks on a reader, never fails. */
void event_sink_write(struct event_sink *sink, const char *line, size_t bytes);
/* The same with a line that is no event (an alert): it is counted nowhere here, and takes at most half of the memory, so that
 * alerts never crowd out events. False: it was not taken. */
bool event_sink_write_aside(struct event_sink *sink, const char *line, size_t bytes);
/* Opens a file anew; nothing for a stream. On failure the old one stays: -errno. */
int event_sink_reopen(struct event_sink *sink);

/* Keeps the number of lines that were accepted, or told to be missing, in note (borrowed, outlives the sink) from now on,
 * beginning with value; missing lines of earlier daemons are told as soon as it works. */
void event_sink_keep_note(struct event_sink *sink, __u64 *note, uint64_t value, uint64_t missing);

/* Tries once more to write what waits; what is left is the next daemon's to tell. The note is not touched any more. */
void event_sink_leave_note(struct event_sink *sink);

/* True while lines wait because of an error, or are being dropped. */
bool event_sink_is_failing(const struct event_sink *sink);
/* Lines that were not taken, by earlier daemons included once they are known. */
uint64_t event_sink_dropped(const struct event_sink *sink);
/* Bytes of lines that wait in memory. */
size_t event_sink_waiting(const struct event_sink *sink);

#endif
