/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel knows of an open that the file alone does not tell: the system call behind it, and file systems without files of
 * anybody's making. As kernel.h; apart from it, since only opens for reading need it.
 */
#ifndef BPF_LSM_KERNEL_OPEN_H
#define BPF_LSM_KERNEL_OPEN_H

#include "bpf-lsm/kernel.h"

#define KERNEL_OPENED_FOR_EXEC 0x20u /* __FMODE_EXEC in f_flags: by execve and its like */
#define KERNEL_PF_FORKNOEXEC 0x40u   /* task_struct.flags */
#define KERNEL_PF_EXITING 0x4u
#define KERNEL_MAGIC_SYSFS 0x62656572ul
#define KERNEL_MAGIC_CGROUP 0x27e0ebul
#define KERNEL_MAGIC_CGROUP2 0x63677270ul
#define KERNEL_MAGIC_DEVPTS 0x1cd1ul
#define KERNEL_MAGIC_DEBUGFS 0x64626720ul
#define KERNEL_MAGIC_TRACEFS 0x74726163ul
#define KERNEL_MAGIC_SECURITYFS 0x73636673ul
#define KERNEL_MAGIC_MQUEUE 0x19800202ul
#define KERNEL_MAGIC_NSFS 0x6e736673ul

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Where a program's arguments stand in its memory. */
struct mm_struct___args {
	unsigned long arg_start, arg_end;
};

/* Registers that user space called the kernel with. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs___call {
	unsigned long si, di, orig_ax;
};
#else
struct pt_regs___call {
	u64 regs[31];
	int syscallno;
};
#endif

#pragma clang attribute pop

/* The address of the path that open(2) and its like were called with; 0: another call. */
static __always_inline u64 kernel_open_path(struct pt_regs___call *regs)
{
#if defined(__TARGET_ARCH_x86)
	unsigned long call = BPF_CORE_READ(regs, orig_ax);

	if (call == 2) /* open */
		return BPF_CORE_READ(regs, di);
	return call == 257 || call == 437 ? BPF_CORE_READ(regs, si) : 0; /* openat, openat2 */
#else
	int call = BPF_CORE_READ(regs, syscallno);

	return call == 56 || call == 437 ? BPF_CORE_READ(regs, regs[1]) : 0;
#endif
}

#endif
