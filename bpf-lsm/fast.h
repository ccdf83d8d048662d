/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way: is this an untouched file of the container's image, with nothing else to be said about it?
 *
 * Owns: what object.h and judge.h ask, asked by plain loads where the verifier knows the type (a probe read costs tens of
 * instructions), the cheapest first. Whatever differs, is rare or cannot be told goes the long way, which decides and says
 * why. Must not know: verdicts, events, policies.
 *
 *   I1  True only where the long way finds HF_REASON_ORIGINAL, which no policy changes: same world, catalogue hit, unchanged, no
 *       writer, no gained bit, no metadata in the writable layer. What the mapping adds to that, the caller has looked at.
 */
#ifndef BPF_LSM_FAST_H
#define BPF_LSM_FAST_H

#include "bpf-lsm/object.h"
#include "bpf-lsm/subject.h"

/* File systems whose files the short way takes: inode numbers are the superblock's own, and no file is a memory file. */
static __always_inline bool fast_magic(unsigned long magic)
{
	return magic != KERNEL_MAGIC_OVERLAY && magic != KERNEL_MAGIC_TMPFS && magic != KERNEL_MAGIC_HUGETLBFS &&
	       magic != KERNEL_MAGIC_BTRFS;
}

/* inode_ctime_ns by plain loads. */
static __always_inline u64 fast_ctime_ns(struct inode *inode)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;
	struct inode___i_ctime *plain = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec))
		return (u64)split->i_ctime_sec * 1000000000ull + (split->i_ctime_nsec & KERNEL_CTIME_NSEC_MASK);
	if (bpf_core_field_exists(hidden->__i_ctime))
		return (u64)hidden->__i_ctime.tv_sec * 1000000000ull + (u64)hidden->__i_ctime.tv_nsec;
	return (u64)plain->i_ctime.tv_sec * 1000000000ull + (u64)plain->i_ctime.tv_nsec;
}

/* identify_inode and inode_has_writer for an inode whose type the verifier knows. False: the long way. */
static __always_inline bool fast_view(struct inode *inode, struct hf_catalog_key *key, struct hf_catalog_value *now)
{
	struct super_block *sb = inode->i_sb;
	unsigned long magic = sb->s_magic;

	if (!fast_magic(magic) || inode->i_writecount.counter > 0 || inode->i_mapping->i_mmap_writable.counter > 0)
		return false;
	key->ino = inode->i_ino;
	key->dev = sb->s_dev;
	key->generation = inode->i_generation;
	now->ctime_ns = fast_ctime_ns(inode);
	now->cookie = 0;
	if (magic == KERNEL_MAGIC_EXT && sb->s_flags & KERNEL_SB_I_VERSION)
		now->cookie = (u64)inode->i_version.counter >> 1;
	now->size_mode = (u64)inode->i_size << HF_CATALOG_SIZE_SHIFT;
	return true;
}

static __always_inline bool fast_known(struct hf_catalog_key *key, const struct hf_catalog_value *now, u32 layer_set, u32 mode)
{
	struct hf_catalog_entry *known;

	key->layer_set = layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, key);
	return known && is_unchanged(known, now) && !gained_setid(known, mode);
}

/*
 * Behind a void pointer there are no types, and each probe read costs as much as forty plain loads: what lies together is read
 * at once. FAST_PART takes a field out of what was read, and asks the kernel again for one that lies elsewhere there.
 */
#define FAST_HEAD_BYTES 144  /* of struct inode: mode to ctime */
#define FAST_SB_BYTES 112    /* of struct super_block: device to magic */
#define FAST_COUNTS_BYTES 32 /* of struct inode: version to writecount */
#define FAST_PART(type, object, field, buffer, from, bytes)                                        \
	({                                                                                         \
		u64 at_ = bpf_core_field_offset(type, field) - (from);                             \
		at_ <= (bytes) - sizeof(((type *)0)->field) ?                                      \
			*(typeof(((type *)0)->field) *)((char *)(buffer) + at_) :                  \
			BPF_CORE_READ((type *)(object), field);                                    \
	})
#define FAST_HEAD(type, field) FAST_PART(type, inode, field, head, 0, FAST_HEAD_BYTES)
#define FAST_SB(field) FAST_PART(struct super_block, sb, field, part, 0, FAST_SB_BYTES)

static __always_inline u64 fast_head_ctime_ns(struct inode *inode, const u64 *head)
{
	struct inode___split *split = (void *)inode;
	struct inode___hidden *hidden = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec))
		return (u64)FAST_HEAD(struct inode___split, i_ctime_sec) * 1000000000ull +
		       (FAST_HEAD(struct inode___split, i_ctime_nsec) & KERNEL_CTIME_NSEC_MASK);
	if (bpf_core_field_exists(hidden->__i_ctime))
		return (u64)FAST_HEAD(struct inode___hidden, __i_ctime.tv_sec) * 1000000000ull +
		       (u64)FAST_HEAD(struct inode___hidden, __i_ctime.tv_nsec);
	return (u64)FAST_HEAD(struct inode___i_ctime, i_ctime.tv_sec) * 1000000000ull +
	       (u64)FAST_HEAD(struct inode___i_ctime, i_ctime.tv_nsec);
}

/* Device and, on ext4, cookie and writers: sets them, false: the long way. */
static __always_inline bool fast_sb(struct super_block *sb, u64 *part, struct hf_catalog_key *key, bool *has_cookie)
{
	unsigned long magic;

	if (bpf_probe_read_kernel(part, FAST_SB_BYTES, sb))
		return false;
	magic = FAST_SB(s_magic);
	*has_cookie = magic == KERNEL_MAGIC_EXT && FAST_SB(s_flags) & KERNEL_SB_I_VERSION;
	key->dev = FAST_SB(s_dev);
	return fast_magic(magic);
}

/* The change cookie, unless somebody has the inode open for writing. */
static __always_inline bool fast_counts(struct inode *inode, u64 *part, bool has_cookie, u64 *cookie)
{
	u64 from = bpf_core_field_offset(struct inode, i_version);

	if (bpf_probe_read_kernel(part, FAST_COUNTS_BYTES, (void *)((u64)inode + from)))
		return false;
	*cookie = has_cookie ? *part >> 1 : 0;
	return FAST_PART(struct inode, inode, i_writecount.counter, part, from, FAST_COUNTS_BYTES) <= 0;
}

/* The real data inode of an overlay's file, by its address, in the catalogue? A global function: its memory is not the hooks'. */
__noinline int fast_real(u64 file, u32 layer_set, u32 mode)
{
	struct inode *inode = BPF_CORE_READ((struct file *)file, f_inode);
	u64 head[FAST_HEAD_BYTES / sizeof(u64)], part[FAST_SB_BYTES / sizeof(u64)];
	struct hf_catalog_key key = {};
	struct hf_catalog_value now;
	struct address_space *mapping;
	bool has_cookie = false;

	if (!inode || bpf_probe_read_kernel(head, sizeof(head), inode))
		return 0;
	if (!fast_sb(FAST_HEAD(struct inode, i_sb), part, &key, &has_cookie) ||
	    !fast_counts(inode, part, has_cookie, &now.cookie))
		return 0;
	mapping = FAST_HEAD(struct inode, i_mapping);
	if (BPF_CORE_READ(mapping, i_mmap_writable.counter) > 0)
		return 0;
	key.ino = FAST_HEAD(struct inode, i_ino);
	key.generation = BPF_CORE_READ(inode, i_generation);
	now.ctime_ns = fast_head_ctime_ns(inode, head);
	now.size_mode = (u64)FAST_HEAD(struct inode, i_size) << HF_CATALOG_SIZE_SHIFT;
	return fast_known(&key, &now, layer_set, mode);
}

/* The file as execve and mmap_file have it: what the user sees. Never NULL. */
static __always_inline bool fast_original(struct file *file, const struct subject *s)
{
	struct inode *inode = file->f_inode;
	struct super_block *sb = inode->i_sb;
	struct file *real;

	if (s->kind != HF_SUBJECT_CONTAINER || !s->layer_set || sb->s_dev != s->root_dev ||
	    sb->s_magic != KERNEL_MAGIC_OVERLAY || overlay_has_upper(inode))
		return false;
	real = file->private_data;
	if (real && bpf_core_type_exists(struct ovl_file))
		real = BPF_CORE_READ((struct ovl_file *)real, realfile);
	return real && fast_real((u64)real, s->layer_set, inode->i_mode);
}

/*
 * The mode of the file that the user sees above one that a stacking file system maps, by that one's address; -1: it is not on
 * the container's root, or has metadata in the writable layer.
 */
__noinline int fast_user_mode(u64 file, u32 root_dev)
{
	struct path_ref path;
	struct dentry *dentry;
	struct inode *user;

	file_user_path((struct file *)file, &path);
	dentry = path.dentry;
	user = BPF_CORE_READ(dentry, d_inode);
	if (!user || BPF_CORE_READ(user, i_sb, s_dev) != root_dev)
		return -1;
	if (BPF_CORE_READ(user, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY && overlay_has_upper(user))
		return -1;
	return BPF_CORE_READ(user, i_mode);
}

/* The same by plain loads, where the file keeps the user's path in its usual place. */
static __always_inline int fast_user_mode_typed(struct file *file, u32 root_dev)
{
	struct inode *user = file->f_path.dentry->d_inode;
	struct super_block *sb = user->i_sb;

	if (sb->s_dev != root_dev || (sb->s_magic == KERNEL_MAGIC_OVERLAY && overlay_has_upper(user)))
		return -1;
	return user->i_mode;
}

/* The file as file_mprotect and mmap_backing_file have it: the one whose pages are mapped. Never NULL. */
static __always_inline bool fast_original_backing(struct file *file, const struct subject *s)
{
	struct hf_catalog_key key = {};
	struct hf_catalog_value now;
	int mode;

	if (s->kind != HF_SUBJECT_CONTAINER || !s->layer_set || !fast_view(file->f_inode, &key, &now))
		return false;
	if (bpf_core_field_exists(struct backing_file, user_path))
		mode = fast_user_mode(address_of(file), s->root_dev);
	else
		mode = fast_user_mode_typed(file, s->root_dev);
	return mode >= 0 && fast_known(&key, &now, s->layer_set, (u32)mode);
}

#endif
