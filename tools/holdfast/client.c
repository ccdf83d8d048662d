// SPDX-License-Identifier: Apache-2.0
/*
 * The client side of control.sock.
 *
 * Owns: one connection per question, the limits on answers, what to tell people when there is no daemon.
 * Must not know: what a question means.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

static void release_message(struct wire_message **message)
{
	if (*message)
		wire_message_release(*message);
	free_ptr(message);
}

static struct wire_message *new_message(void)
{
	struct wire_message *message = malloc(sizeof(*message));

	for (size_t i = 0; message && i < WIRE_MAX_FDS; i++)
		message->fds[i] = -1;
	return message;
}

static enum cli_exit tell_unreachable(const struct cli *cli, int error)
{
	if (error == -ENOENT || error == -ECONNREFUSED)
		cli_error(cli, "holdfastd is not running (nobody listens on %s): systemctl start holdfastd, or see --socket",
			  cli->socket);
	else if (error == -EACCES || error == -EPERM)
		cli_error(cli, "no permission for %s: only root may ask holdfastd", cli->socket);
	else if (error == -EAGAIN || error == -ETIMEDOUT)
		cli_error(cli, "holdfastd does not answer on %s: see journalctl -u holdfastd", cli->socket);
	else if (error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN)
		cli_error(cli, "holdfastd closed the connection: see journalctl -u holdfastd");
	else
		cli_error(cli, "cannot reach holdfastd at %s: %s", cli->socket, strerror(-error));
	return CLI_EXIT_UNREACHABLE;
}

static enum cli_exit tell_unreadable(const struct cli *cli, int error, const struct wire_message *message)
{
	if (error == -EPROTONOSUPPORT)
		cli_error(cli, "holdfastd speaks version %u of the protocol, this tool version %u: install both from one release",
			  message->header.version, WIRE_VERSION);
	else if (error == -EPROTO)
		cli_error(cli, "the answer from %s is not holdfastd's: see --socket", cli->socket);
	else
		return tell_unreachable(cli, error);
	return CLI_EXIT_ERROR;
}

static enum cli_exit send_request(const struct cli *cli, enum wire_type type, struct json_object *request, int *ret)
{
	_cleanup_(close_fd) int sock = wire_connect(cli->socket, CLI_TIMEOUT_MS);
	const char *text = request ? json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN) : "{}";
	int r;

	if (sock < 0)
		return tell_unreachable(cli, sock);
	r = wire_send(sock, type, 0, 0, text, strlen(text), NULL, 0);
	if (r == -EMSGSIZE) {
		cli_error(cli, "the question is too long: at most %u bytes", WIRE_MAX_BYTES);
		return CLI_EXIT_ERROR;
	}
	if (r < 0 && r != -EPIPE) /* a daemon that has closed already may have said why */
		return tell_unreachable(cli, r);
	*ret = TAKE_FD(sock);
	return CLI_EXIT_OK;
}

/* An answer that grows packet by packet. */
struct answer {
	char *text;
	size_t bytes;
	int status;
};

static void release_answer(struct answer *answer)
{
	free_ptr(&answer->text);
}

static int append(struct answer *answer, const struct wire_message *message)
{
	char *bigger;

	if (message->header.bytes > CLI_ANSWER_MAX - answer->bytes)
		return -EFBIG;
	bigger = realloc(answer->text, answer->bytes + message->header.bytes + 1);
	if (!bigger)
		return -ENOMEM;
	answer->text = bigger;
	memcpy(bigger + answer->bytes, message->payload, message->header.bytes + 1);
	answer->bytes += message->header.bytes;
	answer->status = message->header.status;
	return 0;
}

static enum cli_exit receive_answer(const struct cli *cli, int sock, struct answer *answer)
{
	_cleanup_(release_message) struct wire_message *message = new_message();
	int r;

	if (!message) {
		cli_error(cli, "out of memory");
		return CLI_EXIT_ERROR;
	}
	do {
		r = wire_receive(sock, message);
		if (r == 0 && (message->header.type != WIRE_REPLY || message->header.status > 0))
			r = -EPROTO;
		if (r < 0)
			return tell_unreadable(cli, r, message);
		r = append(answer, message);
		if (r < 0) {
			cli_error(cli, "the answer is longer than %u bytes", CLI_ANSWER_MAX);
			return CLI_EXIT_ERROR;
		}
	} while (message->header.flags & WIRE_MORE);
	return CLI_EXIT_OK;
}

enum cli_exit cli_request(const struct cli *cli, enum wire_type type, struct json_object *request, struct cli_reply *ret)
{
	_cleanup_(release_answer) struct answer answer = { 0 };
	_cleanup_(close_fd) int sock = -1;
	struct json_object *json;
	enum cli_exit code = send_request(cli, type, request, &sock);

	if (code == CLI_EXIT_OK)
		code = receive_answer(cli, sock, &answer);
	if (code != CLI_EXIT_OK)
		return code;
	json = json_tokener_parse(answer.text);
	if (!json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		return tell_unreadable(cli, -EPROTO, NULL);
	}
	*ret = (struct cli_reply){ .status = answer.status, .json = json };
	return CLI_EXIT_OK;
}

void cli_reply_release(struct cli_reply *reply)
{
	json_object_put(reply->json);
	reply->json = NULL;
}

static enum cli_exit tell_refusal(const struct cli *cli, int status, struct json_object *json)
{
	const char *message = cli_json_text(json, "message");

	cli_error(cli, "holdfastd: %s", message[0] ? message : strerror(-status));
	return CLI_EXIT_ERROR;
}

enum cli_exit cli_ask(const struct cli *cli, enum wire_type type, struct json_object *request, struct json_object **ret)
{
	_cleanup_(cli_reply_release) struct cli_reply reply = { 0 };
	enum cli_exit code = cli_request(cli, type, request, &reply);

	if (code == CLI_EXIT_OK && reply.status < 0)
		return tell_refusal(cli, reply.status, reply.json);
	if (code == CLI_EXIT_OK)
		*ret = TAKE_PTR(reply.json);
	return code;
}

static enum cli_exit end_stream(const struct cli *cli, const struct wire_message *message)
{
	struct json_object *json;
	enum cli_exit code;

	if (message->header.type != WIRE_REPLY)
		return tell_unreadable(cli, -EPROTO, message);
	if (message->header.status == 0)
		return CLI_EXIT_OK;
	json = json_tokener_parse(message->payload);
	code = tell_refusal(cli, message->header.status, json);
	json_object_put(json);
	return code;
}

enum cli_exit cli_stream(const struct cli *cli, struct json_object *request, bool follow, cli_event_fn fn, void *data)
{
	_cleanup_(release_message) struct wire_message *message = new_message();
	_cleanup_(close_fd) int sock = -1;
	struct timeval never = { 0 };
	enum cli_exit code = send_request(cli, WIRE_EVENTS, request, &sock);

	if (code == CLI_EXIT_OK && (!message || (follow && setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never)) < 0))) {
		cli_error(cli, "%m");
		code = CLI_EXIT_ERROR;
	}
	while (code == CLI_EXIT_OK) {
		int r = wire_receive(sock, message);

		if (r < 0)
			return tell_unreadable(cli, r, message);
		if (message->header.type != WIRE_EVENT)
			return end_stream(cli, message);
		code = fn(message->payload, message->header.bytes, data);
	}
	return code;
}
