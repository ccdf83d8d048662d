// SPDX-License-Identifier: Apache-2.0
/*
 * control.sock: one request, one answer; and streams of events.
 *
 * Owns: requests, replies, streams. Must not know: where answers come from. Contracts: control.h.
 *
 * I1: a stream has no queue of its own, only its place in the event log's memory: a slow follower costs nothing and is
 *     told how much it missed.
 * I2: every push may end the client, and with it its stream; the stream is looked up again after each.
 */
#include "enforcer/control.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "enforcer/event_json.h"
#include "enforcer/event_log.h"
#include "enforcer/request.h"
#include "enforcer/server.h"
#include "enforcer/util.h"

/* A tool asks at once; a person with an own program may think a minute. */
#define IDLE_NS (60 * NSEC_PER_SEC)
/* Events shown when the request does not say how many. */
#define LAST_DEFAULT 20

/* A client that asked for events: from its place in the log to the end, or for ever. */
struct stream {
	uint64_t client; /* 0: free */
	uint64_t place, end;
	bool follow;
};

struct control {
	struct server *server;
	struct event_log *events;
	struct event_subscription *subscription;
	struct control_ops ops;
	struct stream streams[CONTROL_CLIENTS];
	struct json json; /* for lines that tell what a follower missed */
};

static struct stream *find_stream(struct control *control, uint64_t client)
{
	for (size_t i = 0; i < ARRAY_SIZE(control->streams); i++)
		if (control->streams[i].client == client)
			return &control->streams[i];
	return NULL;
}

/* The log has forgotten lines that the stream had not reached. */
static int push_missed(struct control *control, struct stream *stream)
{
	uint64_t first = event_log_first(control->events), missed = first - stream->place;
	const char *line;
	size_t n;
	struct event_loss loss = { .count = missed, .where = "this reader was too slow", .output = "client" };
	int err = event_json_lost(&control->json, &loss, clock_ns(CLOCK_REALTIME), &line, &n);

	stream->place = first;
	return err < 0 ? err : server_push(control->server, stream->client, WIRE_EVENT, line, n);
}

static int push_next(struct control *control, struct stream *stream)
{
	uint64_t number = stream->place;
	const char *line;
	size_t n;

	if (number < event_log_first(control->events))
		return push_missed(control, stream);
	line = event_log_line(control->events, number, &n);
	stream->place++;
	return line ? server_push(control->server, stream->client, WIRE_EVENT, line, n) : 0;
}

/* Sends until the reader is busy, or nothing is left. */
static void pump_stream(struct control *control, uint64_t client)
{
	struct stream *stream;

	while ((stream = find_stream(control, client))) {
		uint64_t end = stream->follow ? event_log_next(control->events) : stream->end;

		if (server_is_congested(control->server, client))
			return;
		if (stream->place < end) {
			push_next(control, stream); /* a failure has ended the stream (I2) */
			continue;
		}
		if (!stream->follow) {
			*stream = (struct stream){ 0 };
			server_reply(control->server, client, 0, "{}", 2);
		}
		return;
	}
}

static void on_event(void *data)
{
	struct control *control = data;

	for (size_t i = 0; i < ARRAY_SIZE(control->streams); i++)
		if (control->streams[i].client && control->streams[i].follow)
			pump_stream(control, control->streams[i].client);
}

static void on_drained(uint64_t client, void *data)
{
	pump_stream(data, client);
}

static void on_gone(uint64_t client, void *data)
{
	struct stream *stream = find_stream(data, client);

	if (stream)
		*stream = (struct stream){ 0 };
}

static int start_stream(struct control *control, uint64_t client, struct json_object *request)
{
	struct stream *stream = find_stream(control, 0);
	struct json_object *follow = NULL, *last = NULL;
	uint64_t next = event_log_next(control->events), held = next - event_log_first(control->events);
	uint64_t n = LAST_DEFAULT;

	if (json_object_object_get_ex(request, "follow", &follow) && !json_object_is_type(follow, json_type_boolean))
		return -EINVAL;
	if (json_object_object_get_ex(request, "last", &last)) {
		if (!json_object_is_type(last, json_type_int) || json_object_get_int64(last) < 0)
			return -EINVAL;
		n = (uint64_t)json_object_get_int64(last);
	}
	if (!stream)
		return -EBUSY;
	*stream = (struct stream){ .client = client, .place = next - (n < held ? n : held), .end = next,
				   .follow = json_object_get_boolean(follow) };
	pump_stream(control, client);
	return 0;
}

static void send_answer(struct control *control, uint64_t client, int status, struct json_object *answer)
{
	const char *text;
	size_t n;

	if (!answer) {
		answer = json_object_new_object();
		json_object_object_add(answer, "message", json_object_new_string(strerror(-status)));
	}
	text = json_object_to_json_string_length(answer, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
	if (text)
		server_reply(control->server, client, status, text, n);
	else
		server_reply(control->server, client, -ENOMEM, "{}", 2);
	json_object_put(answer);
}

static int answer_request(struct control *control, uint64_t client, enum wire_type type, struct json_object *request)
{
	control_answer_fn answer_fn = type < _WIRE_TYPE_MAX ? control->ops.answer[type] : NULL;
	struct json_object *answer = NULL;
	int status;

	if (type == WIRE_EVENTS)
		return start_stream(control, client, request);
	if (!answer_fn)
		return -EOPNOTSUPP;
	status = answer_fn(control->ops.data, request, &answer);
	send_answer(control, client, status, answer);
	return 0;
}

static int on_request(uint64_t client, struct wire_message *message, void *data)
{
	struct json_object *request = NULL;
	int err;

	if (message->n_fds > 0)
		return -EPROTO;
	err = request_parse(message->payload, message->header.bytes, &request);
	if (err < 0)
		return err;
	err = answer_request(data, client, message->header.type, request);
	json_object_put(request);
	return err;
}

static int start_control(struct control *control, struct loop *loop, const char *run_dir)
{
	char path[PATH_MAX];
	const struct server_options options = {
		.name = "control", .path = path, .max_clients = CONTROL_CLIENTS, .idle_timeout_ns = IDLE_NS,
		.stall_timeout_ns = SERVER_STALL_NS, .on_message = on_request, .on_drained = on_drained,
		.on_gone = on_gone, .data = control,
	};
	int err = event_log_subscribe(control->events, on_event, control, &control->subscription);

	if (err < 0)
		return err;
	if (snprintf(path, sizeof(path), "%s/control.sock", run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return server_new(loop, &options, &control->server);
}

int control_new(struct loop *loop, struct event_log *events, const char *run_dir, const struct control_ops *ops,
		struct control **ret)
{
	_cleanup_(control_free) struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control)
		return -ENOMEM;
	json_init(&control->json, EVENT_JSON_BYTES_MAX);
	control->events = events;
	control->ops = *ops;
	err = start_control(control, loop, run_dir);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(control);
	return 0;
}

void control_free(struct control **control)
{
	struct control *gone = *control;

	if (!gone)
		return;
	event_log_unsubscribe(&gone->subscription);
	server_free(&gone->server);
	json_release(&gone->json);
	free(gone);
	*control = NULL;
}
