/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that extract facts share. Used by detect_fields*.c only. */
#ifndef ENFORCER_DETECT_FIELDS_INTERNAL_H
#define ENFORCER_DETECT_FIELDS_INTERNAL_H

#include <string.h>

#include "enforcer/detect_args.h"
#include "enforcer/detect_event.h"
#include "policies/rules/filter.h"

/* Leaves ret missing where the event has it not. what: the row's number, for fields that share a function. */
typedef void (*detect_field_fn)(const struct detect_event *event, const struct rule_field_use *use, int what,
				struct rule_value *ret);

struct detect_field_row {
	const char *name;
	detect_field_fn fn;
	int what;
};

struct detect_field_table {
	const struct detect_field_row *rows;
	size_t n;
};

extern const struct detect_field_table detect_fields_of_event, detect_fields_of_process, detect_fields_of_descriptor,
	detect_fields_of_socket, detect_fields_of_container, detect_fields_of_drift;

/* By plan: which argument of the event's type an evt.arg means. NULL: none. */
const struct detect_arg *detect_plan_arg(const struct detect_event *event, const struct rule_field_use *use);

/* One argument as text, and as it was passed. */
void detect_arg_text(const struct detect_event *event, const struct detect_arg *arg, struct rule_value *ret);
void detect_arg_raw(const struct detect_event *event, const struct detect_arg *arg, struct rule_value *ret);

/* Absolute path of the event's first or second path. */
void detect_path_of(const struct detect_event *event, bool second, struct rule_value *ret);

/* fd.name for text like "<f>/etc/passwd", fd.typechar's character. 0: not known. */
char detect_fd_typechar(const struct detect_event *event);
void detect_fd_name(const struct detect_event *event, struct rule_value *ret);
/* '4', '6', 'u', 'n' or 'o'; 0: the event is about no socket. */
char detect_socket_char(const struct detect_event *event);
bool detect_is_socket_call(enum hf_detect_type type);
/* fd.name of a socket: the tuple, or a unix socket's path. */
void detect_socket_name(const struct detect_event *event, struct rule_value *ret);
/* "10.0.0.1:40000->10.0.0.2:80", or a path. */
void detect_tuple(const struct detect_event *event, struct rule_value *ret);

/* Arguments behind the first with blanks between; comm and them. */
void detect_process_args(const struct detect_event *event, const struct process *process, struct rule_value *ret);

static inline void set_text(struct rule_value *ret, const char *text, size_t n)
{
	if (!text)
		return;
	ret->kind = RULE_VALUE_TEXT;
	ret->n = (uint32_t)n;
	ret->text = text;
}

static inline void set_string(struct rule_value *ret, const char *text)
{
	if (text)
		set_text(ret, text, strlen(text));
}

static inline void set_unsigned(struct rule_value *ret, uint64_t value)
{
	ret->kind = RULE_VALUE_UNSIGNED;
	ret->count = value;
}

static inline void set_signed(struct rule_value *ret, int64_t value)
{
	ret->kind = RULE_VALUE_SIGNED;
	ret->number = value;
}

static inline void set_bool(struct rule_value *ret, bool value)
{
	ret->kind = RULE_VALUE_BOOL;
	ret->truth = value;
}

/* A copy in the event's room; missing when that is full. */
static inline void set_copy(const struct detect_event *event, struct rule_value *ret, const char *text, size_t n)
{
	char *copy = detect_room_take(event->room, n ? n : 1);

	if (!copy)
		return;
	memcpy(copy, text, n);
	set_text(ret, copy, n);
}

static inline const struct stream_event *stream_of(const struct detect_event *event)
{
	return event->stream;
}

static inline enum hf_detect_type stream_type(const struct detect_event *event)
{
	return event->stream ? event->stream->type : HF_DETECT_NONE;
}

static inline bool is_open(enum hf_detect_type type)
{
	return type >= HF_DETECT_OPEN && type <= HF_DETECT_CREAT;
}

static inline bool is_exec(enum hf_detect_type type)
{
	return type == HF_DETECT_EXECVE || type == HF_DETECT_EXECVEAT;
}

#endif
