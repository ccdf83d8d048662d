// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What tasks do, for detection rules: tracepoints, as a table of contents.
 *
 * A program of its own beside the enforcing half (holdfast.bpf.c), which it never touches: it tells, and decides nothing. Not
 * pinned. A system call that nobody wants costs a look at its row.
 */
#include "bpf-lsm/detect_call.h"
#include "bpf-lsm/detect_cover.h"
#include "bpf-lsm/detect_process.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A call that is wanted by its type, task and result; its arguments stand in the head. */
__noinline int tell_call(struct detect_scratch *s, u32 type, s64 result)
{
	if (!s)
		return -EINVAL;
	if (!look_behind(s)) {
		scratch_release(s);
		return 0;
	}
	head_name(s, (void *)bpf_get_current_task_btf());
	put_paths(s);
	if (!is_covered(s, type, result)) {
		record_filtered(type);
		scratch_release(s);
		return 0;
	}
	head_fill(s, type, result);
	if (type == HF_DETECT_WRITE || type == HF_DETECT_WRITEV)
		put_position(s, result);
	if (s->call.fd)
		put_descriptor(s);
	if (s->call.address || s->call.data || s->call.special == HF_DETECT_IS_MESSAGE || s->call.special == HF_DETECT_IS_WRITEV)
		put_network(s);
	if (s->wants & HF_DETECT_WANT_CWD)
		put_cwd(s);
	return record_send(s);
}

static __always_inline const struct hf_detect_call *row_of(u32 nr, bool compat)
{
	if (!compat)
		nr &= ~KERNEL_X32_BIT;
	if (nr >= HF_DETECT_CALLS)
		return NULL;
	return compat ? &hf_detect_switches.compat[nr] : &hf_detect_switches.calls[nr];
}

/* All calls of sockets in one: the first argument chooses, the others lie behind the second. */
static __always_inline int tell_socketcall(struct pt_regs *regs, s64 result)
{
	u64 args[HF_DETECT_ARGUMENTS];
	struct detect_scratch *s;
	u32 words[HF_DETECT_ARGUMENTS] = {}, type, wants;

	call_arguments(regs, true, args);
	if (args[0] >= HF_DETECT_SOCKETCALLS)
		return 0;
	type = hf_detect_switches.socketcalls[args[0]].type;
	if (type == HF_DETECT_NONE || type >= _HF_DETECT_MAX)
		return 0;
	wants = hf_detect_switches.wants[type];
	if (!wants || !is_wanted((void *)bpf_get_current_task_btf(), wants, result))
		return 0;
	s = scratch_claim();
	if (!s) {
		record_lost(type);
		return 0;
	}
	s->call = hf_detect_switches.socketcalls[args[0]];
	s->wants = wants;
	s->head.flags = HF_DETECT_COMPAT;
	if (bpf_probe_read_user(words, sizeof(words), (void *)args[1]))
		s->head.flags |= HF_DETECT_UNREADABLE;
	for (u32 i = 0; i < HF_DETECT_ARGUMENTS; i++)
		s->head.args[i] = words[i];
	tell_call(s, type, result);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(detect_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	bool compat = call_is_compat(task);
	const struct hf_detect_call *call = row_of(call_number(regs), compat);
	struct detect_scratch *s;
	u32 type, wants;

	if (!call)
		return 0;
	if (call->special == HF_DETECT_IS_SOCKETCALL)
		return tell_socketcall(regs, result);
	type = call->type;
	if (type == HF_DETECT_NONE || type >= _HF_DETECT_MAX)
		return 0;
	wants = hf_detect_switches.wants[type];
	if (!wants || (u32)task->tgid == hf_detect_switches.own_tgid || !is_wanted(task, wants, result))
		return 0;
	if (call->special == HF_DETECT_IS_TASK && result >= 0)
		return 0;
	if ((wants & HF_DETECT_WANT_ELF) && (result <= 0 || !is_elf(call, second_argument(regs, compat), compat)))
		return 0;
	s = scratch_claim();
	if (!s) {
		record_lost(type);
		return 0;
	}
	s->call = *call;
	s->wants = wants;
	s->head.flags = compat ? HF_DETECT_COMPAT : 0;
	call_arguments(regs, compat, s->head.args);
	tell_call(s, type, result);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(detect_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	const struct linux_binprm___names *names = (void *)bprm;
	u32 type = names->fdpath ? HF_DETECT_EXECVEAT : HF_DETECT_EXECVE;

	if (is_wanted(task, hf_detect_switches.wants[type], 0))
		tell_exec(type, (u64)BPF_CORE_READ(names, filename));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(detect_fork, struct task_struct *parent, struct task_struct *child)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	bool is_thread = child->tgid == parent->tgid;
	struct detect_scratch *s;
	u32 type, wants;

	type = fork_type(regs, parent);
	wants = hf_detect_switches.wants[type];
	if (!is_wanted(parent, wants, child->pid) || (is_thread && !(wants & HF_DETECT_WANT_THREADS)))
		return 0;
	s = scratch_claim();
	if (!s) {
		record_lost(type);
		return 0;
	}
	s->wants = wants;
	s->head.flags = is_thread ? HF_DETECT_THREAD : 0;
	call_arguments(regs, call_is_compat(parent), s->head.args);
	s->call.special = type == HF_DETECT_CLONE3 ? HF_DETECT_IS_CLONE3 : HF_DETECT_PLAIN;
	look_behind(s);
	bpf_get_current_comm(s->head.comm, sizeof(s->head.comm)); /* the thread's: the child has it */
	head_fill(s, type, child->pid);
	put_child(s, child);
	record_send(s);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(detect_exit, struct task_struct *task)
{
	struct signal_struct *signal = more_of(task)->signal;
	struct detect_scratch *s;

	if (signal->live.counter || !is_wanted(task, hf_detect_switches.wants[HF_DETECT_PROCEXIT], 0))
		return 0;
	s = scratch_claim();
	if (!s) {
		record_lost(HF_DETECT_PROCEXIT);
		return 0;
	}
	s->head.flags = 0;
	__builtin_memset(s->head.args, 0, sizeof(s->head.args));
	s->head.args[0] = reaper_of(task);
	head_name(s, task);
	head_fill(s, HF_DETECT_PROCEXIT, signal->group_exit_code ? signal->group_exit_code : more_of(task)->exit_code);
	record_send(s);
	return 0;
}

/* What an operation of io_uring does shows in no system call: counted, if its like would be an event. */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(detect_uring, struct io_kiocb *request)
{
	count_uring(request->opcode);
	return 0;
}

/* … as kernels up to 6.2 call it. */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(detect_uring_old, struct io_kiocb *request)
{
	count_uring(request->opcode);
	return 0;
}

/* Run once by user space: its own root is the host's. */
SEC("raw_tp")
int detect_learn(void *context)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct inode *inode = task->fs->root.dentry->d_inode;

	hf_detect_switches.host_root_ino = inode->i_ino;
	hf_detect_switches.host_root_dev = inode->i_sb->s_dev;
	return 0;
}
