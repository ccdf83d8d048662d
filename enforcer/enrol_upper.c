// SPDX-License-Identifier: Apache-2.0
/*
 * The walk over a writable layer, depth first, and the two questions that are asked of its files.
 */
#include "enforcer/enrol_upper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "enforcer/enrol_copied.h"
#include "enforcer/images.h"
#include "enforcer/interpreters.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define DEPTH_MAX 64 /* folders open at once; real trees stay below 30 */
#define ENTRIES_MAX 1000000u /* a layer with more is not worth the start's time */
#define SCRIPTS_MAX 4096u /* copied-up scripts that are compared: a start must not wait for more */
#define ENTRIES_PER_CLOCK 64u
#define PATH_ROOM 4096u /* PATH_MAX: longer ones cannot be asked about in one call */

struct walk;
/* 0: go on; anything else ends the walk and is its result. */
typedef int (*entry_fn)(struct walk *walk, const struct stat *st);

struct walk {
	struct enroller *e;
	const struct enrol_job *job;
	uint32_t layer_set;
	struct copied_layers layers;
	entry_fn fn;
	DIR *folders[DEPTH_MAX];
	size_t lengths[DEPTH_MAX]; /* of the path that leads to it, with its slash */
	size_t depth;
	uint32_t entries, scripts;
	char path[PATH_ROOM + 256];
};

static int open_beneath(int folder, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Goes into the folder that walk->path names, length bytes with its slash. fd is taken. */
static int enter(struct walk *walk, int fd, size_t length)
{
	DIR *folder = walk->depth < DEPTH_MAX ? fdopendir(fd) : NULL;

	if (!folder) {
		close(fd);
		return -E2BIG;
	}
	walk->folders[walk->depth] = folder;
	walk->lengths[walk->depth++] = length;
	return 0;
}

static bool is_over(struct walk *walk)
{
	const struct enrol_job *job = walk->job;

	if (++walk->entries > ENTRIES_MAX)
		return true;
	return walk->entries % ENTRIES_PER_CLOCK == 0 &&
	       (atomic_load(&walk->e->stop) || (job->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= job->deadline_ns));
}

static int visit(struct walk *walk, const char *name)
{
	size_t start = walk->lengths[walk->depth - 1], n = strlen(name);
	int folder = dirfd(walk->folders[walk->depth - 1]), fd, err;
	struct stat st;

	if (is_over(walk) || start + n + 2 > PATH_ROOM)
		return -E2BIG;
	memcpy(walk->path + start, name, n + 1);
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	err = walk->fn(walk, &st);
	if (err || !S_ISDIR(st.st_mode))
		return err;
	fd = open_beneath(folder, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	walk->path[start + n] = '/';
	return enter(walk, fd, start + n + 1);
}

static int step(struct walk *walk)
{
	struct dirent *entry;

	errno = 0;
	entry = readdir(walk->folders[walk->depth - 1]);
	if (!entry) {
		int err = -errno;

		closedir(walk->folders[--walk->depth]);
		return err;
	}
	if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
		return 0;
	return visit(walk, entry->d_name);
}

/* The layer's folder, which must be the one that the kernel half sees below the root. */
static int open_upper(struct enroller *e, const struct enrol_job *job)
{
	_cleanup_(close_fd) int fd = -1;
	struct hf_enrol answer;

	if (job->root.upper)
		fd = open(job->root.upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || lsm_identify(e->lsm, fd, &answer) || answer.key.ino != job->upper_ino || answer.key.dev != job->upper_dev)
		return -ESTALE;
	return TAKE_FD(fd);
}

static int walk_upper(struct walk *walk)
{
	int fd = open_upper(walk->e, walk->job), err = fd < 0 ? fd : enter(walk, fd, 0);

	if (!err)
		err = copied_layers_open(walk->job->root.layers, &walk->layers);
	while (!err && walk->depth)
		err = step(walk);
	while (walk->depth)
		closedir(walk->folders[--walk->depth]);
	copied_layers_close(&walk->layers);
	return err;
}

static int start_walk(struct enroller *e, const struct enrol_job *job, uint32_t layer_set, entry_fn fn)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk)
		return -ENOMEM;
	walk->e = e;
	walk->job = job;
	walk->layer_set = layer_set;
	walk->fn = fn;
	err = walk_upper(walk);
	free(walk);
	return err;
}

/* A whiteout, a name that the image has as well, a folder that does not show what the image has in it: 1. */
static int find_hiding(struct walk *walk, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return !copied_layers_shine_through(&walk->layers, walk->job->rootfs_fd, walk->path);
	return S_ISCHR(st->st_mode) || copied_layers_have(&walk->layers, walk->path);
}

bool enrol_upper_hides(struct enroller *e, const struct enrol_job *job)
{
	return start_walk(e, job, 0, find_hiding) != 0;
}

static int note(struct walk *walk, const struct hf_catalog_key *lower)
{
	struct hf_written_key key = { .container = walk->job->container, .ino = lower->ino, .dev = lower->dev,
				      .generation = lower->generation };

	return lsm_written_add(walk->e->lsm, &key);
}

/* What was noted meanwhile stands, and without room the copy counts as modified. */
static int note_copied(struct walk *walk, const struct hf_catalog_key *lower)
{
	struct hf_written_key key = { .container = walk->job->container, .ino = lower->ino, .dev = lower->dev,
				      .generation = lower->generation };

	lsm_written_copied(walk->e->lsm, &key);
	return 0;
}

/* By the copy's own name, or by the one that the file had in the image before its copy was moved or linked. */
static bool is_the_images(struct walk *walk, int fd, const struct hf_catalog_key *lower)
{
	const struct imagedb_store_inode inode = { .ino = lower->ino, .dev = lower->dev, .generation = lower->generation };
	_cleanup_(free_ptr) char *name = NULL;

	if (copied_is_equal(walk->e, walk->job, &walk->layers, fd, walk->path, lower))
		return true;
	return !images_find_path(walk->e->images, walk->job->root.layers, &inode, &name) && strcmp(name, walk->path) &&
	       copied_is_equal(walk->e, walk->job, &walk->layers, fd, name, lower);
}

static int judge_copy(struct walk *walk, int fd, const struct stat *st, const struct hf_enrol *answer)
{
	if (answer->value.size_mode >> HF_CATALOG_SIZE_SHIFT == (uint64_t)st->st_size &&
	    is_the_images(walk, fd, &answer->key))
		return walk->job->unwatched ? note_copied(walk, &answer->key) : 0;
	return note(walk, &answer->key);
}

/* Modules and the like have no entry in the catalogue, yet interpreters may only read them unchanged. Beyond the bound they count as
 * unchanged, since most of them are: what chown -R moved there. */
static int judge_script(struct walk *walk, int fd, const struct stat *st, const struct hf_enrol *answer)
{
	if (!interpreters_may_read(walk->path) || walk->scripts >= SCRIPTS_MAX)
		return 0;
	if (++walk->scripts == SCRIPTS_MAX)
		log_warning("enrolment: the writable layer %s holds more than %u scripts of the image: the rest counts as unchanged",
			    walk->job->root.upper, SCRIPTS_MAX);
	return judge_copy(walk, fd, st, answer);
}

static bool has_capabilities(int fd)
{
	return fgetxattr(fd, "security.capability", NULL, 0) >= 0 || (errno != ENODATA && errno != EOPNOTSUPP);
}

/*
 * No file of the image below it, as far as the overlay knows: a file of its own, or the copy of one that had several names in the image,
 * whose origin is not kept. What lies in the place of an executable of the image and has its bytes is that copy. Of a container that runs
 * already nothing is said: there somebody may be writing.
 */
static int judge_upper(struct walk *walk, int fd, struct hf_enrol *answer)
{
	struct hf_catalog_entry image;

	if (walk->job->unwatched ||
	    copied_find_equal(walk->e, walk->job, &walk->layers, fd, walk->path, walk->layer_set, &image) || has_capabilities(fd))
		return 0;
	answer->key.layer_set = walk->layer_set;
	lsm_settled_add(walk->e->lsm, walk->job->container, answer, image.state); /* without room it counts as added */
	return 0;
}

static int note_if_changed(struct walk *walk, const struct stat *st)
{
	struct lsm_enrolment where = { .layer_set = walk->layer_set, .root_dev = walk->job->root_dev,
				       .flags = HF_ENROL_REFUSE_UPPER | HF_ENROL_LOOK };
	_cleanup_(close_fd) int fd = -1;
	struct hf_enrol answer;
	int err;

	if (!S_ISREG(st->st_mode) || st->st_size == 0)
		return 0;
	fd = open_beneath(walk->job->rootfs_fd, walk->path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	err = lsm_enrol_file(walk->e->lsm, fd, &where, &answer);
	if (err)
		return err;
	switch (answer.status) {
	case HF_ENROL_UPPER:
		return judge_upper(walk, fd, &answer);
	case HF_ENROL_UNLISTED:
		return 0;
	case HF_ENROL_WRITER:
		return note(walk, &answer.key);
	case HF_ENROL_COPIED_DATA:
		return judge_script(walk, fd, st, &answer);
	case HF_ENROL_COPIED_UP:
		return judge_copy(walk, fd, st, &answer);
	default:
		return -EIO;
	}
}

static int note_script_if_changed(struct walk *walk, const struct stat *st)
{
	return interpreters_may_read(walk->path) ? note_if_changed(walk, st) : 0;
}

int enrol_upper_note_scripts(struct enroller *e, const struct enrol_job *job, uint32_t layer_set)
{
	return start_walk(e, job, layer_set, note_script_if_changed);
}

int enrol_upper_note(struct enroller *e, const struct enrol_job *job, uint32_t layer_set)
{
	int err = start_walk(e, job, layer_set, note_if_changed);

	if (err && err != -ESTALE && err != -EXDEV)
		log_warning("enrolment: the writable layer %s was not seen whole (%s): copied-up files count as modified",
			    job->root.upper, strerror(-err));
	return err;
}
