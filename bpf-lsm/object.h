/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * File to real data inode to facts.
 *
 * Owns: the way from a struct file to the inode whose pages will run, its catalogue key and state, and what else of the
 * file matters (world, volume, layer). Must not know: verdicts, events, policies.
 *
 *   I1  The key is taken from the inode that is mapped, never from a path, never from stat().
 *   I2  Enrolment and judgement use the same object_resolve: what one sees, the other sees.
 */
#ifndef BPF_LSM_OBJECT_H
#define BPF_LSM_OBJECT_H

#include "bpf-lsm/decide.h"
#include "bpf-lsm/kernel_overlay.h"
#include "bpf-lsm/maps.h"

#define OBJECT_STACK_LEVELS 2 /* FILESYSTEM_MAX_STACK_DEPTH */

/* struct object.kept: what a catalogue hit has in common with the file of enrolment, and where the file lies. */
#define OBJECT_SAME_SIZE 0x1u
#define OBJECT_WAS_PROGRAM 0x2u
#define OBJECT_INNER 0x4u /* a backing file whose user's path lies on an overlay: in a stack of them not the one that the user sees */

struct object {
	struct inode *real;  /* real data inode; scalar: read with BPF_CORE_READ */
	struct inode *inode; /* what the user sees: the overlay's inode, or the same */
	struct path_ref path; /* what the user sees */
	struct hf_catalog_key key; /* layer_set not filled in */
	struct hf_catalog_value value;
	u32 dev;	     /* superblock of path */
	u32 magic;
	u32 real_magic;
	u16 mode;	     /* of inode */
	u8 detail;	     /* enum hf_detail when it could not be resolved */
	u8 kept;	     /* OBJECT_* */
	u32 bits;	     /* HF_FACT_* that follow from the file alone */
};

/* Walks down stacking file systems to the file whose pages are mapped. */
static __always_inline struct inode *real_data_inode(struct file *file, u8 *detail)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

#pragma unroll
	for (int level = 0; level < OBJECT_STACK_LEVELS; level++) {
		if (BPF_CORE_READ(inode, i_sb, s_magic) != KERNEL_MAGIC_OVERLAY)
			return inode;
		file = overlay_real_file(file);
		inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
		if (!inode) {
			*detail = HF_DETAIL_NO_REAL_FILE;
			return NULL;
		}
	}
	if (BPF_CORE_READ(inode, i_sb, s_magic) == KERNEL_MAGIC_OVERLAY)
		*detail = HF_DETAIL_NESTED_OVERLAY;
	return inode;
}

/* The change cookie: only ext4's, which an access time does not move. */
static __always_inline u64 change_cookie(struct inode *inode, struct super_block *sb)
{
	if (BPF_CORE_READ(sb, s_magic) != KERNEL_MAGIC_EXT || !(BPF_CORE_READ(sb, s_flags) & KERNEL_SB_I_VERSION))
		return 0;
	return (u64)BPF_CORE_READ(inode, i_version.counter) >> 1;
}

/* Key (without its layer set) and state of an inode that holds data. */
static __always_inline u32 identify_inode(struct inode *inode, struct hf_catalog_key *key, struct hf_catalog_value *value)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	u64 size = BPF_CORE_READ(inode, i_size);

	key->ino = BPF_CORE_READ(inode, i_ino);
	key->dev = inode_dev(inode);
	key->generation = BPF_CORE_READ(inode, i_generation);
	value->ctime_ns = inode_ctime_ns(inode);
	value->cookie = change_cookie(inode, sb);
	value->size_mode = size << HF_CATALOG_SIZE_SHIFT | (BPF_CORE_READ(inode, i_mode) & HF_CATALOG_MODE);
	return BPF_CORE_READ(sb, s_magic);
}

static __always_inline void written_key(struct hf_written_key *key, u64 container, struct inode *inode)
{
	key->container = container;
	key->ino = BPF_CORE_READ(inode, i_ino);
	key->dev = inode_dev(inode);
	key->generation = BPF_CORE_READ(inode, i_generation);
}

/* Size, at its place in hf_catalog_entry.state. */
static __always_inline u64 entry_size(const struct hf_catalog_value *value)
{
	u64 size = value->size_mode >> HF_CATALOG_SIZE_SHIFT & ((1ull << HF_ENTRY_SIZE_BITS) - 1);

	return size << HF_ENTRY_SIZE_SHIFT;
}

/* What an inode is like, as the catalogue keeps it. */
static __always_inline struct hf_catalog_entry entry_of(const struct hf_catalog_value *value)
{
	struct hf_catalog_entry entry = { .ctime_ns = value->ctime_ns };

	entry.state = entry_size(value) | value->cookie << HF_ENTRY_COOKIE_SHIFT;
	if (value->size_mode & KERNEL_S_ISUID)
		entry.state |= HF_ENTRY_SETUID;
	if (value->size_mode & KERNEL_S_ISGID)
		entry.state |= HF_ENTRY_SETGID;
	if (value->size_mode & KERNEL_S_IXUGO)
		entry.state |= HF_ENTRY_EXECUTABLE;
	return entry;
}

/* Whether an inode is as it was at enrolment; its mode may have changed. */
static __always_inline bool is_unchanged(const struct hf_catalog_entry *known, const struct hf_catalog_value *now)
{
	u64 state = entry_size(now) | now->cookie << HF_ENTRY_COOKIE_SHIFT;

	return known->ctime_ns == now->ctime_ns && (known->state ^ state) >> HF_ENTRY_SIZE_SHIFT == 0;
}

static __always_inline bool entry_has_size(const struct hf_catalog_entry *known, const struct hf_catalog_value *now)
{
	return ((known->state ^ entry_size(now)) >> HF_ENTRY_SIZE_SHIFT & ((1ull << HF_ENTRY_SIZE_BITS) - 1)) == 0;
}

/* Whether it has setuid or setgid that it had not at enrolment. */
static __always_inline bool gained_setid(const struct hf_catalog_entry *known, u32 mode)
{
	return (mode & KERNEL_S_ISUID && !(known->state & HF_ENTRY_SETUID)) ||
	       (mode & KERNEL_S_ISGID && !(known->state & HF_ENTRY_SETGID));
}

/* Somebody can change the bytes while they run: an open writer, or a shared writable mapping. */
static __always_inline bool inode_has_writer(struct inode *inode)
{
	return BPF_CORE_READ(inode, i_writecount.counter) > 0 ||
	       BPF_CORE_READ(inode, i_mapping, i_mmap_writable.counter) > 0;
}

/* On a mount of the kernel's own: what memfd_create() and shared anonymous memory are. */
static __always_inline bool inode_is_memory_file(struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	unsigned long magic = BPF_CORE_READ(sb, s_magic);

	return (magic == KERNEL_MAGIC_TMPFS || magic == KERNEL_MAGIC_HUGETLBFS) && BPF_CORE_READ(sb, s_flags) & KERNEL_SB_KERNMOUNT;
}

static __always_inline void object_classify(struct object *o)
{
	struct inode *inode = o->inode;
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	o->dev = inode_dev(inode);
	o->magic = BPF_CORE_READ(sb, s_magic);
	o->mode = BPF_CORE_READ(inode, i_mode);
	if (inode_is_memory_file(inode))
		o->bits |= HF_FACT_MEMFD;
	if (o->magic == KERNEL_MAGIC_TMPFS)
		o->bits |= HF_FACT_TMPFS;
	if (!BPF_CORE_READ(inode, i_nlink))
		o->bits |= HF_FACT_DELETED;
	if (o->magic == KERNEL_MAGIC_OVERLAY) {
		o->bits |= HF_FACT_OVERLAY;
		if (overlay_has_lower(inode))
			o->bits |= HF_FACT_HAS_LOWER;
		if (overlay_upper_data(inode))
			o->bits |= HF_FACT_UPPER_DATA;
	}
}

/*
 * Everything about a file (its kernel address) that does not depend on who asks. *o is zeroed by the caller. A global
 * function: the verifier looks at it once.
 */
__noinline int object_resolve(struct object *o, u64 address)
{
	struct file *file = (void *)address;
	struct dentry *dentry;

	if (!o)
		return -EINVAL;
	file_user_path(file, &o->path);
	dentry = o->path.dentry;
	o->inode = BPF_CORE_READ(dentry, d_inode);
	if (!o->inode)
		o->inode = BPF_CORE_READ(file, f_inode);
	o->real = real_data_inode(file, &o->detail);
	if (o->real)
		o->real_magic = identify_inode(o->real, &o->key, &o->value);
	if (o->real && !o->key.dev)
		o->detail = HF_DETAIL_UNSUPPORTED_ROOT;
	object_classify(o);
	if (o->magic == KERNEL_MAGIC_OVERLAY && file_is_backing(file))
		o->kept |= OBJECT_INNER;
	return 0;
}

/* Whether a task of the container wrote to that volume, however it came to. */
static __always_inline bool volume_is_written(struct hf_volume_key *key)
{
	key->what = HF_VOLUME_WRITTEN;
	if (bpf_map_lookup_elem(&hf_volumes, key))
		return true;
	key->root_ino = 0;
	return bpf_map_lookup_elem(&hf_volumes, key) != NULL;
}

/* The declared mount that the file was reached through, or _HF_VOLUME_MAX. */
static __always_inline u8 object_volume(struct object *o, u64 container)
{
	struct vfsmount *mnt = o->path.mnt;
	struct inode *root = BPF_CORE_READ(mnt, mnt_root, d_inode);
	struct hf_volume_key key = { .container = container };
	u32 *found, kind;

	key.root_ino = BPF_CORE_READ(root, i_ino);
	key.dev = inode_dev(root);
	found = key.root_ino ? bpf_map_lookup_elem(&hf_volumes, &key) : NULL;
	kind = found ? *found & ~HF_VOLUME_WHILE_READ_ONLY : _HF_VOLUME_MAX;
	if (!found || kind >= _HF_VOLUME_MAX)
		return _HF_VOLUME_MAX;
	/* A read-only mount that somebody made writable, or was, is a writable one. */
	if (*found & HF_VOLUME_WHILE_READ_ONLY &&
	    (!(BPF_CORE_READ(mnt, mnt_flags) & KERNEL_MNT_READONLY) || volume_is_written(&key)))
		return HF_VOLUME_WRITABLE;
	return kind;
}

/* A heap that a language saved, and starts from: its pages are mapped to be written and run. */
static __always_inline bool entry_is_heap(const struct hf_catalog_entry *entry)
{
	return (entry->state >> HF_ENTRY_INTERPRETER_SHIFT & HF_INTERPRETER_MASK) == HF_INTERPRETER_HEAP;
}

/* Looks the object up in the catalogue of a layer set and compares its state. */
static __always_inline void object_lookup(struct object *o, u32 layer_set)
{
	struct hf_catalog_entry *known;
	struct hf_catalog_key key = o->key; /* on the stack: 6.1 takes a key from nowhere else */
	struct inode *real = o->real;

	if (!real || !layer_set)
		return;
	key.layer_set = layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, &key);
	if (!known)
		return;
	o->bits |= HF_FACT_HIT;
	if (entry_has_size(known, &o->value))
		o->kept |= OBJECT_SAME_SIZE;
	if (known->state & HF_ENTRY_EXECUTABLE)
		o->kept |= OBJECT_WAS_PROGRAM;
	if (!is_unchanged(known, &o->value))
		o->bits |= HF_FACT_CHANGED;
	if (inode_has_writer(real))
		o->bits |= HF_FACT_WRITER;
	if (gained_setid(known, o->mode))
		o->bits |= HF_FACT_GAINED_SETID;
	if (entry_is_heap(known))
		o->bits |= HF_FACT_HEAP;
}

#endif
