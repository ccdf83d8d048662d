// SPDX-License-Identifier: Apache-2.0
/* Events: the binding shape, every word, paths of every kind, hostile names, and records that lie about their size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <linux/magic.h>
#include <sys/mman.h>

#include "enforcer/container.h"
#include "enforcer/event_json.h"
#include "enforcer/util.h"
#include "policies/policies.h"

#define BOOT_OFFSET_NS 1700000000000000000ll

/* A record with room for the longest paths. */
struct sample {
	struct hf_event record;
	char data[2 * HF_PATH_BYTES];
};

static void set_paths(struct sample *s, const void *path, size_t path_bytes, const void *exe, size_t exe_bytes)
{
	memcpy(s->data, path, path_bytes);
	memcpy(s->data + path_bytes, exe, exe_bytes);
	s->record.path_bytes = (uint16_t)path_bytes;
	s->record.exe_bytes = (uint16_t)exe_bytes;
	s->record.bytes = (uint32_t)(sizeof(s->record) + path_bytes + exe_bytes);
}

static void make_sample(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->record = (struct hf_event){
		.version = HF_EVENT_VERSION, .op = HF_OP_EXEC, .class_ = HF_CLASS_EXECUTABLE,
		.reason = HF_REASON_ADDED, .verdict = HF_VERDICT_DENY, .time_ns = 5000000001ull, .start_ns = 4000000000ull,
		.container = 77, .slot = HF_SLOT_FIRST, .tid = 124, .pid = 123, .ppid = 1, .uid = 101, .gid = 102,
		.mntns = 4026532000u, .cgroup = 9000, .ino = 5555, .dev = 8u << 20 | 3, .generation = 42,
		.file_bytes = 4096, .magic = OVERLAYFS_SUPER_MAGIC, .mode = 0100755, .prot = PROT_READ | PROT_EXEC,
		.comm = "nginx", .parent_comm = "containerd-shim", .flags = HF_EVENT_EXEC_STAGE,
	};
	set_paths(s, "x/tmp/", 6, "nginx/sbin/usr/", 15);
}

static struct json_object *parse(const char *line, size_t n)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *parsed;

	assert_null(memchr(line, '\n', n));
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	parsed = json_tokener_parse_ex(tokener, line, (int)n + 1);
	assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
	json_tokener_free(tokener);
	return parsed;
}

/* The event as parsed from its line; the caller puts it. */
static struct json_object *render(const struct sample *s, const struct event_context *context)
{
	_cleanup_(json_release) struct json json;
	static char text[EVENT_JSON_BYTES_MAX + 1];
	struct event_digest digest = { .missing = "gone" };
	struct event_line line;
	size_t n;

	json_init(&json, EVENT_JSON_OPEN_BYTES_MAX);
	assert_int_equal(event_json_drift(&json, &s->record, sizeof(*s), context, &line), 0);
	n = event_json_fill(&line, &digest, text);
	text[n] = '\0';
	assert_true(n <= EVENT_JSON_BYTES_MAX);
	return parse(text, n);
}

/* "a.b" in the event. */
static struct json_object *member(struct json_object *event, const char *path)
{
	_cleanup_(free_ptr) char *names = strdup(path);
	char *save = NULL;

	for (char *name = strtok_r(names, ".", &save); name; name = strtok_r(NULL, ".", &save))
		if (!json_object_object_get_ex(event, name, &event))
			fail_msg("no member %s", path);
	return event;
}

static void check_member(struct json_object *event, const char *path, const char *expected)
{
	struct json_object *found = member(event, path);

	if (!expected)
		assert_null(found);
	else
		assert_string_equal(json_object_get_string(found), expected);
}

static struct policy_effective a_policy(void)
{
	return (struct policy_effective){ .severity = POLICY_SEVERITY_CRITICAL, .kind = POLICY_KIND_NAMESPACED,
					  .name = "prod-immutable", .namespace_ = "prod" };
}

static void test_registered_container_has_the_whole_shape(void **state)
{
	struct policy_effective policy = a_policy();
	struct container container = {
		.facts = { .id = "abc123", .name = "web", .image = "registry.example/web:1", .namespace_ = "prod",
			   .pod = "web-0" },
		.policy = &policy,
	};
	struct event_context context = { .container = &container, .boot_to_real_ns = BOOT_OFFSET_NS, .seq = 9 };
	struct event_digest digest = { .missing = "timeout" };
	_cleanup_(json_release) struct json json;
	struct event_line line;
	struct sample s;
	char text[4096];

	(void)state;
	make_sample(&s);
	json_init(&json, EVENT_JSON_OPEN_BYTES_MAX);
	assert_int_equal(event_json_drift(&json, &s.record, sizeof(s), &context, &line), 0);
	text[event_json_fill(&line, &digest, text)] = '\0';
	assert_string_equal(
		text,
		"{\"time\":\"2023-11-14T22:13:25.000000001Z\",\"type\":\"drift\",\"seq\":9,\"action\":\"denied\",\"operation\":"
		"\"exec\",\"class\":\"executable\",\"reason\":\"added\",\"detail\":null,\"message\":\"`nginx` (pid 123) "
		"tried to execute /tmp/x, which is not in the image: denied\",\"severity\":\"critical\",\"policy\":"
		"\"prod/prod-immutable\",\"container\":{\"id\":\"abc123\",\"name\":\"web\",\"image\":"
		"\"registry.example/web:1\",\"namespace\":\"prod\",\"pod\":\"web-0\"},\"process\":{\"pid\":123,\"tid\":"
		"124,\"ppid\":1,\"uid\":101,\"gid\":102,\"comm\":\"nginx\",\"parent_comm\":\"containerd-shim\",\"exe\":"
		"\"/usr/sbin/nginx\",\"start_time\":\"2023-11-14T22:13:24.000000000Z\",\"left_cgroup\":false,"
		"\"left_mount_namespace\":false},\"file\":{\"path\":\"/tmp/x\","
		"\"dev\":\"8:3\",\"inode\":5555,\"generation\":42,\"size\":4096,\"mode\":\"0755\",\"filesystem\":"
		"\"overlay\",\"sha256\":null,\"sha256_missing\":\"timeout\"},\"prot\":[\"read\",\"exec\"],\"flags\":[\"exec-stage\"],\"paused\":false,"
		"\"existing\":false}");
}

static void test_unregistered_container_names_its_namespace(void **state)
{
	struct event_context context = { 0 };
	struct json_object *event;
	struct sample s;

	(void)state;
	make_sample(&s);
	s.record.slot = HF_SLOT_UNKNOWN;
	s.record.reason = HF_REASON_UNKNOWN_CONTAINER;
	event = render(&s, &context);
	check_member(event, "container.id", NULL);
	check_member(event, "container.mount_namespace", "4026532000");
	check_member(event, "container.cgroup", "9000");
	check_member(event, "policy", NULL);
	check_member(event, "severity", "warning");
	json_object_put(event);
}

static void test_an_access_says_whose_process_it_is_about(void **state)
{
	struct container container = { 0 };
	struct event_context context = { .container = &container };
	struct json_object *event, *target;
	struct sample s;

	(void)state;
	make_sample(&s);
	event = render(&s, &context);
	assert_false(json_object_object_get_ex(event, "target_pid", &target));
	json_object_put(event);
	s.record.op = HF_OP_PTRACE;
	s.record.reason = HF_REASON_PTRACE;
	s.record.target = 4711;
	event = render(&s, &context);
	check_member(event, "target_pid", "4711");
	check_member(event, "operation", "ptrace");
	json_object_put(event);
}

static void test_given_policy_wins_over_the_containers(void **state)
{
	struct policy_effective own = a_policy(), given = a_policy();
	struct container container = { .policy = &own };
	struct event_context context = { .container = &container, .policy = &given };
	struct json_object *event;
	struct sample s;

	(void)state;
	given.namespace_ = NULL;
	given.name = "everywhere";
	given.severity = POLICY_SEVERITY_NOTICE;
	make_sample(&s);
	event = render(&s, &context);
	check_member(event, "policy", "everywhere");
	check_member(event, "severity", "notice");
	json_object_put(event);
}

static void test_every_number_has_its_word(void **state)
{
	static const struct {
		uint8_t op, class_, reason, verdict, detail;
		const char *words[5];
	} cases[] = {
		{ 0, 0, 0, 0, 0, { "exec", "executable", "original", "allowed", NULL } },
		{ 1, 1, 1, 1, 1, { "exec-check", "library", "added", "audited", "no-real-file" } },
		{ 2, 0, 2, 2, 2, { "mmap", "executable", "modified", "denied", "nested-overlay" } },
		{ 3, 0, 3, 3, 3, { "mmap-backing", "executable", "metadata", "killed", "no-policy" } },
		{ 4, 0, 4, 2, 4, { "mprotect", "executable", "memfd", "denied", "stale-tag" } },
		{ 0, 0, 5, 2, 5, { "exec", "executable", "tmpfs", "denied", "no-tag-memory" } },
		{ 0, 0, 6, 2, 6, { "exec", "executable", "volume", "denied", "writer" } },
		{ 0, 0, 7, 2, 7, { "exec", "executable", "foreign", "denied", "changed" } },
		{ 0, 0, 8, 2, 8, { "exec", "executable", "deleted", "denied", "not-ready" } },
		{ 0, 0, 9, 2, 9, { "exec", "executable", "library", "denied", "read-implies-exec" } },
		{ 0, 0, 10, 2, 10, { "exec", "executable", "anonymous-code", "denied", "unsupported-root" } },
		{ 0, 0, 11, 2, 11, { "exec", "executable", "modified-code", "denied", "copied-up" } },
		{ 0, 0, 12, 2, 0, { "exec", "executable", "script", "denied", NULL } },
		{ 0, 0, 13, 2, 0, { "exec", "executable", "host-modified", "denied", NULL } },
		{ 0, 0, 14, 2, 0, { "exec", "executable", "unknown-container", "denied", NULL } },
		{ 0, 0, 15, 2, 0, { "exec", "executable", "undecidable", "denied", NULL } },
		{ 200, 201, 202, 203, 204, { "unknown", "unknown", "unknown", "unknown", "unknown" } },
	};
	static const char *const members[] = { "operation", "class", "reason", "action", "detail" };
	struct event_context context = { 0 };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *event;

		make_sample(&s);
		s.record.op = cases[i].op;
		s.record.class_ = cases[i].class_;
		s.record.reason = cases[i].reason;
		s.record.verdict = cases[i].verdict;
		s.record.detail = cases[i].detail;
		event = render(&s, &context);
		for (size_t k = 0; k < ARRAY_SIZE(members); k++)
			check_member(event, members[k], cases[i].words[k]);
		json_object_put(event);
	}
}

static void test_paths_are_turned_around(void **state)
{
	static const struct {
		const char *leaf_first;
		uint32_t flags;
		uint8_t reason;
		const char *expected;
	} cases[] = {
		{ "x.so/tmp/", 0, HF_REASON_ADDED, "/tmp/x.so" },
		{ "x/", 0, HF_REASON_ADDED, "/x" },
		{ "/", 0, HF_REASON_ADDED, "/" },
		{ "d/c/b/a/", 0, HF_REASON_ADDED, "/a/b/c/d" },
		{ "x", 0, HF_REASON_ADDED, "/x" },
		{ "", 0, HF_REASON_ANONYMOUS_CODE, NULL },
		{ "", HF_EVENT_NO_PATH, HF_REASON_ADDED, NULL },
		{ "memfd:x/", 0, HF_REASON_MEMFD, "memfd:x" },
		{ "memfd:x/", 0, HF_REASON_ADDED, "/memfd:x" },
		{ "memfd:runc_cloned:/proc/self/exe/", 0, HF_REASON_MEMFD, "memfd:runc_cloned:/proc/self/exe" },
		{ "d/c/b", HF_EVENT_PATH_CUT, HF_REASON_ADDED, "b/c/d" },
		{ "d/c/b/", HF_EVENT_PATH_CUT, HF_REASON_ADDED, "b/c/d" },
		{ "d", HF_EVENT_PATH_CUT, HF_REASON_ADDED, "d" },
		{ "new\nline/\"q\"/", 0, HF_REASON_ADDED, "/\"q\"/new\nline" },
		{ "x\x1b[2J/", 0, HF_REASON_ADDED, "/x\x1b[2J" },
	};
	struct event_context context = { 0 };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *event;

		make_sample(&s);
		s.record.flags = cases[i].flags;
		s.record.reason = cases[i].reason;
		set_paths(&s, cases[i].leaf_first, strlen(cases[i].leaf_first), "", 0);
		event = render(&s, &context);
		check_member(event, "file.path", cases[i].expected);
		check_member(event, "process.exe", NULL);
		json_object_put(event);
	}
}

static void test_invalid_utf8_keeps_its_bytes_beside(void **state)
{
	struct event_context context = { 0 };
	struct json_object *event;
	struct sample s;

	(void)state;
	make_sample(&s);
	set_paths(&s, "x\xff/", 3, "y\xfe/", 3);
	memcpy(s.record.comm, "a\xf0", 3);
	event = render(&s, &context);
	check_member(event, "file.path", "/x\xef\xbf\xbd");
	check_member(event, "file.path_base64", "L3j/");
	check_member(event, "process.exe_base64", "L3n+");
	check_member(event, "process.comm_base64", "YfA=");
	check_member(event, "message",
		     "`a\\xf0` (pid 123) tried to execute /x\\xff, which is not in the image: denied");
	json_object_put(event);
}

static void test_comm_without_nul_is_bounded(void **state)
{
	struct event_context context = { 0 };
	struct json_object *event;
	struct sample s;

	(void)state;
	make_sample(&s);
	memcpy(s.record.comm, "0123456789abcdef", HF_COMM_BYTES);
	memcpy(s.record.parent_comm, "fedcba9876543210", HF_COMM_BYTES);
	event = render(&s, &context);
	check_member(event, "process.comm", "0123456789abcdef");
	check_member(event, "process.parent_comm", "fedcba9876543210");
	json_object_put(event);
}

static void test_flags_and_file_systems_have_words(void **state)
{
	static const struct {
		uint32_t flags, magic;
		const char *words, *filesystem;
		bool paused;
	} cases[] = {
		{ 0, EXT4_SUPER_MAGIC, "[ ]", "ext4", false },
		{ HF_EVENT_PATH_CUT, TMPFS_MAGIC, "[ \"path-cut\" ]", "tmpfs", false },
		{ HF_EVENT_PAUSED, BTRFS_SUPER_MAGIC, "[ ]", "btrfs", true },
		{ HF_EVENT_READ_IMPLIES_EXEC, 0x58465342, "[ \"read-implies-exec\" ]", "xfs", false },
		{ HF_EVENT_EXEC_STAGE | HF_EVENT_DELETED, 0, "[ \"exec-stage\", \"deleted\" ]", NULL, false },
		{ HF_EVENT_EXE_CUT | HF_EVENT_NO_PATH, 0xabcdef, "[ \"exe-cut\", \"no-path\" ]", "0xabcdef", false },
		{ HF_EVENT_WRITABLE | HF_EVENT_EXE_MEMFD, 0, "[ \"writable\", \"exe-memory-file\" ]", NULL, false },
		{ 0xfffff880u, OVERLAYFS_SUPER_MAGIC, "[ ]", "overlay", false },
	};
	struct event_context context = { 0 };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *event;

		make_sample(&s);
		s.record.flags = cases[i].flags;
		s.record.magic = cases[i].magic;
		event = render(&s, &context);
		check_member(event, "flags", cases[i].words);
		check_member(event, "file.filesystem", cases[i].filesystem);
		check_member(event, "paused", cases[i].paused ? "true" : "false");
		json_object_put(event);
	}
}

static void test_lying_records_are_refused(void **state)
{
	static const struct {
		uint32_t bytes;
		uint16_t version, path_bytes, exe_bytes;
		size_t readable;
		int expected;
	} cases[] = {
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION, 10, 10, sizeof(struct sample), 0 },
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION, 10, 10, sizeof(struct hf_event) + 20, 0 },
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION, 10, 10, sizeof(struct hf_event) + 19, -EPROTO },
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION, 10, 11, sizeof(struct sample), -EPROTO },
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION, 65535, 65535, sizeof(struct sample), -EPROTO },
		{ UINT32_MAX, HF_EVENT_VERSION, 10, 10, sizeof(struct sample), -EPROTO },
		{ UINT32_MAX, HF_EVENT_VERSION, HF_PATH_BYTES + 1, 1, UINT32_MAX, -EPROTO },
		{ sizeof(struct hf_event) + 20, HF_EVENT_VERSION + 1, 10, 10, sizeof(struct sample), -EPROTO },
		{ 0, HF_EVENT_VERSION, 0, 0, sizeof(struct sample), -EPROTO },
		{ sizeof(struct hf_event), HF_EVENT_VERSION, 0, 0, sizeof(struct hf_event) - 1, -EPROTO },
	};
	struct event_context context = { 0 };
	_cleanup_(json_release) struct json json;
	struct event_line line;
	struct sample s;

	(void)state;
	json_init(&json, EVENT_JSON_OPEN_BYTES_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_sample(&s);
		memset(s.data, 'a', sizeof(s.data));
		s.record.bytes = cases[i].bytes;
		s.record.version = cases[i].version;
		s.record.path_bytes = cases[i].path_bytes;
		s.record.exe_bytes = cases[i].exe_bytes;
		assert_int_equal(event_json_drift(&json, &s.record, cases[i].readable, &context, &line),
				 cases[i].expected);
	}
}

static void fill(char *text, size_t n, char c)
{
	memset(text, c, n);
	for (size_t i = 200; i < n; i += 200)
		text[i] = '/';
	text[n - 1] = '/';
}

/* Each byte takes six, and everything once more as base64: must fit by leaving out what matters least. */
static void test_worst_names_still_make_a_line(void **state)
{
	_cleanup_(free_ptr) char *name = calloc(1, 100000);
	struct policy_effective policy = a_policy();
	struct container container = {
		.facts = { .id = name, .name = name, .image = name, .namespace_ = name, .pod = name }, .policy = &policy,
	};
	struct event_context context = { .container = &container };
	char path[HF_PATH_BYTES];
	struct json_object *event;
	struct sample s;

	(void)state;
	assert_non_null(name);
	memset(name, '\x01', 99999);
	memset(name, '\xff', 1);
	policy.name = policy.namespace_ = name;
	make_sample(&s);
	fill(path, sizeof(path), '\x01');
	path[0] = '\xff';
	set_paths(&s, path, sizeof(path), path, sizeof(path));
	event = render(&s, &context);
	check_member(event, "flags", "[ \"path-cut\", \"exec-stage\", \"exe-cut\" ]");
	assert_non_null(member(event, "file.path_base64"));
	json_object_put(event);
}

static void test_longest_plain_path_is_whole(void **state)
{
	struct event_context context = { 0 };
	char path[HF_PATH_BYTES];
	struct json_object *event;
	struct sample s;

	(void)state;
	make_sample(&s);
	s.record.flags = 0;
	fill(path, sizeof(path), 'p');
	set_paths(&s, path, sizeof(path), path, sizeof(path));
	event = render(&s, &context);
	check_member(event, "flags", "[ ]");
	assert_int_equal(json_object_get_string_len(member(event, "file.path")), HF_PATH_BYTES);
	json_object_put(event);
}

static void test_long_fact_is_cut_between_characters(void **state)
{
	_cleanup_(free_ptr) char *name = calloc(1, 3001);
	struct container container = { .facts = { .image = name } };
	struct event_context context = { .container = &container };
	struct json_object *event;
	struct sample s;

	(void)state;
	assert_non_null(name);
	for (size_t i = 0; i < 3000; i += 3)
		memcpy(name + i, "\xe2\x82\xac", 3);
	make_sample(&s);
	event = render(&s, &context);
	assert_int_equal(json_object_get_string_len(member(event, "container.image")), 1023);
	assert_false(json_object_object_get_ex(member(event, "container"), "image_base64", NULL));
	json_object_put(event);
}

static void test_clock_offset_leads_to_now(void **state)
{
	uint64_t boot = clock_ns(CLOCK_BOOTTIME);
	int64_t difference = (int64_t)(boot + (uint64_t)event_json_clock_offset() - clock_ns(CLOCK_REALTIME));

	(void)state;
	assert_in_range(difference + (int64_t)NSEC_PER_SEC, 0, 2 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registered_container_has_the_whole_shape),
		cmocka_unit_test(test_unregistered_container_names_its_namespace),
		cmocka_unit_test(test_given_policy_wins_over_the_containers),
		cmocka_unit_test(test_every_number_has_its_word),
		cmocka_unit_test(test_an_access_says_whose_process_it_is_about),
		cmocka_unit_test(test_paths_are_turned_around),
		cmocka_unit_test(test_invalid_utf8_keeps_its_bytes_beside),
		cmocka_unit_test(test_comm_without_nul_is_bounded),
		cmocka_unit_test(test_flags_and_file_systems_have_words),
		cmocka_unit_test(test_lying_records_are_refused),
		cmocka_unit_test(test_worst_names_still_make_a_line),
		cmocka_unit_test(test_longest_plain_path_is_whole),
		cmocka_unit_test(test_long_fact_is_cut_between_characters),
		cmocka_unit_test(test_clock_offset_leads_to_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
