/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.sock: the operator's questions and orders, as in enforcer/wire.h, and the stream of events.
 *
 * Owns: parsing requests, replies, followers. Must not know: where answers come from (struct control_ops), so that it
 * can be tested alone; answers.h has the daemon's own.
 */
#ifndef ENFORCER_CONTROL_H
#define ENFORCER_CONTROL_H

#include <stdint.h>

#include "enforcer/wire.h"

struct control;
struct event_log;
struct json_object;
struct loop;

/* Operators and their followers at once. */
#define CONTROL_CLIENTS 64

/**
 * control_answer_fn - answer one request
 * @data: struct control_ops.data
 * @request: (borrowed) a JSON object
 * @ret: (output, given) the reply's payload, an object; on failure an object with "message", or untouched
 *
 * Return: the reply's status: 0 or -errno.
 */
typedef int (*control_answer_fn)(void *data, struct json_object *request, struct json_object **ret);

/* An answer for each type of request; NULL: not supported. WIRE_EVENTS is answered by control.c itself. */
struct control_ops {
	control_answer_fn answer[_WIRE_TYPE_MAX];
	void *data; /* borrowed */
};

/**
 * control_new - listen on control.sock
 * @loop: (borrowed) outlives the control
 * @events: (borrowed) outlives the control
 * @run_dir: (borrowed) folder of the socket: exists, belongs to root
 * @ops: (borrowed) copied
 * @ret: (output) to be given to control_free(); untouched on failure
 *
 * Return: 0; errors of server_new().
 */
int control_new(struct loop *loop, struct event_log *events, const char *run_dir, const struct control_ops *ops,
		struct control **ret);
/* Disconnects everybody. NULL-safe, sets *control to NULL. */
void control_free(struct control **control);

#endif
