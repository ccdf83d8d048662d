// SPDX-License-Identifier: Apache-2.0
/* The hook against a daemon that behaves well, badly, or not at all. The container is this process or a child of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/fake_daemon.h"
#include "tools/hook/hook.h"

enum behaviour { ANSWER, CLOSE, HANG, GARBAGE, OTHER_VERSION, NOT_A_REPLY, NOT_JSON, MORE_TO_COME };

struct fixture {
	struct fake_daemon daemon;
	char bundle[96], rootfs[128];
	struct hook_options options;
	struct hook_text text;
};

/* How the daemon answers. */
struct script {
	enum behaviour behaviour;
	int status;
	const char *reply;
};

static const struct script armed = { ANSWER, 0, "{\"container\":\"c1\",\"armed\":true,\"message\":\"\"}" };

static void write_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[160];

	assert_non_null(f);
	fake_daemon_init(&f->daemon, "hook.sock");
	snprintf(f->bundle, sizeof(f->bundle), "%s/bundle", f->daemon.dir);
	snprintf(f->rootfs, sizeof(f->rootfs), "%s/rootfs", f->bundle);
	assert_int_equal(mkdir(f->bundle, 0755), 0);
	assert_int_equal(mkdir(f->rootfs, 0755), 0);
	snprintf(path, sizeof(path), "%s/config.json", f->bundle);
	write_file(path, "{\"root\": {\"path\": \"rootfs\"}, \"marker\": 4711}");
	assert_int_equal(hook_options_init(&f->options), 0);
	assert_int_equal(hook_setting_set(&f->options, "socket", f->daemon.path, &f->text), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[160];

	hook_options_release(&f->options);
	snprintf(path, sizeof(path), "%s/config.json", f->bundle);
	unlink(path);
	assert_int_equal(rmdir(f->rootfs), 0);
	assert_int_equal(rmdir(f->bundle), 0);
	fake_daemon_release(&f->daemon);
	free(f);
	return 0;
}

static void follow_script(struct fake_daemon *daemon, int client)
{
	const struct script *script = daemon->data;

	switch (script->behaviour) {
	case ANSWER:
		fake_daemon_send(client, WIRE_REPLY, script->status, script->reply);
		break;
	case CLOSE:
		break;
	case HANG:
		fake_daemon_hang(daemon);
		break;
	case GARBAGE:
		assert_int_equal(send(client, "garbage", 7, MSG_NOSIGNAL), 7);
		break;
	case OTHER_VERSION:
		fake_daemon_send_version(client, WIRE_VERSION + 41);
		break;
	case NOT_A_REPLY:
		fake_daemon_send(client, WIRE_EVENT, 0, "{}");
		break;
	case NOT_JSON:
		fake_daemon_send(client, WIRE_REPLY, 0, "armed");
		break;
	case MORE_TO_COME:
		assert_int_equal(wire_send(client, WIRE_REPLY, 0, WIRE_MORE, "{}", 2, NULL, 0), 0);
		break;
	}
}

static void start_daemon(struct fixture *f, const struct script *script)
{
	fake_daemon_start(&f->daemon, follow_script, script);
}

/* --- the runtime's part ---------------------------------------------------------------------------------------- */

static int run_text(struct fixture *f, const char *text)
{
	int fds[2], code;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fds[1]);
	code = hook_run(&f->options, fds[0], &f->text);
	close(fds[0]);
	return code;
}

static int run_container(struct fixture *f, const char *id, pid_t pid, const char *annotations)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"creating\",\"pid\":%d,\"bundle\":\"%s\",\"root\":\"x\",\"annotations\":%s}\n",
		 id, (int)pid, f->bundle, annotations);
	return run_text(f, text);
}

#define POD "{\"io.kubernetes.cri.sandbox-namespace\":\"kube-system\",\"io.kubernetes.pod.namespace\":\"kube-system\"}"
#define TORN "{\"io.kubernetes.cri.sandbox-namespace\":\"prod\",\"io.kubernetes.pod.namespace\":\"kube-system\"}"
#define ARMED "{\"container\":\"c1\",\"armed\":true}"
#define UNARMED "{\"container\":\"c1\",\"armed\":false,\"message\":\"vfs root has no baseline\"}"
#define REFUSED "{\"container\":\"c1\",\"armed\":false,\"message\":\"catalogue full\"}"

/* Each refusal next to the same call under a configuration or answer that lets the container start. */
static const struct {
	const char *name;
	enum behaviour behaviour;
	bool absent;
	int status;
	const char *reply, *annotations;
	const char *key, *value; /* setting */
	int code;
	const char *says; /* "" nothing at all */
} cases[] = {
	{ "armed", ANSWER, false, 0, ARMED, "{}", NULL, NULL, 0, "" },
	{ "armed, null annotations", ANSWER, false, 0, ARMED, "null", NULL, NULL, 0, "" },
	{ "unarmed by policy", ANSWER, false, 0, UNARMED, "{}", NULL, NULL, 0, "vfs root has no baseline" },
	{ "refused", ANSWER, false, -ENOSPC, REFUSED, "{}", NULL, NULL, 1, "catalogue full" },
	{ "refused without message", ANSWER, false, -ENOSPC, "{}", "{}", NULL, NULL, 1, "No space left" },
	{ "refused, silence would be allowed", ANSWER, false, -ENOSPC, REFUSED, "{}", "on_failure", "allow", 1,
	  "catalogue full" },
	{ "refused, exempt namespace", ANSWER, false, -ENOSPC, REFUSED, POD, "allow_namespaces", "a, kube-system", 0,
	  "catalogue full" },
	{ "refused, other namespace exempt", ANSWER, false, -ENOSPC, REFUSED, POD, "allow_namespaces", "kube", 1,
	  "catalogue full" },
	{ "refused, contradicting namespaces", ANSWER, false, -ENOSPC, REFUSED, TORN, "allow_namespaces", "kube-system", 1,
	  "catalogue full" },
	{ "no daemon", ANSWER, true, 0, NULL, "{}", NULL, NULL, 1, "not running" },
	{ "no daemon, allow", ANSWER, true, 0, NULL, "{}", "on_failure", "allow", 0, "not running" },
	{ "no daemon, exempt namespace", ANSWER, true, 0, NULL, POD, "allow_namespaces", "kube-system", 0, "kube-system" },
	{ "no daemon, no namespace", ANSWER, true, 0, NULL, "{}", "allow_namespaces", "kube-system", 1, "not running" },
	{ "hangs", HANG, false, 0, NULL, "{}", "timeout", "0.1", 1, "in time" },
	{ "closes", CLOSE, false, 0, NULL, "{}", NULL, NULL, 1, "closed the connection" },
	{ "closes, allow", CLOSE, false, 0, NULL, "{}", "on_failure", "allow", 0, "closed the connection" },
	{ "garbage", GARBAGE, false, 0, NULL, "{}", NULL, NULL, 1, "not readable" },
	{ "other version", OTHER_VERSION, false, 0, NULL, "{}", NULL, NULL, 1, "version 42" },
	{ "other version, allow", OTHER_VERSION, false, 0, NULL, "{}", "on_failure", "allow", 0, "version 42" },
	{ "event instead of reply", NOT_A_REPLY, false, 0, NULL, "{}", NULL, NULL, 1, "not a reply" },
	{ "not JSON", NOT_JSON, false, 0, NULL, "{}", NULL, NULL, 1, "not JSON" },
	{ "half an answer", MORE_TO_COME, false, 0, NULL, "{}", NULL, NULL, 1, "not a reply" },
	{ "skipped by id, no daemon", ANSWER, true, 0, NULL, "{}", "skip_ids", "x*,c?", 0, "" },
	{ "not skipped by id, no daemon", ANSWER, true, 0, NULL, "{}", "skip_ids", "x*,d?", 1, "not running" },
	{ "skipped by annotation", ANSWER, true, 0, NULL, "{\"a\":\"b\"}", "skip_annotations", "a", 0, "" },
	{ "skipped by annotation's value", ANSWER, true, 0, NULL, "{\"a\":\"b\"}", "skip_annotations", "x,a=b", 0, "" },
	{ "other value of annotation", ANSWER, true, 0, NULL, "{\"a\":\"b\"}", "skip_annotations", "a=c", 1, "not running" },
};

static void test_run_decides_as_configured(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct script script = { cases[i].behaviour, cases[i].status, cases[i].reply };
		struct fixture *f;
		int code;

		setup(state);
		f = *state;
		if (cases[i].key)
			assert_int_equal(hook_setting_set(&f->options, cases[i].key, cases[i].value, &f->text), 0);
		if (!cases[i].absent)
			start_daemon(f, &script);
		code = run_container(f, "c1", getpid(), cases[i].annotations);
		fake_daemon_stop(&f->daemon);
		if (code != cases[i].code || !strstr(f->text.text, cases[i].says) ||
		    (cases[i].says[0] == '\0') != (f->text.text[0] == '\0') || strchr(f->text.text, '\n'))
			fail_msg("%s: exit code %d, text \"%s\"", cases[i].name, code, f->text.text);
		teardown(state);
	}
}

static void test_run_keeps_the_deadline(void **state)
{
	static const struct script hangs = { HANG, 0, NULL };
	struct fixture *f = *state;
	uint64_t start = clock_ns(CLOCK_MONOTONIC), took_ms;

	start_daemon(f, &hangs);
	f->options.timeout_ms = 100;
	assert_int_equal(run_container(f, "c1", getpid(), "{}"), 1);
	took_ms = (clock_ns(CLOCK_MONOTONIC) - start) / 1000000;
	assert_in_range(took_ms, 100, 2000);
	fake_daemon_stop(&f->daemon);
}

static void test_run_silent_runtime_is_refused_in_time(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	f->options.timeout_ms = 50;
	assert_int_equal(hook_run(&f->options, fds[0], &f->text), 1);
	assert_non_null(strstr(f->text.text, "in time"));
	close(fds[0]);
	close(fds[1]);
}

/* --- what the daemon receives ---------------------------------------------------------------------------------- */

static pid_t pid_of_pidfd(int pidfd)
{
	char path[64], line[256];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	fclose(f);
	return pid;
}

static void assert_same_file(int fd, const char *path)
{
	struct stat a, b;

	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_int_equal(a.st_dev, b.st_dev);
	assert_int_equal(a.st_ino, b.st_ino);
}

static void test_run_hands_over_the_right_objects(void **state)
{
	struct fixture *f = *state;
	char path[160], content[128] = "";

	start_daemon(f, &armed);
	assert_int_equal(run_container(f, "c1", getpid(), "{\"k\":\"v\"}"), 0);
	fake_daemon_stop(&f->daemon);
	assert_int_equal(f->daemon.received, 0);
	assert_int_equal(f->daemon.got.header.type, WIRE_HOOK_ARM);
	assert_int_equal(f->daemon.got.n_fds, 3);
	assert_int_equal(pid_of_pidfd(f->daemon.got.fds[0]), getpid());
	assert_same_file(f->daemon.got.fds[1], f->rootfs);
	assert_true(fcntl(f->daemon.got.fds[1], F_GETFL) & O_PATH);
	snprintf(path, sizeof(path), "%s/config.json", f->bundle);
	assert_same_file(f->daemon.got.fds[2], path);
	/* Readable from its beginning. */
	assert_true(read(f->daemon.got.fds[2], content, sizeof(content) - 1) > 0);
	assert_non_null(strstr(content, "4711"));
	snprintf(content, sizeof(content), "\"pid\":%d,", (int)getpid());
	assert_non_null(strstr(f->daemon.got.payload, content));
	assert_non_null(strstr(f->daemon.got.payload, "\"annotations\":{\"k\":\"v\"}"));
	assert_null(strstr(f->daemon.got.payload, "root\":"));
}

/* A child with its own mount namespace, where a tmpfs covers the root directory: what the runtime has mounted. */
static int live_elsewhere(const struct fixture *f, int ready, int wait_for)
{
	char c = 0;

	if (unshare(CLONE_NEWNS) < 0)
		c = 'u';
	else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("t", f->rootfs, "tmpfs", 0, "size=64k") < 0)
		c = 'm';
	if (write(ready, &c, 1) != 1)
		return 1;
	return read(wait_for, &c, 1) < 0;
}

static void test_run_opens_the_root_in_the_containers_namespace(void **state)
{
	struct fixture *f = *state;
	int ready[2], go[2], status;
	struct stat here, there;
	char c = 'x';
	pid_t child;

	assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(go, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(go[1]);
		_exit(live_elsewhere(f, ready[1], go[0]));
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	if (c == 0) {
		start_daemon(f, &armed);
		assert_int_equal(run_container(f, "c1", child, "{}"), 0);
		fake_daemon_stop(&f->daemon);
	}
	for (size_t i = 0; i < 2; i++)
		close(ready[i]);
	close(go[0]);
	close(go[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (c != 0) {
		print_message("SKIP: a mount namespace of its own needs CAP_SYS_ADMIN\n");
		skip();
	}
	assert_int_equal(stat(f->rootfs, &here), 0);
	assert_int_equal(fstat(f->daemon.got.fds[1], &there), 0);
	assert_int_not_equal(here.st_dev, there.st_dev);
}

static void test_run_absolute_root_stays_inside_the_process_root(void **state)
{
	struct fixture *f = *state;
	char path[160], spec[256];

	snprintf(path, sizeof(path), "%s/config.json", f->bundle);
	snprintf(spec, sizeof(spec), "{\"root\":{\"path\":\"%s\"}}", f->rootfs);
	write_file(path, spec);
	start_daemon(f, &armed);
	assert_int_equal(run_container(f, "c1", getpid(), "{}"), 0);
	fake_daemon_stop(&f->daemon);
	assert_same_file(f->daemon.got.fds[1], f->rootfs);
}

static const struct {
	const char *spec, *says;
} specs[] = {
	{ "{\"root\":{\"path\":\"nowhere\"}}", "No such file" },
	{ "{\"root\":{\"path\":\"config.json\"}}", "Not a directory" },
	{ "{\"root\":{\"path\":\"\"}}", "no usable root.path" },
	{ "{\"root\":{\"path\":7}}", "no usable root.path" },
	{ "{\"root\":\"rootfs\"}", "no usable root.path" },
	{ "{\"root\":{\"path\":\"rootfs\\u0000x\"}}", "no usable root.path" },
	{ "{}", "no usable root.path" },
	{ "[]", "no usable root.path" },
	{ "{\"root\":", "no usable root.path" },
	{ "", "no usable root.path" },
};

static void test_run_broken_spec_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	start_daemon(f, &armed);
	snprintf(path, sizeof(path), "%s/config.json", f->bundle);
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		write_file(path, specs[i].spec);
		if (run_container(f, "c1", getpid(), "{}") != 1 || !strstr(f->text.text, specs[i].says))
			fail_msg("%s: %s", specs[i].spec, f->text.text);
	}
	unlink(path);
	assert_int_equal(run_container(f, "c1", getpid(), "{}"), 1);
	assert_non_null(strstr(f->text.text, "config.json"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(run_container(f, "c1", getpid(), "{}"), 1);
	assert_non_null(strstr(f->text.text, "not a file"));
	unlink(path);
	/* Twin. */
	write_file(path, "{\"root\":{\"path\":\"rootfs\"}}");
	assert_int_equal(run_container(f, "c1", getpid(), "{}"), 0);
	fake_daemon_stop(&f->daemon);
}

static void test_run_dead_process_is_refused(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, &status, 0), child);
	start_daemon(f, &armed);
	assert_int_equal(run_container(f, "c1", child, "{}"), 1);
	assert_non_null(strstr(f->text.text, "No such process"));
	fake_daemon_stop(&f->daemon);
	assert_int_equal(f->daemon.received, -EAGAIN);
}

static void test_run_unprivileged_user_follows_rootless(void **state)
{
	struct fixture *f = *state;
	int allowed, refused;

	if (geteuid() != 0) {
		print_message("SKIP: becoming another user needs root\n");
		skip();
	}
	start_daemon(f, &armed);
	assert_int_equal(chmod(f->daemon.dir, 0755), 0);
	assert_int_equal(chmod(f->daemon.path, 0600), 0);
	assert_int_equal(seteuid(65534), 0);
	allowed = run_container(f, "c1", getpid(), "{}");
	assert_non_null(strstr(f->text.text, "rootless = allow"));
	f->options.rootless = HOOK_ANSWER_REFUSE;
	refused = run_container(f, "c1", getpid(), "{}");
	assert_int_equal(seteuid(0), 0);
	fake_daemon_stop(&f->daemon);
	assert_int_equal(allowed, 0);
	assert_int_equal(refused, 1);
	assert_non_null(strstr(f->text.text, "only from root"));
}

static void test_run_leaks_no_descriptor(void **state)
{
	struct fixture *f = *state;
	size_t before = 0, after = 0;

	start_daemon(f, &armed);
	for (int round = 0; round < 3; round++) {
		DIR *dir;

		assert_int_equal(run_container(f, "c1", getpid(), "{}"), 0);
		assert_int_equal(run_container(f, "c1", 0x7ffffffe, "{}"), 1);
		dir = opendir("/proc/self/fd");
		for (after = 0; readdir(dir);)
			after++;
		closedir(dir);
		if (round == 0)
			before = after;
	}
	fake_daemon_stop(&f->daemon);
	assert_in_range(after, before - 1, before + 1); /* the server's accepted socket may be open or not */
}

static void test_log_writes_one_line_to_a_file(void **state)
{
	struct fixture *f = *state;
	char path[160], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", f->daemon.dir);
	hook_log("none", "nothing");
	hook_log(path, "first");
	hook_log(path, "second");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "]: first\n"));
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "]: second\n"));
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
	unlink(path);
}

#define HOOK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_decides_as_configured),
		HOOK_TEST(test_run_keeps_the_deadline),
		HOOK_TEST(test_run_silent_runtime_is_refused_in_time),
		HOOK_TEST(test_run_hands_over_the_right_objects),
		HOOK_TEST(test_run_opens_the_root_in_the_containers_namespace),
		HOOK_TEST(test_run_absolute_root_stays_inside_the_process_root),
		HOOK_TEST(test_run_broken_spec_is_refused),
		HOOK_TEST(test_run_dead_process_is_refused),
		HOOK_TEST(test_run_unprivileged_user_follows_rootless),
		HOOK_TEST(test_run_leaks_no_descriptor),
		HOOK_TEST(test_log_writes_one_line_to_a_file),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
