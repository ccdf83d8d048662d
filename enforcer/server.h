/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SOCK_SEQPACKET server for root on the event loop, speaking enforcer/wire.h.
 *
 * Owns: the listening socket, the clients, their queues and time-outs. Must not know: what messages mean. Main thread
 * only. A client is known by a number that is never reused, so that a late answer to one that has gone is harmless.
 */
#ifndef ENFORCER_SERVER_H
#define ENFORCER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/wire.h"

struct loop;
struct server;

/* What may wait for a slow reader; enough for a listing of all container slots. Beyond it the client is cut off. */
#define SERVER_QUEUE_BYTES (8u << 20)
/* Usual time after which a client that does not read is cut off. */
#define SERVER_STALL_NS (10ull * 1000000000ull)

struct server_options {
	const char *name;	  /* "hook": for log lines */
	const char *path;	  /* of the socket; its folder must exist and belong to root */
	size_t max_clients;	  /* further ones are refused with -EBUSY */
	uint64_t idle_timeout_ns; /* for a client that asks nothing */
	uint64_t stall_timeout_ns; /* for a client whose queue does not move */

	/* A message came. It is borrowed during the call, but descriptors may be taken (set to -1). Until
	 * server_reply() the client's next message is not read. Return 0, or -errno to have it refused with that
	 * status right away. */
	int (*on_message)(uint64_t client, struct wire_message *message, void *data);
	/* The client's queue has become empty; NULL if that does not matter. */
	void (*on_drained)(uint64_t client, void *data);
	/* The client has gone, or was cut off; NULL if that does not matter. Not called by server_free(). */
	void (*on_gone)(uint64_t client, void *data);
	void *data; /* borrowed */
};

/**
 * server_new - create the socket and listen
 * @loop: (borrowed) outlives the server
 * @options: (borrowed) strings are copied
 * @ret: (output) to be given to server_free(); untouched on failure
 *
 * The socket has mode 0600 from its first moment. A socket that nobody listens on any more is replaced.
 * Return: 0; -EADDRINUSE: another process listens; -EEXIST: something else than a socket has that name;
 * -ENAMETOOLONG; -ENOMEM; -errno of socket, bind and listen.
 */
int server_new(struct loop *loop, const struct server_options *options, struct server **ret);
/* Disconnects everybody and removes the socket. NULL-safe, sets *server to NULL. Not from a callback of the server. */
void server_free(struct server **server);

/* Ends the client's request with an answer of any length (several packets). -ENOENT: that client has gone;
 * -ENOBUFS: it does not read, and was cut off; other -errno: it has just gone. */
int server_reply(struct server *server, uint64_t client, int status, const char *payload, size_t bytes);
/* Sends one packet without ending the request, at most WIRE_MAX_BYTES less the header. Errors as server_reply(), and
 * -EMSGSIZE. */
int server_push(struct server *server, uint64_t client, enum wire_type type, const char *payload, size_t bytes);
/* True while packets wait for the client to read. False when it has gone. */
bool server_is_congested(const struct server *server, uint64_t client);
/* Disconnects a client. on_gone is called before this returns. Harmless when it has gone. */
void server_disconnect(struct server *server, uint64_t client);
size_t server_client_count(const struct server *server);

#endif
