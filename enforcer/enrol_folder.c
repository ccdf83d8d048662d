// SPDX-License-Identifier: Apache-2.0
/*
 * A folder's name, and the sorted list of what it held first.
 */
#include "enforcer/enrol_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "enforcer/images.h"
#include "enforcer/util.h"

#define FOLDER_MARK "=folder:" /* layers have "=" and a number there */

struct first {
	uint64_t ino, size, ctime_ns;
	uint32_t generation;
	struct imagedb_digest digest;
};

struct folder_list {
	struct first *files;
	size_t n, room;
};

/* The folder's path in our mount namespace, if that leads to the very folder. */
static bool find_path(int root_fd, char *path, size_t bytes)
{
	struct stat here, there;
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
	n = readlink(link, path, bytes - 1);
	if (n <= 0 || (size_t)n >= bytes - 1)
		return false;
	path[n] = '\0';
	return path[0] == '/' && !strpbrk(path, ";=") && !fstat(root_fd, &here) && !stat(path, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

char *enrol_folder_identity(int root_fd, const char *type)
{
	char path[4096], *text = NULL;
	struct statfs fs;
	struct statx stx;
	uint64_t fsid;

	if (fstatfs(root_fd, &fs) || statx(root_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stx) ||
	    !(stx.stx_mask & STATX_BTIME) || !find_path(root_fd, path, sizeof(path)))
		return NULL;
	memcpy(&fsid, &fs.f_fsid, sizeof(fsid));
	if (!fsid)
		return NULL;
	if (asprintf(&text, "%s" FOLDER_MARK "%s:%llx:%llx@%llx.%x;", path, type, (unsigned long long)fsid,
		     (unsigned long long)stx.stx_ino, (unsigned long long)stx.stx_btime.tv_sec, stx.stx_btime.tv_nsec) < 0)
		return NULL;
	return text;
}

bool enrol_folder_is(const char *identity)
{
	return identity && strstr(identity, FOLDER_MARK);
}

static int compare(const void *a, const void *b)
{
	const struct first *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

/* The database's callback. */
static int take(const struct imagedb_store_file *file, void *data)
{
	struct folder_list *list = data;

	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 1024;
		struct first *grown = reallocarray(list->files, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->files = grown;
		list->room = room;
	}
	list->files[list->n++] = (struct first){
		.ino = file->inode.ino, .generation = file->inode.generation, .size = file->size, .digest = file->digest,
		.ctime_ns = (uint64_t)file->ctime.tv_sec * NSEC_PER_SEC + (uint64_t)file->ctime.tv_nsec,
	};
	return 0;
}

int folder_list_load(struct images *images, const char *identity, struct folder_list **ret)
{
	_cleanup_(folder_list_free) struct folder_list *list = calloc(1, sizeof(*list));
	int err;

	if (!list)
		return -ENOMEM;
	err = images_walk(images, identity, take, list);
	if (err)
		return err;
	if (list->n)
		qsort(list->files, list->n, sizeof(*list->files), compare);
	*ret = TAKE_PTR(list);
	return 0;
}

void folder_list_free(struct folder_list **list)
{
	if (!*list)
		return;
	free((*list)->files);
	free(*list);
	*list = NULL;
}

static bool has_digest(int fd, const struct first *first)
{
	struct imagedb_digest now;

	if (!(first->digest.algorithms & IMAGEDB_ALGORITHM_SHA256) || imagedb_digest_fd(fd, first->size, &now))
		return false;
	return now.size == first->size && !memcmp(now.sha256, first->digest.sha256, sizeof(now.sha256));
}

bool folder_list_holds(const struct folder_list *list, int fd, const struct hf_enrol *now)
{
	const struct first key = { .ino = now->key.ino, .generation = now->key.generation };
	const struct first *first = list->n ? bsearch(&key, list->files, list->n, sizeof(key), compare) : NULL;

	if (!first || first->size != now->value.size_mode >> HF_CATALOG_SIZE_SHIFT)
		return false;
	return first->ctime_ns == now->value.ctime_ns || has_digest(fd, first);
}
