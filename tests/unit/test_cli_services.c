// SPDX-License-Identifier: Apache-2.0
/* Both ends of the sockets as they are: the tool and the hook against the daemon's own servers and reports. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "enforcer/control.h"
#include "enforcer/daemon.h"
#include "enforcer/event_log.h"
#include "enforcer/hook_server.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/report.h"
#include "enforcer/util.h"
#include "tests/unit/cli_harness.h"
#include "tools/hook/hook.h"

static const char policy_text[] =
	"apiVersion: holdfast.dev/v1alpha1\n"
	"kind: DriftPolicy\n"
	"metadata: {name: prod-immutable, namespace: prod}\n"
	"spec:\n"
	"  mode: enforce\n"
	"  libraries: {mode: audit}\n"
	"  volumes: {allow: [{path: /plugins}]}\n"
	"  exceptions: [{name: jna, paths: [\"/tmp/jna-*/*.so\"], fromProcess: [/usr/bin/java], expires: 2027-01-31}]\n";

/* The daemon's services on a thread of their own. */
struct services {
	char dir[64], control_path[96], hook_path[96], policy_path[96];
	struct daemon *daemon;
	struct control *control;
	struct policy_set *set;
	struct loop_source *stop_source;
	int stop, ready;
	pthread_t thread;
	int arm_status; /* what the hook is told */
	bool arm_armed;
};

static int answer_status(void *data, struct json_object *request, struct json_object **ret)
{
	static struct report_status status = {
		.version = "0.1.0", .ready = true, .pid = 42, .uptime_seconds = 61, .kernel_release = "6.12.1",
		.hooks = { "bprm_check_security" }, .n_hooks = 1, .containers = { [CONTAINER_STATE_ARMED] = 2 },
		.policy_path = "/etc/holdfast/policies", .policies = 3, .events_delivered = 7,
		.degraded = { "something is wrong" }, .n_degraded = 1,
	};

	(void)data, (void)request;
	for (size_t i = 0; i < _HF_COUNTER_MAX; i++)
		status.counter_names[i] = i == HF_COUNTER_DENIED ? "denied" : "other";
	status.counters[HF_COUNTER_DENIED] = 99;
	*ret = report_status(&status);
	return 0;
}

static int answer_effective(void *data, struct json_object *request, struct json_object **ret)
{
	const struct services *s = data;
	const struct policy_facts facts = { .namespace_ = cli_json_text(request, "namespace") };
	struct policy_effective *effective = NULL;

	if (policy_set_resolve(s->set, &facts, &effective) < 0)
		return -ENOMEM;
	*ret = report_effective(effective);
	policy_effective_free(&effective);
	return 0;
}

static int answer_pause(void *data, struct json_object *request, struct json_object **ret)
{
	(void)data;
	*ret = report_message(cli_json_text(request, "namespace"), 1000000000ull);
	return cli_json_number(request, "seconds") == 600 ? 0 : -EINVAL;
}

static int answer_unlock(void *data, struct json_object *request, struct json_object **ret)
{
	(void)data;
	*ret = report_message("unlocked", 1000000000ull);
	return cli_json_number(request, "seconds") == 600 ? 0 : -EINVAL;
}

static int answer_lock(void *data, struct json_object *request, struct json_object **ret)
{
	(void)data, (void)request;
	*ret = report_message("it is not unlocked", 0);
	return -ENOENT;
}

static int answer_reload(void *data, struct json_object *request, struct json_object **ret)
{
	const struct policy_error error = { .file = "/etc/p.yaml", .line = 3, .column = 7, .message = "unknown key" };

	(void)data, (void)request;
	*ret = report_policy_error(&error);
	return -EINVAL;
}

static struct services *arming; /* hook_arm_fn has no data of its own */

static void arm(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd)
{
	struct json_object *state = json_tokener_parse(state_json);

	hook_server_answer(daemon->hook, client, arming->arm_status, cli_json_text(state, "id"), arming->arm_armed,
			   "the reason");
	json_object_put(state);
	free(state_json);
	close_fd(&pidfd);
	close_fd(&rootfs_fd);
	close_fd(&config_fd);
}

static void stop_loop(uint32_t events, void *data)
{
	(void)events;
	loop_quit(((struct services *)data)->daemon->loop, 0);
}

static void *serve(void *data)
{
	struct services *s = data;
	const struct control_ops ops = {
		.answer = { [WIRE_STATUS] = answer_status, [WIRE_POLICY_EFFECTIVE] = answer_effective,
			    [WIRE_PAUSE] = answer_pause, [WIRE_RELOAD] = answer_reload,
			    [WIRE_UNLOCK] = answer_unlock, [WIRE_LOCK] = answer_lock },
		.data = s,
	};
	const struct event_log_options options = { .stdout_fd = -1 };
	struct daemon *daemon = s->daemon;

	assert_int_equal(loop_new(&daemon->loop), 0);
	assert_int_equal(event_log_new(daemon->loop, &options, &daemon->events), 0);
	for (int i = 0; i < 5; i++) {
		char line[32];

		event_log_append(daemon->events, line, (size_t)snprintf(line, sizeof(line), "{\"n\":%d}", i));
	}
	assert_int_equal(control_new(daemon->loop, daemon->events, s->dir, &ops, &s->control), 0);
	assert_int_equal(hook_server_new(daemon->loop, daemon, s->dir, arm, &daemon->hook), 0);
	assert_int_equal(loop_watch(daemon->loop, s->stop, EPOLLIN, stop_loop, s, &s->stop_source), 0);
	assert_int_equal(eventfd_write(s->ready, 1), 0);
	assert_int_equal(loop_run(daemon->loop), 0);
	loop_unwatch(&s->stop_source);
	hook_server_free(&daemon->hook);
	control_free(&s->control);
	event_log_free(&daemon->events);
	loop_free(&daemon->loop);
	return NULL;
}

static int setup(void **state)
{
	struct services *s = calloc(1, sizeof(*s));
	eventfd_t ready;
	FILE *file;

	assert_non_null(s);
	s->daemon = calloc(1, sizeof(*s->daemon));
	assert_non_null(s->daemon);
	log_set_level(LOG_EMERG);
	strcpy(s->dir, "/tmp/holdfast-both-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->control_path, sizeof(s->control_path), "%s/control.sock", s->dir);
	snprintf(s->hook_path, sizeof(s->hook_path), "%s/hook.sock", s->dir);
	snprintf(s->policy_path, sizeof(s->policy_path), "%s/config.json", s->dir); /* also serves as the bundle's */
	file = fopen(s->policy_path, "we");
	fputs("{\"root\":{\"path\":\"/\"}}", file);
	fclose(file);
	assert_int_equal(policy_set_parse("prod.yaml", policy_text, strlen(policy_text), &s->set, NULL), 0);
	s->stop = eventfd(0, EFD_CLOEXEC);
	s->ready = eventfd(0, EFD_CLOEXEC);
	arming = s;
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	assert_int_equal(eventfd_read(s->ready, &ready), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct services *s = *state;

	assert_int_equal(eventfd_write(s->stop, 1), 0);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close_fd(&s->stop);
	close_fd(&s->ready);
	policy_set_free(&s->set);
	unlink(s->policy_path);
	assert_int_equal(rmdir(s->dir), 0);
	free(s->daemon);
	free(s);
	return 0;
}

static const struct {
	const char *args[8];
	int code;
	const char *out, *err;
} cases[] = {
	{ { "status" }, 3, "ready 0.1.0, pid 42, up 1m", "" },
	{ { "status" }, 3, "2: 2 armed", "" },
	{ { "status" }, 3, "99 denied", "" },
	{ { "status" }, 3, "something is wrong", "" },
	{ { "policy", "effective", "-n", "prod" }, 0, "DriftPolicy prod/prod-immutable", "" },
	{ { "policy", "effective", "-n", "prod" }, 0, "/tmp/jna-*/*.so by /usr/bin/java, until 2027-", "" },
	{ { "policy", "effective", "-n", "test" }, 0, "builtin-audit", "" },
	{ { "pause", "--for", "10m", "-n", "prod" }, 0, "prod\n", "" },
	{ { "pause", "--for", "9m", "-n", "prod" }, 1, "", "prod" },
	{ { "unlock", "--for", "10m" }, 0, "unlocked\n", "" },
	{ { "unlock", "--for", "25h" }, 1, "", "unlocked" },
	{ { "lock" }, 1, "", "it is not unlocked" },
	{ { "reload" }, 1, "", "/etc/p.yaml:3:7: unknown key" },
	{ { "events", "-n", "2", "-o", "json" }, 0, "{\"n\":3}\n{\"n\":4}\n", "" },
	{ { "events", "-n", "0", "-o", "json" }, 0, "", "" },
	{ { "containers" }, 2, "", "holdfastd: " },
};

static void test_tool_and_daemon_understand_each_other(void **state)
{
	const struct services *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cli_result result = cli_run(s->control_path, cases[i].args);

		if (result.code != cases[i].code || !strstr(result.out, cases[i].out) || !strstr(result.err, cases[i].err))
			fail_msg("%s: exit code %d, out \"%s\", err \"%s\"", cases[i].args[0], result.code, result.out,
				 result.err);
		cli_result_release(&result);
	}
}

/* What --policy works out from a file is what the daemon answers. */
static void test_offline_answer_is_the_daemons(void **state)
{
	const struct services *s = *state;
	char path[] = "/tmp/holdfast-policy-XXXXXX";
	const char *const online[] = { "policy", "effective", "-n", "prod", "-o", "json", NULL };
	const char *const offline[] = { "policy", "effective", "-n", "prod", "-o", "json", "--policy", path, NULL };
	struct cli_result daemons, files;
	struct json_object *left, *right;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, policy_text, strlen(policy_text)), (ssize_t)strlen(policy_text));
	close(fd);
	daemons = cli_run(s->control_path, online);
	files = cli_run("/nowhere", offline);
	unlink(path);
	left = json_tokener_parse(daemons.out);
	right = json_tokener_parse(files.out);
	json_object_object_del(left, "file");
	json_object_object_del(right, "file");
	if (!json_object_equal(left, right))
		fail_msg("%s\n%s", daemons.out, files.out);
	json_object_put(left);
	json_object_put(right);
	cli_result_release(&daemons);
	cli_result_release(&files);
}

static void test_hook_and_daemon_understand_each_other(void **state)
{
	static const struct {
		int status;
		bool armed;
		int code;
		const char *says;
	} answers[] = { { 0, true, 0, "" }, { 0, false, 0, "starts unarmed by policy: the reason" },
			{ -ENOSPC, false, 1, "refused it: the reason" } };
	struct services *s = *state;
	struct hook_options options;
	struct hook_text text;

	assert_int_equal(hook_options_init(&options), 0);
	assert_int_equal(hook_setting_set(&options, "socket", s->hook_path, &text), 0);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		int fds[2], code;

		s->arm_status = answers[i].status;
		s->arm_armed = answers[i].armed;
		assert_int_equal(pipe(fds), 0);
		dprintf(fds[1], "{\"id\":\"c1\",\"pid\":%d,\"bundle\":\"%s\"}", (int)getpid(), s->dir);
		close(fds[1]);
		code = hook_run(&options, fds[0], &text);
		close(fds[0]);
		if (code != answers[i].code || !strstr(text.text, answers[i].says) ||
		    (answers[i].says[0] == '\0') != (text.text[0] == '\0'))
			fail_msg("%d: %s", code, text.text);
	}
	hook_options_release(&options);
}

static void test_services_serve_root(void **state)
{
	(void)state;
	if (geteuid() == 0)
		return;
	print_message("SKIP: the daemon's servers serve root only\n");
	skip();
}

#define SERVICES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVICES_TEST(test_tool_and_daemon_understand_each_other),
		SERVICES_TEST(test_offline_answer_is_the_daemons),
		SERVICES_TEST(test_hook_and_daemon_understand_each_other),
	};

	const struct CMUnitTest unprivileged[] = { cmocka_unit_test(test_services_serve_root) };

	if (geteuid() != 0)
		return cmocka_run_group_tests(unprivileged, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
