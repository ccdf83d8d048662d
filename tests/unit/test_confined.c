// SPDX-License-Identifier: Apache-2.0
/* The daemon's services at work under confinement: what privilege_filter.c allows is enough for them. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "enforcer/control.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/notify.h"
#include "enforcer/privilege.h"
#include "enforcer/util.h"
#include "imagedb/imagedb.h"
#include "policies/policies.h"

#define CONNECT_MS 5000
#define CHILD_TIME_OUT_SECONDS 60

struct services {
	char folder[32], events[64], moved[64], policy[64], notify[64];
	int out[2], watches;
	struct loop *loop;
	struct event_log *log;
	struct control *control;
	unsigned int answered, signals;
};

static int answer(void *data, struct json_object *request, struct json_object **ret)
{
	struct services *s = data;

	s->answered++;
	*ret = json_object_get(request);
	loop_quit(s->loop, 0);
	return 0;
}

static void take_signal(int signo, void *data)
{
	struct services *s = data;

	(void)signo;
	s->signals++;
	loop_quit(s->loop, 0);
}

static int bind_notify(struct services *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->notify);
	setenv("NOTIFY_SOCKET", s->notify, 1);
	return bind(sock, (struct sockaddr *)&address, sizeof(address));
}

static int write_policy(struct services *s)
{
	_cleanup_(close_file) FILE *file = fopen(s->policy, "we");

	return file && fputs("apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: all}\n"
			     "spec: {mode: enforce}\n", file) >= 0 ? 0 : -EIO;
}

static int start_services(struct services *s)
{
	struct event_log_options options = { .stdout_fd = s->out[1], .file = s->events, .file_max_bytes = 3000 };
	struct control_ops ops = { .answer = { [WIRE_STATUS] = answer }, .data = s };
	int err = loop_new(&s->loop);

	s->watches = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (err == 0)
		err = loop_signal(s->loop, SIGHUP, take_signal, s);
	if (err == 0)
		err = event_log_new(s->loop, &options, &s->log);
	return err < 0 ? err : control_new(s->loop, s->log, s->folder, &ops, &s->control);
}

static int use_events(struct services *s)
{
	char line[128];

	for (unsigned int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "{\"i\":%u,\"pad\":\"%080u\"}", i, 0u);
		event_log_append(s->log, line, strlen(line));
	}
	if (rename(s->events, s->moved) < 0 || event_log_reopen(s->log) < 0)
		return -EIO;
	event_log_append(s->log, "{}", 2);
	return access(s->events, F_OK);
}

static int use_control(struct services *s)
{
	static struct wire_message reply;
	char path[96];
	int sock;

	snprintf(path, sizeof(path), "%s/control.sock", s->folder);
	sock = wire_connect(path, CONNECT_MS);
	if (sock < 0 || wire_send(sock, WIRE_STATUS, 0, 0, "{}", 2, NULL, 0) < 0 || loop_run(s->loop) < 0)
		return -EIO;
	return wire_receive(sock, &reply) < 0 || s->answered != 1 ? -EIO : 0;
}

static int use_signals(struct services *s)
{
	raise(SIGHUP);
	return loop_run(s->loop) < 0 || s->signals != 1 ? -EIO : 0;
}

static int use_policies(struct services *s)
{
	const char *paths[] = { s->folder };
	struct policy_facts facts = { .image = "x" };
	struct policy_effective *effective = NULL;
	struct policy_set *set = NULL;
	int err = policy_set_load(paths, 1, &set, NULL);

	if (err == 0)
		err = policy_set_resolve(set, &facts, &effective);
	if (err == 0 && effective->mode != POLICY_MODE_ENFORCE)
		err = -EIO;
	policy_effective_free(&effective);
	policy_set_free(&set);
	return err;
}

static int count_file(const struct imagedb_file *file, void *data)
{
	(void)file;
	++*(unsigned int *)data;
	return 0;
}

/* The policies are watched: a folder that was swapped is watched anew. */
static int use_watches(struct services *s)
{
	int watch = inotify_add_watch(s->watches, s->folder, IN_CREATE | IN_MOVED_TO);

	return watch < 0 || inotify_rm_watch(s->watches, watch) < 0 ? -errno : 0;
}

static int use_imagedb(struct services *s)
{
	struct imagedb_scan_options options = { .flags = IMAGEDB_SCAN_MODE_BITS | IMAGEDB_SCAN_DETAILS };
	struct imagedb_scan_stats stats;
	unsigned int n = 0;
	int root = open("/usr/sbin", O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	(void)s;
	err = imagedb_scan(root, &options, count_file, &n, &stats);
	return err == 0 && n == 0 ? -EIO : err;
}

static int use_notify(struct services *s)
{
	(void)s;
	return notify_ready("under confinement");
}

static int use_clock_and_log(struct services *s)
{
	(void)s;
	log_info("still able to say something");
	return clock_ns(CLOCK_BOOTTIME) ? 0 : -EIO;
}

/* Adoption holds processes and reads iterators: without a link the kernel says EBADF, the filter would say EPERM. */
static int use_adoption(struct services *s)
{
	union bpf_attr attr = { .iter_create = { .link_fd = UINT32_MAX } };
	_cleanup_(close_fd) int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	(void)s;
	if (pidfd < 0)
		return -errno;
	return syscall(SYS_bpf, BPF_ITER_CREATE, &attr, sizeof(attr)) < 0 && errno == EBADF ? 0 : -EPERM;
}

static const struct {
	const char *name;
	int (*fn)(struct services *s);
} uses[] = {
	{ "events", use_events },     { "control", use_control }, { "signals", use_signals },
	{ "policies", use_policies }, { "watches", use_watches }, { "imagedb", use_imagedb },
	{ "notify", use_notify },     { "log", use_clock_and_log }, { "adoption", use_adoption },
};

static int work_confined(struct services *s)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";
	int err = write_policy(s);

	if (err == 0)
		err = bind_notify(s);
	if (err == 0)
		err = start_services(s);
	if (err == 0)
		err = privilege_drop_capabilities(reason);
	if (err == 0)
		err = privilege_filter(reason);
	if (err == 0)
		err = privilege_check(reason);
	if (err < 0)
		fprintf(stderr, "cannot start: %s %s\n", strerror(-err), reason);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(uses); i++) {
		err = uses[i].fn(s);
		if (err < 0)
			fprintf(stderr, "%s: %s\n", uses[i].name, strerror(-err));
	}
	control_free(&s->control);
	event_log_free(&s->log);
	loop_free(&s->loop);
	return err < 0 ? 1 : 0;
}

static void remove_files(struct services *s)
{
	char rotated[80];

	snprintf(rotated, sizeof(rotated), "%s.1", s->events);
	unlink(s->events);
	unlink(rotated);
	unlink(s->moved);
	unlink(s->policy);
	unlink(s->notify);
	assert_int_equal(rmdir(s->folder), 0);
}

static void test_services_work_under_confinement(void **state)
{
	struct services s = { .folder = "/tmp/hf-confined-XXXXXX" };
	int status;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(s.folder));
	snprintf(s.events, sizeof(s.events), "%s/events", s.folder);
	snprintf(s.moved, sizeof(s.moved), "%s/moved", s.folder);
	snprintf(s.policy, sizeof(s.policy), "%s/p.yaml", s.folder);
	snprintf(s.notify, sizeof(s.notify), "%s/notify", s.folder);
	assert_int_equal(pipe2(s.out, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		alarm(CHILD_TIME_OUT_SECONDS);
		_exit(work_confined(&s));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	close_fd(&s.out[0]);
	close_fd(&s.out[1]);
	remove_files(&s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_work_under_confinement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
