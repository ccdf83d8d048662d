// SPDX-License-Identifier: Apache-2.0
/*
 * The unified cgroup hierarchy, as far as a container's life needs it.
 */
#include "enforcer/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "enforcer/util.h"

#define PATH_BYTES 4096

int cgroup_read_path(FILE *file, char *ret, size_t bytes)
{
	char line[PATH_BYTES];
	bool whole = true; /* the line begins here */

	while (fgets(line, sizeof(line), file)) {
		bool is_ours = whole && !strncmp(line, "0::/", 4);
		size_t n = strcspn(line, "\n");

		whole = line[n] == '\n';
		if (!is_ours)
			continue;
		if (n + 1 == sizeof(line) && !whole)
			return -ENAMETOOLONG;
		line[n] = '\0';
		if (n == 4 || !strncmp(line + 3, "/..", 3))
			return -ENOENT;
		return snprintf(ret, bytes, "%s", line + 3) < (int)bytes ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

static int read_path_of_pid(pid_t pid, char *ret, size_t bytes)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	file = fopen(path, "re");
	return file ? cgroup_read_path(file, ret, bytes) : -errno;
}

static pid_t parent_of_pid(pid_t pid)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64], line[256];
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && !parent && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "PPid: %d", &parent) != 1)
			parent = 0;
	}
	return parent;
}

/* The runtime stays outside of a cgroup that it makes. */
static bool is_parents(pid_t pid, const char *path)
{
	char parents[PATH_BYTES];
	pid_t parent = parent_of_pid(pid);

	return parent > 0 && read_path_of_pid(parent, parents, sizeof(parents)) == 0 && !strcmp(path, parents);
}

int cgroup_of_pid(pid_t pid, char **ret_path, uint64_t *ret_id)
{
	char relative[PATH_BYTES], path[PATH_BYTES + sizeof(CGROUP_ROOT)];
	struct statfs fs;
	struct stat st;
	char *copy;
	int err = read_path_of_pid(pid, relative, sizeof(relative));

	if (err)
		return err;
	if (is_parents(pid, relative))
		return -EBUSY;
	snprintf(path, sizeof(path), CGROUP_ROOT "%s", relative);
	if (stat(path, &st) || statfs(path, &fs))
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENODEV; /* where the older hierarchies are mounted, a name may be another's */
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret_path = copy;
	*ret_id = st.st_ino;
	return 0;
}

int cgroup_open_events(const char *path)
{
	char events[PATH_BYTES + 64];
	int fd;

	snprintf(events, sizeof(events), "%s/cgroup.events", path);
	fd = open(events, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool cgroup_is_populated(int events_fd)
{
	char text[256];
	ssize_t n = pread(events_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "populated 1") != NULL;
}
