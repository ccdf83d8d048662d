/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What detect.bpf.c reads of the kernel beyond kernel.h.
 *
 * Owns: CO-RE declarations of tasks, signals, pids, sockets, terminals, registers, and the accessors that hide differences.
 * Must not know: records, maps.
 */
#ifndef BPF_LSM_DETECT_KERNEL_H
#define BPF_LSM_DETECT_KERNEL_H

#include "bpf-lsm/abi_detect.h"
#include "bpf-lsm/kernel_overlay.h"

#define KERNEL_PF_IO_WORKER 0x00000010u
#define KERNEL_TS_COMPAT 0x2u
#define KERNEL_X32_BIT 0x40000000u
#define KERNEL_PIDTYPE_PGID 2
#define KERNEL_PIDTYPE_SID 3
#define KERNEL_ERRNO_MAX 4095
#define KERNEL_EINPROGRESS 115
#define KERNEL_AT_FDCWD (-100)
#define KERNEL_O_ACCMODE 03u
#define KERNEL_O_CREAT 0100u
#define KERNEL_O_TMPFILE 020000000u /* without the bit of O_DIRECTORY */
#define KERNEL_S_IFSOCK 0140000u
#define KERNEL_MAGIC_SOCKFS 0x534f434bul
#define KERNEL_AF_UNIX 1
#define KERNEL_AF_INET 2
#define KERNEL_AF_INET6 10
#define KERNEL_CAP_DAC_OVERRIDE 1
#define KERNEL_SB_RDONLY 1ul
#define KERNEL_VM_MAYWRITE 0x20ul
#define KERNEL_ELF_MAGIC 0x464c457fu /* as a number of a little-endian machine */

typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct;
struct pid_namespace {
	struct ns_common ns;
	struct task_struct *child_reaper;
};

struct user_namespace {
	struct ns_common ns;
};

struct upid___ns {
	int nr;
	struct pid_namespace *ns;
};

struct pid___level {
	unsigned int level;
	struct upid___ns numbers[1];
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int is_child_subreaper : 1;
	unsigned int has_child_subreaper : 1;
	struct pid___level *pids[4];
	struct tty_struct *tty;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct file___pos {
	long long f_pos;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct___pwd {
	struct path pwd;
};

typedef struct {
	u64 val; /* up to 6.2 two halves, the lower first */
} kernel_cap_t;

struct cred___caps {
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
};

struct thread_info {
	u32 status;
};

struct mm_struct___args {
	unsigned long arg_start, arg_end, env_start, env_end;
};

/* x86 keeps the ABI of the running system call here. */
struct task_struct___info {
	struct thread_info thread_info;
};

struct task_struct___more {
	int exit_code;
	kuid_t loginuid;
	struct pid___level *thread_pid;
	struct signal_struct *signal;
	struct files_struct *files;
	struct fs_struct___pwd *fs;
	struct mm_struct___args *mm;
	const struct cred___caps *cred;
};

struct pt_regs___x86 {
	unsigned long r10, r9, r8, ax, cx, dx, si, di, orig_ax, bp, bx;
};

struct pt_regs___arm64 {
	u64 regs[31];
	u64 orig_x0;
	int syscallno;
};

struct linux_binprm___names {
	const char *filename;
	const char *fdpath;
};

struct inode___more {
	kuid_t i_uid;
	kgid_t i_gid;
};

/* mtime, as ctime in kernel.h. */
struct inode___i_mtime {
	struct timespec64 i_mtime;
};
struct inode___hidden_mtime {
	struct timespec64 __i_mtime;
};
struct inode___split_mtime {
	long long i_mtime_sec;
	u32 i_mtime_nsec;
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num, skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sockaddr_un {
	u16 sun_family; /* the name behind it */
};

struct unix_address {
	int len; /* of a struct sockaddr_un */
	struct sockaddr_un name[];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

struct io_kiocb {
	u8 opcode;
};

#pragma clang attribute pop

static __always_inline struct task_struct___more *more_of(struct task_struct *task)
{
	return (void *)task;
}

static __always_inline u64 inode_mtime_ns(struct inode *inode)
{
	struct inode___split_mtime *split = (void *)inode;
	struct inode___hidden_mtime *hidden = (void *)inode;
	struct inode___i_mtime *plain = (void *)inode;

	if (bpf_core_field_exists(split->i_mtime_sec))
		return (u64)BPF_CORE_READ(split, i_mtime_sec) * 1000000000ull + BPF_CORE_READ(split, i_mtime_nsec);
	if (bpf_core_field_exists(hidden->__i_mtime))
		return (u64)BPF_CORE_READ(hidden, __i_mtime.tv_sec) * 1000000000ull +
		       (u64)BPF_CORE_READ(hidden, __i_mtime.tv_nsec);
	return (u64)BPF_CORE_READ(plain, i_mtime.tv_sec) * 1000000000ull + (u64)BPF_CORE_READ(plain, i_mtime.tv_nsec);
}

/* Whether the running system call is one of the 32-bit table. */
static __always_inline bool call_is_compat(struct task_struct *task)
{
	struct task_struct___info *info = (void *)task;

#if defined(__TARGET_ARCH_x86)
	return info->thread_info.status & KERNEL_TS_COMPAT;
#else
	return info == NULL; /* 32-bit programs on arm64: not looked at */
#endif
}

static __always_inline u32 call_number(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (u32)((struct pt_regs___x86 *)regs)->orig_ax;
#else
	return (u32)((struct pt_regs___arm64 *)regs)->syscallno;
#endif
}

static __always_inline u64 second_argument(struct pt_regs *regs, bool compat)
{
#if defined(__TARGET_ARCH_x86)
	return compat ? (u32)((struct pt_regs___x86 *)regs)->cx : ((struct pt_regs___x86 *)regs)->si;
#else
	return ((struct pt_regs___arm64 *)regs)->regs[1];
#endif
}

/* The arguments of the system call that these registers are of. */
static __always_inline void call_arguments(struct pt_regs *regs, bool compat, u64 args[HF_DETECT_ARGUMENTS])
{
#if defined(__TARGET_ARCH_x86)
	struct pt_regs___x86 *r = (void *)regs;

	if (compat) {
		args[0] = (u32)r->bx;
		args[1] = (u32)r->cx;
		args[2] = (u32)r->dx;
		args[3] = (u32)r->si;
		args[4] = (u32)r->di;
		args[5] = (u32)r->bp;
		return;
	}
	args[0] = r->di;
	args[1] = r->si;
	args[2] = r->dx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
#else
	struct pt_regs___arm64 *r = (void *)regs;

	args[0] = r->orig_x0;
	args[1] = r->regs[1];
	args[2] = r->regs[2];
	args[3] = r->regs[3];
	args[4] = r->regs[4];
	args[5] = r->regs[5];
#endif
}

/* The file behind a descriptor of the current task, as a number; 0: none. */
static __always_inline u64 file_of(struct task_struct *task, u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(more_of(task), files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	u64 file = 0;

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), (void *)((u64)files + (u64)fd * sizeof(u64)));
	return file;
}

#endif
