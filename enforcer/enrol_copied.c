// SPDX-License-Identifier: Apache-2.0
/*
 * A copied-up file and the image's, byte by byte. The image's file is looked for by path, but believed by identity.
 */
#include "enforcer/enrol_copied.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define BLOCK_BYTES 65536
#define PATH_BYTES 4096 /* PATH_MAX */

static bool is_late(struct enroller *e, const struct enrol_job *job)
{
	return atomic_load(&e->stop) || (job->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= job->deadline_ns);
}

/* Up to BLOCK_BYTES from an offset; fewer only at the end of the file. -errno. */
static ssize_t read_block(int fd, char *block, off_t at)
{
	size_t used = 0;

	while (used < BLOCK_BYTES) {
		ssize_t n = pread(fd, block + used, BLOCK_BYTES - used, at + (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static bool are_equal(struct enroller *e, const struct enrol_job *job, int a, int b)
{
	_cleanup_(free_ptr) char *blocks = malloc(2 * BLOCK_BYTES);

	for (off_t at = 0; blocks && !is_late(e, job); at += BLOCK_BYTES) {
		ssize_t n = read_block(a, blocks, at), m = read_block(b, blocks + BLOCK_BYTES, at);

		if (n < 0 || n != m || memcmp(blocks, blocks + BLOCK_BYTES, (size_t)n) != 0)
			return false;
		if (n < BLOCK_BYTES)
			return true;
	}
	return false;
}

/* The folder that an entry of the identity names ("path=dev:ino@ctime"). */
static int open_folder(const char *entry, size_t bytes)
{
	_cleanup_(free_ptr) char *folder = strndup(entry, bytes);
	char *end = folder ? strrchr(folder, '=') : NULL;

	if (!end || folder[0] != '/')
		return -1;
	*end = '\0';
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static size_t count_entries(const char *identity)
{
	size_t n = 0;

	for (const char *at = identity; at && *at; at++)
		n += *at == ';';
	return n;
}

static int open_layers(const char *identity, bool data, struct copied_layers *ret)
{
	struct copied_layers layers = { .fds = calloc(count_entries(identity) + 1, sizeof(*layers.fds)) };

	if (!layers.fds)
		return -ENOMEM;
	for (const char *at = identity; at && *at;) {
		size_t bytes = strcspn(at, ";");
		size_t mark = strncmp(at, "data:", 5) ? 0 : 5; /* cannot be seen by its paths */
		bool wanted = data == (mark != 0);
		int fd = wanted ? open_folder(at + mark, bytes - mark) : -1;

		if (fd >= 0)
			layers.fds[layers.n++] = fd;
		else if (wanted)
			layers.broken = true;
		at += bytes + (at[bytes] == ';');
	}
	if (!layers.n)
		layers.broken = true;
	*ret = layers;
	return 0;
}

int copied_layers_open(const char *identity, struct copied_layers *ret)
{
	return open_layers(identity, false, ret);
}

int copied_layers_open_data(const char *identity, struct copied_layers *ret)
{
	return open_layers(identity, true, ret);
}

void copied_layers_close(struct copied_layers *layers)
{
	for (size_t i = 0; i < layers->n; i++)
		close_fd(&layers->fds[i]);
	free(layers->fds);
	*layers = (struct copied_layers){ 0 };
}

static int open_in_layer(int folder, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

bool copied_layers_have(const struct copied_layers *layers, const char *path)
{
	for (size_t i = 0; i < layers->n; i++) {
		_cleanup_(close_fd) int fd = open_in_layer(layers->fds[i], path, O_PATH);

		if (fd != -ENOENT && fd != -ENOTDIR)
			return true;
	}
	return layers->broken;
}

/* A whiteout of that name in the layers above the n-th. */
static bool is_taken_away(const struct copied_layers *layers, size_t n, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		_cleanup_(close_fd) int fd = open_in_layer(layers->fds[i], path, O_PATH);

		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0)
			return true;
	}
	return false;
}

/* One name of the n-th layer's folder. */
static bool shines_through(const struct copied_layers *layers, size_t n, int root_fd, const char *folder, const char *name)
{
	_cleanup_(close_fd) int fd = -1;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return false;
	fd = open_in_layer(root_fd, path, O_PATH);
	return fd >= 0 || is_taken_away(layers, n + 1, path);
}

/* What the n-th layer has there, which is no folder, is a whiteout or does not show anyway: a layer above has something. */
static bool is_covered(const struct copied_layers *layers, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(close_fd) int fd = open_in_layer(layers->fds[i], path, O_PATH);

		if (fd >= 0)
			return true;
	}
	return is_taken_away(layers, n + 1, path);
}

static bool folder_shines_through(const struct copied_layers *layers, size_t n, int root_fd, const char *path)
{
	int fd = open_in_layer(layers->fds[n], path, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	bool whole = true;
	struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return fd == -ENOENT || (fd == -ENOTDIR && is_covered(layers, n, path));
	}
	while (whole && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			whole = shines_through(layers, n, root_fd, path, entry->d_name);
	}
	closedir(folder);
	return whole;
}

bool copied_layers_shine_through(const struct copied_layers *layers, int root_fd, const char *path)
{
	for (size_t i = 0; i < layers->n; i++) {
		if (!folder_shines_through(layers, i, root_fd, path))
			return false;
	}
	return !layers->broken;
}

static bool is_file(struct lsm *lsm, int fd, const struct hf_catalog_key *key)
{
	struct hf_enrol answer;

	return !lsm_identify(lsm, fd, &answer) && answer.key.ino == key->ino && answer.key.dev == key->dev &&
	       answer.key.generation == key->generation;
}

bool copied_is_equal(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers, int fd,
		     const char *path, const struct hf_catalog_key *lower)
{
	for (size_t i = 0; i < layers->n; i++) {
		_cleanup_(close_fd) int image = open_in_layer(layers->fds[i], path, O_RDONLY | O_NONBLOCK);

		if (image >= 0 && is_file(e->lsm, image, lower))
			return are_equal(e, job, fd, image);
	}
	return false;
}

/* The image's file of that path, whatever lies over it; -ENOENT: it has none, or no regular one. */
static int open_in_image(const struct copied_layers *layers, const char *path, struct stat *ret_st)
{
	for (size_t i = 0; i < layers->n; i++) {
		_cleanup_(close_fd) int pin = open_in_layer(layers->fds[i], path, O_PATH);

		if (pin == -ENOENT)
			continue;
		if (pin < 0 || fstat(pin, ret_st) || !S_ISREG(ret_st->st_mode))
			return -ENOENT;
		return open_in_layer(layers->fds[i], path, O_RDONLY | O_NONBLOCK);
	}
	return -ENOENT;
}

static uint64_t change_time_ns(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_ctim.tv_nsec;
}

int copied_find_equal(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers, int fd, const char *path,
		      uint32_t layer_set, struct hf_catalog_entry *ret)
{
	struct hf_catalog_entry entry;
	struct hf_enrol answer;
	struct stat st, image_st;
	_cleanup_(close_fd) int image = layers->broken ? -1 : open_in_image(layers, path, &image_st);

	if (image < 0 || fstat(fd, &st) || st.st_size != image_st.st_size || lsm_identify(e->lsm, image, &answer))
		return -ENOENT;
	answer.key.layer_set = layer_set;
	if (lsm_catalog_get(e->lsm, &answer.key, &entry) || entry.ctime_ns != change_time_ns(&image_st) ||
	    !are_equal(e, job, fd, image))
		return -ENOENT;
	*ret = entry;
	return 0;
}
