// SPDX-License-Identifier: Apache-2.0
/* Owns: the lock file of a store's folder; what its bytes stand for is in store_internal.h. Must not know: the database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "imagedb/store_internal.h"
#include "imagedb/util.h"

int imagedb_lock_open(const char *folder, bool read_only, int *ret)
{
	_cleanup_(free_text) char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/lock", folder) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (read_only ? 0 : O_CREAT), 0600);
	if (fd < 0 && !(read_only && (errno == EROFS || errno == ENOENT)))
		return -errno;
	*ret = fd < 0 ? -1 : fd;
	return 0;
}

int imagedb_lock(int fd, off_t byte, short type, bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int r;

	if (fd < 0)
		return 0;
	do
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -(errno == EACCES ? EAGAIN : errno) : 0;
}

bool imagedb_lock_is_held(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
