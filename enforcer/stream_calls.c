// SPDX-License-Identifier: Apache-2.0
/*
 * Which system call is which event, and which of its arguments means what: the rows by which the kernel half makes records.
 *
 * Owns: the shape of each type and the numbers of this architecture. Must not know: how rows are read.
 */
#include <string.h>
#include <sys/syscall.h>

#include "enforcer/stream_internal.h"
#include "enforcer/util.h"

#define RESULT HF_DETECT_ARG_RESULT
#define CWD HF_DETECT_ARG_CWD

static const struct hf_detect_call shapes[_HF_DETECT_MAX] = {
	[HF_DETECT_EXECVE] = { .special = HF_DETECT_IS_TASK, .path = 1, .base = CWD },
	[HF_DETECT_EXECVEAT] = { .special = HF_DETECT_IS_TASK, .path = 2, .base = 1 },
	[HF_DETECT_FORK] = { .special = HF_DETECT_IS_TASK },
	[HF_DETECT_VFORK] = { .special = HF_DETECT_IS_TASK },
	[HF_DETECT_CLONE] = { .special = HF_DETECT_IS_TASK },
	[HF_DETECT_CLONE3] = { .special = HF_DETECT_IS_TASK },
	[HF_DETECT_OPEN] = { .special = HF_DETECT_IS_OPEN, .path = 1, .base = CWD, .fd = RESULT, .flags = 2 },
	[HF_DETECT_OPENAT] = { .special = HF_DETECT_IS_OPEN, .path = 2, .base = 1, .fd = RESULT, .flags = 3 },
	[HF_DETECT_OPENAT2] = { .special = HF_DETECT_IS_OPENAT2, .path = 2, .base = 1, .fd = RESULT },
	[HF_DETECT_CREAT] = { .path = 1, .base = CWD, .fd = RESULT },
	[HF_DETECT_RENAME] = { .path = 1, .base = CWD, .path2 = 2, .base2 = CWD },
	[HF_DETECT_RENAMEAT] = { .path = 2, .base = 1, .path2 = 4, .base2 = 3 },
	[HF_DETECT_RENAMEAT2] = { .path = 2, .base = 1, .path2 = 4, .base2 = 3 },
	[HF_DETECT_LINK] = { .path = 1, .base = CWD, .path2 = 2, .base2 = CWD },
	[HF_DETECT_LINKAT] = { .path = 2, .base = 1, .path2 = 4, .base2 = 3 },
	[HF_DETECT_SYMLINK] = { .path = 1, .path2 = 2, .base2 = CWD }, /* the target is a text, not a path of the caller's */
	[HF_DETECT_SYMLINKAT] = { .path = 1, .path2 = 3, .base2 = 2 },
	[HF_DETECT_UNLINK] = { .path = 1, .base = CWD },
	[HF_DETECT_UNLINKAT] = { .path = 2, .base = 1 },
	[HF_DETECT_RMDIR] = { .path = 1, .base = CWD },
	[HF_DETECT_MKDIR] = { .path = 1, .base = CWD },
	[HF_DETECT_MKDIRAT] = { .path = 2, .base = 1 },
	[HF_DETECT_MKNOD] = { .path = 1, .base = CWD },
	[HF_DETECT_MKNODAT] = { .path = 2, .base = 1 },
	[HF_DETECT_CHMOD] = { .path = 1, .base = CWD },
	[HF_DETECT_FCHMOD] = { .fd = 1 },
	[HF_DETECT_FCHMODAT] = { .path = 2, .base = 1 },
	[HF_DETECT_FCHMODAT2] = { .path = 2, .base = 1 },
	[HF_DETECT_CHOWN] = { .path = 1, .base = CWD },
	[HF_DETECT_LCHOWN] = { .path = 1, .base = CWD },
	[HF_DETECT_FCHOWN] = { .fd = 1 },
	[HF_DETECT_FCHOWNAT] = { .path = 2, .base = 1 },
	[HF_DETECT_TRUNCATE] = { .path = 1, .base = CWD },
	[HF_DETECT_FTRUNCATE] = { .fd = 1 },
	[HF_DETECT_CHDIR] = { .path = 1, .base = CWD },
	[HF_DETECT_FCHDIR] = { .fd = 1 },
	[HF_DETECT_CHROOT] = { .path = 1, .base = CWD },
	[HF_DETECT_PIVOT_ROOT] = { .path = 1, .base = CWD, .path2 = 2, .base2 = CWD },
	[HF_DETECT_MOUNT] = { .path = 1, .path2 = 2, .base2 = CWD, .name = 3 },
	[HF_DETECT_UMOUNT] = { .path = 1, .base = CWD },
	[HF_DETECT_UMOUNT2] = { .path = 1, .base = CWD },
	[HF_DETECT_FSOPEN] = { .name = 1, .fd = RESULT },
	[HF_DETECT_FSCONFIG] = { .special = HF_DETECT_IS_FSCONFIG, .fd = 1, .name = 3, .value = 4 },
	[HF_DETECT_FSMOUNT] = { .fd = 1 },
	[HF_DETECT_MOVE_MOUNT] = { .path = 2, .base = 1, .path2 = 4, .base2 = 3 },
	[HF_DETECT_OPEN_TREE] = { .path = 2, .base = 1, .fd = RESULT },
	[HF_DETECT_MOUNT_SETATTR] = { .path = 2, .base = 1 },
	[HF_DETECT_OPEN_BY_HANDLE_AT] = { .special = HF_DETECT_IS_OPEN, .fd = RESULT, .flags = 3 },
	[HF_DETECT_SETXATTR] = { .path = 1, .base = CWD, .name = 2 },
	[HF_DETECT_DUP] = { .fd = RESULT },
	[HF_DETECT_DUP2] = { .fd = RESULT },
	[HF_DETECT_DUP3] = { .fd = RESULT },
	[HF_DETECT_MEMFD_CREATE] = { .name = 1, .fd = RESULT },
	[HF_DETECT_USERFAULTFD] = { .fd = RESULT },
	[HF_DETECT_IO_URING_SETUP] = { .fd = RESULT },
	[HF_DETECT_IO_URING_ENTER] = { .fd = 1 },
	[HF_DETECT_READ] = { .fd = 1, .data = 2 },
	[HF_DETECT_WRITE] = { .special = HF_DETECT_IS_WRITE, .fd = 1, .data = 2 },
	[HF_DETECT_PWRITE] = { .special = HF_DETECT_IS_WRITE, .fd = 1, .data = 2 },
	[HF_DETECT_WRITEV] = { .special = HF_DETECT_IS_WRITEV, .fd = 1 },
	[HF_DETECT_PWRITEV] = { .special = HF_DETECT_IS_WRITEV, .fd = 1 },
	[HF_DETECT_COPY_FILE_RANGE] = { .fd = 3 }, /* where to */
	[HF_DETECT_SENDFILE] = { .fd = 1 },
	[HF_DETECT_SOCKET] = { .fd = RESULT },
	[HF_DETECT_BIND] = { .fd = 1, .address = 2 },
	[HF_DETECT_LISTEN] = { .fd = 1 },
	[HF_DETECT_CONNECT] = { .fd = 1, .address = 2 },
	[HF_DETECT_ACCEPT] = { .fd = RESULT, .address = 2, .address_is_result = 1 },
	[HF_DETECT_ACCEPT4] = { .fd = RESULT, .address = 2, .address_is_result = 1 },
	[HF_DETECT_SENDTO] = { .fd = 1, .address = 5, .data = 2 },
	[HF_DETECT_SENDMSG] = { .special = HF_DETECT_IS_MESSAGE, .fd = 1 },
	[HF_DETECT_SENDMMSG] = { .special = HF_DETECT_IS_MESSAGE, .fd = 1 }, /* the first message */
	[HF_DETECT_RECVFROM] = { .fd = 1, .address = 5, .address_is_result = 1, .data = 2 },
	[HF_DETECT_RECVMSG] = { .special = HF_DETECT_IS_MESSAGE, .fd = 1 },
	[HF_DETECT_RECVMMSG] = { .special = HF_DETECT_IS_MESSAGE, .fd = 1 },
	[HF_DETECT_SHUTDOWN] = { .fd = 1 },
	[HF_DETECT_SETSOCKOPT] = { .fd = 1 },
	[HF_DETECT_SETNS] = { .fd = 1 },
	[HF_DETECT_FINIT_MODULE] = { .fd = 1, .name = 2 },
	[HF_DETECT_DELETE_MODULE] = { .name = 1 },
	[HF_DETECT_KEXEC_FILE_LOAD] = { .fd = 1 },
	[HF_DETECT_MMAP] = { .special = HF_DETECT_IS_PROTECT, .fd = 5 },
	[HF_DETECT_MPROTECT] = { .special = HF_DETECT_IS_PROTECT },
};

static const struct {
	unsigned short number;
	enum hf_detect_type type;
} numbers[] = {
#ifdef SYS_open /* architectures with the calls of before openat */
	{ SYS_open, HF_DETECT_OPEN },
	{ SYS_creat, HF_DETECT_CREAT },
	{ SYS_fork, HF_DETECT_FORK },
	{ SYS_vfork, HF_DETECT_VFORK },
	{ SYS_rename, HF_DETECT_RENAME },
	{ SYS_link, HF_DETECT_LINK },
	{ SYS_symlink, HF_DETECT_SYMLINK },
	{ SYS_unlink, HF_DETECT_UNLINK },
	{ SYS_rmdir, HF_DETECT_RMDIR },
	{ SYS_mkdir, HF_DETECT_MKDIR },
	{ SYS_mknod, HF_DETECT_MKNOD },
	{ SYS_chmod, HF_DETECT_CHMOD },
	{ SYS_chown, HF_DETECT_CHOWN },
	{ SYS_lchown, HF_DETECT_LCHOWN },
	{ SYS_dup2, HF_DETECT_DUP2 },
	{ SYS_pipe, HF_DETECT_PIPE },
#endif
	{ SYS_execve, HF_DETECT_EXECVE },
	{ SYS_execveat, HF_DETECT_EXECVEAT },
	{ SYS_clone, HF_DETECT_CLONE },
	{ SYS_clone3, HF_DETECT_CLONE3 },
	{ SYS_openat, HF_DETECT_OPENAT },
	{ SYS_openat2, HF_DETECT_OPENAT2 },
#ifdef SYS_renameat
	{ SYS_renameat, HF_DETECT_RENAMEAT },
#endif
	{ SYS_renameat2, HF_DETECT_RENAMEAT2 },
	{ SYS_linkat, HF_DETECT_LINKAT },
	{ SYS_symlinkat, HF_DETECT_SYMLINKAT },
	{ SYS_unlinkat, HF_DETECT_UNLINKAT },
	{ SYS_mkdirat, HF_DETECT_MKDIRAT },
	{ SYS_mknodat, HF_DETECT_MKNODAT },
	{ SYS_fchmod, HF_DETECT_FCHMOD },
	{ SYS_fchmodat, HF_DETECT_FCHMODAT },
	{ 452, HF_DETECT_FCHMODAT2 }, /* later than the headers of Debian 12; one number everywhere */
	{ SYS_fchown, HF_DETECT_FCHOWN },
	{ SYS_fchownat, HF_DETECT_FCHOWNAT },
	{ SYS_truncate, HF_DETECT_TRUNCATE },
	{ SYS_ftruncate, HF_DETECT_FTRUNCATE },
	{ SYS_chdir, HF_DETECT_CHDIR },
	{ SYS_fchdir, HF_DETECT_FCHDIR },
	{ SYS_chroot, HF_DETECT_CHROOT },
	{ SYS_pivot_root, HF_DETECT_PIVOT_ROOT },
	{ SYS_mount, HF_DETECT_MOUNT },
	{ SYS_umount2, HF_DETECT_UMOUNT2 },
	{ SYS_fsopen, HF_DETECT_FSOPEN },
	{ SYS_fsconfig, HF_DETECT_FSCONFIG },
	{ SYS_fsmount, HF_DETECT_FSMOUNT },
	{ SYS_move_mount, HF_DETECT_MOVE_MOUNT },
	{ SYS_open_tree, HF_DETECT_OPEN_TREE },
	{ SYS_mount_setattr, HF_DETECT_MOUNT_SETATTR },
	{ SYS_open_by_handle_at, HF_DETECT_OPEN_BY_HANDLE_AT },
	{ SYS_setxattr, HF_DETECT_SETXATTR },
	{ SYS_dup, HF_DETECT_DUP },
	{ SYS_dup3, HF_DETECT_DUP3 },
	{ SYS_pipe2, HF_DETECT_PIPE2 },
	{ SYS_memfd_create, HF_DETECT_MEMFD_CREATE },
	{ SYS_userfaultfd, HF_DETECT_USERFAULTFD },
	{ SYS_io_uring_setup, HF_DETECT_IO_URING_SETUP },
	{ SYS_io_uring_enter, HF_DETECT_IO_URING_ENTER },
	{ SYS_read, HF_DETECT_READ },
	{ SYS_write, HF_DETECT_WRITE },
	{ SYS_sendfile, HF_DETECT_SENDFILE },
	{ SYS_pwrite64, HF_DETECT_PWRITE },
	{ SYS_writev, HF_DETECT_WRITEV },
	{ SYS_pwritev, HF_DETECT_PWRITEV },
	{ SYS_copy_file_range, HF_DETECT_COPY_FILE_RANGE },
	{ SYS_socket, HF_DETECT_SOCKET },
	{ SYS_socketpair, HF_DETECT_SOCKETPAIR },
	{ SYS_bind, HF_DETECT_BIND },
	{ SYS_listen, HF_DETECT_LISTEN },
	{ SYS_connect, HF_DETECT_CONNECT },
	{ SYS_accept, HF_DETECT_ACCEPT },
	{ SYS_accept4, HF_DETECT_ACCEPT4 },
	{ SYS_sendto, HF_DETECT_SENDTO },
	{ SYS_sendmsg, HF_DETECT_SENDMSG },
	{ SYS_sendmmsg, HF_DETECT_SENDMMSG },
	{ SYS_recvfrom, HF_DETECT_RECVFROM },
	{ SYS_recvmsg, HF_DETECT_RECVMSG },
	{ SYS_recvmmsg, HF_DETECT_RECVMMSG },
	{ SYS_shutdown, HF_DETECT_SHUTDOWN },
	{ SYS_setsockopt, HF_DETECT_SETSOCKOPT },
	{ SYS_ptrace, HF_DETECT_PTRACE },
	{ SYS_process_vm_readv, HF_DETECT_PROCESS_VM_READV },
	{ SYS_process_vm_writev, HF_DETECT_PROCESS_VM_WRITEV },
	{ SYS_kill, HF_DETECT_KILL },
	{ SYS_tkill, HF_DETECT_TKILL },
	{ SYS_tgkill, HF_DETECT_TGKILL },
	{ SYS_prctl, HF_DETECT_PRCTL },
	{ SYS_setuid, HF_DETECT_SETUID },
	{ SYS_setgid, HF_DETECT_SETGID },
	{ SYS_setreuid, HF_DETECT_SETREUID },
	{ SYS_setregid, HF_DETECT_SETREGID },
	{ SYS_setresuid, HF_DETECT_SETRESUID },
	{ SYS_setresgid, HF_DETECT_SETRESGID },
	{ SYS_setsid, HF_DETECT_SETSID },
	{ SYS_setpgid, HF_DETECT_SETPGID },
	{ SYS_capset, HF_DETECT_CAPSET },
	{ SYS_setns, HF_DETECT_SETNS },
	{ SYS_unshare, HF_DETECT_UNSHARE },
	{ SYS_seccomp, HF_DETECT_SECCOMP },
	{ SYS_bpf, HF_DETECT_BPF },
	{ SYS_perf_event_open, HF_DETECT_PERF_EVENT_OPEN },
	{ SYS_init_module, HF_DETECT_INIT_MODULE },
	{ SYS_finit_module, HF_DETECT_FINIT_MODULE },
	{ SYS_delete_module, HF_DETECT_DELETE_MODULE },
	{ SYS_kexec_load, HF_DETECT_KEXEC_LOAD },
	{ SYS_kexec_file_load, HF_DETECT_KEXEC_FILE_LOAD },
	{ SYS_sethostname, HF_DETECT_SETHOSTNAME },
	{ SYS_mmap, HF_DETECT_MMAP },
	{ SYS_mprotect, HF_DETECT_MPROTECT },
};

/* By SYS_SOCKET and its like (linux/net.h). */
static const enum hf_detect_type socketcalls[HF_DETECT_SOCKETCALLS] = {
	[1] = HF_DETECT_SOCKET,	      [2] = HF_DETECT_BIND,	 [3] = HF_DETECT_CONNECT,   [4] = HF_DETECT_LISTEN,
	[5] = HF_DETECT_ACCEPT,	      [8] = HF_DETECT_SOCKETPAIR, [9] = HF_DETECT_SENDTO,   [10] = HF_DETECT_RECVFROM,
	[11] = HF_DETECT_SENDTO,      [12] = HF_DETECT_RECVFROM, [13] = HF_DETECT_SHUTDOWN, [14] = HF_DETECT_SETSOCKOPT,
	[16] = HF_DETECT_SENDMSG,     [17] = HF_DETECT_RECVMSG,	 [18] = HF_DETECT_ACCEPT4,  [19] = HF_DETECT_RECVMMSG,
	[20] = HF_DETECT_SENDMMSG,
};

static struct hf_detect_call row_of(enum hf_detect_type type)
{
	struct hf_detect_call row = shapes[type];

	row.type = (uint16_t)type;
	return row;
}

void stream_calls_fill(struct hf_detect_switches *switches)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		switches->calls[numbers[i].number] = row_of(numbers[i].type);
	for (unsigned int i = 0; i < HF_DETECT_CALLS; i++)
		switches->compat[i] = row_of(stream_calls_compat(i));
	switches->compat[STREAM_SOCKETCALL].special = HF_DETECT_IS_SOCKETCALL;
	for (size_t i = 0; i < HF_DETECT_SOCKETCALLS; i++)
		switches->socketcalls[i] = row_of(socketcalls[i]);
	/* send, recv are sendto, recvfrom of four arguments: what stands behind is nobody's. */
	switches->socketcalls[9].address = switches->socketcalls[10].address = 0;
}
