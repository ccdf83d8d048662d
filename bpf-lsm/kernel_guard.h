/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel fields that only self-protection and the watch over the kernel's doors read, as kernel.h has the others.
 */
#ifndef BPF_LSM_KERNEL_GUARD_H
#define BPF_LSM_KERNEL_GUARD_H

#include "bpf-lsm/kernel.h"

#define KERNEL_MAGIC_BPFFS 0xcafe4a11ul
#define KERNEL_MAGIC_TRACEFS 0x74726163ul
#define KERNEL_MAGIC_DEBUGFS 0x64626720ul
#define KERNEL_MAGIC_BINFMT 0x42494e4dul
#define KERNEL_MAGIC_SYSFS 0x62656572ul
#define KERNEL_MAGIC_CGROUP1 0x0027e0ebul
#define KERNEL_MNT_DETACH 0x2
#define KERNEL_MS_REMOUNT 0x20ul
#define KERNEL_MS_PROPAGATION (0xful << 17) /* MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED: nothing is mounted */
#define KERNEL_CAP_SYS_ADMIN (1ull << 21)
#define KERNEL_CAP_PERFMON (1ull << 38)
#define KERNEL_CAP_BPF (1ull << 39)
#define KERNEL_PERF_SECURITY_OPEN 0 /* any event; the others are the kernel's own, a whole CPU's, a tracepoint's */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_map {
	u32 id;
};

struct bpf_prog_aux {
	u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct list_head {
	struct list_head *next;
};

struct mount___guard {
	struct mount___guard *mnt_parent;
	struct vfsmount mnt;
	struct list_head mnt_mounts;
	int mnt_id;
	int mnt_group_id;
};

struct user_namespace {
	int level;
};

struct super_block___guard {
	struct user_namespace *s_user_ns;
};

typedef struct {
	u64 bits; /* two times 32 up to 6.2 */
} kernel_caps;

struct cred___guard {
	kernel_caps cap_effective;
	struct user_namespace *user_ns;
};

struct upid___guard {
	int nr;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct pid___guard {
	struct hlist_head tasks[1]; /* by PIDTYPE_PID: the one thread of that number */
	struct upid___guard numbers[1];
};

struct task_struct___guard {
	struct hlist_node pid_links[1];
};

struct sock {
	struct pid___guard *sk_peer_pid;
};

#pragma clang attribute pop

enum lockdown_reason {
	LOCKDOWN_DEV_MEM = 2,
	LOCKDOWN_PCI_ACCESS = 6,
	LOCKDOWN_IOPORT = 7,
	LOCKDOWN_MSR = 8,
	LOCKDOWN_KCORE = 22,
	LOCKDOWN_KPROBES = 23,
};

enum kernel_read_file_id {
	READING_MODULE = 2,
	READING_KEXEC_IMAGE = 3,
	READING_KEXEC_INITRAMFS = 4,
	READING_MODULE_COMPRESSED = 7, /* some kernels */
};

enum kernel_load_data_id {
	LOADING_MODULE = 2,
	LOADING_KEXEC_IMAGE = 3,
	LOADING_KEXEC_INITRAMFS = 4,
};

/* Whether a number is the running kernel's for an enumerator, which it may not have. */
#define KERNEL_ENUM_IS(type, name, value) \
	(bpf_core_enum_value_exists(type, name) && (value) == (u32)bpf_core_enum_value(type, name))

/* Whether the current task holds one of these capabilities against the host itself, not within a user namespace. */
static __always_inline bool task_is_capable(u64 mask)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct cred___guard *cred = (void *)task->cred;
	u64 effective = 0;

	bpf_core_read(&effective, sizeof(effective), &cred->cap_effective);
	return effective & mask && BPF_CORE_READ(cred, user_ns, level) == 0;
}

#endif
