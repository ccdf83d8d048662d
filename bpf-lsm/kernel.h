/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel fields that are read, and every supported kernel's variant of them.
 *
 * Owns: CO-RE declarations and the accessors that hide differences between kernels. A difference is found by asking for
 * a field or type, never by a version. Must not know: containers, policies, maps.
 */
#ifndef BPF_LSM_KERNEL_H
#define BPF_LSM_KERNEL_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <asm-generic/errno-base.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf-lsm/abi.h"
#include "bpf-lsm/kernel_numbers.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long long counter;
} atomic64_t;

struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct cred;
struct inode;
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

typedef struct {
	u8 b[16];
} uuid_t;

struct export_operations {
	void *fh_to_dentry;
};

struct block_device {
	u32 bd_dev;
};

struct super_block {
	u32 s_dev;
	struct block_device *s_bdev;
	const struct export_operations *s_export_op;
	uuid_t s_uuid;
	struct dentry *s_root;
	unsigned long s_flags;
	unsigned long s_magic;
};

struct address_space {
	atomic_t i_mmap_writable;
};

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	unsigned long i_ino;
	unsigned int i_nlink;
	u32 i_rdev;
	long long i_size;
	atomic64_t i_version;
	atomic_t i_writecount;
	u32 i_generation;
};

/* ctime: up to 6.5, 6.6 to 6.10, since 6.11. */
struct inode___i_ctime {
	struct timespec64 i_ctime;
};
struct inode___hidden {
	struct timespec64 __i_ctime;
};
struct inode___split {
	long long i_ctime_sec;
	u32 i_ctime_nsec;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mnt_namespace;
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
	const struct cred *f_cred;
	void *private_data;
};

/* The file that a stacking file system maps; since 6.8 its own f_path is the real one and this the user's. */
struct backing_file {
	struct file file;
	struct path user_path;
};

/* An overlay file's private data since 6.13; before it is the real struct file itself. */
struct ovl_file {
	struct file *realfile;
};

struct ovl_layer {
	struct vfsmount *mnt;
};

struct ovl_path {
	const struct ovl_layer *layer;
	struct dentry *dentry;
};

struct ovl_entry {
	unsigned int __numlower;
	struct ovl_path __lowerstack[];
};

struct ovl_inode {
	unsigned long flags;
	struct inode vfs_inode;
	struct dentry *__upperdentry;
	struct ovl_entry *oe; /* since 6.5 */
};

struct ovl_inode___lowerpath { /* up to 6.4 */
	struct inode *lowerdata; /* of a regular file: where its bytes are, if not at lowerpath */
	struct ovl_path lowerpath;
};

/* One btrfs superblock holds many subvolumes, which repeat each other's inode numbers; each has a device number, as stat() tells. */
struct btrfs_root {
	u32 anon_dev;
};

struct btrfs_inode {
	struct btrfs_root *root;
	struct inode vfs_inode;
};

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

/* Files of procfs that belong to a process have its pid, others none. */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct fs_struct {
	struct path root;
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* since 6.1 */
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long start_brk;
	unsigned long brk;
	unsigned long start_stack;
};

/* A task's registers at its last way into the kernel. */
struct pt_regs {
	unsigned long sp;
	unsigned long di; /* x86-64: first argument of a call */
	unsigned long bx; /* … of 32-bit programs */
	unsigned long orig_ax; /* the call's number */
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct bpf_local_storage;
struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	unsigned int personality;
	unsigned int ptrace; /* not 0: it is traced, by parent */
	u64 self_exec_id;
	unsigned in_execve : 1;
	u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *parent;
	struct task_struct *group_leader;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct mm_struct *mm;
	const struct cred *cred;
	struct css_set *cgroups;
	char comm[HF_COMM_BYTES];
	struct bpf_local_storage *bpf_storage;
};

struct anon_vma;
struct vm_operations_struct;
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	const struct vm_operations_struct *vm_ops;
	struct file *vm_file;
};

/* Contexts of iterators. */
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct linux_binprm {
	struct file *file;
	unsigned int is_check : 1; /* since 6.14 */
};

#pragma clang attribute pop

/* A copy of a struct path of ours: its layout is not the kernel's to move. */
struct path_ref {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

/* A typed pointer as a number, for global functions: the verifier lets a pointer become one only by way of memory. */
static __always_inline u64 address_of(const void *pointer)
{
	u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &pointer);
	return address;
}

/*
 * Whether a typed pointer is another one than NULL, by its lower half: verifiers that hold it for never NULL take the plain question
 * out. Costs a twentieth of address_of(), which is to be asked where this says no: half of an address may be 0.
 */
static __always_inline bool is_surely_there(const void *pointer)
{
	u32 low = (u32)(u64)pointer;

	asm volatile("" : "+w"(low));
	return low;
}

/*
 * The device number within which an inode number means one inode. 0: it cannot be told (btrfs that was loaded after these
 * programs, whose types they do not know).
 */
static __always_inline u32 inode_dev(struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct btrfs_inode *btrfs;

	if (BPF_CORE_READ(sb, s_magic) != KERNEL_MAGIC_BTRFS)
		return BPF_CORE_READ(sb, s_dev);
	if (!bpf_core_type_exists(struct btrfs_inode))
		return 0;
	btrfs = (void *)((u64)inode - bpf_core_field_offset(struct btrfs_inode, vfs_inode));
	return BPF_CORE_READ(btrfs, root, anon_dev);
}

static __always_inline u64 inode_ctime_ns(struct inode *inode)
{
	struct inode___split *split = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec))
		return (u64)BPF_CORE_READ(split, i_ctime_sec) * 1000000000ull +
		       (BPF_CORE_READ(split, i_ctime_nsec) & KERNEL_CTIME_NSEC_MASK);
	struct inode___hidden *hidden = (void *)inode;

	if (bpf_core_field_exists(hidden->__i_ctime))
		return (u64)BPF_CORE_READ(hidden, __i_ctime.tv_sec) * 1000000000ull +
		       (u64)BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	struct inode___i_ctime *plain = (void *)inode;

	return (u64)BPF_CORE_READ(plain, i_ctime.tv_sec) * 1000000000ull +
	       (u64)BPF_CORE_READ(plain, i_ctime.tv_nsec);
}

static __always_inline struct mount *real_mount(struct vfsmount *mnt)
{
	return (void *)((u64)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* On a mount private to the kernel, below a stacking file system: opened by it, not by the user. */
static __always_inline bool file_is_below(struct file *file)
{
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);

	return (u64)BPF_CORE_READ(real_mount(mnt), mnt_ns) == KERNEL_MNT_NS_INTERNAL &&
	       !(BPF_CORE_READ(mnt, mnt_sb, s_flags) & KERNEL_SB_KERNMOUNT);
}

/* True for the real file below a stacking file system, as file_mprotect and mmap_backing_file see it. */
static __always_inline bool file_is_backing(struct file *file)
{
	return bpf_core_field_exists(struct backing_file, user_path) && file_is_below(file);
}

/* The path under which the user knows the file, whatever file system lies below. */
static __always_inline void file_user_path(struct file *file, struct path_ref *ret)
{
	if (file_is_backing(file)) {
		struct backing_file *backing = (void *)file;

		ret->mnt = BPF_CORE_READ(backing, user_path.mnt);
		ret->dentry = BPF_CORE_READ(backing, user_path.dentry);
		return;
	}
	ret->mnt = BPF_CORE_READ(file, f_path.mnt);
	ret->dentry = BPF_CORE_READ(file, f_path.dentry);
}

#endif
