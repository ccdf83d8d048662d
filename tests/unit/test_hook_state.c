// SPDX-License-Identifier: Apache-2.0
/* What the hook reads: the state on standard input, hook.conf, the command line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

#define SECOND NSEC_PER_SEC

struct writer {
	int fd;
	const char *text;
	size_t bytes;
};

static void *write_all(void *data)
{
	struct writer *w = data;

	while (w->bytes > 0) {
		ssize_t n = write(w->fd, w->text, w->bytes);

		if (n <= 0)
			break;
		w->text += n;
		w->bytes -= (size_t)n;
	}
	close(w->fd);
	return NULL;
}

static int read_state(const char *text, size_t bytes, struct hook_state *ret, struct hook_text *reterr)
{
	int fds[2], r;
	pthread_t thread;
	struct writer writer;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	writer = (struct writer){ fds[1], text, bytes };
	assert_int_equal(pthread_create(&thread, NULL, write_all, &writer), 0);
	r = hook_state_read(fds[0], clock_ns(CLOCK_MONOTONIC) + 10 * SECOND, ret, reterr);
	close(fds[0]);
	pthread_join(thread, NULL);
	return r;
}

#define GOOD(rest) "{\"id\":\"a\",\"pid\":7,\"bundle\":\"/b\"" rest "}"

static const struct {
	const char *text;
	const char *says; /* NULL: accepted */
} states[] = {
	{ GOOD(""), NULL },
	{ GOOD("") "\n \t\n", NULL },
	{ GOOD(",\"status\":\"creating\",\"ociVersion\":\"1.0.2\",\"annotations\":{}"), NULL },
	{ GOOD(",\"status\":\"created\",\"root\":\"rootfs\",\"annotations\":{\"a\":\"\\u00e9\\n\"}"), NULL },
	{ GOOD(",\"annotations\":null"), NULL },
	{ GOOD(",\"unknown\":[1,{\"x\":2}]"), NULL },
	{ "", "empty" },
	{ "  \n", "not JSON" },
	{ "\x80\xff", "not JSON" },
	{ "{", "not JSON" },
	{ "null", "not a JSON object" },
	{ "7", "not a JSON object" },
	{ "\"text\"", "not a JSON object" },
	{ "[]", "not a JSON object" },
	{ GOOD("") "{}", "not JSON" },
	{ GOOD("") "x", "not JSON" },
	{ "{'id':'a','pid':7,'bundle':'/b'}", "not JSON" },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
	  "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
	  "{\"a\":1}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}", "not JSON" },
	{ "{}", "no container id" },
	{ "{\"id\":\"\",\"pid\":7,\"bundle\":\"/b\"}", "no container id" },
	{ "{\"id\":7,\"pid\":7,\"bundle\":\"/b\"}", "no container id" },
	{ "{\"id\":\"a\\u0000b\",\"pid\":7,\"bundle\":\"/b\"}", "no container id" },
	{ "{\"id\":\"a\",\"pid\":7}", "bundle" },
	{ "{\"id\":\"a\",\"pid\":7,\"bundle\":\"b\"}", "bundle" },
	{ "{\"id\":\"a\",\"pid\":7,\"bundle\":\"\"}", "bundle" },
	{ "{\"id\":\"a\",\"bundle\":\"/b\"}", "createRuntime" },
	{ "{\"id\":\"a\",\"pid\":0,\"bundle\":\"/b\"}", "createRuntime" },
	{ "{\"id\":\"a\",\"pid\":1,\"bundle\":\"/b\"}", "createRuntime" },
	{ GOOD(",\"status\":\"running\""), "createRuntime" },
	{ GOOD(",\"status\":\"stopped\""), "createRuntime" },
	{ "{\"id\":\"a\",\"pid\":-7,\"bundle\":\"/b\"}", "out of range" },
	{ "{\"id\":\"a\",\"pid\":4294967303,\"bundle\":\"/b\"}", "out of range" },
	{ "{\"id\":\"a\",\"pid\":99999999999999999999999,\"bundle\":\"/b\"}", "out of range" },
	{ "{\"id\":\"a\",\"pid\":\"7\",\"bundle\":\"/b\"}", "not a number" },
	{ "{\"id\":\"a\",\"pid\":7.5,\"bundle\":\"/b\"}", "not a number" },
	{ GOOD(",\"annotations\":[]"), "annotations" },
	{ GOOD(",\"annotations\":{\"a\":1}"), "annotation a" },
	{ "{\"id\":\"a\\n\\u001b[31m\",\"pid\":0,\"bundle\":\"/b\"}", "a??[31m" },
};

static void test_state_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct hook_state got = { 0 };
		struct hook_text why = { "" };
		int r = read_state(states[i].text, strlen(states[i].text), &got, &why);

		if (states[i].says ? r >= 0 || !strstr(why.text, states[i].says) : r < 0)
			fail_msg("%s: %d, \"%s\"", states[i].text, r, why.text);
		if (r == 0) {
			assert_string_equal(got.id, "a");
			assert_string_equal(got.bundle, "/b");
			assert_int_equal(got.pid, 7);
		}
		hook_state_release(&got);
	}
}

static void test_state_embedded_nul_is_refused(void **state)
{
	struct hook_state got = { 0 };
	struct hook_text why;

	(void)state;
	assert_int_equal(read_state(GOOD("") "\0" GOOD(""), 2 * strlen(GOOD("")) + 1, &got, &why), -EINVAL);
	assert_int_equal(read_state(GOOD("") "\0", strlen(GOOD("")) + 1, &got, &why), -EINVAL);
}

/* A state with an annotation of so many bytes. */
static char *big_state(size_t bytes)
{
	static const char head[] = "{\"id\":\"a\",\"pid\":7,\"bundle\":\"/b\",\"annotations\":{\"small\":\"s\",\"big\":\"", tail[] = "\"}}";
	char *text = malloc(sizeof(head) + bytes + sizeof(tail));

	assert_non_null(text);
	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, 'v', bytes);
	memcpy(text + sizeof(head) - 1 + bytes, tail, sizeof(tail));
	return text;
}

static void test_state_size_is_bounded(void **state)
{
	char *text = big_state(HOOK_STATE_MAX);
	struct hook_state got = { 0 };
	struct hook_text why;

	(void)state;
	assert_int_equal(read_state(text, strlen(text), &got, &why), -EFBIG);
	free(text);
	text = big_state(HOOK_STATE_MAX - 200);
	assert_int_equal(read_state(text, strlen(text), &got, &why), 0);
	hook_state_release(&got);
	free(text);
}

static void test_message_drops_the_largest_annotation_only_when_needed(void **state)
{
	static const size_t sizes[] = { 10, WIRE_MAX_BYTES - 300, WIRE_MAX_BYTES, HOOK_STATE_MAX - 200 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *text = big_state(sizes[i]), *message;
		struct hook_state got = { 0 };
		struct hook_text why;

		assert_int_equal(read_state(text, strlen(text), &got, &why), 0);
		assert_int_equal(hook_state_message(&got, &message), 0);
		assert_true(strlen(message) <= WIRE_MAX_BYTES - sizeof(struct wire_header));
		assert_non_null(strstr(message, "\"small\":\"s\""));
		assert_int_equal(strstr(message, "\"big\"") != NULL, sizes[i] < WIRE_MAX_BYTES);
		/* Twin: the state itself still has it. */
		assert_non_null(hook_state_annotation(&got, "big"));
		free(message);
		free(text);
		hook_state_release(&got);
	}
}

static void test_message_too_long_without_annotations_is_emsgsize(void **state)
{
	char *version = malloc(WIRE_MAX_BYTES + 1), *text = malloc(WIRE_MAX_BYTES + 128), *message = NULL;
	struct hook_state got = { 0 };
	struct hook_text why;

	(void)state;
	memset(version, '1', WIRE_MAX_BYTES);
	version[WIRE_MAX_BYTES] = '\0';
	snprintf(text, WIRE_MAX_BYTES + 128, GOOD(",\"ociVersion\":\"%s\""), version);
	assert_int_equal(read_state(text, strlen(text), &got, &why), 0);
	assert_int_equal(hook_state_message(&got, &message), -EMSGSIZE);
	hook_state_release(&got);
	free(version);
	free(text);
}

static const struct {
	const char *text;
	int expect;
	const char *says;
} configs[] = {
	{ "", 0, "" },
	{ "# nothing\n\n   \n", 0, "" },
	{ "timeout = 2.5\non_failure=allow\n  log =  /var/log/x  \n", 0, "" },
	{ "allow_namespaces = kube-system, , prod ,\n", 0, "" },
	{ "timeout = 2.5\ncolour = red\n", -EINVAL, ":2: unknown key \"colour\"" },
	{ "timeout\n", -EINVAL, ":1: expected" },
	{ "timeout = \n", -EINVAL, ":1: timeout: " },
	{ "timeout = 0\n", -EINVAL, "0.01" },
	{ "timeout = nan\n", -EINVAL, "0.01" },
	{ "timeout = 1e9\n", -EINVAL, "3600" },
	{ "timeout = 10s\n", -EINVAL, "number of seconds" },
	{ "on_failure = maybe\n", -EINVAL, "neither refuse nor allow" },
	{ "socket = hook.sock\n", -EINVAL, "absolute" },
	{ "log = stdout\n", -EINVAL, "none, syslog, kmsg" },
};

static void test_config_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		char path[] = "/tmp/holdfast-conf-XXXXXX";
		struct hook_options options;
		struct hook_text why = { "" };
		int fd = mkstemp(path), r;

		assert_int_equal(write(fd, configs[i].text, strlen(configs[i].text)), (ssize_t)strlen(configs[i].text));
		close(fd);
		assert_int_equal(hook_options_init(&options), 0);
		r = hook_config_read(path, &options, &why);
		if (r != configs[i].expect || !strstr(why.text, configs[i].says))
			fail_msg("%s: %d \"%s\"", configs[i].text, r, why.text);
		if (i == 2) {
			assert_int_equal(options.timeout_ms, 2500);
			assert_int_equal(options.on_failure, HOOK_ANSWER_ALLOW);
			assert_string_equal(options.log, "/var/log/x");
		}
		if (i == 3) {
			assert_int_equal(options.allow_namespaces.n, 2);
			assert_string_equal(options.allow_namespaces.items[1], "prod");
		}
		hook_options_release(&options);
		unlink(path);
	}
}

static void test_list_is_bounded(void **state)
{
	struct hook_options options;
	struct hook_text why;
	char text[2 * HOOK_LIST_MAX + 8] = "";

	(void)state;
	assert_int_equal(hook_options_init(&options), 0);
	for (size_t i = 0; i < HOOK_LIST_MAX; i++)
		strcat(text, "a,");
	assert_int_equal(hook_setting_set(&options, "skip_ids", text, &why), 0);
	assert_int_equal(options.skip_ids.n, HOOK_LIST_MAX);
	strcat(text, "b");
	assert_int_equal(hook_setting_set(&options, "skip_ids", text, &why), -E2BIG);
	assert_int_equal(options.skip_ids.n, HOOK_LIST_MAX);
	hook_options_release(&options);
}

static int parse(const char *const *args, struct hook_options *options, struct hook_text *why, char *out, size_t size)
{
	char *argv[8] = { (char *)"holdfast-hook" };
	FILE *file = fmemopen(out, size, "w");
	int argc = 1, r;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	why->text[0] = '\0';
	r = hook_options_parse(argc, argv, file, options, why);
	fclose(file);
	return r;
}

static void test_command_line_wins_over_config(void **state)
{
	char path[] = "/tmp/holdfast-conf-XXXXXX", out[4096];
	const char *const args[] = { "--config", path, "--timeout", "7", NULL };
	struct hook_options options;
	struct hook_text why;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(dprintf(fd, "timeout = 3\non_failure = allow\n"), 31);
	close(fd);
	assert_int_equal(parse(args, &options, &why, out, sizeof(out)), HOOK_PARSED_RUN);
	assert_int_equal(options.timeout_ms, 7000);
	assert_int_equal(options.on_failure, HOOK_ANSWER_ALLOW);
	hook_options_release(&options);
	unlink(path);
}

static const struct {
	const char *args[4];
	int expect;
	const char *says;
} lines[] = {
	{ { "--timeout", "x" }, -EINVAL, "timeout: " },
	{ { "--nonsense" }, -EINVAL, "--nonsense" },
	{ { "--socket" }, -EINVAL, "--socket" },
	{ { "state.json" }, -EINVAL, "state.json" },
	{ { "--config", "/nowhere/hook.conf" }, -ENOENT, "/nowhere/hook.conf" },
	{ { "--config", "/dev/null" }, -EINVAL, "not a file" },
	{ { "--help" }, HOOK_PARSED_DONE, "Usage: holdfast-hook" },
	{ { "--version" }, HOOK_PARSED_DONE, "holdfast-hook " },
};

static void test_command_line_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct hook_options options;
		struct hook_text why;
		char out[4096] = "";
		int r = parse(lines[i].args, &options, &why, out, sizeof(out));

		if (r != lines[i].expect || !strstr(r < 0 ? why.text : out, lines[i].says))
			fail_msg("%s: %d \"%s\" \"%s\"", lines[i].args[0], r, why.text, out);
		hook_options_release(&options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_is_judged),
		cmocka_unit_test(test_state_embedded_nul_is_refused),
		cmocka_unit_test(test_state_size_is_bounded),
		cmocka_unit_test(test_message_drops_the_largest_annotation_only_when_needed),
		cmocka_unit_test(test_message_too_long_without_annotations_is_emsgsize),
		cmocka_unit_test(test_config_is_judged),
		cmocka_unit_test(test_list_is_bounded),
		cmocka_unit_test(test_command_line_wins_over_config),
		cmocka_unit_test(test_command_line_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
