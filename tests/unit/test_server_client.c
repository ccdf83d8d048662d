// SPDX-License-Identifier: Apache-2.0
/* One client of a server: one request at a time, late answers, long answers, slow readers, malformed messages. */
#include "tests/unit/server_harness.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer_may_come_later),
		TEST(test_second_request_waits_for_the_first_answer),
		TEST(test_answer_to_one_that_left_is_harmless),
		TEST(test_handler_may_disconnect_its_own_client),
		TEST(test_long_answer_comes_in_parts),
		TEST(test_malformed_messages_are_refused),
		TEST(test_queue_is_delivered_when_read),
		TEST(test_reader_that_never_reads_is_cut_off_by_size),
		TEST(test_reader_that_never_reads_is_cut_off_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
