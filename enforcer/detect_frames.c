// SPDX-License-Identifier: Apache-2.0
/*
 * Containers and names in recordings. Contracts: detect_frames.h.
 *
 * I1: lengths and numbers that a file gives are checked against what is there before anything is read by them.
 */
#include "enforcer/detect_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/detect_names.h"
#include "enforcer/util.h"

#define CONTAINER_TEXTS 8
#define CONTAINER_LISTS_MAX 4096 /* labels, and mounts, of one container */

struct container_frame {
	uint64_t kernel_id, cgroup, start_ns;
	int32_t privileged;
	uint32_t present; /* bit n: text n is there */
	uint32_t n_labels, n_mounts;
};

/* --- writing -------------------------------------------------------------------------------------------------------- */

/* A payload in parts. */
struct buffer {
	char *bytes;
	size_t n, room;
	int err;
};

static void add(struct buffer *buffer, const void *bytes, size_t n)
{
	size_t room = buffer->room ? buffer->room : 4096;
	char *grown = buffer->bytes;

	if (buffer->err || !n)
		return;
	while (room < buffer->n + n)
		room *= 2;
	if (room > buffer->room)
		grown = realloc(buffer->bytes, room);
	if (!grown) {
		buffer->err = -ENOMEM;
		return;
	}
	buffer->bytes = grown;
	buffer->room = room;
	memcpy(buffer->bytes + buffer->n, bytes, n);
	buffer->n += n;
}

static void add_text(struct buffer *buffer, const char *text)
{
	if (text)
		add(buffer, text, strlen(text) + 1);
}

static int put_buffer(struct stream_writer *writer, enum stream_frame_kind kind, struct buffer *buffer)
{
	int err = buffer->err ? buffer->err : stream_writer_put(writer, kind, buffer->bytes, buffer->n);

	free(buffer->bytes);
	return err;
}

static int put_container(struct stream_writer *writer, const struct detect_containers_key *key, const struct detect_container *c)
{
	const char *const texts[CONTAINER_TEXTS] = { c->id, c->name, c->image, c->image_digest, c->runtime, c->namespace_, c->pod,
						     c->pod_uid };
	struct container_frame frame = { .kernel_id = key->kernel_id, .cgroup = key->cgroup, .start_ns = c->start_ns,
					 .privileged = c->privileged, .n_labels = (uint32_t)c->n_labels,
					 .n_mounts = (uint32_t)c->n_mounts };
	struct buffer buffer = { 0 };

	for (size_t i = 0; i < CONTAINER_TEXTS; i++)
		frame.present |= texts[i] ? 1u << i : 0;
	add(&buffer, &frame, sizeof(frame));
	for (size_t i = 0; i < CONTAINER_TEXTS; i++)
		add_text(&buffer, texts[i]);
	for (size_t i = 0; i < c->n_labels; i++) {
		add_text(&buffer, c->labels[i].key);
		add_text(&buffer, c->labels[i].value);
	}
	for (size_t i = 0; i < c->n_mounts; i++) {
		add_text(&buffer, c->mounts[i].source);
		add_text(&buffer, c->mounts[i].destination);
		add_text(&buffer, c->mounts[i].mode);
		add_text(&buffer, c->mounts[i].propagation);
		add_text(&buffer, c->mounts[i].writable ? "rw" : "ro");
	}
	return put_buffer(writer, STREAM_FRAME_CONTAINER, &buffer);
}

int detect_frames_put_container(struct stream_writer *writer, const struct detect_containers_key *key,
				const struct detect_container *facts)
{
	struct detect_container shorter = *facts;
	int err = put_container(writer, key, facts);

	if (err != -EMSGSIZE)
		return err;
	shorter.n_labels = shorter.n_mounts = 0;
	return put_container(writer, key, &shorter);
}

/* Whole lines, as many as fit. */
static size_t cut(const char *text, size_t bytes)
{
	size_t n = strnlen(text, bytes);
	const char *newline;

	if (n <= DETECT_FRAMES_NAMES_BYTES)
		return n;
	newline = memrchr(text, '\n', DETECT_FRAMES_NAMES_BYTES);
	return newline ? (size_t)(newline - text) + 1 : 0;
}

int detect_frames_put_names(struct stream_writer *writer, const struct detect_frames_names *whose, const char *passwd, size_t passwd_bytes,
			    const char *group, size_t group_bytes)
{
	struct buffer buffer = { 0 };

	add(&buffer, whose, sizeof(*whose));
	add(&buffer, passwd, cut(passwd, passwd_bytes));
	add(&buffer, "", 1);
	add(&buffer, group, cut(group, group_bytes));
	return put_buffer(writer, STREAM_FRAME_USERS, &buffer);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

int detect_frames_take_names(const void *bytes, size_t n, struct detect_frames_names *ret_whose, struct detect_names **ret)
{
	const struct detect_frames_names *whose = bytes;
	const char *passwd = (const char *)(whose + 1), *end = (const char *)bytes + n, *nul;
	int err;

	if (n < sizeof(*whose) || !(nul = memchr(passwd, '\0', (size_t)(end - passwd))))
		return -EBADMSG;
	err = detect_names_new(passwd, (size_t)(nul - passwd), nul + 1, (size_t)(end - nul) - 1, ret);
	if (!err)
		*ret_whose = *whose;
	return err;
}

/* One NUL-terminated text; NULL: there is none. */
static const char *take_text(const char **at, const char *end)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

static bool take_labels(const char **at, const char *end, struct detect_pair *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		labels[i].key = take_text(at, end);
		labels[i].value = take_text(at, end);
		if (!labels[i].value)
			return false;
	}
	return true;
}

static bool take_mounts(const char **at, const char *end, struct detect_mount *mounts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *writable;

		mounts[i].source = take_text(at, end);
		mounts[i].destination = take_text(at, end);
		mounts[i].mode = take_text(at, end);
		mounts[i].propagation = take_text(at, end);
		writable = take_text(at, end);
		if (!writable)
			return false;
		mounts[i].writable = !strcmp(writable, "rw");
	}
	return true;
}

/* I1 */
int detect_frames_take_container(const void *bytes, size_t n, struct detect_containers *containers)
{
	const struct container_frame *f = bytes;
	const char *at = (const char *)(f + 1), *end = (const char *)bytes + n, *texts[CONTAINER_TEXTS] = { 0 };
	_cleanup_(free_ptr) struct detect_pair *labels = NULL;
	_cleanup_(free_ptr) struct detect_mount *mounts = NULL;
	struct detect_containers_key key;
	struct detect_container facts;

	if (n < sizeof(*f) || f->n_labels > CONTAINER_LISTS_MAX || f->n_mounts > CONTAINER_LISTS_MAX)
		return -EBADMSG;
	labels = calloc(f->n_labels + 1, sizeof(*labels));
	mounts = calloc(f->n_mounts + 1, sizeof(*mounts));
	if (!labels || !mounts)
		return -ENOMEM;
	for (size_t i = 0; i < CONTAINER_TEXTS; i++)
		if (f->present >> i & 1 && !(texts[i] = take_text(&at, end)))
			return -EBADMSG;
	if (!texts[0] || !take_labels(&at, end, labels, f->n_labels) || !take_mounts(&at, end, mounts, f->n_mounts))
		return -EBADMSG;
	key = (struct detect_containers_key){ .kernel_id = f->kernel_id, .cgroup = f->cgroup };
	facts = (struct detect_container){
		.id = texts[0], .name = texts[1], .image = texts[2], .image_digest = texts[3], .runtime = texts[4],
		.namespace_ = texts[5], .pod = texts[6], .pod_uid = texts[7], .labels = labels, .n_labels = f->n_labels,
		.mounts = mounts, .n_mounts = f->n_mounts, .start_ns = f->start_ns, .privileged = f->privileged,
	};
	return detect_containers_add(containers, &key, &facts);
}
