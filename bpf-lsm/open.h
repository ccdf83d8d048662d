/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every open of the node passes here, before the file system's own open.
 *
 * Owns: which opens concern whom, told by plain loads, the cheapest first. Must not know: what is said about them.
 *
 *   I1  Opens for writing are noted whoever asks, also before anything is judged: what a copied-up file is proved by (copyup.h).
 *   I2  A task of the host goes no further than the first loads, unless it opens a file of a watched root for writing,
 *       or one in a container's writable layer.
 *   I3  The overlay opens the real file below in the task's name: each open of a file on the container's root is followed by one on
 *       the file system of its layers (of which file_is_backing() tells, and up to 6.7 that f_path is another inode's).
 */
#ifndef BPF_LSM_OPEN_H
#define BPF_LSM_OPEN_H

#include "bpf-lsm/live.h"
#include "bpf-lsm/memory.h"
#include "bpf-lsm/reach.h"
#include "bpf-lsm/scripts.h"
#include "bpf-lsm/store.h"
#include "bpf-lsm/upper.h"
#include "bpf-lsm/volume.h"

/* By a task of a container or, without a tag, of a runtime on its way in. 0 or -EPERM. */
static __always_inline int open_to_write_contained(struct file *file, unsigned long magic)
{
	int err = magic == KERNEL_MAGIC_PROC ? memory_open(address_of(file)) : 0;

	if (err || reach_open(file, magic))
		return -EPERM;
	if (magic == KERNEL_MAGIC_PROC)
		return 0;
	if (store_open(file, magic) || (magic != KERNEL_MAGIC_OVERLAY && upper_open(file)))
		return -EPERM;
	return volume_on_write((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry)) ? -EPERM : 0;
}

/* Opened for writing. 0 or -EPERM. */
static __always_inline int open_to_write(struct file *file, const struct hf_config *cfg)
{
	struct inode *inode = file->f_inode;
	unsigned long magic = inode->i_sb->s_magic;

	if ((magic == KERNEL_MAGIC_OVERLAY || cfg->plain_roots) && copyup_on_change(address_of(inode), HF_WRITTEN_BYTES))
		settled_tell((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry));
	if (!cfg->enabled || (subject_is_plain_host(cfg) && !upper_concerns_host(file, magic)))
		return 0;
	if ((magic == KERNEL_MAGIC_OVERLAY || cfg->plain_roots) && live_open(file, magic))
		return -EPERM;
	return open_to_write_contained(file, magic);
}

/* Opened for reading alone. 0 or -EPERM. */
static __always_inline int open_to_read(struct file *file, const struct hf_config *cfg)
{
	if (!cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return script_on_open(file);
}

#endif
