/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record of the kernel half to one line of JSON.
 *
 * Owns: the shape and the words of events. Must not know: where records come from or where lines go. The record is
 * checked before it is believed; container and policy strings may hold any bytes.
 */
#ifndef ENFORCER_EVENT_JSON_H
#define ENFORCER_EVENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/json.h"
#include "enforcer/wire.h"

struct container;
struct imagedb_digest;
struct policy_effective;

/* The kernel-internal dev_t: twelve bits of major above twenty of minor. */
#define EVENT_DEV_MINOR_BITS 20
/* A line fits into one packet of the control socket with its header. */
#define EVENT_JSON_BYTES_MAX (WIRE_MAX_BYTES - 1024)
/* What event_json_fill() adds at most: both digests in hexadecimal and their names. */
#define EVENT_DIGEST_BYTES 256
/* Bound of the writer for lines that are filled in later, so that they still fit. */
#define EVENT_JSON_OPEN_BYTES_MAX (EVENT_JSON_BYTES_MAX - EVENT_DIGEST_BYTES)

/* What the daemon knows about a record's subject; all borrowed. */
struct event_context {
	const struct container *container;	/* NULL: nobody registered it */
	const struct policy_effective *policy;	/* that decided; NULL: the container's own, if any */
	int64_t boot_to_real_ns;		/* event_json_clock_offset() */
	uint64_t seq;				/* number of the event since the kernel half was loaded, from 1 */
	bool repeated; /* an earlier daemon died with it in its hands: the same number may have been told already */
};

/* A line whose digest is still to be filled in. */
struct event_line {
	const char *text; /* NUL-terminated */
	size_t bytes;
	size_t hole; /* where the digest goes */
};

/* The digest of an event's file, or why there is none. */
struct event_digest {
	const struct imagedb_digest *digest; /* NULL: none */
	const char *missing; /* then a word: "timeout", "gone", "too-large", "changed", "flood", "unreadable", "no-file", "not-code" */
};

/* Add to a CLOCK_BOOTTIME in ns to get CLOCK_REALTIME. Sample it per batch: wall clocks are set now and then. */
int64_t event_json_clock_offset(void);

/**
 * event_json_drift - one event as one line, without a newline and without its file's digest
 * @json: (borrowed) initialised by the caller with EVENT_JSON_OPEN_BYTES_MAX; its earlier text is forgotten
 * @record: (borrowed) from the ring
 * @bytes: readable bytes behind @record
 * @context: (borrowed)
 * @ret: (output) the line, borrowed from @json, for event_json_fill(); untouched on failure
 *
 * A record too large for a line is written again with shorter paths, flagged "path-cut" and "exe-cut". Does not block.
 * Return: 0; -EPROTO: the record's lengths contradict each other or it has another version; -ENOMEM.
 */
int event_json_drift(struct json *json, const struct hf_event *record, size_t bytes,
		     const struct event_context *context, struct event_line *ret);

/**
 * event_json_digest - the line that brings a digest after its event, open as above
 * @json: (borrowed) as above
 * @record: (borrowed) of the event; event_json_drift() has accepted it
 * @container_id: (borrowed) NULL: nobody registered it
 * @context: (borrowed) seq and clock as for the event
 * @ret: (output) as above
 *
 * Return: 0; -ENOMEM.
 */
int event_json_digest(struct json *json, const struct hf_event *record, const char *container_id,
		      const struct event_context *context, struct event_line *ret);

/* Copies the line with the digest in its place to ret, which has room for line->bytes + EVENT_DIGEST_BYTES. No NUL; the
 * number of bytes. */
size_t event_json_fill(const struct event_line *line, const struct event_digest *digest, char *ret);

/* The path of the event's file from its container's root, as users write it: ret has room for HF_PATH_BYTES + 1 and is
 * NUL-terminated. Its bytes; 0: the file has no name that could be opened. */
size_t event_json_path(const struct hf_event *record, char *ret);
/* The same of bytes of a path as the kernel half writes it, at most HF_PATH_BYTES. */
size_t event_json_path_of(const char *leaf_first, size_t bytes, char *ret);

/* Whose they were. */
#define EVENT_LOSS_CONTAINERS_MAX 64 /* named in a line; more do not fit it, and are only in the sum */
struct event_loss_of {
	const char *container; /* borrowed; NULL: nobody registered it */
	uint64_t count;
};

/* What a line about missing events says. */
struct event_loss {
	uint64_t count; /* since the last such line of that output */
	uint64_t total; /* over all restarts; 0: not said */
	const char *where; /* words: "the kernel's ring was full" */
	const char *output; /* of which they are missing: "file", "stdout", "client"; NULL: they reached none */
	const struct event_loss_of *of; /* borrowed: n_of parts of count, as far as it is known; NULL: nothing is said */
	size_t n_of;
};

/* The line that tells that events are missing. Arguments as above; now_ns: CLOCK_REALTIME. 0; -ENOMEM. */
int event_json_lost(struct json *json, const struct event_loss *loss, uint64_t now_ns, const char **ret, size_t *ret_bytes);

/* Whether it tells of an access (bpf-lsm/access.h), whose file is no code that was to run. */
bool event_is_access(const struct hf_event *record);

/* A file of an image whose bytes are not the recorded ones. All borrowed. */
#define EVENT_INTEGRITY_CONTAINERS_MAX 64 /* named in a line */
struct event_integrity {
	const char *image; /* "": not known */
	const char *path;  /* from the root, without its slash */
	uint64_t ino;
	uint32_t dev;
	uint32_t generation;
	uint64_t size;
	const struct imagedb_digest *expected, *found;
	const char *const *containers; /* ids of those that run on the image */
	size_t n_containers;
};

/* The line that tells so. Arguments and result as above. */
int event_json_integrity(struct json *json, const struct event_integrity *event, uint64_t now_ns, const char **ret,
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
