// SPDX-License-Identifier: Apache-2.0
/* Recordings: what is written comes back, what is damaged is told, and rules say the same about it again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "enforcer/detect_frames.h"
#include "enforcer/detect_replay.h"
#include "enforcer/util.h"

#define CGROUP 4711
#define PATH "/srv/app/config"
#define PATH_ROOM 16 /* with zeros behind it up to a multiple of 8 */

struct event {
	struct hf_detect_head head;
	struct hf_detect_section section;
	char path[PATH_ROOM];
};

static const char rules_text[] =
	"- rule: Config read\n"
	"  desc: d\n"
	"  condition: evt.type=openat and fd.name=" PATH " and container.name=web and proc.aname[1]=parent and user.name=app\n"
	"  output: read (name=%fd.filename pod=%k8s.pod.name dest=%container.mount.dest[/host/srv] label=%container.label[tier])\n"
	"  priority: NOTICE\n"
	"- rule: Denied\n"
	"  desc: d\n"
	"  condition: evt.type=drift and drift.reason=added and evt.failed=true and not drift.paused=true\n"
	"  output: denied (path=%drift.path policy=%drift.policy exe=%proc.exepath name=%proc.name parent=%proc.pname c=%container.name)\n"
	"  priority: CRITICAL\n";

static const char append_text[] =
	"priority: debug\n"
	"append_output:\n"
	"  - match: {source: syscall, rule: Denied}\n"
	"    extra_output: (tty=%proc.tty)\n"
	"    extra_fields: [proc.pid, {who: \"%proc.name of %user.name\"}, tolower(drift.path), drift.path]\n"
	"  - {match: {tags: [none]}, extra_fields: [proc.ppid]}\n"
	"  - {match: {rule: Denied}, suggested_output: false}\n";

static char rules_path[64], append_path[64];
static struct detect_rules *rules;

static void write_file(char path[64], const char *text)
{
	int fd;

	snprintf(path, 64, "/tmp/test_recording.XXXXXX");
	fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int load(void **state)
{
	struct detect_rules_options options = { .paths = (const char *[]){ rules_path }, .n_paths = 1, .priority_max = RULE_PRIORITY_DEBUG };

	(void)state;
	write_file(rules_path, rules_text);
	return detect_rules_new(&options, &rules, NULL);
}

static int unload(void **state)
{
	(void)state;
	detect_rules_free(&rules);
	return unlink(rules_path);
}

static void put_processes(struct stream_writer *writer)
{
	struct process parent = { .pid = 10, .ppid = 1, .start_ns = 1000, .comm = "parent" };
	struct process child = { .pid = 11, .ppid = 10, .start_ns = 2000, .comm = "child" };
	struct process_tree *tree = NULL;

	assert_int_equal(process_tree_new(16, NULL, NULL, &tree), 0);
	assert_int_equal(process_tree_add(tree, &parent), 0);
	assert_int_equal(process_tree_add(tree, &child), 0);
	assert_int_equal(stream_writer_put_tree(writer, tree), 0);
	process_tree_free(&tree);
}

static void put_container(struct stream_writer *writer)
{
	static const struct detect_pair labels[] = { { "tier", "front" } };
	static const struct detect_mount mounts[] = { { "/host/srv", "/srv", "", "rprivate", true } };
	struct detect_containers_key key = { .cgroup = CGROUP };
	struct detect_container facts = { .id = "0123456789abcdef", .name = "web", .pod = "pod-1", .labels = labels, .n_labels = 1,
					  .mounts = mounts, .n_mounts = 1, .privileged = 0 };
	struct detect_frames_names whose = { .cgroup = CGROUP };
	static const char passwd[] = "app:x:1000:1000::/:/bin/sh\n";

	assert_int_equal(detect_frames_put_container(writer, &key, &facts), 0);
	assert_int_equal(detect_frames_put_names(writer, &whose, passwd, sizeof(passwd) - 1, "", 0), 0);
}

static void put_event(struct stream_writer *writer)
{
	struct event event = {
		.head = { .bytes = sizeof(event), .version = HF_DETECT_VERSION, .type = HF_DETECT_OPENAT, .sections = 1, .time_ns = 5000,
			  .result = 3, .start_ns = 2000, .parent_start_ns = 1000, .cgroup = CGROUP, .pid = 11, .tid = 11, .ppid = 10,
			  .uid = 1000, .euid = 1000, .comm = "child" },
		.section = { .kind = HF_DETECT_KIND_PATH, .bytes = sizeof(PATH) - 1 },
		.path = PATH,
	};

	assert_int_equal(stream_writer_put(writer, STREAM_FRAME_EVENT, &event, sizeof(event)), 0);
}

/* Of a process that the recording knows, and of one that it does not; the third is none that a rule asks for. */
static void put_drift(struct stream_writer *writer)
{
	struct detect_frames_drift drift = {
		.time_ns = 7000,
		.record = { .pid = 11, .tid = 11, .ppid = 10, .comm = "told" },
		.drift = { .path = "/tmp/x", .exe = "/bin/sh", .policy = "p", .reason = "added", .verdict = "denied" },
		.container = { .id = "fedcba9876543210", .name = "told" },
	};

	assert_int_equal(detect_frames_put_drift(writer, &drift), 0);
	drift.record.pid = 99;
	assert_int_equal(detect_frames_put_drift(writer, &drift), 0);
	drift.record.flags = HF_EVENT_PAUSED;
	assert_int_equal(detect_frames_put_drift(writer, &drift), 0);
}

/* Its bytes, to be freed. */
static char *make(size_t *ret_bytes)
{
	struct stream_record_header header = { .boot_to_real_ns = 1000000000, .hostname = "node-1" };
	_cleanup_(close_fd) int fd = memfd_create("recording", MFD_CLOEXEC);
	struct stream_writer *writer = NULL;
	struct stat st;
	char *bytes;

	assert_int_equal(stream_writer_new(fd, &header, &writer), 0);
	put_processes(writer);
	put_container(writer);
	put_event(writer);
	put_drift(writer);
	assert_int_equal(stream_writer_close(&writer, 0), 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_bytes = (size_t)st.st_size;
	bytes = malloc(*ret_bytes);
	assert_int_equal(pread(fd, bytes, *ret_bytes, 0), st.st_size);
	return bytes;
}

#define ALERTS_MAX 4

struct found {
	size_t alerts;
	bool json;
	char lines[ALERTS_MAX][RULE_ALERT_BYTES_MAX];
};

static void on_match(const struct rule *rule, struct rule_facts *facts, const struct detect_event *event, void *data)
{
	struct rule_alert alert = { .time_ns = event->time_ns, .rule = rule->name, .priority = rule->priority, .source = rule->source,
				    .hostname = "h", .format = rule->format, .facts = facts };
	struct found *found = data;
	struct rule_alert_options options = { .text = !found->json, .iso_8601 = true };
	size_t n;

	assert_true(found->alerts < ALERTS_MAX);
	assert_int_equal(rule_alert_line(&alert, &options, found->lines[found->alerts++], sizeof(found->lines[0]), &n), 0);
}

static int replay_items(struct stream_reader *reader, struct detect_replay *replayed, struct found *found)
{
	struct stream_item item;
	int err = 0, more = 0;

	while (!err && (more = stream_reader_next(reader, &item)) > 0)
		err = detect_replay_item(replayed, &item, on_match, found);
	return err ? err : more;
}

static int replay(const char *bytes, size_t n, struct found *found)
{
	_cleanup_(detect_replay_free) struct detect_replay *replayed = NULL;
	_cleanup_(stream_reader_free) struct stream_reader *reader = NULL;
	_cleanup_(close_fd) int fd = memfd_create("recording", MFD_CLOEXEC);
	struct stream_record_header header;
	int err;

	found->alerts = 0;
	assert_int_equal(pwrite(fd, bytes, n, 0), n);
	err = stream_reader_new(fd, &reader, &header);
	if (err)
		return err;
	assert_int_equal(detect_replay_new(rules, &header, &replayed), 0);
	return replay_items(reader, replayed, found);
}

static void test_rules_say_the_same_again(void **state)
{
	struct found found = { .json = false };
	size_t n;
	_cleanup_(free_ptr) char *bytes = make(&n);

	(void)state;
	assert_int_equal(replay(bytes, n, &found), 0);
	assert_int_equal(found.alerts, 3);
	assert_non_null(strstr(found.lines[0], "1970-01-01T00:00:01.000005000+0000: Notice read (name=config pod=pod-1 dest=/srv label=front)"));
	assert_non_null(strstr(found.lines[0], "container_id=0123456789ab "));
	assert_non_null(strstr(found.lines[1], "denied (path=/tmp/x policy=p exe=<NA> name=child parent=parent c=told)"));
	assert_non_null(strstr(found.lines[1], "container_id=fedcba987654 "));
	assert_non_null(strstr(found.lines[2], "00.000007000+0000: Critical denied (path=/tmp/x policy=p exe=/bin/sh name=told parent=<NA> c=told)"));
}

static void test_outputs_get_what_is_appended(void **state)
{
	struct detect_rules_options options = { .paths = (const char *[]){ rules_path }, .n_paths = 1, .priority_max = RULE_PRIORITY_DEBUG,
						.appends = append_path };
	struct found found = { .json = true };
	struct detect_rules *before = rules;
	size_t n;
	_cleanup_(free_ptr) char *bytes = make(&n);

	(void)state;
	write_file(append_path, append_text);
	assert_int_equal(detect_rules_new(&options, &rules, NULL), 0);
	assert_int_equal(replay(bytes, n, &found), 0);
	assert_int_equal(found.alerts, 3);
	assert_non_null(strstr(found.lines[0], "container_id=0123456789ab "));
	assert_non_null(strstr(found.lines[1], "c=told) (tty=0)\",\"output_fields\":{\"container.name\":\"told\",\"drift.path\":\"/tmp/x\","
					       "\"drift.policy\":\"p\",\"evt.time.iso8601\":7000,\"proc.exepath\":null,\"proc.name\":\"child\","
					       "\"proc.pid\":11,\"proc.pname\":\"parent\",\"proc.tty\":0,\"tolower(drift.path)\":\"/tmp/x\","
					       "\"who\":\"child of root\"},"));
	detect_rules_free(&rules);
	rules = before;
	unlink(append_path);
}

static void test_a_wrong_append_file_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *message;
		int line;
	} cases[] = {
		{ "priority: debug\n", "there is no append_output", 1 },
		{ "append_output:\n  - {match: {host: x}}\n", "match has rule, source and tags", 2 },
		{ "append_output:\n  - {extra: x}\n", "an entry has match", 2 },
		{ "append_output:\n  - extra_fields: [[a]]\n", "an extra field is a name", 2 },
		{ "append_output:\n  - suggested_output: maybe\n", "true or false", 2 },
		{ "append_output: 5\n", "sequence of entries", 1 },
		{ "append_output:\n  - extra_fields: [no.field]\n", "no.field", 4 }, /* the place of the rule's output */
	};
	struct detect_rules_options options = { .paths = (const char *[]){ rules_path }, .n_paths = 1, .priority_max = RULE_PRIORITY_DEBUG,
						.appends = append_path };
	struct detect_rules *none = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy_error error = { .line = 0 };

		write_file(append_path, cases[i].text);
		assert_int_equal(detect_rules_new(&options, &none, &error), -EINVAL);
		if (!strstr(error.message, cases[i].message) || error.line != cases[i].line)
			fail_msg("row %zu: line %d: %s", i, error.line, error.message);
		unlink(append_path);
	}
}

/* Each end, and each byte with another value: an error or another answer, never a fault. */
static void test_damaged_recordings_are_survived(void **state)
{
	struct found found = { .json = false };
	size_t n, refused = 0;
	_cleanup_(free_ptr) char *bytes = make(&n);

	(void)state;
	for (size_t end = 1; end < n; end += 3)
		refused += replay(bytes, end, &found) < 0;
	assert_true(refused > n / 4);
	for (size_t i = 0; i < n; i++) {
		char was = bytes[i];

		bytes[i] = (char)(was ^ 0x7f);
		replay(bytes, n, &found);
		bytes[i] = was;
	}
}

static void test_other_files_are_refused(void **state)
{
	static const char *const files[] = { "x", "HFEVENT", "HFREC02\n", "- rule: x\n  desc: y\n" };
	struct found found = { .json = false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_true(replay(files[i], strlen(files[i]), &found) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_say_the_same_again),
		cmocka_unit_test(test_outputs_get_what_is_appended),
		cmocka_unit_test(test_a_wrong_append_file_is_refused_with_its_place),
		cmocka_unit_test(test_damaged_recordings_are_survived),
		cmocka_unit_test(test_other_files_are_refused),
	};

	return cmocka_run_group_tests_name("detect_replay", tests, load, unload);
}
