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
 *   I2  On the file systems that it takes, a mapping that can be written keeps the file open for writing that it was made of: who asks
 *       for writers (i_writecount) need not ask for such mappings.
 */
#ifndef BPF_LSM_FAST_H
#define BPF_LSM_FAST_H

#include "bpf-lsm/object.h"
#include "bpf-lsm/subject.h"

/* File systems whose files the short way takes: inode numbers are the superblock's own, and no file is a memory file. */
static __always_inline bool fast_magic(unsigned long magic)
{
	return magic != KERNEL_MAGIC_OVERLAY && magic != KERNEL_MAGIC_TMPFS && magic != KERNEL_MAGIC_HUGETLBFS &&
	       magic != KERNEL_MAGIC_BTRFS && magic != KERNEL_MAGIC_FUSE;
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

#define FAST_ORIGINAL 0x100 /* beside enum hf_interpreter and HF_INTERPRETER_EMBEDDED: what the short way says of a file that it knows */

/*
 * Does the catalogue have it, in this very state? FAST_ORIGINAL and what it interprets, or 0. Numbers only: a global function, whose
 * memory is not the hooks'. now_state is as in hf_catalog_entry, with the mode bits of now.
 */
__noinline int fast_known(u64 ino, u64 dev_generation, u64 ctime_ns, u64 now_state, u32 layer_set)
{
	struct hf_catalog_key key = {};
	struct hf_catalog_entry *known;

	key.ino = ino;
	key.layer_set = layer_set;
	key.dev = dev_generation >> 32;
	key.generation = (u32)dev_generation;
	known = bpf_map_lookup_elem(&hf_catalog, &key);
	if (!known || known->ctime_ns != ctime_ns || (known->state ^ now_state) >> HF_ENTRY_SIZE_SHIFT != 0 ||
	    now_state & ~known->state & (HF_ENTRY_SETUID | HF_ENTRY_SETGID))
		return 0;
	return FAST_ORIGINAL | (known->state >> HF_ENTRY_INTERPRETER_SHIFT & HF_INTERPRETER_MASK);
}

/* entry_of(), from its parts. */
static __always_inline u64 fast_state(u64 size, u64 cookie, u32 mode)
{
	u64 state = (size & ((1ull << HF_ENTRY_SIZE_BITS) - 1)) << HF_ENTRY_SIZE_SHIFT | cookie << HF_ENTRY_COOKIE_SHIFT;

	if (mode & KERNEL_S_ISUID)
		state |= HF_ENTRY_SETUID;
	if (mode & KERNEL_S_ISGID)
		state |= HF_ENTRY_SETGID;
	return state;
}

/* An inode whose type the verifier knows: writers, identity, state. False: the long way. */
static __always_inline bool fast_typed(struct inode *inode, u32 layer_set, u32 mode)
{
	struct super_block *sb = inode->i_sb;
	unsigned long magic = sb->s_magic;
	u64 cookie = 0;

	if (!fast_magic(magic) || inode->i_writecount.counter > 0)
		return false;
	if (magic == KERNEL_MAGIC_EXT && sb->s_flags & KERNEL_SB_I_VERSION)
		cookie = (u64)inode->i_version.counter >> 1;
	return fast_known(inode->i_ino, (u64)sb->s_dev << 32 | inode->i_generation, fast_ctime_ns(inode),
			  fast_state((u64)inode->i_size, cookie, mode), layer_set);
}

/*
 * Behind a void pointer there are no types, and each probe read costs as much as forty plain loads: what lies together is read
 * at once. FAST_PART takes a field out of what was read, and asks the kernel again for one that lies elsewhere there.
 */
#define FAST_HEAD_BYTES 96  /* of struct inode: superblock to ctime */
#define FAST_SB_BYTES 88    /* of struct super_block: device to magic */
#define FAST_COUNTS_BYTES 32 /* of struct inode: version to writecount */
#define FAST_PART(type, object, field, buffer, from, bytes)                                        \
	({                                                                                         \
		u64 at_ = bpf_core_field_offset(type, field) - (from);                             \
		at_ <= (bytes) - sizeof(((type *)0)->field) ?                                      \
			*(typeof(((type *)0)->field) *)((char *)(buffer) + at_) :                  \
			BPF_CORE_READ((type *)(object), field);                                    \
	})
#define FAST_HEAD_FROM bpf_core_field_offset(struct inode, i_sb)
#define FAST_SB_FROM bpf_core_field_offset(struct super_block, s_dev)
#define FAST_HEAD(type, field) FAST_PART(type, inode, field, head, FAST_HEAD_FROM, FAST_HEAD_BYTES)
#define FAST_SB(field) FAST_PART(struct super_block, sb, field, part, FAST_SB_FROM, FAST_SB_BYTES)

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

/* The superblock's device, and whether the change cookie counts. False: the long way. */
static __always_inline bool fast_sb(struct super_block *sb, u64 *part, u32 *dev, bool *has_cookie)
{
	unsigned long magic;

	if (bpf_probe_read_kernel(part, FAST_SB_BYTES, (void *)((u64)sb + FAST_SB_FROM)))
		return false;
	magic = FAST_SB(s_magic);
	*has_cookie = magic == KERNEL_MAGIC_EXT && FAST_SB(s_flags) & KERNEL_SB_I_VERSION;
	*dev = FAST_SB(s_dev);
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
	bool has_cookie = false;
	u64 cookie = 0;
	u32 dev = 0;

	if (!inode || bpf_probe_read_kernel(head, sizeof(head), (void *)((u64)inode + FAST_HEAD_FROM)))
		return 0;
	if (!fast_sb(FAST_HEAD(struct inode, i_sb), part, &dev, &has_cookie) || !fast_counts(inode, part, has_cookie, &cookie))
		return 0;
	return fast_known(FAST_HEAD(struct inode, i_ino), (u64)dev << 32 | FAST_HEAD(struct inode, i_generation),
			  fast_head_ctime_ns(inode, head),
			  fast_state((u64)FAST_HEAD(struct inode, i_size), cookie, mode), layer_set);
}

/* The file as execve and mmap_file have it: what the user sees. Never NULL. As fast_known. */
static __always_inline u32 fast_original(struct file *file, const struct subject *s)
{
	struct inode *inode = file->f_inode;
	struct super_block *sb = inode->i_sb;
	struct file *real;

	if (s->kind != HF_SUBJECT_CONTAINER || !s->layer_set || sb->s_dev != s->root_dev ||
	    sb->s_magic != KERNEL_MAGIC_OVERLAY || overlay_has_upper(inode))
		return 0;
	real = file->private_data;
	if (real && bpf_core_type_exists(struct ovl_file))
		real = BPF_CORE_READ((struct ovl_file *)real, realfile);
	return real ? fast_real((u64)real, s->layer_set, inode->i_mode) : 0;
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
	int mode;

	/* On a plain root the state alone does not tell: writes are asked for, too. */
	if (s->kind != HF_SUBJECT_CONTAINER || !s->layer_set || !(s->flags & HF_CONTAINER_OVERLAY_ROOT))
		return false;
	if (bpf_core_field_exists(struct backing_file, user_path))
		mode = fast_user_mode(address_of(file), s->root_dev);
	else
		mode = fast_user_mode_typed(file, s->root_dev);
	return mode >= 0 && fast_typed(file->f_inode, s->layer_set, (u32)mode);
}

#endif
