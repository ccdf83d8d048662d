/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon for tests of the tools: listens in a folder of its own, receives one request a connection, keeps the last
 * one, and lets the test's function answer.
 */
#ifndef TESTS_UNIT_FAKE_DAEMON_H
#define TESTS_UNIT_FAKE_DAEMON_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "enforcer/wire.h"

struct fake_daemon;

/* Called on the daemon's thread for each connection; the connection is closed when it returns. */
typedef void (*fake_answer_fn)(struct fake_daemon *daemon, int client);

struct fake_daemon {
	char dir[64], path[96];
	int sock, stop; /* stop becomes readable when the test is over */
	fake_answer_fn answer;
	const void *data;
	bool deaf; /* answers without having read the request */
	struct wire_message got; /* the last request, and what receiving it returned */
	int received;
	size_t connections;
	pthread_t thread;
};

static inline void *fake_daemon_serve(void *arg)
{
	struct fake_daemon *daemon = arg;
	struct pollfd pollers[] = { { .fd = daemon->sock, .events = POLLIN }, { .fd = daemon->stop, .events = POLLIN } };

	while (poll(pollers, 2, -1) > 0 && !pollers[1].revents) {
		int client = accept4(daemon->sock, NULL, NULL, SOCK_CLOEXEC);

		wire_message_release(&daemon->got);
		if (!daemon->deaf)
			daemon->received = wire_receive(client, &daemon->got);
		daemon->connections++;
		daemon->answer(daemon, client);
		close(client);
	}
	return NULL;
}

/* Makes the folder and the socket's path; nobody listens yet. */
static inline void fake_daemon_init(struct fake_daemon *daemon, const char *socket_name)
{
	memset(daemon, 0, sizeof(*daemon));
	strcpy(daemon->dir, "/tmp/holdfast-test-XXXXXX");
	assert_non_null(mkdtemp(daemon->dir));
	snprintf(daemon->path, sizeof(daemon->path), "%s/%s", daemon->dir, socket_name);
	daemon->sock = daemon->stop = -1;
	daemon->received = -EAGAIN;
	for (size_t i = 0; i < WIRE_MAX_FDS; i++)
		daemon->got.fds[i] = -1;
}

static inline void fake_daemon_start(struct fake_daemon *daemon, fake_answer_fn answer, const void *data)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	daemon->answer = answer;
	daemon->data = data;
	memcpy(address.sun_path, daemon->path, strlen(daemon->path));
	daemon->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(daemon->sock, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(daemon->sock, 4), 0);
	daemon->stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&daemon->thread, NULL, fake_daemon_serve, daemon), 0);
}

/* Ends the thread; what was received stays readable. Does nothing when it was never started. */
static inline void fake_daemon_stop(struct fake_daemon *daemon)
{
	if (daemon->sock < 0)
		return;
	assert_int_equal(eventfd_write(daemon->stop, 1), 0);
	assert_int_equal(pthread_join(daemon->thread, NULL), 0);
	close_fd(&daemon->sock);
	close_fd(&daemon->stop);
	unlink(daemon->path);
}

/* Stops it and removes the folder, which must be empty by then. */
static inline void fake_daemon_release(struct fake_daemon *daemon)
{
	fake_daemon_stop(daemon);
	wire_message_release(&daemon->got);
	assert_int_equal(rmdir(daemon->dir), 0);
}

/* For answers that never come: waits until the test is over. */
static inline void fake_daemon_hang(const struct fake_daemon *daemon)
{
	struct pollfd poller = { .fd = daemon->stop, .events = POLLIN };

	poll(&poller, 1, -1);
}

/* A reply of another version of the protocol. */
static inline void fake_daemon_send_version(int client, uint16_t version)
{
	struct wire_header header = { WIRE_MAGIC, version, WIRE_REPLY, 0, 0, 2 };
	char packet[sizeof(header) + 2];

	memcpy(packet, &header, sizeof(header));
	memcpy(packet + sizeof(header), "{}", 2);
	assert_int_equal(send(client, packet, sizeof(packet), MSG_NOSIGNAL), sizeof(packet));
}

static inline void fake_daemon_send(int client, enum wire_type type, int status, const char *text)
{
	assert_int_equal(wire_send(client, type, status, 0, text, strlen(text), NULL, 0), 0);
}

#endif
