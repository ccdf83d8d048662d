/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tasks that begin, become another program, end; and what is only counted.
 *
 * Owns: records of exec and fork. Must not know: the tracepoints.
 */
#ifndef BPF_LSM_DETECT_PROCESS_H
#define BPF_LSM_DETECT_PROCESS_H

#include "bpf-lsm/detect_call.h"

#define DETECT_SUBREAPER_STEPS 16 /* ancestors that are asked; farther up it is taken to be init */

/* init of a pid's own namespace. */
__noinline u64 reaper_of_namespace(u64 pid)
{
	u32 level = BPF_CORE_READ((struct pid___level *)pid, level);
	struct upid___ns *numbers = (void *)(pid + bpf_core_field_offset(struct pid___level, numbers) +
					     (u64)level * bpf_core_type_size(struct upid___ns));

	return (u64)BPF_CORE_READ(numbers, ns, child_reaper);
}

/* The new program of the current task. */
__noinline int tell_exec(u32 type, u64 filename)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct detect_scratch *s = scratch_claim();
	struct mm_struct___args *mm;
	u64 exe;

	if (!s) {
		record_lost(type);
		return 0;
	}
	if (type >= _HF_DETECT_MAX)
		type = HF_DETECT_EXECVE;
	s->wants = hf_detect_switches.wants[type];
	s->head.flags = 0;
	__builtin_memset(s->head.args, 0, sizeof(s->head.args));
	head_name(s, task);
	head_fill(s, type, 0);
	exe = (u64)BPF_CORE_READ(task, mm, exe_file);
	mm = more_of(task)->mm;
	put_text(s, filename, HF_DETECT_KIND_FILENAME, 1);
	put_bytes(s, mm->arg_start, mm->arg_end - mm->arg_start, HF_DETECT_TEXT_BYTES, HF_DETECT_KIND_ARGS);
	if (exe) {
		put_path_of(s, exe, HF_DETECT_KIND_EXE);
		put_file(s, exe, 1);
	}
	put_cwd(s);
	if (s->wants & HF_DETECT_WANT_ENV)
		put_bytes(s, mm->env_start, mm->env_end - mm->env_start, HF_DETECT_TEXT_BYTES, HF_DETECT_KIND_ENV);
	return record_send(s);
}

/* Who takes the children of a process that exits, as find_new_reaper() of the kernel; 0: nobody. */
static __always_inline u32 reaper_of(struct task_struct *task)
{
	struct task_struct *init = (void *)reaper_of_namespace(address_of(more_of(task)->thread_pid));
	struct signal_struct *signal = more_of(task)->signal;
	u64 at = (u64)task;

	if (BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper)) {
		for (int i = 0; i < DETECT_SUBREAPER_STEPS; i++) {
			at = (u64)BPF_CORE_READ((struct task_struct *)at, real_parent);
			if (!at || at == (u64)init || BPF_CORE_READ((struct task_struct *)at, pid) <= 1)
				break;
			signal = BPF_CORE_READ((struct task_struct___more *)at, signal);
			if (BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
				return BPF_CORE_READ((struct task_struct *)at, tgid);
		}
	}
	return init ? (u32)BPF_CORE_READ(init, tgid) : 0;
}

/* By which call the current task makes another. */
static __always_inline u32 fork_type(struct pt_regs *regs, struct task_struct *parent)
{
	u32 nr = call_number(regs);
	u32 type = HF_DETECT_NONE;

	if (nr < HF_DETECT_CALLS)
		type = call_is_compat(parent) ? hf_detect_switches.compat[nr].type : hf_detect_switches.calls[nr].type;
	if (type == HF_DETECT_FORK || type == HF_DETECT_VFORK || type == HF_DETECT_CLONE3)
		return type;
	return HF_DETECT_CLONE; /* the kernel's own children too */
}

static __always_inline void put_child(struct detect_scratch *s, struct task_struct *child)
{
	struct task_struct___more *more = more_of(child);
	struct hf_detect_child *out;
	u32 begin = section_begin(s);

	if (!begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return;
	out = (void *)(s->data + begin);
	out->start_ns = child->start_boottime;
	out->pid = child->tgid;
	out->tid = child->pid;
	out->vtid = number_within(more->thread_pid);
	out->vpid = child->pid == child->tgid ? out->vtid : number_within(more_of(child->group_leader)->thread_pid);
	section_end(s, begin, sizeof(*out), HF_DETECT_KIND_CHILD, 0);
}

/* enum io_uring_op -> the event that it would be. Operations on descriptors that are open already are none. */
static __always_inline u32 uring_type(u32 opcode)
{
	switch (opcode) {
	case 9:
		return HF_DETECT_SENDMSG;
	case 10:
		return HF_DETECT_RECVMSG;
	case 13:
		return HF_DETECT_ACCEPT4;
	case 16:
		return HF_DETECT_CONNECT;
	case 18:
		return HF_DETECT_OPENAT;
	case 26:
		return HF_DETECT_SENDTO;
	case 27:
		return HF_DETECT_RECVFROM;
	case 28:
		return HF_DETECT_OPENAT2;
	case 35:
		return HF_DETECT_RENAMEAT2;
	case 36:
		return HF_DETECT_UNLINKAT;
	case 37:
		return HF_DETECT_MKDIRAT;
	case 38:
		return HF_DETECT_SYMLINKAT;
	case 39:
		return HF_DETECT_LINKAT;
	case 45:
		return HF_DETECT_SOCKET;
	case 56:
		return HF_DETECT_BIND;
	case 57:
		return HF_DETECT_LISTEN;
	default:
		return HF_DETECT_NONE;
	}
}

static __always_inline void count_uring(u32 opcode)
{
	u32 type = uring_type(opcode);

	if (type < _HF_DETECT_MAX && hf_detect_switches.wants[type])
		detect_count_unseen(HF_DETECT_UNSEEN_URING);
}

#endif
