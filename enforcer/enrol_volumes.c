// SPDX-License-Identifier: Apache-2.0
/*
 * Declared mounts to superblock and root inode, asked of the kernel half through the container's root.
 *
 *   I1  A read-only mount counts as one only if no writable mount of the same container leads to the same files: a folder that
 *       is mounted twice, or a folder of a writable volume (subPath), could be filled and then run from.
 *   I2  Where mountinfo does not tell, it is taken for shared.
 *   I3  Whether two mounts show the same file system is mountinfo's to tell: a btrfs subvolume has a device number of its own, and
 *       may lie in another mount's folder all the same.
 */
#include "enforcer/enrol_volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/enrol.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"

/* What mountinfo says of one declared mount. */
struct place {
	uint64_t mount_id; /* 0: it is no mount, or unknown */
	char *fs;	   /* "major:minor" of its file system; owned; NULL: not found */
	char *root;	   /* the folder of the file system that it shows; owned; NULL: not found */
};

static void free_places(struct place *places, size_t n)
{
	for (size_t i = 0; places && i < n; i++) {
		free(places[i].fs);
		free(places[i].root);
	}
	free(places);
}

static int open_in_root(int rootfs_fd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, rootfs_fd, path, &how, sizeof(how));
}

static void identify(struct lsm *lsm, const struct enrol_job *job, size_t i, struct place *place)
{
	_cleanup_(close_fd) int fd = open_in_root(job->rootfs_fd, job->mounts[i].destination);
	struct hf_enrol answer;
	struct statx stx;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &stx) ||
	    !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) || lsm_identify(lsm, fd, &answer))
		return;
	job->volumes[i].root_ino = answer.key.ino;
	job->volumes[i].dev = answer.key.dev;
	job->volumes[i].is_file = S_ISREG(stx.stx_mode);
	place->mount_id = stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0;
}

/* "36 35 98:0 /root /point …": gives file system and root to the places that ask for mount 36. */
static void take_line(char *line, struct place *places, size_t n)
{
	char *save = NULL, *fs = NULL, *root = NULL;
	char *id = strtok_r(line, " ", &save);
	uint64_t mount_id = id ? strtoull(id, NULL, 10) : 0;

	if (id && strtok_r(NULL, " ", &save))
		fs = strtok_r(NULL, " ", &save);
	if (fs)
		root = strtok_r(NULL, " ", &save);
	for (size_t i = 0; mount_id && root && i < n; i++) {
		if (places[i].mount_id == mount_id && !places[i].root) {
			places[i].fs = strdup(fs);
			places[i].root = strdup(root);
		}
	}
}

static void find_roots(pid_t pid, struct place *places, size_t n)
{
	_cleanup_(close_file) FILE *file = NULL;
	_cleanup_(free_ptr) char *line = NULL;
	size_t room = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0)
		take_line(line, places, n);
}

static bool holds(const char *outer, const char *inner)
{
	size_t n = strlen(outer);

	if (n > 0 && outer[n - 1] == '/') /* the file system's own root */
		n--;
	return !strncmp(outer, inner, n) && (inner[n] == '\0' || inner[n] == '/');
}

bool enrol_volumes_overlap(const char *a, const char *b)
{
	return holds(a, b) || holds(b, a);
}

/* Whether two declared mounts surely show different file systems. */
static bool are_apart(const struct enrol_job *job, const struct place *places, size_t a, size_t b)
{
	if (places[a].fs && places[b].fs)
		return strcmp(places[a].fs, places[b].fs) != 0;
	return job->volumes[a].dev != job->volumes[b].dev;
}

/* True when a writable mount of the container shows some of the same files. */
static bool is_written(const struct enrol_job *job, const struct place *places, size_t i)
{
	for (size_t other = 0; other < job->n_mounts; other++) {
		if (job->mounts[other].read_only || are_apart(job, places, i, other))
			continue;
		if (!places[i].root || !places[other].root ||
		    enrol_volumes_overlap(places[i].root, places[other].root))
			return true;
	}
	return false;
}

int enrol_volumes_identify(struct lsm *lsm, struct enrol_job *job)
{
	struct place *places = calloc(job->n_mounts + 1, sizeof(*places));

	job->volumes = calloc(job->n_mounts + 1, sizeof(*job->volumes));
	if (!job->volumes || !places) {
		free(places);
		snprintf(job->error, sizeof(job->error), "no memory for its volumes");
		return -ENOMEM;
	}
	for (size_t i = 0; i < job->n_mounts; i++)
		identify(lsm, job, i, &places[i]);
	find_roots(job->pid, places, job->n_mounts);
	for (size_t i = 0; i < job->n_mounts; i++)
		job->volumes[i].written = job->volumes[i].dev && is_written(job, places, i);
	free_places(places, job->n_mounts);
	return 0;
}
