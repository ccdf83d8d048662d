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

#define LOOK_AGAIN_MS 10u

/* The number of the program behind a pinned link, so that its end can be seen. */
static void note_program(struct lsm_programs *programs, const char *folder, const char *name)
{
	struct bpf_link_info info = { 0 };
	uint32_t bytes = sizeof(info);
	_cleanup_(close_fd) int fd = -1;
	char path[LSM_PATH_BYTES + 256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_obj_get(path);
	if (fd >= 0 && programs->n < LSM_PROGRAMS_MAX && !bpf_obj_get_info_by_fd(fd, &info, &bytes))
		programs->ids[programs->n++] = info.prog_id;
}

static bool is_link(const char *name)
{
	return !strncmp(name, "link_", 5) || !strncmp(name, "new_", 4);
}

/* Removes the pins of links, or those of all else. */
static int remove_pins(const char *folder, bool links, struct lsm_programs *programs)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_link(entry->d_name) != links)
			continue;
		if (links && programs)
			note_program(programs, folder, entry->d_name);
		if (unlinkat(dirfd(dir), entry->d_name, 0) && errno != ENOENT)
			err = -errno;
	}
	closedir(dir);
	return err;
}

int lsm_remove_maps(const char *folder)
{
	return remove_pins(folder, false, NULL);
}

int lsm_remove_folder(const char *folder, struct lsm_programs *programs)
{
	int err = remove_pins(folder, true, programs);

	if (!err)
		err = remove_pins(folder, false, NULL);
	if (!err && rmdir(folder) && errno != ENOENT)
		err = -errno;
	return err;
}

/* What all versions share goes when none of them is left. */
static int remove_shared(void)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	int err;

	if (lsm_versions(versions, true))
		return 0;
	err = remove_pins(HF_PIN_DIR, false, NULL);
	if (!err && rmdir(HF_PIN_DIR) && errno != ENOENT)
		err = -errno;
	return err;
}

int lsm_discard(void)
{
	int err = lsm_remove_folder(LSM_PIN_FOLDER, NULL);

	return err ? err : remove_shared();
}

static int remove_all(struct lsm_programs *programs)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	char folder[LSM_PATH_BYTES];
	size_t n;
	int err = 0;

	while (!err && (n = lsm_versions(versions, true))) {
		lsm_version_folder(versions[0], folder);
		err = lsm_remove_folder(folder, programs);
	}
	return err ? err : remove_shared();
}

static bool all_gone(struct lsm_programs *programs)
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
	struct lsm_programs programs = { .n = 0 };
	int err = remove_all(&programs);

	while (!err && !all_gone(&programs)) {
		if (clock_ns(CLOCK_MONOTONIC) >= end)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL); /* nothing tells of the end */
	}
	return err;
}
