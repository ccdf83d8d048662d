// SPDX-License-Identifier: Apache-2.0
/*
 * A pass: the sets by their keys, the files of each by their numbers, each file once.
 *
 *   I1  A finding is two digests, taken one after the other, that both differ from the recorded one, of a file whose inode was that
 *       of the record before and after each.
 *   I2  A pass that is interrupted goes on behind the last file whose result was kept: what is told twice after a kill are findings,
 *       never is one left out.
 */
#include "enforcer/scrub.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "enforcer/layer_hash.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/scrub_position.h"
#include "enforcer/util.h"

#define SAVE_NS (30 * NSEC_PER_SEC) /* of work that a kill may cost */
#define SEEN_MAX (1u << 14) /* files told from those of other images; beyond it one may be read once for each image */
#define SET_DONE UINT32_MAX
#define DELIVER_TRIES 100 /* hundredths of a second that the main thread has to take the last findings */

struct waiting {
	struct scrub_finding finding; /* its strings are owned */
	struct waiting *next;
};

/* position and seen belong to the thread; lock guards the rest. */
struct scrub {
	struct scrub_options options;
	struct loop_source *source;
	pthread_mutex_t lock;
	struct waiting *first, *last;
	unsigned int n_waiting;
	struct scrub_status status;
	struct scrub_position at;
	uint64_t saved_ns;
	uint64_t *seen; /* hashes of inodes; SEEN_MAX of them while a pass runs, or NULL */
	uint32_t n_seen;
	int fd;
};

struct set_ref {
	uint8_t key[IMAGEDB_KEY_BYTES];
	uint64_t number;
};

struct set_list {
	struct set_ref *sets;
	size_t n;
};

struct pass {
	struct scrub *scrub;
	const struct scrub_work *work;
	const struct imagedb_store_set *set;
	struct layer_hash layers;
};

/* --- findings ------------------------------------------------------------------------------------------------------- */

static void free_waiting(struct waiting *w)
{
	if (!w)
		return;
	free((char *)w->finding.identity);
	free((char *)w->finding.label);
	free((char *)w->finding.path);
	free(w);
}

static struct waiting *copy_finding(const struct scrub_finding *finding)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->finding = *finding;
	w->finding.identity = strdup(finding->identity);
	w->finding.label = strdup(finding->label);
	w->finding.path = strdup(finding->path);
	if (w->finding.identity && w->finding.label && w->finding.path)
		return w;
	free_waiting(w);
	return NULL;
}

static void hand_over(struct scrub *scrub, const struct scrub_finding *finding)
{
	struct waiting *w = copy_finding(finding);
	uint64_t one = 1;
	bool fits;

	pthread_mutex_lock(&scrub->lock);
	fits = w && scrub->n_waiting < SCRUB_WAITING_MAX;
	if (fits) {
		*(scrub->first ? &scrub->last->next : &scrub->first) = w;
		scrub->last = w;
		scrub->n_waiting++;
	}
	pthread_mutex_unlock(&scrub->lock);
	if (!fits) {
		log_error("integrity: /%s of image %s is not what it was, and there was no room to tell it as an event",
			  finding->path, finding->label);
		free_waiting(w);
	} else if (write(scrub->fd, &one, sizeof(one)) < 0 && errno != EAGAIN) {
		log_error("integrity: cannot wake the main thread: %m");
	}
}

static struct waiting *take_waiting(struct scrub *scrub)
{
	struct waiting *w;

	pthread_mutex_lock(&scrub->lock);
	w = scrub->first;
	if (w) {
		scrub->first = w->next;
		scrub->n_waiting--;
	}
	pthread_mutex_unlock(&scrub->lock);
	return w;
}

static void tell_waiting(struct scrub *scrub)
{
	struct waiting *w;

	while ((w = take_waiting(scrub))) {
		scrub->options.found(&w->finding, scrub->options.data);
		free_waiting(w);
	}
}

static void on_found(uint32_t events, void *data)
{
	struct scrub *scrub = data;
	uint64_t n;

	(void)events;
	if (read(scrub->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_error("integrity: cannot read the wake-up: %m");
	tell_waiting(scrub);
}

/* --- one file ------------------------------------------------------------------------------------------------------- */

/* True when the inode was looked at in this pass; otherwise it counts as such from now on. */
static bool was_seen(struct scrub *scrub, const struct imagedb_store_inode *inode)
{
	uint64_t hash = (inode->ino * 0x9e3779b97f4a7c15ull ^ inode->dev) * 0xbf58476d1ce4e5b9ull ^ inode->generation;
	uint32_t i;

	if (!scrub->seen)
		return false;
	hash = hash ? hash : 1;
	for (i = (uint32_t)(hash >> 32) % SEEN_MAX; scrub->seen[i]; i = (i + 1) % SEEN_MAX) {
		if (scrub->seen[i] == hash)
			return true;
	}
	if (scrub->n_seen < SEEN_MAX / 4 * 3) {
		scrub->seen[i] = hash;
		scrub->n_seen++;
	}
	return false;
}

static bool is_same(const struct imagedb_digest *a, const struct imagedb_digest *b)
{
	return !memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

/* 1: it is not what it was; 0: it is, or nothing can be said; -ECANCELED, -EIO. */
static int look_at(struct pass *pass, const struct imagedb_store_file *file)
{
	struct scrub_finding finding = { .identity = pass->set->identity, .label = pass->set->label, .path = file->path,
					 .inode = file->inode, .size = file->size, .expected = file->digest };
	int err = 0;

	for (int times = 0; times < 2; times++) {
		err = layer_hash_file(&pass->layers, file, &finding.found);
		if (err || is_same(&finding.found, &file->digest))
			return err == -ECANCELED || err == -EIO ? err : 0;
	}
	hand_over(pass->scrub, &finding);
	return 1;
}

static void publish(struct scrub *scrub, bool running)
{
	const struct scrub_position *at = &scrub->at;

	pthread_mutex_lock(&scrub->lock);
	scrub->status = (struct scrub_status){
		.enabled = true, .running = running, .began_s = at->began_s, .last_s = at->last_s, .files = at->files,
		.bytes = at->bytes, .bad = at->bad > at->last_bad ? at->bad : at->last_bad,
	};
	pthread_mutex_unlock(&scrub->lock);
}

/* I2: not while a finding could still be lost with us. */
static bool has_waiting(struct scrub *scrub)
{
	bool waits;

	pthread_mutex_lock(&scrub->lock);
	waits = scrub->n_waiting;
	pthread_mutex_unlock(&scrub->lock);
	return waits;
}

static void save(struct scrub *scrub)
{
	int err = has_waiting(scrub) ? 0 : scrub_position_save(scrub->options.file, &scrub->at);

	if (err)
		log_debug("integrity: the position cannot be saved: %s", strerror(-err));
	scrub->saved_ns = clock_ns(CLOCK_MONOTONIC);
}

/* The store's callback. */
static int take_file(const struct imagedb_store_file *file, void *data)
{
	struct pass *pass = data;
	struct scrub *scrub = pass->scrub;
	uint64_t ns = (uint64_t)((double)file->size / (double)scrub->options.bytes_per_second * (double)NSEC_PER_SEC);
	int bad;

	if (atomic_load(pass->work->stop))
		return -EINTR;
	if (!(file->digest.algorithms & IMAGEDB_ALGORITHM_SHA256) || !file->inode.ino || was_seen(scrub, &file->inode)) {
		scrub->at.next = file->number + 1;
		return 0;
	}
	bad = look_at(pass, file);
	if (bad < 0)
		return bad == -ECANCELED ? -EINTR : bad;
	scrub->at.next = file->number + 1;
	scrub->at.files++;
	scrub->at.bytes += file->size;
	scrub->at.bad += (uint64_t)bad;
	publish(scrub, true);
	if (clock_ns(CLOCK_MONOTONIC) - scrub->saved_ns >= SAVE_NS)
		save(scrub);
	return pass->work->pause(ns, pass->work->data) ? -EINTR : 0;
}

/* --- a pass --------------------------------------------------------------------------------------------------------- */

static int add_set(const struct imagedb_store_set *set, void *data)
{
	struct set_list *list = data;
	struct set_ref *grown;

	if (set->source != IMAGEDB_STORE_LAYERS || !set->digests)
		return 0;
	if ((list->n & (list->n - 1)) == 0) {
		grown = realloc(list->sets, (list->n ? 2 * list->n : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->sets = grown;
	}
	memcpy(list->sets[list->n].key, set->key, sizeof(set->key));
	list->sets[list->n++].number = set->number;
	return 0;
}

static int compare_sets(const void *a, const void *b)
{
	return memcmp(((const struct set_ref *)a)->key, ((const struct set_ref *)b)->key, IMAGEDB_KEY_BYTES);
}

/* -EINTR, -EIO (no child can be made), or 0: whatever else is wrong with a set is its own matter. */
static int look_at_set(struct scrub *scrub, const struct scrub_work *work, uint64_t number)
{
	struct imagedb_store_set *set = NULL;
	struct pass pass = { .scrub = scrub, .work = work };
	int err = imagedb_store_get_number(work->store, number, &set);

	if (!err)
		err = layer_hash_open(&pass.layers, work->workers, work->stop, set->identity);
	if (!err) {
		pass.set = set;
		err = imagedb_store_files(work->store, number, IMAGEDB_STORE_ALL, scrub->at.next, take_file, &pass);
		layer_hash_close(&pass.layers);
	}
	imagedb_store_set_free(&set);
	return err == -EINTR || err == -EIO ? err : 0;
}

static int go_through(struct scrub *scrub, const struct scrub_work *work, const struct set_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		int order = memcmp(list->sets[i].key, scrub->at.key, IMAGEDB_KEY_BYTES), err;

		if (order < 0 || (order == 0 && scrub->at.next == SET_DONE))
			continue;
		if (order > 0) {
			memcpy(scrub->at.key, list->sets[i].key, IMAGEDB_KEY_BYTES);
			scrub->at.next = 0;
		}
		err = look_at_set(scrub, work, list->sets[i].number);
		if (err)
			return err;
		scrub->at.next = SET_DONE;
	}
	return 0;
}

static void begin(struct scrub *scrub)
{
	struct scrub_position fresh = { .began_s = clock_ns(CLOCK_REALTIME) / NSEC_PER_SEC, .last_s = scrub->at.last_s,
					.last_bad = scrub->at.last_bad };

	scrub->at = fresh;
}

static void finish(struct scrub *scrub)
{
	struct scrub_position *at = &scrub->at;

	at->done = true;
	at->last_s = clock_ns(CLOCK_REALTIME) / NSEC_PER_SEC;
	at->last_bad = at->bad;
	log_info("integrity: %llu files of images looked at, %llu are not what they were", (unsigned long long)at->files,
		 (unsigned long long)at->bad);
}

static bool is_over(const struct scrub *scrub)
{
	return scrub->at.done || !scrub->at.began_s;
}

uint64_t scrub_idle_ns(const struct scrub *scrub)
{
	uint64_t now_s, due_s;

	if (!scrub || !scrub->options.bytes_per_second || !scrub->options.interval_s)
		return UINT64_MAX;
	if (!is_over(scrub))
		return 0;
	now_s = clock_ns(CLOCK_REALTIME) / NSEC_PER_SEC;
	due_s = scrub->at.began_s + scrub->options.interval_s;
	/* A clock that was set back must not put the next pass off for years. */
	return scrub->at.began_s > now_s || due_s <= now_s ? 0 : (due_s - now_s) * NSEC_PER_SEC;
}

void scrub_go_on(struct scrub *scrub, const struct scrub_work *work)
{
	struct set_list list = { 0 };
	int err;

	if (scrub_idle_ns(scrub))
		return;
	if (is_over(scrub))
		begin(scrub);
	scrub->seen = calloc(SEEN_MAX, sizeof(*scrub->seen));
	scrub->n_seen = 0;
	scrub->saved_ns = clock_ns(CLOCK_MONOTONIC);
	publish(scrub, true);
	err = imagedb_store_list(work->store, add_set, &list);
	if (!err) {
		qsort(list.sets, list.n, sizeof(*list.sets), compare_sets);
		err = go_through(scrub, work, &list);
	}
	if (err != -EINTR) /* without children or store this pass comes to nothing: the next one is due in its time */
		finish(scrub);
	for (int i = 0; err != -EINTR && has_waiting(scrub) && i < DELIVER_TRIES; i++) {
		if (work->pause(NSEC_PER_SEC / 100, work->data))
			break;
	}
	save(scrub);
	publish(scrub, err == -EINTR);
	free(list.sets);
	free(scrub->seen);
	scrub->seen = NULL;
}

int scrub_new(const struct scrub_options *options, struct loop *loop, struct scrub **ret)
{
	_cleanup_(scrub_free) struct scrub *scrub = calloc(1, sizeof(*scrub));
	int err;

	if (!scrub)
		return -ENOMEM;
	scrub->options = *options;
	pthread_mutex_init(&scrub->lock, NULL);
	scrub->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (scrub->fd < 0)
		return -errno;
	err = loop_watch(loop, scrub->fd, EPOLLIN, on_found, scrub, &scrub->source);
	if (err)
		return err;
	scrub_position_load(options->file, &scrub->at);
	if (options->bytes_per_second && options->interval_s)
		publish(scrub, !is_over(scrub));
	*ret = TAKE_PTR(scrub);
	return 0;
}

void scrub_free(struct scrub **scrub)
{
	struct scrub *gone = *scrub;

	if (!gone)
		return;
	loop_unwatch(&gone->source);
	tell_waiting(gone);
	close_fd(&gone->fd);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
	*scrub = NULL;
}

void scrub_get_status(struct scrub *scrub, struct scrub_status *ret)
{
	pthread_mutex_lock(&scrub->lock);
	*ret = scrub->status;
	pthread_mutex_unlock(&scrub->lock);
}
