// SPDX-License-Identifier: Apache-2.0
/*
 * The enrolling thread: its queue and its life. What it does with a job is in enrol_job.c.
 */
#include "enforcer/enrol.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "enforcer/enrol_forget.h"
#include "enforcer/enrol_internal.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/privilege.h"
#include "enforcer/util.h"

#define SWEEP_NS (30ull * NSEC_PER_SEC) /* how often sets whose grace time ended are looked for, at least */

static struct enrol_job *pop(struct enrol_queue *queue)
{
	struct enrol_job *job = queue->first;

	if (job) {
		queue->first = job->next;
		queue->n--;
		if (!queue->first)
			queue->last = NULL;
		job->next = NULL;
	}
	return job;
}

static void push(struct enrol_queue *queue, struct enrol_job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
	queue->n++;
}

static void wake_main(struct enroller *e)
{
	uint64_t one = 1;

	if (write(e->done_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("enrolment: cannot wake the main thread: %m");
}

static void take_releases(struct enroller *e)
{
	pthread_mutex_lock(&e->lock);
	while (e->n_released)
		layers_release(e->layers, e->released[--e->n_released], clock_ns(CLOCK_MONOTONIC));
	pthread_mutex_unlock(&e->lock);
}

static void remove_set(struct enroller *e, uint32_t id)
{
	int64_t n = enrol_forget_set(e->lsm, e->layers, id);

	if (n < 0)
		log_error("enrolment: cannot remove layer set %u from the catalogue: %s", id, strerror((int)-n));
	else
		log_debug("enrolment: layer set %u removed, %lld entries", id, (long long)n);
}

/* Takes the releases that came in and removes sets whose time is over. */
static void tidy(struct enroller *e)
{
	uint32_t id;

	take_releases(e);
	while ((id = layers_expired(e->layers, clock_ns(CLOCK_MONOTONIC))))
		remove_set(e, id);
}

bool enrol_make_room(struct enroller *e)
{
	uint32_t id;

	take_releases(e);
	id = layers_evict(e->layers);
	if (id)
		remove_set(e, id);
	return id != 0;
}

int enrol_show(struct enroller *e, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret)
{
	int err;

	do
		err = lsm_enrol_file(e->lsm, fd, where, ret);
	while (!err && ret->status == HF_ENROL_FULL && enrol_make_room(e));
	return err;
}

/* Waits for work, at most until the next sweep. NULL: nothing to do but tidy, or stop. */
static struct enrol_job *wait_for_job(struct enroller *e)
{
	struct timespec until;
	struct enrol_job *job;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(e->sweep_ns / NSEC_PER_SEC);
	pthread_mutex_lock(&e->lock);
	while (!e->waiting.first && !e->n_released && !atomic_load(&e->stop)) {
		if (pthread_cond_timedwait(&e->wake, &e->lock, &until))
			break;
	}
	job = pop(&e->waiting);
	pthread_mutex_unlock(&e->lock);
	return job;
}

static void finish(struct enroller *e, struct enrol_job *job)
{
	pthread_mutex_lock(&e->lock);
	push(&e->finished, job);
	pthread_mutex_unlock(&e->lock);
	wake_main(e);
}

static int start_thread(struct enroller *e)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";
	int err = lsm_enrol_register(e->lsm);

	if (err) {
		log_error("enrolment: the kernel half did not register the thread: %s", strerror(-err));
		return err;
	}
	err = privilege_drop_capabilities(reason);
	if (err)
		log_error("enrolment: cannot drop capabilities: %s", reason);
	return err;
}

static void *enrol_thread(void *data)
{
	struct enroller *e = data;
	int err = start_thread(e);

	pthread_mutex_lock(&e->lock);
	e->start_err = err;
	e->started = true;
	pthread_cond_broadcast(&e->wake);
	pthread_mutex_unlock(&e->lock);
	while (!err && !atomic_load(&e->stop)) {
		struct enrol_job *job = wait_for_job(e);

		if (job) {
			enrol_run(e, job);
			finish(e, job);
		}
		tidy(e);
	}
	return NULL;
}

/* Main thread: hands finished jobs back. */
static void on_done(uint32_t events, void *data)
{
	struct enroller *e = data;
	uint64_t n;

	(void)events;
	if (read(e->done_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_error("enrolment: cannot read the wake-up: %m");
	for (;;) {
		struct enrol_job *job;

		pthread_mutex_lock(&e->lock);
		job = pop(&e->finished);
		pthread_mutex_unlock(&e->lock);
		if (!job)
			return;
		job->done(job, job->data);
	}
}

/* Takes out the first job that has waited beyond its deadline. */
static struct enrol_job *take_late(struct enrol_queue *queue, uint64_t now_ns)
{
	struct enrol_job **at = &queue->first, *before = NULL, *late;

	while (*at && (!(*at)->deadline_ns || (*at)->deadline_ns > now_ns)) {
		before = *at;
		at = &before->next;
	}
	if (!*at)
		return NULL;
	late = *at;
	*at = late->next;
	if (queue->last == late)
		queue->last = before;
	queue->n--;
	late->next = NULL;
	return late;
}

/* Main thread, every second: one container's file system that hangs must not keep the others from their policy's answer. */
static void on_tick(uint32_t events, void *data)
{
	struct enroller *e = data;

	(void)events;
	for (;;) {
		struct enrol_job *late;

		pthread_mutex_lock(&e->lock);
		late = take_late(&e->waiting, clock_ns(CLOCK_MONOTONIC));
		pthread_mutex_unlock(&e->lock);
		if (!late)
			return;
		late->err = -ETIMEDOUT;
		snprintf(late->error, sizeof(late->error), "its turn did not come within --enrol-timeout: another container's "
							   "root takes long, or hangs");
		late->done(late, late->data);
	}
}

static int wait_started(struct enroller *e)
{
	int err;

	pthread_mutex_lock(&e->lock);
	while (!e->started)
		pthread_cond_wait(&e->wake, &e->lock);
	err = e->start_err;
	pthread_mutex_unlock(&e->lock);
	return err;
}

/* Its waits end by a clock that nobody sets. */
static void init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int enroller_new(const struct enroller_options *options, struct enroller **ret)
{
	_cleanup_(enroller_free) struct enroller *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->lsm = options->lsm;
	e->workers = options->workers;
	e->images = options->images;
	e->sweep_ns = options->layer_grace_ns < SWEEP_NS ? options->layer_grace_ns + NSEC_PER_SEC : SWEEP_NS;
	pthread_mutex_init(&e->lock, NULL);
	init_condition(&e->wake);
	e->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->done_fd < 0)
		return -errno;
	err = layers_new(options->layer_grace_ns, &e->layers);
	if (!err)
		err = loop_watch(options->loop, e->done_fd, EPOLLIN, on_done, e, &e->source);
	if (!err)
		err = loop_timer(options->loop, NSEC_PER_SEC, NSEC_PER_SEC, on_tick, e, &e->tick);
	if (!err)
		err = -pthread_create(&e->thread, NULL, enrol_thread, e);
	if (err)
		return err;
	e->running = true;
	err = wait_started(e);
	if (err)
		return err;
	*ret = TAKE_PTR(e);
	return 0;
}

static void free_queue(struct enrol_queue *queue)
{
	struct enrol_job *job;

	while ((job = pop(queue)))
		enrol_job_free(&job);
}

void enroller_free(struct enroller **enroller)
{
	struct enroller *e = *enroller;

	if (!e)
		return;
	atomic_store(&e->stop, true);
	if (e->running) {
		pthread_mutex_lock(&e->lock);
		pthread_cond_broadcast(&e->wake);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->thread, NULL);
	}
	loop_unwatch(&e->source);
	loop_unwatch(&e->tick);
	free_queue(&e->waiting);
	free_queue(&e->finished);
	layers_free(&e->layers);
	close_fd(&e->done_fd);
	free(e->released);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
	*enroller = NULL;
}

int enrol_submit(struct enroller *e, struct enrol_job *job)
{
	int err = 0;

	pthread_mutex_lock(&e->lock);
	if (e->waiting.n >= ENROL_QUEUE_MAX) {
		err = -ENOBUFS;
	} else {
		push(&e->waiting, job);
		pthread_cond_signal(&e->wake);
	}
	pthread_mutex_unlock(&e->lock);
	return err;
}

void enrol_job_free(struct enrol_job **job)
{
	if (!*job)
		return;
	close_fd(&(*job)->rootfs_fd);
	free((*job)->root.layers);
	free((*job)->root.upper);
	free((*job)->volumes);
	free(*job);
	*job = NULL;
}

void enrol_release(struct enroller *e, uint32_t layer_set)
{
	pthread_mutex_lock(&e->lock);
	if (e->n_released == e->released_room) {
		uint32_t room = e->released_room ? 2 * e->released_room : 64;
		uint32_t *grown = realloc(e->released, room * sizeof(*grown));

		if (grown) {
			e->released = grown;
			e->released_room = room;
		}
	}
	if (e->n_released < e->released_room)
		e->released[e->n_released++] = layer_set;
	else
		log_error("enrolment: no memory to note that layer set %u is unused; it stays until restart", layer_set);
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
}

int enrol_adopt(struct enroller *e, uint32_t layer_set, const char *identity, bool complete, uint32_t executables)
{
	int err;

	pthread_mutex_lock(&e->lock);
	err = layers_adopt(e->layers, layer_set, identity, complete, executables);
	pthread_mutex_unlock(&e->lock);
	return err;
}

void enrol_adopted_all(struct enroller *e)
{
	int64_t n = enrol_forget_leftovers(e->lsm, e->layers);

	if (n < 0)
		log_error("enrolment: cannot tidy the catalogue: %s", strerror((int)-n));
	else if (n)
		log_info("enrolment: removed %lld catalogue entries that no container uses", (long long)n);
}
