// SPDX-License-Identifier: Apache-2.0
/*
 * The mounts below a container's root, from mountinfo, and what the image has at their places.
 */
#include "enforcer/enrol_covered.h"

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

#include "enforcer/enrol_copied.h"
#include "enforcer/enrol_internal.h"
#include "enforcer/log.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define MOUNTS_MAX 4096 /* below one root; containers have tens */
#define MAGIC_BYTES 4

/* One line of mountinfo; its strings point into the line. */
struct mount_line {
	uint64_t id;
	char *point;
};

static bool split_line(char *line, struct mount_line *ret)
{
	char *save = NULL, *field = strtok_r(line, " ", &save);

	ret->id = field ? strtoull(field, NULL, 10) : 0;
	for (int n = 2; field && n <= 5; n++)
		field = strtok_r(NULL, " ", &save);
	ret->point = field;
	return ret->id && field;
}

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' && at[3] <= '7') {
			*to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

char *enrol_covered_path(char *point, const char *root)
{
	size_t n = strlen(root);

	if (n > 0 && root[n - 1] == '/')
		n--;
	if (strncmp(point, root, n) || point[n] != '/' || !point[n + 1])
		return NULL;
	unescape(point + n + 1);
	return point + n + 1;
}

static uint64_t mount_of(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID))
		return 0;
	return stx.stx_mnt_id;
}

/* Where the root's own mount is mounted, as mountinfo writes it; NULL: not found. To be freed. */
static char *root_point(FILE *mountinfo, uint64_t id)
{
	_cleanup_(free_ptr) char *line = NULL;
	struct mount_line mount;
	size_t room = 0;

	while (getline(&line, &room, mountinfo) > 0) {
		if (split_line(line, &mount) && mount.id == id)
			return strdup(mount.point);
	}
	return NULL;
}

static bool begins_like_code(int fd)
{
	char magic[MAGIC_BYTES] = "";

	if (pread(fd, magic, sizeof(magic), 0) < 0)
		return true;
	return !memcmp(magic, "\177ELF", 4) || !memcmp(magic, "#!", 2) || !memcmp(magic, "MZ", 2);
}

static int stop_at_first(const struct imagedb_file *file, void *data)
{
	bool *found = data;

	*found = file->size != 0; /* runtimes make empty files to mount on */
	return *found;
}

static bool folder_has_code(struct enroller *e, const struct enrol_job *job, int fd)
{
	struct imagedb_scan_options options = { .deadline_ns = job->deadline_ns, .cancel = &e->stop };
	_cleanup_(worker_free) struct worker *worker = NULL;
	struct imagedb_scan_stats stats = { 0 };
	bool found = false;

	if (worker_new(e->workers, false, &worker))
		return true;
	return worker_scan(worker, fd, &options, stop_at_first, &found, &stats) || found || !stats.complete;
}

static bool layer_has_code(struct enroller *e, const struct enrol_job *job, int layer, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	_cleanup_(close_fd) int fd = -1;
	struct stat st;

	fd = (int)syscall(SYS_openat2, layer, path, &how, sizeof(how));
	if (fd < 0)
		return errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
	if (fstat(fd, &st))
		return true;
	if (S_ISDIR(st.st_mode))
		return folder_has_code(e, job, fd);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return false;
	close_fd(&fd);
	how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	fd = (int)syscall(SYS_openat2, layer, path, &how, sizeof(how));
	return fd < 0 || begins_like_code(fd);
}

static bool layers_have_code(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers,
			     const char *path)
{
	for (size_t i = 0; i < layers->n; i++) {
		if (layer_has_code(e, job, layers->fds[i], path)) {
			log_info("enrolment: a mount on /%s covers programs of the image: others do not share this scan", path);
			return true;
		}
	}
	return false;
}

bool enrol_covered(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers)
{
	_cleanup_(close_file) FILE *mountinfo = NULL;
	_cleanup_(free_ptr) char *line = NULL, *root = NULL;
	uint64_t id = mount_of(job->rootfs_fd);
	struct mount_line mount;
	size_t room = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)job->pid);
	mountinfo = fopen(path, "re");
	root = mountinfo && id ? root_point(mountinfo, id) : NULL;
	if (!root || layers->broken)
		return true;
	rewind(mountinfo);
	for (int n = 0; getline(&line, &room, mountinfo) > 0; n++) {
		const char *below = split_line(line, &mount) && mount.id != id ? enrol_covered_path(mount.point, root) : NULL;

		if (below && (n >= MOUNTS_MAX || layers_have_code(e, job, layers, below)))
			return true;
	}
	return ferror(mountinfo) != 0;
}
