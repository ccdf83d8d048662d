/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who acts: the head of a record, and whether the task is the host's.
 *
 * Owns: struct hf_detect_head but its result and arguments. Must not know: what was done.
 */
#ifndef BPF_LSM_DETECT_TASK_H
#define BPF_LSM_DETECT_TASK_H

#include "bpf-lsm/detect_record.h"

#define DETECT_TTY_MINOR_LOW 0xffu /* new_encode_dev() */

/* Of a pid in a namespace below the first: its number there, or (@of_namespace) the number of the namespace. */
__noinline u32 number_deeper(u64 pid, u32 of_namespace)
{
	u32 level = BPF_CORE_READ((struct pid___level *)pid, level);
	struct upid___ns *numbers = (void *)(pid + bpf_core_field_offset(struct pid___level, numbers) +
					     (u64)level * bpf_core_type_size(struct upid___ns));

	return of_namespace ? BPF_CORE_READ(numbers, ns, ns.inum) : (u32)BPF_CORE_READ(numbers, nr);
}

/* A pid's number in its own namespace. */
static __always_inline u32 number_within(struct pid___level *pid)
{
	return pid->level == 0 ? (u32)pid->numbers[0].nr : number_deeper(address_of(pid), 0);
}

static __always_inline u32 namespace_of(struct pid___level *pid)
{
	return pid->level == 0 ? pid->numbers[0].ns->ns.inum : number_deeper(address_of(pid), 1);
}

static __always_inline u32 terminal_of(struct task_struct *task)
{
	struct tty_struct *tty = more_of(task)->signal->tty;
	u32 major, minor;

	if (!tty)
		return 0;
	major = tty->driver->major;
	minor = tty->driver->minor_start + tty->index;
	return (minor & DETECT_TTY_MINOR_LOW) | major << 8 | (minor & ~DETECT_TTY_MINOR_LOW) << 12;
}

/* Certainly the host's: never tagged, and its root is the host's. */
static __always_inline bool task_is_host(struct task_struct *task, struct hf_task_tag *tag)
{
	struct inode *inode = task->fs->root.dentry->d_inode;

	return !tag && inode->i_ino == hf_detect_switches.host_root_ino &&
	       inode->i_sb->s_dev == hf_detect_switches.host_root_dev;
}

static __always_inline void head_add_ids(struct hf_detect_head *h, struct task_struct *task)
{
	struct task_struct___more *more = more_of(task);
	struct task_struct *leader = task->group_leader, *parent = leader->real_parent;
	struct signal_struct *signal = more->signal;

	h->pid = task->tgid;
	h->tid = task->pid;
	h->ppid = parent->tgid;
	h->start_ns = leader->start_boottime;
	h->parent_start_ns = parent->group_leader->start_boottime;
	h->vtid = number_within(more->thread_pid);
	h->vpid = h->pid == h->tid ? h->vtid : number_within(more_of(leader)->thread_pid);
	h->pid_ns = namespace_of(more->thread_pid);
	h->vppid = namespace_of(more_of(parent)->thread_pid) == h->pid_ns ? number_within(more_of(parent)->thread_pid) : 0;
	h->pgid = signal->pids[KERNEL_PIDTYPE_PGID]->numbers[0].nr;
	h->sid = signal->pids[KERNEL_PIDTYPE_SID]->numbers[0].nr;
	h->vpgid = number_within(signal->pids[KERNEL_PIDTYPE_PGID]);
	h->vsid = number_within(signal->pids[KERNEL_PIDTYPE_SID]);
	h->tty = terminal_of(task);
}

static __always_inline void head_add_credentials(struct hf_detect_head *h, struct task_struct *task)
{
	struct task_struct___more *more = more_of(task);
	const struct cred___caps *cred = more->cred;

	h->uid = task->cred->uid.val;
	h->gid = task->cred->gid.val;
	h->euid = cred->euid.val;
	h->egid = cred->egid.val;
	bpf_core_read(&h->cap_inheritable, sizeof(u64), &cred->cap_inheritable);
	bpf_core_read(&h->cap_permitted, sizeof(u64), &cred->cap_permitted);
	bpf_core_read(&h->cap_effective, sizeof(u64), &cred->cap_effective);
	h->user_ns = cred->user_ns->ns.inum;
	h->loginuid = bpf_core_field_exists(more->loginuid) ? more->loginuid.val : ~0u;
}

static __always_inline void head_add_place(struct hf_detect_head *h, struct task_struct *task, struct hf_task_tag *tag)
{
	struct inode *root = task->fs->root.dentry->d_inode;

	h->cgroup = task->cgroups->dfl_cgrp->kn->id;
	h->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
	h->root_ino = root->i_ino;
	h->root_dev = root->i_sb->s_dev;
	h->container = tag ? tag->container : 0;
}

/* What the process is called: as its first thread is. */
static __always_inline void head_name(struct detect_scratch *s, struct task_struct *task)
{
	if (!bpf_core_read(s->head.comm, sizeof(s->head.comm), &task->group_leader->comm))
		s->head.flags |= HF_DETECT_NAMED;
	else
		bpf_get_current_comm(s->head.comm, sizeof(s->head.comm));
}

/* The head of a record about the current task. The caller has set .flags, the arguments, and the name. */
__noinline int head_fill(struct detect_scratch *s, u32 type, s64 result)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_task_tag *tag = tag_of(task);
	struct hf_detect_head *h;

	if (!s)
		return -EINVAL;
	h = &s->head;
	h->version = HF_DETECT_VERSION;
	h->type = type;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->result = result;
	h->flags |= task_is_host(task, tag) ? HF_DETECT_HOST : 0;
	if (task->flags & KERNEL_PF_KTHREAD)
		h->flags |= HF_DETECT_KTHREAD;
	head_add_ids(h, task);
	head_add_credentials(h, task);
	head_add_place(h, task, tag);
	s->share = share_of(tag);
	return 0;
}

#endif
