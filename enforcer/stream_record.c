// SPDX-License-Identifier: Apache-2.0
/*
 * Writing and reading recordings. Contracts: stream_record.h.
 *
 * I1: a frame's length is checked before it is read, its contents before they are handed out.
 */
#include "enforcer/stream_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"

#define FRAME_VERSION 1
#define BUFFER_BYTES (2 * (STREAM_FRAME_BYTES_MAX + 16))
#define TEXTS 4 /* of a process */
#define PADDED(n) (((n) + 7) & ~(size_t)7)

struct stream_writer {
	int fd;
	int error; /* the first one: nothing is written behind it */
	uint64_t events;
	size_t used;
	unsigned char buffer[BUFFER_BYTES];
};

/* A process without its pointers, then its texts one behind the other, each with its NUL. */
struct process_row {
	uint64_t start_ns, exec_ns;
	uint64_t cgroup, container, root_ino;
	uint64_t cap_effective, cap_permitted, cap_inheritable;
	uint32_t pid, ppid, root_dev, mnt_ns, pid_ns, user_ns;
	uint32_t vpid, vppid, pgid, vpgid, sid, vsid;
	uint32_t uid, euid, gid, egid, loginuid, tty;
	uint8_t host, from_proc, incomplete, kthread;
	uint8_t has[TEXTS]; /* exepath, args, env, cwd: 0 none, 1 whole, 2 cut */
	uint32_t len[TEXTS];
	char comm[HF_DETECT_COMM_BYTES];
	struct hf_detect_file exe_file;
};

static int flush(struct stream_writer *w)
{
	for (size_t at = 0; at < w->used && !w->error;) {
		ssize_t n = write(w->fd, w->buffer + at, w->used - at);

		if (n > 0)
			at += (size_t)n;
		else if (n == 0 || errno != EINTR)
			w->error = n == 0 ? -EIO : -errno;
	}
	w->used = 0;
	return w->error;
}

static unsigned char *room_for(struct stream_writer *w, size_t n)
{
	if (n > sizeof(w->buffer) - w->used)
		flush(w);
	return w->error ? NULL : w->buffer + w->used;
}

int stream_writer_put(struct stream_writer *writer, enum stream_frame_kind kind, const void *bytes, size_t n)
{
	struct stream_frame frame = { .bytes = (uint32_t)n, .kind = (uint16_t)kind, .version = FRAME_VERSION };
	unsigned char *to;

	if (n > STREAM_FRAME_BYTES_MAX)
		return -EMSGSIZE;
	to = room_for(writer, sizeof(frame) + PADDED(n));
	if (!to)
		return writer->error;
	memcpy(to, &frame, sizeof(frame));
	if (n)
		memcpy(to + sizeof(frame), bytes, n);
	memset(to + sizeof(frame) + n, 0, PADDED(n) - n);
	writer->used += sizeof(frame) + PADDED(n);
	return 0;
}

int stream_writer_put_event(struct stream_writer *writer, const struct stream_event *event)
{
	int err = stream_writer_put(writer, STREAM_FRAME_EVENT, event->head, event->head->bytes);

	writer->events += err == 0;
	return err;
}

int stream_writer_new(int fd, const struct stream_record_header *header, struct stream_writer **ret)
{
	const uint64_t magic = STREAM_RECORD_MAGIC;
	struct stream_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	memcpy(w->buffer, &magic, sizeof(magic));
	w->used = sizeof(magic);
	stream_writer_put(w, STREAM_FRAME_HEADER, header, sizeof(*header));
	if (flush(w)) {
		int err = w->error;

		free(w);
		return err;
	}
	*ret = w;
	return 0;
}

static void row_of(const struct process *p, struct process_row *row)
{
	*row = (struct process_row){
		.start_ns = p->start_ns, .exec_ns = p->exec_ns, .cgroup = p->cgroup, .container = p->container,
		.root_ino = p->root_ino, .cap_effective = p->cap_effective, .cap_permitted = p->cap_permitted,
		.cap_inheritable = p->cap_inheritable, .pid = p->pid, .ppid = p->ppid, .root_dev = p->root_dev,
		.mnt_ns = p->mnt_ns, .pid_ns = p->pid_ns, .user_ns = p->user_ns, .vpid = p->vpid, .vppid = p->vppid,
		.pgid = p->pgid, .vpgid = p->vpgid, .sid = p->sid, .vsid = p->vsid, .uid = p->uid, .euid = p->euid,
		.gid = p->gid, .egid = p->egid, .loginuid = p->loginuid, .tty = p->tty, .host = p->host,
		.from_proc = p->from_proc, .incomplete = p->incomplete, .kthread = p->kthread, .exe_file = p->exe_file,
	};
	memcpy(row->comm, p->comm, sizeof(row->comm));
}

static int put_process(const struct process *p, void *data)
{
	const struct process_text *texts[TEXTS] = { p->exepath, p->args, p->env, p->cwd };
	unsigned char bytes[sizeof(struct process_row) + TEXTS * (HF_DETECT_TEXT_BYTES + 1)];
	struct process_row row;
	size_t n = sizeof(row);

	if (p->exit_ns) /* kept for its children's sake: their ancestry is cut there */
		return 0;
	row_of(p, &row);
	for (size_t i = 0; i < TEXTS; i++) {
		if (!texts[i])
			continue;
		row.has[i] = texts[i]->cut ? 2 : 1;
		row.len[i] = texts[i]->len;
		memcpy(bytes + n, texts[i]->data, texts[i]->len + 1u);
		n += texts[i]->len + 1u;
	}
	memcpy(bytes, &row, sizeof(row));
	return stream_writer_put(data, STREAM_FRAME_PROCESS, bytes, n);
}

int stream_writer_put_tree(struct stream_writer *writer, const struct process_tree *tree)
{
	return process_tree_walk(tree, put_process, writer);
}

int stream_writer_close(struct stream_writer **writer, uint64_t lost)
{
	struct stream_writer *w = *writer;
	struct stream_record_end end = { .lost = lost };
	int err;

	if (!w)
		return 0;
	end.events = w->events;
	stream_writer_put(w, STREAM_FRAME_END, &end, sizeof(end));
	err = flush(w);
	free(w);
	*writer = NULL;
	return err;
}

struct stream_reader {
	int fd;
	bool ended;
	struct process_text *texts[TEXTS];
	struct stream_decoder decoder;
	uint64_t frame[(STREAM_FRAME_BYTES_MAX + 8) / 8]; /* of 64-bit words: aligned */
};

/* 1: all of it, 0: nothing more, -ENODATA: a part of it. */
static int read_all(int fd, void *to, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t r = read(fd, (char *)to + at, n - at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return at ? -ENODATA : 0;
		at += (size_t)r;
	}
	return 1;
}

static void forget_texts(struct stream_reader *reader)
{
	for (size_t i = 0; i < TEXTS; i++)
		process_text_unref(&reader->texts[i]);
}

void stream_reader_free(struct stream_reader **reader)
{
	if (!*reader)
		return;
	forget_texts(*reader);
	free(*reader);
	*reader = NULL;
}

/* I1 */
static int read_frame(struct stream_reader *reader, struct stream_frame *ret)
{
	int r = read_all(reader->fd, ret, sizeof(*ret));

	if (r <= 0)
		return r;
	if (ret->bytes > STREAM_FRAME_BYTES_MAX)
		return -EBADMSG;
	if (!ret->bytes)
		return 1;
	r = read_all(reader->fd, reader->frame, PADDED(ret->bytes));
	return r == 0 ? -ENODATA : r;
}

static int read_header(struct stream_reader *reader, struct stream_record_header *ret)
{
	struct stream_frame frame;
	uint64_t magic;
	int r = read_all(reader->fd, &magic, sizeof(magic));

	if (r < 0 && r != -ENODATA)
		return r;
	if (r != 1 || magic != STREAM_RECORD_MAGIC)
		return -EBADMSG;
	r = read_frame(reader, &frame);
	if (r != 1)
		return r == 0 ? -ENODATA : r;
	if (frame.kind != STREAM_FRAME_HEADER || frame.bytes != sizeof(*ret))
		return -EBADMSG;
	if (frame.version != FRAME_VERSION)
		return -EPROTO;
	memcpy(ret, reader->frame, sizeof(*ret));
	ret->hostname[sizeof(ret->hostname) - 1] = ret->version[sizeof(ret->version) - 1] = '\0';
	return 0;
}

int stream_reader_new(int fd, struct stream_reader **ret, struct stream_record_header *ret_header)
{
	struct stream_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return -ENOMEM;
	reader->fd = fd;
	err = read_header(reader, ret_header);
	if (err)
		stream_reader_free(&reader);
	else
		*ret = reader;
	return err;
}

static void process_of(const struct process_row *row, struct process *p)
{
	*p = (struct process){
		.start_ns = row->start_ns, .exec_ns = row->exec_ns, .cgroup = row->cgroup, .container = row->container,
		.root_ino = row->root_ino, .cap_effective = row->cap_effective, .cap_permitted = row->cap_permitted,
		.cap_inheritable = row->cap_inheritable, .pid = row->pid, .ppid = row->ppid, .root_dev = row->root_dev,
		.mnt_ns = row->mnt_ns, .pid_ns = row->pid_ns, .user_ns = row->user_ns, .vpid = row->vpid,
		.vppid = row->vppid, .pgid = row->pgid, .vpgid = row->vpgid, .sid = row->sid, .vsid = row->vsid,
		.uid = row->uid, .euid = row->euid, .gid = row->gid, .egid = row->egid, .loginuid = row->loginuid,
		.tty = row->tty, .host = row->host, .from_proc = row->from_proc, .incomplete = row->incomplete,
		.kthread = row->kthread, .exe_file = row->exe_file,
	};
	memcpy(p->comm, row->comm, sizeof(p->comm) - 1);
}

static int take_process(struct stream_reader *reader, size_t bytes, struct process *ret)
{
	const char *at = (const char *)reader->frame + sizeof(struct process_row);
	struct process_row row;
	size_t left;

	forget_texts(reader);
	if (bytes < sizeof(row))
		return -EBADMSG;
	memcpy(&row, reader->frame, sizeof(row));
	left = bytes - sizeof(row);
	for (size_t i = 0; i < TEXTS; i++) {
		if (!row.has[i])
			continue;
		if (row.len[i] > HF_DETECT_TEXT_BYTES || row.len[i] >= left || at[row.len[i]])
			return -EBADMSG;
		reader->texts[i] = process_text_new(at, row.len[i], row.has[i] == 2);
		if (!reader->texts[i])
			return -ENOMEM;
		at += row.len[i] + 1;
		left -= row.len[i] + 1u;
	}
	if (left || !row.pid)
		return -EBADMSG;
	process_of(&row, ret);
	ret->exepath = reader->texts[0];
	ret->args = reader->texts[1];
	ret->env = reader->texts[2];
	ret->cwd = reader->texts[3];
	return 0;
}

static int take_frame(struct stream_reader *reader, const struct stream_frame *frame, struct stream_item *ret)
{
	ret->kind = frame->kind;
	ret->bytes = reader->frame;
	ret->n_bytes = frame->bytes;
	switch (ret->kind) {
	case STREAM_FRAME_EVENT:
		return stream_decode(&reader->decoder, reader->frame, frame->bytes, &ret->event);
	case STREAM_FRAME_PROCESS:
		return take_process(reader, frame->bytes, &ret->process);
	case STREAM_FRAME_END:
		if (frame->bytes != sizeof(ret->end))
			return -EBADMSG;
		memcpy(&ret->end, reader->frame, sizeof(ret->end));
		reader->ended = true;
		return 0;
	case STREAM_FRAME_HEADER:
		return -EBADMSG;
	default:
		return 0;
	}
}

int stream_reader_next(struct stream_reader *reader, struct stream_item *ret)
{
	struct stream_frame frame;
	int r;

	do {
		r = read_frame(reader, &frame);
		if (r == 0)
			return reader->ended ? 0 : -ENODATA;
		if (r < 0)
			return r;
		if (reader->ended)
			return -EBADMSG;
	} while (frame.kind == STREAM_FRAME_NONE || frame.kind >= _STREAM_FRAME_MAX);
	if (frame.version != FRAME_VERSION)
		return -EPROTO;
	r = take_frame(reader, &frame, ret);
	return r ? r : 1;
}
