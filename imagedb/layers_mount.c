// SPDX-License-Identifier: Apache-2.0
/* Owns: finding the overlay that a folder is the root of, in our own mountinfo; see layers.h. Must not know: how layers are named. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "imagedb/layers.h"
#include "imagedb/util.h"

/* The mount whose root the folder is; -ENODEV when it lies somewhere in one. */
static int mount_id_of(int root_fd, uint64_t *ret)
{
	struct statx stx;

	if (statx(root_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return -errno;
	if (!(stx.stx_mask & STATX_MNT_ID) || !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -ENODEV;
	*ret = stx.stx_mnt_id;
	return 0;
}

/* The superblock options in "36 35 0:76 / /point opts shared:1 - overlay source options\n"; NULL for another mount. */
static const char *overlay_options(char *line, uint64_t mount_id)
{
	char *save = NULL, *dash = strstr(line, " - "), *root = NULL;

	if (!dash || strtoull(line, NULL, 10) != mount_id)
		return NULL;
	*dash = '\0';
	line = strtok_r(line, " ", &save);
	for (int field = 0; field < 3 && line; field++)
		root = strtok_r(NULL, " ", &save);
	if (!root || strcmp(root, "/") != 0)
		return NULL;
	line = strtok_r(dash + 3, " ", &save);
	if (!line || strcmp(line, "overlay") != 0 || !strtok_r(NULL, " ", &save))
		return NULL;
	return strtok_r(NULL, " \n", &save);
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Is it among the options? */
static bool has_option(const char *options, const char *option)
{
	size_t len = strlen(option);

	for (const char *at = options; (at = strstr(at, option)); at += len)
		if ((at == options || at[-1] == ',') && (at[len] == ',' || !at[len] || option[len - 1] == '='))
			return true;
	return false;
}

static int take_options(const char *options, struct imagedb_mounted_layers *ret)
{
	struct imagedb_mounted_layers layers = {
		.writable = has_option(options, "upperdir="),
		.user_xattr = has_option(options, "userxattr"),
		.metacopy = has_option(options, "metacopy=on"),
	};
	int r = imagedb_layers_of_options(options, NULL, &layers.identity);

	if (r == 0)
		*ret = layers;
	return r;
}

int imagedb_layers_of_mount(int root_fd, struct imagedb_mounted_layers *ret)
{
	_cleanup_(close_file) FILE *file = NULL;
	_cleanup_(free_text) char *line = NULL;
	uint64_t mount_id;
	size_t room = 0;
	int r = mount_id_of(root_fd, &mount_id);

	if (r < 0)
		return r;
	file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0) {
		const char *options = overlay_options(line, mount_id);

		if (options)
			return take_options(options, ret);
	}
	return ferror(file) ? -EIO : -ENODEV;
}
