/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways to code in memory that are no mapping of a file: /proc/PID/mem, ptrace, a personality under which data is code; and which
 * anonymous memory is a heap or a stack.
 *
 * Owns: what of that a hook has before it, and towards whom. Must not know: what the policy says to it.
 *
 *   I1  A task that has no tag runs no program of the container yet (a runtime on its way in, a checkpoint being restored): not judged.
 *   I2  /proc/PID/mem is known by its inode: procfs gives one to a process's files alone. Its path may be anything: a bind mount, a
 *       second procfs, a descriptor opened anew.
 *   I3  personality() has no LSM hook, and kernels without error injection (Debian's) let nobody refuse it. What the policy denies
 *       ends the process before it is back from the call: under that flag brk() gives executable memory, which no hook sees.
 *   I4  Whom a process started it may watch: a tracer and its children are one program to whoever started them, and nothing of the child
 *       changes. What changes it (its memory, its registers, its descriptors taken) is told, whoever started it; where a kernel cannot
 *       show that (traces_are_seen), so is the watching.
 *   I5  Which program a task runs is asked of its memory's exe_file, by exceptions among others: nobody in a container exchanges it.
 */
#ifndef BPF_LSM_MEMORY_H
#define BPF_LSM_MEMORY_H

#include "bpf-lsm/access.h"
#include "bpf-lsm/likely.h"

#define MEMORY_PARENTS_MAX 16 /* generations between a tracer and whom it traces: shells, a build, a test */

const volatile bool traces_are_seen; /* hf_trace is attached */

/* Whose the access is. False: it is not judged; nor are those of containers that nobody registered, as sandboxes trace their own. */
static __always_inline bool memory_subject(struct subject *s)
{
	int kind = subject_of_current(s);

	return kind != HF_SUBJECT_HOST && kind != HF_SUBJECT_UNKNOWN && s->tagged;
}

/* The process that a file of procfs belongs to: its number in the first pid namespace, 0: none. */
static __always_inline u32 proc_inode_pid(struct inode *inode)
{
	struct proc_inode *proc = (void *)((u64)inode - bpf_core_field_offset(struct proc_inode, vfs_inode));
	struct pid *pid = BPF_CORE_READ(proc, pid);

	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* A file of procfs is opened for writing, by its address: is it somebody's memory? 0 or -EPERM. A global function: its memory is not the
 * hook's. */
__noinline int memory_open(u64 address)
{
	u32 what = access_of(HF_OP_PROCESS_MEMORY, HF_REASON_PROCESS_MEMORY, HF_DETAIL_NONE, 0);
	struct file *file = (void *)address;
	struct dentry *dentry;
	struct subject s = {};
	u64 name = 0;
	u32 target;

	if (!file)
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	if (BPF_CORE_READ(dentry, d_name.len) != 3 || bpf_probe_read_kernel(&name, 3, BPF_CORE_READ(dentry, d_name.name)) ||
	    name != LIKELY_WORD("mem"))
		return 0;
	target = proc_inode_pid(BPF_CORE_READ(file, f_inode));
	if (!target || !memory_subject(&s))
		return 0;
	return judge_access(&s, address, what, target) ? -EPERM : 0;
}

/* A task (its address) that the current process started, itself or by others that it started, or traces already. A global function: it
 * is seen once. */
__noinline u32 memory_is_descendant(u64 address)
{
	u32 self = ((struct task_struct *)bpf_get_current_task_btf())->tgid;
	struct task_struct *task = (void *)address;

	if (task && BPF_CORE_READ(task, ptrace) && (u32)BPF_CORE_READ(task, parent, tgid) == self)
		return 1;
	for (int i = 0; task && i < MEMORY_PARENTS_MAX; i++) {
		task = BPF_CORE_READ(task, real_parent);
		if (task && (u32)BPF_CORE_READ(task, tgid) == self)
			return 1;
	}
	return 0;
}

/* The hook does not tell why the hold is wanted; the call that the current task is in does. */
static __always_inline bool memory_call_only_looks(void)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	u64 call = regs->orig_ax;

	return call == KERNEL_CALL_PTRACE || call == KERNEL_CALL_PTRACE_32 || call == KERNEL_CALL_READ_MEMORY ||
	       call == KERNEL_CALL_READ_MEMORY_32;
}

/* The current task getting hold of another process. 0 or -EPERM. */
static __always_inline int memory_attach(struct task_struct *child)
{
	struct hf_task_tag *tag = tag_of(child);
	u8 flags = 0, detail = HF_DETAIL_NONE;
	struct subject s = {};

	if (!memory_subject(&s))
		return 0;
	if (!tag || tag->container != s.id)
		flags |= ACCESS_OUTSIDE;
	else if (traces_are_seen && memory_call_only_looks() && memory_is_descendant(address_of(child)))
		detail = HF_DETAIL_DESCENDANT;
	return judge_access(&s, (u64)BPF_CORE_READ(child, mm, exe_file), access_of(HF_OP_PTRACE, HF_REASON_PTRACE, detail, flags),
			    child->tgid) ? -EPERM : 0;
}

/* The current task, a tracer, asking something of whom it traces. It is told and cannot be refused: whose policy denies tracing got no
 * hold, and who has one from before ends. */
static __always_inline int memory_trace(struct task_struct *child, u64 request)
{
	u32 what = access_of(HF_OP_PTRACE, HF_REASON_PTRACE, HF_DETAIL_WRITE, ACCESS_TOO_LATE);
	struct subject s = {};
	struct hf_config *cfg;

	if (request != KERNEL_PTRACE_POKETEXT && request != KERNEL_PTRACE_POKEDATA && request != KERNEL_PTRACE_POKEUSR &&
	    request != KERNEL_PTRACE_SETREGS && request != KERNEL_PTRACE_SETREGSET)
		return 0;
	cfg = config();
	if (!cfg || !cfg->enabled || subject_is_plain_host(cfg) || !memory_subject(&s))
		return 0;
	judge_access(&s, (u64)BPF_CORE_READ(child, mm, exe_file), what, child->tgid);
	return 0;
}

/* personality(wanted). The kernel itself gives the flag to old programs, whose later calls keep it: only who has it not is asked. */
static __always_inline int memory_personality(u32 wanted)
{
	u32 what = access_of(HF_OP_PERSONALITY, HF_REASON_PERSONALITY, HF_DETAIL_NONE, ACCESS_TOO_LATE);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct hf_config *cfg = config();
	struct subject s = {};

	if (wanted == KERNEL_PERSONALITY_ASK || !(wanted & ~task->personality & KERNEL_READ_IMPLIES_EXEC))
		return 0;
	if (!cfg || !cfg->enabled || !memory_subject(&s))
		return 0;
	judge_access(&s, 0, what, 0);
	return 0;
}

/* I5: prctl(PR_SET_MM, what, address). 0 or -EPERM. A global function, for its memory. */
__noinline int memory_rename(u64 what, u64 address)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct subject s = {};
	u32 exe_fd = 0;

	if (what == KERNEL_PR_SET_MM_MAP &&
	    !bpf_probe_read_user(&exe_fd, sizeof(exe_fd), (void *)(address + KERNEL_PRCTL_MAP_EXE_FD)) && exe_fd == ~0u)
		return 0;
	if ((what != KERNEL_PR_SET_MM_MAP && what != KERNEL_PR_SET_MM_EXE_FILE) || !memory_subject(&s))
		return 0;
	return judge_access(&s, (u64)BPF_CORE_READ(task, mm, exe_file),
			    access_of(HF_OP_PROCESS_MEMORY, HF_REASON_PROCESS_MEMORY, HF_DETAIL_EXE, 0), 0) ? -EPERM : 0;
}

/* HF_FACT_* of anonymous memory of a task. Of stacks of threads only the task's own can be told. */
static __always_inline u32 memory_place(struct vm_area_struct *vma, struct task_struct *task)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	u64 start = vma->vm_start, end = vma->vm_end;
	struct mm_struct *mm = vma->vm_mm;

	if (!mm) /* asked for the sake of verifiers that think so */
		return 0;
	if (start < mm->brk && end > mm->start_brk)
		return HF_FACT_HEAP;
	if (start <= mm->start_stack && end > mm->start_stack)
		return HF_FACT_STACK;
	return start <= regs->sp && end > regs->sp ? HF_FACT_STACK : 0;
}

/* The current task asking its parent to: whoever that is, only our own process is given away. 0 or -EPERM. */
static __always_inline int memory_traceme(struct task_struct *parent)
{
	struct subject s = {};

	if (!memory_subject(&s))
		return 0;
	return judge_access(&s, (u64)BPF_CORE_READ(parent, mm, exe_file),
			    access_of(HF_OP_PTRACE, HF_REASON_PTRACE, HF_DETAIL_TRACEME, 0), parent->tgid) ? -EPERM : 0;
}

#endif
