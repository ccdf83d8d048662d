// SPDX-License-Identifier: Apache-2.0
/*
 * One sink: write, spool while that fails, try again, rotate.
 *
 * Owns: the descriptor and the spool. Must not know: other sinks. Contracts: event_sink.h.
 *
 * I1: the flags of an inherited descriptor are shared with other processes and never changed. A pipe or terminal is
 *     opened anew through /proc, which gives non-blocking writes of our own; a socket is told with each send; whatever
 *     is left is polled first and given no more than a pipe takes without blocking.
 * I2: a line that was written in part is finished before anything else is written to the same file.
 * I3: an error is logged when it begins and when it has ended, not in between.
 */
#include "enforcer/event_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "enforcer/event_file.h"
#include "enforcer/event_json.h"
#include "enforcer/event_writer.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define RETRY_NS NSEC_PER_SEC
/* A spool larger than this is given back when it has been emptied. */
#define SPOOL_KEPT_BYTES 65536
/* In the spool, before a line that is no event; events begin with a brace. */
#define MARK_ASIDE '\001'

enum sink_method {
	SINK_METHOD_WRITE, /* cannot block, or is a regular file */
	SINK_METHOD_SEND,  /* socket */
	SINK_METHOD_POLL,  /* may block: ask first */
};

struct event_sink {
	struct loop *loop;
	char *name; /* for people: the path, or "standard output" */
	bool is_file;
	struct event_writer *writer; /* of a file */
	int fd; /* of a stream */
	bool owns_fd;
	bool ragged; /* a stream that is a file, and ends in the middle of a line */
	enum sink_method method;

	char *spool; /* whole lines from start to end */
	size_t start, end, capacity;
	size_t torn; /* bytes of the first line that the stream has already */
	uint64_t telling; /* the first line is about that many missing ones */

	struct loop_source *retry;
	int awaited; /* what the retry waits for: -EAGAIN the reader, -ETIMEDOUT the disk, 0 its timer */
	bool failing;	/* logged */
	int error;	/* 0, or what the last attempt met */
	uint64_t dropped, untold;
	__u64 own_accepted, *accepted; /* lines that were taken, or told to be missing */
};

static int allocate_sink(struct loop *loop, const char *name, struct event_sink **ret)
{
	struct event_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->loop = loop;
	sink->fd = -1;
	sink->accepted = &sink->own_accepted;
	sink->name = strdup(name);
	if (!sink->name) {
		free(sink);
		return -ENOMEM;
	}
	*ret = sink;
	return 0;
}

/* What a daemon that died has left in a file that is standard output. */
static bool is_ragged(const char *path, uint64_t bytes)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && event_file_is_ragged(fd, bytes);
}

/* I1 */
static int open_stream(struct event_sink *sink, int fd)
{
	char path[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	sink->fd = fd;
	sink->method = S_ISREG(st.st_mode) ? SINK_METHOD_WRITE : S_ISSOCK(st.st_mode) ? SINK_METHOD_SEND : SINK_METHOD_POLL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISREG(st.st_mode))
		sink->ragged = is_ragged(path, (uint64_t)st.st_size);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return 0;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return 0;
	sink->fd = fd;
	sink->owns_fd = true;
	sink->method = SINK_METHOD_WRITE;
	return 0;
}

int event_sink_new_stream(struct loop *loop, int fd, struct event_sink **ret)
{
	_cleanup_(event_sink_free) struct event_sink *sink = NULL;
	int err = allocate_sink(loop, "standard output", &sink);

	if (err < 0)
		return err;
	err = open_stream(sink, fd);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(sink);
	return 0;
}

static void note_failure(struct event_sink *sink, int err);

/* What may pass by itself, as opposed to a mistake in the path: the daemon starts and tries again. */
static bool may_pass(int err)
{
	static const int passing[] = { ENOSPC, EDQUOT, EROFS, EIO, ENOMEM, EMFILE, ENFILE, ESTALE, ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (err == -passing[i])
			return true;
	return false;
}

int event_sink_new_file(struct loop *loop, const char *path, uint64_t max_bytes, struct event_sink **ret)
{
	_cleanup_(event_sink_free) struct event_sink *sink = NULL;
	int err = allocate_sink(loop, path, &sink);

	if (err < 0)
		return err;
	sink->is_file = true;
	err = event_writer_new(path, max_bytes, &sink->writer);
	if (err < 0)
		return err;
	err = event_writer_open(sink->writer);
	if (err < 0 && !may_pass(err))
		return err;
	if (err < 0)
		note_failure(sink, err);
	*ret = TAKE_PTR(sink);
	return 0;
}

static ssize_t put_bytes(struct event_sink *sink, const char *bytes, size_t n)
{
	struct pollfd ready = { .fd = sink->fd, .events = POLLOUT };

	switch (sink->method) {
	case SINK_METHOD_SEND:
		return send(sink->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SINK_METHOD_POLL:
		if (poll(&ready, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(sink->fd, bytes, n < PIPE_BUF ? n : PIPE_BUF);
	default:
		return write(sink->fd, bytes, n);
	}
}

static int put_stream_line(struct event_sink *sink, const char *line, size_t n)
{
	int err = 0;

	if (sink->ragged && put_bytes(sink, "\n", 1) != 1)
		return -errno;
	sink->ragged = false;
	while (err == 0 && sink->torn < n) {
		ssize_t written = put_bytes(sink, line + sink->torn, n - sink->torn);

		if (written < 0 && errno != EINTR)
			err = -errno;
		if (written > 0)
			sink->torn += (size_t)written;
	}
	if (err == 0)
		sink->torn = 0;
	return err;
}

/* Writes the first line of the spool, n bytes. 0 or -errno. */
static int put_line(struct event_sink *sink, const char *line, size_t n)
{
	return sink->is_file ? event_writer_put(sink->writer, line, n) : put_stream_line(sink, line, n);
}

static void shrink_spool(struct event_sink *sink)
{
	sink->start = sink->end = 0;
	if (sink->capacity <= SPOOL_KEPT_BYTES)
		return;
	free(sink->spool);
	sink->spool = NULL;
	sink->capacity = 0;
}

/* Room for n bytes behind the end. False when the spool is full, or there is no memory. */
static bool reserve_spool(struct event_sink *sink, size_t n)
{
	size_t used = sink->end - sink->start, wanted = sink->capacity ? sink->capacity : SPOOL_KEPT_BYTES;
	char *spool;

	if (n > EVENT_SINK_SPOOL_BYTES - used)
		return false;
	if (sink->end + n <= sink->capacity)
		return true;
	if (used > 0)
		memmove(sink->spool, sink->spool + sink->start, used);
	sink->start = 0;
	sink->end = used;
	while (wanted < used + n)
		wanted *= 2;
	if (wanted == sink->capacity)
		return true;
	spool = realloc(sink->spool, wanted);
	if (!spool)
		return false;
	sink->spool = spool;
	sink->capacity = wanted;
	return true;
}

static bool spool_line(struct event_sink *sink, const char *line, size_t bytes)
{
	if (!reserve_spool(sink, bytes + 1))
		return false;
	memcpy(sink->spool + sink->end, line, bytes);
	sink->spool[sink->end + bytes] = '\n';
	sink->end += bytes + 1;
	return true;
}

/* The first line of the spool has been written: an event's, or the one about those that are missing. */
static void note_accepted(struct event_sink *sink)
{
	uint64_t n = sink->telling ? sink->telling : 1;

	__atomic_store_n(sink->accepted, *sink->accepted + n, __ATOMIC_RELEASE);
	sink->untold -= sink->telling;
	sink->telling = 0;
}

static int drain_spool(struct event_sink *sink)
{
	while (sink->start < sink->end) {
		const char *first = sink->spool + sink->start;
		size_t n = (size_t)((const char *)memchr(first, '\n', sink->end - sink->start) - first) + 1;
		bool aside = *first == MARK_ASIDE;
		int err = put_line(sink, first + aside, n - aside);

		if (err < 0)
			return err;
		sink->start += n;
		if (!aside)
			note_accepted(sink);
	}
	shrink_spool(sink);
	return 0;
}

/* What was dropped in between is itself an event for whoever reads this sink. */
static void tell_loss(struct event_sink *sink)
{
	_cleanup_(json_release) struct json json;
	char where[128];
	struct event_loss loss = { .count = sink->untold, .where = where, .output = sink->is_file ? "file" : "stdout" };
	const char *line;
	size_t n;

	json_init(&json, EVENT_JSON_BYTES_MAX);
	snprintf(where, sizeof(where), "%.80s could not be written for a while", sink->name);
	if (event_json_lost(&json, &loss, clock_ns(CLOCK_REALTIME), &line, &n) == 0 && spool_line(sink, line, n))
		sink->telling = sink->untold;
}

static void on_retry(uint32_t events, void *data);

/* A slow reader or disk is waited for, anything else is tried again after a while. */
static void arrange_retry(struct event_sink *sink, int error)
{
	int awaited = error == -EAGAIN || error == -ETIMEDOUT ? error : 0, err = -EPERM;

	if (sink->retry && sink->awaited == awaited)
		return;
	loop_unwatch(&sink->retry);
	sink->awaited = awaited;
	if (error == -EAGAIN)
		err = loop_watch(sink->loop, sink->fd, EPOLLOUT, on_retry, sink, &sink->retry);
	else if (error == -ETIMEDOUT && sink->writer)
		err = loop_watch(sink->loop, event_writer_fd(sink->writer), EPOLLIN, on_retry, sink, &sink->retry);
	if (err < 0)
		err = loop_timer(sink->loop, RETRY_NS, RETRY_NS, on_retry, sink, &sink->retry);
	if (err < 0 && !sink->failing) /* the next event tries again */
		log_warning("events: no retry for %s: %s", sink->name, strerror(-err));
}

static void note_failure(struct event_sink *sink, int err)
{
	bool congested = err == -EAGAIN;
	const char *why = congested ? "the reader is too slow" : err == -ETIMEDOUT ? "the disk does not answer" : strerror(-err);

	sink->error = err;
	arrange_retry(sink, err);
	if (sink->failing || (congested && !sink->untold))
		return;
	sink->failing = true;
	log_error("events: cannot write to %s: %s; up to %u KiB wait in memory, the rest is dropped and counted",
		  sink->name, why, EVENT_SINK_SPOOL_BYTES >> 10);
}

static void note_success(struct event_sink *sink)
{
	loop_unwatch(&sink->retry);
	sink->error = 0;
	if (!sink->failing)
		return;
	sink->failing = false;
	log_info("events: writing to %s again; %llu lines were dropped so far", sink->name,
		 (unsigned long long)sink->dropped);
}

static int write_out(struct event_sink *sink)
{
	int err = drain_spool(sink);


	while (err == 0 && sink->untold) {
		tell_loss(sink);
		if (!sink->telling)
			return -ENOMEM;
		err = drain_spool(sink);
	}
	return err;
}

static void flush_sink(struct event_sink *sink)
{
	int err = write_out(sink);

	if (err < 0)
		note_failure(sink, err);
	else
		note_success(sink);
}

static void on_retry(uint32_t events, void *data)
{
	(void)events;
	flush_sink(data);
}

void event_sink_write(struct event_sink *sink, const char *line, size_t bytes)
{
	if (!spool_line(sink, line, bytes)) {
		sink->dropped++;
		sink->untold++;
		note_failure(sink, sink->error ? sink->error : -ENOMEM);
		return;
	}
	/* An error other than a slow reader's is left to the timer, so that a burst of events does not hammer on it. */
	if (sink->error == 0 || sink->error == -EAGAIN || !sink->retry)
		flush_sink(sink);
}

bool event_sink_write_aside(struct event_sink *sink, const char *line, size_t bytes)
{
	if (sink->end - sink->start + bytes + 2 > EVENT_SINK_SPOOL_BYTES / 2 || !reserve_spool(sink, bytes + 2)) {
		note_failure(sink, sink->error ? sink->error : -ENOMEM);
		return false;
	}
	sink->spool[sink->end++] = MARK_ASIDE;
	spool_line(sink, line, bytes);
	if (sink->error == 0 || sink->error == -EAGAIN || !sink->retry)
		flush_sink(sink);
	return true;
}

int event_sink_reopen(struct event_sink *sink)
{
	int err = sink->is_file ? event_writer_open(sink->writer) : 0;

	if (err == 0 && sink->start < sink->end)
		flush_sink(sink);
	return err;
}

void event_sink_keep_note(struct event_sink *sink, __u64 *note, uint64_t value, uint64_t missing)
{
	__atomic_store_n(note, value, __ATOMIC_RELEASE);
	sink->accepted = note;
	sink->untold += missing;
	sink->dropped += missing;
	if (missing && sink->start == sink->end)
		flush_sink(sink);
}

void event_sink_leave_note(struct event_sink *sink)
{
	write_out(sink);
	shrink_spool(sink);
	sink->telling = 0;
	sink->untold = 0;
	sink->own_accepted = *sink->accepted;
	sink->accepted = &sink->own_accepted;
}

bool event_sink_is_failing(const struct event_sink *sink)
{
	return sink->failing;
}

uint64_t event_sink_dropped(const struct event_sink *sink)
{
	return sink->dropped;
}

size_t event_sink_waiting(const struct event_sink *sink)
{
	return sink->end - sink->start;
}

void event_sink_free(struct event_sink **sink)
{
	struct event_sink *gone = *sink;

	if (!gone)
		return;
	if (gone->fd >= 0 || gone->writer)
		write_out(gone);
	event_writer_free(&gone->writer);
	loop_unwatch(&gone->retry);
	if (gone->owns_fd)
		close_fd(&gone->fd);
	free(gone->spool);
	free(gone->name);
	free(gone);
	*sink = NULL;
}
