// SPDX-License-Identifier: Apache-2.0
/*
 * Parser for /proc/PID/mountinfo, as far as the container's root needs it.
 */
#include "enforcer/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "imagedb/layers.h"

#define MINOR_BITS 20 /* of the kernel's dev_t, as s_dev holds it */
#define TEXT_BYTES_MAX (8u << 20) /* a node with thousands of mounts has some hundred kB */

/* The fields of one line that are used; they point into the line. */
struct line {
	uint64_t mount_id;
	unsigned int major, minor;
	char *root;
	char *type;
	char *options; /* of the superblock */
};

/* Splits "36 35 98:0 /root /point opts shared:1 - type source superopts" in place. */
static bool split_line(char *text, struct line *ret)
{
	char *save = NULL, *dev, *id, *dash;

	dash = strstr(text, " - ");
	if (!dash)
		return false;
	*dash = '\0';
	id = strtok_r(text, " ", &save);
	if (!id || !strtok_r(NULL, " ", &save))
		return false;
	ret->mount_id = strtoull(id, NULL, 10);
	dev = strtok_r(NULL, " ", &save);
	ret->root = strtok_r(NULL, " ", &save);
	if (!dev || !ret->root || sscanf(dev, "%u:%u", &ret->major, &ret->minor) != 2)
		return false;
	ret->type = strtok_r(dash + 3, " ", &save);
	if (!ret->type || !strtok_r(NULL, " ", &save))
		return false;
	ret->options = strtok_r(NULL, " ", &save);
	return ret->options != NULL;
}

static char *upper_of(const char *options)
{
	const char *at = strstr(options, "upperdir=");
	size_t bytes = at ? strcspn(at, ",") : 0;

	if (!at || (at != options && at[-1] != ',') || memchr(at, '\\', bytes))
		return NULL;
	return strndup(at + strlen("upperdir="), bytes - strlen("upperdir="));
}

static void take_line(struct line *line, bool is_root_mount, struct mounts_root *ret)
{
	snprintf(ret->type, sizeof(ret->type), "%s", line->type);
	ret->own_overlay = is_root_mount && !strcmp(line->type, "overlay") && !strcmp(line->root, "/");
	ret->upper = ret->own_overlay ? upper_of(line->options) : NULL;
	ret->layers = NULL;
	if (ret->own_overlay)
		imagedb_layers_of_options(line->options, NULL, &ret->layers); /* not told: stays NULL, never shared */
}

/* btrfs is listed under a device number that none of its files has. */
static bool is_of(const struct line *line, const struct mounts_place *place)
{
	if ((line->major << MINOR_BITS | line->minor) == place->dev)
		return true;
	return place->mount_id && line->mount_id == place->mount_id && !strcmp(line->type, "btrfs");
}

/* The line of that file system which is the mount itself, or else the first one. */
static bool find_line(const char *text, const struct mounts_place *place, bool itself, struct mounts_root *ret)
{
	_cleanup_(free_ptr) char *copy = NULL;

	for (const char *at = text; *at;) {
		size_t bytes = strcspn(at, "\n");
		struct line line;

		free(copy);
		copy = bytes <= MOUNTS_LINE_BYTES_MAX ? strndup(at, bytes) : NULL;
		at += bytes + (at[bytes] == '\n');
		if (!copy || !split_line(copy, &line))
			continue;
		if (!is_of(&line, place) || (itself && line.mount_id != place->mount_id))
			continue;
		take_line(&line, itself && place->is_root, ret);
		return true;
	}
	return false;
}

int mounts_root_parse(const char *text, const struct mounts_place *place, struct mounts_root *ret)
{
	if (place->mount_id && find_line(text, place, true, ret))
		return 0;
	return find_line(text, place, false, ret) ? 0 : -ENOENT;
}

/* All of a /proc file, which has no size. */
static int read_proc(const char *path, char **ret)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(free_ptr) char *text = NULL;
	size_t used = 0, room = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (room - used < 4096) {
			char *grown = room < TEXT_BYTES_MAX ? realloc(text, room + 65536) : NULL;

			if (!grown)
				return -ENOMEM;
			text = grown;
			room += 65536;
		}
		n = read(fd, text + used, room - used - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

static struct mounts_place place_of(int rootfs_fd, uint32_t dev)
{
	struct mounts_place place = { .dev = dev };
	struct statx stx;

	if (statx(rootfs_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID))
		return place;
	place.mount_id = stx.stx_mnt_id;
	place.is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return place;
}

int mounts_root(pid_t pid, int rootfs_fd, uint32_t dev, struct mounts_root *ret)
{
	const struct mounts_place place = place_of(rootfs_fd, dev);
	_cleanup_(free_ptr) char *text = NULL;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	err = read_proc(path, &text);
	return err ? err : mounts_root_parse(text, &place, ret);
}
