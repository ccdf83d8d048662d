/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that were looked at in the ring and wait for the digest of their file, in their order.
 *
 * Owns: their lines, the questions about digests, when to stop waiting. Must not know: where records come from (they stay in
 * the ring until they are taken) or where lines go. Main thread only; nothing blocks.
 */
#ifndef ENFORCER_EVENT_QUEUE_H
#define ENFORCER_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/digests.h"
#include "enforcer/event_json.h"

/* How far ahead of the first event digests are asked for. Beyond it is a flood, in which no event waits. */
#define EVENT_QUEUE_LENGTH 256
/* Their lines together: of common length all fit, of the longest still dozens. */
#define EVENT_QUEUE_BYTES (4u << 20)

struct event_queue;

struct event_queue_options {
	/* digests_of_file, or a test's. NULL: there are no digests. */
	int (*ask)(struct digests *digests, const struct digest_request *request, digests_done_fn done, void *data,
		   struct imagedb_digest *ret);
	struct digests *digests;
	uint64_t wait_ns; /* longest wait of an event for its digest, from when it was looked at */
	/* An answer has come for an event of the queue: the first one may be ready. Never called from within these functions. */
	void (*on_answer)(void *data);
	/* An answer has come for an event that was told already: the line that brings it, borrowed. */
	void (*on_late)(const char *line, size_t bytes, void *data);
	void *data;
};

/* What the queue is told about a record. */
struct event_queue_record {
	const struct hf_event *record; /* borrowed until it is removed: stands in the ring */
	size_t bytes;		       /* readable */
	uint64_t next;		       /* handed back with the line */
	const struct event_context *context; /* borrowed during the call */
};

/* The first one, once it need not wait any more. */
struct event_queue_head {
	const char *line; /* borrowed until the next call; NULL: nothing to tell */
	size_t bytes;
	uint64_t next;
	int error; /* 0; -EPROTO: the record could not be read */
};

/* 0 or -ENOMEM. */
int event_queue_new(const struct event_queue_options *options, struct event_queue **ret);
/* Questions that wait must have been ended before: digests_cancel(). NULL-safe, sets *queue to NULL. */
void event_queue_free(struct event_queue **queue);

bool event_queue_is_empty(const struct event_queue *queue);
bool event_queue_is_full(const struct event_queue *queue);
/* How many of them have a line: for the number of the next one. */
uint64_t event_queue_told(const struct event_queue *queue);

/* Adds a record behind the others and asks for the digest of its file. context NULL: a record that nobody is told of.
 * A record that cannot be read is added as such. 0; -ENOMEM: nothing was added. */
int event_queue_add(struct event_queue *queue, const struct event_queue_record *record, uint64_t now_ns);
/* True with the first one in *ret when it has its digest or need not wait: it waited long enough, or hurry is set. */
bool event_queue_head(struct event_queue *queue, uint64_t now_ns, bool hurry, struct event_queue_head *ret);
/* Removes the first one. A digest that is still to come makes a line of its own then. */
void event_queue_remove(struct event_queue *queue);

#endif
