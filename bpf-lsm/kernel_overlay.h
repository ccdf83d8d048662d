/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The overlay's fields, and every supported kernel's variant of them: which files lie below one of its inodes.
 *
 * Owns: the accessors. A file may have its metadata in one layer and its bytes in another (metacopy, composefs). Must not know: what
 * follows from where a file lies.
 */
#ifndef BPF_LSM_KERNEL_OVERLAY_H
#define BPF_LSM_KERNEL_OVERLAY_H

#include "bpf-lsm/kernel.h"

/* The real struct file behind an overlay's, 0 when there is none. Scalars, since private_data has no type. */
static __always_inline struct file *overlay_real_file(struct file *file)
{
	void *private_data = BPF_CORE_READ(file, private_data);

	if (!private_data)
		return NULL;
	if (bpf_core_type_exists(struct ovl_file))
		return BPF_CORE_READ((struct ovl_file *)private_data, realfile);
	return private_data;
}

static __always_inline struct ovl_inode *overlay_inode(struct inode *inode)
{
	return (void *)((u64)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode));
}

static __always_inline bool overlay_has_lower(struct inode *inode)
{
	struct ovl_inode *ovl = overlay_inode(inode);

	if (bpf_core_field_exists(ovl->oe))
		return BPF_CORE_READ(ovl, oe, __numlower) > 0;
	return BPF_CORE_READ((struct ovl_inode___lowerpath *)ovl, lowerpath.dentry) != NULL;
}

/* The layers' files behind an overlay inode: from the top one, which gave it its metadata, to the one that has its bytes. */
static __always_inline u32 overlay_depth(struct ovl_entry *oe)
{
	return oe ? BPF_CORE_READ(oe, __numlower) : 0;
}

static __always_inline struct ovl_path *overlay_level(struct ovl_entry *oe, u32 level)
{
	return (void *)((u64)oe + bpf_core_field_offset(struct ovl_entry, __lowerstack) + (u64)level * bpf_core_type_size(struct ovl_path));
}

/* NULL when there is none. */
static __always_inline struct inode *overlay_inode_top(struct inode *inode)
{
	struct ovl_inode *ovl = overlay_inode(inode);
	struct dentry *dentry = NULL;

	if (bpf_core_field_exists(ovl->oe)) {
		struct ovl_entry *oe = BPF_CORE_READ(ovl, oe);

		if (overlay_depth(oe))
			dentry = BPF_CORE_READ(overlay_level(oe, 0), dentry);
	} else {
		dentry = BPF_CORE_READ((struct ovl_inode___lowerpath *)ovl, lowerpath.dentry);
	}
	return dentry ? BPF_CORE_READ(dentry, d_inode) : NULL;
}

/* Where metadata and bytes come from different layers: the last level, whose dentry is NULL until the overlay has looked for it. NULL:
 * they do not, or the kernel keeps no such level. */
static __always_inline struct ovl_path *overlay_split_level(struct inode *inode)
{
	struct ovl_inode *ovl = overlay_inode(inode);
	struct ovl_entry *oe;
	u32 depth;

	if (!bpf_core_field_exists(ovl->oe))
		return NULL;
	oe = BPF_CORE_READ(ovl, oe);
	depth = overlay_depth(oe);
	return depth > 1 ? overlay_level(oe, depth - 1) : NULL;
}

/* … and the inode that has the bytes. NULL: as above, or it is not known yet. */
static __always_inline struct inode *overlay_split_inode(struct inode *inode)
{
	struct ovl_inode *ovl = overlay_inode(inode);
	struct ovl_path *level;
	struct dentry *dentry;

	if ((BPF_CORE_READ(inode, i_mode) & KERNEL_S_IFMT) != KERNEL_S_IFREG)
		return NULL;
	if (!bpf_core_field_exists(ovl->oe))
		return BPF_CORE_READ((struct ovl_inode___lowerpath *)ovl, lowerdata);
	level = overlay_split_level(inode);
	dentry = level ? BPF_CORE_READ(level, dentry) : NULL;
	return dentry ? BPF_CORE_READ(dentry, d_inode) : NULL;
}

/* NULL when there is none, or when metadata and data come from different layers. */
static __always_inline struct inode *overlay_inode_below(struct inode *inode)
{
	return overlay_split_level(inode) ? NULL : overlay_inode_top(inode);
}

static __always_inline bool overlay_upper_data(struct inode *inode)
{
	struct ovl_inode *ovl = overlay_inode(inode);

	return BPF_CORE_READ(ovl, __upperdentry) && (BPF_CORE_READ(ovl, flags) & KERNEL_OVL_UPPERDATA);
}

static __always_inline bool overlay_has_upper(struct inode *inode)
{
	return BPF_CORE_READ(overlay_inode(inode), __upperdentry) != NULL;
}

enum overlay_file {
	OVERLAY_WHOLE, /* one file has metadata and bytes; NULL: they are in different layers, or 6.1 cannot tell */
	OVERLAY_NAMED, /* the one that gives the metadata, and that a copy is noted as a copy of: whatever is evicted or looked up late */
	OVERLAY_BYTES, /* the one that has the bytes; NULL: the overlay has not looked for it yet */
};

static __always_inline struct inode *overlay_pick(struct inode *inode, u32 which)
{
	struct inode *split;

	if (which == OVERLAY_NAMED)
		return overlay_inode_top(inode);
	split = which == OVERLAY_BYTES ? overlay_split_inode(inode) : NULL;
	return split ? split : overlay_inode_below(inode);
}

/* An overlay inode's address to that of a file in the layers below, of a lower overlay those of its own; 0: none. A global function: its
 * memory is not its callers'. */
__noinline u64 overlay_lower_address(u64 address, u32 which)
{
	struct inode *lower = overlay_pick((void *)address, which);
	struct dentry *upper;

	if (!lower || BPF_CORE_READ(lower, i_sb, s_magic) != KERNEL_MAGIC_OVERLAY)
		return (u64)lower;
	if (!overlay_upper_data(lower))
		return (u64)overlay_pick(lower, which);
	upper = BPF_CORE_READ(overlay_inode(lower), __upperdentry);
	return upper ? (u64)BPF_CORE_READ(upper, d_inode) : 0;
}

/* The image's file at an overlay inode: below an overlay that is a layer itself, the one that holds its bytes. NULL: none. */
static __always_inline struct inode *overlay_lower_inode(struct inode *inode)
{
	return (void *)overlay_lower_address((u64)inode, OVERLAY_WHOLE);
}

/* What writes to it are noted by. */
static __always_inline struct inode *overlay_named_inode(struct inode *inode)
{
	return (void *)overlay_lower_address((u64)inode, OVERLAY_NAMED);
}

/* What the catalogue has. */
static __always_inline struct inode *overlay_bytes_inode(struct inode *inode)
{
	return (void *)overlay_lower_address((u64)inode, OVERLAY_BYTES);
}

/*
 * Whether an overlay can note in a copy whose copy it is: that takes a UUID of the layer's file system and a handle of the file. By the
 * overlay inode's address; a global function, as above.
 */
__noinline int overlay_is_traceable(u64 address)
{
	struct inode *lower = overlay_inode_below((void *)address);
	struct super_block *sb = lower ? BPF_CORE_READ(lower, i_sb) : NULL;
	u64 uuid[2] = {};

	if (!sb)
		return 0;
	bpf_core_read(uuid, sizeof(uuid), &sb->s_uuid);
	/* An overlay as a layer has operations since 6.6, but none that finds a file by its handle. */
	return (uuid[0] || uuid[1]) && BPF_CORE_READ(sb, s_export_op) && BPF_CORE_READ(sb, s_export_op, fh_to_dentry);
}

#endif
