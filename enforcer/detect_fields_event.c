// SPDX-License-Identifier: Apache-2.0
/* evt.*: what happened, when, with which result, and how it was opened. Contracts: detect_fields_internal.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/detect_path.h"
#include "enforcer/util.h"

#define SECOND NSEC_PER_SEC
#define TIME_BYTES 64
#define KERNEL_O_TMPFILE 020000000
/* A result from here up is none of an error. */
#define ERRNO_MAX 4095

enum time_form { TIME_OF_DAY, TIME_SECONDS, TIME_NS, TIME_ISO_8601, TIME_DATE, TIME_DATE_SECONDS, TIME_RAW, TIME_RAW_S, TIME_RAW_NS };

static void put_time(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	static const char *const forms[] = { [TIME_OF_DAY] = "%H:%M:%S", [TIME_SECONDS] = "%H:%M:%S", [TIME_NS] = "",
					     [TIME_ISO_8601] = "%Y-%m-%dT%H:%M:%S", [TIME_DATE] = "%Y-%m-%d %H:%M:%S",
					     [TIME_DATE_SECONDS] = "%Y-%m-%d %H:%M:%S" };
	time_t seconds = (time_t)(event->time_ns / SECOND);
	struct tm tm = { 0 };
	char text[TIME_BYTES];
	size_t n;

	(void)use;
	if (what == TIME_ISO_8601)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	n = forms[what][0] ? strftime(text, sizeof(text), forms[what], &tm) : 0;
	if (what != TIME_SECONDS && what != TIME_DATE_SECONDS)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%09llu%s", n ? "." : "",
				      (unsigned long long)(event->time_ns % SECOND), what == TIME_ISO_8601 ? "+0000" : "");
	set_copy(event, ret, text, n);
}

static void put_raw_time(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	set_unsigned(ret, what == TIME_RAW ? event->time_ns :
			  what == TIME_RAW_S ? event->time_ns / SECOND : event->time_ns % SECOND);
}

static void put_number(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	set_unsigned(ret, what ? (uint64_t)what : event->number);
}

static void put_type(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use, (void)what;
	set_string(ret, event->stream ? stream_type_name(event->stream->type) : "drift");
}

static void put_type_is(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const char *name = event->stream ? stream_type_name(event->stream->type) : "drift";

	(void)what;
	set_unsigned(ret, use->argument && !strcmp(use->argument, name));
}

static void put_word(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	static const char *const words[] = { "<", "syscall" };

	(void)event, (void)use;
	set_string(ret, words[what]);
}

/* --- results -------------------------------------------------------------------------------------------------------- */

/* Of an operation that io_uring did, or that is told when it is asked for, the result is not known. */
static bool has_result(const struct detect_event *event)
{
	return event->drift || !(event->stream->head->flags & HF_DETECT_URING);
}

static int64_t result_of(const struct detect_event *event)
{
	if (event->drift)
		return event->drift->record->verdict >= HF_VERDICT_DENY ? -EPERM : 0;
	if (event->stream->type == HF_DETECT_PROCEXIT)
		return 0;
	return event->stream->head->result;
}

static void put_res(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	int64_t result = has_result(event) ? result_of(event) : 0;

	(void)use, (void)what;
	if (!has_result(event))
		return;
	set_string(ret, result < 0 && result >= -ERRNO_MAX ? strerrorname_np((int)-result) : "SUCCESS");
}

static void put_rawres(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use, (void)what;
	if (has_result(event))
		set_signed(ret, result_of(event));
}

static void put_failed(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	bool failed = has_result(event) && result_of(event) < 0;

	(void)use;
	if (what)
		set_unsigned(ret, failed);
	else
		set_bool(ret, failed);
}

/* --- how it was opened ---------------------------------------------------------------------------------------------- */

enum open_question { OPEN_READ, OPEN_WRITE, OPEN_EXEC, OPEN_CREATE };

static bool open_answer(const struct stream_event *stream, int what)
{
	const __u64 *args = stream->head->args;
	bool creat = stream->type == HF_DETECT_CREAT;
	unsigned int at = stream->type == HF_DETECT_OPEN ? 1 : 2;
	uint64_t flags = creat ? (uint64_t)(O_CREAT | O_WRONLY | O_TRUNC) : args[at], mode = creat ? args[1] : args[at + 1];
	bool creates = flags & (O_CREAT | KERNEL_O_TMPFILE);

	switch (what) {
	case OPEN_READ:
		return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
	case OPEN_WRITE:
		return (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
	case OPEN_EXEC:
		return creates && mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	default:
		return creates && stream->head->result >= 0;
	}
}

static void put_open(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use;
	set_bool(ret, is_open(stream_type(event)) && open_answer(event->stream, what));
}

/* --- kinds ---------------------------------------------------------------------------------------------------------- */

static void put_category(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	enum hf_detect_type type = stream_type(event);

	(void)use, (void)what;
	if (!event->stream)
		set_string(ret, "other");
	else if (type == HF_DETECT_READ || type == HF_DETECT_RECVFROM || type == HF_DETECT_RECVMSG)
		set_string(ret, "IO-read");
	else if (type == HF_DETECT_WRITE || (type >= HF_DETECT_PWRITE && type <= HF_DETECT_PWRITEV) || type == HF_DETECT_SENDTO ||
		 type == HF_DETECT_SENDMSG)
		set_string(ret, "IO-write");
	else if (type <= HF_DETECT_PROCEXIT)
		set_string(ret, "process");
	else
		set_string(ret, type < HF_DETECT_DUP ? "file" : type >= HF_DETECT_SOCKET && type <= HF_DETECT_SETSOCKOPT ? "net" : "other");
}

enum io_question { IO_ANY, IO_READ, IO_WRITE };

static int io_of(enum hf_detect_type type)
{
	switch (type) {
	case HF_DETECT_READ:
	case HF_DETECT_RECVFROM:
	case HF_DETECT_RECVMSG:
	case HF_DETECT_RECVMMSG:
		return IO_READ;
	case HF_DETECT_WRITE:
	case HF_DETECT_PWRITE:
	case HF_DETECT_WRITEV:
	case HF_DETECT_PWRITEV:
	case HF_DETECT_SENDTO:
	case HF_DETECT_SENDMSG:
	case HF_DETECT_SENDMMSG:
	case HF_DETECT_SENDFILE:
		return IO_WRITE;
	default:
		return IO_ANY;
	}
}

static void put_io(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	int io = io_of(stream_type(event));

	(void)use;
	set_bool(ret, what == IO_ANY ? io != IO_ANY : io == what);
}

static void put_io_dir(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	int io = io_of(stream_type(event));

	(void)use, (void)what;
	if (io != IO_ANY)
		set_string(ret, io == IO_READ ? "read" : "write");
}

static void put_no(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)event, (void)use, (void)what;
	set_bool(ret, false);
}

/* Calls that name a process: whether it is the caller, by the number that it has for itself. */
static void put_to_self(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct hf_detect_head *head = event->stream ? event->stream->head : NULL;

	(void)use, (void)what;
	switch (stream_type(event)) {
	case HF_DETECT_PROCESS_VM_READV:
	case HF_DETECT_PROCESS_VM_WRITEV:
	case HF_DETECT_KILL:
	case HF_DETECT_TGKILL:
		set_bool(ret, (int32_t)head->args[0] == (int32_t)head->vpid);
		return;
	case HF_DETECT_PTRACE:
		set_bool(ret, (int32_t)head->args[1] == (int32_t)head->vpid);
		return;
	default:
		return;
	}
}

static void put_buffer(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;

	(void)use;
	if (!stream || !stream->data.data)
		return;
	if (what)
		set_unsigned(ret, stream->head->result > 0 ? (uint64_t)stream->head->result : 0);
	else
		set_text(ret, stream->data.data, stream->data.len);
}

/* --- paths and arguments -------------------------------------------------------------------------------------------- */

void detect_path_of(const struct detect_event *event, bool second, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;
	const struct stream_text *path, *base;
	char joined[DETECT_PATH_BYTES];

	if (!stream)
		return;
	path = second ? &stream->path2 : &stream->path;
	base = second ? &stream->base2 : &stream->base;
	if (!path->data)
		return;
	if (path->len && path->data[0] != '/' && !base->data)
		set_text(ret, path->data, path->len); /* nobody knows where it begins */
	else
		set_copy(event, ret, joined, detect_path_join(base->data ? base->data : "/", base->data ? base->len : 1, path->data,
							      path->len, joined));
}

enum path_question { PATH_FIRST, PATH_SECOND, PATH_FIRST_RAW, PATH_SECOND_RAW, PATH_SOURCE, PATH_TARGET, PATH_SOURCE_RAW, PATH_TARGET_RAW };

static void put_path(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;

	(void)use;
	if (!stream || !stream->path.data)
		return;
	/* With two paths neither is "the" path, and with one there is no source. */
	if (what >= PATH_SOURCE && !stream->path2.data)
		return;
	if (what == PATH_FIRST || what == PATH_SOURCE)
		detect_path_of(event, false, ret);
	else if (what == PATH_SECOND || what == PATH_TARGET)
		detect_path_of(event, true, ret);
	else if (what == PATH_FIRST_RAW || what == PATH_SOURCE_RAW)
		set_text(ret, stream->path.data, stream->path.len);
	else
		set_text(ret, stream->path2.data, stream->path2.len);
}

static void put_arg(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct detect_arg *arg = event->stream ? detect_plan_arg(event, use) : NULL;

	if (!arg)
		return;
	if (what)
		detect_arg_raw(event, arg, ret);
	else
		detect_arg_text(event, arg, ret);
}

/* "fd=3 name=/etc/passwd …" */
static void put_args(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	size_t n, used = 0;
	const struct detect_arg *args = detect_args_of(stream_type(event), &n);
	char *text = n ? detect_room_take(event->room, HF_DETECT_RECORD_BYTES) : NULL;

	(void)use, (void)what;
	if (!text)
		return;
	for (size_t i = 0; i < n; i++) {
		struct rule_value value = { 0 };
		size_t name = strlen(args[i].name);

		detect_arg_text(event, &args[i], &value);
		if (value.kind != RULE_VALUE_TEXT || used + name + value.n + 2 > HF_DETECT_RECORD_BYTES)
			continue;
		if (used)
			text[used++] = ' ';
		memcpy(text + used, args[i].name, name);
		text[used + name] = '=';
		memcpy(text + used + name + 1, value.text, value.n);
		used += name + 1 + value.n;
	}
	set_text(ret, text, used);
}

static const struct detect_field_row rows[] = {
	{ "evt.num", put_number, 0 },
	{ "evt.count", put_number, 1 },
	{ "evt.count.exit", put_number, 1 },
	{ "evt.time", put_time, TIME_OF_DAY },
	{ "evt.outputtime", put_time, TIME_OF_DAY },
	{ "evt.time.s", put_time, TIME_SECONDS },
	{ "evt.time.ns", put_time, TIME_NS },
	{ "evt.time.iso8601", put_time, TIME_ISO_8601 },
	{ "evt.datetime", put_time, TIME_DATE },
	{ "evt.datetime.s", put_time, TIME_DATE_SECONDS },
	{ "evt.rawtime", put_raw_time, TIME_RAW },
	{ "evt.rawtime.s", put_raw_time, TIME_RAW_S },
	{ "evt.rawtime.ns", put_raw_time, TIME_RAW_NS },
	{ "evt.type", put_type, 0 },
	{ "syscall.type", put_type, 0 },
	{ "evt.type.is", put_type_is, 0 },
	{ "evt.dir", put_word, 0 },
	{ "evt.source", put_word, 1 },
	{ "evt.category", put_category, 0 },
	{ "evt.res", put_res, 0 },
	{ "evt.rawres", put_rawres, 0 },
	{ "evt.failed", put_failed, 0 },
	{ "evt.count.error", put_failed, 1 },
	{ "evt.is_open_read", put_open, OPEN_READ },
	{ "evt.is_open_write", put_open, OPEN_WRITE },
	{ "evt.is_open_exec", put_open, OPEN_EXEC },
	{ "evt.is_open_create", put_open, OPEN_CREATE },
	{ "evt.is_io", put_io, IO_ANY },
	{ "evt.is_io_read", put_io, IO_READ },
	{ "evt.is_io_write", put_io, IO_WRITE },
	{ "evt.io_dir", put_io_dir, 0 },
	{ "evt.is_async", put_no, 0 },
	{ "evt.is_wait", put_no, 0 },
	{ "evt.is_to_self", put_to_self, 0 },
	{ "evt.buffer", put_buffer, 0 },
	{ "evt.buflen", put_buffer, 1 },
	{ "evt.abspath", put_path, PATH_FIRST },
	{ "evt.abspath.src", put_path, PATH_SOURCE },
	{ "evt.abspath.dst", put_path, PATH_TARGET },
	{ "fs.path.name", put_path, PATH_FIRST },
	{ "fs.path.nameraw", put_path, PATH_FIRST_RAW },
	{ "fs.path.source", put_path, PATH_SOURCE },
	{ "fs.path.sourceraw", put_path, PATH_SOURCE_RAW },
	{ "fs.path.target", put_path, PATH_TARGET },
	{ "fs.path.targetraw", put_path, PATH_TARGET_RAW },
	{ "evt.arg", put_arg, 0 },
	{ "evt.rawarg", put_arg, 1 },
	{ "evt.args", put_args, 0 },
	{ "evt.info", put_args, 0 },
};

const struct detect_field_table detect_fields_of_event = { rows, ARRAY_SIZE(rows) };
