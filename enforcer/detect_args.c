// SPDX-License-Identifier: Apache-2.0
/* The tables. Contracts: detect_args.h. */
#include "enforcer/detect_args.h"

#include <string.h>

#include "enforcer/detect_words.h"
#include "enforcer/util.h"

#define RES { "res", DETECT_ARG_RESULT, 0, 0 }
#define NEW_FD { "fd", DETECT_ARG_NEW_FD, 0, 0 }
#define FD(name, arg) { name, DETECT_ARG_FD, arg, 0 }
#define DIRFD(name, arg) { name, DETECT_ARG_DIRFD, arg, 0 }
#define PATH(name) { name, DETECT_ARG_PATH, 0, 0 }
#define PATH2(name) { name, DETECT_ARG_PATH2, 0, 0 }
#define NAME(name) { name, DETECT_ARG_NAME, 0, 0 }
#define FLAGS(name, arg, table) { name, DETECT_ARG_FLAGS, arg, table }
#define MODE(arg) { "mode", DETECT_ARG_FLAGS, arg, DETECT_FLAGS_MODE }
#define NUMBERS(name, arg, table) { name, DETECT_ARG_NUMBERS, arg, table }
#define UID(name, arg) { name, DETECT_ARG_UID, arg, 0 }
#define GID(name, arg) { name, DETECT_ARG_GID, arg, 0 }
#define NUMBER(name, arg) { name, DETECT_ARG_NUMBER, arg, 0 }
#define UNSIGNED(name, arg) { name, DETECT_ARG_UNSIGNED, arg, 0 }
#define HEX(name, arg) { name, DETECT_ARG_HEX, arg, 0 }
#define PROCESS(name, what) { name, DETECT_ARG_PROCESS, 0, what }
#define OF(kind, name) { name, kind, 0, 0 }
#define FILE_ID { "dev", DETECT_ARG_FILE_DEV, 0, 0 }, { "ino", DETECT_ARG_FILE_INO, 0, 0 }

#define TYPE(type, fd, ...)                                                          \
	[HF_DETECT_##type] = { (const struct detect_arg[]){ __VA_ARGS__ },           \
			       sizeof((const struct detect_arg[]){ __VA_ARGS__ }) / sizeof(struct detect_arg), fd }
#define NO_FD DETECT_ARG_NONE
#define RESULT_FD DETECT_ARG_FD_RESULT

/* A process's beginning, and what it is from then on. */
#define TASK_ARGS                                                                                                           \
	RES, OF(DETECT_ARG_EXE, "exe"), OF(DETECT_ARG_ARGS, "args"), PROCESS("tid", DETECT_ARG_TID),                        \
		PROCESS("pid", DETECT_ARG_PID), PROCESS("ptid", DETECT_ARG_PPID), OF(DETECT_ARG_CWD, "cwd"),                \
		OF(DETECT_ARG_COMM, "comm")
#define EXEC_ARGS                                                                                                           \
	TASK_ARGS, OF(DETECT_ARG_ENV, "env"), PROCESS("tty", DETECT_ARG_TTY), PROCESS("vpgid", DETECT_ARG_VPGID),           \
		PROCESS("loginuid", DETECT_ARG_LOGINUID), OF(DETECT_ARG_EXE_FLAGS, "flags"),                                \
		PROCESS("cap_inheritable", DETECT_ARG_CAP_INHERITABLE), PROCESS("cap_permitted", DETECT_ARG_CAP_PERMITTED), \
		PROCESS("cap_effective", DETECT_ARG_CAP_EFFECTIVE), PROCESS("exe_ino", DETECT_ARG_EXE_INO),                 \
		PROCESS("exe_ino_ctime", DETECT_ARG_EXE_CTIME), PROCESS("exe_ino_mtime", DETECT_ARG_EXE_MTIME),             \
		PROCESS("uid", DETECT_ARG_EUID), OF(DETECT_ARG_FILENAME, "filename"), PROCESS("pgid", DETECT_ARG_PGID),     \
		PROCESS("gid", DETECT_ARG_EGID)
#define CLONE_ARGS                                                                                                          \
	TASK_ARGS, FLAGS("flags", 0, DETECT_FLAGS_CLONE), PROCESS("uid", DETECT_ARG_EUID), PROCESS("gid", DETECT_ARG_EGID), \
		PROCESS("vtid", DETECT_ARG_VTID), PROCESS("vpid", DETECT_ARG_VPID)
#define FORK_ARGS \
	TASK_ARGS, PROCESS("uid", DETECT_ARG_EUID), PROCESS("gid", DETECT_ARG_EGID), PROCESS("vtid", DETECT_ARG_VTID), \
		PROCESS("vpid", DETECT_ARG_VPID)
#define SOCKET_DATA OF(DETECT_ARG_DATA, "data")
#define TUPLE OF(DETECT_ARG_TUPLE, "tuple")
#define ADDRESS OF(DETECT_ARG_TUPLE, "addr")

static const struct {
	const struct detect_arg *args;
	size_t n;
	uint8_t fd;
} types[_HF_DETECT_MAX] = {
	TYPE(EXECVE, NO_FD, EXEC_ARGS),
	TYPE(EXECVEAT, NO_FD, EXEC_ARGS),
	TYPE(FORK, NO_FD, FORK_ARGS),
	TYPE(VFORK, NO_FD, FORK_ARGS),
	TYPE(CLONE, NO_FD, CLONE_ARGS),
	TYPE(CLONE3, NO_FD, CLONE_ARGS),
	TYPE(PROCEXIT, NO_FD, { "status", DETECT_ARG_RESULT, 0, 0 }),
	TYPE(OPEN, RESULT_FD, NEW_FD, PATH("name"), FLAGS("flags", 1, DETECT_FLAGS_OPEN), { "mode", DETECT_ARG_OPEN_MODE, 2, 1 }, FILE_ID),
	TYPE(OPENAT, RESULT_FD, NEW_FD, DIRFD("dirfd", 0), PATH("name"), FLAGS("flags", 2, DETECT_FLAGS_OPEN),
	     { "mode", DETECT_ARG_OPEN_MODE, 3, 2 }, FILE_ID),
	TYPE(OPENAT2, RESULT_FD, NEW_FD, DIRFD("dirfd", 0), PATH("name"), FLAGS("flags", 2, DETECT_FLAGS_OPEN),
	     { "mode", DETECT_ARG_OPEN_MODE, 3, 2 }, FLAGS("resolve", 4, DETECT_FLAGS_RESOLVE), FILE_ID),
	TYPE(CREAT, RESULT_FD, NEW_FD, PATH("name"), { "mode", DETECT_ARG_OPEN_MODE, 1, DETECT_ARG_NONE }, FILE_ID),
	TYPE(RENAME, NO_FD, RES, PATH("oldpath"), PATH2("newpath")),
	TYPE(RENAMEAT, NO_FD, RES, DIRFD("olddirfd", 0), PATH("oldpath"), DIRFD("newdirfd", 2), PATH2("newpath")),
	TYPE(RENAMEAT2, NO_FD, RES, DIRFD("olddirfd", 0), PATH("oldpath"), DIRFD("newdirfd", 2), PATH2("newpath"),
	     FLAGS("flags", 4, DETECT_FLAGS_RENAME)),
	TYPE(LINK, NO_FD, RES, PATH("oldpath"), PATH2("newpath")),
	TYPE(LINKAT, NO_FD, RES, DIRFD("olddir", 0), PATH("oldpath"), DIRFD("newdir", 2), PATH2("newpath"),
	     FLAGS("flags", 4, DETECT_FLAGS_LINK)),
	TYPE(SYMLINK, NO_FD, RES, OF(DETECT_ARG_TARGET, "target"), PATH2("linkpath")),
	TYPE(SYMLINKAT, NO_FD, RES, OF(DETECT_ARG_TARGET, "target"), DIRFD("linkdirfd", 1), PATH2("linkpath")),
	TYPE(UNLINK, NO_FD, RES, PATH("path")),
	TYPE(UNLINKAT, NO_FD, RES, DIRFD("dirfd", 0), PATH("name"), FLAGS("flags", 2, DETECT_FLAGS_UNLINK)),
	TYPE(RMDIR, NO_FD, RES, PATH("path")),
	TYPE(MKDIR, NO_FD, RES, PATH("path"), MODE(1)),
	TYPE(MKDIRAT, NO_FD, RES, DIRFD("dirfd", 0), PATH("path"), MODE(2)),
	TYPE(MKNOD, NO_FD, RES, PATH("path"), MODE(1), HEX("dev", 2)),
	TYPE(MKNODAT, NO_FD, RES, DIRFD("dirfd", 0), PATH("path"), MODE(2), HEX("dev", 3)),
	TYPE(CHMOD, NO_FD, RES, PATH("filename"), MODE(1)),
	TYPE(FCHMOD, 0, RES, FD("fd", 0), MODE(1)),
	TYPE(FCHMODAT, NO_FD, RES, DIRFD("dirfd", 0), PATH("filename"), MODE(2)),
	TYPE(FCHMODAT2, NO_FD, RES, DIRFD("dirfd", 0), PATH("filename"), MODE(2), FLAGS("flags", 3, DETECT_FLAGS_LINK)),
	TYPE(CHOWN, NO_FD, RES, PATH("path"), UID("uid", 1), GID("gid", 2)),
	TYPE(LCHOWN, NO_FD, RES, PATH("path"), UID("uid", 1), GID("gid", 2)),
	TYPE(FCHOWN, 0, RES, FD("fd", 0), UID("uid", 1), GID("gid", 2)),
	TYPE(FCHOWNAT, NO_FD, RES, DIRFD("dirfd", 0), PATH("pathname"), UID("uid", 2), GID("gid", 3),
	     FLAGS("flags", 4, DETECT_FLAGS_LINK)),
	TYPE(TRUNCATE, NO_FD, RES, PATH("path"), UNSIGNED("length", 1)),
	TYPE(FTRUNCATE, 0, RES, FD("fd", 0), UNSIGNED("length", 1)),
	TYPE(CHDIR, NO_FD, RES, PATH("path")),
	TYPE(FCHDIR, 0, RES, FD("fd", 0)),
	TYPE(CHROOT, NO_FD, RES, PATH("path")),
	TYPE(PIVOT_ROOT, NO_FD, RES, PATH("path"), PATH2("oldpath")),
	TYPE(MOUNT, NO_FD, RES, { "dev", DETECT_ARG_TARGET, 0, 0 }, PATH2("dir"), NAME("type"), FLAGS("flags", 3, DETECT_FLAGS_MOUNT)),
	TYPE(UMOUNT, NO_FD, RES, PATH("name")),
	TYPE(UMOUNT2, NO_FD, RES, PATH("name"), FLAGS("flags", 1, DETECT_FLAGS_UMOUNT)),
	TYPE(FSOPEN, RESULT_FD, NEW_FD, NAME("name"), HEX("flags", 1)),
	TYPE(FSCONFIG, 0, RES, FD("fd", 0), NUMBERS("cmd", 1, DETECT_NUMBERS_FSCONFIG), NAME("key"),
	     OF(DETECT_ARG_VALUE, "value_charbuf"), NUMBER("aux", 4)),
	TYPE(FSMOUNT, RESULT_FD, NEW_FD, HEX("flags", 1)),
	TYPE(MOVE_MOUNT, NO_FD, RES, DIRFD("olddirfd", 0), PATH("oldpath"), DIRFD("newdirfd", 2), PATH2("newpath"), HEX("flags", 4)),
	TYPE(OPEN_TREE, RESULT_FD, NEW_FD, DIRFD("dirfd", 0), PATH("path"), HEX("flags", 2)),
	TYPE(MOUNT_SETATTR, NO_FD, RES, DIRFD("dirfd", 0), PATH("path"), HEX("flags", 2)),
	TYPE(OPEN_BY_HANDLE_AT, RESULT_FD, NEW_FD, FD("mountfd", 0), FLAGS("flags", 2, DETECT_FLAGS_OPEN), FILE_ID),
	TYPE(SETXATTR, NO_FD, RES, PATH("path"), NAME("name")),
	TYPE(DUP, RESULT_FD, RES, FD("oldfd", 0)),
	TYPE(DUP2, RESULT_FD, RES, FD("oldfd", 0), FD("newfd", 1)),
	TYPE(DUP3, RESULT_FD, RES, FD("oldfd", 0), FD("newfd", 1), FLAGS("flags", 2, DETECT_FLAGS_OPEN)),
	TYPE(PIPE, NO_FD, RES),
	TYPE(PIPE2, NO_FD, RES, FLAGS("flags", 1, DETECT_FLAGS_OPEN)),
	TYPE(MEMFD_CREATE, RESULT_FD, NEW_FD, NAME("name"), FLAGS("flags", 1, DETECT_FLAGS_MEMFD)),
	TYPE(USERFAULTFD, RESULT_FD, RES, FLAGS("flags", 0, DETECT_FLAGS_OPEN)),
	TYPE(IO_URING_SETUP, RESULT_FD, RES, UNSIGNED("entries", 0)),
	TYPE(IO_URING_ENTER, 0, RES, FD("fd", 0), UNSIGNED("to_submit", 1), UNSIGNED("min_complete", 2), HEX("flags", 3)),
	TYPE(READ, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("size", 2)),
	TYPE(WRITE, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("size", 2), UNSIGNED("pos", 3)),
	TYPE(PWRITE, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("size", 2), UNSIGNED("pos", 3)),
	TYPE(WRITEV, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("pos", 3)),
	TYPE(PWRITEV, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("pos", 3)),
	TYPE(COPY_FILE_RANGE, 2, RES, FD("fdin", 0), UNSIGNED("offin", 1), FD("fdout", 2), UNSIGNED("offout", 3), UNSIGNED("len", 4)),
	TYPE(SENDFILE, 0, RES, FD("out_fd", 0), FD("in_fd", 1), UNSIGNED("size", 3)),
	TYPE(SOCKET, RESULT_FD, NEW_FD, NUMBERS("domain", 0, DETECT_NUMBERS_DOMAIN), NUMBERS("type", 1, DETECT_NUMBERS_SOCKET_TYPE),
	     UNSIGNED("proto", 2)),
	TYPE(SOCKETPAIR, NO_FD, RES, NUMBERS("domain", 0, DETECT_NUMBERS_DOMAIN), NUMBERS("type", 1, DETECT_NUMBERS_SOCKET_TYPE),
	     UNSIGNED("proto", 2)),
	TYPE(BIND, 0, RES, ADDRESS, FD("fd", 0)),
	TYPE(LISTEN, 0, RES, FD("fd", 0), NUMBER("backlog", 1)),
	TYPE(CONNECT, 0, RES, TUPLE, FD("fd", 0), ADDRESS),
	TYPE(ACCEPT, RESULT_FD, NEW_FD, TUPLE),
	TYPE(ACCEPT4, RESULT_FD, NEW_FD, TUPLE, FLAGS("flags", 3, DETECT_FLAGS_OPEN)),
	TYPE(SENDTO, 0, RES, SOCKET_DATA, FD("fd", 0), UNSIGNED("size", 2), TUPLE),
	TYPE(SENDMSG, 0, RES, SOCKET_DATA, FD("fd", 0), TUPLE),
	TYPE(SENDMMSG, 0, RES, SOCKET_DATA, FD("fd", 0), TUPLE),
	TYPE(RECVFROM, 0, RES, SOCKET_DATA, TUPLE, FD("fd", 0), UNSIGNED("size", 2)),
	TYPE(RECVMSG, 0, RES, SOCKET_DATA, TUPLE, FD("fd", 0)),
	TYPE(RECVMMSG, 0, RES, SOCKET_DATA, TUPLE, FD("fd", 0)),
	TYPE(SHUTDOWN, 0, RES, FD("fd", 0), NUMBERS("how", 1, DETECT_NUMBERS_SHUTDOWN)),
	TYPE(SETSOCKOPT, 0, RES, FD("fd", 0), UNSIGNED("level", 1), UNSIGNED("optname", 2), UNSIGNED("optlen", 4)),
	TYPE(PTRACE, NO_FD, RES, NUMBERS("request", 0, DETECT_NUMBERS_PTRACE), NUMBER("pid", 1), HEX("addr", 2), HEX("data", 3)),
	TYPE(PROCESS_VM_READV, NO_FD, RES, NUMBER("pid", 0)),
	TYPE(PROCESS_VM_WRITEV, NO_FD, RES, NUMBER("pid", 0)),
	TYPE(KILL, NO_FD, RES, NUMBER("pid", 0), NUMBERS("sig", 1, DETECT_NUMBERS_SIGNAL)),
	TYPE(TKILL, NO_FD, RES, NUMBER("tid", 0), NUMBERS("sig", 1, DETECT_NUMBERS_SIGNAL)),
	TYPE(TGKILL, NO_FD, RES, NUMBER("pid", 0), NUMBER("tid", 1), NUMBERS("sig", 2, DETECT_NUMBERS_SIGNAL)),
	TYPE(PRCTL, NO_FD, RES, UNSIGNED("option", 0), UNSIGNED("arg2_int", 1)),
	TYPE(SETUID, NO_FD, RES, UID("uid", 0)),
	TYPE(SETGID, NO_FD, RES, GID("gid", 0)),
	TYPE(SETREUID, NO_FD, RES, UID("ruid", 0), UID("euid", 1)),
	TYPE(SETREGID, NO_FD, RES, GID("rgid", 0), GID("egid", 1)),
	TYPE(SETRESUID, NO_FD, RES, UID("ruid", 0), UID("euid", 1), UID("suid", 2)),
	TYPE(SETRESGID, NO_FD, RES, GID("rgid", 0), GID("egid", 1), GID("sgid", 2)),
	TYPE(SETSID, NO_FD, RES),
	TYPE(SETPGID, NO_FD, RES, NUMBER("pid", 0), NUMBER("pgid", 1)),
	TYPE(CAPSET, NO_FD, RES, PROCESS("cap_inheritable", DETECT_ARG_CAP_INHERITABLE),
	     PROCESS("cap_permitted", DETECT_ARG_CAP_PERMITTED), PROCESS("cap_effective", DETECT_ARG_CAP_EFFECTIVE)),
	TYPE(SETNS, 0, RES, FD("fd", 0), FLAGS("nstype", 1, DETECT_FLAGS_CLONE)),
	TYPE(UNSHARE, NO_FD, RES, FLAGS("flags", 0, DETECT_FLAGS_CLONE)),
	TYPE(SECCOMP, NO_FD, RES, UNSIGNED("op", 0), HEX("flags", 1)),
	TYPE(BPF, RESULT_FD, NEW_FD, NUMBERS("cmd", 0, DETECT_NUMBERS_BPF)),
	TYPE(PERF_EVENT_OPEN, RESULT_FD, NEW_FD, NUMBER("pid", 1), NUMBER("cpu", 2), HEX("flags", 4)),
	TYPE(INIT_MODULE, NO_FD, RES, UNSIGNED("length", 1), NAME("uargs")),
	TYPE(FINIT_MODULE, 0, RES, FD("fd", 0), NAME("uargs"), FLAGS("flags", 2, DETECT_FLAGS_MODULE_INIT)),
	TYPE(DELETE_MODULE, NO_FD, RES, NAME("name"), FLAGS("flags", 1, DETECT_FLAGS_MODULE_DELETE)),
	TYPE(KEXEC_LOAD, NO_FD, RES, HEX("flags", 3)),
	TYPE(KEXEC_FILE_LOAD, NO_FD, RES, FD("fd", 0), HEX("flags", 4)),
	TYPE(SETHOSTNAME, NO_FD, RES, NAME("name")),
	TYPE(MMAP, 4, RES, HEX("addr", 0), UNSIGNED("length", 1), FLAGS("prot", 2, DETECT_FLAGS_PROT),
	     FLAGS("flags", 3, DETECT_FLAGS_MMAP), FD("fd", 4), UNSIGNED("offset", 5)),
	TYPE(MPROTECT, NO_FD, RES, HEX("addr", 0), UNSIGNED("length", 1), FLAGS("prot", 2, DETECT_FLAGS_PROT),
	     { "prot_before", DETECT_ARG_PROT_BEFORE, 3, DETECT_FLAGS_PROT }),
};

const struct detect_arg *detect_args_of(enum hf_detect_type type, size_t *ret_n)
{
	*ret_n = types[type].n;
	return types[type].args;
}

uint8_t detect_args_find(enum hf_detect_type type, const char *name)
{
	for (size_t i = 0; i < types[type].n; i++)
		if (!strcmp(types[type].args[i].name, name))
			return (uint8_t)i;
	return DETECT_ARG_NONE;
}

uint8_t detect_args_fd(enum hf_detect_type type)
{
	return types[type].args ? types[type].fd : DETECT_ARG_NONE;
}
