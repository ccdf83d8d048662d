// SPDX-License-Identifier: Apache-2.0
/*
 * Rules over real system calls of this process: kernel programs, ring, decoder, process tree, fields, engine, alert. Where the
 * kernel does not let us load programs, each test is skipped by name.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enforcer/detect_containers.h"
#include "enforcer/detect_fields.h"
#include "enforcer/detect_names.h"
#include "enforcer/detect_rules.h"
#include "enforcer/event_json.h"
#include "enforcer/stream.h"
#include "enforcer/util.h"

#define ROUNDS 100 /* of looks at the ring; each waits for 20 ms at most */

static const char rules_text[] =
	"- macro: open_read\n"
	"  condition: (evt.type in (open,openat,openat2) and evt.is_open_read=true and fd.typechar='f' and fd.num>=0)\n"
	"- rule: Secret read\n"
	"  desc: d\n"
	"  condition: open_read and fd.name endswith /secret and not proc.name in (somebody)\n"
	"  output: secret (file=%fd.name dir=%fd.directory name=%fd.filename uid=%user.uid user=%user.name res=%evt.res flags=%evt.arg.flags exe=%proc.exepath)\n"
	"  priority: WARNING\n"
	"  tags: [file, b, a]\n"
	"- rule: Failed open\n"
	"  desc: d\n"
	"  condition: evt.type in (open,openat) and fd.num=-1 and evt.res=ENOENT and fd.name endswith /missing-secret\n"
	"  output: missing (file=%fd.name raw=%fd.nameraw)\n"
	"  priority: ERROR\n"
	"- rule: Program run\n"
	"  desc: d\n"
	"  condition: evt.type in (execve, execveat) and proc.name=true and proc.args contains marker and proc.aname[1] exists\n"
	"  output: run (cmdline=%proc.cmdline exe=%proc.exe parent=%proc.pname env=%proc.env[DETECT_TEST] container=%container.id)\n"
	"  priority: NOTICE\n"
	"- rule: Connection\n"
	"  desc: d\n"
	"  condition: evt.type=connect and fd.sport=9 and fd.snet in (127.0.0.0/8) and fd.l4proto=tcp\n"
	"  output: connection (%fd.name res=%evt.res)\n"
	"  priority: DEBUG\n"
	"- rule: Attach\n"
	"  desc: d\n"
	"  condition: evt.type=ptrace and evt.arg.request in (PTRACE_TRACEME)\n"
	"  output: ptrace (%evt.arg.request)\n"
	"  priority: CRITICAL\n"
	"- rule: Renamed\n"
	"  desc: d\n"
	"  condition: evt.type in (rename, renameat, renameat2) and evt.arg.newpath endswith /b and evt.arg.oldpath endswith /secret\n"
	"  output: renamed (%evt.args)\n"
	"  priority: CRITICAL\n";

static struct stream *stream;
static struct detect_rules *rules;
static struct process_tree *tree;
static struct detect_containers *containers;
static struct detect_names *names;
static char folder[64], rules_path[128];
static int open_error;
static uint64_t numbers;

/* The first alert of the rule that is waited for. */
static struct {
	const char *rule;
	struct json_object *alert;
	bool orphans; /* also of processes that are no children of ours */
} wanted;

static void on_match(const struct rule *rule, struct rule_facts *facts, void *data)
{
	const struct detect_event *event = data;
	struct rule_alert alert = { .time_ns = event->time_ns, .rule = rule->name, .priority = rule->priority, .source = rule->source,
				    .tags = rule->tags, .n_tags = rule->n_tags, .hostname = "h", .format = rule->format, .facts = facts };
	struct rule_alert_options options = { 0 };
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	if (wanted.alert || strcmp(wanted.rule, rule->name) || (!wanted.orphans && event->stream->head->ppid != (uint32_t)getpid()))
		return;
	assert_int_equal(rule_alert_line(&alert, &options, line, sizeof(line), &n), 0);
	wanted.alert = json_tokener_parse(line);
	assert_non_null(wanted.alert);
}

static void on_event(const struct stream_event *s, void *data)
{
	struct detect_containers_key key = { .cgroup = s->head->cgroup, .host = s->head->flags & HF_DETECT_HOST, .pid = s->head->pid };
	struct detect_event event = { .type = detect_type_of(s->type), .number = ++numbers, .stream = s, .names = names,
				      .host_names = names, .boot_to_real_ns = event_json_clock_offset() };

	(void)data;
	event.time_ns = s->head->time_ns + (uint64_t)event.boot_to_real_ns;
	event.process = process_tree_apply(tree, s);
	event.container = detect_containers_find(containers, &key);
	detect_rules_run(rules, &event, on_match, &event);
}

static int load_all(void **state)
{
	struct detect_rules_options options = { .paths = (const char *[]){ rules_path }, .n_paths = 1, .priority_max = RULE_PRIORITY_DEBUG };
	struct stream_options stream_options = { .ring_bytes = 4 << 20, .tasks_fd = -1 };
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n";
	struct policy_error error = { 0 };
	char why[512] = "";
	FILE *f;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_detect.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(rules_path, sizeof(rules_path), "%s/rules.yaml", folder);
	f = fopen(rules_path, "w");
	fputs(rules_text, f);
	fclose(f);
	if (detect_rules_new(&options, &rules, &error)) {
		print_error("%s:%d:%d: %s\n", error.file, error.line, error.column, error.message);
		return -1;
	}
	assert_int_equal(process_tree_new(4096, NULL, NULL, &tree), 0);
	assert_int_equal(detect_containers_new(NULL, NULL, &containers), 0);
	assert_int_equal(detect_names_new(passwd, sizeof(passwd) - 1, NULL, 0, &names), 0);
	detect_rules_wants(rules, stream_options.wants);
	open_error = stream_open(&stream_options, &stream, why, sizeof(why));
	if (open_error)
		print_message("not run: %s\n", why);
	else
		assert_true(process_scan(tree, 200) > 0);
	return 0;
}

static int unload_all(void **state)
{
	char path[128];

	(void)state;
	stream_close(&stream);
	detect_rules_free(&rules);
	process_tree_free(&tree);
	detect_containers_free(&containers);
	detect_names_free(&names);
	static const char *const files[] = { "rules.yaml", "secret", "b" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	return rmdir(folder);
}

/* Reads until the rule has fired. */
static struct json_object *expect(const char *rule)
{
	struct pollfd ready = { .fd = stream_fd(stream), .events = POLLIN };

	for (int i = 0; i < ROUNDS && !wanted.alert; i++) {
		poll(&ready, 1, 20);
		while (stream_read(stream, 256, on_event, NULL) == 256)
			continue;
	}
	if (!wanted.alert)
		fail_msg("%s did not fire", rule);
	return wanted.alert;
}

static void begin(const char *rule)
{
	if (open_error) {
		print_message("skip: the kernel's programs cannot be loaded here\n");
		skip();
	}
	while (stream_read(stream, 256, on_event, NULL) == 256)
		continue;
	json_object_put(wanted.alert);
	wanted.alert = NULL;
	wanted.rule = rule;
}

static const char *field(struct json_object *alert, const char *name)
{
	struct json_object *fields = json_object_object_get(alert, "output_fields"), *value;

	assert_true(json_object_object_get_ex(fields, name, &value));
	return json_object_get_string(value);
}

/* What the process that reads the events does itself is told to nobody. */
static void in_child(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (!child) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void nothing(void)
{
}

static void make_secret(char path[128])
{
	snprintf(path, 128, "%s/secret", folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void open_relative(void)
{
	if (chdir(folder))
		_exit(1);
	close(open("./x/../secret", O_RDONLY | O_CLOEXEC)); /* x is not there: this one fails */
	if (open("./secret", O_RDONLY | O_CLOEXEC | O_NOCTTY) < 0)
		_exit(1);
}

static void test_open_by_a_relative_path_fires(void **state)
{
	char path[128], name[128];
	struct json_object *alert;

	(void)state;
	make_secret(path);
	begin("Secret read");
	in_child(open_relative);
	alert = expect("Secret read");
	snprintf(name, sizeof(name), "%s/secret", folder);
	assert_string_equal(field(alert, "fd.name"), name);
	assert_string_equal(field(alert, "fd.directory"), folder);
	assert_string_equal(field(alert, "fd.filename"), "secret");
	assert_string_equal(field(alert, "user.name"), "root");
	assert_string_equal(field(alert, "user.uid"), "0");
	assert_string_equal(field(alert, "evt.res"), "SUCCESS");
	assert_string_equal(field(alert, "evt.arg.flags"), "O_RDONLY|O_CLOEXEC");
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(alert, "tags"), JSON_C_TO_STRING_PLAIN),
			    "[\"a\",\"b\",\"file\"]");
	assert_string_equal(json_object_get_string(json_object_object_get(alert, "priority")), "Warning");
}

/* Forks, and waits in neither of the two: the child is an orphan when it opens. */
static void open_as_orphan(void)
{
	int gone[2];
	char c;

	if (pipe2(gone, O_CLOEXEC) || chdir(folder))
		_exit(1);
	if (fork())
		_exit(0); /* the writing end closes with it */
	close(gone[1]);
	if (read(gone[0], &c, 1) == 0)
		close(open("./secret", O_RDONLY | O_CLOEXEC));
}

static void test_child_that_executes_nothing_has_its_parents_program(void **state)
{
	static void (*const openers[])(void) = { open_relative, open_as_orphan };
	char path[128], own[256] = "";

	(void)state;
	make_secret(path);
	assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(openers); i++) {
		begin("Secret read");
		wanted.orphans = true;
		in_child(openers[i]);
		assert_string_equal(field(expect("Secret read"), "proc.exepath"), own);
	}
	wanted.orphans = false;
}

static void test_process_that_ended_leaves_the_tree(void **state)
{
	struct process_tree_counts before, after;

	(void)state;
	begin("none");
	process_tree_count(tree, &before);
	for (int i = 0; i < 50; i++)
		in_child(nothing);
	begin("none");
	process_tree_count(tree, &after);
	assert_in_range(after.processes, 1, before.processes + 40);
}

static void open_missing(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s//missing-secret", folder);
	_exit(open(path, O_RDONLY | O_CLOEXEC) >= 0);
}

static void test_open_that_fails_fires_with_its_error(void **state)
{
	struct json_object *alert;
	char path[128];

	(void)state;
	begin("Failed open");
	in_child(open_missing);
	snprintf(path, sizeof(path), "%s//missing-secret", folder);
	alert = expect("Failed open");
	assert_string_equal(field(alert, "fd.nameraw"), path);
	assert_non_null(strstr(field(alert, "fd.name"), "/missing-secret"));
	assert_null(strstr(field(alert, "fd.name"), "//"));
}

static void run_program(void)
{
	char *const argv[] = { (char *)"/usr/bin/true", (char *)"a marker", (char *)"b", NULL };
	char *const envp[] = { (char *)"X=1", (char *)"DETECT_TEST=value", NULL };

	execve(argv[0], argv, envp);
	_exit(1);
}

static void test_program_fires_with_its_arguments(void **state)
{
	struct json_object *alert;

	(void)state;
	begin("Program run");
	in_child(run_program);
	alert = expect("Program run");
	assert_string_equal(field(alert, "proc.cmdline"), "true a marker b");
	assert_string_equal(field(alert, "proc.exe"), "/usr/bin/true");
	assert_string_equal(field(alert, "proc.env[DETECT_TEST]"), "value");
	assert_string_equal(field(alert, "proc.pname"), "test_detect_nat");
}

static void connect_to_nobody(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	_exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) != -1);
}

static void test_connection_fires_with_its_tuple(void **state)
{
	struct json_object *alert;

	(void)state;
	begin("Connection");
	in_child(connect_to_nobody);
	alert = expect("Connection");
	assert_string_equal(field(alert, "evt.res"), "ECONNREFUSED");
	assert_non_null(strstr(field(alert, "fd.name"), "->127.0.0.1:9"));
}

static void ask_to_be_traced(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static void test_ptrace_fires_with_its_request(void **state)
{
	(void)state;
	begin("Attach");
	in_child(ask_to_be_traced);
	assert_string_equal(field(expect("Attach"), "evt.arg.request"), "PTRACE_TRACEME");
}

static void rename_secret(void)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/secret", folder);
	snprintf(to, sizeof(to), "%s/b", folder);
	_exit(rename(from, to) != 0);
}

static void test_rename_fires_with_both_paths(void **state)
{
	char from[128], to[128], args[320];

	(void)state;
	make_secret(from);
	begin("Renamed");
	in_child(rename_secret);
	snprintf(to, sizeof(to), "%s/b", folder);
	snprintf(args, sizeof(args), "res=0 oldpath=%s newpath=%s", from, to);
	assert_string_equal(field(expect("Renamed"), "evt.args"), args);
}

/* A program under one who only forked; its pid, and that one's, go through the pipe. */
static int told[2];

static void run_below_a_fork(void)
{
	pid_t pids[2] = { getpid(), fork() };

	if (!pids[1]) {
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	if (write(told[1], pids, sizeof(pids)) != sizeof(pids))
		_exit(1);
}

/* Until the tree has @pid's program, or (@gone) has it no more. */
static struct process *look_for_process(pid_t pid, bool gone)
{
	struct pollfd ready = { .fd = stream_fd(stream), .events = POLLIN };
	struct process *process = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		poll(&ready, 1, 20);
		while (stream_read(stream, 256, on_event, NULL) == 256)
			continue;
		process = process_tree_find(tree, (uint32_t)pid);
		if (gone ? !process : process && !strcmp(process->comm, "sleep"))
			break;
	}
	return process;
}

/* Rules that ask for neither forks nor exits run on a tree that knows both. */
static void test_tree_knows_who_forked_and_who_is_gone(void **state)
{
	struct process *process;
	pid_t pids[2];

	(void)state;
	begin("");
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	in_child(run_below_a_fork);
	assert_int_equal(read(told[0], pids, sizeof(pids)), sizeof(pids));
	process = look_for_process(pids[1], false);
	kill(pids[1], SIGKILL);
	close(told[0]);
	close(told[1]);
	assert_non_null(process);
	assert_non_null(process_origin(process, 1));
	assert_int_equal(process_origin(process, 1)->pid, pids[0]);
	assert_non_null(process_origin(process, 2));
	assert_int_equal(process_origin(process, 2)->pid, getpid());
	assert_null(look_for_process(pids[0], true));
	assert_null(look_for_process(pids[1], true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_by_a_relative_path_fires),
		cmocka_unit_test(test_child_that_executes_nothing_has_its_parents_program),
		cmocka_unit_test(test_process_that_ended_leaves_the_tree),
		cmocka_unit_test(test_open_that_fails_fires_with_its_error),
		cmocka_unit_test(test_program_fires_with_its_arguments),
		cmocka_unit_test(test_connection_fires_with_its_tuple),
		cmocka_unit_test(test_ptrace_fires_with_its_request),
		cmocka_unit_test(test_rename_fires_with_both_paths),
		cmocka_unit_test(test_tree_knows_who_forked_and_who_is_gone),
	};

	return cmocka_run_group_tests_name("detect_native", tests, load_all, unload_all);
}
