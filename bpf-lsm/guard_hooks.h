/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks of self-protection and of what containers try on the kernel, as a table of contents (see holdfast.bpf.c).
 *
 * Where the kernels disagree about a hook's arguments, only those are read that all have: no program is called after another one's
 * refusal, so that the verdict before ours needs no look.
 */
#ifndef BPF_LSM_GUARD_HOOKS_H
#define BPF_LSM_GUARD_HOOKS_H

#include "bpf-lsm/guard.h"
#include "bpf-lsm/memory.h"
#include "bpf-lsm/reach.h"

/* bpf(2), before the kernel's own checks. Objects by their number, and what a container loads, makes or attaches. */
SEC("lsm/bpf")
int BPF_PROG(hf_bpf, int cmd, union bpf_attr *attr)
{
	struct hf_config *cfg = config();
	u32 id = 0;
	int err;

	if (!cfg || !cfg->enabled)
		return 0;
	if (cmd == BPF_PROG_GET_FD_BY_ID || cmd == BPF_MAP_GET_FD_BY_ID || cmd == BPF_LINK_GET_FD_BY_ID) {
		bpf_probe_read_kernel(&id, sizeof(id), attr); /* the first member for all three */
		err = reach_own(cmd, id);
		if (err <= 0)
			return err == -ENOENT ? -ENOENT : err ? -EPERM : 0;
	}
	if (subject_is_plain_host(cfg))
		return 0;
	return reach_bpf(cmd) ? -EPERM : 0;
}

/* A descriptor of a map, new or by its pin. */
SEC("lsm/bpf_map")
int BPF_PROG(hf_bpf_map, struct bpf_map *map, unsigned int fmode)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled)
		return 0;
	if (guard_owns(HF_OWN_MAP, map->id))
		return guard_judge(HF_DETAIL_MAP, 0, 0) ? -EPERM : 0;
	if (subject_is_plain_host(cfg))
		return 0;
	return reach_bpf_object() ? -EPERM : 0;
}

/* … and of a program. */
SEC("lsm/bpf_prog")
int BPF_PROG(hf_bpf_prog, struct bpf_prog *prog)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled)
		return 0;
	if (guard_owns(HF_OWN_PROGRAM, BPF_CORE_READ(prog, aux, id)))
		return guard_judge(HF_DETAIL_PROGRAM, 0, 0) ? -EPERM : 0;
	if (subject_is_plain_host(cfg))
		return 0;
	return reach_bpf_object() ? -EPERM : 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(hf_pin_unlink, struct inode *dir, struct dentry *dentry)
{
	return guard_entry(dir, dentry);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(hf_pin_rmdir, struct inode *dir, struct dentry *dentry)
{
	return guard_entry(dir, dentry);
}

/* A folder of ours that others made would be taken for another version's. */
SEC("lsm/inode_mkdir")
int BPF_PROG(hf_pin_mkdir, struct inode *dir, struct dentry *dentry)
{
	return guard_entry(dir, dentry);
}

SEC("lsm/inode_rename")
int BPF_PROG(hf_pin_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir, struct dentry *new_dentry)
{
	return guard_entry(old_dir, old_dentry) || guard_entry(new_dir, new_dentry) ? -EPERM : 0;
}

SEC("lsm/sb_umount")
int BPF_PROG(hf_umount, struct vfsmount *mnt, int flags)
{
	if (!guard_carries_pins(address_of(mnt), flags & KERNEL_MNT_DETACH))
		return 0;
	return guard_judge(HF_DETAIL_PINS, (u64)BPF_CORE_READ(mnt, mnt_root), 0) ? -EPERM : 0;
}

SEC("lsm/sb_mount")
int BPF_PROG(hf_mount, const char *dev_name, const struct path *path, const char *type, unsigned long flags)
{
	u64 dentry = (u64)BPF_CORE_READ(path, dentry);

	if (flags & (KERNEL_MS_REMOUNT | KERNEL_MS_PROPAGATION) || !guard_hides_pins((u64)BPF_CORE_READ(path, mnt), dentry))
		return 0;
	return guard_judge(HF_DETAIL_PINS, dentry, 0) ? -EPERM : 0;
}

SEC("lsm/move_mount")
int BPF_PROG(hf_move_mount, const struct path *from, const struct path *to)
{
	u64 dentry = (u64)BPF_CORE_READ(to, dentry);

	if (!guard_hides_pins((u64)BPF_CORE_READ(to, mnt), dentry) &&
	    !guard_carries_pins((u64)BPF_CORE_READ(from, mnt), 0))
		return 0;
	return guard_judge(HF_DETAIL_PINS, dentry, 0) ? -EPERM : 0;
}

/* Read-only, the pins could not be replaced any more. */
SEC("lsm/sb_remount")
int BPF_PROG(hf_remount, struct super_block *sb)
{
	struct hf_config *cfg = config();

	if (sb->s_magic != KERNEL_MAGIC_BPFFS || !cfg || !guard_is_on(cfg) || sb->s_dev != cfg->guard.pins_dev)
		return 0;
	return guard_judge(HF_DETAIL_PINS, 0, 0) ? -EPERM : 0;
}

/* A signal to the daemon. The host's may be sent: the programs go on without it. */
SEC("lsm/task_kill")
int BPF_PROG(hf_kill, struct task_struct *task, void *info, int sig)
{
	return sig ? reach_task(task) : 0;
}

/* Limits (the one of CPU seconds kills without a signal of anybody's), … */
SEC("lsm/task_setrlimit")
int BPF_PROG(hf_limit, struct task_struct *task)
{
	return reach_task(task);
}

/* … policy and CPUs, … */
SEC("lsm/task_setscheduler")
int BPF_PROG(hf_schedule, struct task_struct *task)
{
	return reach_task(task);
}

/* … priorities of both kinds, … */
SEC("lsm/task_setnice")
int BPF_PROG(hf_priority, struct task_struct *task)
{
	return reach_task(task);
}

SEC("lsm/task_setioprio")
int BPF_PROG(hf_io_priority, struct task_struct *task)
{
	return reach_task(task);
}

/* … and where its memory lies. */
SEC("lsm/task_movememory")
int BPF_PROG(hf_move_memory, struct task_struct *task)
{
	return reach_task(task);
}

/* A connection to one of the daemon's sockets: a container that was given them is no operator, even with uid 0. */
SEC("lsm/unix_stream_connect")
int BPF_PROG(hf_connect, struct sock *sock, struct sock *other)
{
	struct hf_config *cfg = config();

	if (!cfg || !guard_is_on(cfg) || subject_is_plain_host(cfg))
		return 0;
	if ((u32)BPF_CORE_READ(other, sk_peer_pid, numbers[0].nr) != cfg->guard.daemon_tgid || !cfg->guard.daemon_tgid)
		return 0;
	return reach_daemon() ? -EPERM : 0;
}

/* prctl(). Its 0 means that the kernel goes on. */
SEC("lsm/task_prctl")
int BPF_PROG(hf_prctl, int option, unsigned long what, unsigned long address, unsigned long bytes, unsigned long more, int ret)
{
	struct hf_config *cfg;

	if (ret || option != KERNEL_PR_SET_MM)
		return ret;
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return memory_rename(what, address) ? -EPERM : 0;
}

SEC("lsm/perf_event_open")
int hf_perf(unsigned long long *ctx)
{
	unsigned long long first = ctx[0], second = ctx[1];
	struct hf_config *cfg = config();

	/* Loaded one by one: an address that is computed is no way into the context. */
	barrier_var(first);
	barrier_var(second);
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return reach_perf(perf_has_attributes ? (int)second : (int)first) ? -EPERM : 0;
}

/* A module, or the kernel to come, from a file … */
SEC("lsm/kernel_read_file")
int BPF_PROG(hf_read_file, struct file *file, u32 id)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return reach_read_file(address_of(file), id) ? -EPERM : 0;
}

/* … and from memory. */
SEC("lsm/kernel_load_data")
int BPF_PROG(hf_load_data, u32 id)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return reach_load_data(id) ? -EPERM : 0;
}

/* What a locked down kernel refuses everybody; asked on every kernel, after its own checks. */
SEC("lsm/locked_down")
int BPF_PROG(hf_locked_down, u32 what)
{
	struct hf_config *cfg = config();

	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg))
		return 0;
	return reach_locked(what) ? -EPERM : 0;
}

#endif
