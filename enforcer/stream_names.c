// SPDX-License-Identifier: Apache-2.0
/*
 * The words of events: types. Owns: the names, which are Falco's. Must not know: records.
 */
#include <string.h>

#include "enforcer/stream.h"
#include "enforcer/util.h"

static const char *const type_names[] = {
	[HF_DETECT_NONE] = "none",
	[HF_DETECT_EXECVE] = "execve",
	[HF_DETECT_EXECVEAT] = "execveat",
	[HF_DETECT_FORK] = "fork",
	[HF_DETECT_VFORK] = "vfork",
	[HF_DETECT_CLONE] = "clone",
	[HF_DETECT_CLONE3] = "clone3",
	[HF_DETECT_PROCEXIT] = "procexit",
	[HF_DETECT_OPEN] = "open",
	[HF_DETECT_OPENAT] = "openat",
	[HF_DETECT_OPENAT2] = "openat2",
	[HF_DETECT_CREAT] = "creat",
	[HF_DETECT_RENAME] = "rename",
	[HF_DETECT_RENAMEAT] = "renameat",
	[HF_DETECT_RENAMEAT2] = "renameat2",
	[HF_DETECT_LINK] = "link",
	[HF_DETECT_LINKAT] = "linkat",
	[HF_DETECT_SYMLINK] = "symlink",
	[HF_DETECT_SYMLINKAT] = "symlinkat",
	[HF_DETECT_UNLINK] = "unlink",
	[HF_DETECT_UNLINKAT] = "unlinkat",
	[HF_DETECT_RMDIR] = "rmdir",
	[HF_DETECT_MKDIR] = "mkdir",
	[HF_DETECT_MKDIRAT] = "mkdirat",
	[HF_DETECT_MKNOD] = "mknod",
	[HF_DETECT_MKNODAT] = "mknodat",
	[HF_DETECT_CHMOD] = "chmod",
	[HF_DETECT_FCHMOD] = "fchmod",
	[HF_DETECT_FCHMODAT] = "fchmodat",
	[HF_DETECT_FCHMODAT2] = "fchmodat2",
	[HF_DETECT_CHOWN] = "chown",
	[HF_DETECT_LCHOWN] = "lchown",
	[HF_DETECT_FCHOWN] = "fchown",
	[HF_DETECT_FCHOWNAT] = "fchownat",
	[HF_DETECT_TRUNCATE] = "truncate",
	[HF_DETECT_FTRUNCATE] = "ftruncate",
	[HF_DETECT_CHDIR] = "chdir",
	[HF_DETECT_FCHDIR] = "fchdir",
	[HF_DETECT_CHROOT] = "chroot",
	[HF_DETECT_PIVOT_ROOT] = "pivot_root",
	[HF_DETECT_MOUNT] = "mount",
	[HF_DETECT_UMOUNT] = "umount",
	[HF_DETECT_UMOUNT2] = "umount2",
	[HF_DETECT_FSOPEN] = "fsopen",
	[HF_DETECT_FSCONFIG] = "fsconfig",
	[HF_DETECT_FSMOUNT] = "fsmount",
	[HF_DETECT_MOVE_MOUNT] = "move_mount",
	[HF_DETECT_OPEN_TREE] = "open_tree",
	[HF_DETECT_MOUNT_SETATTR] = "mount_setattr",
	[HF_DETECT_OPEN_BY_HANDLE_AT] = "open_by_handle_at",
	[HF_DETECT_SETXATTR] = "setxattr",
	[HF_DETECT_DUP] = "dup",
	[HF_DETECT_DUP2] = "dup2",
	[HF_DETECT_DUP3] = "dup3",
	[HF_DETECT_PIPE] = "pipe",
	[HF_DETECT_PIPE2] = "pipe2",
	[HF_DETECT_MEMFD_CREATE] = "memfd_create",
	[HF_DETECT_USERFAULTFD] = "userfaultfd",
	[HF_DETECT_IO_URING_SETUP] = "io_uring_setup",
	[HF_DETECT_IO_URING_ENTER] = "io_uring_enter",
	[HF_DETECT_READ] = "read",
	[HF_DETECT_WRITE] = "write",
	[HF_DETECT_SENDFILE] = "sendfile",
	[HF_DETECT_SOCKET] = "socket",
	[HF_DETECT_SOCKETPAIR] = "socketpair",
	[HF_DETECT_BIND] = "bind",
	[HF_DETECT_LISTEN] = "listen",
	[HF_DETECT_CONNECT] = "connect",
	[HF_DETECT_ACCEPT] = "accept",
	[HF_DETECT_ACCEPT4] = "accept4",
	[HF_DETECT_SENDTO] = "sendto",
	[HF_DETECT_SENDMSG] = "sendmsg",
	[HF_DETECT_SENDMMSG] = "sendmmsg",
	[HF_DETECT_RECVFROM] = "recvfrom",
	[HF_DETECT_RECVMSG] = "recvmsg",
	[HF_DETECT_RECVMMSG] = "recvmmsg",
	[HF_DETECT_SHUTDOWN] = "shutdown",
	[HF_DETECT_SETSOCKOPT] = "setsockopt",
	[HF_DETECT_PTRACE] = "ptrace",
	[HF_DETECT_PROCESS_VM_READV] = "process_vm_readv",
	[HF_DETECT_PROCESS_VM_WRITEV] = "process_vm_writev",
	[HF_DETECT_KILL] = "kill",
	[HF_DETECT_TKILL] = "tkill",
	[HF_DETECT_TGKILL] = "tgkill",
	[HF_DETECT_PRCTL] = "prctl",
	[HF_DETECT_SETUID] = "setuid",
	[HF_DETECT_SETGID] = "setgid",
	[HF_DETECT_SETREUID] = "setreuid",
	[HF_DETECT_SETREGID] = "setregid",
	[HF_DETECT_SETRESUID] = "setresuid",
	[HF_DETECT_SETRESGID] = "setresgid",
	[HF_DETECT_SETSID] = "setsid",
	[HF_DETECT_SETPGID] = "setpgid",
	[HF_DETECT_CAPSET] = "capset",
	[HF_DETECT_SETNS] = "setns",
	[HF_DETECT_UNSHARE] = "unshare",
	[HF_DETECT_SECCOMP] = "seccomp",
	[HF_DETECT_BPF] = "bpf",
	[HF_DETECT_PERF_EVENT_OPEN] = "perf_event_open",
	[HF_DETECT_INIT_MODULE] = "init_module",
	[HF_DETECT_FINIT_MODULE] = "finit_module",
	[HF_DETECT_DELETE_MODULE] = "delete_module",
	[HF_DETECT_KEXEC_LOAD] = "kexec_load",
	[HF_DETECT_KEXEC_FILE_LOAD] = "kexec_file_load",
	[HF_DETECT_SETHOSTNAME] = "sethostname",
	[HF_DETECT_MMAP] = "mmap",
	[HF_DETECT_MPROTECT] = "mprotect",
	[HF_DETECT_PWRITE] = "pwrite",
	[HF_DETECT_WRITEV] = "writev",
	[HF_DETECT_PWRITEV] = "pwritev",
	[HF_DETECT_COPY_FILE_RANGE] = "copy_file_range",
};

_Static_assert(ARRAY_SIZE(type_names) == _HF_DETECT_MAX, "each type has a name");

const char *stream_type_name(enum hf_detect_type type)
{
	return type_names[type < _HF_DETECT_MAX ? type : HF_DETECT_NONE];
}

enum hf_detect_type stream_type_by_name(const char *name)
{
	for (unsigned int i = HF_DETECT_NONE + 1; i < _HF_DETECT_MAX; i++) {
		if (!strcmp(type_names[i], name))
			return (enum hf_detect_type)i;
	}
	return HF_DETECT_NONE;
}
