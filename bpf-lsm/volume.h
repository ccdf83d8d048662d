/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Volumes that were declared read-only, and a task of the container that writes to one all the same: it made the mount writable, or
 * bound the files elsewhere. Afterwards the mount may be as it was; what lies there is no longer what the runtime brought.
 *
 * Owns: noting that. Must not know: what the policy says to code on volumes.
 *
 *   I1  A file belongs to the volume whose folder is above it, by whatever mount it was opened. A dentry that hangs nowhere (opened
 *       by its handle) may be in any: all volumes of its file system count as written then.
 *   I2  Only tasks of the container count: the host renews what it gives to read.
 *   I3  What cannot be noted does not happen: -EPERM.
 */
#ifndef BPF_LSM_VOLUME_H
#define BPF_LSM_VOLUME_H

#include "bpf-lsm/settled.h"
#include "bpf-lsm/subject.h"

#define VOLUME_DEPTH_MAX 256 /* folders above a file; PATH_MAX allows for more only with names of a few bytes */

struct volume_walk {
	u64 dentry;
	u64 container;
	u32 ended; /* at the root of its file system */
	u32 failed;
};

/* 0, or -ENOMEM. */
static __always_inline int volume_note(u64 container, u64 root_ino, u32 dev)
{
	struct hf_volume_key key = { .container = container, .root_ino = root_ino, .dev = dev, .what = HF_VOLUME_WRITTEN };
	struct hf_notice head = { .kind = HF_NOTICE_VOLUME, .container = container, .ino = root_ino, .dev = dev };
	u32 one = 1;

	if (bpf_map_lookup_elem(&hf_volumes, &key))
		return 0;
	if (bpf_map_update_elem(&hf_volumes, &key, &one, BPF_ANY)) {
		count(HF_COUNTER_VOLUMES_FULL);
		return -ENOMEM;
	}
	count(HF_COUNTER_VOLUMES_WRITTEN);
	head.bytes = sizeof(head);
	if (bpf_ringbuf_output(&hf_notices, &head, sizeof(head), 0))
		count(HF_COUNTER_NOTICES_LOST);
	return 0;
}

/* One folder on the way up. 1 ends the loop. */
static long volume_step(u32 index, void *data)
{
	struct volume_walk *walk = data;
	struct dentry *dentry = (void *)walk->dentry;
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	struct hf_volume_key key = { .container = walk->container };
	u64 parent = (u64)BPF_CORE_READ(dentry, d_parent);
	u32 *kind;

	if (inode) {
		key.root_ino = BPF_CORE_READ(inode, i_ino);
		key.dev = inode_dev(inode);
		kind = bpf_map_lookup_elem(&hf_volumes, &key);
		if (kind && *kind & HF_VOLUME_WHILE_READ_ONLY && volume_note(key.container, key.root_ino, key.dev))
			walk->failed = 1;
	}
	if (parent != walk->dentry) {
		walk->dentry = parent;
		return 0;
	}
	walk->ended = inode && (u64)BPF_CORE_READ(inode, i_sb, s_root) == walk->dentry;
	return 1;
}

/* A task of the container writes to a file or folder, by its dentry. 0 or -EPERM. */
__noinline int volume_written_by(u64 container, u64 dentry)
{
	struct volume_walk walk = { .dentry = dentry, .container = container };
	struct hf_volume_key key = { .container = container };
	struct dentry *file = (void *)dentry;
	struct inode *inode = file ? BPF_CORE_READ(file, d_inode) : NULL;

	if (!inode)
		return 0;
	/* Most files lie where nothing was declared read-only. A subvolume of btrfs has another number than the folder above it. */
	key.dev = inode_dev(inode);
	if (BPF_CORE_READ(inode, i_sb, s_magic) != KERNEL_MAGIC_BTRFS && !bpf_map_lookup_elem(&hf_volumes, &key))
		return 0;
	bpf_loop(VOLUME_DEPTH_MAX, volume_step, &walk, 0);
	if (!walk.ended && volume_note(container, 0, key.dev)) /* I1 */
		walk.failed = 1;
	return walk.failed ? -EPERM : 0;
}

/* By the current task, whoever it is. The file below an overlay is the overlay's business. 0 or -EPERM. */
__noinline int volume_on_write(u64 mnt, u64 dentry)
{
	struct vfsmount *mount = (void *)mnt;
	struct subject s = {};

	if (!mount || (u64)BPF_CORE_READ(real_mount(mount), mnt_ns) == KERNEL_MNT_NS_INTERNAL ||
	    subject_of_current(&s) != HF_SUBJECT_CONTAINER)
		return 0;
	/* A root of its own superblock holds no volume. */
	if (s.flags & HF_CONTAINER_OVERLAY_ROOT && BPF_CORE_READ(mount, mnt_sb, s_dev) == s.root_dev)
		return 0;
	return volume_written_by(s.id, dentry) ? -EPERM : 0;
}

/* The same for hooks that all tasks of the node come by. */
static __always_inline int volume_on_change(u64 mnt, u64 dentry)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return volume_on_write(mnt, dentry) ? -EPERM : 0;
}

#endif
