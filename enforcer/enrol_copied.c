// SPDX-License-Identifier: Apache-2.0
/*
 * A copied-up file and the image's, byte by byte. The image's file is looked for by path, but believed by identity.
 */
#include "enforcer/enrol_copied.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define BLOCK_BYTES 65536

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

/* Opens the path in the layer that the entry of job->root.layers names ("path=dev:ino@ctime", perhaps "data:" in front). */
static int open_in_layer(const char *entry, size_t bytes, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	_cleanup_(free_ptr) char *folder = strndup(entry, bytes);
	_cleanup_(close_fd) int fd = -1;
	char *end = folder ? strrchr(folder, '=') : NULL;

	if (!end || folder[0] != '/')
		return -1;
	*end = '\0';
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : (int)syscall(SYS_openat2, fd, path, &how, sizeof(how));
}

static bool is_file(struct lsm *lsm, int fd, const struct hf_catalog_key *key)
{
	struct hf_enrol answer;

	return !lsm_identify(lsm, fd, &answer) && answer.key.ino == key->ino && answer.key.dev == key->dev &&
	       answer.key.generation == key->generation;
}

bool copied_is_equal(struct enroller *e, const struct enrol_job *job, const struct imagedb_file *file,
		     const struct hf_catalog_key *lower)
{
	for (const char *at = job->root.layers; at && *at;) {
		size_t bytes = strcspn(at, ";");
		_cleanup_(close_fd) int fd = open_in_layer(at, bytes, file->path);

		if (fd >= 0 && is_file(e->lsm, fd, lower))
			return are_equal(e, job, file->fd, fd);
		at += bytes + (at[bytes] == ';');
	}
	return false;
}
