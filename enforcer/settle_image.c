// SPDX-License-Identifier: Apache-2.0
/*
 * All reading is done by a child at the lowest priority of CPU and disk. Contracts: settle_image.h.
 */
#include "enforcer/settle_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "enforcer/enrol_copied.h"
#include "enforcer/event_json.h"
#include "enforcer/images.h"
#include "enforcer/lsm.h"
#include "enforcer/settle_learn.h"
#include "enforcer/workers.h"
#include "imagedb/store.h"

/* --- the container's file --------------------------------------------------------------------------------------------- */

static bool is_fatal(int err)
{
	return err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -ECANCELED;
}

static int need_worker(struct settle_image *image)
{
	return image->worker ? 0 : worker_new(image->workers, true, &image->worker);
}

/* A worker that failed so is of no use any more. */
static int end_if_fatal(struct settle_image *image, int err)
{
	if (is_fatal(err))
		worker_free(&image->worker);
	return err;
}

static int take_descriptor(const struct imagedb_file *file, void *data)
{
	int *ret = data;

	close_fd(ret);
	*ret = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	return *ret < 0 ? -errno : 0;
}

static int open_root(const struct settle_place *place)
{
	char path[32];
	int fd;

	if (place->pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/root", (int)place->pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_file(const struct settle_file *file, void *data)
{
	struct settle_image *image = data;
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + SETTLE_OPEN_NS,
						.cancel = image->stop };
	_cleanup_(close_fd) int root = open_root(&file->place), fd = -1;
	int err = root < 0 ? root : need_worker(image);

	if (!err)
		err = end_if_fatal(image, worker_open(image->worker, root, file->path, strlen(file->path) + 1, &options,
						      take_descriptor, &fd));
	if (!err && fd < 0)
		err = -EPROTO;
	return err ? err : TAKE_FD(fd);
}

static int ask(int fd, const struct hf_settling *question, struct hf_settling *ret, void *data)
{
	return lsm_settle_ask(((struct settle_image *)data)->lsm, fd, question, ret);
}

static int run_hash(struct settle_image *image, struct worker_hash *file, struct imagedb_digest *ret)
{
	int err = need_worker(image);

	if (err)
		return err;
	file->deadline_ns = clock_ns(CLOCK_MONOTONIC) + SETTLE_FILE_NS;
	err = end_if_fatal(image, worker_hash(image->worker, file, image->stop, ret));
	if (!err)
		image->read_bytes += ret->size;
	return err;
}

static int hash(int fd, const struct hf_settling *state, bool plain, struct imagedb_digest *ret, void *data)
{
	struct worker_hash file = { .root_fd = fd, .path = "", .size = state->bytes, .ctime_ns = state->ctime_ns,
				    .no_capabilities = plain };

	return run_hash(data, &file, ret);
}

/* --- the image's ------------------------------------------------------------------------------------------------------ */

static struct imagedb_store_inode inode_of(const struct hf_settling *state)
{
	return (struct imagedb_store_inode){ .ino = state->image.ino, .dev = state->image.dev,
					     .generation = state->image.generation };
}

/* By that name in the layers: the top one that has this very file. */
static int hash_in_layers(struct settle_image *image, const struct copied_layers *layers, const char *path,
			  const struct hf_settling *state, struct imagedb_digest *ret)
{
	struct worker_hash what = { .path = path, .ino = state->image.ino, .size = state->image_bytes,
				    .ctime_ns = state->image_ctime_ns };
	int err = -EAGAIN;

	for (size_t i = 0; i < layers->n; i++) {
		what.root_fd = layers->fds[i];
		err = run_hash(image, &what, ret);
		if (!err || is_fatal(err))
			return err;
	}
	return -EAGAIN;
}

/* In the place that the kernel half told: in a layer that gives its data to names in others, or in one of those. */
static int hash_in_place(struct settle_image *image, const struct settle_file *file, const struct copied_layers *layers,
			 const struct hf_settling *state, struct imagedb_digest *ret)
{
	char path[HF_PATH_BYTES + 1];
	struct copied_layers data = { 0 };
	int err;

	if (!state->place_bytes || state->place_bytes > sizeof(state->place) ||
	    !event_json_path_of(state->place, state->place_bytes, path))
		return -EAGAIN;
	err = hash_in_layers(image, layers, path + 1, state, ret);
	if (err != -EAGAIN)
		return err;
	err = copied_layers_open_data(file->place.layers, &data);
	if (!err)
		err = hash_in_layers(image, &data, path + 1, state, ret);
	copied_layers_close(&data);
	return err;
}

/* Computed once, for good or for now: by the name that the copy has, or had before it was moved. */
static int hash_image(struct settle_image *image, const struct settle_file *file, const struct hf_settling *state,
		      struct imagedb_digest *ret)
{
	const struct imagedb_store_inode inode = inode_of(state);
	_cleanup_(free_ptr) char *name = NULL;
	struct copied_layers layers = { 0 };
	int err = copied_layers_open(file->place.layers, &layers);

	if (err)
		return err;
	err = hash_in_layers(image, &layers, file->path, state, ret);
	if (err == -EAGAIN && !images_find_path(image->images, file->place.layers, &inode, &name))
		err = hash_in_layers(image, &layers, name, state, ret);
	if (err == -EAGAIN)
		err = hash_in_place(image, file, &layers, state, ret);
	copied_layers_close(&layers);
	return err;
}

static int image_digest(const struct settle_file *file, const struct hf_settling *state, struct imagedb_digest *ret, void *data)
{
	struct settle_image *image = data;
	struct imagedb_store_inode inode = inode_of(state);

	if (!images_find_digest(image->images, &inode, state->image_bytes, state->image_ctime_ns, ret) &&
	    ret->algorithms & IMAGEDB_ALGORITHM_SHA256)
		return 0;
	if (file->place.layers)
		return hash_image(image, file, state, ret);
	return image->learner ? learner_digest(image->learner, file->place.container, state, ret) : -EAGAIN;
}

/* --- any of the image's ----------------------------------------------------------------------------------------------- */

struct finding {
	const struct imagedb_digest *digest;
	bool found, unsure;
	uint32_t entry;
};

/* The database's callback. A file of that size whose digest is not known yet may be it. */
static int compare(const struct imagedb_store_file *file, void *data)
{
	struct finding *finding = data;

	if (file->size != finding->digest->size)
		return 0;
	if (!(file->digest.algorithms & IMAGEDB_ALGORITHM_SHA256)) {
		finding->unsure = true;
		return 0;
	}
	if (memcmp(file->digest.sha256, finding->digest->sha256, sizeof(file->digest.sha256)))
		return 0;
	finding->found = true;
	if (file->mode & 0111)
		finding->entry |= HF_ENTRY_EXECUTABLE;
	return 0;
}

static int find(const struct settle_file *file, const struct imagedb_digest *digest, uint32_t *ret_entry, void *data)
{
	struct settle_image *image = data;
	struct finding finding = { .digest = digest };
	int err;

	if (!file->place.layers)
		return image->learner ? learner_find(image->learner, file->place.container, digest, ret_entry) : -ENOENT;
	err = images_walk(image->images, file->place.layers, compare, &finding);
	if (err == -ENOENT || (!err && !finding.found && !finding.unsure))
		return -ENOENT;
	if (err || !finding.found)
		return -EAGAIN;
	*ret_entry = finding.entry;
	return 0;
}

/* --- all of the image's ----------------------------------------------------------------------------------------------- */

#define KERNEL_MINOR_BITS 20 /* of a device number, as the kernel half has it */

struct naming {
	learn_found_fn fn;
	void *found;
};

static int name_file(const struct imagedb_file *file, void *data)
{
	const struct naming *naming = data;

	return file->size == 0 || file->hardlink_seen ? 0 : naming->fn(file->path, naming->found);
}

/* 0: the folder is the container's root; -EAGAIN: not yet, its first process has still the runtime's. */
static int is_entered(int root, const struct settle_place *place)
{
	struct stat st;

	if (fstat(root, &st))
		return -errno;
	if (place->root_dev != (major(st.st_dev) << KERNEL_MINOR_BITS | minor(st.st_dev)))
		return -EAGAIN;
	return place->on_overlay || st.st_ino == place->root_ino ? 0 : -EAGAIN; /* an overlay's root shows a layer's number */
}

static int scan(const struct settle_place *place, learn_found_fn fn, void *found, void *data)
{
	struct settle_image *image = data;
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + SETTLE_SCAN_NS, .cancel = image->stop };
	struct naming naming = { .fn = fn, .found = found };
	_cleanup_(close_fd) int root = open_root(place);
	int err = root < 0 ? root : is_entered(root, place);

	if (!err)
		err = need_worker(image);
	if (!err)
		err = worker_scan(image->worker, root, &options, name_file, &naming, NULL);
	if (err && err != -EAGAIN) /* after any failure it is of no use */
		worker_free(&image->worker);
	return err;
}

static uint64_t now(void *data)
{
	(void)data;
	return clock_ns(CLOCK_REALTIME_COARSE);
}

void settle_image_ops(struct settle_image *image, struct settle_ops *ret)
{
	*ret = (struct settle_ops){ .open = open_file, .ask = ask, .hash = hash, .image = image_digest, .find = find, .now = now,
				    .data = image };
}

void settle_image_learn_ops(struct settle_image *image, struct learn_ops *ret)
{
	*ret = (struct learn_ops){ .scan = scan };
	settle_image_ops(image, &ret->file);
}

void settle_image_rest(struct settle_image *image)
{
	worker_free(&image->worker);
}
