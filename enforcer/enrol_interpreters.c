// SPDX-License-Identifier: Apache-2.0
/*
 * Each noted path is opened inside the container's root and shown once more, as what it is.
 */
#include "enforcer/enrol_interpreters.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/enrol_internal.h"
#include "enforcer/interpreters.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"

/* Symbolic links are the image's, and end inside the root; mounts are not entered. Nothing but a regular file is opened. */
static int open_in_root(int rootfs_fd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_(close_fd) int pin = (int)syscall(SYS_openat2, rootfs_fd, path, &how, sizeof(how));
	char self[64];
	struct stat st;
	int fd;

	if (pin < 0 || fstat(pin, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", pin);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The name of the file that a chain of links ended at says more than the one it began with: sh is busybox, or dash. */
static uint8_t find_family(int fd, uint8_t otherwise)
{
	char self[64], path[4096];
	ssize_t n;
	uint8_t family;

	if (otherwise == HF_INTERPRETER_LOADER || otherwise == HF_INTERPRETER_HEAP)
		return otherwise;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	if (n <= 0)
		return otherwise;
	path[n] = '\0';
	family = strrchr(path, '/') ? interpreters_family(strrchr(path, '/') + 1) : 0;
	return family ? family : otherwise;
}

static int mark(struct enroller *e, const struct enrol_job *job, uint32_t layer_set, const struct interpreters_item *item)
{
	_cleanup_(close_fd) int fd = open_in_root(job->rootfs_fd, item->path);
	struct lsm_enrolment where = { .layer_set = layer_set, .root_dev = job->root_dev };
	struct hf_enrol answer;
	uint8_t family;
	int err;

	if (fd < 0)
		return 0;
	family = find_family(fd, item->family);
	if (family == INTERPRETERS_NEVER)
		return 0;
	where.flags = HF_ENROL_MARK | (uint32_t)family << HF_ENROL_INTERPRETER_SHIFT;
	err = lsm_enrol_file(e->lsm, fd, &where, &answer);
	if (err)
		return 0; /* what cannot be mapped does not run */
	log_debug("enrolment: %s is an interpreter of kind %u%s", item->path, family,
		  answer.status == HF_ENROL_KNOWN ? "" : ", but no executable of the image");
	return answer.status == HF_ENROL_PENDING ? -EIO : 0;
}

int enrol_interpreters_mark(struct enroller *e, const struct enrol_job *job, uint32_t layer_set,
			    const struct interpreters *list)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->n && !atomic_load(&e->stop); i++)
		err = mark(e, job, layer_set, &list->items[i]);
	if (list->cut)
		log_warning("enrolment: the image names more than %u interpreters, or there was no memory: some are not known as such",
			    INTERPRETERS_MAX);
	return err;
}
