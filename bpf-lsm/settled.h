/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happens at an open for writing to what was found out about the file's bytes: it is forgotten, and the daemon is told that there
 * is something to be compared.
 *
 * Owns: forgetting and telling. Must not know: what the daemon makes of it, verdicts.
 *
 *   I1  Whatever may change bytes (an open for writing, a truncate) removes the entry before it can: an entry that is there after
 *       somebody compared the bytes was true of them. It is found by the inode that holds them, so by whichever name and overlay
 *       inode it was opened.
 *   I2  One notice per file until the daemon looks at it: a container that opens its files in a loop makes no flood.
 */
#ifndef BPF_LSM_SETTLED_H
#define BPF_LSM_SETTLED_H

#include "bpf-lsm/object.h"
#include "bpf-lsm/path.h"

static __always_inline void settled_key_of(struct hf_settled_key *key, struct inode *inode)
{
	key->ino = BPF_CORE_READ(inode, i_ino);
	key->dev = inode_dev(inode);
	key->generation = BPF_CORE_READ(inode, i_generation);
}

/* I1: by the address of the inode that holds the bytes. A global function: its memory is not its callers'. */
__noinline int settled_forget(u64 address)
{
	struct hf_settled_key key = {};

	if (!address)
		return 0;
	settled_key_of(&key, (void *)address);
	if (bpf_map_lookup_elem(&hf_settled, &key))
		bpf_map_delete_elem(&hf_settled, &key);
	return 0;
}

/* The file of the writable layer behind an overlay inode; 0: there is none. */
static __always_inline u64 overlay_upper_address(struct inode *inode)
{
	struct dentry *upper = BPF_CORE_READ(overlay_inode(inode), __upperdentry);

	return upper ? (u64)BPF_CORE_READ(upper, d_inode) : 0;
}

/* I2: marks a note as told. True: the daemon was not yet. */
static __always_inline bool settled_is_news(u32 *noted)
{
	struct hf_config *cfg = config();
	u32 epoch = cfg ? cfg->settle_epoch & 0xff : 0, old = *noted;

	if (!epoch || (old & HF_WRITTEN_TOLD) >> HF_WRITTEN_TOLD_SHIFT == epoch)
		return false;
	return __sync_val_compare_and_swap(noted, old, (old & ~HF_WRITTEN_TOLD) | epoch << HF_WRITTEN_TOLD_SHIFT) == old;
}

/* What a fresh note holds for a file that the daemon is about to be told of. */
static __always_inline u32 settled_told_mark(void)
{
	struct hf_config *cfg = config();

	return cfg ? (cfg->settle_epoch & 0xff) << HF_WRITTEN_TOLD_SHIFT : 0;
}

/*
 * The record stands right before the path, in the current task's scratch: nobody builds an event while a file is opened. *head is
 * complete but for the lengths.
 */
static __always_inline int settled_send(struct hf_scratch *scratch, const struct hf_notice *head, u32 path_bytes)
{
	struct hf_notice *notice = (void *)((char *)scratch->data - sizeof(*notice));

	if (path_bytes > HF_PATH_BYTES)
		path_bytes = HF_PATH_BYTES;
	*notice = *head;
	notice->path_bytes = path_bytes;
	notice->bytes = sizeof(*notice) + path_bytes;
	if (bpf_ringbuf_output(&hf_notices, notice, sizeof(*notice) + path_bytes, 0))
		count(HF_COUNTER_NOTICES_LOST);
	return 0;
}

/* The container on whose root an overlay inode lies, and its image. NULL: nobody's. */
static __always_inline struct hf_container *settled_owner(struct hf_notice *notice, struct inode *inode)
{
	struct hf_root_key root = { .dev = BPF_CORE_READ(inode, i_sb, s_dev) };
	struct hf_slot_ref *ref = bpf_map_lookup_elem(&hf_roots, &root);

	if (!ref)
		return NULL;
	notice->container = ref->id;
	return container_slot(ref->slot);
}

static __always_inline void settled_name(struct hf_notice *notice, struct inode *inode)
{
	notice->ino = BPF_CORE_READ(inode, i_ino);
	notice->dev = inode_dev(inode);
	notice->generation = BPF_CORE_READ(inode, i_generation);
}

/* Whether an overlay's inode is one of its container's executables. False: it need not be compared. */
static __always_inline bool settled_is_of_image(struct hf_notice *notice, struct inode *inode)
{
	struct hf_container *owner = settled_owner(notice, inode);
	struct hf_catalog_key key = {};

	if (!owner)
		return false;
	inode = overlay_bytes_inode(inode);
	if (!inode) /* the overlay has not looked for its bytes yet: the daemon finds out */
		return true;
	key.layer_set = owner->layer_set;
	settled_name(notice, inode);
	key.ino = notice->ino;
	key.dev = notice->dev;
	key.generation = notice->generation;
	return bpf_map_lookup_elem(&hf_catalog, &key) != NULL;
}

/* Which of somebody's executables an inode is. False: none of them. */
static __always_inline bool settled_whose(struct hf_notice *notice, struct inode *inode)
{
	if (BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY)
		return settled_is_of_image(notice, inode);
	settled_name(notice, inode); /* of a plain root only what was enrolled is watched */
	return true;
}

/* Tells the daemon of an executable of the image that was opened for writing, by its mount and dentry. */
__noinline int settled_tell(u64 mnt, u64 dentry)
{
	struct hf_notice head = { .kind = HF_NOTICE_WRITTEN };
	struct path_job job = { .root_mnt = mnt };
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct vfsmount *mount = (void *)mnt;
	struct dentry *file = (void *)dentry;
	struct hf_scratch *scratch;

	if (!mnt || !dentry || !settled_whose(&head, BPF_CORE_READ(file, d_inode)))
		return 0;
	job.path.mnt = mount;
	job.path.dentry = file;
	job.root_dentry = (u64)BPF_CORE_READ(mount, mnt_root);
	scratch = bpf_task_storage_get(&hf_scratches, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!scratch || path_write(&job) || job.cut) {
		count(HF_COUNTER_NOTICES_LOST);
		return 0;
	}
	return settled_send(scratch, &head, job.bytes);
}

#endif
