// SPDX-License-Identifier: Apache-2.0
/* The socket server: who may connect, one request at a time, late answers, slow readers, noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
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
	struct loop_source *limit, *poll;
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

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static int take_message(uint64_t client, struct wire_message *message, void *data)
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

static void take_gone(uint64_t client, void *data)
{
	struct fixture *f = data;

	f->gone++;
	f->last_gone = client;
}

static void take_drained(uint64_t client, void *data)
{
	struct fixture *f = data;

	(void)client;
	f->drained++;
}

static struct server_options make_options(struct fixture *f)
{
	return (struct server_options){
		.name = "test", .path = f->path, .max_clients = 3,
		.idle_timeout_ns = LIMIT_NS, .stall_timeout_ns = LIMIT_NS,
		.on_message = take_message, .on_gone = take_gone, .on_drained = take_drained, .data = f,
	};
}

static void start(struct fixture *f, uint64_t idle_ns, uint64_t stall_ns)
{
	struct server_options options = make_options(f);

	options.idle_timeout_ns = idle_ns;
	options.stall_timeout_ns = stall_ns;
	assert_int_equal(server_new(f->loop, &options, &f->server), 0);
}

static int setup(void **state)
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

static int teardown(void **state)
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

static void check_until(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (f->until(f))
		loop_quit(f->loop, 0);
}

/* Runs the loop until something holds. */
static void run_until(struct fixture *f, bool (*until)(struct fixture *f))
{
	f->until = until;
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 1000, check_until, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->poll);
}

static bool has_one_message(struct fixture *f)
{
	return f->messages >= 1;
}

static bool has_two_messages(struct fixture *f)
{
	return f->messages >= 2;
}

static bool has_one_client(struct fixture *f)
{
	return server_client_count(f->server) == 1;
}

static bool has_no_client(struct fixture *f)
{
	return server_client_count(f->server) == 0;
}

static bool has_one_gone(struct fixture *f)
{
	return f->gone == 1;
}

static int connect_client(struct fixture *f)
{
	int sock = wire_connect(f->path, CONNECT_MS);

	assert_true(sock >= 0);
	return sock;
}

static void ask(int sock, const char *payload)
{
	assert_int_equal(wire_send(sock, WIRE_STATUS, 0, 0, payload, strlen(payload), NULL, 0), 0);
}

static void check_reply(struct fixture *f, int sock, int status, const char *payload)
{
	assert_int_equal(wire_receive(sock, &f->received), 0);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
	assert_int_equal(f->received.header.status, status);
	assert_string_equal(f->received.payload, payload);
}

static void test_answer_may_come_later(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	ask(sock, "{\"a\":1}");
	run_until(f, has_one_message);
	assert_string_equal(f->last_payload, "{\"a\":1}");
	assert_int_equal(f->last_type, WIRE_STATUS);
	assert_int_equal(server_reply(f->server, f->last_client, -ENOENT, "{}", 2), 0);
	check_reply(f, sock, -ENOENT, "{}");
}

static void test_second_request_waits_for_the_first_answer(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int first = -1, other = -1;

	start(f, LIMIT_NS, LIMIT_NS);
	first = connect_client(f);
	other = connect_client(f);
	ask(first, "{\"first\":1}");
	ask(first, "{\"first\":2}");
	run_until(f, has_one_message);
	ask(other, "{\"other\":1}");
	run_until(f, has_two_messages);
	assert_string_equal(f->last_payload, "{\"other\":1}");
	f->messages = 0;
	assert_int_equal(server_reply(f->server, 1, 0, "{}", 2), 0);
	run_until(f, has_one_message);
	assert_string_equal(f->last_payload, "{\"first\":2}");
}

static void test_answer_to_one_that_left_is_harmless(void **state)
{
	struct fixture *f = *state;
	int sock;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_message);
	close_fd(&sock);
	run_until(f, has_one_gone);
	assert_int_equal(f->last_gone, f->last_client);
	assert_int_equal(server_reply(f->server, f->last_client, 0, "{}", 2), -ENOENT);
	assert_int_equal(server_push(f->server, f->last_client, WIRE_EVENT, "{}", 2), -ENOENT);
	assert_false(server_is_congested(f->server, f->last_client));
	server_disconnect(f->server, f->last_client);
	sock = connect_client(f);
	run_until(f, has_one_client);
	assert_int_equal(server_reply(f->server, f->last_client, 0, "{}", 2), -ENOENT);
	close_fd(&sock);
}

static void test_handler_may_disconnect_its_own_client(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	start(f, LIMIT_NS, LIMIT_NS);
	f->leave = true;
	f->answer = -EPROTO;
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_gone);
	assert_int_equal(wire_receive(sock, &f->received), -ENOTCONN);
}

static void test_long_answer_comes_in_parts(void **state)
{
	struct fixture *f = *state;
	_cleanup_(free_ptr) char *payload = malloc(200000);
	_cleanup_(close_fd) int sock = -1;
	size_t n = 0;

	start(f, LIMIT_NS, LIMIT_NS);
	for (size_t i = 0; i < 200000; i++)
		payload[i] = (char)('a' + i % 26);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_message);
	assert_int_equal(server_push(f->server, f->last_client, WIRE_EVENT, payload, WIRE_MAX_BYTES), -EMSGSIZE);
	assert_int_equal(server_reply(f->server, f->last_client, 0, payload, 200000), 0);
	do {
		assert_int_equal(wire_receive(sock, &f->received), 0);
		assert_memory_equal(f->received.payload, payload + n, f->received.header.bytes);
		n += f->received.header.bytes;
	} while (f->received.header.flags & WIRE_MORE);
	assert_int_equal(n, 200000);
}

static void test_malformed_messages_are_refused(void **state)
{
	struct fixture *f = *state;
	struct wire_header header = { .magic = WIRE_MAGIC, .version = WIRE_VERSION + 1, .type = WIRE_STATUS };
	_cleanup_(close_fd) int sock = -1;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	assert_int_equal(send(sock, "garbage", 7, 0), 7);
	assert_int_equal(send(sock, &header, sizeof(header), 0), sizeof(header));
	f->answer = -EPROTO;
	ask(sock, "not what the handler likes");
	run_until(f, has_one_message);
	check_reply(f, sock, -EPROTO, "{\"message\":\"malformed message\"}");
	check_reply(f, sock, -EPROTO, "{\"message\":\"another version of the protocol\"}");
	check_reply(f, sock, -EPROTO, "{\"message\":\"malformed message\"}");
	f->answer = -EINVAL;
	ask(sock, "{}");
	run_until(f, has_two_messages);
	check_reply(f, sock, -EINVAL, "{\"message\":\"Invalid argument\"}");
	f->answer = 0;
	f->reply_now = true;
	f->messages = 0;
	ask(sock, "{\"fine\":1}");
	run_until(f, has_one_message);
	check_reply(f, sock, 0, "{\"fine\":1}");
}

static void test_malformed_messages_are_logged_once(void **state)
{
	struct fixture *f = *state;
	int saved = dup(STDERR_FILENO), out[2];
	_cleanup_(close_fd) int sock = -1;
	char text[4096] = "";

	start(f, LIMIT_NS, LIMIT_NS);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(out[1], STDERR_FILENO);
	log_set_level(LOG_INFO);
	sock = connect_client(f);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(send(sock, "garbage", 7, 0), 7);
	ask(sock, "{}");
	run_until(f, has_one_message);
	dup2(saved, STDERR_FILENO);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "<4>test: 1 malformed messages refused\n");
	close(saved);
	close(out[0]);
	close(out[1]);
}

static void test_one_client_too_many_is_refused(void **state)
{
	struct fixture *f = *state;
	int socks[4];

	start(f, LIMIT_NS, LIMIT_NS);
	for (size_t i = 0; i < ARRAY_SIZE(socks); i++)
		socks[i] = connect_client(f);
	ask(socks[0], "{}");
	run_until(f, has_one_message);
	assert_int_equal(server_client_count(f->server), 3);
	check_reply(f, socks[3], -EBUSY, "{\"message\":\"too many clients\"}");
	assert_int_equal(wire_receive(socks[3], &f->received), -ENOTCONN);
	close_fd(&socks[0]);
	run_until(f, has_one_gone);
	close_fd(&socks[3]);
	socks[3] = connect_client(f);
	ask(socks[3], "{}");
	run_until(f, has_two_messages);
	for (size_t i = 0; i < ARRAY_SIZE(socks); i++)
		close_fd(&socks[i]);
}

static bool all_have_gone(struct fixture *f)
{
	return f->gone >= 1 && server_client_count(f->server) == 0;
}

static void test_silent_client_is_cut_off(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	start(f, 1, LIMIT_NS);
	sock = connect_client(f);
	run_until(f, has_one_client);
	run_until(f, all_have_gone);
	assert_int_equal(wire_receive(sock, &f->received), -ENOTCONN);
}

static bool has_swept_twice(struct fixture *f)
{
	static uint64_t begun;

	if (!begun)
		begun = clock_ns(CLOCK_MONOTONIC);
	return f->messages && clock_ns(CLOCK_MONOTONIC) - begun > 2 * NSEC_PER_SEC + NSEC_PER_SEC / 5;
}

static void test_waiting_client_is_not_cut_off(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	start(f, NSEC_PER_SEC / 2, NSEC_PER_SEC / 2);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_swept_twice);
	assert_int_equal(f->gone, 0);
	assert_int_equal(server_reply(f->server, f->last_client, 0, "{}", 2), 0);
	check_reply(f, sock, 0, "{}");
}

/* Pushes packets until they begin to wait; their number. */
static unsigned int fill_socket(struct fixture *f)
{
	_cleanup_(free_ptr) char *payload = calloc(1, 60000);
	unsigned int n = 0;

	memset(payload, 'x', 60000);
	while (!server_is_congested(f->server, f->last_client)) {
		assert_int_equal(server_push(f->server, f->last_client, WIRE_EVENT, payload, 60000), 0);
		assert_true(++n < MANY);
	}
	return n;
}

static bool has_drained(struct fixture *f)
{
	return f->drained > 0;
}

static void test_queue_is_delivered_when_read(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;
	unsigned int sent, n = 0;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_message);
	sent = fill_socket(f);
	assert_int_equal(server_reply(f->server, f->last_client, 0, "{}", 2), 0);
	fcntl(sock, F_SETFL, O_NONBLOCK);
	for (; wire_receive(sock, &f->received) == 0; n++)
		assert_int_equal(f->received.header.type, WIRE_EVENT);
	assert_int_equal(n, sent - 1);
	run_until(f, has_drained);
	assert_int_equal(wire_receive(sock, &f->received), 0);
	assert_int_equal(f->received.header.type, WIRE_EVENT);
	check_reply(f, sock, 0, "{}");
	assert_int_equal(f->drained, 1);
}

static void test_reader_that_never_reads_is_cut_off_by_size(void **state)
{
	struct fixture *f = *state;
	_cleanup_(free_ptr) char *payload = calloc(1, 60000);
	_cleanup_(close_fd) int sock = -1;
	int err = 0;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_message);
	for (unsigned int i = 0; i < MANY && err == 0; i++)
		err = server_push(f->server, f->last_client, WIRE_EVENT, payload, 60000);
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(f->gone, 1);
	assert_int_equal(server_client_count(f->server), 0);
}

static void test_reader_that_never_reads_is_cut_off_by_time(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	start(f, LIMIT_NS, NSEC_PER_SEC / 10);
	sock = connect_client(f);
	ask(sock, "{}");
	run_until(f, has_one_message);
	fill_socket(f);
	run_until(f, has_no_client);
	assert_int_equal(f->gone, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer_may_come_later),
		TEST(test_second_request_waits_for_the_first_answer),
		TEST(test_answer_to_one_that_left_is_harmless),
		TEST(test_handler_may_disconnect_its_own_client),
		TEST(test_long_answer_comes_in_parts),
		TEST(test_malformed_messages_are_refused),
		TEST(test_malformed_messages_are_logged_once),
		TEST(test_one_client_too_many_is_refused),
		TEST(test_silent_client_is_cut_off),
		TEST(test_waiting_client_is_not_cut_off),
		TEST(test_queue_is_delivered_when_read),
		TEST(test_reader_that_never_reads_is_cut_off_by_size),
		TEST(test_reader_that_never_reads_is_cut_off_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
