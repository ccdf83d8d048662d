/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An append-only writer of JSON text for the daemon's hot path (events).
 *
 * Owns: one growing buffer with an upper bound, escaping, UTF-8 checking, base64. Must not know: what is written.
 * Errors stick: after the first one nothing more is added and json_finish() returns it, so callers check once.
 * One writer belongs to one thread. Names of members are the program's own words and are not escaped.
 */
#ifndef ENFORCER_JSON_H
#define ENFORCER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deepest nesting: our own shapes need four. */
#define JSON_DEPTH_MAX 16

/* Treat as opaque; { 0 } is not usable, see json_init(). */
struct json {
	char *text;
	size_t length, capacity, max_bytes;
	unsigned int depth;
	uint32_t filled; /* bit n: the container at depth n has a member already */
	uint32_t arrays; /* bit n: the container at depth n is an array */
	int error;
};

/* Starts with an empty text of at most max_bytes. Allocates nothing; json_release() frees what was added later. */
void json_init(struct json *json, size_t max_bytes);
/* Forgets text and error, keeps the memory. */
void json_reset(struct json *json);
/* Idempotent; usable as a clean-up function. */
void json_release(struct json *json);

/* Members. name is NULL inside an array and at the top, and must not be NULL inside an object. */
void json_open_object(struct json *json, const char *name);
void json_open_array(struct json *json, const char *name);
void json_close(struct json *json);
void json_put_u64(struct json *json, const char *name, uint64_t value);
void json_put_i64(struct json *json, const char *name, int64_t value);
void json_put_bool(struct json *json, const char *name, bool value);
void json_put_null(struct json *json, const char *name);

/**
 * json_put_bytes - a string of any bytes
 * @json: (borrowed)
 * @name: (borrowed) the member; NULL in an array
 * @bytes: (borrowed) may be NULL when @n is 0
 * @n: their number
 *
 * Each byte that is not part of well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF)
 * comes out as U+FFFD; then, in an object, a member "<name>_base64" with the exact bytes (RFC 4648) follows. A name so
 * long that the pair would be cut does not occur: all names are literals.
 */
void json_put_bytes(struct json *json, const char *name, const void *bytes, size_t n);
/* The same up to the NUL; NULL gives null. */
void json_put_string(struct json *json, const char *name, const char *text);
/* A time on CLOCK_REALTIME as RFC 3339 in UTC with nine digits of a second. */
void json_put_time(struct json *json, const char *name, uint64_t time_ns);

/* Bytes written so far: where the next member's comma will stand. */
size_t json_length(const struct json *json);

/**
 * json_finish - the finished text
 * @json: (borrowed) with everything closed
 * @ret: (output) the text, borrowed from @json until it is changed; NUL-terminated; untouched on failure
 * @ret_bytes: (output) its length
 *
 * Return: 0; -ENOMEM; -EMSGSIZE: longer than the bound; -EINVAL: something was left open, or nested too deeply.
 */
int json_finish(struct json *json, const char **ret, size_t *ret_bytes);

/* Bytes of the well-formed UTF-8 character at text (n bytes remain), 0 when there is none. *ret_code may be NULL. */
size_t json_utf8_length(const unsigned char *text, size_t n, uint32_t *ret_code);

/* RFC 3339 in UTC, "2026-01-31T12:00:00.000000001Z". ret holds JSON_TIME_BYTES. */
#define JSON_TIME_BYTES 40
void json_format_time(uint64_t time_ns, char ret[JSON_TIME_BYTES]);

#endif
