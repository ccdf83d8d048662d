/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose tree of mounts a mount hangs in, and whether a contained task is still at home: in its container's cgroup and mounts.
 *
 * Owns: the walk up through mounts. Must not know: verdicts. Only on the way to a report, and for files that no plain load could place.
 *
 *   I1  Cgroups below the container's, and mount namespaces that were copied from its own, are at home: what is asked is not which
 *       cgroup or namespace it is, but what lies above.
 *   I2  Where nothing can be said (a nested container that pivoted to a root of its own), nothing is claimed.
 */
#ifndef BPF_LSM_HOME_H
#define BPF_LSM_HOME_H

#include "bpf-lsm/subject.h"

#define HOME_MOUNTS_MAX 16 /* mounts above each other: real trees stay below 8 */

enum home {
	HOME_NOT_KNOWN,
	HOME_CONTAINER,
	HOME_HOST,
};

/* The nearest root at or above a mount (its struct vfsmount's address): enum home, with *ret filled for HOME_CONTAINER. */
static __always_inline int home_of_mount(struct hf_slot_ref *ret, u64 mnt)
{
	struct mount *mount = real_mount((void *)mnt), *parent;
	struct hf_config *cfg = config();

	for (int i = 0; ret && cfg && mnt && i < HOME_MOUNTS_MAX; i++) {
		struct inode *root = BPF_CORE_READ(mount, mnt.mnt_root, d_inode);
		u32 dev = root ? inode_dev(root) : 0;
		u64 ino = root ? BPF_CORE_READ(root, i_ino) : 0;
		struct hf_slot_ref *ref = find_by_root(ino, dev);

		if (ref) {
			*ret = *ref;
			return HOME_CONTAINER;
		}
		if (ino == cfg->host_root_ino && dev == cfg->host_root_dev)
			return HOME_HOST;
		parent = BPF_CORE_READ(mount, mnt_parent);
		if (parent == mount)
			break;
		mount = parent;
	}
	return HOME_NOT_KNOWN;
}

static __always_inline bool left_cgroup(u64 cgroup)
{
	for (int level = SUBJECT_CGROUP_LEVELS; level > 0; level--) {
		if (bpf_get_current_ancestor_cgroup_id(level) == cgroup)
			return false;
	}
	return true;
}

static __always_inline bool left_mounts(u64 container)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_config *cfg = config();
	struct hf_slot_ref ref = {};
	int home;

	if (!cfg || task->nsproxy->mnt_ns->ns.inum == cfg->host_mntns)
		return cfg != NULL;
	home = home_of_mount(&ref, (u64)BPF_CORE_READ(task, fs, root.mnt));
	return home == HOME_HOST || (home == HOME_CONTAINER && ref.id != container);
}

/* HF_EVENT_LEFT_* of the current task, which is that container's. A global function: its memory is not its callers'. */
__noinline u32 home_left(u64 id, u32 slot)
{
	struct hf_container *container = container_slot(slot);
	u32 flags = 0;

	if (!container || container->id != id)
		return 0;
	if (container->cgroup && left_cgroup(container->cgroup))
		flags |= HF_EVENT_LEFT_CGROUP;
	if (left_mounts(id))
		flags |= HF_EVENT_LEFT_MOUNTS;
	return flags;
}

#endif
