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

#include "enforcer/event_json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define RETRY_NS NSEC_PER_SEC
/* A spool larger than this is given back when it has been emptied. */
#define SPOOL_KEPT_BYTES 65536
#define FILE_MODE 0640

enum sink_method {
	SINK_METHOD_WRITE, /* cannot block, or is a regular file */
	SINK_METHOD_SEND,  /* socket */
	SINK_METHOD_POLL,  /* may block: ask first */
};

struct event_sink {
	struct loop *loop;
	char *name; /* for people: the path, or "standard output" */
	bool is_file;
	uint64_t max_bytes, file_bytes;
	int fd;
	bool owns_fd;
	enum sink_method method;

	char *spool; /* whole lines from start to end */
	size_t start, end, capacity;
	size_t torn; /* bytes of the first line that the current file has already */

	struct loop_source *retry;
	bool congested; /* the reader is slow: wait for it */
	bool failing;	/* logged */
	int error;	/* 0, or what the last attempt met */
	uint64_t dropped, untold;
};

static int allocate_sink(struct loop *loop, const char *name, struct event_sink **ret)
{
	struct event_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->loop = loop;
	sink->fd = -1;
	sink->name = strdup(name);
	if (!sink->name) {
		free(sink);
		return -ENOMEM;
	}
	*ret = sink;
	return 0;
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
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
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

/* A daemon that died in the middle of a line must not spoil the next one. */
static void finish_torn_line(int fd, off_t bytes)
{
	char last = '\n';

	if (bytes > 0 && pread(fd, &last, 1, bytes - 1) == 1 && last != '\n' && write(fd, "\n", 1) != 1)
		return; /* a full disk: the first event will meet it, too */
}

static int open_file(struct event_sink *sink)
{
	_cleanup_(close_fd) int fd = open(sink->name,
					  O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
					  FILE_MODE);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	finish_torn_line(fd, st.st_size);
	close_fd(&sink->fd);
	sink->fd = TAKE_FD(fd);
	sink->owns_fd = true;
	sink->file_bytes = (uint64_t)st.st_size;
	sink->torn = 0;
	return 0;
}

int event_sink_new_file(struct loop *loop, const char *path, uint64_t max_bytes, struct event_sink **ret)
{
	_cleanup_(event_sink_free) struct event_sink *sink = NULL;
	int err = allocate_sink(loop, path, &sink);

	if (err < 0)
		return err;
	sink->is_file = true;
	sink->max_bytes = max_bytes;
	err = open_file(sink);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(sink);
	return 0;
}

static int rotate_file(struct event_sink *sink)
{
	char old[PATH_MAX];

	if (snprintf(old, sizeof(old), "%s.1", sink->name) >= (int)sizeof(old))
		return -ENAMETOOLONG;
	/* Gone already: an earlier attempt got this far, or somebody else moved it. */
	if (rename(sink->name, old) < 0 && errno != ENOENT)
		return -errno;
	return open_file(sink);
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

/* Writes the first line of the spool, n bytes. 0 or -errno. */
static int put_line(struct event_sink *sink, size_t n)
{
	bool full = sink->is_file && sink->max_bytes && sink->file_bytes && sink->file_bytes + n > sink->max_bytes;
	int err = full && !sink->torn ? rotate_file(sink) : 0;

	while (err == 0 && sink->torn < n) {
		ssize_t written = put_bytes(sink, sink->spool + sink->start + sink->torn, n - sink->torn);

		if (written < 0 && errno != EINTR)
			err = -errno;
		if (written > 0) {
			sink->torn += (size_t)written;
			sink->file_bytes += (uint64_t)written;
		}
	}
	return err;
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

static int drain_spool(struct event_sink *sink)
{
	while (sink->start < sink->end) {
		const char *first = sink->spool + sink->start;
		size_t n = (size_t)((const char *)memchr(first, '\n', sink->end - sink->start) - first) + 1;
		int err = put_line(sink, n);

		if (err < 0)
			return err;
		sink->start += n;
		sink->torn = 0;
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
	if (event_json_lost(&json, &loss, clock_ns(CLOCK_REALTIME), &line, &n) == 0 &&
	    spool_line(sink, line, n))
		sink->untold = 0;
}

static void on_retry(uint32_t events, void *data);

/* A slow reader is waited for, anything else is tried again after a while. */
static void arrange_retry(struct event_sink *sink, bool congested)
{
	int err = -EPERM;

	if (sink->retry && sink->congested == congested)
		return;
	loop_unwatch(&sink->retry);
	sink->congested = congested;
	if (congested)
		err = loop_watch(sink->loop, sink->fd, EPOLLOUT, on_retry, sink, &sink->retry);
	if (err < 0)
		err = loop_timer(sink->loop, RETRY_NS, RETRY_NS, on_retry, sink, &sink->retry);
	if (err < 0 && !sink->failing) /* the next event tries again */
		log_warning("events: no retry for %s: %s", sink->name, strerror(-err));
}

static void note_failure(struct event_sink *sink, int err)
{
	bool congested = err == -EAGAIN;

	sink->error = err;
	arrange_retry(sink, congested);
	if (sink->failing || (congested && !sink->untold))
		return;
	sink->failing = true;
	log_error("events: cannot write to %s: %s; up to %u KiB wait in memory, the rest is dropped and counted",
		  sink->name, congested ? "the reader is too slow" : strerror(-err), EVENT_SINK_SPOOL_BYTES >> 10);
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

	if (err < 0 || !sink->untold)
		return err;
	tell_loss(sink);
	return drain_spool(sink);
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

int event_sink_reopen(struct event_sink *sink)
{
	int err = sink->is_file ? open_file(sink) : 0;

	if (err == 0 && sink->start < sink->end)
		flush_sink(sink);
	return err;
}

bool event_sink_is_failing(const struct event_sink *sink)
{
	return sink->failing;
}

uint64_t event_sink_dropped(const struct event_sink *sink)
{
	return sink->dropped;
}

void event_sink_free(struct event_sink **sink)
{
	struct event_sink *gone = *sink;

	if (!gone)
		return;
	if (gone->fd >= 0)
		write_out(gone);
	loop_unwatch(&gone->retry);
	if (gone->owns_fd)
		close_fd(&gone->fd);
	free(gone->spool);
	free(gone->name);
	free(gone);
	*sink = NULL;
}
