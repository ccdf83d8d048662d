// SPDX-License-Identifier: Apache-2.0
/*
 * The question to the daemon and its answer, within one deadline.
 *
 * Owns: the client side of hook.sock. Must not know: what follows from an answer.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

static void release_message(struct wire_message **message)
{
	if (*message)
		wire_message_release(*message);
	free_ptr(message);
}

static int connect_daemon(const char *path, uint64_t deadline_ns, struct hook_text *reterr)
{
	int left = hook_remaining_ms(deadline_ns);
	int sock = left > 0 ? wire_connect(path, left) : -ETIMEDOUT;

	if (sock == -ENOENT || sock == -ECONNREFUSED)
		return hook_say(reterr, sock, "holdfastd is not running: nobody listens on %s (start it: systemctl start holdfastd)",
				path);
	if (sock == -EACCES || sock == -EPERM)
		return hook_say(reterr, -EACCES, "holdfastd takes containers only from root: no permission for %s", path);
	if (sock < 0)
		return hook_say(reterr, sock, "cannot connect to holdfastd at %s: %s", path, strerror(-sock));
	return sock;
}

/* Waits for the answer. The socket's own receive limit is no help: it counts from the call, not from the start. */
static int wait_reply(int sock, uint64_t deadline_ns, struct hook_text *reterr)
{
	struct pollfd poller = { .fd = sock, .events = POLLIN };
	int r;

	do
		r = poll(&poller, 1, hook_remaining_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return hook_say(reterr, -errno, "waiting for holdfastd: %m");
	if (r == 0)
		return hook_say(reterr, -ETIMEDOUT,
				"holdfastd did not answer in time (see: holdfast status, journalctl -u holdfastd)");
	return 0;
}

static int receive_reply(int sock, struct wire_message *message, struct hook_text *reterr)
{
	int r = wire_receive(sock, message);

	if (r == -EPROTONOSUPPORT)
		return hook_say(reterr, r, "holdfastd speaks version %u of the protocol, this hook version %u: install both from one release",
				message->header.version, WIRE_VERSION);
	if (r == -ENOTCONN || r == -ECONNRESET)
		return hook_say(reterr, r, "holdfastd closed the connection without an answer (see: journalctl -u holdfastd)");
	if (r < 0)
		return hook_say(reterr, r, "holdfastd's answer is not readable: %s", strerror(-r));
	if (message->header.type != WIRE_REPLY || (message->header.flags & WIRE_MORE) || message->header.status > 0)
		return hook_say(reterr, -EPROTO, "holdfastd's answer is not a reply: is something else listening?");
	return 0;
}

static int read_reply(const struct wire_message *message, struct hook_reply *ret, struct hook_text *reterr)
{
	struct json_object *json = json_tokener_parse(message->payload), *value;

	if (!json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		return hook_say(reterr, -EPROTO, "holdfastd's answer is not JSON: is something else listening?");
	}
	*ret = (struct hook_reply){ .status = message->header.status };
	if (json_object_object_get_ex(json, "armed", &value))
		ret->armed = json_object_get_boolean(value);
	if (json_object_object_get_ex(json, "message", &value) && json_object_is_type(value, json_type_string))
		snprintf(ret->message, sizeof(ret->message), "%s", json_object_get_string(value));
	json_object_put(json);
	return 0;
}

int hook_ask(const char *socket, const char *message, const int *fds, uint64_t deadline_ns, struct hook_reply *ret,
	     struct hook_text *reterr)
{
	_cleanup_(release_message) struct wire_message *reply = NULL;
	_cleanup_(close_fd) int sock = connect_daemon(socket, deadline_ns, reterr);
	int r;

	if (sock < 0)
		return sock;
	r = wire_send(sock, WIRE_HOOK_ARM, 0, 0, message, strlen(message), fds, _HOOK_OBJECT_MAX);
	if (r < 0 && r != -EPIPE) /* a daemon that has closed already may have said why */
		return hook_say(reterr, r, "cannot hand the container to holdfastd: %s", strerror(-r));
	r = wait_reply(sock, deadline_ns, reterr);
	if (r < 0)
		return r;
	reply = calloc(1, sizeof(*reply));
	if (!reply)
		return hook_say(reterr, -ENOMEM, "out of memory");
	for (size_t i = 0; i < WIRE_MAX_FDS; i++)
		reply->fds[i] = -1;
	r = receive_reply(sock, reply, reterr);
	return r < 0 ? r : read_reply(reply, ret, reterr);
}
