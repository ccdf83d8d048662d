/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server.c (listening, refusing, time-outs) and server_client.c (one client's messages and queue) share. Nobody
 * else includes it.
 *
 * I1: any call into a client's queue, and any callback, may end the client; whoever goes on afterwards looks it up
 *     again by its number.
 * I2: while a request is being answered, or packets wait, nothing more is read from that client.
 * I3: what strangers can provoke (refused peers, malformed messages, too many clients) costs a bounded number of log
 *     lines.
 */
#ifndef ENFORCER_SERVER_INTERNAL_H
#define ENFORCER_SERVER_INTERNAL_H

#include "enforcer/server.h"

struct loop_source;

/* Users refused by name in the log; after that many, nobody reads further names. */
#define SERVER_REFUSED_UIDS 16
/* What may repeat is logged the first time, and then at most this often. */
#define SERVER_LOG_NS (60ull * 1000000000ull)

struct packet {
	struct packet *next;
	enum wire_type type;
	int status;
	uint32_t flags;
	size_t bytes;
	char payload[];
};

struct client {
	struct server *server;
	uint64_t id;
	int fd;
	struct loop_source *source;
	bool in_flight;	   /* its request has not been answered */
	uint64_t moved_ns; /* CLOCK_MONOTONIC: when it last sent or took something */
	struct packet *head, **tail;
	size_t queued_bytes;
};

struct server {
	struct loop *loop;
	struct server_options options;
	char *name, *path;
	int fd;
	struct loop_source *source, *sweep;
	bool resting; /* accept() failed: wait for the next sweep */
	struct client **clients;
	size_t n_clients;
	uint64_t last_id;
	struct wire_message message; /* the one being handled */
	uid_t refused[SERVER_REFUSED_UIDS];
	size_t n_refused;
	uint64_t malformed;
	uint64_t malformed_logged_ns, too_many_logged_ns, accept_logged_ns; /* CLOCK_MONOTONIC */
};

/* NULL when that client has gone. */
struct client *server_client_find(const struct server *server, uint64_t id);
/* Takes *fd over on success (sets it to -1). The table must have room. */
int server_client_add(struct server *server, int *fd);
/* Ends a client and calls on_gone. */
void server_client_remove(struct client *client);
/* Ends it silently; the caller takes it out of the table. */
void server_client_free(struct client *client);
/* Answers with {"message": why}. */
void server_refuse(struct server *server, uint64_t id, int status, const char *why);
void server_log_malformed(struct server *server);

#endif
