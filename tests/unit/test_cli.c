// SPDX-License-Identifier: Apache-2.0
/* The tool's commands against a daemon: what they ask, what they print, and with which exit code they end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "tests/unit/cli_harness.h"
#include "tests/unit/fake_daemon.h"

#define STATUS(ready, degraded, pauses, error)                                                                           \
	"{\"version\":\"0.1.0\",\"ready\":" ready ",\"pid\":77,\"uptime_seconds\":11100,"                                \
	"\"kernel\":{\"release\":\"6.12.1\",\"abi\":1,\"hooks\":[\"bprm_check_security\",\"mmap_file\"]},"                \
	"\"containers\":{\"total\":5,\"armed\":3,\"audit\":1,\"unwatched\":1,\"pending\":0},"                            \
	"\"policy\":{\"generation\":4,\"path\":\"/etc/holdfast/policies\",\"policies\":2,\"error\":" error "},"          \
	"\"pauses\":[" pauses "],\"events\":{\"delivered\":12,\"lost\":0},\"counters\":{\"denied\":9,\"audited\":8},"    \
	"\"catalog\":{\"entries\":1500,\"max\":1048576},\"degraded\":[" degraded "]}"

#define CONTAINERS                                                                                                       \
	"{\"containers\":[{\"id\":\"0123456789abcdef\",\"name\":\"web\",\"namespace\":\"prod\",\"pod\":\"web-0\","       \
	"\"image\":\"registry.example/web:1\",\"manager\":\"containerd\",\"pid\":5,\"state\":\"armed\",\"state_reason\":null," \
	"\"mode\":\"enforce\",\"policy\":\"prod/prod-immutable\",\"why\":\"w\",\"root_type\":\"overlay\",\"executables\":1234," \
	"\"volumes\":2,\"denied\":3,\"audited\":0,\"started\":\"2026-11-22T03:04:05.123456789Z\",\"armed_after_ms\":4.5," \
	"\"paused_until\":null},{\"id\":\"ffff\",\"name\":\"evil\\n\\u001b[31m\\u009b\\u202e\",\"namespace\":null,\"pod\":null," \
	"\"state\":\"unwatched\",\"state_reason\":\"root is vfs\",\"mode\":\"audit\",\"policy\":\"builtin-audit\"," \
	"\"paused_until\":\"2026-11-22T05:00:00Z\"}]}"

#define POLICIES                                                                                                         \
	"{\"generation\":4,\"policies\":[{\"kind\":\"DriftPolicy\",\"namespace\":\"prod\",\"name\":\"prod-immutable\","  \
	"\"mode\":\"enforce\",\"file\":\"/etc/p.yaml\",\"line\":4,\"containers\":7}]}"

#define EFFECTIVE                                                                                                        \
	"{\"policy\":\"prod-immutable\",\"namespace\":\"prod\",\"kind\":\"DriftPolicy\",\"file\":\"/etc/p.yaml\",\"line\":4," \
	"\"why\":\"because\",\"tightened\":[{\"annotation\":\"a\",\"value\":\"b\",\"text\":\"stricter\"}],\"ignored_annotations\":[\"holdfast.dev/mode=off: would loosen\"],\"fields\":{\"mode\":\"enforce\"," \
	"\"libraries.mode\":\"audit\"},\"exceptions\":[{\"name\":\"jna\",\"paths\":[\"/tmp/a\",\"/tmp/b\"],"             \
	"\"fromProcess\":[\"/usr/bin/java\"],\"expires\":\"2027-01-31T00:00:00Z\",\"reason\":\"JIRA\"}],"                \
	"\"volumes_allow\":[\"/plugins\"]}"

static const struct cli_case {
	const char *name;
	const char *args[8];
	int status; /* of the daemon's reply */
	const char *reply;
	int code;
	const char *out, *err; /* must occur; NULL: the stream must be empty */
	const char *request;   /* what the daemon must have got; NULL: {} */
} cases[] = {
	{ "status", { "status" }, 0, STATUS("true", "", "", "null"), 0, "ready 0.1.0, pid 77, up 3h 5m", NULL, NULL },
	{ "status shows hooks", { "status" }, 0, STATUS("true", "", "", "null"), 0, "bprm_check_security, mmap_file", NULL,
	  NULL },
	{ "status counts", { "status" }, 0, STATUS("true", "", "", "null"), 0, "9 denied, 8 audited", NULL, NULL },
	{ "status degraded", { "status" }, 0, STATUS("true", "\"ring is full\"", "", "null"), 3, "ring is full", NULL,
	  NULL },
	{ "status degraded in JSON", { "status", "-o", "json" }, 0, STATUS("true", "\"x\"", "", "null"), 3, "\"x\"", NULL,
	  NULL },
	{ "status not ready", { "status" }, 0, STATUS("false", "", "", "null"), 3, "not ready", NULL, NULL },
	{ "status pause of all", { "status" }, 0,
	  STATUS("true", "", "{\"namespace\":\"\",\"until\":\"2026-11-22T05:00:00Z\"}", "null"), 0,
	  "all containers: nothing is denied until 2026-11-22T05:00:00Z", NULL, NULL },
	{ "status pause of one", { "status" }, 0,
	  STATUS("true", "", "{\"namespace\":\"prod\",\"until\":\"T\"}", "null"), 0, "namespace prod: nothing", NULL, NULL },
	{ "status policy error", { "status" }, 0,
	  STATUS("true", "", "", "{\"file\":\"/p.yaml\",\"line\":3,\"column\":7,\"message\":\"bad\"}"), 0,
	  "/p.yaml:3:7: bad", NULL, NULL },
	{ "status refused", { "status" }, -5, "{\"message\":\"no\"}", 2, NULL, "holdfastd: no", NULL },
	{ "status refused silently", { "status" }, -13, "{}", 2, NULL, "Permission denied", NULL },
	{ "containers", { "containers" }, 0, CONTAINERS, 0, "0123456789ab web-0/web", NULL, NULL },
	{ "containers notes", { "containers" }, 0, CONTAINERS, 0, "paused until 2026-11-22T05:00:00Z; root is vfs", NULL,
	  NULL },
	{ "containers escaped", { "containers" }, 0, CONTAINERS, 0, "evil\\x0a\\x1b[31m\\u{9b}\\u{202e}", NULL, NULL },
	{ "no containers", { "containers" }, 0, "{\"containers\":[]}", 0, "No containers.", NULL, NULL },
	{ "policy list", { "policy", "list" }, 0, POLICIES, 0, "/etc/p.yaml:4", NULL, NULL },
	{ "no policies", { "policy", "list" }, 0, "{\"generation\":0,\"policies\":[]}", 0, "No policies", NULL, NULL },
	{ "effective", { "policy", "effective", "--namespace", "prod", "--label", "a=b=c", "--image", "i" }, 0, EFFECTIVE, 0,
	  "DriftPolicy prod/prod-immutable", NULL,
	  "{\"namespace\":\"prod\",\"image\":\"i\",\"labels\":{\"a\":\"b=c\"},\"annotations\":{}}" },
	{ "effective exception", { "policy", "effective", "--annotation", "x=", "--pod", "p", "--container", "c" }, 0,
	  EFFECTIVE, 0, "/tmp/a /tmp/b by /usr/bin/java, until 2027-01-31T00:00:00Z; JIRA", NULL,
	  "{\"pod\":\"p\",\"container\":\"c\",\"labels\":{},\"annotations\":{\"x\":\"\"}}" },
	{ "effective rest", { "policy", "effective" }, 0, EFFECTIVE, 0, "volume allowed", NULL,
	  "{\"labels\":{},\"annotations\":{}}" },
	{ "effective note", { "policy", "effective" }, 0, EFFECTIVE, 0, "holdfast.dev/mode=off: would loosen", NULL,
	  "{\"labels\":{},\"annotations\":{}}" },
	{ "effective tightened", { "policy", "effective" }, 0, EFFECTIVE, 0, "a=b: stricter", NULL,
	  "{\"labels\":{},\"annotations\":{}}" },
	{ "pause", { "pause", "--for", "10m" }, 0, "{\"message\":\"paused until T\",\"until\":\"T\"}", 0, "paused until T\n",
	  NULL, "{\"seconds\":600}" },
	{ "pause one namespace", { "pause", "--for", "24h", "-n", "prod" }, 0, "{\"message\":\"ok\",\"until\":\"T\"}", 0,
	  "ok\n", NULL, "{\"seconds\":86400,\"namespace\":\"prod\"}" },
	{ "pause refused", { "pause", "--for", "1s", "-n", "x" }, -2, "{\"message\":\"no such namespace\"}", 1, NULL,
	  "no such namespace", "{\"seconds\":1,\"namespace\":\"x\"}" },
	{ "resume", { "resume" }, 0, "{\"message\":\"resumed\",\"until\":null}", 0, "resumed\n", NULL, "{}" },
	{ "resume one namespace", { "resume", "--namespace", "prod" }, 0, "{\"message\":\"resumed\"}", 0, "resumed\n", NULL,
	  "{\"namespace\":\"prod\"}" },
	{ "reload", { "reload" }, 0, "{\"message\":\"2 policies\"}", 0, "2 policies\n", NULL, NULL },
	{ "reload invalid", { "reload" }, -22, "{\"message\":\"bad key\",\"file\":\"/p.yaml\",\"line\":3,\"column\":7}", 1,
	  NULL, "/p.yaml:3:7: bad key", NULL },
	{ "reload invalid in JSON", { "reload", "-o", "json" }, -22, "{\"message\":\"bad key\",\"file\":\"/p.yaml\"}", 1,
	  "\"bad key\"", NULL, NULL },
	{ "answer is no JSON", { "status" }, 0, "hello", 2, NULL, "not holdfastd's", NULL },
	{ "answer is an array", { "status" }, 0, "[]", 2, NULL, "not holdfastd's", NULL },
	{ "answer lacks all", { "status" }, 0, "{}", 3, "not ready", NULL, NULL },
	{ "answer of other types", { "containers" }, 0, "{\"containers\":{\"a\":1}}", 0, "No containers.", NULL, NULL },
	{ "message cannot steer the terminal", { "reload" }, -22, "{\"message\":\"\\u001b]0;x\\u0007\"}", 1, NULL,
	  "\\x1b]0;x\\x07", NULL },
};

static int setup(void **state)
{
	struct fake_daemon *daemon = calloc(1, sizeof(*daemon));

	assert_non_null(daemon);
	fake_daemon_init(daemon, "control.sock");
	*state = daemon;
	return 0;
}

static int teardown(void **state)
{
	fake_daemon_release(*state);
	free(*state);
	return 0;
}

static void reply_as_in_case(struct fake_daemon *daemon, int client)
{
	const struct cli_case *c = daemon->data;

	assert_int_equal(wire_send_long(client, WIRE_REPLY, c->status, c->reply, strlen(c->reply)), 0);
}

static bool is_as_expected(const char *text, const char *expected)
{
	return expected ? strstr(text, expected) != NULL : text[0] == '\0';
}

static void assert_same_json(const char *a, const char *b)
{
	struct json_object *left = json_tokener_parse(a), *right = json_tokener_parse(b);

	if (!left || !right || !json_object_equal(left, right))
		fail_msg("not the same: %s and %s", a, b);
	json_object_put(left);
	json_object_put(right);
}

static void test_commands_answer_as_documented(void **state)
{
	struct fake_daemon *daemon = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct cli_case *c = &cases[i];
		struct cli_result result;

		fake_daemon_start(daemon, reply_as_in_case, c);
		result = cli_run(daemon->path, c->args);
		fake_daemon_stop(daemon);
		if (result.code != c->code || !is_as_expected(result.out, c->out) || !is_as_expected(result.err, c->err))
			fail_msg("%s: exit code %d, out \"%s\", err \"%s\"", c->name, result.code, result.out, result.err);
		assert_same_json(daemon->got.payload, c->request ? c->request : "{}");
		cli_result_release(&result);
	}
}

static void test_json_output_is_the_daemons_document(void **state)
{
	static const char *const replies[] = { CONTAINERS, POLICIES, EFFECTIVE, STATUS("true", "", "", "null"),
					       "{\"unknown\":[1.5,\"\\u0000\"]}" };
	static const char *const args[] = { "containers", "-o", "json", NULL };
	struct fake_daemon *daemon = *state;

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		const struct cli_case c = { .reply = replies[i] };
		struct cli_result result;

		fake_daemon_start(daemon, reply_as_in_case, &c);
		result = cli_run(daemon->path, args);
		fake_daemon_stop(daemon);
		assert_int_equal(result.code, 0);
		assert_same_json(result.out, replies[i]);
		for (const char *p = result.out; *p; p++)
			assert_false((unsigned char)*p == 0x1b || (p[0] == '\xc2' && (p[1] & 0xe0) == 0x80));
		cli_result_release(&result);
	}
}

static void test_long_answer_arrives_whole(void **state)
{
	static const char *const args[] = { "containers", "-o", "json", NULL };
	struct fake_daemon *daemon = *state;
	const size_t n = 400000;
	char *reply = malloc(n + 64);
	struct cli_case c = { .reply = reply };
	struct cli_result result;

	strcpy(reply, "{\"containers\":\"");
	memset(reply + strlen(reply), 'x', n);
	strcpy(reply + 15 + n, "\"}");
	fake_daemon_start(daemon, reply_as_in_case, &c);
	result = cli_run(daemon->path, args);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 0);
	assert_same_json(result.out, reply);
	cli_result_release(&result);
	free(reply);
}

static void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void test_colour_only_on_terminals_that_want_it(void **state)
{
	static const struct {
		const char *term, *no_colour;
		bool terminal, colour;
	} settings[] = { { "xterm", NULL, true, true },	  { "xterm", "", true, true },	 { "xterm", "1", true, false },
			 { "dumb", NULL, true, false },	  { NULL, NULL, true, false }, { "xterm", NULL, false, false } };
	static const char *const args[] = { "status", NULL };
	static const struct cli_case c = { .reply = STATUS("true", "", "", "null") };
	struct fake_daemon *daemon = *state;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		struct cli_result result;

		set_variable("TERM", settings[i].term);
		set_variable("NO_COLOR", settings[i].no_colour);
		fake_daemon_start(daemon, reply_as_in_case, &c);
		result = settings[i].terminal ? cli_run_on_terminal(daemon->path, args, 200) : cli_run(daemon->path, args);
		fake_daemon_stop(daemon);
		assert_int_equal(result.code, 0);
		assert_non_null(strstr(result.out, "ready 0.1.0"));
		if ((strchr(result.out, 0x1b) != NULL) != settings[i].colour)
			fail_msg("TERM=%s NO_COLOR=%s: \"%s\"", settings[i].term, settings[i].no_colour, result.out);
		cli_result_release(&result);
	}
	unsetenv("NO_COLOR");
}

static void close_at_once(struct fake_daemon *daemon, int client)
{
	(void)daemon, (void)client;
}

static void answer_version(struct fake_daemon *daemon, int client)
{
	(void)daemon;
	fake_daemon_send_version(client, 9);
}

static void answer_half(struct fake_daemon *daemon, int client)
{
	(void)daemon;
	assert_int_equal(wire_send(client, WIRE_REPLY, 0, WIRE_MORE, "{}", 2, NULL, 0), 0);
}

static void answer_event(struct fake_daemon *daemon, int client)
{
	(void)daemon;
	fake_daemon_send(client, WIRE_EVENT, 0, "{}");
}

static void test_bad_daemon_is_told_apart(void **state)
{
	static const struct {
		fake_answer_fn answer;
		int code;
		const char *err;
	} daemons[] = {
		{ NULL, 4, "not running" },
		{ close_at_once, 4, "closed the connection" },
		{ answer_half, 4, "closed the connection" },
		{ answer_version, 2, "version 9" },
		{ answer_event, 2, "not holdfastd's" },
	};
	static const char *const args[] = { "status", NULL };
	struct fake_daemon *daemon = *state;

	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		struct cli_result result;

		if (daemons[i].answer)
			fake_daemon_start(daemon, daemons[i].answer, NULL);
		result = cli_run(daemon->path, args);
		fake_daemon_stop(daemon);
		if (result.code != daemons[i].code || !strstr(result.err, daemons[i].err) || result.out[0])
			fail_msg("%s: %d \"%s\"", daemons[i].err, result.code, result.err);
		cli_result_release(&result);
	}
}

static void test_busy_daemon_is_heard(void **state)
{
	static const char *const args[] = { "status", NULL };
	static const struct cli_case busy = { .status = -16, .reply = "{\"message\":\"too many clients\"}" };
	struct fake_daemon *daemon = *state;

	daemon->deaf = true;
	for (int i = 0; i < 20; i++) {
		struct cli_result result;

		fake_daemon_start(daemon, reply_as_in_case, &busy);
		result = cli_run(daemon->path, args);
		fake_daemon_stop(daemon);
		assert_int_equal(result.code, 2);
		assert_non_null(strstr(result.err, "too many clients"));
		cli_result_release(&result);
	}
}

#define DENIED                                                                                                           \
	"{\"time\":\"2026-11-22T03:04:05.123456789Z\",\"action\":\"denied\",\"operation\":\"exec\",\"reason\":\"added\","\
	"\"detail\":null,\"policy\":\"prod/prod-immutable\",\"container\":{\"id\":\"0123456789abcdef\",\"name\":\"web\"," \
	"\"namespace\":\"prod\",\"pod\":\"web-0\"},\"process\":{\"comm\":\"sh\",\"pid\":7},"                             \
	"\"file\":{\"path\":\"/tmp/a\\u001b[2J\"}}"
#define AUDITED                                                                                                          \
	"{\"time\":\"2026-11-22T03:04:06Z\",\"action\":\"audited\",\"operation\":\"mmap\",\"reason\":\"undecidable\"," \
	"\"detail\":\"writer\",\"policy\":\"p\",\"container\":{\"id\":\"0123456789abcdef\"},\"process\":{\"comm\":\"x\",\"pid\":8}," \
	"\"file\":{\"path\":\"/b\"}}"

#define LOST "{\"time\":\"2026-11-22T03:04:07.5Z\",\"type\":\"lost\",\"count\":3,\"message\":\"3 events are missing here\"}"

static void send_events(struct fake_daemon *daemon, int client)
{
	bool follow = strstr(daemon->got.payload, "true");

	fake_daemon_send(client, WIRE_EVENT, 0, DENIED);
	fake_daemon_send(client, WIRE_EVENT, 0, AUDITED "\n");
	fake_daemon_send(client, WIRE_EVENT, 0, LOST);
	if (!follow)
		fake_daemon_send(client, WIRE_REPLY, 0, "{}");
}

static void test_events_are_one_line_each_in_json(void **state)
{
	static const char *const args[] = { "events", "-n", "5", "-o", "json", NULL };
	struct fake_daemon *daemon = *state;
	struct cli_result result;

	fake_daemon_start(daemon, send_events, NULL);
	result = cli_run(daemon->path, args);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 0);
	assert_string_equal(result.out, DENIED "\n" AUDITED "\n" LOST "\n");
	assert_same_json(daemon->got.payload, "{\"follow\":false,\"last\":5}");
	cli_result_release(&result);
}

static void test_events_table_is_readable_and_safe(void **state)
{
	static const char *const expected[] = { "2026-11-22T03:04:05Z", "denied", "prod/web-0/web", "sh[7]", "/tmp/a\\x1b[2J",
						"undecidable (writer)", "0123456789ab ", "3 events are missing here",
						"lost " };
	static const char *const args[] = { "events", NULL }, *const follow[] = { "events", "-f", NULL };
	struct fake_daemon *daemon = *state;
	struct cli_result result;

	fake_daemon_start(daemon, send_events, NULL);
	result = cli_run(daemon->path, args);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_non_null(strstr(result.out, expected[i]));
	cli_result_release(&result);
	/* Following prints the same, and says that the daemon went away. */
	fake_daemon_start(daemon, send_events, NULL);
	result = cli_run(daemon->path, follow);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 4);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_non_null(strstr(result.out, expected[i]));
	assert_null(strchr(result.out, 0x1b));
	assert_same_json(daemon->got.payload, "{\"follow\":true,\"last\":20}");
	cli_result_release(&result);
}

static void test_events_none_and_refused(void **state)
{
	static const char *const args[] = { "events", NULL };
	static const struct cli_case none = { .reply = "{}" }, refused = { .reply = "{\"message\":\"too many\"}", .status = -24 };
	struct fake_daemon *daemon = *state;
	struct cli_result result;

	fake_daemon_start(daemon, reply_as_in_case, &none);
	result = cli_run(daemon->path, args);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 0);
	assert_string_equal(result.out, "No events.\n");
	cli_result_release(&result);
	fake_daemon_start(daemon, reply_as_in_case, &refused);
	result = cli_run(daemon->path, args);
	fake_daemon_stop(daemon);
	assert_int_equal(result.code, 2);
	assert_non_null(strstr(result.err, "too many"));
	assert_string_equal(result.out, "");
	cli_result_release(&result);
}

#define CLI_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLI_TEST(test_commands_answer_as_documented),
		CLI_TEST(test_json_output_is_the_daemons_document),
		CLI_TEST(test_long_answer_arrives_whole),
		CLI_TEST(test_colour_only_on_terminals_that_want_it),
		CLI_TEST(test_bad_daemon_is_told_apart),
		CLI_TEST(test_busy_daemon_is_heard),
		CLI_TEST(test_events_are_one_line_each_in_json),
		CLI_TEST(test_events_table_is_readable_and_safe),
		CLI_TEST(test_events_none_and_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
