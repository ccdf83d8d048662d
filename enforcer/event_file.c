// SPDX-License-Identifier: Apache-2.0
/*
 * The event file. Contracts: event_file.h.
 *
 * I1: a line that was written in part is finished while it stands at the file's end; where it does not any more, or where
 *     nobody knows its rest, the next line begins on a line of its own.
 */
#include "enforcer/event_file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/util.h"

#define FILE_MODE 0640

/* What cannot be read counts as ragged: an empty line does less harm than two lines in one. */
bool event_file_is_ragged(int fd, uint64_t bytes)
{
	char last = 0;

	return bytes > 0 && (pread(fd, &last, 1, (off_t)bytes - 1) != 1 || last != '\n');
}

void event_file_close(struct event_file *file)
{
	close_fd(&file->fd);
}

/* I1: the same file, and nobody has touched it: its torn line can be finished. */
static void adopt(struct event_file *file, int fd, const struct stat *st)
{
	bool same = file->fd >= 0 && file->dev == st->st_dev && file->ino == st->st_ino &&
		    file->bytes == (uint64_t)st->st_size;

	close_fd(&file->fd);
	file->fd = fd;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->bytes = (uint64_t)st->st_size;
	if (same && file->torn)
		return;
	file->torn = 0;
	file->ragged = event_file_is_ragged(fd, file->bytes);
}

int event_file_open(struct event_file *file)
{
	_cleanup_(close_fd) int fd = open(file->path,
					  O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
					  FILE_MODE);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	adopt(file, TAKE_FD(fd), &st);
	return 0;
}

static int rotate(struct event_file *file)
{
	char old[PATH_MAX];

	if (snprintf(old, sizeof(old), "%s.1", file->path) >= (int)sizeof(old))
		return -ENAMETOOLONG;
	/* Gone already: an earlier attempt got this far, or somebody else moved it. */
	if (rename(file->path, old) < 0 && errno != ENOENT)
		return -errno;
	return event_file_open(file);
}

/* The file is where it was: no error, or one of its length. */
static bool has_place(int err)
{
	return err == 0 || err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
}

/* What others did to the file since the last line. */
static int look(struct event_file *file)
{
	struct stat st;

	if (file->fd < 0 || !has_place(file->error))
		return event_file_open(file);
	if (fstat(file->fd, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return event_file_open(file);
	if ((uint64_t)st.st_size == file->bytes)
		return 0;
	file->bytes = (uint64_t)st.st_size;
	file->torn = 0;
	file->ragged = event_file_is_ragged(file->fd, file->bytes);
	return 0;
}

static int put_bytes(struct event_file *file, const char *bytes, size_t n, size_t *done)
{
	while (*done < n) {
		ssize_t written = write(file->fd, bytes + *done, n - *done);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			*done += (size_t)written;
			file->bytes += (uint64_t)written;
		}
	}
	return 0;
}

int event_file_put(struct event_file *file, const char *line, size_t n)
{
	size_t end = 0;
	int err = look(file);

	if (!err && file->max_bytes && file->bytes && !file->torn && file->bytes + n > file->max_bytes)
		err = rotate(file);
	if (!err && file->ragged) {
		err = put_bytes(file, "\n", 1, &end);
		file->ragged = err != 0;
	}
	if (!err)
		err = put_bytes(file, line, n, &file->torn);
	if (!err)
		file->torn = 0;
	file->error = err;
	return err;
}
