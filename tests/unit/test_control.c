// SPDX-License-Identifier: Apache-2.0
/* control.sock: answers and refusals, the last events, followers that are quick, slow, or leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>

#include "enforcer/control.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)
#define CONNECT_MS 5000

struct fixture {
	struct loop *loop;
	struct loop_source *limit, *poll;
	struct event_log *events;
	struct control *control;
	char folder[32];
	char path[64];
	int sock;
	unsigned int awaited; /* packets */
	unsigned int packets, event_packets;
	char last[16384], first[16384]; /* payloads of events */
	struct wire_message received;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static int answer_echo(void *data, struct json_object *request, struct json_object **ret)
{
	assert_non_null(data);
	*ret = json_object_new_object();
	json_object_object_add(*ret, "echo", json_object_get(request));
	return 0;
}

static int answer_refusal(void *data, struct json_object *request, struct json_object **ret)
{
	(void)data;
	(void)request;
	*ret = json_object_new_object();
	json_object_object_add(*ret, "message", json_object_new_string("no /such thing"));
	return -ENOENT;
}

static int answer_nothing(void *data, struct json_object *request, struct json_object **ret)
{
	(void)data;
	(void)request;
	(void)ret;
	return -EINVAL;
}

static int answer_long(void *data, struct json_object *request, struct json_object **ret)
{
	struct json_object *list = json_object_new_array();

	(void)data;
	(void)request;
	for (int i = 0; i < 30000; i++)
		json_object_array_add(list, json_object_new_int(i));
	*ret = json_object_new_object();
	json_object_object_add(*ret, "list", list);
	return 0;
}

static int setup(void **state)
{
	const struct event_log_options options = { .stdout_fd = -1 };
	struct fixture *f = calloc(1, sizeof(*f));
	const struct control_ops ops = {
		.answer = { [WIRE_STATUS] = answer_echo, [WIRE_PAUSE] = answer_refusal, [WIRE_RESUME] = answer_nothing,
			    [WIRE_CONTAINERS] = answer_long },
		.data = f,
	};

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-control-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/control.sock", f->folder);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	assert_int_equal(event_log_new(f->loop, &options, &f->events), 0);
	assert_int_equal(control_new(f->loop, f->events, f->folder, &ops, &f->control), 0);
	f->sock = wire_connect(f->path, CONNECT_MS);
	assert_true(f->sock >= 0);
	assert_int_equal(fcntl(f->sock, F_SETFL, O_NONBLOCK), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_free(&f->control);
	event_log_free(&f->events);
	loop_unwatch(&f->limit);
	loop_unwatch(&f->poll);
	loop_free(&f->loop);
	close_fd(&f->sock);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* Takes what has come; stops once enough packets have. */
static void take_packets(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	while (f->packets < f->awaited && wire_receive(f->sock, &f->received) == 0) {
		f->packets++;
		if (f->received.header.type != WIRE_EVENT)
			continue;
		snprintf(f->last, sizeof(f->last), "%.16000s", f->received.payload);
		if (f->event_packets++ == 0)
			strcpy(f->first, f->last);
	}
	if (f->packets == f->awaited)
		loop_quit(f->loop, 0);
}

static void await_packets(struct fixture *f, unsigned int n)
{
	f->awaited = n;
	f->packets = f->event_packets = 0;
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 1000, take_packets, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->poll);
}

static void ask(struct fixture *f, enum wire_type type, const char *payload)
{
	assert_int_equal(wire_send(f->sock, type, 0, 0, payload, strlen(payload), NULL, 0), 0);
}

static void check_reply(struct fixture *f, int status, const char *payload)
{
	await_packets(f, 1);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
	assert_int_equal(f->received.header.status, status);
	assert_string_equal(f->received.payload, payload);
}

static void append_events(struct fixture *f, unsigned int first, unsigned int n, unsigned int pad)
{
	for (unsigned int i = first; i < first + n; i++) {
		_cleanup_(free_ptr) char *line = NULL;

		assert_true(asprintf(&line, "{\"i\":%u,\"pad\":\"%0*u\"}", i, (int)pad, 0u) > 0);
		event_log_append(f->events, line, strlen(line));
	}
}

/* A number in an event, -1 when it has none of that name. */
static int member_of(const char *line, const char *name)
{
	struct json_object *event = json_tokener_parse(line), *number = NULL;
	int i = -1;

	assert_non_null(event);
	if (json_object_object_get_ex(event, name, &number))
		i = json_object_get_int(number);
	json_object_put(event);
	return i;
}

static int number_of(const char *line)
{
	return member_of(line, "i");
}

static void test_requests_are_answered(void **state)
{
	struct fixture *f = *state;

	ask(f, WIRE_STATUS, "{\"a\":[1,\"/x\"]}");
	check_reply(f, 0, "{\"echo\":{\"a\":[1,\"/x\"]}}");
	ask(f, WIRE_PAUSE, "{}");
	check_reply(f, -ENOENT, "{\"message\":\"no /such thing\"}");
	ask(f, WIRE_RESUME, "{}");
	check_reply(f, -EINVAL, "{\"message\":\"Invalid argument\"}");
}

static void test_unknown_and_malformed_requests_are_refused(void **state)
{
	static const struct {
		enum wire_type type;
		const char *payload;
		int status;
	} cases[] = {
		{ WIRE_RELOAD, "{}", -EOPNOTSUPP },
		{ WIRE_HOOK_ARM, "{}", -EOPNOTSUPP },
		{ WIRE_REPLY, "{}", -EOPNOTSUPP },
		{ _WIRE_TYPE_MAX, "{}", -EOPNOTSUPP },
		{ (enum wire_type)65535, "{}", -EOPNOTSUPP },
		{ WIRE_STATUS, "", -EPROTO },
		{ WIRE_STATUS, "[]", -EPROTO },
		{ WIRE_STATUS, "{\"a\":", -EPROTO },
		{ WIRE_EVENTS, "{\"last\":-1}", -EINVAL },
		{ WIRE_EVENTS, "{\"last\":\"many\"}", -EINVAL },
		{ WIRE_EVENTS, "{\"follow\":\"yes\"}", -EINVAL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask(f, cases[i].type, cases[i].payload);
		await_packets(f, 1);
		assert_int_equal(f->received.header.status, cases[i].status);
	}
	ask(f, WIRE_STATUS, "{}");
	check_reply(f, 0, "{\"echo\":{}}");
}

static void test_descriptors_are_not_wanted(void **state)
{
	struct fixture *f = *state;
	int fds[] = { STDERR_FILENO };

	assert_int_equal(wire_send(f->sock, WIRE_STATUS, 0, 0, "{}", 2, fds, 1), 0);
	await_packets(f, 1);
	assert_int_equal(f->received.header.status, -EPROTO);
}

static void test_long_answer_is_split(void **state)
{
	struct fixture *f = *state;

	ask(f, WIRE_CONTAINERS, "{}");
	await_packets(f, 3);
	assert_int_equal(f->received.header.flags & WIRE_MORE, 0);
	ask(f, WIRE_STATUS, "{}");
	check_reply(f, 0, "{\"echo\":{}}");
}

static void test_last_events_end_with_a_reply(void **state)
{
	static const struct {
		const char *request;
		unsigned int n;
	} cases[] = {
		{ "{\"last\":3}", 3 }, { "{\"last\":0}", 0 }, { "{}", 20 }, { "{\"last\":1000000,\"follow\":false}", 50 },
	};
	struct fixture *f = *state;

	append_events(f, 0, 50, 10);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ask(f, WIRE_EVENTS, cases[i].request);
		await_packets(f, cases[i].n + 1);
		assert_int_equal(f->event_packets, cases[i].n);
		assert_int_equal(f->received.header.type, WIRE_REPLY);
		assert_int_equal(f->received.header.status, 0);
		if (cases[i].n) {
			assert_int_equal(number_of(f->first), 50 - cases[i].n);
			assert_int_equal(number_of(f->last), 49);
		}
	}
}

static void test_no_events_yet_is_an_empty_answer(void **state)
{
	struct fixture *f = *state;

	ask(f, WIRE_EVENTS, "{\"last\":10}");
	await_packets(f, 1);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
}

static void test_follower_gets_what_comes(void **state)
{
	struct fixture *f = *state;

	append_events(f, 0, 5, 10);
	ask(f, WIRE_EVENTS, "{\"last\":2,\"follow\":true}");
	await_packets(f, 2);
	assert_int_equal(number_of(f->first), 3);
	append_events(f, 5, 3, 10);
	await_packets(f, 3);
	assert_int_equal(number_of(f->first), 5);
	assert_int_equal(number_of(f->last), 7);
}

static void quit_when_idle(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, 0);
}

/* Lets the loop notice what is pending. */
static void let_pass(struct fixture *f)
{
	assert_int_equal(loop_timer(f->loop, NSEC_PER_SEC / 50, 0, quit_when_idle, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->poll);
}

static void test_follower_that_leaves_is_forgotten(void **state)
{
	struct fixture *f = *state;

	ask(f, WIRE_EVENTS, "{\"last\":0,\"follow\":true}");
	let_pass(f);
	close_fd(&f->sock);
	append_events(f, 0, 3, 10);
	let_pass(f);
	f->sock = wire_connect(f->path, CONNECT_MS);
	fcntl(f->sock, F_SETFL, O_NONBLOCK);
	ask(f, WIRE_STATUS, "{}");
	check_reply(f, 0, "{\"echo\":{}}");
}

/* Everything is asked for, read only after much of it has been forgotten. */
static void test_slow_follower_is_told_what_it_missed(void **state)
{
	struct fixture *f = *state;
	unsigned int events = 0, missed = 0;
	int number = -1;

	ask(f, WIRE_EVENTS, "{\"last\":0,\"follow\":true}");
	let_pass(f);
	append_events(f, 0, 3000, 10000);
	while (number < 2999) {
		await_packets(f, 1);
		number = number_of(f->last);
		if (number < 0)
			missed += (unsigned int)member_of(f->last, "count");
		else
			events++;
	}
	assert_true(missed > 1000);
	assert_int_equal(events + missed, 3000);
}

static void test_many_last_events_wait_for_a_slow_reader(void **state)
{
	struct fixture *f = *state;
	unsigned int held;

	append_events(f, 0, 1000, 4000);
	held = (unsigned int)(event_log_next(f->events) - event_log_first(f->events));
	ask(f, WIRE_EVENTS, "{\"last\":1000}");
	let_pass(f);
	await_packets(f, held + 1);
	assert_int_equal(f->event_packets, held);
	assert_int_equal(number_of(f->last), 999);
	assert_int_equal(f->received.header.type, WIRE_REPLY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests_are_answered),
		TEST(test_unknown_and_malformed_requests_are_refused),
		TEST(test_descriptors_are_not_wanted),
		TEST(test_long_answer_is_split),
		TEST(test_last_events_end_with_a_reply),
		TEST(test_no_events_yet_is_an_empty_answer),
		TEST(test_follower_gets_what_comes),
		TEST(test_follower_that_leaves_is_forgotten),
		TEST(test_slow_follower_is_told_what_it_missed),
		TEST(test_many_last_events_wait_for_a_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
