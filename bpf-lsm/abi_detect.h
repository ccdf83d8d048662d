/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of detect.bpf.c, which tells detection rules what tasks do, with its reader in user space.
 *
 * Owns: the layout of a record, of the table of system calls, of the switches and counters. Must not know: rules, or how
 * either side works; nothing of the enforcing half's contract (abi.h) but the tag of a task. Includes linux/types.h only.
 *
 * A record is a struct hf_detect_head and sections behind it. What a section is for is its kind; readers step over kinds
 * that they do not know. The numbers stand in recordings too: never renumber, only add, and raise the version if the head
 * changes.
 */
#ifndef BPF_LSM_ABI_DETECT_H
#define BPF_LSM_ABI_DETECT_H

#include <linux/types.h>

#define HF_DETECT_VERSION 1

#define HF_DETECT_CALLS 512	       /* numbers of system calls that the table holds; Linux is at 470 */
#define HF_DETECT_RECORD_BYTES 24576   /* longest record: per-CPU memory comes in pieces of 32 KiB */
#define HF_DETECT_TEXT_BYTES 4096      /* longest text of a section: PATH_MAX; arguments, environment: as much */
#define HF_DETECT_DATA_BYTES 80	       /* of what was sent or received */
#define HF_DETECT_ADDRESS_BYTES 128    /* struct sockaddr_storage */
#define HF_DETECT_COMM_BYTES 16
#define HF_DETECT_ARGUMENTS 6
#define HF_DETECT_PREFIX_BYTES 60      /* of a path prefix that the kernel compares */
#define HF_DETECT_PREFIXES 2048	       /* … and how many: of the rules that run, and of those before them */
#define HF_DETECT_NAMES 1024	       /* of processes, likewise */
#define HF_DETECT_PLAIN_BYTES 256      /* a path as long as that is not looked at: it is told */
#define HF_DETECT_CLASSES 63	       /* sets of prefixes and names: bits of the maps' values */

/* What happened. The words are Falco's (stream_names.c). */
enum hf_detect_type {
	HF_DETECT_NONE,
	/* What tasks are; always told while anything is. */
	HF_DETECT_EXECVE,
	HF_DETECT_EXECVEAT,
	HF_DETECT_FORK,
	HF_DETECT_VFORK,
	HF_DETECT_CLONE,
	HF_DETECT_CLONE3,
	HF_DETECT_PROCEXIT,
	/* Files. */
	HF_DETECT_OPEN,
	HF_DETECT_OPENAT,
	HF_DETECT_OPENAT2,
	HF_DETECT_CREAT,
	HF_DETECT_RENAME,
	HF_DETECT_RENAMEAT,
	HF_DETECT_RENAMEAT2,
	HF_DETECT_LINK,
	HF_DETECT_LINKAT,
	HF_DETECT_SYMLINK,
	HF_DETECT_SYMLINKAT,
	HF_DETECT_UNLINK,
	HF_DETECT_UNLINKAT,
	HF_DETECT_RMDIR,
	HF_DETECT_MKDIR,
	HF_DETECT_MKDIRAT,
	HF_DETECT_MKNOD,
	HF_DETECT_MKNODAT,
	HF_DETECT_CHMOD,
	HF_DETECT_FCHMOD,
	HF_DETECT_FCHMODAT,
	HF_DETECT_FCHMODAT2,
	HF_DETECT_CHOWN,
	HF_DETECT_LCHOWN,
	HF_DETECT_FCHOWN,
	HF_DETECT_FCHOWNAT,
	HF_DETECT_TRUNCATE,
	HF_DETECT_FTRUNCATE,
	HF_DETECT_CHDIR,
	HF_DETECT_FCHDIR,
	HF_DETECT_CHROOT,
	HF_DETECT_PIVOT_ROOT,
	HF_DETECT_MOUNT,
	HF_DETECT_UMOUNT, /* one argument */
	HF_DETECT_UMOUNT2,
	HF_DETECT_FSOPEN,
	HF_DETECT_FSCONFIG,
	HF_DETECT_FSMOUNT,
	HF_DETECT_MOVE_MOUNT,
	HF_DETECT_OPEN_TREE,
	HF_DETECT_MOUNT_SETATTR,
	HF_DETECT_OPEN_BY_HANDLE_AT,
	HF_DETECT_SETXATTR,
	/* Descriptors. */
	HF_DETECT_DUP,
	HF_DETECT_DUP2,
	HF_DETECT_DUP3,
	HF_DETECT_PIPE,
	HF_DETECT_PIPE2,
	HF_DETECT_MEMFD_CREATE,
	HF_DETECT_USERFAULTFD,
	HF_DETECT_IO_URING_SETUP,
	HF_DETECT_IO_URING_ENTER,
	HF_DETECT_READ,
	HF_DETECT_WRITE,
	HF_DETECT_SENDFILE,
	/* Network. */
	HF_DETECT_SOCKET,
	HF_DETECT_SOCKETPAIR,
	HF_DETECT_BIND,
	HF_DETECT_LISTEN,
	HF_DETECT_CONNECT,
	HF_DETECT_ACCEPT,
	HF_DETECT_ACCEPT4,
	HF_DETECT_SENDTO,
	HF_DETECT_SENDMSG,
	HF_DETECT_SENDMMSG,
	HF_DETECT_RECVFROM,
	HF_DETECT_RECVMSG,
	HF_DETECT_RECVMMSG,
	HF_DETECT_SHUTDOWN,
	HF_DETECT_SETSOCKOPT,
	/* Processes and the system. */
	HF_DETECT_PTRACE,
	HF_DETECT_PROCESS_VM_READV,
	HF_DETECT_PROCESS_VM_WRITEV,
	HF_DETECT_KILL,
	HF_DETECT_TKILL,
	HF_DETECT_TGKILL,
	HF_DETECT_PRCTL,
	HF_DETECT_SETUID,
	HF_DETECT_SETGID,
	HF_DETECT_SETREUID,
	HF_DETECT_SETREGID,
	HF_DETECT_SETRESUID,
	HF_DETECT_SETRESGID,
	HF_DETECT_SETSID,
	HF_DETECT_SETPGID,
	HF_DETECT_CAPSET,
	HF_DETECT_SETNS,
	HF_DETECT_UNSHARE,
	HF_DETECT_SECCOMP,
	HF_DETECT_BPF,
	HF_DETECT_PERF_EVENT_OPEN,
	HF_DETECT_INIT_MODULE,
	HF_DETECT_FINIT_MODULE,
	HF_DETECT_DELETE_MODULE,
	HF_DETECT_KEXEC_LOAD,
	HF_DETECT_KEXEC_FILE_LOAD,
	HF_DETECT_SETHOSTNAME,
	HF_DETECT_MMAP,
	HF_DETECT_MPROTECT,
	/* Added later. */
	HF_DETECT_PWRITE,
	HF_DETECT_WRITEV,
	HF_DETECT_PWRITEV,
	HF_DETECT_COPY_FILE_RANGE,
	_HF_DETECT_MAX
};

/* Which events of a type are told, and with what. All bits: enum hf_detect_want; 0: none are. */
enum hf_detect_want {
	HF_DETECT_WANT_HOST = 1 << 0,	    /* of tasks that are certainly the host's */
	HF_DETECT_WANT_CONTAINERS = 1 << 1, /* … of all others */
	HF_DETECT_WANT_SUCCESS = 1 << 2,
	HF_DETECT_WANT_FAILURE = 1 << 3,
	/* Opens: those without O_CREAT and with O_RDONLY; with O_WRONLY or O_RDWR; with O_CREAT or O_TMPFILE. One that fits is enough. */
	HF_DETECT_WANT_READ = 1 << 4,
	HF_DETECT_WANT_WRITE = 1 << 5,
	HF_DETECT_WANT_CREATE = 1 << 6,
	/* What is told with it. */
	HF_DETECT_WANT_CWD = 1 << 8,
	HF_DETECT_WANT_REAL = 1 << 9, /* where the file behind the descriptor lies */
	HF_DETECT_WANT_ENV = 1 << 10,
	HF_DETECT_WANT_DATA = 1 << 11,
	HF_DETECT_WANT_THREADS = 1 << 12, /* clones that make threads */
	HF_DETECT_WANT_EXECUTABLE = 1 << 13, /* mmap, mprotect: only with PROT_EXEC */
	HF_DETECT_WANT_ELF = 1 << 14, /* write and its like: only if what was written begins with "\x7f" "ELF" */
};
#define HF_DETECT_WANT_ALL 0x1f7fu /* each of them but what narrows: _EXECUTABLE, _ELF */

/*
 * Calls of one shape may be narrowed further, by path and by name of the process: the class of a shape, 0 for none, is a bit in the
 * values of two maps. Told is what has that bit by a prefix of its path or by its process's name, and every path, as given, that is
 * relative, long, or not plain: "." or "/" follows "." or "/" in it.
 */
enum hf_detect_shape {
	HF_DETECT_SHAPE_READ,	    /* neither of the next two; what is no open */
	HF_DETECT_SHAPE_WRITE,	    /* O_WRONLY, O_RDWR */
	HF_DETECT_SHAPE_CREATE,	    /* O_CREAT, O_TMPFILE */
	HF_DETECT_SHAPE_HOST = 4,   /* added: of the host */
	HF_DETECT_SHAPE_FAILED = 8, /* added */
	_HF_DETECT_SHAPE_MAX = 16,  /* two words */
};

enum hf_detect_flag { /* hf_detect_head.flags */
	HF_DETECT_HOST = 1 << 0,       /* certainly a task of the host */
	HF_DETECT_COMPAT = 1 << 1,     /* a 32-bit system call */
	HF_DETECT_URING = 1 << 2,      /* asked for by way of io_uring; the result is not known */
	HF_DETECT_UNREADABLE = 1 << 3, /* something that the task pointed to could not be read */
	HF_DETECT_FULL = 1 << 4,       /* the record was full: sections are missing */
	HF_DETECT_THREAD = 1 << 5,     /* a clone that made a thread */
	HF_DETECT_KTHREAD = 1 << 6,    /* the kernel's own doing: user mode helpers */
	HF_DETECT_NAMED = 1 << 7,      /* .comm is that of the process, whichever thread acts; else the thread's */
};

/* Who, when, what. Processes are in numbers of the host; v…: of their own pid namespace. */
struct hf_detect_head {
	__u32 bytes; /* of the whole record: a multiple of 8 */
	__u16 version;
	__u16 type;  /* enum hf_detect_type */
	__u32 flags; /* enum hf_detect_flag */
	__u32 sections;
	__u64 time_ns;	/* CLOCK_BOOTTIME */
	__s64 result;	/* of the system call; a new child's pid; an exit's status as wait() tells it */
	__u64 args[HF_DETECT_ARGUMENTS]; /* of the system call (openat2, clone3: enum hf_detect_special); exit: [0] who takes the orphans */
	__u64 start_ns;	       /* CLOCK_BOOTTIME: of the process: with pid, its identity */
	__u64 parent_start_ns;
	__u64 cgroup;	       /* id of its cgroup2 folder */
	__u64 container;       /* struct hf_container.id by the task's tag; 0: it has none */
	__u64 root_ino;
	__u64 cap_effective, cap_permitted, cap_inheritable;
	__u32 root_dev;	       /* as the kernel has it: major << 20 | minor */
	__u32 mnt_ns, pid_ns, user_ns; /* numbers of the namespaces, as in /proc/PID/ns */
	__u32 pid, tid, ppid;
	__u32 vpid, vtid, vppid;
	__u32 pgid, vpgid, sid, vsid;
	__u32 uid, euid, gid, egid;
	__u32 loginuid; /* ~0: none */
	__u32 tty;	/* device, as in /proc/PID/stat; 0: none */
	char comm[HF_DETECT_COMM_BYTES];
};

/*
 * Before each section's bytes, of which there are as many as .bytes says, then zeros up to the next multiple of 8, at least
 * one: a text ends with NUL beyond its length.
 */
struct hf_detect_section {
	__u16 kind;  /* enum hf_detect_kind */
	__u16 flags; /* enum hf_detect_section_flag */
	__u32 bytes;
};

enum hf_detect_section_flag {
	HF_DETECT_CUT = 1 << 0, /* there was more */
};

enum hf_detect_kind {
	HF_DETECT_KIND_NONE,
	/* Paths as the task wrote them, and the folders in which they begin if they are relative. */
	HF_DETECT_KIND_PATH,
	HF_DETECT_KIND_PATH2,
	HF_DETECT_KIND_BASE,  /* leaf first, as all that the kernel half found by walking up: "bin/usr/" is /usr/bin */
	HF_DETECT_KIND_BASE2, /* leaf first */
	HF_DETECT_KIND_REAL,  /* leaf first: of the file behind the descriptor (hf_detect_call.fd) */
	HF_DETECT_KIND_CWD,   /* leaf first */
	HF_DETECT_KIND_EXE,   /* leaf first: the program of an exec */
	HF_DETECT_KIND_FILENAME, /* exec: what was asked to be run */
	HF_DETECT_KIND_ARGS,  /* exec: arguments, each with its NUL but perhaps the last */
	HF_DETECT_KIND_ENV,
	HF_DETECT_KIND_NAME,  /* memfd_create, type of a mount, key of fsconfig, device of open_tree … */
	HF_DETECT_KIND_VALUE, /* value of fsconfig */
	HF_DETECT_KIND_ADDRESS, /* struct sockaddr as the task gave or got it */
	HF_DETECT_KIND_DATA,
	HF_DETECT_KIND_FILE,   /* struct hf_detect_file: of the descriptor's, or of the program */
	HF_DETECT_KIND_SOCKET, /* struct hf_detect_socket */
	HF_DETECT_KIND_UNIX_LOCAL, /* bytes of sun_path; the first is NUL for abstract names */
	HF_DETECT_KIND_UNIX_PEER,
	HF_DETECT_KIND_CHILD, /* struct hf_detect_child */
	_HF_DETECT_KIND_MAX
};

enum hf_detect_file_flag {
	HF_DETECT_FILE_WRITABLE = 1 << 0,    /* by the task, as far as mode, owner and capabilities say */
	HF_DETECT_FILE_UPPER = 1 << 1,	     /* in the writable layer of an overlay */
	HF_DETECT_FILE_LOWER = 1 << 2,	     /* of an overlay, and not in its writable layer */
	HF_DETECT_FILE_MEMFD = 1 << 3,
	HF_DETECT_FILE_UNLINKED = 1 << 4,
};

struct hf_detect_file {
	__u64 ino;
	__u64 ctime_ns, mtime_ns;
	__u64 size;
	__u32 dev; /* of the superblock */
	__u32 mode;
	__u32 uid, gid;
	__u32 nlink;
	__u32 flags; /* enum hf_detect_file_flag */
	__u32 open_flags; /* O_*, as the file has them now; 0 for a program */
	__u32 magic;	  /* of the file system */
};

/* A socket as it stands after the call. Ports in host order, addresses as they travel; IPv4 in the first 4 bytes. */
struct hf_detect_socket {
	__u16 family; /* AF_* */
	__u16 type;   /* SOCK_* */
	__u16 protocol;
	__u8 state;   /* TCP_*; also of others */
	__u8 pad;
	__u16 local_port, peer_port;
	__u8 local[16], peer[16];
	__u32 pad2;
};

struct hf_detect_child {
	__u64 start_ns;
	__u32 pid, tid, vpid, vtid;
};

/* One row for each number of a system call: which argument means what. 0: none, 1: the first … */
#define HF_DETECT_ARG_RESULT 7	/* .fd: what the call returned */
#define HF_DETECT_ARG_CWD 8	/* .base, .base2: the working directory */

enum hf_detect_special {
	HF_DETECT_PLAIN,
	HF_DETECT_IS_OPEN,    /* flags in args[.flags - 1] */
	HF_DETECT_IS_OPENAT2, /* struct open_how is read: args[2] = flags, args[3] = mode, args[4] = resolve */
	HF_DETECT_IS_CLONE3,  /* args[0] = flags */
	HF_DETECT_IS_MESSAGE, /* args[1]: struct msghdr */
	HF_DETECT_IS_TASK,    /* exec, fork: only failures, successes are told where they happen */
	HF_DETECT_IS_PROTECT, /* protection in args[2]; mprotect: args[3] = HF_DETECT_PROT_* of before */
	HF_DETECT_IS_WRITE,   /* bytes in args[1] */
	HF_DETECT_IS_WRITEV,  /* args[1]: struct iovec; the first piece */
	HF_DETECT_IS_FSCONFIG, /* .value is a text for some commands only */
	HF_DETECT_IS_SOCKETCALL, /* 32-bit: args[0] chooses, args[1] points to the arguments: one of .socketcalls instead */
};

/* mprotect: what is known of the memory at its beginning, beside PROT_READ. Asked afterwards, so: was it written? */
#define HF_DETECT_PROT_KNOWN 0x80000000u
#define HF_DETECT_PROT_WRITE 0x2u /* private: there are pages of its own; shared: it may be written */

struct hf_detect_call {
	__u16 type; /* HF_DETECT_NONE: not looked at */
	__u8 special;
	__u8 path, base;
	__u8 path2, base2;
	__u8 name, value;
	__u8 fd;
	__u8 address;	    /* struct sockaddr *; its length in the argument behind, .address_is_result: behind a pointer */
	__u8 address_is_result;
	__u8 data;	    /* buffer; as many bytes as the result says */
	__u8 flags;	    /* HF_DETECT_IS_OPEN; 0: creat() */
	__u8 pad[2];
};

#define HF_DETECT_SOCKETCALLS 21 /* SYS_SOCKET is 1, SYS_SENDMMSG 20 */

/* What user space stores and the programs read, any time. */
struct hf_detect_switches {
	__u32 wants[_HF_DETECT_MAX]; /* enum hf_detect_want */
	__u32 own_tgid;		     /* the daemon, whose files and sockets are no events */
	__u32 lose_every;	     /* 0: none; else every n-th record is thrown away */
	__u32 host_root_dev;	     /* the root of the task that loaded the programs */
	__u64 host_root_ino;
	__u8 classes[_HF_DETECT_MAX][_HF_DETECT_SHAPE_MAX]; /* of enum hf_detect_shape: bit of the maps' values, from 1; 0: all are told */
	struct hf_detect_call calls[HF_DETECT_CALLS];
	struct hf_detect_call compat[HF_DETECT_CALLS]; /* 32-bit */
	struct hf_detect_call socketcalls[HF_DETECT_SOCKETCALLS];
};

/* Per type. Whenever nothing moves: attempted == what the reader got + what waits in the ring + lost. */
struct hf_detect_counters {
	__u64 attempted; /* passed the switches */
	__u64 lost;	 /* no room in the ring, or no memory to make the record in */
	__u64 filtered;	 /* happened and was not wanted, while the type is on */
	__u64 incomplete; /* told with HF_DETECT_UNREADABLE or HF_DETECT_FULL */
};

/* A container's part of the ring: as much as there is free. Shares are numbered by the slot of a task's tag, from 1. */
#define HF_DETECT_SHARES 4097 /* HF_MAX_CONTAINERS, and one for all that have no tag */
struct hf_detect_share {
	__u64 container; /* whose it is: the slot may have been another's; 0: of who has no tag */
	__u64 mark;	 /* position in the ring: records before it are those of older */
	__u32 older;	 /* bytes */
	__u32 recent;
	__u64 lost;	 /* events of that container: its part of hf_detect_counters.lost */
};

/* What raw system calls do not show, counted. */
enum hf_detect_unseen {
	HF_DETECT_UNSEEN_URING,	 /* operations of io_uring that would have been events */
	_HF_DETECT_UNSEEN_MAX
};

#endif
