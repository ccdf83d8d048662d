/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writers to a container's writable layer that reach it otherwise than through its root: a container with a folder of the host, or the
 * host itself.
 *
 * Owns: what of that a hook sees, and what is not believed any more when it was let through. Must not know: verdicts.
 *
 *   I1  Copies of image files are proved by what was opened on the overlay (copyup.h) and by digests that hold until such an open
 *       (settle.h). So whoever may write below it takes both away, if the policy lets him.
 *       The host may; what it writes there is not believed either.
 *   I2  The overlay's own opens of the file below come by as well, and are none of these.
 *   I3  New names in the folder of the layer count: what is renamed there may carry the attributes of a copy.
 */
#ifndef BPF_LSM_UPPER_H
#define BPF_LSM_UPPER_H

#include "bpf-lsm/host.h"
#include "bpf-lsm/store.h"

/* The slot, plus one, of the container in whose writable layer a file (its dentry's address) lies. 0: in none. A global function, for its
 * memory. */
__noinline u32 upper_owner(u64 dentry)
{
	struct hf_slot_ref ref = {};

	return dentry && !owner_by_upper(&ref, dentry) ? ref.slot + 1 : 0;
}

/* I1: owner as upper_owner() has it; inode: whose bytes may be others (its address), 0: any. */
static __always_inline void upper_let_through(u32 owner_slot, u64 inode)
{
	struct hf_container *owner = owner_slot ? container_slot(owner_slot - 1) : NULL;

	if (owner)
		__sync_fetch_and_or(&owner->flags, HF_CONTAINER_WRITES_LOST);
	settled_forget(inode);
}

/* Whether nobody can tell in which folder a file lies, opened by its handle, on a device that carries layers. */
static __always_inline bool upper_is_lost(struct dentry *dentry, struct super_block *sb)
{
	struct block_device *device;

	if ((u64)dentry->d_parent != (u64)dentry || (u64)sb->s_root == (u64)dentry)
		return false;
	device = BPF_CORE_READ((struct super_block *)address_of(sb), s_bdev);
	return device && store_has_device(BPF_CORE_READ(device, bd_dev));
}

/* Whether a task of the host may be about to write there: nothing is refused to it, and what it writes is not believed. By plain loads. */
static __always_inline bool upper_concerns_host(struct file *file, unsigned long magic)
{
	return magic != KERNEL_MAGIC_OVERLAY && upper_is_near(file->f_path.dentry);
}

/* A contained task opens a regular file for writing that is on no overlay. 0 or -EPERM. */
static __always_inline int upper_open(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = file->f_inode;
	bool lost;
	u32 owner;

	if ((inode->i_mode & KERNEL_S_IFMT) != KERNEL_S_IFREG || dentry->d_inode != inode)
		return 0;
	lost = upper_is_lost(dentry, inode->i_sb);
	if ((!lost && !upper_is_near(dentry)) || file_is_below((struct file *)address_of(file))) /* I2 */
		return 0;
	owner = lost ? 0 : upper_owner(address_of(dentry));
	if (!lost && !owner)
		return 0;
	if (store_judge(address_of(file), HF_DETAIL_WRITABLE_LAYER, 0))
		return -EPERM;
	upper_let_through(owner, address_of(inode));
	return 0;
}

/* The current task changes a name (its dentry's address), or what it stands for, at a path. 0 or -EPERM. */
static __always_inline int upper_change(u64 path, u64 dentry)
{
	u32 owner;

	if (BPF_CORE_READ((struct path *)path, mnt, mnt_sb, s_magic) == KERNEL_MAGIC_OVERLAY)
		return 0;
	owner = upper_owner(dentry);
	if (!owner)
		return 0;
	if (store_judge(path, HF_DETAIL_WRITABLE_LAYER, ACCESS_PATH))
		return -EPERM;
	upper_let_through(owner, (u64)BPF_CORE_READ((struct dentry *)dentry, d_inode));
	return 0;
}

/* … a name. Left open: the host moves a file there that carries an overlay's own attributes. What it copies there, it opens for writing. */
static __always_inline int upper_on_change(u64 path, u64 dentry)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return upper_change(path, dentry);
}

/* … the bytes. */
static __always_inline int upper_on_truncate(const struct path *path)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || (subject_is_plain_host(cfg) && !upper_is_near(path->dentry)))
		return 0;
	return upper_change(address_of(path), address_of(path->dentry));
}

#endif
