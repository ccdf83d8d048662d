// SPDX-License-Identifier: Apache-2.0
/* The sentence of an event: its wording, and that no name in it can act on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/event_message.h"
#include "enforcer/util.h"

static struct hf_event a_record(void)
{
	return (struct hf_event){ .op = HF_OP_EXEC, .reason = HF_REASON_ADDED, .verdict = HF_VERDICT_DENY, .pid = 123,
				  .ino = 5555, .comm = "nginx" };
}

static void test_message_says_what_happened(void **state)
{
	static const struct {
		uint8_t op, reason, verdict, detail, volume;
		uint32_t flags;
		bool file;
		const char *expected;
	} cases[] = {
		{ HF_OP_EXEC, HF_REASON_MODIFIED, HF_VERDICT_KILL, 0, 0, 0, true,
		  "`nginx` (pid 123) tried to execute /tmp/x, which is not as it was in the image: denied, and the "
		  "process killed" },
		{ HF_OP_MMAP, HF_REASON_VOLUME, HF_VERDICT_AUDIT, 0, HF_VOLUME_WRITABLE, 0, true,
		  "`nginx` (pid 123) tried to map /tmp/x as code, which is on a volume (writable): let through and "
		  "reported" },
		{ HF_OP_MPROTECT, HF_REASON_MODIFIED_CODE, HF_VERDICT_DENY, 0, 0, HF_EVENT_PAUSED, true,
		  "`nginx` (pid 123) tried to make memory of /tmp/x executable, which was or can be changed in memory: "
		  "let through, because enforcement is paused" },
		{ HF_OP_MPROTECT, HF_REASON_ANONYMOUS_CODE, HF_VERDICT_DENY, 0, 0, 0, false,
		  "`nginx` (pid 123) tried to make anonymous memory executable, which no file stands behind: denied" },
		{ HF_OP_EXEC_CHECK, HF_REASON_UNDECIDABLE, HF_VERDICT_DENY, HF_DETAIL_NO_REAL_FILE, 0, 0, true,
		  "`nginx` (pid 123) asked whether it may execute /tmp/x, which could not be judged (no-real-file): "
		  "denied" },
		{ HF_OP_MPROTECT, HF_REASON_ANONYMOUS_CODE, HF_VERDICT_AUDIT, HF_DETAIL_HEAP, 0, 0, false,
		  "`nginx` (pid 123) tried to make anonymous memory executable, which no file stands behind (heap): let through "
		  "and reported" },
		{ HF_OP_PERSONALITY, HF_REASON_PERSONALITY, HF_VERDICT_KILL, 0, 0, 0, false,
		  "`nginx` (pid 123) asked for readable memory to be executable, which no program of today needs: denied, and "
		  "the process killed" },
		{ HF_OP_PROCESS_MEMORY, HF_REASON_PROCESS_MEMORY, HF_VERDICT_DENY, 0, 0, 0, true,
		  "`nginx` (pid 123) tried to open /tmp/x for writing, through which code in memory could be changed: denied" },
		{ HF_OP_PTRACE, HF_REASON_PTRACE, HF_VERDICT_AUDIT, 0, 0, 0, true,
		  "`nginx` (pid 123) tried to get hold of pid 77 (/tmp/x), through which code in memory could be changed: let "
		  "through and reported" },
		{ HF_OP_PTRACE, HF_REASON_PTRACE, HF_VERDICT_DENY, HF_DETAIL_TRACEME, 0, 0, false,
		  "`nginx` (pid 123) asked to be traced by pid 77, through which code in memory could be changed (traceme): "
		  "denied" },
		{ HF_OP_PTRACE, HF_REASON_PTRACE, HF_VERDICT_AUDIT, HF_DETAIL_WRITE, 0, 0, true,
		  "`nginx` (pid 123) changed memory or registers of pid 77 (/tmp/x), through which code in memory could be changed "
		  "(write): let through and reported" },
		{ 99, 99, 99, 0, 0, 0, true,
		  "`nginx` (pid 123) tried to use /tmp/x, for a reason that is not known: unknown" },
	};
	char text[EVENT_MESSAGE_BYTES];
	struct hf_event record;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record = a_record();
		record.op = cases[i].op;
		record.reason = cases[i].reason;
		record.verdict = cases[i].verdict;
		record.detail = cases[i].detail;
		record.volume = cases[i].volume;
		record.flags = cases[i].flags;
		record.ino = cases[i].file ? 5 : 0;
		record.target = 77;
		event_message(&record, cases[i].file ? "/tmp/x" : NULL, cases[i].file ? 6 : 0, true, text);
		assert_string_equal(text, cases[i].expected);
	}
}

static void test_message_of_reaching_out_names_the_way(void **state)
{
	static const struct {
		uint8_t op, reason, detail;
		bool file;
		const char *expected;
	} cases[] = {
		{ HF_OP_KERNEL, HF_REASON_KERNEL_ACCESS, HF_DETAIL_BPF, false,
		  "`nginx` (pid 123) tried to reach the kernel, which is not for containers (bpf): denied" },
		{ HF_OP_KERNEL, HF_REASON_KERNEL_ACCESS, HF_DETAIL_HELPER, true,
		  "`nginx` (pid 123) tried to reach the kernel through /tmp/x, which is not for containers (helper): denied" },
		{ HF_OP_TAMPER, HF_REASON_TAMPERING, HF_DETAIL_MAP, false,
		  "`nginx` (pid 123) tried to reach the enforcer, which is not for others than its daemon (map): denied" },
		{ HF_OP_TAMPER, HF_REASON_TAMPERING, HF_DETAIL_PINS, true,
		  "`nginx` (pid 123) tried to reach the enforcer through /tmp/x, which is not for others than its daemon (pins): "
		  "denied" },
	};
	char text[EVENT_MESSAGE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hf_event record = a_record();

		record.op = cases[i].op;
		record.reason = cases[i].reason;
		record.detail = cases[i].detail;
		record.ino = cases[i].file ? 5 : 0;
		event_message(&record, cases[i].file ? "/tmp/x" : NULL, cases[i].file ? 6 : 0, true, text);
		assert_string_equal(text, cases[i].expected);
	}
}

static void test_message_says_when_the_task_is_not_at_home(void **state)
{
	static const struct {
		uint32_t flags;
		const char *where;
	} cases[] = {
		{ 0, "" },
		{ HF_EVENT_LEFT_CGROUP, ", outside its container's cgroup," },
		{ HF_EVENT_LEFT_MOUNTS, ", outside its container's mounts," },
		{ HF_EVENT_LEFT_CGROUP | HF_EVENT_LEFT_MOUNTS, ", outside its container's cgroup and mounts," },
	};
	char text[EVENT_MESSAGE_BYTES], expected[256];
	struct hf_event record = a_record();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		record.flags = cases[i].flags;
		snprintf(expected, sizeof(expected),
			 "`nginx` (pid 123)%s tried to execute /tmp/x, which is not in the image: denied", cases[i].where);
		event_message(&record, "/tmp/x", 6, true, text);
		assert_string_equal(text, expected);
	}
}

static void test_message_cannot_act_on_a_terminal(void **state)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "\x1b]0;x\x07", "\\x1b]0;x\\x07" },
		{ "a\nb", "a\\x0ab" },
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
		{ "\xc3\xa9", "\xc3\xa9" },
	};
	char text[EVENT_MESSAGE_BYTES], expected[256];
	struct hf_event record;

	(void)state;
	record = a_record();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(expected, sizeof(expected),
			 "`nginx` (pid 123) tried to execute %s, which is not in the image: denied", cases[i].expected);
		event_message(&record, cases[i].name, strlen(cases[i].name), true, text);
		assert_string_equal(text, expected);
	}
}

static void test_long_path_shows_its_end(void **state)
{
	struct hf_event record = a_record();
	char path[HF_PATH_BYTES], text[EVENT_MESSAGE_BYTES];

	(void)state;
	memset(path, 'p', sizeof(path));
	memcpy(path + sizeof(path) - 4, "/end", 4);
	event_message(&record, path, sizeof(path), true, text);
	assert_non_null(strstr(text, "tried to execute ...ppp"));
	assert_non_null(strstr(text, "ppp/end, which"));
	event_message(&record, "b/end", 5, false, text);
	assert_non_null(strstr(text, "tried to execute ...b/end, which"));
	memset(path, '\x01', sizeof(path));
	event_message(&record, path, sizeof(path), true, text);
	assert_non_null(strstr(text, "\\x01, which is not in the image: denied"));
}

static void test_missing_path_is_said(void **state)
{
	struct hf_event record = a_record();
	char text[EVENT_MESSAGE_BYTES];

	(void)state;
	event_message(&record, NULL, 0, true, text);
	assert_string_equal(text, "`nginx` (pid 123) tried to execute a file whose path is not known, which is not in the "
				  "image: denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_says_what_happened),
		cmocka_unit_test(test_message_of_reaching_out_names_the_way),
		cmocka_unit_test(test_message_says_when_the_task_is_not_at_home),
		cmocka_unit_test(test_message_cannot_act_on_a_terminal),
		cmocka_unit_test(test_long_path_shows_its_end),
		cmocka_unit_test(test_missing_path_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
