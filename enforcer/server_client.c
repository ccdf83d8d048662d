// SPDX-License-Identifier: Apache-2.0
/*
 * One client of a server: its request, its answers, its queue.
 *
 * Owns: struct client. Must not know: how connections come to be, or what messages mean. Invariants:
 * server_internal.h.
 */
#include <string.h>
#include <sys/epoll.h>

#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/server_internal.h"
#include "enforcer/util.h"

#define PAYLOAD_MAX (WIRE_MAX_BYTES - sizeof(struct wire_header))

struct client *server_client_find(const struct server *server, uint64_t id)
{
	for (size_t i = 0; i < server->n_clients; i++)
		if (server->clients[i]->id == id)
			return server->clients[i];
	return NULL;
}

static void drop_first_packet(struct client *client)
{
	struct packet *packet = client->head;

	client->queued_bytes -= packet->bytes;
	client->head = packet->next;
	if (!client->head)
		client->tail = &client->head;
	free(packet);
}

void server_client_free(struct client *client)
{
	loop_unwatch(&client->source);
	close_fd(&client->fd);
	while (client->head)
		drop_first_packet(client);
	free(client);
}

void server_client_remove(struct client *client)
{
	struct server *server = client->server;
	uint64_t id = client->id;

	for (size_t i = 0; i < server->n_clients; i++)
		if (server->clients[i] == client)
			server->clients[i] = server->clients[--server->n_clients];
	server_client_free(client);
	if (server->options.on_gone)
		server->options.on_gone(id, server->options.data);
}

static void update_interest(struct client *client)
{
	uint32_t events = client->head ? EPOLLOUT : client->in_flight ? 0 : EPOLLIN;
	int err = loop_rewatch(client->source, events);

	if (err < 0)
		log_error("%s: cannot watch a client: %s", client->server->name, strerror(-err));
}

static int queue_packet(struct client *client, enum wire_type type, int status, uint32_t flags, const char *payload,
			size_t bytes)
{
	struct packet *packet;

	if (client->queued_bytes + bytes > SERVER_QUEUE_BYTES)
		return -ENOBUFS;
	packet = malloc(sizeof(*packet) + bytes);
	if (!packet)
		return -ENOMEM;
	if (!client->head) /* the reader's time runs from here */
		client->moved_ns = clock_ns(CLOCK_MONOTONIC);
	*packet = (struct packet){ .type = type, .status = status, .flags = flags, .bytes = bytes };
	if (bytes > 0)
		memcpy(packet->payload, payload, bytes);
	*client->tail = packet;
	client->tail = &packet->next;
	client->queued_bytes += bytes;
	return 0;
}

/* Sends at once if nothing waits already, else queues. On failure the client is gone (I1). */
static int send_packet(struct client *client, enum wire_type type, int status, uint32_t flags, const char *payload,
		       size_t bytes)
{
	int err = -EAGAIN;

	if (!client->head)
		err = wire_send(client->fd, type, status, flags, payload, bytes, NULL, 0);
	if (err == 0)
		client->moved_ns = clock_ns(CLOCK_MONOTONIC);
	if (err == -EAGAIN)
		err = queue_packet(client, type, status, flags, payload, bytes);
	if (err == -ENOBUFS)
		log_warning("%s: a client does not read its answers: disconnected", client->server->name);
	if (err < 0)
		server_client_remove(client);
	return err;
}

int server_reply(struct server *server, uint64_t id, int status, const char *payload, size_t bytes)
{
	struct client *client = server_client_find(server, id);
	int err = 0;

	if (!client)
		return -ENOENT;
	client->in_flight = false;
	for (; err == 0 && bytes > PAYLOAD_MAX; payload += PAYLOAD_MAX, bytes -= PAYLOAD_MAX)
		err = send_packet(client, WIRE_REPLY, status, WIRE_MORE, payload, PAYLOAD_MAX);
	if (err == 0)
		err = send_packet(client, WIRE_REPLY, status, 0, payload, bytes);
	if (err == 0)
		update_interest(client);
	return err;
}

int server_push(struct server *server, uint64_t id, enum wire_type type, const char *payload, size_t bytes)
{
	struct client *client = server_client_find(server, id);
	int err;

	if (!client)
		return -ENOENT;
	if (bytes > PAYLOAD_MAX)
		return -EMSGSIZE;
	err = send_packet(client, type, 0, 0, payload, bytes);
	if (err == 0)
		update_interest(client);
	return err;
}

bool server_is_congested(const struct server *server, uint64_t id)
{
	const struct client *client = server_client_find(server, id);

	return client && client->head;
}

void server_disconnect(struct server *server, uint64_t id)
{
	struct client *client = server_client_find(server, id);

	if (client)
		server_client_remove(client);
}

static void handle_message(struct server *server, uint64_t id)
{
	int err = server->options.on_message(id, &server->message, server->options.data);

	wire_message_release(&server->message);
	if (err == -EPROTO)
		server_log_malformed(server);
	if (err < 0)
		server_refuse(server, id, err, err == -EPROTO ? "malformed message" : strerror(-err));
}

static void receive_message(struct client *client)
{
	struct server *server = client->server;
	uint64_t id = client->id;
	int err = wire_receive(client->fd, &server->message);

	if (err == -EAGAIN)
		return;
	if (err < 0 && err != -EPROTO && err != -EPROTONOSUPPORT) {
		server_client_remove(client);
		return;
	}
	client->moved_ns = clock_ns(CLOCK_MONOTONIC);
	client->in_flight = true;
	if (err == 0) {
		handle_message(server, id);
	} else {
		server_log_malformed(server);
		server_refuse(server, id, -EPROTO, err == -EPROTO ? "malformed message" : "another version of the protocol");
	}
	client = server_client_find(server, id);
	if (client)
		update_interest(client);
}

/* False when the client has gone. */
static bool flush_client(struct client *client)
{
	struct server *server = client->server;
	uint64_t id = client->id;

	while (client->head) {
		struct packet *packet = client->head;
		int err = wire_send(client->fd, packet->type, packet->status, packet->flags, packet->payload,
				    packet->bytes, NULL, 0);

		if (err == -EAGAIN)
			return true;
		if (err < 0) {
			server_client_remove(client);
			return false;
		}
		client->moved_ns = clock_ns(CLOCK_MONOTONIC);
		drop_first_packet(client);
	}
	update_interest(client);
	if (server->options.on_drained)
		server->options.on_drained(id, server->options.data);
	return server_client_find(server, id) != NULL;
}

static void on_client(uint32_t events, void *data)
{
	struct client *client = data;

	if (events & EPOLLOUT && !(events & (EPOLLHUP | EPOLLERR)) && !flush_client(client))
		return;
	if (events & EPOLLIN && !client->in_flight)
		receive_message(client);
	else if (events & (EPOLLHUP | EPOLLERR))
		server_client_remove(client);
}

int server_client_add(struct server *server, int *fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return -ENOMEM;
	*client = (struct client){ .server = server, .id = ++server->last_id, .fd = *fd, .tail = &client->head };
	client->moved_ns = clock_ns(CLOCK_MONOTONIC);
	err = loop_watch(server->loop, *fd, EPOLLIN, on_client, client, &client->source);
	if (err < 0) {
		free(client);
		return err;
	}
	TAKE_FD(*fd);
	server->clients[server->n_clients++] = client;
	return 0;
}
