/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A container's file that somebody outside of it runs: a process of the host, or the kernel as its helper.
 *
 * Owns: whose a file is that no contained task runs. Must not know: what the policy says to it.
 *
 *   I1  A process of the host is never refused anything; decide() sees to that, whatever the policy says.
 *   I2  The host's own programs cost a few plain loads: a file on the mount that the task's root is on, or on another one of the
 *       host's that is no overlay, with no writable layer above it in the tree, is the host's. The long way finds nothing else.
 *   I3  hf_upper_marks has a bit for every folder of hf_uppers, set before the folder is added: a clear bit is the proof that a
 *       folder is none of them, a set bit only a reason to look.
 */
#ifndef BPF_LSM_HOST_H
#define BPF_LSM_HOST_H

#include "bpf-lsm/home.h"
#include "bpf-lsm/judge.h"

#define HOST_NEAR_FOLDERS 12 /* of a path are looked at by plain loads; deeper ones take the long way */
#define HOST_FOLDERS_MAX 256 /* of a path are looked at at all: PATH_MAX holds more only of one-letter names */

static __always_inline bool upper_is_marked(const struct hf_upper_marks *marks, u64 ino)
{
	return marks->bits[HF_UPPER_MARK(ino) / 64] >> (HF_UPPER_MARK(ino) % 64) & 1;
}

/* Whether a file may lie in a container's writable layer: not known of one below many folders. By plain loads. */
static __always_inline bool upper_is_near(struct dentry *dentry)
{
	struct hf_upper_marks *marks;
	struct dentry *parent;
	u32 zero = 0;

	marks = bpf_map_lookup_elem(&hf_upper_marks, &zero);
	if (!marks)
		return false;
#pragma unroll
	for (int i = 0; i < HOST_NEAR_FOLDERS; i++) {
		parent = dentry->d_parent;
		if ((u64)parent == (u64)dentry)
			return false;
		if (upper_is_marked(marks, parent->d_inode->i_ino))
			return true;
		dentry = parent;
	}
	return true;
}

/* Whether a mount that is not the task's root is one of the host's, and no container's root. By plain loads, and one more. */
static __always_inline bool host_has_mount(struct file *file, struct task_struct *task, const struct hf_config *cfg)
{
	struct mnt_namespace *ns = task->nsproxy->mnt_ns;

	return file->f_inode->i_sb->s_magic != KERNEL_MAGIC_OVERLAY && ns->ns.inum == cfg->host_mntns &&
	       (u64)BPF_CORE_READ(real_mount(file->f_path.mnt), mnt_ns) == (u64)ns;
}

/* Whether a file surely is none of a container's. A plain host's task asks. */
static __always_inline bool host_runs_its_own(struct file *file, const struct hf_config *cfg)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if ((u64)file->f_path.mnt != (u64)task->fs->root.mnt && !host_has_mount(file, task, cfg))
		return false;
	return !upper_is_near(file->f_path.dentry);
}

struct upper_walk {
	u64 dentry;
	struct hf_slot_ref ref; /* found; id 0: not yet */
};

static long upper_step(u32 index, void *data)
{
	struct upper_walk *walk = data;
	struct dentry *dentry = (void *)walk->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct inode *inode = BPF_CORE_READ(parent, d_inode);
	struct hf_root_key key = {};
	struct hf_slot_ref *ref;

	if (parent == dentry || !inode)
		return 1;
	key.ino = BPF_CORE_READ(inode, i_ino);
	key.dev = inode_dev(inode);
	ref = bpf_map_lookup_elem(&hf_uppers, &key);
	if (ref) {
		walk->ref = *ref;
		return 1;
	}
	walk->dentry = (u64)parent;
	return 0;
}

/* The container whose writable layer a file (its dentry's address) lies in; 0 or -ENOENT. A global function, for its memory. */
__noinline int owner_by_upper(struct hf_slot_ref *ret, u64 dentry)
{
	struct upper_walk walk = { .dentry = dentry };

	if (!ret)
		return -EINVAL;
	bpf_loop(HOST_FOLDERS_MAX, upper_step, &walk, 0);
	if (!walk.ref.id)
		return -ENOENT;
	*ret = walk.ref;
	return 0;
}

/* The container that a file belongs to, whoever looks at it: 0 or -ENOENT. */
__noinline int owner_of_file(struct hf_slot_ref *ret, u64 address)
{
	struct file *file = (void *)address;
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct mnt_namespace *ns = BPF_CORE_READ(real_mount(mnt), mnt_ns);
	struct super_block *sb = BPF_CORE_READ(file, f_inode, i_sb);
	struct hf_slot_ref *ref = NULL;
	struct hf_root_key key = {};
	struct hf_config *cfg = config();

	if (!ret || !cfg)
		return -EINVAL;
	if (BPF_CORE_READ(sb, s_magic) == KERNEL_MAGIC_OVERLAY) {
		key.dev = BPF_CORE_READ(sb, s_dev);
		ref = bpf_map_lookup_elem(&hf_roots, &key);
	}
	if (ref) {
		*ret = *ref;
		return 0;
	}
	if (ns && (u64)ns != KERNEL_MNT_NS_INTERNAL && BPF_CORE_READ(ns, ns.inum) != cfg->host_mntns &&
	    home_of_mount(ret, (u64)mnt) == HOME_CONTAINER)
		return 0;
	return owner_by_upper(ret, (u64)BPF_CORE_READ(file, f_path.dentry));
}

/* Whether a file (its address) was opened among the host's mounts, and is no container's. */
__noinline int file_is_hosts(u64 address)
{
	struct vfsmount *mnt = BPF_CORE_READ((struct file *)address, f_path.mnt);
	struct mnt_namespace *ns = BPF_CORE_READ(real_mount(mnt), mnt_ns);
	struct hf_config *cfg = config();
	struct hf_slot_ref ref = {};

	if (!cfg || !ns || (u64)ns == KERNEL_MNT_NS_INTERNAL || BPF_CORE_READ(ns, ns.inum) != cfg->host_mntns)
		return 0;
	return owner_of_file(&ref, address) != 0;
}

/* Whether the kernel started this task as a helper: a core dump's pipe, modprobe, a release agent. Their parent is one of its threads. */
static __always_inline bool task_is_kernel_helper(struct task_struct *task)
{
	return task->tgid != 1 && task->real_parent->flags & KERNEL_PF_KTHREAD;
}

/* HF_FACT_* of a file that a task of the host runs, with *s being its container; 0: it is the host's. A global function, for its memory. */
__noinline u32 host_facts(struct subject *s, u64 file)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_config *cfg = config();
	struct hf_slot_ref ref = {};

	if (!s || !cfg || cfg->enabled != HF_ENABLED_ALL || owner_of_file(&ref, file))
		return 0;
	subject_take_slot(s, ref.slot, ref.id, HF_SUBJECT_HOST);
	if (s->kind != HF_SUBJECT_HOST)
		return 0;
	return HF_FACT_CONTAINER_FILE | (task_is_kernel_helper(task) ? HF_FACT_KERNEL_HELPER : 0);
}

#endif
