// SPDX-License-Identifier: Apache-2.0
/*
 * From the bytes of a record to its parts. Contracts: stream.h.
 *
 * Owns: the checks, and turning leaf-first paths round. Must not know: where records come from: recordings are hostile.
 *
 * I1: every offset is checked against the bytes that are there before it is used; texts end with NUL inside of the record.
 * I2: a section that stands there twice is refused: readers rely on one of each.
 */
#include "enforcer/stream.h"

#include <errno.h>
#include <string.h>

#define SECTION_HEAD sizeof(struct hf_detect_section)

static char *take_room(struct stream_decoder *decoder, size_t bytes)
{
	char *room = decoder->room + decoder->used;

	if (bytes > sizeof(decoder->room) - decoder->used)
		return NULL;
	decoder->used += bytes;
	return room;
}

/* "x.so/tmp/" is /tmp/x.so. Cut ones begin with "...", since what is missing is their beginning. */
static int turn(struct stream_decoder *decoder, const struct stream_text *from, struct stream_text *ret)
{
	static const char missing[] = "...";
	size_t extra = from->cut ? sizeof(missing) - 1 : 0, end = from->len, at = extra;
	char *to = take_room(decoder, from->len + extra + 2);

	if (!to)
		return -EBADMSG;
	memcpy(to, missing, extra);
	if (end && from->data[end - 1] == '/')
		end--;
	to[at++] = '/';
	while (end > 0) {
		size_t begin = end;

		while (begin > 0 && from->data[begin - 1] != '/')
			begin--;
		memcpy(to + at, from->data + begin, end - begin);
		at += end - begin;
		end = begin ? begin - 1 : 0;
		if (end > 0)
			to[at++] = '/';
	}
	to[at] = '\0';
	*ret = (struct stream_text){ .data = to, .len = (uint32_t)at, .cut = from->cut };
	return 0;
}

static struct stream_text *text_of(struct stream_event *event, uint16_t kind)
{
	switch (kind) {
	case HF_DETECT_KIND_PATH:
		return &event->path;
	case HF_DETECT_KIND_PATH2:
		return &event->path2;
	case HF_DETECT_KIND_FILENAME:
		return &event->filename;
	case HF_DETECT_KIND_ARGS:
		return &event->args;
	case HF_DETECT_KIND_ENV:
		return &event->env;
	case HF_DETECT_KIND_NAME:
		return &event->name;
	case HF_DETECT_KIND_VALUE:
		return &event->value;
	case HF_DETECT_KIND_ADDRESS:
		return &event->address;
	case HF_DETECT_KIND_DATA:
		return &event->data;
	case HF_DETECT_KIND_UNIX_LOCAL:
		return &event->unix_local;
	case HF_DETECT_KIND_UNIX_PEER:
		return &event->unix_peer;
	default:
		return NULL;
	}
}

static struct stream_text *walk_of(struct stream_event *event, uint16_t kind)
{
	switch (kind) {
	case HF_DETECT_KIND_BASE:
		return &event->base;
	case HF_DETECT_KIND_BASE2:
		return &event->base2;
	case HF_DETECT_KIND_REAL:
		return &event->real;
	case HF_DETECT_KIND_CWD:
		return &event->cwd;
	case HF_DETECT_KIND_EXE:
		return &event->exepath;
	default:
		return NULL;
	}
}

static int take_struct(struct stream_event *event, uint16_t kind, const struct stream_text *bytes)
{
	if (kind == HF_DETECT_KIND_FILE && bytes->len == sizeof(*event->file) && !event->file)
		event->file = (const void *)bytes->data;
	else if (kind == HF_DETECT_KIND_SOCKET && bytes->len == sizeof(*event->socket) && !event->socket)
		event->socket = (const void *)bytes->data;
	else if (kind == HF_DETECT_KIND_CHILD && bytes->len == sizeof(*event->child) && !event->child)
		event->child = (const void *)bytes->data;
	else if (kind < _HF_DETECT_KIND_MAX)
		return -EBADMSG;
	return 0; /* a kind of a later version */
}

/* I2 */
static int take_section(struct stream_decoder *decoder, struct stream_event *event, uint16_t kind, const struct stream_text *bytes)
{
	struct stream_text *text = text_of(event, kind), *walk = walk_of(event, kind);

	if ((text && text->data) || (walk && walk->data))
		return -EBADMSG;
	if (text)
		*text = *bytes;
	else if (walk)
		return turn(decoder, bytes, walk);
	else
		return take_struct(event, kind, bytes);
	return 0;
}

/* I1 */
static int take_sections(struct stream_decoder *decoder, const char *at, size_t left, struct stream_event *event)
{
	while (left > 0) {
		const struct hf_detect_section *head = (const void *)at;
		struct stream_text bytes;
		size_t whole;
		int err;

		if (left < SECTION_HEAD + 8 || head->bytes > HF_DETECT_TEXT_BYTES)
			return -EBADMSG;
		whole = SECTION_HEAD + ((head->bytes + 8) & ~(size_t)7);
		if (whole > left || at[SECTION_HEAD + head->bytes] != '\0')
			return -EBADMSG;
		bytes = (struct stream_text){ at + SECTION_HEAD, head->bytes, head->flags & HF_DETECT_CUT };
		err = take_section(decoder, event, head->kind, &bytes);
		if (err)
			return err;
		at += whole;
		left -= whole;
	}
	return 0;
}

int stream_decode(struct stream_decoder *decoder, const void *record, size_t bytes, struct stream_event *ret)
{
	const struct hf_detect_head *head = record;
	struct stream_event event = { .head = head };
	int err;

	if (bytes < sizeof(*head) || bytes > HF_DETECT_RECORD_BYTES || head->bytes != bytes || bytes % 8)
		return -EBADMSG;
	if (head->version != HF_DETECT_VERSION)
		return -EPROTO;
	if (head->type == HF_DETECT_NONE || head->type >= _HF_DETECT_MAX || head->comm[sizeof(head->comm) - 1])
		return -EBADMSG;
	event.type = head->type;
	decoder->used = 0;
	err = take_sections(decoder, (const char *)(head + 1), bytes - sizeof(*head), &event);
	if (err)
		return err;
	*ret = event;
	return 0;
}
