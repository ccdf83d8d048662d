/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a loop with a handler that notes what it gets, for test_server.c and test_server_client.c. */
#ifndef TESTS_UNIT_SERVER_HARNESS_H
#define TESTS_UNIT_SERVER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/server.h"
#include "enforcer/util.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)
#define CONNECT_MS 5000
#define MANY 1000

struct fixture {
	struct loop *loop;
	struct loop_source *limit, *poll, *lift;
	struct server *server;
	char folder[32];
	char path[64];
	unsigned int messages, gone, drained;
	uint64_t last_client, last_gone;
	char last_payload[128];
	enum wire_type last_type;
	int answer;	  /* what on_message returns */
	bool reply_now;	  /* … after having replied */
	bool leave;	  /* … after having disconnected */
	bool (*until)(struct fixture *f);
	struct wire_message received;
};

static inline void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static inline int take_message(uint64_t client, struct wire_message *message, void *data)
{
	struct fixture *f = data;

	f->messages++;
	f->last_client = client;
	f->last_type = message->header.type;
	snprintf(f->last_payload, sizeof(f->last_payload), "%.100s", message->payload);
	if (f->reply_now)
		server_reply(f->server, client, 0, message->payload, message->header.bytes);
	if (f->leave)
		server_disconnect(f->server, client);
	return f->answer;
}

static inline void take_gone(uint64_t client, void *data)
{
	struct fixture *f = data;

	f->gone++;
	f->last_gone = client;
}

static inline void take_drained(uint64_t client, void *data)
{
	struct fixture *f = data;

	(void)client;
	f->drained++;
}

static inline struct server_options make_options(struct fixture *f)
{
	return (struct server_options){
		.name = "test", .path = f->path, .max_clients = 3,
		.idle_timeout_ns = LIMIT_NS, .stall_timeout_ns = LIMIT_NS,
		.on_message = take_message, .on_gone = take_gone, .on_drained = take_drained, .data = f,
	};
}

static inline void start(struct fixture *f, uint64_t idle_ns, uint64_t stall_ns)
{
	struct server_options options = make_options(f);

	options.idle_timeout_ns = idle_ns;
	options.stall_timeout_ns = stall_ns;
	assert_int_equal(server_new(f->loop, &options, &f->server), 0);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-server-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/test.sock", f->folder);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	server_free(&f->server);
	loop_unwatch(&f->limit);
	loop_unwatch(&f->poll);
	loop_free(&f->loop);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static inline void check_until(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (f->until(f))
		loop_quit(f->loop, 0);
}

/* Runs the loop until something holds. */
static inline void run_until(struct fixture *f, bool (*until)(struct fixture *f))
{
	f->until = until;
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 1000, check_until, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->poll);
}

static inline bool has_one_message(struct fixture *f)
{
	return f->messages >= 1;
}

static inline bool has_two_messages(struct fixture *f)
{
	return f->messages >= 2;
}

static inline bool has_one_client(struct fixture *f)
{
	return server_client_count(f->server) == 1;
}

static inline bool has_no_client(struct fixture *f)
{
	return server_client_count(f->server) == 0;
}

static inline bool has_one_gone(struct fixture *f)
{
	return f->gone == 1;
}

static inline void lift_limit(uint32_t events, void *data)
{
	(void)events;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, data), 0);
}

static inline int connect_client(struct fixture *f)
{
	int sock = wire_connect(f->path, CONNECT_MS);

	assert_true(sock >= 0);
	return sock;
}

static inline void ask(int sock, const char *payload)
{
	assert_int_equal(wire_send(sock, WIRE_STATUS, 0, 0, payload, strlen(payload), NULL, 0), 0);
}

static inline void check_reply(struct fixture *f, int sock, int status, const char *payload)
{
	assert_int_equal(wire_receive(sock, &f->received), 0);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
	assert_int_equal(f->received.header.status, status);
	assert_string_equal(f->received.payload, payload);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
