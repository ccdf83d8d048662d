// SPDX-License-Identifier: Apache-2.0
/*
 * fd.*: the descriptor that an event is about. Contracts: detect_fields_internal.h.
 *
 * There is no table of descriptors: the kernel half tells with each event what its descriptor is.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/util.h"

#define NUMBER_BYTES 64
#define ANON_INODE_MAGIC 0x09041934u
#define KERNEL_MINOR_BITS 20

/* --- kinds ---------------------------------------------------------------------------------------------------------- */

static char char_of_file(const struct hf_detect_file *file)
{
	if (file->flags & HF_DETECT_FILE_MEMFD)
		return 'm';
	if (S_ISDIR(file->mode))
		return 'd';
	if (S_ISFIFO(file->mode))
		return 'p';
	if (S_ISSOCK(file->mode))
		return 'u';
	return file->magic == ANON_INODE_MAGIC && !(file->mode & S_IFMT) ? 'o' : 'f';
}

static char char_of_new(const struct stream_event *stream)
{
	switch (stream->type) {
	case HF_DETECT_MEMFD_CREATE: return 'm';
	case HF_DETECT_USERFAULTFD: return 'r';
	case HF_DETECT_BPF: return 'b';
	case HF_DETECT_IO_URING_SETUP: return 'o';
	default: return 0;
	}
}

char detect_fd_typechar(const struct detect_event *event)
{
	const struct stream_event *stream = event->stream;
	char socket;

	if (!stream || is_exec(stream->type))
		return 0;
	socket = detect_socket_char(event);
	if (socket)
		return socket;
	if (char_of_new(stream))
		return char_of_new(stream);
	if (detect_args_fd(stream->type) == DETECT_ARG_NONE)
		return 0;
	if (stream->file)
		return char_of_file(stream->file);
	return is_open(stream->type) ? 'f' : 0;
}

static const char *type_name(char c)
{
	switch (c) {
	case 'f': return "file";
	case 'd': return "directory";
	case '4': return "ipv4";
	case '6': return "ipv6";
	case 'u': return "unix";
	case 'p': return "pipe";
	case 'm': return "memfd";
	case 'n': return "netlink";
	case 'b': return "bpf";
	case 'r': return "userfaultfd";
	case 'o': return "other";
	default: return NULL;
	}
}

static void put_typechar(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char c = detect_fd_typechar(event);

	(void)use;
	if (what)
		set_string(ret, type_name(c));
	else if (c)
		set_copy(event, ret, &c, 1);
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

void detect_fd_name(const struct detect_event *event, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;

	if (!stream || is_exec(stream->type))
		return;
	if (stream->socket || detect_is_socket_call(stream->type)) {
		detect_socket_name(event, ret);
		return;
	}
	if (is_open(stream->type) && stream->path.data)
		detect_path_of(event, false, ret);
	else if (stream->type == HF_DETECT_MEMFD_CREATE)
		set_text(ret, stream->name.data, stream->name.len);
	else if (detect_args_fd(stream->type) != DETECT_ARG_NONE)
		set_text(ret, stream->real.data, stream->real.len);
}

static void put_name(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	(void)use, (void)what;
	detect_fd_name(event, ret);
}

enum part { PART_DIRECTORY, PART_FILE };

static void put_part(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char c = detect_fd_typechar(event);
	struct rule_value name = { 0 };
	const char *slash;

	(void)use;
	if (c != 'f' && c != 'd')
		return;
	detect_fd_name(event, &name);
	slash = name.kind == RULE_VALUE_TEXT ? memrchr(name.text, '/', name.n) : NULL;
	if (!slash) {
		if (name.kind == RULE_VALUE_TEXT)
			set_text(ret, what == PART_FILE ? name.text : ".", what == PART_FILE ? name.n : 1);
	} else if (what == PART_FILE) {
		set_text(ret, slash + 1, (size_t)(name.text + name.n - slash) - 1);
	} else {
		set_text(ret, name.text, slash == name.text ? 1 : (size_t)(slash - name.text));
	}
}

static void put_raw(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;

	(void)use;
	if (!stream)
		return;
	if (what)
		set_text(ret, stream->real.data, stream->real.len);
	else if (is_open(stream->type))
		set_text(ret, stream->path.data, stream->path.len);
}

/* The container, a colon, and fd.name or fd.directory. */
static void put_contained(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	struct rule_value name = { 0 };
	size_t id = strnlen(event->container->id, DETECT_CONTAINER_ID_BYTES);
	char *text;

	if (what)
		put_part(event, use, PART_DIRECTORY, &name);
	else
		detect_fd_name(event, &name);
	text = name.kind == RULE_VALUE_TEXT ? detect_room_take(event->room, id + 1 + name.n) : NULL;
	if (!text)
		return;
	memcpy(text, event->container->id, id);
	text[id] = ':';
	memcpy(text + id + 1, name.text, name.n);
	set_text(ret, text, id + 1 + name.n);
}

/* --- numbers and states --------------------------------------------------------------------------------------------- */

static bool find_number(const struct detect_event *event, int64_t *ret)
{
	const struct stream_event *stream = event->stream;
	uint8_t at = stream ? detect_args_fd(stream->type) : DETECT_ARG_NONE;

	if (at == DETECT_ARG_NONE)
		return false;
	*ret = at == DETECT_ARG_FD_RESULT ? stream->head->result : (int32_t)stream->head->args[at];
	if (*ret < 0)
		*ret = -1;
	return true;
}

static void put_num(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char text[NUMBER_BYTES];
	int64_t number;

	(void)use;
	if (!find_number(event, &number))
		return;
	if (what)
		set_copy(event, ret, text, (size_t)snprintf(text, sizeof(text), "%u%lld", event->stream->head->tid, (long long)number));
	else
		set_signed(ret, number);
}

enum file_question { FILE_DEV, FILE_MAJOR, FILE_MINOR, FILE_INO, FILE_UPPER, FILE_LOWER };

static void put_file(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct hf_detect_file *file = event->stream && !is_exec(event->stream->type) ? event->stream->file : NULL;
	uint32_t major, minor;

	(void)use;
	if (!file)
		return;
	major = file->dev >> KERNEL_MINOR_BITS;
	minor = file->dev & ((1u << KERNEL_MINOR_BITS) - 1);
	switch (what) {
	case FILE_DEV: set_signed(ret, (int32_t)((minor & 0xff) | major << 8 | (minor & ~0xffu) << 12)); return;
	case FILE_MAJOR: set_signed(ret, major); return;
	case FILE_MINOR: set_signed(ret, minor); return;
	case FILE_INO: set_signed(ret, (int64_t)file->ino); return;
	case FILE_UPPER: set_bool(ret, file->flags & HF_DETECT_FILE_UPPER); return;
	default: set_bool(ret, file->flags & HF_DETECT_FILE_LOWER); return;
	}
}

static const struct detect_field_row rows[] = {
	{ "fd.num", put_num, 0 },
	{ "fd.uid", put_num, 1 },
	{ "fd.typechar", put_typechar, 0 },
	{ "fd.type", put_typechar, 1 },
	{ "fd.name", put_name, 0 },
	{ "fd.nameraw", put_raw, 0 },
	{ "fd.realname", put_raw, 1 },
	{ "fd.directory", put_part, PART_DIRECTORY },
	{ "fd.filename", put_part, PART_FILE },
	{ "fd.containername", put_contained, 0 },
	{ "fd.containerdirectory", put_contained, 1 },
	{ "fd.dev", put_file, FILE_DEV },
	{ "fd.dev.major", put_file, FILE_MAJOR },
	{ "fd.dev.minor", put_file, FILE_MINOR },
	{ "fd.ino", put_file, FILE_INO },
	{ "fd.is_upper_layer", put_file, FILE_UPPER },
	{ "fd.is_lower_layer", put_file, FILE_LOWER },
};

const struct detect_field_table detect_fields_of_descriptor = { rows, ARRAY_SIZE(rows) };
