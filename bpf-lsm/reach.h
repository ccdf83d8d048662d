/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Containers reaching for the kernel: BPF, perf, modules, kexec, raw memory, and the files that steer it.
 *
 * Owns: which of these calls and files reach the kernel, as opposed to harmless ones of the same kind. Must not know: what the
 * policy says to it (judge_access), who is the host.
 *
 *   I1  What the kernel refuses by itself for want of a capability is not told: programs try such things to see what they have.
 *   I2  A task without a tag runs no program of its container yet: a runtime on its way in is not judged.
 */
#ifndef BPF_LSM_REACH_H
#define BPF_LSM_REACH_H

#include "bpf-lsm/access.h"
#include "bpf-lsm/guard.h"

#define REACH_NAME_BYTES 16 /* longest name that is looked for, and more than it */

/* Since 6.15 or so the hook of perf has one argument less: set before the load. */
const volatile bool perf_has_attributes = true;

/* The kernel is reached: detail says how; file: kernel address, 0: none. 0 or -EPERM. */
__noinline int reach_kernel(u32 detail, u64 file)
{
	struct subject s = {};
	int kind = subject_of_current(&s);

	if (kind == HF_SUBJECT_HOST || (kind == HF_SUBJECT_CONTAINER && !s.tagged))
		return 0;
	count(HF_COUNTER_KERNEL);
	/* Nothing is refused to those that nobody registered; one that lives on BPF would be told of a thousand times. */
	if (kind == HF_SUBJECT_UNKNOWN && task_was_told(scratch_of_current(), detail))
		return 0;
	return judge_access(&s, file, access_of(HF_OP_KERNEL, HF_REASON_KERNEL_ACCESS, detail, 0), 0);
}

/* Whoever is in a container reaches for the daemon. 0: it is none. */
static __always_inline int reach_daemon(void)
{
	struct subject s = {};

	return subject_of_current(&s) == HF_SUBJECT_HOST ? 0 : guard_judge(HF_DETAIL_DAEMON, 0, 0);
}

/*
 * Something is done to a task that can end it or keep it from its work. 0 or -EPERM. No tampering is what a process does to itself, and what
 * a dying one sends: the target asked for that (PR_SET_PDEATHSIG). Nor that helpers end each other, whose daemon may have gone before.
 */
static __always_inline int reach_task(struct task_struct *task)
{
	struct task_struct *current = (void *)bpf_get_current_task_btf();
	struct hf_config *cfg = config();

	if (!cfg || !guard_is_on(cfg) || subject_is_plain_host(cfg) || task->tgid == current->tgid || !guard_is_ours(cfg, task))
		return 0;
	if (current->flags & KERNEL_PF_EXITING || (!guard_is_daemon(cfg, task) && guard_runs_program(address_of(current))))
		return 0;
	return reach_daemon() ? -EPERM : 0;
}

/* A file of procfs (its address) that may belong to a thread of the daemon: what is written there ends or starves it as well
 * (oom_score_adj). 0 or -EPERM. A global function: its memory is not the hook's. */
__noinline int reach_daemons_file(u64 address)
{
	struct file *file = (void *)address;
	struct hf_config *cfg = config();
	struct pid___guard *pid;
	struct inode *inode;
	u64 link;

	if (!file || !cfg || !guard_is_on(cfg))
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	pid = (void *)BPF_CORE_READ((struct proc_inode *)((u64)inode - bpf_core_field_offset(struct proc_inode, vfs_inode)), pid);
	link = pid ? (u64)BPF_CORE_READ(pid, tasks[0].first) : 0;
	if (!link || !guard_is_daemon(cfg, (void *)(link - bpf_core_field_offset(struct task_struct___guard, pid_links))))
		return 0;
	return reach_daemon() ? -EPERM : 0;
}

/* Commands of bpf(2) that load, make, attach or get at something. Left: reading and writing through a descriptor that one has, types,
 * and listing numbers. */
static __always_inline bool reach_is_command(int cmd)
{
	switch (cmd) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
	case BPF_PROG_ATTACH:
	case BPF_PROG_DETACH:
	case BPF_PROG_TEST_RUN:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_TASK_FD_QUERY:
	case BPF_LINK_CREATE:
	case BPF_LINK_UPDATE:
	case BPF_LINK_GET_FD_BY_ID:
	case BPF_ENABLE_STATS:
	case BPF_ITER_CREATE:
	case BPF_LINK_DETACH:
	case BPF_PROG_BIND_MAP:
		return true;
	default:
		return false;
	}
}

#define REACH_BPF_CAPS (KERNEL_CAP_BPF | KERNEL_CAP_PERFMON | KERNEL_CAP_SYS_ADMIN)

static __always_inline int reach_bpf(int cmd)
{
	if (!reach_is_command(cmd) || !task_is_capable(REACH_BPF_CAPS))
		return 0;
	return reach_kernel(HF_DETAIL_BPF, 0);
}

/* A descriptor of a map or program was granted: what is allowed without a capability (socket filters, pins of others). */
static __always_inline int reach_bpf_object(void)
{
	return task_is_capable(REACH_BPF_CAPS) ? 0 : reach_kernel(HF_DETAIL_BPF, 0); /* reach_bpf() has judged */
}

/* An object asked for by its number: of ours, 0, -EPERM or -ENOENT; 1: it is not. */
static __always_inline int reach_own(int cmd, u32 id)
{
	enum hf_own_kind kind = HF_OWN_MAP;
	u32 detail = HF_DETAIL_MAP;

	if (cmd == BPF_PROG_GET_FD_BY_ID) {
		kind = HF_OWN_PROGRAM;
		detail = HF_DETAIL_PROGRAM;
	} else if (cmd == BPF_LINK_GET_FD_BY_ID) {
		kind = HF_OWN_LINK;
		detail = HF_DETAIL_LINK;
	}
	return guard_owns(kind, id) ? guard_judge(detail, 0, GUARD_LISTED) : 1;
}

/*
 * A task's own program may be counted by whoever is allowed to. Asked with another kind, the kernel has found that the caller may see
 * itself, a whole CPU or a tracepoint; who has the capability gets at probes without being asked again.
 */
static __always_inline int reach_perf(int kind)
{
	if (kind == KERNEL_PERF_SECURITY_OPEN && !task_is_capable(KERNEL_CAP_PERFMON | KERNEL_CAP_SYS_ADMIN))
		return 0;
	return reach_kernel(HF_DETAIL_PERF, 0);
}

/* Modules that the kernel asks for by itself are loaded by a helper of the host's. */
static __always_inline int reach_read_file(u64 file, u32 id)
{
	if (KERNEL_ENUM_IS(enum kernel_read_file_id, READING_MODULE, id) ||
	    KERNEL_ENUM_IS(enum kernel_read_file_id, READING_MODULE_COMPRESSED, id))
		return reach_kernel(HF_DETAIL_MODULE, file);
	if (KERNEL_ENUM_IS(enum kernel_read_file_id, READING_KEXEC_IMAGE, id) ||
	    KERNEL_ENUM_IS(enum kernel_read_file_id, READING_KEXEC_INITRAMFS, id))
		return reach_kernel(HF_DETAIL_KEXEC, file);
	return 0;
}

static __always_inline int reach_load_data(u32 id)
{
	if (KERNEL_ENUM_IS(enum kernel_load_data_id, LOADING_MODULE, id))
		return reach_kernel(HF_DETAIL_MODULE, 0);
	if (KERNEL_ENUM_IS(enum kernel_load_data_id, LOADING_KEXEC_IMAGE, id) ||
	    KERNEL_ENUM_IS(enum kernel_load_data_id, LOADING_KEXEC_INITRAMFS, id))
		return reach_kernel(HF_DETAIL_KEXEC, 0);
	return 0;
}

static __always_inline int reach_locked(u32 what)
{
	if (KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_DEV_MEM, what) ||
	    KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_IOPORT, what) ||
	    KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_MSR, what) ||
	    KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_PCI_ACCESS, what) ||
	    KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_KCORE, what))
		return reach_kernel(HF_DETAIL_RAW_MEMORY, 0);
	if (KERNEL_ENUM_IS(enum lockdown_reason, LOCKDOWN_KPROBES, what))
		return reach_kernel(HF_DETAIL_TRACING, 0);
	return 0;
}

/* Eight bytes of a name of at most sixteen, as they lie in memory (all that is supported is little-endian). */
#define REACH_BYTE(text, i) ((u64)(text "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")[i] << (i) % 8 * 8)
#define REACH_WORD(text, i)                                                                                              \
	(REACH_BYTE(text, i) | REACH_BYTE(text, i + 1) | REACH_BYTE(text, i + 2) | REACH_BYTE(text, i + 3) |             \
	 REACH_BYTE(text, i + 4) | REACH_BYTE(text, i + 5) | REACH_BYTE(text, i + 6) | REACH_BYTE(text, i + 7))
#define REACH_IS_NAMED(name, text) ((name)[0] == REACH_WORD(text, 0) && (name)[1] == REACH_WORD(text, 8))

/* Files that name a program for the kernel to run, or stop it, by file system and name: mounted wherever. */
static __always_inline bool reach_is_helper(unsigned long magic, const u64 *name)
{
	if (magic == KERNEL_MAGIC_PROC)
		return REACH_IS_NAMED(name, "core_pattern") || REACH_IS_NAMED(name, "modprobe") ||
		       REACH_IS_NAMED(name, "hotplug") || REACH_IS_NAMED(name, "poweroff_cmd") ||
		       REACH_IS_NAMED(name, "sysrq-trigger");
	if (magic == KERNEL_MAGIC_SYSFS)
		return REACH_IS_NAMED(name, "uevent_helper");
	return magic == KERNEL_MAGIC_CGROUP1 && REACH_IS_NAMED(name, "release_agent");
}

/* Whether a file of such a file system (its address) is one of them. A global function: its memory is not the hook's. */
__noinline int reach_is_helper_file(u64 address)
{
	struct file *file = (void *)address;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	u32 bytes = BPF_CORE_READ(dentry, d_name.len);
	u64 name[REACH_NAME_BYTES / 8] = {};

	if (bytes >= sizeof(name) || bpf_probe_read_kernel(name, bytes & (sizeof(name) - 1), BPF_CORE_READ(dentry, d_name.name)))
		return 0;
	return reach_is_helper(BPF_CORE_READ(dentry, d_inode, i_sb, s_magic), name);
}

/* binfmt_misc of the host, not a user namespace's own. */
static __always_inline bool reach_is_hosts(struct super_block *any)
{
	struct super_block___guard *sb = (void *)any;

	return BPF_CORE_READ(sb, s_user_ns, level) == 0;
}

/* Opened for writing by a task that is not plainly the host's. 0 or -EPERM. */
static __always_inline int reach_open(struct file *file, unsigned long magic)
{
	switch (magic) {
	case KERNEL_MAGIC_TRACEFS:
	case KERNEL_MAGIC_DEBUGFS:
		return reach_kernel(HF_DETAIL_TRACING, address_of(file));
	case KERNEL_MAGIC_BINFMT:
		return reach_is_hosts(file->f_inode->i_sb) ? reach_kernel(HF_DETAIL_HELPER, address_of(file)) : 0;
	case KERNEL_MAGIC_PROC:
		if (reach_daemons_file(address_of(file)))
			return -EPERM;
		__attribute__((fallthrough));
	case KERNEL_MAGIC_SYSFS:
	case KERNEL_MAGIC_CGROUP1:
		return reach_is_helper_file(address_of(file)) ? reach_kernel(HF_DETAIL_HELPER, address_of(file)) : 0;
	default:
		return 0;
	}
}

#endif
