// SPDX-License-Identifier: Apache-2.0
/* Owns: the flags that keep a scan inside the root. See open.h for the invariants. Must not know: the walk. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "imagedb/open.h"
#include "imagedb/util.h"

#define STAY_INSIDE	(RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define CLIMB_STEP	1000u	/* "../" this often stays below PATH_MAX */

static int open_beneath(int dir_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	long fd;

	do
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

int imagedb_open_proc(void)
{
	int fd = open("/proc/thread-self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int imagedb_open_root(int rootfs_fd)
{
	return open_beneath(rootfs_fd, ".", O_RDONLY | O_DIRECTORY, STAY_INSIDE);
}

int imagedb_open_directory(int dir_fd, const char *name)
{
	/* O_DIRECTORY is checked before the file system's own open: a device or FIFO put there meanwhile is not opened. */
	return open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, STAY_INSIDE);
}

int imagedb_pin(int dir_fd, const char *name)
{
	return open_beneath(dir_fd, name, O_PATH | O_NOFOLLOW, STAY_INSIDE);
}

int imagedb_open_pinned(int proc_fd, int pin_fd)
{
	char number[16];
	int fd;

	snprintf(number, sizeof(number), "%d", pin_fd);
	do
		fd = openat(proc_fd, number, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static int climb_step(int dir_fd, uint32_t levels)
{
	char path[3 * CLIMB_STEP + 1];

	for (uint32_t i = 0; i < levels; i++)
		memcpy(path + 3 * i, "../", 3);
	path[3 * levels] = '\0';
	/* Not IN_ROOT: it would pin ".." to dir_fd itself. The caller's identity check (I3) stands in for it. */
	return open_beneath(dir_fd, path, O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int imagedb_climb(int dir_fd, uint32_t levels, dev_t dev, ino_t ino)
{
	_cleanup_(closep) int current = -1;
	struct stat st;

	while (levels > 0) {
		uint32_t step = levels < CLIMB_STEP ? levels : CLIMB_STEP;
		int up = climb_step(current >= 0 ? current : dir_fd, step);

		if (up < 0)
			return up;
		closep(&current);
		current = up;
		levels -= step;
	}
	if (fstat(current, &st) < 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE;
	return take_fd(&current);
}
