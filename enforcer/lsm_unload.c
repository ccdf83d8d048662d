// SPDX-License-Identifier: Apache-2.0
/*
 * The end of the kernel half: pins removed, and waited for.
 *
 * Owns: the order in which pins go. Must not know: what the maps hold.
 *
 * Removing a link's pin only asks for the end. The kernel takes the program off its hook later, in a work item that waits
 * for all CPUs: for seconds under load. The link's number is gone before that; the program's goes after it.
 */
#include "enforcer/lsm.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enforcer/lsm_internal.h"
#include "enforcer/util.h"

#define LINKS_MAX 64u /* more than the programs of a load, and those of one that is being replaced */
#define LOOK_AGAIN_MS 10u

struct programs {
	uint32_t ids[LINKS_MAX];
	size_t n;
};

/* The number of the program behind a pinned link, so that its end can be seen. */
static void note_program(struct programs *programs, const char *name)
{
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);
	_cleanup_(close_fd) int fd = -1;
	char path[512];

	snprintf(path, sizeof(path), LSM_PIN_FOLDER "/%s", name);
	fd = bpf_obj_get(path);
	if (fd >= 0 && programs->n < LINKS_MAX && !bpf_obj_get_info_by_fd(fd, &info, &bytes))
		programs->ids[programs->n++] = info.prog_id;
}

static bool is_link(const char *name)
{
	return !strncmp(name, "link_", 5) || !strncmp(name, "new_", 4);
}

/* Removes the pins of links, or all that is there. */
static int remove_pins(bool links, struct programs *programs)
{
	DIR *dir = opendir(LSM_PIN_FOLDER);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || (links && !is_link(entry->d_name)))
			continue;
		if (links)
			note_program(programs, entry->d_name);
		if (unlinkat(dirfd(dir), entry->d_name, 0))
			err = -errno;
	}
	closedir(dir);
	return err;
}

/* Links first, so that no program runs on maps that are gone. */
static int remove_all(struct programs *programs)
{
	int err = remove_pins(true, programs);

	if (!err)
		err = remove_pins(false, programs);
	if (!err && rmdir(LSM_PIN_FOLDER) && errno != ENOENT)
		err = -errno;
	if (!err && rmdir(HF_PIN_DIR) && errno != ENOENT)
		err = -errno;
	return err;
}

int lsm_unload(void)
{
	struct programs programs = { .n = 0 };

	return remove_all(&programs);
}

static bool all_gone(struct programs *programs)
{
	while (programs->n > 0) {
		_cleanup_(close_fd) int fd = bpf_prog_get_fd_by_id(programs->ids[programs->n - 1]);

		if (fd >= 0 || errno != ENOENT)
			return false;
		programs->n--;
	}
	return true;
}

int lsm_unload_wait(unsigned int timeout_ms)
{
	struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * 1000000l };
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ull;
	struct programs programs = { .n = 0 };
	int err = remove_all(&programs);

	while (!err && !all_gone(&programs)) {
		if (clock_ns(CLOCK_MONOTONIC) >= end)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL); /* nothing tells of the end */
	}
	return err;
}
