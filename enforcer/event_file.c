// SPDX-License-Identifier: Apache-2.0
/*
 * The event file. Contracts: event_file.h.
 *
 * I1: a line that was written in part is finished while it stands at the file's end; where it does not any more, or where
 *     nobody knows its rest, the next line begins on a line of its own.
 * I2: what the disk may not have is kept, whole, until the disk has said that it has it, or somebody else cut or replaced the file.
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

static void forget(struct event_file *file)
{
	file->unsure_bytes = 0;
	file->doubted = false;
}

/* Where there is no memory for it, a line is as sure as it was before there was this. */
static void keep(struct event_file *file, const char *bytes, size_t n)
{
	if (!file->unsure)
		file->unsure = malloc(EVENT_FILE_UNSURE_BYTES);
	if (!file->unsure || n > EVENT_FILE_UNSURE_BYTES - file->unsure_bytes)
		return;
	if (!file->unsure_bytes)
		file->unsure_from = file->bytes;
	memcpy(file->unsure + file->unsure_bytes, bytes, n);
	file->unsure_bytes += n;
}

static int write_at(int fd, const char *bytes, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t written = pwrite(fd, bytes, n, (off_t)offset);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			bytes += written;
			n -= (size_t)written;
			offset += (uint64_t)written;
		}
	}
	return 0;
}

/* Where it stood; not in a file that others have cut or written to, who have its lines then. */
static int write_again(struct event_file *file)
{
	struct stat st;
	int err;

	if (fstat(file->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != file->bytes) {
		forget(file);
		return 0;
	}
	if (fcntl(file->fd, F_SETFL, O_NONBLOCK) < 0) /* with O_APPEND an offset means nothing */
		return -errno;
	err = write_at(file->fd, file->unsure, file->unsure_bytes, file->unsure_from);
	if (fcntl(file->fd, F_SETFL, O_NONBLOCK | O_APPEND) < 0)
		return -errno;
	return err;
}

static bool cannot_sync(int error)
{
	return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

int event_file_sync(struct event_file *file)
{
	int err = 0;

	if (file->fd < 0 || !file->unsure_bytes)
		return 0;
	if (file->doubted)
		err = write_again(file);
	if (!err && fdatasync(file->fd) < 0 && !cannot_sync(errno))
		err = -errno;
	file->doubted = err != 0;
	if (!err)
		forget(file);
	return err;
}

size_t event_file_close(struct event_file *file)
{
	size_t lines = 0;

	if (event_file_sync(file) < 0 && event_file_sync(file) < 0)
		for (size_t i = 0; i < file->unsure_bytes; i++)
			lines += file->unsure[i] == '\n';
	close_fd(&file->fd);
	free(file->unsure);
	file->unsure = NULL;
	forget(file);
	return lines;
}

/* I2: whole lines; one that was written in part comes as a whole with the next call. */
static int hand_over(struct event_file *file, int fd, struct stat *st)
{
	bool is_other = file->fd >= 0 && (file->dev != st->st_dev || file->ino != st->st_ino);
	uint64_t from = (uint64_t)st->st_size;
	const char *end;
	ssize_t written;
	size_t n;

	if (!is_other || event_file_sync(file) == 0)
		return 0;
	end = memrchr(file->unsure, '\n', file->unsure_bytes);
	n = end ? (size_t)(end + 1 - file->unsure) : 0;
	if (event_file_is_ragged(fd, from) && write(fd, "\n", 1) == 1)
		from++;
	written = write(fd, file->unsure, n);
	if (written != (ssize_t)n)
		return written < 0 ? -errno : -ENOSPC;
	file->unsure_from = from;
	file->unsure_bytes = n;
	file->doubted = false;
	st->st_size = (off_t)(from + n);
	return 0;
}

/* I1: the same file, and nobody has touched it: how it ends is known, and its torn line can be finished. */
static void adopt(struct event_file *file, int fd, const struct stat *st)
{
	bool is_there = file->fd >= 0 && file->dev == st->st_dev && file->ino == st->st_ino;
	bool same = is_there && file->bytes == (uint64_t)st->st_size;

	if (is_there && !same)
		forget(file);
	close_fd(&file->fd);
	file->fd = fd;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->bytes = (uint64_t)st->st_size;
	if (same)
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
	int err;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	err = hand_over(file, fd, &st);
	if (err)
		return err;
	adopt(file, TAKE_FD(fd), &st);
	return 0;
}

static int rotate(struct event_file *file)
{
	char old[PATH_MAX];
	int err = event_file_sync(file);

	if (err)
		return err;
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
	forget(file);
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
			keep(file, bytes + *done, (size_t)written);
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

	if (!err && (file->doubted || file->unsure_bytes + n + 1 > EVENT_FILE_UNSURE_BYTES))
		err = event_file_sync(file);
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
