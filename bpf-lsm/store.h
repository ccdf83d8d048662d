/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writers to the image store: a contained task that opens a file of an image's layers for writing otherwise than through its overlay
 * (a bind mount of the host's folders, a handle), or the block device below them.
 *
 * Owns: whether a file is some image's, whichever; which devices carry layers. Must not know: what the policy says to it, writable
 * layers (upper.h).
 *
 *   I1  Every file of the catalogue went through the filter before it was added, so a file that the filter does not know is none of
 *       any image: that is the answer for nearly all files, at the price of one look. What it takes for known is looked up.
 *   I2  An open through an overlay is none of ours: it writes a copy. The overlay's own open of a real file comes by as well: an
 *       image's file below is never opened for writing by it, unless somebody made the layer its writable one.
 *   I3  A container on a root that is no overlay writes its own files; those of others it does not.
 */
#ifndef BPF_LSM_STORE_H
#define BPF_LSM_STORE_H

#include "bpf-lsm/access.h"

/* The block device that a file system is mounted from; file systems without are none of ours. 0 or -errno. */
static __always_inline int store_add_device(struct super_block *sb)
{
	struct block_device *device = BPF_CORE_READ(sb, s_bdev);
	u32 dev = device ? BPF_CORE_READ(device, bd_dev) : 0, why = HF_STORE_DEVICE, *known;

	known = dev ? bpf_map_lookup_elem(&hf_store_devices, &dev) : NULL;
	if (!dev || (known && *known & HF_STORE_DEVICE))
		return 0;
	if (dev != BPF_CORE_READ(sb, s_dev))
		why |= HF_STORE_LASTING;
	return (int)bpf_map_update_elem(&hf_store_devices, &dev, &why, BPF_ANY); /* 32 bits up to 6.3 */
}

/* Notes an image's file on its way into the catalogue, and the device that it lies on. 0 or -errno. */
static __always_inline int store_add(struct inode *inode, const struct hf_catalog_key *key)
{
	struct hf_layer_file file = { .ino = key->ino, .dev = key->dev, .generation = key->generation };

	if (store_add_device(BPF_CORE_READ(inode, i_sb)))
		return -ENOMEM;
	return (int)bpf_map_push_elem(&hf_layer_files, &file, BPF_ANY);
}

struct store_walk {
	struct hf_catalog_key key; /* layer_set: the one that was looked at last */
	u32 own;		   /* set that is not looked at */
	u32 found;
};

static long store_step(u32 slot, void *data)
{
	struct hf_container *container = container_slot(slot);
	struct store_walk *walk = data;
	struct hf_catalog_key key = walk->key;

	if (!container)
		return 1;
	if (!container->id || !container->layer_set || container->layer_set == walk->own ||
	    container->layer_set == key.layer_set)
		return 0;
	key.layer_set = walk->key.layer_set = container->layer_set;
	walk->found = bpf_map_lookup_elem(&hf_catalog, &key) != NULL;
	return walk->found;
}

/* Whether a file, which the filter knows, is in the catalogue for any running container. own: a layer set that does not count. A global
 * function, for its memory. */
__noinline int store_has(u64 ino, u64 dev_generation, u32 own)
{
	struct store_walk walk = { .own = own };

	walk.key.ino = ino;
	walk.key.dev = dev_generation >> 32;
	walk.key.generation = (u32)dev_generation;
	bpf_loop(HF_MAX_CONTAINERS, store_step, &walk, 0);
	return walk.found;
}

/* Whether an inode (its address), which the filter knows, is an image's that the current task has no business with. A global function. */
__noinline int store_is_image(u64 address)
{
	struct inode *inode = (void *)address;
	struct subject s = {};
	u32 own;

	if (subject_of_current(&s) == HF_SUBJECT_HOST)
		return 0;
	own = s.kind == HF_SUBJECT_CONTAINER && !(s.flags & HF_CONTAINER_OVERLAY_ROOT) ? s.layer_set : 0;
	return store_has(BPF_CORE_READ(inode, i_ino), (u64)inode_dev(inode) << 32 | BPF_CORE_READ(inode, i_generation), own);
}

/* The verdict on the current task's writing. file, flags: as judge_access() takes them. A global function, for its memory. */
__noinline int store_judge(u64 file, u32 detail, u32 flags)
{
	struct subject s = {};

	if (subject_of_current(&s) == HF_SUBJECT_HOST)
		return 0;
	return judge_access(&s, file, access_of(HF_OP_WRITE_IMAGE, HF_REASON_IMAGE_WRITE, detail, ACCESS_OUTSIDE | flags), 0);
}

/* Does the filter know a file? Numbers only: a global function, whose memory is not the hook's. */
__noinline int store_may_have(u64 ino, u64 dev_generation)
{
	struct hf_layer_file file = {};

	file.ino = ino;
	file.dev = dev_generation >> 32;
	file.generation = (u32)dev_generation;
	return bpf_map_peek_elem(&hf_layer_files, &file) == 0;
}

__noinline int store_has_device(u32 dev)
{
	return bpf_map_lookup_elem(&hf_store_devices, &dev) != NULL;
}

/* A contained task opening a file for writing that it does not see through an overlay, or a device, wherever its node lies. 0 or -EPERM. */
static __always_inline int store_open(struct file *file, unsigned long magic)
{
	struct inode *inode = file->f_inode;
	u32 type = inode->i_mode & KERNEL_S_IFMT, detail = HF_DETAIL_NONE;
	u64 dev;

	if (type == KERNEL_S_IFREG) {
		if (magic == KERNEL_MAGIC_OVERLAY)
			return 0;
		dev = magic == KERNEL_MAGIC_BTRFS ? inode_dev((void *)address_of(inode)) : inode->i_sb->s_dev;
		if (!store_may_have(inode->i_ino, dev << 32 | inode->i_generation) || !store_is_image(address_of(inode)))
			return 0;
	} else if (type == KERNEL_S_IFBLK && store_has_device(inode->i_rdev)) {
		detail = HF_DETAIL_BLOCK_DEVICE;
	} else {
		return 0;
	}
	return store_judge(address_of(file), detail, 0) ? -EPERM : 0;
}

/* Whether an inode (its address) that is to be truncated is an image's: truncate(2), and opens that truncate without writing. A global
 * function, for its memory. */
__noinline int store_truncates(u64 address)
{
	struct inode *inode = (void *)address;
	struct hf_config *cfg = config();

	if (!inode || !cfg || !cfg->enabled || BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY)
		return 0;
	return store_may_have(BPF_CORE_READ(inode, i_ino), (u64)inode_dev(inode) << 32 | BPF_CORE_READ(inode, i_generation)) &&
	       store_is_image(address);
}

#endif
