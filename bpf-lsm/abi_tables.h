/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract's other half: keys and values of tables that stand for themselves. Included by abi.h, which says what holds for both,
 * and by nobody else.
 */
#ifndef BPF_LSM_ABI_TABLES_H
#define BPF_LSM_ABI_TABLES_H

#include <linux/types.h>

#define HF_GLOB_BYTES 256	    /* longest pattern of an exception, with its NUL */
#define HF_GLOB_CLASSES 8	    /* character classes of one (path, process) pair */

/*
 * One (path, process) pair of an exception, compiled. Patterns are component-reversed, as the kernel half builds paths: literal
 * bytes mixed with enum hf_glob_op, whose bytes no pattern may hold literally.
 */
enum hf_glob_op {
	HF_GLOB_STAR = 1, /* any run of bytes but '/' */
	HF_GLOB_DEEP,	  /* any run of bytes */
	HF_GLOB_ONE,	  /* one byte but '/' */
	HF_GLOB_CLASS,	  /* one byte of the set classes[the next byte - 1] */
};

struct hf_exception {
	__u64 expires_ns; /* CLOCK_BOOTTIME, 0 never */
	__u16 path_bytes;
	__u16 process_bytes; /* 0: any process */
	__u32 index;	     /* position in the policy's list, for the event */
	char path[HF_GLOB_BYTES];
	char process[HF_GLOB_BYTES];
	__u8 classes[HF_GLOB_CLASSES][32]; /* bit c % 8 of byte c / 8: byte c is in the set */
};

/* hf_layer_files: what the filter in front of the catalogue knows. */
struct hf_layer_file {
	__u64 ino;
	__u32 dev;
	__u32 generation;
};

/* hf_store_devices: why a block device carries layers. */
#define HF_STORE_DEVICE 0x1u  /* a file system with layers is mounted from it */
#define HF_STORE_BELOW 0x2u   /* such a device is a part of it, or made of it (LVM, encryption, RAID) */
#define HF_STORE_LASTING 0x4u /* that file system has other numbers (btrfs): it cannot be told when it is no longer one */
#define HF_STORE_LOOKED 0x8u  /* the daemon's own note: it has looked for those below */
#define HF_MAX_STORE_DEVICES 256 /* a node has one or two; then more disks below */

/* hf_upper_marks: one bit for the inode numbers of the folders in hf_uppers, so that most others are told from them by one load. */
#define HF_UPPER_MARKS 4096 /* one in forty of other folders is looked up for nothing on a node with 100 containers */
#define HF_UPPER_MARK(ino) ((__u32)(((ino) * 0x9e3779b97f4a7c15ull) >> 52))
struct hf_upper_marks {
	__u64 bits[HF_UPPER_MARKS / 64];
};

/* hf_shares: what of the ring a container has, by slot. */
struct hf_share {
	__u64 container; /* whose share it is: the slot may have been another's */
	__u64 mark;	 /* position in the ring: records before it are those of older */
	__u32 older;	 /* bytes */
	__u32 recent;
	__u64 lost;	 /* events of that container that the ring did not take */
	__u64 told;	 /* the daemon's own note: of which it has reported */
};

/* A task that is not at home in the host's root and mount namespace: what reading the survey of tasks gives, one after the other. */
#define HF_TASK_TAGGED 0x1u /* got its tag during this reading */
#define HF_TASK_STALE 0x2u  /* its tag's container is gone from the table */
struct hf_task {
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME */
	__u64 root_ino;
	__u64 cgroup;
	__u64 container; /* of its tag, 0: none */
	__u32 tid;
	__u32 pid;
	__u32 root_dev;
	__u32 mntns;
	__u32 slot;
	__u32 flags; /* HF_TASK_* */
};

/* hf_surveyed: what the surveys have reported, so that one file in one process is one event. */
struct hf_surveyed_key {
	__u64 ino; /* 0: anonymous memory */
	__u32 pid;
	__u32 dev;
	__u32 generation;
	__u32 class_;
};
#define HF_MAX_SURVEYED 65536 /* files reported between two clean-ups; beyond it a file may be reported twice */

_Static_assert(sizeof(struct hf_exception) % 8 == 0, "stride of a mapped array");
_Static_assert(sizeof(struct hf_share) % 8 == 0, "stride of a mapped array");
_Static_assert(sizeof(struct hf_task) == 56, "survey of tasks");

#endif
