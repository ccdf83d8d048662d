// SPDX-License-Identifier: Apache-2.0
/* The tables, in Falco's order. Contracts: detect_words.h. */
#include "enforcer/detect_words.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "bpf-lsm/abi_detect.h"
#include "enforcer/util.h"

/* The kernel's numbers, for what the C library's headers have otherwise or not at all. */
#define KERNEL_O_LARGEFILE 0100000
#define KERNEL_O_TMPFILE 020000000
#define KERNEL_CLONE_NEWTIME 0x80u
#define KERNEL_RENAME_NOREPLACE 1u
#define KERNEL_RENAME_EXCHANGE 2u
#define KERNEL_RENAME_WHITEOUT 4u

struct word {
	const char *text;
	uint64_t bits, mask; /* mask 0: bits */
};

static const struct word open_words[] = {
	{ "O_LARGEFILE", KERNEL_O_LARGEFILE, 0 },
	{ "O_DIRECTORY", O_DIRECTORY, 0 },
	{ "O_DIRECT", O_DIRECT, 0 },
	{ "O_TRUNC", O_TRUNC, 0 },
	{ "O_SYNC", O_SYNC, 0 },
	{ "O_NONBLOCK", O_NONBLOCK, 0 },
	{ "O_EXCL", O_EXCL, 0 },
	{ "O_DSYNC", O_DSYNC, 0 },
	{ "O_APPEND", O_APPEND, 0 },
	{ "O_CREAT", O_CREAT, 0 },
	{ "O_RDWR", O_RDWR, O_ACCMODE },
	{ "O_WRONLY", O_WRONLY, O_ACCMODE },
	{ "O_RDONLY", O_RDONLY, O_ACCMODE },
	{ "O_CLOEXEC", O_CLOEXEC, 0 },
	{ "O_TMPFILE", KERNEL_O_TMPFILE, 0 },
};

static const struct word mode_words[] = {
	{ "S_IXOTH", S_IXOTH, 0 }, { "S_IWOTH", S_IWOTH, 0 }, { "S_IROTH", S_IROTH, 0 }, { "S_IXGRP", S_IXGRP, 0 },
	{ "S_IWGRP", S_IWGRP, 0 }, { "S_IRGRP", S_IRGRP, 0 }, { "S_IXUSR", S_IXUSR, 0 }, { "S_IWUSR", S_IWUSR, 0 },
	{ "S_IRUSR", S_IRUSR, 0 }, { "S_ISVTX", S_ISVTX, 0 }, { "S_ISGID", S_ISGID, 0 }, { "S_ISUID", S_ISUID, 0 },
};

static const struct word clone_words[] = {
	{ "CLONE_FILES", CLONE_FILES, 0 },
	{ "CLONE_FS", CLONE_FS, 0 },
	{ "CLONE_IO", CLONE_IO, 0 },
	{ "CLONE_NEWIPC", CLONE_NEWIPC, 0 },
	{ "CLONE_NEWNET", CLONE_NEWNET, 0 },
	{ "CLONE_NEWNS", CLONE_NEWNS, 0 },
	{ "CLONE_NEWPID", CLONE_NEWPID, 0 },
	{ "CLONE_NEWUTS", CLONE_NEWUTS, 0 },
	{ "CLONE_PARENT", CLONE_PARENT, 0 },
	{ "CLONE_PARENT_SETTID", CLONE_PARENT_SETTID, 0 },
	{ "CLONE_PTRACE", CLONE_PTRACE, 0 },
	{ "CLONE_SIGHAND", CLONE_SIGHAND, 0 },
	{ "CLONE_SYSVSEM", CLONE_SYSVSEM, 0 },
	{ "CLONE_THREAD", CLONE_THREAD, 0 },
	{ "CLONE_UNTRACED", CLONE_UNTRACED, 0 },
	{ "CLONE_VM", CLONE_VM, 0 },
	{ "CLONE_NEWUSER", CLONE_NEWUSER, 0 },
	{ "CLONE_CHILD_CLEARTID", CLONE_CHILD_CLEARTID, 0 },
	{ "CLONE_CHILD_SETTID", CLONE_CHILD_SETTID, 0 },
	{ "CLONE_SETTLS", CLONE_SETTLS, 0 },
	{ "CLONE_VFORK", CLONE_VFORK, 0 },
	{ "CLONE_NEWCGROUP", CLONE_NEWCGROUP, 0 },
	{ "CLONE_NEWTIME", KERNEL_CLONE_NEWTIME, 0 },
};

static const struct word exec_words[] = {
	{ "EXE_WRITABLE", HF_DETECT_FILE_WRITABLE, 0 },
	{ "EXE_UPPER_LAYER", HF_DETECT_FILE_UPPER, 0 },
	{ "EXE_FROM_MEMFD", HF_DETECT_FILE_MEMFD, 0 },
	{ "EXE_LOWER_LAYER", HF_DETECT_FILE_LOWER, 0 },
};

static const struct word unlink_words[] = { { "AT_REMOVEDIR", AT_REMOVEDIR, 0 } };

static const struct word link_words[] = {
	{ "AT_SYMLINK_FOLLOW", AT_SYMLINK_FOLLOW, 0 },
	{ "AT_EMPTY_PATH", AT_EMPTY_PATH, 0 },
};

static const struct word rename_words[] = {
	{ "RENAME_NOREPLACE", KERNEL_RENAME_NOREPLACE, 0 },
	{ "RENAME_EXCHANGE", KERNEL_RENAME_EXCHANGE, 0 },
	{ "RENAME_WHITEOUT", KERNEL_RENAME_WHITEOUT, 0 },
};

static const struct word prot_words[] = {
	{ "PROT_READ", PROT_READ, 0 }, { "PROT_WRITE", PROT_WRITE, 0 }, { "PROT_EXEC", PROT_EXEC, 0 },
	{ "PROT_GROWSDOWN", PROT_GROWSDOWN, 0 }, { "PROT_GROWSUP", PROT_GROWSUP, 0 },
};

static const struct word mmap_words[] = {
	{ "MAP_SHARED", MAP_SHARED, 0 },	 { "MAP_PRIVATE", MAP_PRIVATE, 0 },	{ "MAP_FIXED", MAP_FIXED, 0 },
	{ "MAP_ANONYMOUS", MAP_ANONYMOUS, 0 },	 { "MAP_32BIT", 0x40, 0 },		{ "MAP_NORESERVE", MAP_NORESERVE, 0 },
	{ "MAP_GROWSDOWN", MAP_GROWSDOWN, 0 },	 { "MAP_DENYWRITE", MAP_DENYWRITE, 0 }, { "MAP_EXECUTABLE", MAP_EXECUTABLE, 0 },
	{ "MAP_LOCKED", MAP_LOCKED, 0 },	 { "MAP_POPULATE", MAP_POPULATE, 0 },	{ "MAP_NONBLOCK", MAP_NONBLOCK, 0 },
	{ "MAP_STACK", MAP_STACK, 0 },		 { "MAP_HUGETLB", MAP_HUGETLB, 0 },
};

static const struct word memfd_words[] = {
	{ "MFD_CLOEXEC", MFD_CLOEXEC, 0 },
	{ "MFD_ALLOW_SEALING", MFD_ALLOW_SEALING, 0 },
	{ "MFD_HUGETLB", MFD_HUGETLB, 0 },
	{ "MFD_NOEXEC_SEAL", 8, 0 },
	{ "MFD_EXEC", 16, 0 },
};

static const struct word mount_words[] = {
	{ "RDONLY", MS_RDONLY, 0 }, { "NOSUID", MS_NOSUID, 0 },	  { "NODEV", MS_NODEV, 0 },	    { "NOEXEC", MS_NOEXEC, 0 },
	{ "SYNCHRONOUS", MS_SYNCHRONOUS, 0 }, { "REMOUNT", MS_REMOUNT, 0 }, { "MANDLOCK", MS_MANDLOCK, 0 },
	{ "DIRSYNC", MS_DIRSYNC, 0 }, { "NOATIME", MS_NOATIME, 0 }, { "NODIRATIME", MS_NODIRATIME, 0 }, { "BIND", MS_BIND, 0 },
	{ "MOVE", MS_MOVE, 0 }, { "REC", MS_REC, 0 }, { "SILENT", MS_SILENT, 0 }, { "POSIXACL", MS_POSIXACL, 0 },
	{ "UNBINDABLE", MS_UNBINDABLE, 0 }, { "PRIVATE", MS_PRIVATE, 0 }, { "SLAVE", MS_SLAVE, 0 }, { "SHARED", MS_SHARED, 0 },
	{ "RELATIME", MS_RELATIME, 0 }, { "STRICTATIME", MS_STRICTATIME, 0 }, { "LAZYTIME", MS_LAZYTIME, 0 },
};

static const struct word umount_words[] = {
	{ "FORCE", MNT_FORCE, 0 },
	{ "DETACH", MNT_DETACH, 0 },
	{ "EXPIRE", MNT_EXPIRE, 0 },
	{ "NOFOLLOW", UMOUNT_NOFOLLOW, 0 },
};

static const struct word module_init_words[] = {
	{ "MODULE_INIT_IGNORE_MODVERSIONS", 1, 0 },
	{ "MODULE_INIT_IGNORE_VERMAGIC", 2, 0 },
	{ "MODULE_INIT_COMPRESSED_FILE", 4, 0 },
};

static const struct word module_delete_words[] = { { "O_NONBLOCK", O_NONBLOCK, 0 }, { "O_TRUNC", O_TRUNC, 0 } };

static const struct word resolve_words[] = {
	{ "RESOLVE_BENEATH", RESOLVE_BENEATH, 0 },
	{ "RESOLVE_IN_ROOT", RESOLVE_IN_ROOT, 0 },
	{ "RESOLVE_NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS, 0 },
	{ "RESOLVE_NO_SYMLINKS", RESOLVE_NO_SYMLINKS, 0 },
	{ "RESOLVE_NO_XDEV", RESOLVE_NO_XDEV, 0 },
	{ "RESOLVE_CACHED", RESOLVE_CACHED, 0 },
};

#define TABLE(words) { words, ARRAY_SIZE(words) }

static const struct {
	const struct word *words;
	size_t n;
} flag_tables[_DETECT_FLAGS_MAX] = {
	[DETECT_FLAGS_OPEN] = TABLE(open_words),
	[DETECT_FLAGS_MODE] = TABLE(mode_words),
	[DETECT_FLAGS_CLONE] = TABLE(clone_words),
	[DETECT_FLAGS_EXEC] = TABLE(exec_words),
	[DETECT_FLAGS_UNLINK] = TABLE(unlink_words),
	[DETECT_FLAGS_LINK] = TABLE(link_words),
	[DETECT_FLAGS_RENAME] = TABLE(rename_words),
	[DETECT_FLAGS_PROT] = TABLE(prot_words),
	[DETECT_FLAGS_MMAP] = TABLE(mmap_words),
	[DETECT_FLAGS_MEMFD] = TABLE(memfd_words),
	[DETECT_FLAGS_MOUNT] = TABLE(mount_words),
	[DETECT_FLAGS_UMOUNT] = TABLE(umount_words),
	[DETECT_FLAGS_MODULE_INIT] = TABLE(module_init_words),
	[DETECT_FLAGS_MODULE_DELETE] = TABLE(module_delete_words),
	[DETECT_FLAGS_RESOLVE] = TABLE(resolve_words),
};

static const char *const ptrace_words[] = {
	[PTRACE_TRACEME] = "PTRACE_TRACEME",   [PTRACE_PEEKTEXT] = "PTRACE_PEEKTEXT",	[PTRACE_PEEKDATA] = "PTRACE_PEEKDATA",
	[PTRACE_PEEKUSER] = "PTRACE_PEEKUSR",  [PTRACE_POKETEXT] = "PTRACE_POKETEXT",	[PTRACE_POKEDATA] = "PTRACE_POKEDATA",
	[PTRACE_POKEUSER] = "PTRACE_POKEUSR",  [PTRACE_CONT] = "PTRACE_CONT",		[PTRACE_KILL] = "PTRACE_KILL",
	[PTRACE_SINGLESTEP] = "PTRACE_SINGLESTEP", [12] = "PTRACE_GETREGS", [13] = "PTRACE_SETREGS", [14] = "PTRACE_GETFPREGS",
	[15] = "PTRACE_SETFPREGS",	       [PTRACE_ATTACH] = "PTRACE_ATTACH",	[PTRACE_DETACH] = "PTRACE_DETACH",
	[18] = "PTRACE_GETFPXREGS", [19] = "PTRACE_SETFPXREGS", [PTRACE_SYSCALL] = "PTRACE_SYSCALL",
	[25] = "PTRACE_GET_THREAD_AREA", [26] = "PTRACE_SET_THREAD_AREA", [30] = "PTRACE_ARCH_PRCTL", [31] = "PTRACE_SYSEMU",
	[32] = "PTRACE_SYSEMU_SINGLESTEP", [33] = "PTRACE_SINGLEBLOCK",
};

/* From PTRACE_SETOPTIONS on. */
#define PTRACE_GENERIC 0x4200u
static const char *const ptrace_generic_words[] = {
	"PTRACE_SETOPTIONS", "PTRACE_GETEVENTMSG", "PTRACE_GETSIGINFO", "PTRACE_SETSIGINFO", "PTRACE_GETREGSET",
	"PTRACE_SETREGSET",  "PTRACE_SEIZE",	   "PTRACE_INTERRUPT",	"PTRACE_LISTEN",     "PTRACE_PEEKSIGINFO",
	"PTRACE_GETSIGMASK", "PTRACE_SETSIGMASK",  "PTRACE_SECCOMP_GET_FILTER", "PTRACE_SECCOMP_GET_METADATA",
	"PTRACE_GET_SYSCALL_INFO",
};

static const char *const domain_words[] = {
	"AF_UNSPEC", "AF_UNIX", "AF_INET", "AF_AX25", "AF_IPX", "AF_APPLETALK", "AF_NETROM", "AF_BRIDGE", "AF_ATMPVC", "AF_X25",
	"AF_INET6", "AF_ROSE", "AF_DECnet", "AF_NETBEUI", "AF_SECURITY", "AF_KEY", "AF_NETLINK", "AF_PACKET", "AF_ASH",
	"AF_ECONET", "AF_ATMSVC", "AF_RDS", "AF_SNA", "AF_IRDA", "AF_PPPOX", "AF_WANPIPE", "AF_LLC", "AF_IB", "AF_MPLS",
	"AF_CAN", "AF_TIPC", "AF_BLUETOOTH", "AF_IUCV", "AF_RXRPC", "AF_ISDN", "AF_PHONET", "AF_IEEE802154", "AF_CAIF",
	"AF_ALG", "AF_NFC", "AF_VSOCK", "AF_KCM", "AF_QIPCRTR", "AF_SMC", "AF_XDP", "AF_MCTP",
};

static const char *const socket_type_words[] = {
	[1] = "SOCK_STREAM", [2] = "SOCK_DGRAM", [3] = "SOCK_RAW", [4] = "SOCK_RDM", [5] = "SOCK_SEQPACKET", [6] = "SOCK_DCCP",
	[10] = "SOCK_PACKET",
};

static const char *const bpf_words[] = {
	"BPF_MAP_CREATE", "BPF_MAP_LOOKUP_ELEM", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM", "BPF_MAP_GET_NEXT_KEY",
	"BPF_PROG_LOAD", "BPF_OBJ_PIN", "BPF_OBJ_GET", "BPF_PROG_ATTACH", "BPF_PROG_DETACH", "BPF_PROG_TEST_RUN",
	"BPF_PROG_GET_NEXT_ID", "BPF_MAP_GET_NEXT_ID", "BPF_PROG_GET_FD_BY_ID", "BPF_MAP_GET_FD_BY_ID",
	"BPF_OBJ_GET_INFO_BY_FD", "BPF_PROG_QUERY", "BPF_RAW_TRACEPOINT_OPEN", "BPF_BTF_LOAD", "BPF_BTF_GET_FD_BY_ID",
	"BPF_TASK_FD_QUERY", "BPF_MAP_LOOKUP_AND_DELETE_ELEM", "BPF_MAP_FREEZE", "BPF_BTF_GET_NEXT_ID",
	"BPF_MAP_LOOKUP_BATCH", "BPF_MAP_LOOKUP_AND_DELETE_BATCH", "BPF_MAP_UPDATE_BATCH", "BPF_MAP_DELETE_BATCH",
	"BPF_LINK_CREATE", "BPF_LINK_UPDATE", "BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID", "BPF_ENABLE_STATS",
	"BPF_ITER_CREATE", "BPF_LINK_DETACH", "BPF_PROG_BIND_MAP", "BPF_TOKEN_CREATE",
};

static const char *const shutdown_words[] = { "SHUT_RD", "SHUT_WR", "SHUT_RDWR" };

static const char *const fsconfig_words[] = {
	"FSCONFIG_SET_FLAG", "FSCONFIG_SET_STRING", "FSCONFIG_SET_BINARY", "FSCONFIG_SET_PATH", "FSCONFIG_SET_PATH_EMPTY",
	"FSCONFIG_SET_FD", "FSCONFIG_CMD_CREATE", "FSCONFIG_CMD_RECONFIGURE", "FSCONFIG_CMD_CREATE_EXCL",
};

static const struct {
	const char *const *words;
	size_t n;
} number_tables[_DETECT_NUMBERS_MAX] = {
	[DETECT_NUMBERS_PTRACE] = TABLE(ptrace_words),
	[DETECT_NUMBERS_DOMAIN] = TABLE(domain_words),
	[DETECT_NUMBERS_SOCKET_TYPE] = TABLE(socket_type_words),
	[DETECT_NUMBERS_BPF] = TABLE(bpf_words),
	[DETECT_NUMBERS_SHUTDOWN] = TABLE(shutdown_words),
	[DETECT_NUMBERS_FSCONFIG] = TABLE(fsconfig_words),
};

size_t detect_words_flags(enum detect_flags table, uint64_t value, char *ret)
{
	const struct word *word = flag_tables[table].words, *end = word + flag_tables[table].n;
	size_t n = 0;

	for (; word < end; word++) {
		size_t bytes = strlen(word->text);

		if ((value & (word->mask ? word->mask : word->bits)) != word->bits || n + bytes + 1 > DETECT_WORDS_BYTES)
			continue;
		if (n)
			ret[n++] = '|';
		memcpy(ret + n, word->text, bytes);
		n += bytes;
	}
	return n;
}

const char *detect_words_number(enum detect_numbers table, uint64_t value)
{
	if (table == DETECT_NUMBERS_PTRACE && value >= PTRACE_GENERIC && value - PTRACE_GENERIC < ARRAY_SIZE(ptrace_generic_words))
		return ptrace_generic_words[value - PTRACE_GENERIC];
	if (table == DETECT_NUMBERS_SIGNAL) /* "HUP", without the prefix */
		return value < NSIG ? sigabbrev_np((int)value) : NULL;
	return value < number_tables[table].n ? number_tables[table].words[value] : NULL;
}
