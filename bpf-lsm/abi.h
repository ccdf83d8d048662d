/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel half and user space: every struct, enum and limit that both sides share.
 *
 * Owns: the layout of map keys, map values and events, and the numbers behind the words users see (reason, verdict,
 * operation). Must not know: how either side works. It compiles as BPF, as C and alone, and includes nothing but
 * linux/types.h and the abi_*.h, which are parts of it. Any change of layout raises HF_ABI_VERSION, which names the folder of the pins. Across versions only this
 * holds: struct hf_config and enum hf_counter grow at their ends; struct hf_task_tag and struct hf_event have versions of
 * their own.
 */
#ifndef BPF_LSM_ABI_H
#define BPF_LSM_ABI_H

#include <linux/types.h>

#include "bpf-lsm/abi_writes.h"

#define HF_ABI_VERSION 7
#define HF_TAG_VERSION 1   /* layout and meaning of struct hf_task_tag: tags are shared by all versions */
#define HF_EVENT_VERSION 1 /* layout of struct hf_event: what another version left in its ring may be readable */
#define HF_PIN_DIR "/sys/fs/bpf/holdfast"

/* Limits. Each bounds something that input can grow. */
#define HF_MAX_CONTAINERS 4096	    /* slots; a node runs hundreds, kubelet stops at 250 by default */
#define HF_MAX_POLICIES 8192	    /* slots; one per container plus as many in quarantine after a reload */
#define HF_MAX_CATALOG (1 << 20)    /* files of all layer sets together */
#define HF_MAX_VOLUMES 65536	    /* declared mounts of all containers together */
#define HF_MAX_WRITTEN 262144	    /* image files opened for writing, of all containers together */
#define HF_WRITTEN_SHARE 8	    /* … one container gets at most the eighth part of them */
#define HF_MAX_EXCEPTIONS 4096	    /* (path, process) pairs of all policies together */
#define HF_RING_BYTES (8 << 20)	    /* about 20,000 events between two visits of the daemon */
#define HF_PATH_BYTES 4096	    /* PATH_MAX: what a path of an event is cut at */
#define HF_EXE_BYTES 1024	    /* what the path of the acting program is cut at */
#define HF_NAME_SLACK 256	    /* room behind a path buffer for one more component */
#define HF_COMM_BYTES 16

#include "bpf-lsm/abi_tables.h"

#define HF_SLOT_CANARY 0u  /* the daemon's own proof that a denial works */
#define HF_SLOT_UNKNOWN 1u /* the record that all unregistered containers share */
#define HF_SLOT_FIRST 2u

/* What was tried. */
enum hf_op {
	HF_OP_EXEC,	      /* execve, execveat: the program or script itself, or an interpreter of its chain */
	HF_OP_EXEC_CHECK,     /* AT_EXECVE_CHECK: the same question without running */
	HF_OP_MMAP,	      /* mapping with PROT_EXEC */
	HF_OP_MMAP_BACKING,   /* the real file below a stacking file system, at the moment it is mapped */
	HF_OP_MPROTECT,	      /* turning a mapping executable */
	HF_OP_ADOPT,	      /* nothing: it ran or was mapped when its container was found */
	HF_OP_READ,	      /* an interpreter opening a file that may be a script */
	HF_OP_PERSONALITY,    /* personality(READ_IMPLIES_EXEC) */
	HF_OP_PTRACE,	      /* attaching to a process, or writing its memory through the ptrace permission */
	HF_OP_PROCESS_MEMORY, /* opening /proc/PID/mem for writing */
	HF_OP_KERNEL,	      /* reaching for the kernel: modules, BPF, perf, kexec, raw memory */
	HF_OP_TAMPER,	      /* reaching for the enforcer: its pins, maps, programs, its daemon */
	HF_OP_WRITE_IMAGE,    /* opening a file of an image's layers, or the device below, for writing */
	_HF_OP_MAX
};

/* Which column of the policy answers. */
enum hf_class {
	HF_CLASS_EXECUTABLE,
	HF_CLASS_LIBRARY,
	HF_CLASS_SCRIPT, /* a file that an interpreter reads */
	_HF_CLASS_MAX
};

/* Why a file or mapping is not code of the image. The strings are users' words: never renumber, only add. */
enum hf_reason {
	HF_REASON_ORIGINAL,	     /* it is */
	HF_REASON_ADDED,	     /* in the writable layer, no such file in the image */
	HF_REASON_MODIFIED,	     /* in the writable layer, over a file of the image; or an image file changed */
	HF_REASON_METADATA,	     /* bytes of the image, but gained setuid, setgid; or copied up by chmod and such */
	HF_REASON_MEMFD,	     /* memory file: memfd_create, shared anonymous */
	HF_REASON_TMPFS,	     /* on a tmpfs that is no declared volume */
	HF_REASON_VOLUME,	     /* on a declared mount, and the policy says no */
	HF_REASON_FOREIGN,	     /* another container's, the host's, or a mount the container made itself */
	HF_REASON_DELETED,	     /* unlinked, and never of the image */
	HF_REASON_LIBRARY,	     /* unchanged file of the image that is none of its executables: data used as code */
	HF_REASON_ANONYMOUS_CODE,    /* executable memory without a file */
	HF_REASON_MODIFIED_CODE,     /* private mapping of image code that was or can be written */
	HF_REASON_SCRIPT,	     /* drifted file handed to an interpreter */
	HF_REASON_HOST_MODIFIED,     /* image file changed below the container's feet */
	HF_REASON_UNKNOWN_CONTAINER, /* drift in a container that nobody registered */
	HF_REASON_UNDECIDABLE,	     /* could not be decided; enum hf_detail says what was missing */
	HF_REASON_PERSONALITY,	     /* asked for a personality under which readable memory is executable */
	HF_REASON_PROCESS_MEMORY,    /* process memory opened for writing: code could be patched without a mapping */
	HF_REASON_PTRACE,	     /* one process getting hold of another */
	HF_REASON_KERNEL_ACCESS,     /* a container reaching for the kernel */
	HF_REASON_TAMPERING,	     /* somebody reaching for the enforcer itself */
	HF_REASON_IMAGE_WRITE,	     /* a container writing to the layers of an image */
	HF_REASON_HOST_EXEC,	     /* a process of the host running a container's file */
	HF_REASON_KERNEL_HELPER,     /* the kernel running a container's file as its helper */
	_HF_REASON_MAX
};

/* What exactly could not be decided, or which finer fact stands behind a reason. */
enum hf_detail {
	HF_DETAIL_NONE,
	HF_DETAIL_NO_REAL_FILE,	   /* overlay file without a real one behind it */
	HF_DETAIL_NESTED_OVERLAY,  /* more stacking levels than the kernel allows for */
	HF_DETAIL_NO_POLICY,	   /* the container's policy slot is empty */
	HF_DETAIL_STALE_TAG,	   /* the task's container is gone from the table */
	HF_DETAIL_NO_TAG_MEMORY,   /* task storage could not be allocated */
	HF_DETAIL_WRITER,	   /* somebody has the file open for writing, or mapped shared and writable */
	HF_DETAIL_CHANGED,	   /* size, ctime or change cookie differ from enrolment */
	HF_DETAIL_NOT_READY,	   /* the container was never armed */
	HF_DETAIL_READ_IMPLIES_EXEC, /* the task runs with the READ_IMPLIES_EXEC personality */
	HF_DETAIL_UNSUPPORTED_ROOT, /* root file system without a baseline */
	HF_DETAIL_COPIED_UP, /* the image's bytes, copied into the writable layer (or just changed) by chmod, chown, touch, ln, mv */
	HF_DETAIL_UNSETTLED,  /* an image file opened for writing: whether its bytes changed is not known yet */
	HF_DETAIL_SETTLED,    /* its digest is that of the image's file */
	HF_DETAIL_COPY,	      /* an added file whose digest is that of an executable of the image */
	HF_DETAIL_HEAP,
	HF_DETAIL_STACK,
	HF_DETAIL_TRACEME,
	HF_DETAIL_BPF,
	HF_DETAIL_MODULE,
	HF_DETAIL_PERF,
	HF_DETAIL_KEXEC,
	HF_DETAIL_RAW_MEMORY, /* /dev/mem, /dev/kmem, I/O ports */
	HF_DETAIL_TRACING,    /* kprobes, uprobes, tracefs */
	HF_DETAIL_PINS,	      /* the enforcer's pinned maps and links */
	HF_DETAIL_MAP,
	HF_DETAIL_PROGRAM,
	HF_DETAIL_LINK,
	HF_DETAIL_DAEMON,
	HF_DETAIL_BLOCK_DEVICE, /* the one below the layers */
	HF_DETAIL_HELPER, /* what tells the kernel which program to run by itself (core_pattern, binfmt_misc), or to stop at once */
	HF_DETAIL_DESCENDANT, /* the traced process was started by its tracer */
	HF_DETAIL_WRITE,      /* … and had its memory or registers changed */
	HF_DETAIL_WRITABLE_LAYER, /* a container's own, reached otherwise than through its root */
	HF_DETAIL_EXE, /* another file to be known as the program that a task runs */
	HF_DETAIL_MAPPED, /* a file of the image is written to while somebody has it mapped as code */
	_HF_DETAIL_MAX
};

enum hf_action { /* what a policy wants for one reason */
	HF_ACTION_ALLOW,
	HF_ACTION_AUDIT,
	HF_ACTION_DENY,
	HF_ACTION_KILL,
	_HF_ACTION_MAX
};

enum hf_verdict { /* what happened */
	HF_VERDICT_ALLOW,
	HF_VERDICT_AUDIT, /* let through and reported */
	HF_VERDICT_DENY,  /* -EPERM and reported */
	HF_VERDICT_KILL,  /* -EPERM, SIGKILL and reported */
	_HF_VERDICT_MAX
};

/* Identity of an image file as the kernel half sees it. Written by the kernel half only (enrolment). */
struct hf_catalog_key {
	__u64 ino;
	__u32 layer_set; /* 0 is never used */
	__u32 dev;	 /* kernel-internal dev_t of the real data inode's superblock, of its subvolume on btrfs */
	__u32 generation;
	__u32 pad;
};

/* State of such a file, as it is read. */
struct hf_catalog_value {
	__u64 ctime_ns;
	__u64 cookie; /* change cookie of the file system, 0 where there is none */
	__u64 size_mode; /* size << 16 | mode bits (07777) and HF_CATALOG_* */
};
#define HF_CATALOG_MODE 07777u
#define HF_CATALOG_SIZE_SHIFT 16

/* The same as the catalogue keeps it: 16 bytes fit an allocation of 96, more take one of 128. Of size and cookie the lowest bits stay:
 * 16 GiB are more than a program, and 4 million changes at one ctime to the nanosecond took a clock that was set back. */
struct hf_catalog_entry {
	__u64 ctime_ns;
	__u64 state; /* HF_ENTRY_*, then enum hf_interpreter, then size, then cookie */
};
#define HF_ENTRY_SETUID 0x1u
#define HF_ENTRY_SETGID 0x2u
#define HF_ENTRY_EXECUTABLE 0x4u /* by anybody */
#define HF_ENTRY_INTERPRETER_SHIFT 3
#define HF_ENTRY_SIZE_SHIFT 8
#define HF_ENTRY_SIZE_BITS 34
#define HF_ENTRY_COOKIE_SHIFT 42

/* struct hf_container.flags */
#define HF_CONTAINER_OVERLAY_ROOT 0x1u /* the superblock belongs to this container alone */
#define HF_CONTAINER_UNARMED 0x2u      /* notReady: allow: runs unwatched, and says so in status */
#define HF_CONTAINER_CLEAN_UPPER 0x8u  /* watched since its writable layer held no code: copy-ups can be judged */
#define HF_CONTAINER_WRITES_LOST 0x10u /* hf_written was full: copy-ups cannot be judged any more */
#define HF_CONTAINER_NO_BASELINE 0x4u  /* notReady: audit: everything is reported as undecidable, nothing denied */
#define HF_CONTAINER_ADOPTED 0x20u /* ran before it was registered: of copies only those noted as HF_WRITTEN_COPIED are the image's */
#define HF_CONTAINER_SURVEY 0x40u  /* what its tasks run and map is to be reported by the next survey */
#define HF_CONTAINER_UNSUPPORTED 0x80u /* beside NO_BASELINE: because of its root's file system */

/* A slot of hf_containers. Fields are stored one by one; id is stored last on arming and first (0) on release. */
struct hf_container {
	__u64 id; /* never reused; 0: the slot is free */
	__u32 policy; /* slot of hf_policies */
	__u32 layer_set;
	__u64 root_ino;
	__u32 root_dev;
	__u32 flags;
	__u64 pause_until_ns; /* CLOCK_BOOTTIME: until then deny becomes audit */
	__u64 cgroup;
	__u64 denied;  /* counted by the kernel half */
	__u64 audited;
};

/* Kinds of declared mounts. */
enum hf_volume_kind {
	HF_VOLUME_READ_ONLY,
	HF_VOLUME_WRITABLE,
	HF_VOLUME_INIT,	   /* a single read-only file that is the container's first program (--init) */
	HF_VOLUME_ALLOWED, /* named in the policy's allow list */
	_HF_VOLUME_MAX
};

/* A slot of hf_policies: written whole before a container points to it, never changed while one does. */
struct hf_policy {
	__u8 action[_HF_CLASS_MAX][_HF_REASON_MAX];
	__u8 volume[_HF_CLASS_MAX][_HF_VOLUME_MAX]; /* enum hf_action for each kind of declared mount */
	__u8 modified_metadata[_HF_CLASS_MAX];	    /* … for HF_DETAIL_COPIED_UP */
	__u8 memfd_map;		 /* … for a memfd that is mapped as code, as opposed to executed */
	__u8 read_implies_exec; /* … for executable memory made under that personality */
	__u8 unsettled[_HF_CLASS_MAX]; /* … for HF_DETAIL_UNSETTLED */
	__u8 copies[_HF_CLASS_MAX];    /* … for HF_DETAIL_COPY */
	__u8 bytecode;	     /* … for compiled scripts that an interpreter keeps for itself */
	__u8 all_script_files; /* 1: whatever an interpreter reads; 0: what is likely to be a script */
	__u8 ptrace_descendant; /* … for HF_DETAIL_DESCENDANT and HF_DETAIL_TRACEME */
	__u32 valid;	/* 1 in use */
	__u32 generation;
	__u32 exceptions_first; /* range in hf_exceptions */
	__u32 exceptions_count;
	__u32 pad;
};

/* hf_roots: where a task's root tells whose it is. ino 0: the whole superblock (overlay). */
struct hf_root_key {
	__u64 ino;
	__u32 dev;
	__u32 pad;
};

struct hf_slot_ref {
	__u64 id;
	__u32 slot;
	__u32 pad;
};

/* struct hf_task_tag.flags */
#define HF_TAG_PERSONALITY_TOLD 0x2u /* READ_IMPLIES_EXEC was reported for this process */
#define HF_TAG_ENFORCED 0x1u /* the policy enforced when the tag was made: what holds should the record go missing */
#define HF_TAG_NO_INTERPRETER 0x4u /* the program that the exec of that number began interprets nothing */
#define HF_TAG_EXEC_SHIFT 8	   /* from here on: that number, the lowest bits of the kernel's count of the task's execs */

/* Task storage: whose task this is. A change raises HF_TAG_VERSION, and tasks that left their container's root and cgroup
 * before the upgrade are free then: avoid it. */
struct hf_task_tag {
	__u64 container;
	__u32 slot;
	__u32 flags;
	/* The object last reported and let through, so that one drift is one event. */
	__u64 seen_ino;
	__u32 seen_dev;
	__u32 seen_generation;
};

#define HF_EVENT_OUTPUTS 2 /* standard output, file */

/* What a killed daemon had in its hands. */
struct hf_event_notes {
	__u64 position; /* in the ring, of the end of the record on its way; its lowest bits are those of events_taken before it */
	__u64 own;	/* of events_taken: the canary's, which nobody is told of */
	__u64 lines;	/* event lines handed to the outputs, ever */
	__u64 out[HF_EVENT_OUTPUTS]; /* … of which each has accepted, or been told that they are missing */
};

enum hf_enabled {
	HF_ENABLED_NOT,	   /* nothing is judged: before the daemon has filled the rest, and after another version took over */
	HF_ENABLED_ALL,
	HF_ENABLED_CANARY, /* the canary alone: another version judges the containers, which this one does not know yet */
};

#include "bpf-lsm/abi_guard.h"

/* hf_config, one element, mapped by the daemon. Daemons of other versions read and write it as far as they know it: fields are
 * added at the end, and keep place and meaning. */
struct hf_config {
	__u32 abi;
	__u32 enabled; /* enum hf_enabled */
	__u32 host_mntns;
	__u32 host_root_dev;
	__u64 host_root_ino;
	__u64 pause_until_ns; /* CLOCK_BOOTTIME, all containers */
	__u64 lost_told; /* the daemon's own note: how many lost events it has reported, over its restarts */
	__u64 last_container; /* the daemon's own note: the highest container id ever given, whatever the clock does */
	__u64 events_taken;   /* the daemon's own note: records of the ring that reached the outputs, over its restarts */
	__u32 canary_tgid;    /* this process is judged by slot HF_SLOT_CANARY; 0 none */
	__u32 canary_start;   /* … if it started then (HF_CANARY_TICK_NS, lowest 32 bits): its number may become another's */
	__u64 object; /* the daemon's own note: which build's programs are pinned, all of them; 0: not known */
	__u32 pins;   /* … and how many those are */
	__u32 carried; /* the daemon's own note: 1 when hf_carried holds the counters of the version before */
	struct hf_event_notes events; /* the daemon's own notes */
	__u32 plain_roots; /* 1: some container's root is no overlay, or was one day: opens for writing are looked up on all file systems */
	__u32 settle_epoch; /* 1 to 255, another with each daemon: what an earlier one was told and left undone is told again */
	struct hf_guard guard;
	struct hf_guard_place told_place; /* of the program that ran hf_tell_place */
};
#define HF_CANARY_TICK_NS 10000000ull /* USER_HZ: what /proc/PID/stat counts in */

#include "bpf-lsm/abi_enrol.h"

/* hf_counters, per CPU. Added to at the end only, as daemons of other versions carry them over by number. */
enum hf_counter {
	HF_COUNTER_EXEC,	 /* judgements by operation: contained tasks only */
	HF_COUNTER_MMAP,
	HF_COUNTER_MMAP_BACKING,
	HF_COUNTER_MPROTECT,
	HF_COUNTER_DENIED,
	HF_COUNTER_AUDITED,
	HF_COUNTER_PAUSED,	 /* would have been denied but for break-glass */
	HF_COUNTER_EXCEPTED,	 /* let through by an exception */
	HF_COUNTER_EVENTS,	 /* put into the ring */
	HF_COUNTER_EVENTS_LOST,	 /* ring full */
	HF_COUNTER_EVENTS_NO_MEMORY, /* no room to build the event */
	HF_COUNTER_PATH_CUT,	 /* event whose path did not fit */
	HF_COUNTER_TAGGED,
	HF_COUNTER_TAG_FAILED,	 /* task storage not allocated */
	HF_COUNTER_FORK_REFUSED, /* for that reason */
	HF_COUNTER_STALE_TAG,
	HF_COUNTER_UNKNOWN_CONTAINER,
	HF_COUNTER_UNDECIDABLE,
	HF_COUNTER_ENROLLED,
	HF_COUNTER_ENROL_FULL,
	HF_COUNTER_WRITES_SEEN,	 /* image files opened for writing */
	HF_COUNTER_WRITES_LOST,	 /* … that could not be noted: that container's copy-ups count as modified from then on */
	HF_COUNTER_EXISTING,	 /* drift that ran already when its container was adopted */
	HF_COUNTER_KERNEL,	 /* a container reaching for the kernel, whatever its policy says to it */
	HF_COUNTER_TAMPER,	 /* refused: somebody reaching for the enforcer */
	HF_COUNTER_NOTICES_LOST, /* hf_notices full, or no memory: such a file is compared once somebody tries to run it */
	HF_COUNTER_SETTLED,	 /* files compared with the image's */
	HF_COUNTER_SETTLE_FULL,	 /* … and no room in hf_settled: they count as modified */
	HF_COUNTER_VOLUMES_WRITTEN, /* declared read-only, and a task of the container wrote to them */
	HF_COUNTER_VOLUMES_FULL,    /* … and no room to note it: refused */
	_HF_COUNTER_MAX
};

/* struct hf_event.flags */
#define HF_EVENT_PATH_CUT 0x1u
#define HF_EVENT_PAUSED 0x2u		/* break-glass turned a denial into this report */
#define HF_EVENT_READ_IMPLIES_EXEC 0x4u /* the task's personality */
#define HF_EVENT_EXEC_STAGE 0x8u	/* mmap during execve: a denial kills the process */
#define HF_EVENT_DELETED 0x10u		/* the file has no name any more */
#define HF_EVENT_EXE_CUT 0x20u
#define HF_EVENT_NO_PATH 0x40u		/* no memory to build the path; the verdict is unaffected */
#define HF_EVENT_WRITABLE 0x100u	/* somebody could write the file at that moment: its bytes may be others by now */
#define HF_EVENT_MEMFD 0x200u		/* a memory file: its name is its maker's to choose, slashes included, and no path */
#define HF_EVENT_EXE_MEMFD 0x400u	/* … and so is the program that the task runs */
#define HF_EVENT_EXISTING 0x80u		/* it was there when the container was adopted: op adopt */
#define HF_EVENT_LEFT_CGROUP 0x1000000u	/* the task is in no cgroup of its container's */
#define HF_EVENT_LEFT_MOUNTS 0x2000000u	/* the task is among the host's mounts, or another container's */

/*
 * A record of the ring. Behind the struct: path_bytes of the file's path, then exe_bytes of the path of the program
 * that tried. Both are written leaf first, each component followed by '/': "x.so/tmp/" is /tmp/x.so. No NUL.
 */
struct hf_event {
	__u32 bytes; /* of the whole record */
	__u16 version;
	__u8 op;
	__u8 class_;
	__u8 reason;
	__u8 verdict;
	__u8 detail;
	__u8 volume; /* enum hf_volume_kind, when reason is volume */
	__u32 flags;
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 container;
	__u32 slot;
	__u32 policy_generation;
	__u32 tid;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 mntns;
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME */
	__u64 cgroup;
	__u64 ino;
	__u32 dev;
	__u32 generation;
	__u64 file_bytes;
	__u64 ctime_ns;
	__u32 magic;
	__u32 mode;
	__u32 prot;
	__u32 map_flags;
	char comm[HF_COMM_BYTES];
	char parent_comm[HF_COMM_BYTES];
	__u16 path_bytes;
	__u16 exe_bytes;
	__u32 target; /* op ptrace, process-memory: whose; its program is the file */
};

_Static_assert(sizeof(struct hf_catalog_key) == 24, "catalogue key");
_Static_assert(sizeof(struct hf_catalog_entry) == 16, "catalogue value");
_Static_assert(sizeof(struct hf_container) == 64, "container slot: one cache line");
_Static_assert(sizeof(struct hf_policy) % 8 == 0, "stride of a mapped array");
_Static_assert(sizeof(struct hf_event) % 8 == 0, "event header");

#endif
