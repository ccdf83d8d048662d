// SPDX-License-Identifier: Apache-2.0
/*
 * The thread and its two sources: notices (an image file was opened for writing) and events (somebody was kept from running a file).
 *
 *   I1  Nothing here gives permission: the kernel half enters an answer itself, on the question of the registered thread.
 *   I2  What is lost (a full ring, a full queue, a daemon that was killed) leaves a file unsettled, which its next exec tells of.
 */
#include "enforcer/settle.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/event_json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/ring_map.h"
#include "enforcer/settle_image.h"
#include "enforcer/settle_learn.h"
#include "enforcer/settle_queue.h"
#include "enforcer/settle_work.h"
#include "enforcer/state.h"
#include "enforcer/thread.h"
#include "enforcer/volumes.h"

#define IDLE_NS (2 * NSEC_PER_SEC) /* the child stays for that long after the last file */
#define VISIT_NOTICES 1024 /* taken in one visit, before others on the loop have their turn */
#define LAST_EPOCH 255u /* HF_WRITTEN_TOLD has room for no more */

/* A root to be learned, or whose container has gone. */
struct order {
	struct settle_place place;
	bool gone;
	struct order *next;
};

/* lock guards queue, orders and status; image and learn_ns belong to the thread, the rest to the main thread. */
struct settler {
	struct daemon *daemon;
	struct loop_source *source;
	struct settle_image image;
	struct settle_queue *queue;
	struct order *orders, **last_order;
	struct settle_status status;
	uint64_t learn_ns; /* before that, nothing is learned: the pace */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop;
	bool running;
};

/* --- the thread ------------------------------------------------------------------------------------------------------- */

static int prepare(void *data)
{
	struct settler *s = data;
	int err = lsm_settle_register(s->daemon->lsm);

	if (err)
		log_error("settling: the kernel half did not register the thread: %s", strerror(-err));
	return err;
}

/* Until then, the stop or, with early, a new file. The lock is held. */
static void wait_until(struct settler *s, uint64_t until_ns, bool early)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), most = now + 3600 * NSEC_PER_SEC;
	struct timespec at;

	until_ns = until_ns < most ? until_ns : most;
	at = (struct timespec){ .tv_sec = (time_t)(until_ns / NSEC_PER_SEC), .tv_nsec = (long)(until_ns % NSEC_PER_SEC) };
	while (!atomic_load(&s->stop) && pthread_cond_timedwait(&s->wake, &s->lock, &at) != ETIMEDOUT) {
		if (early)
			return;
	}
}

/* As much as the image database may read, on average: until when what was read now is enough. */
static uint64_t keep_pace(struct settler *s)
{
	uint64_t read_bytes = s->image.read_bytes, per_second = s->daemon->options.digest_bytes_per_second;

	s->image.read_bytes = 0;
	if (!read_bytes || !per_second)
		return 0;
	return clock_ns(CLOCK_MONOTONIC) + (uint64_t)((double)read_bytes / (double)per_second * (double)NSEC_PER_SEC);
}

static void obey(struct settler *s, const struct order *order)
{
	if (order->gone)
		learner_forget(s->image.learner, order->place.container);
	else if (learner_add(s->image.learner, &order->place))
		s->status.refused++;
}

/* The lock is held. */
static void take_orders(struct settler *s)
{
	while (s->orders) {
		struct order *order = s->orders;

		s->orders = order->next;
		obey(s, order);
		free(order);
	}
	s->last_order = &s->orders;
	s->status.learning = learner_left(s->image.learner);
}

/* Whether something is to be learned now; if not yet, *due_ns is when. The lock is held. */
static bool may_learn(struct settler *s, uint64_t now_ns, uint64_t *due_ns)
{
	uint64_t at_ns;

	take_orders(s);
	at_ns = learner_due(s->image.learner);
	at_ns = s->learn_ns > at_ns ? s->learn_ns : at_ns;
	if (at_ns > now_ns)
		*due_ns = at_ns < *due_ns ? at_ns : *due_ns;
	return at_ns <= now_ns;
}

/* True: the next file, NULL: something is to be learned; false: stop. The lock is held. */
static bool wait_for_work(struct settler *s, const struct settle_file **ret)
{
	bool resting = false;

	while (!atomic_load(&s->stop)) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC), due;

		*ret = settle_queue_next(s->queue, now, &due);
		if (*ret || may_learn(s, now, &due))
			return true;
		if (!resting && s->image.worker && due > now + IDLE_NS) {
			wait_until(s, now + IDLE_NS, true);
			resting = true;
			continue;
		}
		if (resting)
			settle_image_rest(&s->image);
		wait_until(s, due, true);
	}
	return false;
}

/* The lock is held, but not while the file is read. */
static void settle(struct settler *s, const struct settle_ops *ops, const struct settle_file *file)
{
	enum settle_result result;

	pthread_mutex_unlock(&s->lock);
	result = settle_compare(ops, file);
	pthread_mutex_lock(&s->lock);
	s->status.given_up += settle_queue_done(s->queue, result, clock_ns(CLOCK_MONOTONIC));
	wait_until(s, keep_pace(s), false);
}

static void learn(struct settler *s)
{
	pthread_mutex_unlock(&s->lock);
	learner_step(s->image.learner, clock_ns(CLOCK_MONOTONIC));
	pthread_mutex_lock(&s->lock);
	s->learn_ns = keep_pace(s);
}

static void run(void *data)
{
	const struct settle_file *file;
	struct settler *s = data;
	struct settle_ops ops;

	settle_image_ops(&s->image, &ops);
	pthread_mutex_lock(&s->lock);
	while (wait_for_work(s, &file)) {
		if (file)
			settle(s, &ops, file);
		else
			learn(s);
	}
	pthread_mutex_unlock(&s->lock);
	settle_image_rest(&s->image);
}

/* --- the main thread -------------------------------------------------------------------------------------------------- */

/* Whether its policy wants copies of the image's executables to be told from other new files. */
static bool wants_copies(struct settler *s, const struct container *c)
{
	const struct hf_policy *policy = lsm_policy(s->daemon->lsm, c->policy_slot);

	for (int class_ = 0; policy && class_ < _HF_CLASS_MAX; class_++) {
		if (policy->copies[class_] < HF_ACTION_DENY)
			return true;
	}
	return false;
}

static struct settle_place place_of(struct settler *s, const struct container *c)
{
	return (struct settle_place){
		.container = c->kernel_id, .pid = c->pid, .layer_set = c->layer_set, .root_dev = c->root_dev,
		.root_ino = c->root_ino, .on_overlay = c->own_overlay, .copies = wants_copies(s, c), .layers = c->layers,
	};
}

static void add(struct settler *s, const struct container *c, const char *path)
{
	struct settle_place place = place_of(s, c);
	int err;

	if (!s->running || !c->layer_set || path[0] != '/')
		return;
	pthread_mutex_lock(&s->lock);
	err = settle_queue_add(s->queue, &place, path + 1, clock_ns(CLOCK_MONOTONIC));
	if (err)
		s->status.refused++;
	else
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* A file of a plain root: whichever container runs on it. */
static const struct container *find_on_plain_root(struct settler *s, const struct hf_notice *notice)
{
	struct hf_catalog_key key = { .ino = notice->ino, .dev = notice->dev, .generation = notice->generation };

	for (size_t i = 0; i < container_count(s->daemon->containers); i++) {
		const struct container *c = container_at(s->daemon->containers, i);

		key.layer_set = c->layer_set;
		if (c->layer_set && !c->own_overlay && lsm_catalog_has(s->daemon->lsm, &key))
			return c;
	}
	return NULL;
}

static void on_written(struct settler *s, const struct hf_notice *notice)
{
	char path[HF_PATH_BYTES + 1];
	const struct container *c = notice->container ? container_by_kernel_id(s->daemon->containers, notice->container) :
							find_on_plain_root(s, notice);

	if (!c || !event_json_path_of((const char *)(notice + 1), notice->path_bytes, path))
		return;
	add(s, c, path);
}

/* The kernel half knows it already: what is published says the same after a reload and for the next daemon. */
static void on_volume(struct settler *s, const struct hf_notice *notice)
{
	struct container *c = container_by_kernel_id(s->daemon->containers, notice->container);

	if (!c || !volumes_mark_written(c, notice->ino, notice->dev))
		return;
	if (volumes_publish(s->daemon->lsm, c))
		log_error("container %s: its volumes cannot be told to the kernel half", c->facts.id);
	if (c->watched_ns)
		state_keep(s->daemon, c);
}

static void take_notice(struct settler *s, const struct ring_record *found)
{
	const struct hf_notice *notice = found->data;

	if (found->bytes < sizeof(*notice) || found->bytes - sizeof(*notice) < notice->path_bytes ||
	    notice->path_bytes > HF_PATH_BYTES)
		return;
	if (notice->kind == HF_NOTICE_WRITTEN)
		on_written(s, notice);
	else if (notice->kind == HF_NOTICE_VOLUME)
		on_volume(s, notice);
}

static void on_notices(uint32_t events, void *data)
{
	struct settler *s = data;
	struct ring_map *map = lsm_notices(s->daemon->lsm);
	struct ring_record found;

	(void)events;
	for (int i = 0; i < VISIT_NOTICES; i++) {
		enum ring_state state = ring_map_peek(map, ring_map_position(map), &found);

		if (state == RING_EMPTY || state == RING_BUSY)
			return;
		if (state == RING_BROKEN) {
			log_error("settling: the ring of notices makes no sense, %llu bytes of it were skipped",
				  (unsigned long long)ring_map_skip_all(map));
			return;
		}
		if (state == RING_RECORD)
			take_notice(s, &found);
		ring_map_take(map, found.next);
	}
}

void settle_on_event(struct settler *s, const struct hf_event *record, const struct container *c)
{
	char path[HF_PATH_BYTES + 1];
	bool image = record->reason == HF_REASON_MODIFIED && record->detail == HF_DETAIL_UNSETTLED;
	bool copy = record->reason == HF_REASON_ADDED && !record->detail;

	if (!s || !c || !(image || (copy && wants_copies(s, c))) || !event_json_path(record, path))
		return;
	add(s, c, path);
}

static void give_order(struct settler *s, const struct container *c, bool gone)
{
	struct order *order;

	if (!s || !s->running || !c->layer_set || c->layers)
		return;
	order = calloc(1, sizeof(*order));
	pthread_mutex_lock(&s->lock);
	if (order) {
		order->place = place_of(s, c);
		order->place.layers = NULL;
		order->gone = gone;
		*s->last_order = order;
		s->last_order = &order->next;
		s->status.learning += !gone;
		pthread_cond_signal(&s->wake);
	} else {
		s->status.refused++;
	}
	pthread_mutex_unlock(&s->lock);
}

void settle_on_start(struct settler *s, const struct container *c)
{
	give_order(s, c, false);
}

void settle_on_end(struct settler *s, const struct container *c)
{
	give_order(s, c, true);
}

void settle_get_status(struct settler *s, struct settle_status *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->status;
	ret->waiting = settle_queue_count(s->queue);
	pthread_mutex_unlock(&s->lock);
}

/* Another epoch than the last daemon's: what it was told and left undone is told again. */
static void begin_epoch(struct hf_config *config)
{
	uint32_t epoch = config->settle_epoch % LAST_EPOCH + 1;

	__atomic_store_n(&config->settle_epoch, epoch, __ATOMIC_RELEASE);
}

static void init_locks(struct settler *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static void settler_free(struct settler **settler)
{
	struct settler *s = *settler;

	if (!s)
		return;
	atomic_store(&s->stop, true);
	if (s->running) {
		pthread_mutex_lock(&s->lock);
		pthread_cond_broadcast(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	loop_unwatch(&s->source);
	settle_queue_free(&s->queue);
	learner_free(&s->image.learner);
	while (s->orders) {
		struct order *order = s->orders;

		s->orders = order->next;
		free(order);
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*settler = NULL;
}

int settle_start(struct daemon *daemon, char *reterr)
{
	_cleanup_(settler_free) struct settler *s = calloc(1, sizeof(*s));
	struct learn_ops learning;
	int err;

	(void)reterr;
	if (!s)
		return -ENOMEM;
	s->daemon = daemon;
	s->image = (struct settle_image){ .lsm = daemon->lsm, .workers = daemon->workers, .images = daemon->images,
					  .stop = &s->stop };
	s->last_order = &s->orders;
	init_locks(s);
	settle_image_learn_ops(&s->image, &learning);
	err = settle_queue_new(&s->queue);
	if (!err)
		err = learner_new(&learning, &s->image.learner);
	if (!err)
		err = loop_watch(daemon->loop, lsm_notices_fd(daemon->lsm), EPOLLIN, on_notices, s, &s->source);
	if (!err && daemon->options.digest_bytes_per_second)
		err = thread_start_prepared(&s->thread, "settling", prepare, run, s);
	if (err)
		return err;
	s->running = daemon->options.digest_bytes_per_second != 0;
	begin_epoch(lsm_config(daemon->lsm));
	daemon->settler = TAKE_PTR(s);
	return 0;
}

void settle_stop(struct daemon *daemon)
{
	settler_free(&daemon->settler);
}
