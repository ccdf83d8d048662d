/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's numbers that BTF does not carry: flags, magic numbers, errors. */
#ifndef BPF_LSM_KERNEL_NUMBERS_H
#define BPF_LSM_KERNEL_NUMBERS_H

#include "bpf-lsm/abi.h"

#define KERNEL_PROT_WRITE 0x2ul
#define KERNEL_PROT_EXEC 0x4ul
#define KERNEL_MAP_PRIVATE_MASK 0x0ful
#define KERNEL_MAP_PRIVATE 0x02ul
#define KERNEL_VM_WRITE 0x2ul
#define KERNEL_VM_EXEC 0x4ul
#define KERNEL_VM_SHARED 0x8ul
#define KERNEL_VM_MAYSHARE 0x80ul
#define KERNEL_READ_IMPLIES_EXEC 0x0400000u
#define KERNEL_PR_SET_MM 35
#define KERNEL_PR_SET_MM_EXE_FILE 13
#define KERNEL_PR_SET_MM_MAP 14
#define KERNEL_PRCTL_MAP_EXE_FD 100 /* offset in struct prctl_mm_map; all ones: that file stays */
#define KERNEL_PERSONALITY_ASK 0xffffffffu /* personality(): what is it? */
#define KERNEL_S_ISUID 04000u
#define KERNEL_S_ISGID 02000u
#define KERNEL_S_IXUGO 0111u
#define KERNEL_S_IFMT 0170000u
#define KERNEL_S_IFREG 0100000u
#define KERNEL_S_IFBLK 0060000u
#define KERNEL_SB_KERNMOUNT (1ul << 22)
#define KERNEL_SB_I_VERSION (1ul << 23)
#define KERNEL_OVL_UPPERDATA (1ul << 3) /* enum ovl_inode_flag: the upper file holds the bytes */
#define KERNEL_XATTR_CAPABILITY "security.capability"
#define KERNEL_MNT_READONLY 0x40
#define KERNEL_CTIME_NSEC_MASK 0x7fffffffu /* since 6.13 bit 31 says "queried" */
#define KERNEL_MNT_NS_INTERNAL ((__u64)-22)  /* ERR_PTR(-EINVAL): mounts private to the kernel */
#define KERNEL_FMODE_WRITE 0x2u
#define KERNEL_PF_KTHREAD 0x00200000u
#define KERNEL_MAGIC_OVERLAY 0x794c7630ul
#define KERNEL_MAGIC_TMPFS 0x01021994ul
#define KERNEL_MAGIC_HUGETLBFS 0x958458f6ul
#define KERNEL_MAGIC_EXT 0xef53ul
#define KERNEL_MAGIC_BTRFS 0x9123683eul
#define KERNEL_MAGIC_FUSE 0x65735546ul
#define KERNEL_MAGIC_PROC 0x9fa0ul
/* Calls that ask for a hold on another process without writing to it, of 64 and of 32 bits. None of these numbers means, of the other
 * kind, a call that asks for one. */
#define KERNEL_CALL_PTRACE 101
#define KERNEL_CALL_PTRACE_32 26
#define KERNEL_CALL_READ_MEMORY 310 /* process_vm_readv */
#define KERNEL_CALL_READ_MEMORY_32 347
/* Requests of ptrace() that change what the other process runs. */
#define KERNEL_PTRACE_POKETEXT 4
#define KERNEL_PTRACE_POKEDATA 5
#define KERNEL_PTRACE_POKEUSR 6
#define KERNEL_PTRACE_SETREGS 13
#define KERNEL_PTRACE_SETREGSET 0x4205
#define KERNEL_PTRACE_MODE_ATTACH 0x2u /* PTRACE_MODE_READ is 1 */

#endif
