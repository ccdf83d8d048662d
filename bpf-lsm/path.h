/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file as a string, leaf first ("x.so/tmp/" is /tmp/x.so), for events and for exceptions.
 *
 * Owns: the walk up through dentries and mounts to the task's root. Must not know: what the path is for. The path is never
 * part of the question whether a file is of the image.
 */
#ifndef BPF_LSM_PATH_H
#define BPF_LSM_PATH_H

#include "bpf-lsm/kernel.h"

#define PATH_COMPONENTS_MAX 1024 /* steps of the walk, mount crossings included; more is flagged as cut */
#define PATH_NAME_MASK 0xffu	 /* NAME_MAX */

struct path_walk {
	u64 dentry;
	u64 mount;
	u64 root_dentry;
	u64 root_mount;
	char *buf;
	u32 used;
	u32 limit; /* HF_PATH_BYTES or HF_EXE_BYTES: the buffer has HF_NAME_SLACK more */
	u32 done;
};

/* One step: a name, or the crossing of a mount point. 1 ends the loop. */
static long path_step(u32 index, void *data)
{
	struct path_walk *w = data;
	struct dentry *dentry = (void *)w->dentry;
	struct mount *mount = (void *)w->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	u32 used = w->used, len;
	const unsigned char *name;

	if (w->dentry == w->root_dentry && w->mount == w->root_mount) {
		w->done = 1;
		return 1;
	}
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);

		if (up != mount && dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			w->dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
			w->mount = (u64)up;
			return 0;
		}
		w->done = 1;
		if (used) /* the root of the world, or of a detached mount */
			return 1;
	}
	if (used >= w->limit)
		return 1;
	len = BPF_CORE_READ(dentry, d_name.len) & PATH_NAME_MASK;
	name = BPF_CORE_READ(dentry, d_name.name);
	if (used < HF_PATH_BYTES && bpf_probe_read_kernel(w->buf + used, len, name) == 0) {
		used += len;
		if (used < HF_PATH_BYTES + HF_NAME_SLACK) {
			w->buf[used] = '/';
			used++;
		}
	}
	w->used = used;
	w->dentry = (u64)parent;
	return w->done;
}

/*
 * Writes the path into buf (limit + HF_NAME_SLACK bytes) and returns its length, at most limit. *cut is set when it did
 * not fit. Memory files keep their only name ("memfd:x/").
 */
static __noinline u32 path_write(struct path *path, char *buf, u32 limit, u32 *cut)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct path_walk w = { .buf = buf, .limit = limit };

	w.dentry = (u64)path->dentry;
	w.mount = (u64)real_mount(path->mnt);
	w.root_dentry = (u64)task->fs->root.dentry;
	w.root_mount = (u64)real_mount(task->fs->root.mnt);
	bpf_loop(PATH_COMPONENTS_MAX, path_step, &w, 0);
	if (!w.done || w.used > limit)
		*cut = 1;
	return w.used > limit ? limit : w.used;
}

#endif
