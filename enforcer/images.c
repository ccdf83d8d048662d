// SPDX-License-Identifier: Apache-2.0
/*
 * The thread that keeps the image database: opens it, writes scans, hashes files, and says how far it is.
 *
 *   I1  No container waits for it: scans are handed over through a bounded queue, and what does not fit is dropped, which costs a
 *       scan after the next reboot.
 *   I2  A fault of the disk is told once, with its end, and tried again; the scans that wait are kept meanwhile.
 *
 * It runs at normal priority, since it does little itself and others wait for its locks; the reading and hashing is done by a child
 * at the lowest priority of CPU and disk.
 */
#include "enforcer/images.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/image_hash.h"
#include "enforcer/log.h"
#include "enforcer/scrub.h"
#include "enforcer/thread.h"
#include "enforcer/util.h"

#define CALM_NS NSEC_PER_SEC /* after a container's start nothing is written or read for that long */
#define RETRY_NS (60 * NSEC_PER_SEC) /* until a store that failed is tried again */

/* lock guards the queue and status; the rest belongs to the thread but for store, which is set once. */
struct images {
	struct images_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct image_list *waiting, *last;
	unsigned int n_waiting;
	size_t waiting_bytes;
	struct images_status status;
	_Atomic(struct imagedb_store *) store;
	uint64_t *hashed; /* numbers of the sets that have been gone through */
	size_t n_hashed;
	uint64_t retry_ns; /* CLOCK_MONOTONIC; 0: nothing failed */
	atomic_bool stop;
	bool running;
};

/* --- status --------------------------------------------------------------------------------------------------------- */

static void refresh(struct images *images)
{
	struct imagedb_store_totals totals = { 0 };

	if (imagedb_store_totals(atomic_load(&images->store), &totals))
		return;
	pthread_mutex_lock(&images->lock);
	images->status.open = true;
	images->status.sets = totals.sets;
	images->status.files = totals.files;
	images->status.digests = totals.digests;
	pthread_mutex_unlock(&images->lock);
}

static void set_fault(struct images *images, const char *what, int err, const char *more)
{
	char text[IMAGES_FAULT_BYTES];
	bool is_new;

	images->retry_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_NS;
	snprintf(text, sizeof(text), "%s: %s%s%.100s", what, strerror(-err), more[0] ? ": " : "", more);
	pthread_mutex_lock(&images->lock);
	is_new = strcmp(text, images->status.fault) != 0;
	memcpy(images->status.fault, text, sizeof(text));
	pthread_mutex_unlock(&images->lock);
	if (is_new)
		log_error("image database %s: %s; going on without it", images->options.folder, text);
}

static void clear_fault(struct images *images)
{
	bool was;

	images->retry_ns = 0;
	pthread_mutex_lock(&images->lock);
	was = images->status.fault[0];
	images->status.fault[0] = '\0';
	pthread_mutex_unlock(&images->lock);
	if (was)
		log_info("image database %s: works again", images->options.folder);
}

void images_get_status(struct images *images, struct images_status *ret)
{
	pthread_mutex_lock(&images->lock);
	*ret = images->status;
	pthread_mutex_unlock(&images->lock);
}

/* --- the queue ------------------------------------------------------------------------------------------------------ */

void images_add(struct images *images, struct image_list **list)
{
	bool fits = false;

	if (images && !(*list)->overflow) {
		pthread_mutex_lock(&images->lock);
		fits = images->n_waiting < IMAGES_WAITING_MAX &&
		       images->waiting_bytes + (*list)->room <= IMAGES_WAITING_BYTES_MAX;
		if (fits) {
			(*list)->next = NULL;
			*(images->waiting ? &images->last->next : &images->waiting) = *list;
			images->last = *list;
			images->n_waiting++;
			images->waiting_bytes += (*list)->room;
			pthread_cond_signal(&images->wake);
			*list = NULL;
		}
		pthread_mutex_unlock(&images->lock);
	}
	if (*list && images)
		log_debug("an image of %u executables is not kept in the database: %s", (*list)->files,
			  (*list)->overflow ? "too large" : "too many wait");
	image_list_free(list);
}

static struct image_list *first_waiting(struct images *images)
{
	struct image_list *list;

	pthread_mutex_lock(&images->lock);
	list = images->waiting;
	pthread_mutex_unlock(&images->lock);
	return list;
}

static void drop_first(struct images *images)
{
	struct image_list *list;

	pthread_mutex_lock(&images->lock);
	list = images->waiting;
	images->waiting = list->next;
	images->n_waiting--;
	images->waiting_bytes -= list->room;
	pthread_mutex_unlock(&images->lock);
	image_list_free(&list);
}

/* Waits that long (UINT64_MAX: without end), or until the stop; with early: or until a scan comes. */
static void wait_ns(struct images *images, uint64_t ns, bool early)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), until = ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : now + ns;
	struct timespec at = { .tv_sec = (time_t)(until / NSEC_PER_SEC), .tv_nsec = (long)(until % NSEC_PER_SEC) };

	pthread_mutex_lock(&images->lock);
	while (!atomic_load(&images->stop) && !(early && images->waiting)) {
		if (pthread_cond_timedwait(&images->wake, &images->lock, &at) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&images->lock);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static int add_file(const struct imagedb_store_file *file, void *data)
{
	int err = imagedb_store_add(data, file);

	return err == -ENAMETOOLONG ? 0 : err; /* it is scanned again then, and denied nothing */
}

static int write_list(struct images *images, const struct image_list *list)
{
	struct imagedb_store_writer *writer = NULL;
	int err = imagedb_store_begin(images->store, list->identity, list->label, IMAGEDB_STORE_LAYERS, &writer);

	if (!err)
		err = image_list_walk(list, add_file, writer);
	if (!err)
		err = imagedb_store_commit(&writer, &list->stats, NULL);
	imagedb_store_abort(&writer);
	return err;
}

/* Writes all scans that wait. A list that the store refuses for itself is dropped, any other failure keeps it. */
static void write_waiting(struct images *images)
{
	struct image_list *list;

	while (!images->retry_ns && !atomic_load(&images->stop) && (list = first_waiting(images))) {
		int err = write_list(images, list);

		if (err == -EFBIG && !imagedb_store_trim(images->store, 0, 0, NULL))
			err = write_list(images, list);
		if (!err)
			log_debug("image database: %u executables of %.100s written", list->files, list->identity);
		if (err && err != -EINVAL && err != -E2BIG && err != -ENAMETOOLONG) {
			set_fault(images, "cannot be written", err, "");
			return;
		}
		drop_first(images);
	}
	refresh(images);
}

/* --- hashing -------------------------------------------------------------------------------------------------------- */

static void on_progress(uint32_t digests, uint32_t unreadable, void *data)
{
	struct images *images = data;

	(void)digests;
	pthread_mutex_lock(&images->lock);
	images->status.unreadable += unreadable;
	pthread_mutex_unlock(&images->lock);
	refresh(images);
}

/* Between two files; new scans are written on the way. */
static bool pause_between(uint64_t ns, void *data)
{
	struct images *images = data;

	wait_ns(images, ns, false);
	if (first_waiting(images)) {
		wait_ns(images, CALM_NS, false);
		write_waiting(images);
	}
	return atomic_load(&images->stop);
}

struct pending {
	struct images *images;
	uint64_t number; /* 0: all is done */
};

static int find_pending(const struct imagedb_store_set *set, void *data)
{
	struct pending *pending = data;

	if (set->digests >= set->files || set->source != IMAGEDB_STORE_LAYERS)
		return 0;
	for (size_t i = 0; i < pending->images->n_hashed; i++) {
		if (pending->images->hashed[i] == set->number)
			return 0;
	}
	pending->number = set->number;
	return 1;
}

static void note_hashed(struct images *images, uint64_t number)
{
	images->hashed[images->n_hashed++ % IMAGEDB_STORE_MAX_SETS] = number;
	if (images->n_hashed > IMAGEDB_STORE_MAX_SETS)
		images->n_hashed = IMAGEDB_STORE_MAX_SETS;
}

/* Goes through one set. False: there is none left, or it failed. */
static bool hash_next(struct images *images)
{
	struct image_hash hash = { .store = images->store, .workers = images->options.workers, .stop = &images->stop,
				   .bytes_per_second = images->options.bytes_per_second, .pause = pause_between,
				   .progress = on_progress, .data = images };
	struct pending pending = { .images = images };
	struct imagedb_store_set *set = NULL;
	int err;

	if (!images->options.bytes_per_second || images->retry_ns || atomic_load(&images->stop))
		return false;
	err = imagedb_store_list(images->store, find_pending, &pending);
	if (err >= 0 && !pending.number)
		return false;
	if (err >= 0)
		err = imagedb_store_get_number(images->store, pending.number, &set);
	if (!err)
		err = image_hash_set(&hash, set);
	imagedb_store_set_free(&set);
	if (!err || err == -ENOENT || err == -EUCLEAN)
		note_hashed(images, pending.number);
	else if (err != -EINTR)
		set_fault(images, "digests cannot be stored", err, "");
	return !err || err == -ENOENT || err == -EUCLEAN;
}

/* --- looking again -------------------------------------------------------------------------------------------------- */

static bool pause_for_better(uint64_t ns, void *data)
{
	struct images *images = data;

	wait_ns(images, ns, true);
	return atomic_load(&images->stop) || first_waiting(images);
}

/* Until something better is to be done. How long there is nothing to do. */
static uint64_t look_again(struct images *images)
{
	struct scrub_work work = { .store = atomic_load(&images->store), .workers = images->options.workers,
				   .stop = &images->stop, .pause = pause_for_better, .data = images };

	if (images->retry_ns || !work.store)
		return RETRY_NS;
	scrub_go_on(images->options.scrub, &work);
	return scrub_idle_ns(images->options.scrub);
}

/* --- the thread ----------------------------------------------------------------------------------------------------- */

static void open_store(struct images *images)
{
	struct imagedb_store_report report = { 0 };
	struct imagedb_store *store = NULL;
	int err = imagedb_store_open(images->options.folder, 0, &store, &report);

	if (err) {
		set_fault(images, "cannot be opened", err, report.message);
		return;
	}
	if (report.message[0])
		log_warning("image database: %s", report.message);
	atomic_store(&images->store, store);
	clear_fault(images);
	refresh(images);
}

static void run(void *data)
{
	struct images *images = data;

	while (!atomic_load(&images->stop)) {
		bool was_faulty = images->retry_ns != 0;
		uint64_t idle_ns;

		images->retry_ns = 0;
		if (!atomic_load(&images->store))
			open_store(images);
		if (!images->retry_ns)
			write_waiting(images);
		if (was_faulty && !images->retry_ns)
			clear_fault(images);
		while (hash_next(images))
			continue;
		idle_ns = look_again(images);
		wait_ns(images, idle_ns, !images->retry_ns);
		if (!images->retry_ns)
			wait_ns(images, CALM_NS, false);
	}
}

int images_new(const struct images_options *options, struct images **ret)
{
	_cleanup_(images_free) struct images *images = calloc(1, sizeof(*images));
	pthread_condattr_t attr;
	int err;

	if (!images)
		return -ENOMEM;
	images->options = *options;
	pthread_mutex_init(&images->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&images->wake, &attr);
	pthread_condattr_destroy(&attr);
	images->hashed = calloc(IMAGEDB_STORE_MAX_SETS, sizeof(*images->hashed));
	if (!images->hashed)
		return -ENOMEM;
	err = thread_start(&images->thread, "images", run, images);
	if (err)
		return err;
	images->running = true;
	*ret = TAKE_PTR(images);
	return 0;
}

void images_free(struct images **images)
{
	struct images *i = *images;
	struct imagedb_store *store;

	if (!i)
		return;
	atomic_store(&i->stop, true);
	if (i->running) {
		pthread_mutex_lock(&i->lock);
		pthread_cond_broadcast(&i->wake);
		pthread_mutex_unlock(&i->lock);
		pthread_join(i->thread, NULL);
	}
	while (i->waiting)
		drop_first(i);
	store = atomic_load(&i->store);
	imagedb_store_close(&store);
	pthread_cond_destroy(&i->wake);
	pthread_mutex_destroy(&i->lock);
	free(i->hashed);
	free(i);
	*images = NULL;
}

int images_walk(struct images *images, const char *identity, imagedb_store_file_fn fn, void *data)
{
	struct imagedb_store *store = images ? atomic_load(&images->store) : NULL;
	struct imagedb_store_set *set = NULL;
	int err = store ? imagedb_store_get(store, identity, &set) : -ENOENT;

	if (!err && !set->complete)
		err = -ENOENT;
	if (!err)
		err = imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fn, data);
	imagedb_store_set_free(&set);
	return err;
}

struct naming {
	const struct imagedb_store_inode *inode;
	char *path;
};

static int take_name(const struct imagedb_store_file *file, void *data)
{
	struct naming *naming = data;

	if (file->inode.ino != naming->inode->ino || file->inode.dev != naming->inode->dev ||
	    file->inode.generation != naming->inode->generation)
		return 0;
	naming->path = strdup(file->path);
	return naming->path ? 1 : -ENOMEM;
}

int images_find_path(struct images *images, const char *identity, const struct imagedb_store_inode *inode, char **ret)
{
	struct naming naming = { .inode = inode };
	int err = images_walk(images, identity, take_name, &naming);

	if (err <= 0)
		return err ? err : -ENOENT;
	*ret = naming.path;
	return 0;
}

int images_find_digest(struct images *images, const struct imagedb_store_inode *inode, uint64_t size, uint64_t ctime_ns,
		       struct imagedb_digest *ret)
{
	struct imagedb_store *store = images ? atomic_load(&images->store) : NULL;
	struct timespec ctime = { .tv_sec = (time_t)(ctime_ns / NSEC_PER_SEC), .tv_nsec = (long)(ctime_ns % NSEC_PER_SEC) };

	return store && inode->ino ? imagedb_store_find_digest(store, 0, inode, size, ctime, ret) : -ENOENT;
}
