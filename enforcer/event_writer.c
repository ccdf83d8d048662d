// SPDX-License-Identifier: Apache-2.0
/*
 * The thread of the event file. Contracts: event_writer.h.
 *
 * I1: one job at a time. The file is the thread's, which asks the disk for what was written when it has no job.
 * I2: a job whose answer nobody waited for is not given again: its answer is kept until it is asked for.
 */
#include "enforcer/event_writer.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "enforcer/event_file.h"
#include "enforcer/event_json.h"
#include "enforcer/log.h"
#include "enforcer/thread.h"
#include "enforcer/util.h"

_Static_assert(EVENT_JSON_BYTES_MAX + 2 <= EVENT_FILE_UNSURE_BYTES, "a line that is kept is kept whole");

enum job {
	JOB_OPEN,
	JOB_PUT,
	JOB_END,
};

enum state {
	STATE_IDLE,
	STATE_BUSY,
	STATE_DONE, /* the answer is kept */
};

struct event_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	enum state state; /* from here on under the lock, but for what a job owns (I1) */
	enum job job;
	bool late;   /* nobody waits: tell the descriptor */
	bool slow;   /* the last line took too long */
	bool reopen; /* before the next line */
	int err, done_fd;
	char *path;
	struct event_file file; /* I1 */
	uint64_t sync_at;
	bool refused; /* logged */
	char line[EVENT_JSON_BYTES_MAX + 1];
	size_t n;
};

static int do_job(struct event_writer *writer, bool reopen)
{
	if (writer->job == JOB_OPEN)
		return event_file_open(&writer->file);
	if (writer->job == JOB_END) {
		size_t lost = event_file_close(&writer->file);

		if (lost)
			log_error("events: the disk did not take the last %zu lines of %s", lost, writer->path);
		return 0;
	}
	if (reopen)
		event_file_open(&writer->file); /* on failure the old one stays */
	return event_file_put(&writer->file, writer->line, writer->n);
}

static void sync_file(struct event_writer *writer)
{
	int err = event_file_sync(&writer->file);

	if (err && !writer->refused)
		log_error("events: the disk did not take what was written to %s: %s; it is written again until it does", writer->path,
			  strerror(-err));
	if (!err && writer->refused)
		log_info("events: the disk has all of %s", writer->path);
	writer->refused = err != 0;
}

static struct timespec time_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

/* Returns when there may be a job. The lock is not held while the disk is waited for. */
static void await_job(struct event_writer *writer)
{
	struct timespec limit = time_of(writer->sync_at);

	if (!event_file_is_unsure(&writer->file)) {
		pthread_cond_wait(&writer->wake, &writer->lock);
		return;
	}
	if (pthread_cond_timedwait(&writer->wake, &writer->lock, &limit) != ETIMEDOUT || writer->state == STATE_BUSY)
		return;
	pthread_mutex_unlock(&writer->lock);
	sync_file(writer);
	pthread_mutex_lock(&writer->lock);
	writer->sync_at = clock_ns(CLOCK_MONOTONIC) + EVENT_WRITER_SYNC_NS;
}

static void run(void *data)
{
	struct event_writer *writer = data;
	bool end = false;

	pthread_mutex_lock(&writer->lock);
	while (!end) {
		bool reopen = writer->reopen;
		int err;

		if (writer->state != STATE_BUSY) {
			await_job(writer);
			continue;
		}
		writer->reopen = false;
		end = writer->job == JOB_END;
		pthread_mutex_unlock(&writer->lock);
		err = do_job(writer, reopen);
		pthread_mutex_lock(&writer->lock);
		writer->err = err;
		writer->state = STATE_DONE;
		if (writer->late)
			eventfd_write(writer->done_fd, 1);
		pthread_cond_signal(&writer->done);
	}
	pthread_mutex_unlock(&writer->lock);
}

/* Takes the answer that is kept. */
static int take_answer(struct event_writer *writer)
{
	eventfd_t told;

	if (writer->late)
		eventfd_read(writer->done_fd, &told);
	writer->late = false;
	writer->state = STATE_IDLE;
	return writer->err;
}

static int wait_for_answer(struct event_writer *writer, uint64_t ns)
{
	struct timespec limit = time_of(clock_ns(CLOCK_MONOTONIC) + ns);
	int err = 0;

	while (writer->state == STATE_BUSY && !err)
		err = pthread_cond_timedwait(&writer->done, &writer->lock, &limit);
	writer->slow = writer->state == STATE_BUSY;
	if (writer->state == STATE_DONE)
		return take_answer(writer);
	writer->late = true;
	return -ETIMEDOUT;
}

/* I2 */
static int give_job(struct event_writer *writer, enum job job, uint64_t wait_ns)
{
	int err = -ETIMEDOUT;

	if (writer->state == STATE_DONE) {
		err = take_answer(writer);
		if (job == JOB_PUT && writer->job == JOB_PUT)
			return err;
	}
	if (writer->state == STATE_BUSY) {
		writer->reopen |= job == JOB_OPEN;
		return -ETIMEDOUT;
	}
	writer->job = job;
	writer->state = STATE_BUSY;
	pthread_cond_signal(&writer->wake);
	return wait_for_answer(writer, wait_ns);
}

int event_writer_open(struct event_writer *writer)
{
	int err;

	pthread_mutex_lock(&writer->lock);
	err = give_job(writer, JOB_OPEN, EVENT_WRITER_OPEN_NS);
	pthread_mutex_unlock(&writer->lock);
	return err;
}

int event_writer_put(struct event_writer *writer, const char *line, size_t n)
{
	int err = -EMSGSIZE;

	pthread_mutex_lock(&writer->lock);
	if (n <= sizeof(writer->line)) {
		if (writer->state == STATE_IDLE || (writer->state == STATE_DONE && writer->job != JOB_PUT)) {
			memcpy(writer->line, line, n);
			writer->n = n;
		}
		err = give_job(writer, JOB_PUT, writer->slow ? EVENT_WRITER_SLOW_NS : EVENT_WRITER_WAIT_NS);
	}
	pthread_mutex_unlock(&writer->lock);
	return err;
}

int event_writer_fd(const struct event_writer *writer)
{
	return writer->done_fd;
}

static int init_locks(struct event_writer *writer)
{
	pthread_condattr_t attr;
	int err = pthread_condattr_init(&attr);

	if (!err)
		err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!err)
		err = pthread_cond_init(&writer->done, &attr);
	if (!err)
		err = pthread_cond_init(&writer->wake, &attr);
	pthread_condattr_destroy(&attr);
	return err ? -err : -pthread_mutex_init(&writer->lock, NULL);
}

static void release(struct event_writer *writer)
{
	close_fd(&writer->done_fd);
	free(writer->path);
	free(writer);
}

int event_writer_new(const char *path, uint64_t max_bytes, struct event_writer **ret)
{
	struct event_writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	writer->path = strdup(path);
	writer->file = (struct event_file){ .path = writer->path, .max_bytes = max_bytes, .fd = -1 };
	err = writer->done_fd < 0 ? -errno : writer->path ? init_locks(writer) : -ENOMEM;
	if (!err)
		err = thread_start(&writer->thread, "event-file", run, writer);
	if (err) {
		release(writer);
		return err;
	}
	*ret = writer;
	return 0;
}

void event_writer_free(struct event_writer **writer)
{
	struct event_writer *gone = *writer;
	int err;

	if (!gone)
		return;
	*writer = NULL;
	pthread_mutex_lock(&gone->lock);
	err = gone->state == STATE_BUSY ? wait_for_answer(gone, EVENT_WRITER_OPEN_NS) : 0;
	if (gone->state != STATE_BUSY)
		err = give_job(gone, JOB_END, EVENT_WRITER_OPEN_NS);
	pthread_mutex_unlock(&gone->lock);
	if (err == -ETIMEDOUT) {
		pthread_detach(gone->thread);
		return; /* the thread has it still */
	}
	pthread_join(gone->thread, NULL);
	release(gone);
}
