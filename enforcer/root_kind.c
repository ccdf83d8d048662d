// SPDX-License-Identifier: Apache-2.0
/*
 * The list of root file systems. A type that nobody has tried is not supported.
 *
 *   I1  On each of them device, inode number and generation name one file as long as it lives, and its bytes change only by an
 *       open for writing or a truncate on this machine. Network file systems break the second part, others may break the first.
 */
#include "enforcer/root_kind.h"

#include <stddef.h>
#include <string.h>

#include "enforcer/util.h"

static const struct {
	const char *type;
	const char *note;
} kinds[] = {
	{ "overlay", NULL },
	{ "ext2", NULL },
	{ "ext3", NULL },
	{ "ext4", NULL },
	{ "xfs", NULL },
	{ "btrfs", NULL },
	{ "tmpfs", NULL },
	{ "erofs", NULL },
	{ "squashfs", NULL },
	{ "fuse.fuse-overlayfs", "its root is a FUSE mount: only changes made through that mount are seen" },
};

bool root_kind_supported(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return true;
	return false;
}

const char *root_kind_note(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return kinds[i].note;
	return NULL;
}
