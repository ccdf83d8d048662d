/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of requests: one JSON object each, nothing else. Owns: the strictness of reading them. */
#ifndef ENFORCER_REQUEST_H
#define ENFORCER_REQUEST_H

#include <stddef.h>

struct json_object;

/**
 * request_parse - read a payload
 * @text: (borrowed) NUL-terminated behind its @bytes
 * @bytes: its length
 * @ret: (output) the object, json_object_put() by the caller; untouched on failure
 *
 * Read as strictly as json-c can. Return: 0; -EPROTO: not exactly one JSON object, nested too deeply, or a NUL byte
 * inside; -ENOMEM.
 */
int request_parse(const char *text, size_t bytes, struct json_object **ret);

/* A member that is a string without NUL bytes, borrowed from the request. *ret is NULL when it is absent or null.
 * -EINVAL: it is something else. */
int request_string(struct json_object *request, const char *name, const char **ret);

#endif
