/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc/PID/mountinfo tells about a container's root: its file system, and which layers it is made of.
 *
 * Owns: the parser. Must not know: containers.
 */
#ifndef ENFORCER_MOUNTS_H
#define ENFORCER_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MOUNTS_LINE_BYTES_MAX (256u << 10) /* an overlay of 500 layers with long paths */

struct mounts_root {
	char type[32];	 /* "overlay", "ext4", … */
	bool own_overlay; /* an overlay whose root is this root: the superblock belongs to the container alone */
	char *upper;	 /* path of its writable layer; NULL: none, or not known. free() */
	char *layers;	 /* identity of its layers as text; NULL when it cannot be told: never shared then. free() */
};

/**
 * mounts_root - the mount that holds a container's root
 * @pid: a process in the container's mount namespace
 * @rootfs_fd: the container's root, opened in that mount namespace (O_PATH will do)
 * @dev: kernel device number of the root (lsm_identify)
 * @ret: (output)
 *
 * A root that is a folder somewhere in an overlay shares it with others, with the whole host if that runs from an overlay: only
 * the very mount that @rootfs_fd is the root of makes an overlay the container's own.
 * Layers are identified by their paths together with device, inode number and change time of each folder, so that a name that
 * is used again is another layer. Blocks on /proc and on stat of the layers. Return: 0; -ENOENT: no such mount; -ENOMEM; -errno.
 */
int mounts_root(pid_t pid, int rootfs_fd, uint32_t dev, struct mounts_root *ret);

/* Where a root lies. */
struct mounts_place {
	uint32_t dev;
	uint64_t mount_id; /* of the mount that shows it; 0: unknown */
	bool is_root;	   /* it is that mount's root, not a folder below */
};

/* The same from mountinfo's text. */
int mounts_root_parse(const char *text, const struct mounts_place *place, struct mounts_root *ret);

#endif
