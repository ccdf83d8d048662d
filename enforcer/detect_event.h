/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event as detection rules ask about it: what happened, by which process, in which container.
 *
 * Owns: these structs, and memory for facts that have to be put together. Must not know: where they come from (the daemon's
 * stream, or a recording) or what a rule is.
 */
#ifndef ENFORCER_DETECT_EVENT_H
#define ENFORCER_DETECT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/process_tree.h"
#include "enforcer/stream.h"

struct detect_names;
struct detect_plan;

/* Facts put together for one event: a command line of each of some ancestors, paths, flags. What does not fit counts as missing. */
#define DETECT_ROOM_BYTES (96u << 10)
#define DETECT_CONTAINER_ID_BYTES 12 /* of the id, as Falco shows it */

struct detect_room {
	size_t used;
	_Alignas(16) char bytes[DETECT_ROOM_BYTES];
};

struct detect_pair {
	const char *key, *value;
};

struct detect_mount {
	const char *source, *destination, *mode, *propagation; /* never NULL */
	bool writable;
};

/* A container, as far as it is known. Borrowed strings; NULL: not told. */
struct detect_container {
	const char *id; /* full; "host" for what is none */
	const char *name, *image, *image_digest, *runtime;
	const char *namespace_, *pod, *pod_uid;
	const struct detect_pair *labels;
	size_t n_labels;
	const struct detect_mount *mounts;
	size_t n_mounts;
	uint64_t start_ns; /* CLOCK_REALTIME; 0: not known */
	int privileged;	   /* 1, 0, -1: not known */
};

/* A verdict of the enforcer (the record in the ring, checked), with its paths as text. */
struct detect_drift {
	const struct hf_event *record;
	const char *path, *exe; /* NULL: not known */
	size_t path_len, exe_len;
	const char *policy, *severity; /* NULL: none */
	const char *reason, *detail, *verdict, *operation, *class_; /* words; NULL: none */
};

/* Everything is borrowed. */
struct detect_event {
	unsigned int type; /* event_types.h */
	uint64_t number;   /* counted from 1 */
	uint64_t time_ns;  /* CLOCK_REALTIME */
	int64_t boot_to_real_ns;
	const struct stream_event *stream; /* NULL: it is @drift */
	const struct detect_drift *drift;
	const struct process *process;		   /* NULL: not known */
	const struct detect_container *container;  /* never NULL */
	const struct detect_names *names;	   /* of the process's root; NULL: not known yet */
	const struct detect_names *host_names;	   /* for login uids; NULL: not known */
	const struct detect_plan *plan;
	struct detect_room *room; /* emptied by whoever begins an event */
};

/* n bytes for the event's time; NULL: full. */
static inline void *detect_room_take(struct detect_room *room, size_t n)
{
	size_t from = (room->used + 15) & ~(size_t)15;

	if (from > DETECT_ROOM_BYTES || n > DETECT_ROOM_BYTES - from)
		return NULL;
	room->used = from + n;
	return room->bytes + from;
}

#endif
