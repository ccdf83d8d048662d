// SPDX-License-Identifier: Apache-2.0
/* One argument of an event: as Falco's text, and as it was passed. Contracts: detect_fields_internal.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/detect_names.h"
#include "enforcer/detect_words.h"
#include "enforcer/util.h"

#define NUMBER_BYTES 32
#define ERRNO_MAX 4095
#define AT_FDCWD_KERNEL (-100)

__attribute__((format(printf, 3, 4))) static void set_format(const struct detect_event *event, struct rule_value *ret,
							     const char *format, ...)
{
	char text[NUMBER_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	set_copy(event, ret, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void put_result(const struct detect_event *event, struct rule_value *ret)
{
	int64_t result = event->stream->head->result;

	if (result < 0 && result >= -ERRNO_MAX)
		set_string(ret, strerrorname_np((int)-result));
	else
		set_format(event, ret, "%lld", (long long)result);
}

/* "<f>/etc/passwd" of the event's own descriptor, the number of any other. */
static void put_fd(const struct detect_event *event, int32_t number, bool own, struct rule_value *ret)
{
	struct rule_value name = { 0 };
	char type = own && number >= 0 ? detect_fd_typechar(event) : 0;
	char *text;

	if (type)
		detect_fd_name(event, &name);
	if (name.kind != RULE_VALUE_TEXT) {
		set_format(event, ret, "%d", number);
		return;
	}
	text = detect_room_take(event->room, name.n + 3);
	if (!text)
		return;
	memcpy(text, (char[]){ '<', type, '>' }, 3);
	memcpy(text + 3, name.text, name.n);
	set_text(ret, text, name.n + 3);
}

static void put_flags(const struct detect_event *event, enum detect_flags table, uint64_t value, struct rule_value *ret)
{
	char text[DETECT_WORDS_BYTES];
	size_t n = detect_words_flags(table, value, text);

	if (n)
		set_copy(event, ret, text, n);
	else
		set_format(event, ret, "%llu", (unsigned long long)value);
}

static void put_number_word(const struct detect_event *event, const struct detect_arg *arg, uint64_t value, struct rule_value *ret)
{
	const char *word = detect_words_number(arg->table, value);

	if (word && arg->table == DETECT_NUMBERS_SIGNAL)
		set_format(event, ret, "SIG%s", word);
	else if (word)
		set_string(ret, word);
	else
		set_format(event, ret, "%llu", (unsigned long long)value);
}

/* ids of -1 leave the id as it is. */
static void put_id(const struct detect_event *event, bool group, uint32_t id, struct rule_value *ret)
{
	const struct detect_user *user = group ? NULL : detect_names_user(event->names, id);
	const char *name = group ? detect_names_group(event->names, id) : user ? user->name : NULL;

	if (name)
		set_string(ret, name);
	else
		set_format(event, ret, "%d", (int32_t)id);
}

static uint64_t process_number(const struct detect_event *event, enum detect_arg_process what)
{
	const struct hf_detect_head *head = event->stream->head;
	const struct hf_detect_file *file = event->stream->file;

	switch (what) {
	case DETECT_ARG_TID: return head->tid;
	case DETECT_ARG_PID: return head->pid;
	case DETECT_ARG_PPID: return head->ppid;
	case DETECT_ARG_VTID: return head->vtid;
	case DETECT_ARG_VPID: return head->vpid;
	case DETECT_ARG_PGID: return head->pgid;
	case DETECT_ARG_VPGID: return head->vpgid;
	case DETECT_ARG_TTY: return head->tty;
	case DETECT_ARG_LOGINUID: return head->loginuid;
	case DETECT_ARG_EUID: return head->euid;
	case DETECT_ARG_EGID: return head->egid;
	case DETECT_ARG_CAP_EFFECTIVE: return head->cap_effective;
	case DETECT_ARG_CAP_PERMITTED: return head->cap_permitted;
	case DETECT_ARG_CAP_INHERITABLE: return head->cap_inheritable;
	case DETECT_ARG_EXE_INO: return file ? file->ino : 0;
	case DETECT_ARG_EXE_CTIME: return file ? file->ctime_ns : 0;
	case DETECT_ARG_EXE_MTIME: return file ? file->mtime_ns : 0;
	default: return 0;
	}
}

static void put_process_number(const struct detect_event *event, enum detect_arg_process what, struct rule_value *ret)
{
	uint64_t value = process_number(event, what);

	if (what == DETECT_ARG_EUID || what == DETECT_ARG_EGID)
		put_id(event, what == DETECT_ARG_EGID, (uint32_t)value, ret);
	else if (what >= DETECT_ARG_CAP_EFFECTIVE && what <= DETECT_ARG_CAP_INHERITABLE)
		set_format(event, ret, "%llx", (unsigned long long)value);
	else if (what == DETECT_ARG_LOGINUID)
		set_format(event, ret, "%d", (int32_t)value);
	else
		set_format(event, ret, "%llu", (unsigned long long)value);
}

static void put_stream_text(const struct stream_text *text, struct rule_value *ret)
{
	set_text(ret, text->data, text->len);
}

static void put_process_text(const struct process_text *text, struct rule_value *ret)
{
	if (text)
		set_text(ret, text->data, text->len);
}

static void put_of_process(const struct detect_event *event, enum detect_arg_kind kind, struct rule_value *ret)
{
	const struct process *process = event->process;
	uint32_t n = 0;

	switch (kind) {
	case DETECT_ARG_EXE:
		if (process)
			set_text(ret, process_exe(process, &n), 0);
		ret->n = n;
		return;
	case DETECT_ARG_ARGS:
		detect_process_args(event, process, ret);
		return;
	case DETECT_ARG_ENV:
		put_process_text(process ? process->env : NULL, ret);
		return;
	case DETECT_ARG_CWD:
		put_process_text(process ? process->cwd : NULL, ret);
		return;
	case DETECT_ARG_COMM:
		set_string(ret, process ? process->comm : NULL);
		return;
	case DETECT_ARG_FILENAME:
		put_stream_text(&event->stream->filename, ret);
		return;
	default:
		put_flags(event, DETECT_FLAGS_EXEC, event->stream->file ? event->stream->file->flags : 0, ret);
	}
}

/* The mode counts only where something is made. */
static void put_open_mode(const struct detect_event *event, const struct detect_arg *arg, struct rule_value *ret)
{
	const __u64 *args = event->stream->head->args;

	if (arg->table == DETECT_ARG_NONE || args[arg->table] & (0100 /* O_CREAT */ | 020000000 /* O_TMPFILE */))
		set_format(event, ret, "0%llo", (unsigned long long)args[arg->arg] & 07777);
	else
		set_string(ret, "0");
}

static void put_file(const struct detect_event *event, enum detect_arg_kind kind, struct rule_value *ret)
{
	const struct hf_detect_file *file = event->stream->file;

	if (file && kind == DETECT_ARG_FILE_DEV)
		set_format(event, ret, "%x", file->dev);
	else if (file)
		set_format(event, ret, "%llu", (unsigned long long)file->ino);
}

static void put_dirfd(const struct detect_event *event, int32_t number, struct rule_value *ret)
{
	if (number == AT_FDCWD_KERNEL)
		set_string(ret, "AT_FDCWD");
	else
		set_format(event, ret, "%d", number);
}

void detect_arg_text(const struct detect_event *event, const struct detect_arg *arg, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;
	uint64_t value = stream->head->args[arg->arg];

	switch ((enum detect_arg_kind)arg->kind) {
	case DETECT_ARG_RESULT: put_result(event, ret); return;
	case DETECT_ARG_NEW_FD:
		if (stream->head->result < 0)
			put_result(event, ret);
		else
			put_fd(event, (int32_t)stream->head->result, true, ret);
		return;
	case DETECT_ARG_FD: put_fd(event, (int32_t)value, detect_args_fd(stream->type) == arg->arg, ret); return;
	case DETECT_ARG_DIRFD: put_dirfd(event, (int32_t)value, ret); return;
	case DETECT_ARG_PATH: detect_path_of(event, false, ret); return;
	case DETECT_ARG_PATH2: detect_path_of(event, true, ret); return;
	case DETECT_ARG_TARGET: put_stream_text(&stream->path, ret); return;
	case DETECT_ARG_NAME: put_stream_text(&stream->name, ret); return;
	case DETECT_ARG_VALUE: put_stream_text(&stream->value, ret); return;
	case DETECT_ARG_FLAGS: put_flags(event, arg->table, value, ret); return;
	case DETECT_ARG_PROT_BEFORE:
		if (value & HF_DETECT_PROT_KNOWN)
			put_flags(event, arg->table, (uint32_t)value & ~HF_DETECT_PROT_KNOWN, ret);
		return;
	case DETECT_ARG_OPEN_MODE: put_open_mode(event, arg, ret); return;
	case DETECT_ARG_NUMBERS: put_number_word(event, arg, value, ret); return;
	case DETECT_ARG_UID: put_id(event, false, (uint32_t)value, ret); return;
	case DETECT_ARG_GID: put_id(event, true, (uint32_t)value, ret); return;
	case DETECT_ARG_NUMBER: set_format(event, ret, "%d", (int32_t)value); return;
	case DETECT_ARG_UNSIGNED: set_format(event, ret, "%llu", (unsigned long long)value); return;
	case DETECT_ARG_HEX: set_format(event, ret, "%llx", (unsigned long long)value); return;
	case DETECT_ARG_TUPLE: detect_tuple(event, ret); return;
	case DETECT_ARG_DATA: put_stream_text(&stream->data, ret); return;
	case DETECT_ARG_PROCESS: put_process_number(event, arg->table, ret); return;
	case DETECT_ARG_FILE_DEV:
	case DETECT_ARG_FILE_INO: put_file(event, arg->kind, ret); return;
	default: put_of_process(event, arg->kind, ret); return;
	}
}

void detect_arg_raw(const struct detect_event *event, const struct detect_arg *arg, struct rule_value *ret)
{
	const struct hf_detect_head *head = event->stream->head;
	uint64_t value = head->args[arg->arg];

	switch ((enum detect_arg_kind)arg->kind) {
	case DETECT_ARG_RESULT:
	case DETECT_ARG_NEW_FD: set_signed(ret, head->result); return;
	case DETECT_ARG_FD:
	case DETECT_ARG_DIRFD:
	case DETECT_ARG_NUMBER: set_signed(ret, (int32_t)value); return;
	case DETECT_ARG_UID:
	case DETECT_ARG_GID: set_unsigned(ret, (uint32_t)value); return;
	case DETECT_ARG_FLAGS:
	case DETECT_ARG_OPEN_MODE:
	case DETECT_ARG_NUMBERS:
	case DETECT_ARG_UNSIGNED:
	case DETECT_ARG_HEX: set_unsigned(ret, value); return;
	case DETECT_ARG_PROCESS: set_unsigned(ret, process_number(event, arg->table)); return;
	case DETECT_ARG_PATH: put_stream_text(&event->stream->path, ret); return;
	case DETECT_ARG_PATH2: put_stream_text(&event->stream->path2, ret); return;
	case DETECT_ARG_TUPLE: put_stream_text(&event->stream->address, ret); return;
	case DETECT_ARG_FILE_DEV:
		if (event->stream->file)
			set_unsigned(ret, event->stream->file->dev);
		return;
	case DETECT_ARG_FILE_INO:
		if (event->stream->file)
			set_unsigned(ret, event->stream->file->ino);
		return;
	default: detect_arg_text(event, arg, ret); return;
	}
}
