// SPDX-License-Identifier: Apache-2.0
/*
 * The unified cgroup hierarchy, as far as a container's life needs it.
 */
#include "enforcer/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/util.h"

#define PATH_BYTES 4096

/* The text behind "0::" in /proc/PID/cgroup, into buf. */
static int read_unified(pid_t pid, char *buf, size_t bytes)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(buf, (int)bytes, file)) {
		if (strncmp(buf, "0::", 3))
			continue;
		buf[strcspn(buf, "\n")] = '\0';
		memmove(buf, buf + 3, strlen(buf + 3) + 1);
		return buf[0] == '/' && buf[1] ? 0 : -ENOENT;
	}
	return -ENOENT;
}

int cgroup_of_pid(pid_t pid, char **ret_path, uint64_t *ret_id)
{
	char relative[PATH_BYTES], path[PATH_BYTES + sizeof(CGROUP_ROOT)];
	struct stat st;
	char *copy;
	int err = read_unified(pid, relative, sizeof(relative));

	if (err)
		return err;
	snprintf(path, sizeof(path), CGROUP_ROOT "%s", relative);
	if (stat(path, &st))
		return -errno;
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
