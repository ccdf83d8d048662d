// SPDX-License-Identifier: Apache-2.0
/* The socket server: how many may connect, time-outs, noise, and a process out of descriptors. */
#include "tests/unit/server_harness.h"

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

static void test_connections_wait_while_descriptors_are_short(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;
	struct rlimit before, none;

	start(f, LIMIT_NS, LIMIT_NS);
	sock = connect_client(f);
	ask(sock, "{}");
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 0;
	f->until = has_one_message;
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 1000, check_until, f, &f->poll), 0);
	assert_int_equal(loop_timer(f->loop, NSEC_PER_SEC / 20, 0, lift_limit, &before, &f->lift), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->messages, 1);
	loop_unwatch(&f->lift);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_malformed_messages_are_logged_once),
		TEST(test_one_client_too_many_is_refused),
		TEST(test_connections_wait_while_descriptors_are_short),
		TEST(test_silent_client_is_cut_off),
		TEST(test_waiting_client_is_not_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
