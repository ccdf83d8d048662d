/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record of the kernel half to one line of JSON.
 *
 * Owns: the shape and the words of events. Must not know: where records come from or where lines go. The record is
 * checked before it is believed; container and policy strings may hold any bytes.
 */
#ifndef ENFORCER_EVENT_JSON_H
#define ENFORCER_EVENT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/json.h"
#include "enforcer/wire.h"

struct container;
struct policy_effective;

/* A line fits into one packet of the control socket with its header. */
#define EVENT_JSON_BYTES_MAX (WIRE_MAX_BYTES - 1024)

/* What the daemon knows about a record's subject; all borrowed. */
struct event_context {
	const struct container *container;	/* NULL: nobody registered it */
	const struct policy_effective *policy;	/* that decided; NULL: the container's own, if any */
	int64_t boot_to_real_ns;		/* event_json_clock_offset() */
};

/* Add to a CLOCK_BOOTTIME in ns to get CLOCK_REALTIME. Sample it per batch: wall clocks are set now and then. */
int64_t event_json_clock_offset(void);

/**
 * event_json_drift - one event as one line, without a newline
 * @json: (borrowed) initialised by the caller with EVENT_JSON_BYTES_MAX; its earlier text is forgotten
 * @record: (borrowed) from the ring
 * @bytes: readable bytes behind @record
 * @context: (borrowed)
 * @ret: (output) the line, borrowed from @json; untouched on failure
 * @ret_bytes: (output) its length
 *
 * A record too large for a line is written again with shorter paths, flagged "path-cut" and "exe-cut". Does not block.
 * Return: 0; -EPROTO: the record's lengths contradict each other or it has another version; -ENOMEM.
 */
int event_json_drift(struct json *json, const struct hf_event *record, size_t bytes,
		     const struct event_context *context, const char **ret, size_t *ret_bytes);

/**
 * event_json_lost - the line that tells that events are missing
 * @json: (borrowed) as above
 * @count: how many since the last such line
 * @where: (borrowed) words: "the kernel's ring was full"
 * @now_ns: CLOCK_REALTIME
 * @ret: (output) as above
 * @ret_bytes: (output) as above
 *
 * Return: 0; -ENOMEM.
 */
int event_json_lost(struct json *json, uint64_t count, const char *where, uint64_t now_ns, const char **ret,
		    size_t *ret_bytes);

/* The users' words; "unknown" for a number out of range. */
const char *event_op_name(enum hf_op op);
const char *event_class_name(enum hf_class class_);
const char *event_reason_name(enum hf_reason reason);
const char *event_detail_name(enum hf_detail detail); /* NULL for HF_DETAIL_NONE */
const char *event_verdict_name(enum hf_verdict verdict);
const char *event_volume_name(enum hf_volume_kind kind);
/* "ext4"; NULL for a magic number that is not known. */
const char *event_filesystem_name(uint32_t magic);

#endif
