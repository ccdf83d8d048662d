// SPDX-License-Identifier: Apache-2.0
/*
 * An event in one sentence: `nginx` (pid 123) tried to execute /tmp/x, which is not in the image: denied
 *
 * Owns: the wording. Must not know: JSON. Names come from inside containers: everything that could act on a terminal is
 * written as \xNN, and so is what is no UTF-8.
 */
#include "enforcer/event_message.h"

#include <stdarg.h>
#include <string.h>

#include "enforcer/event_json.h"
#include "enforcer/util.h"

struct sentence {
	char *text;
	size_t n;
};

/* Each operation around its object. */
static const struct {
	const char *before, *after;
} op_phrases[] = {
	[HF_OP_EXEC] = { "tried to execute ", "" },
	[HF_OP_EXEC_CHECK] = { "asked whether it may execute ", "" },
	[HF_OP_MMAP] = { "tried to map ", " as code" },
	[HF_OP_MMAP_BACKING] = { "tried to map ", " as code" },
	[HF_OP_MPROTECT] = { "tried to make memory of ", " executable" },
	[HF_OP_ADOPT] = { "already ran code of ", " when its container was found" },
	[HF_OP_READ] = { "tried to read ", " as a script" },
	[HF_OP_PERSONALITY] = { "asked for readable memory to be executable", "" },
	[HF_OP_PTRACE] = { "tried to get hold of another process", "" },
	[HF_OP_PROCESS_MEMORY] = { "tried to open ", " for writing" },
	[HF_OP_KERNEL] = { "tried to reach the kernel", "" },
	[HF_OP_TAMPER] = { "tried to reach the enforcer", "" },
	[HF_OP_WRITE_IMAGE] = { "tried to open ", " for writing" },
};
_Static_assert(ARRAY_SIZE(op_phrases) == _HF_OP_MAX, "a phrase for each operation");

static const char *const reason_phrases[] = {
	[HF_REASON_ORIGINAL] = "which is in the image",
	[HF_REASON_ADDED] = "which is not in the image",
	[HF_REASON_MODIFIED] = "which is not as it was in the image",
	[HF_REASON_METADATA] = "whose mode or owner is not as in the image",
	[HF_REASON_MEMFD] = "which exists in memory only",
	[HF_REASON_TMPFS] = "which is on a temporary file system",
	[HF_REASON_VOLUME] = "which is on a volume",
	[HF_REASON_FOREIGN] = "which belongs neither to the image nor to a declared volume",
	[HF_REASON_DELETED] = "which is deleted and was not in the image",
	[HF_REASON_LIBRARY] = "which is not code of the image",
	[HF_REASON_ANONYMOUS_CODE] = "which no file stands behind",
	[HF_REASON_MODIFIED_CODE] = "which was or can be changed in memory",
	[HF_REASON_SCRIPT] = "a script that is not in the image",
	[HF_REASON_HOST_MODIFIED] = "which was changed from outside the container",
	[HF_REASON_UNKNOWN_CONTAINER] = "which is not in the image of this unregistered container",
	[HF_REASON_UNDECIDABLE] = "which could not be judged",
	[HF_REASON_PERSONALITY] = "which no program of today needs",
	[HF_REASON_PROCESS_MEMORY] = "through which code in memory could be changed",
	[HF_REASON_PTRACE] = "through which code in memory could be changed",
	[HF_REASON_KERNEL_ACCESS] = "which is not for containers",
	[HF_REASON_TAMPERING] = "which is not for others than its daemon",
	[HF_REASON_IMAGE_WRITE] = "which belongs to an image",
	[HF_REASON_HOST_EXEC] = "which belongs to a container, from outside of it",
	[HF_REASON_KERNEL_HELPER] = "which belongs to a container, as a helper of the kernel",
};
_Static_assert(ARRAY_SIZE(reason_phrases) == _HF_REASON_MAX, "a phrase for each reason");

static const char *const verdict_phrases[] = {
	[HF_VERDICT_ALLOW] = "allowed",
	[HF_VERDICT_AUDIT] = "let through and reported",
	[HF_VERDICT_DENY] = "denied",
	[HF_VERDICT_KILL] = "denied, and the process killed",
};
_Static_assert(ARRAY_SIZE(verdict_phrases) == _HF_VERDICT_MAX, "a phrase for each verdict");

__attribute__((format(printf, 2, 3))) static void add(struct sentence *s, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(s->text + s->n, EVENT_MESSAGE_BYTES - s->n, format, args);
	va_end(args);
	if (n > 0)
		s->n += (size_t)n < EVENT_MESSAGE_BYTES - s->n ? (size_t)n : EVENT_MESSAGE_BYTES - s->n - 1;
}

/* C0, DEL, C1, line and paragraph separators, and what sets the direction of writing. */
static bool acts_on_terminal(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void add_name(struct sentence *s, const char *name, size_t n)
{
	const unsigned char *bytes = (const unsigned char *)name;

	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		size_t length = json_utf8_length(bytes + i, n - i, &code);

		if (length > 0 && !acts_on_terminal(code)) {
			add(s, "%.*s", (int)length, name + i);
			i += length;
			continue;
		}
		for (size_t end = i + (length ? length : 1); i < end; i++)
			add(s, "\\x%02x", bytes[i]);
	}
}

static void add_object(struct sentence *s, const struct hf_event *record, const char *path, size_t n, bool whole)
{
	size_t skipped = n > EVENT_MESSAGE_PATH_BYTES ? n - EVENT_MESSAGE_PATH_BYTES : 0;

	if (!path && !record->ino && event_is_access(record))
		return;
	if (record->op == HF_OP_KERNEL || record->op == HF_OP_TAMPER)
		add(s, " through ");
	if (!path) {
		add(s, record->ino ? "a file whose path is not known" : "no file");
		return;
	}
	if (skipped || !whole)
		add(s, "...");
	add_name(s, path + skipped, n - skipped);
}

/* Whose process, and which way round. */
static void add_tracing(struct sentence *s, const struct hf_event *record, const char *path, size_t n, bool whole)
{
	if (record->detail == HF_DETAIL_TRACEME)
		add(s, "asked to be traced by pid %u", record->target);
	else if (record->detail == HF_DETAIL_WRITE)
		add(s, "changed memory or registers of pid %u", record->target);
	else
		add(s, "tried to get hold of pid %u", record->target);
	if (!path)
		return;
	add(s, " (");
	add_object(s, record, path, n, whole);
	add(s, ")");
}

static void add_reason(struct sentence *s, const struct hf_event *record)
{
	const char *detail = event_detail_name(record->detail);

	if (record->reason >= _HF_REASON_MAX)
		add(s, ", for a reason that is not known");
	else if (record->reason == HF_REASON_VOLUME)
		add(s, ", which is on a volume (%s)", event_volume_name(record->volume));
	else
		add(s, ", %s", reason_phrases[record->reason]);
	if (detail)
		add(s, " (%s)", detail);
}

/* Where the task is, if it is not where its container is. */
static void add_left(struct sentence *s, const struct hf_event *record)
{
	bool cgroup = record->flags & HF_EVENT_LEFT_CGROUP, mounts = record->flags & HF_EVENT_LEFT_MOUNTS;

	if (cgroup || mounts)
		add(s, ", outside its container's %s%s%s,", cgroup ? "cgroup" : "", cgroup && mounts ? " and " : "",
		    mounts ? "mounts" : "");
}

void event_message(const struct hf_event *record, const char *path, size_t path_bytes, bool whole,
		   char ret[EVENT_MESSAGE_BYTES])
{
	struct sentence s = { .text = ret };
	bool known_op = record->op < _HF_OP_MAX;

	add(&s, "`");
	add_name(&s, record->comm, strnlen(record->comm, sizeof(record->comm)));
	add(&s, "` (pid %u)", record->pid);
	add_left(&s, record);
	add(&s, " ");
	if (record->op == HF_OP_PTRACE) {
		add_tracing(&s, record, path, path_bytes, whole);
	} else if (record->detail == HF_DETAIL_EXE) {
		add(&s, "asked to be known as another program than ");
		add_object(&s, record, path, path_bytes, whole);
	} else if (!path && !record->ino && !event_is_access(record)) {
		add(&s, record->op == HF_OP_ADOPT ? "already had anonymous memory that is executable"
						  : "tried to make anonymous memory executable");
	} else {
		add(&s, "%s", known_op ? op_phrases[record->op].before : "tried to use ");
		add_object(&s, record, path, path_bytes, whole);
		add(&s, "%s", known_op ? op_phrases[record->op].after : "");
	}
	add_reason(&s, record);
	if (record->flags & HF_EVENT_PAUSED)
		add(&s, ": let through, because enforcement is paused");
	else
		add(&s, ": %s", record->verdict < _HF_VERDICT_MAX ? verdict_phrases[record->verdict] : "unknown");
}
