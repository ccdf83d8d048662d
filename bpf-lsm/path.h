/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file as a string, leaf first ("x.so/tmp/" is /tmp/x.so), for events and for exceptions.
 *
 * Owns: the walk up through dentries and mounts to the task's root. Must not know: what the path is for. The path is never
 * part of the question whether a file is of the image.
 */
#ifndef BPF_LSM_PATH_H
#define BPF_LSM_PATH_H

#include "bpf-lsm/maps.h"

#define PATH_COMPONENTS_MAX 1024 /* steps of the walk, mount crossings included; more is flagged as cut */
#define PATH_NAME_MASK 0xffu	 /* NAME_MAX */

struct path_walk {
	struct hf_scratch *scratch;
	char *buf;
};

/* One step: a name, or the crossing of a mount point. 1 ends the loop. max is a constant, which the verifier needs. */
static __always_inline long path_step(struct path_walk *walk, u32 max)
{
	__typeof__(walk->scratch->walk) *w = &walk->scratch->walk;
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
	if (used >= max)
		return 1;
	len = BPF_CORE_READ(dentry, d_name.len) & PATH_NAME_MASK;
	name = BPF_CORE_READ(dentry, d_name.name);
	if (bpf_probe_read_kernel(walk->buf + used, len, name) == 0) {
		used += len;
		if (used < max + HF_NAME_SLACK)
			walk->buf[used++] = '/';
	}
	w->used = used;
	w->dentry = (u64)parent;
	return w->done & 1;
}

static long path_step_file(u32 index, void *data)
{
	return path_step(data, HF_PATH_BYTES) & 1;
}

static long path_step_exe(u32 index, void *data)
{
	return path_step(data, HF_EXE_BYTES) & 1;
}

/* Where a path goes: a part of the current task's scratch. */
struct path_job {
	struct path_ref path;
	u32 second; /* 0: at the start, up to HF_PATH_BYTES; 1: at offset at, up to HF_EXE_BYTES */
	u32 at;
	u32 bytes; /* output: length, at most limit */
	u32 cut;   /* output: it did not fit */
	u64 root_dentry, root_mnt; /* where the walk ends: the task's root */
};

static __always_inline void path_end_at_root(struct path_job *job, struct task_struct *task)
{
	job->root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	job->root_mnt = (u64)BPF_CORE_READ(task, fs, root.mnt);
}

/*
 * Writes one path into the scratch. Memory files keep their only name ("memfd:x/"). A global function, so that the verifier
 * looks at it once and not once for each way that leads to it.
 */
__noinline int path_write(struct path_job *job)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct path_walk w = {};
	struct hf_scratch *s;
	u32 limit = HF_PATH_BYTES;
	u32 at;

	if (!job)
		return -EINVAL;
	s = bpf_task_storage_get(&hf_scratches, (void *)task, 0, 0);
	at = job->at;
	if (!s || at > HF_PATH_BYTES)
		return -EINVAL;
	w.scratch = s;
	s->walk.dentry = (u64)job->path.dentry;
	s->walk.mount = (u64)real_mount(job->path.mnt);
	s->walk.root_dentry = job->root_dentry;
	s->walk.root_mount = (u64)real_mount((void *)job->root_mnt);
	s->walk.used = s->walk.done = 0;
	/* Two loops, since the verifier wants the room behind the buffer as a constant. */
	if (job->second) {
		w.buf = s->data + at;
		limit = HF_EXE_BYTES;
		bpf_loop(PATH_COMPONENTS_MAX, path_step_exe, &w, 0);
	} else {
		w.buf = s->data;
		bpf_loop(PATH_COMPONENTS_MAX, path_step_file, &w, 0);
	}
	job->cut = !s->walk.done || s->walk.used > limit;
	job->bytes = s->walk.used > limit ? limit : s->walk.used;
	return 0;
}

#endif
