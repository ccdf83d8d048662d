// SPDX-License-Identifier: Apache-2.0
/* The missing digests of a stored set: gathered, computed, stored some at a time, so that an interruption costs little. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "enforcer/util.h"
#include "tools/holdfast/image.h"

#define STEP_FILES 256u /* stored with one write to disk */

struct digesting {
	const struct image_root *root;
	const atomic_bool *stop;
	struct imagedb_store_digest_update updates[STEP_FILES];
	size_t n;
	uint32_t next;		/* first file not looked at */
	uint64_t files, bytes;	/* done */
	uint32_t failed;	/* could not be read, or are no longer what was stored */
	struct image_progress progress;
};

int image_open_file(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_as_stored(int fd, const struct imagedb_store_file *file)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == file->size &&
	       st.st_ctim.tv_sec == file->ctime.tv_sec && st.st_ctim.tv_nsec == file->ctime.tv_nsec;
}

static int digest_file(const struct imagedb_store_file *file, void *data)
{
	struct digesting *digesting = data;
	struct imagedb_store_digest_update *update = &digesting->updates[digesting->n];
	_cleanup_(close_fd) int fd = -1;

	if (atomic_load(digesting->stop))
		return -EINTR;
	digesting->next = file->number + 1;
	digesting->files++;
	digesting->bytes += file->size;
	fd = image_open_file(digesting->root->fd, file->path);
	*update = (struct imagedb_store_digest_update){ .number = file->number, .size = file->size, .ctime = file->ctime };
	if (fd >= 0 && is_as_stored(fd, file) && imagedb_digest_fd(fd, 0, &update->digest) == 0)
		digesting->n++;
	else
		digesting->failed++;
	image_progress_show(&digesting->progress, digesting->files, digesting->bytes);
	return digesting->n == STEP_FILES;
}

static int count_bytes(const struct imagedb_store_file *file, void *data)
{
	*(uint64_t *)data += file->size;
	return 0;
}

static int digest_all(struct imagedb_store *store, uint64_t number, struct digesting *digesting)
{
	int r, stored = 0;

	do {
		r = imagedb_store_files(store, number, IMAGEDB_STORE_WITHOUT_DIGEST, digesting->next, digest_file, digesting);
		stored = imagedb_store_set_digests(store, number, digesting->updates, digesting->n);
		digesting->n = 0;
	} while (r == 1 && stored == 0);
	return stored < 0 ? stored : r;
}

enum cli_exit image_digest(const struct cli *cli, struct imagedb_store *store, const char *db, uint64_t number,
			   const struct image_root *root, const atomic_bool *stop)
{
	_cleanup_(free_ptr) struct digesting *digesting = calloc(1, sizeof(*digesting));
	uint64_t total = 0;
	int r = imagedb_store_files(store, number, IMAGEDB_STORE_WITHOUT_DIGEST, 0, count_bytes, &total);

	if (!digesting)
		return CLI_EXIT_ERROR;
	digesting->root = root;
	digesting->stop = stop;
	image_progress_start(&digesting->progress, cli, "hashing", total);
	if (r == 0)
		r = digest_all(store, number, digesting);
	image_progress_end(&digesting->progress);
	if (r == -EINTR) {
		cli_error(cli, "interrupted: %llu digests are stored, \"holdfast image scan --digests\" goes on",
			  (unsigned long long)(digesting->files - digesting->failed));
		return CLI_EXIT_ERROR;
	}
	if (r < 0)
		return image_failed(cli, db, "cannot write", r);
	if (digesting->failed)
		cli_error(cli, "%u files could not be read or have changed since the scan: they have no digest",
			  digesting->failed);
	return digesting->failed ? CLI_EXIT_NEGATIVE : CLI_EXIT_OK;
}
