// SPDX-License-Identifier: Apache-2.0
/*
 * The server: who may connect, what is refused, time-outs.
 *
 * Owns: the listening socket and the table of clients. Must not know: what messages mean. Contracts: server.h;
 * invariants: server_internal.h.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "enforcer/json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/server_internal.h"
#include "enforcer/server_socket.h"
#include "enforcer/util.h"

/* Connections taken before other sources get their turn. */
#define ACCEPT_BATCH 32
/* How often time-outs are looked at, while there are clients. */
#define SWEEP_NS NSEC_PER_SEC

size_t server_client_count(const struct server *server)
{
	return server->n_clients;
}

void server_refuse(struct server *server, uint64_t id, int status, const char *why)
{
	_cleanup_(json_release) struct json json;
	const char *text;
	size_t n;

	json_init(&json, WIRE_MAX_BYTES);
	json_open_object(&json, NULL);
	json_put_string(&json, "message", why);
	json_close(&json);
	if (json_finish(&json, &text, &n) == 0)
		server_reply(server, id, status, text, n);
	else
		server_reply(server, id, status, "{}", 2);
}

/* I3: whether something that may repeat is due for a log line again. */
static bool may_log(uint64_t *last_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (*last_ns && now - *last_ns < SERVER_LOG_NS)
		return false;
	*last_ns = now;
	return true;
}

void server_log_malformed(struct server *server)
{
	server->malformed++;
	if (!may_log(&server->malformed_logged_ns))
		return;
	log_warning("%s: %llu malformed messages refused", server->name, (unsigned long long)server->malformed);
	server->malformed = 0;
}

static bool has_timed_out(const struct client *client, uint64_t now)
{
	uint64_t still_ns = now - client->moved_ns;

	if (client->head)
		return still_ns > client->server->options.stall_timeout_ns;
	return !client->in_flight && still_ns > client->server->options.idle_timeout_ns;
}

static void on_sweep(uint32_t events, void *data)
{
	struct server *server = data;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	(void)events;
	if (server->resting && loop_rewatch(server->source, EPOLLIN) == 0)
		server->resting = false;
	for (size_t i = server->n_clients; i-- > 0;)
		if (i < server->n_clients && has_timed_out(server->clients[i], now))
			server_client_remove(server->clients[i]);
	if (server->n_clients == 0 && !server->resting)
		loop_unwatch(&server->sweep);
}

static int start_sweep(struct server *server)
{
	if (server->sweep)
		return 0;
	return loop_timer(server->loop, SWEEP_NS, SWEEP_NS, on_sweep, server, &server->sweep);
}

static void log_refused_peer(struct server *server, uid_t uid)
{
	for (size_t i = 0; i < server->n_refused; i++)
		if (server->refused[i] == uid)
			return;
	if (server->n_refused == SERVER_REFUSED_UIDS)
		return;
	server->refused[server->n_refused++] = uid;
	log_warning("%s: refused a connection of uid %d (only root may connect)", server->name, (int)uid);
}

static void refuse_one_too_many(struct server *server, int fd)
{
	static const char payload[] = "{\"message\":\"too many clients\"}";

	wire_send(fd, WIRE_REPLY, -EBUSY, 0, payload, sizeof(payload) - 1, NULL, 0);
	if (may_log(&server->too_many_logged_ns))
		log_warning("%s: more than %zu clients at once: refused", server->name, server->options.max_clients);
}

static int accept_one(struct server *server)
{
	_cleanup_(close_fd) int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid;
	int err;

	if (fd < 0)
		return -errno;
	if (!server_socket_is_trusted(fd, &uid)) {
		log_refused_peer(server, uid);
		return 0;
	}
	if (server->n_clients == server->options.max_clients) {
		refuse_one_too_many(server, fd);
		return 0;
	}
	err = server_client_add(server, &fd);
	return err < 0 ? err : start_sweep(server);
}

static void on_listen(uint32_t events, void *data)
{
	struct server *server = data;
	int err = 0;

	(void)events;
	for (unsigned int i = 0; i < ACCEPT_BATCH && (err == 0 || err == -ECONNABORTED || err == -EINTR); i++)
		err = accept_one(server);
	if (err == 0 || err == -EAGAIN || err == -ECONNABORTED || err == -EINTR)
		return;
	/* No descriptors or no memory: asking again at once would spin. */
	if (may_log(&server->accept_logged_ns))
		log_error("%s: cannot accept connections: %s; trying every second", server->name, strerror(-err));
	server->resting = start_sweep(server) == 0 && loop_rewatch(server->source, 0) == 0;
}

static int start_server(struct server *server)
{
	server->fd = server_socket_listen(server->path);
	if (server->fd < 0)
		return server->fd;
	return loop_watch(server->loop, server->fd, EPOLLIN, on_listen, server, &server->source);
}

int server_new(struct loop *loop, const struct server_options *options, struct server **ret)
{
	_cleanup_(server_free) struct server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->options = *options;
	server->fd = -1;
	for (size_t i = 0; i < WIRE_MAX_FDS; i++)
		server->message.fds[i] = -1;
	server->name = strdup(options->name);
	server->path = strdup(options->path);
	server->clients = calloc(options->max_clients, sizeof(*server->clients));
	if (!server->name || !server->path || !server->clients)
		return -ENOMEM;
	err = start_server(server);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(server);
	return 0;
}

void server_free(struct server **server)
{
	struct server *gone = *server;

	if (!gone)
		return;
	while (gone->n_clients > 0)
		server_client_free(gone->clients[--gone->n_clients]);
	loop_unwatch(&gone->sweep);
	loop_unwatch(&gone->source);
	if (gone->fd >= 0)
		server_socket_remove(gone->path);
	close_fd(&gone->fd);
	wire_message_release(&gone->message);
	free(gone->clients);
	free(gone->name);
	free(gone->path);
	free(gone);
	*server = NULL;
}
