// SPDX-License-Identifier: Apache-2.0
/*
 * Digests for events: a thread that opens roots of containers and has a child read the files, a small memory of what it found.
 *
 *   I1  Every question that was accepted is answered exactly once, on the main thread, also at the stop.
 *   I2  A file is believed to be the one that was asked for by its size and change time, which whoever is in a container cannot
 *       set back; by its path alone nothing is believed.
 */
#include "enforcer/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "enforcer/images.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/thread.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define REMEMBERED_MAX 256 /* a storm of drift is about few files */
#define FILE_BYTES_MAX (256ull << 20) /* what can be hashed before the deadline */

struct question {
	struct digest_request request; /* path owned */
	uint64_t deadline_ns;
	digests_done_fn done;
	void *data;
	int err;
	struct imagedb_digest digest;
	struct question *next;
};

struct remembered {
	uint64_t ino, size, ctime_ns;
	uint32_t dev, generation;
	struct imagedb_digest digest;
};

struct queue {
	struct question *first, *last;
};

/* lock guards waiting and finished; remembered and n belong to the main thread. */
struct digests {
	struct images *images;
	struct workers *workers;
	struct loop_source *source;
	struct worker *worker; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue waiting, finished;
	struct remembered remembered[REMEMBERED_MAX];
	size_t next_remembered;
	unsigned int n; /* questions that were accepted and not answered */
	atomic_bool stop;
	bool running;
	int done_fd;
};

static void push(struct queue *queue, struct question *question)
{
	question->next = NULL;
	if (queue->last)
		queue->last->next = question;
	else
		queue->first = question;
	queue->last = question;
}

static struct question *pop(struct queue *queue)
{
	struct question *question = queue->first;

	if (question)
		queue->first = question->next;
	if (!queue->first)
		queue->last = NULL;
	return question;
}

static void free_question(struct question *question)
{
	free((char *)question->request.path);
	free(question);
}

/* --- the thread ----------------------------------------------------------------------------------------------------- */

static int hash(struct digests *d, struct question *question, int root_fd)
{
	const struct digest_request *request = &question->request;
	struct worker_hash file = { .root_fd = root_fd, .path = request->path, .size = request->size,
				    .ctime_ns = request->ctime_ns, .max_bytes = FILE_BYTES_MAX,
				    .deadline_ns = question->deadline_ns };
	int err = d->worker ? 0 : worker_new(d->workers, false, &d->worker);

	if (!err)
		err = worker_hash(d->worker, &file, &d->stop, &question->digest);
	if (err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -ECANCELED)
		worker_free(&d->worker);
	return err;
}

static int hash_in_root_of(struct digests *d, struct question *question, pid_t pid)
{
	_cleanup_(close_fd) int fd = -1;
	char path[32];

	if (pid <= 0)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : hash(d, question, fd);
}

/* The process that tried may have gone, or see another root than its container does. */
static int answer(struct digests *d, struct question *question)
{
	const struct digest_request *request = &question->request;
	struct imagedb_store_inode inode = { .ino = request->ino, .dev = request->dev, .generation = request->generation };
	int err;

	if (!images_find_digest(d->images, &inode, request->size, request->ctime_ns, &question->digest))
		return 0;
	if (clock_ns(CLOCK_MONOTONIC) >= question->deadline_ns)
		return -ETIMEDOUT;
	err = hash_in_root_of(d, question, question->request.pid);
	if ((err == -ENOENT || err == -ESTALE || err == -ESRCH) && question->request.init != question->request.pid)
		err = hash_in_root_of(d, question, question->request.init);
	return err;
}

static struct question *wait_for_question(struct digests *d)
{
	struct question *question;

	pthread_mutex_lock(&d->lock);
	while (!d->waiting.first && !atomic_load(&d->stop))
		pthread_cond_wait(&d->wake, &d->lock);
	question = atomic_load(&d->stop) ? NULL : pop(&d->waiting);
	pthread_mutex_unlock(&d->lock);
	return question;
}

static void run(void *data)
{
	struct digests *d = data;
	struct question *question;

	while ((question = wait_for_question(d))) {
		uint64_t one = 1;

		question->err = answer(d, question);
		pthread_mutex_lock(&d->lock);
		push(&d->finished, question);
		pthread_mutex_unlock(&d->lock);
		if (write(d->done_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
			log_error("digests: cannot wake the main thread: %m");
	}
	worker_free(&d->worker);
}

/* --- the main thread ------------------------------------------------------------------------------------------------ */

static const struct remembered *find(const struct digests *d, const struct digest_request *request)
{
	for (size_t i = 0; i < REMEMBERED_MAX; i++) {
		const struct remembered *r = &d->remembered[i];

		if (r->digest.algorithms && r->ino == request->ino && r->dev == request->dev &&
		    r->generation == request->generation && r->size == request->size && r->ctime_ns == request->ctime_ns)
			return r;
	}
	return NULL;
}

static void remember(struct digests *d, const struct question *question)
{
	const struct digest_request *request = &question->request;

	if (question->err || find(d, request))
		return;
	d->remembered[d->next_remembered++ % REMEMBERED_MAX] = (struct remembered){
		.ino = request->ino, .dev = request->dev, .generation = request->generation, .size = request->size,
		.ctime_ns = request->ctime_ns, .digest = question->digest,
	};
}

static void deliver(struct digests *d, struct question *question)
{
	d->n--;
	remember(d, question);
	question->done(question->err, question->err ? NULL : &question->digest, question->data);
	free_question(question);
}

static void on_done(uint32_t events, void *data)
{
	struct digests *d = data;
	uint64_t n;

	(void)events;
	if (read(d->done_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_error("digests: cannot read the wake-up: %m");
	for (;;) {
		struct question *question;

		pthread_mutex_lock(&d->lock);
		question = pop(&d->finished);
		pthread_mutex_unlock(&d->lock);
		if (!question)
			return;
		deliver(d, question);
	}
}

int digests_new(struct images *images, struct workers *workers, struct loop *loop, struct digests **ret)
{
	_cleanup_(digests_free) struct digests *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return -ENOMEM;
	d->images = images;
	d->workers = workers;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->done_fd < 0)
		return -errno;
	err = loop_watch(loop, d->done_fd, EPOLLIN, on_done, d, &d->source);
	if (!err && workers)
		err = thread_start(&d->thread, "digests", run, d);
	if (err)
		return err;
	d->running = workers != NULL;
	*ret = TAKE_PTR(d);
	return 0;
}

void digests_cancel(struct digests *d)
{
	struct question *question;

	if (!d)
		return;
	atomic_store(&d->stop, true);
	if (d->running) {
		pthread_mutex_lock(&d->lock);
		pthread_cond_broadcast(&d->wake);
		pthread_mutex_unlock(&d->lock);
		pthread_join(d->thread, NULL);
		d->running = false;
	}
	while ((question = pop(&d->finished)))
		deliver(d, question);
	while ((question = pop(&d->waiting))) {
		question->err = -ECANCELED;
		deliver(d, question);
	}
}

void digests_free(struct digests **digests)
{
	struct digests *d = *digests;

	if (!d)
		return;
	digests_cancel(d);
	loop_unwatch(&d->source);
	close_fd(&d->done_fd);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
	*digests = NULL;
}

static struct question *make_question(const struct digest_request *request, digests_done_fn done, void *data)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->request = *request;
	question->request.path = strndup(request->path, request->path_len);
	if (!question->request.path) {
		free(question);
		return NULL;
	}
	question->deadline_ns = clock_ns(CLOCK_MONOTONIC) + DIGESTS_DEADLINE_NS;
	question->done = done;
	question->data = data;
	return question;
}

int digests_of_file(struct digests *d, const struct digest_request *request, digests_done_fn done, void *data,
		    struct imagedb_digest *ret)
{
	const struct remembered *known = d ? find(d, request) : NULL;
	struct question *question;

	if (known) {
		*ret = known->digest;
		return 0;
	}
	if (!d || !d->running)
		return -EOPNOTSUPP;
	if (!request->path_len || request->path[0] != '/')
		return -ENOENT;
	if (request->size > FILE_BYTES_MAX)
		return -EFBIG;
	if (d->n >= DIGESTS_WAITING_MAX)
		return -EBUSY;
	question = make_question(request, done, data);
	if (!question)
		return -ENOMEM;
	d->n++;
	pthread_mutex_lock(&d->lock);
	push(&d->waiting, question);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	return -EINPROGRESS;
}

const char *digests_error(int err)
{
	switch (err) {
	case -ENOENT:
	case -ESRCH:
		return "the file has gone";
	case -ESTALE:
	case -EAGAIN:
		return "the file has changed";
	case -EFBIG:
		return "the file is too long";
	case -ETIMEDOUT:
		return "reading the file took too long";
	case -EBUSY:
		return "too many files were asked for at once";
	case -EPIPE:
	case -EPROTO:
		return "the child that read it died";
	case -EOPNOTSUPP:
	case -ECANCELED:
		return "no digests are computed";
	case -EINVAL:
		return "no regular file";
	default:
		return "the file cannot be read";
	}
}
