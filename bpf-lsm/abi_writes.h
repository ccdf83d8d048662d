/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract's part about writes: volumes and image files that were written to, and what comparing their bytes has told. Included
 * by abi.h, which says what holds for all of it, and by nobody else.
 */
#ifndef BPF_LSM_ABI_WRITES_H
#define BPF_LSM_ABI_WRITES_H

#include <linux/types.h>

#define HF_MAX_SETTLED 65536	    /* files of writable layers whose bytes were compared, of all containers together */
#define HF_NOTICE_RING_BYTES (256 << 10) /* some 2,000 notices between two visits of the daemon */

/* hf_volumes: mounts that the runtime declared, known by superblock and root inode of the mount. */
#define HF_VOLUME_KIND 0u    /* the value is an enum hf_volume_kind, and HF_VOLUME_WHILE_READ_ONLY; the daemon's */
#define HF_VOLUME_WRITTEN 1u /* a task of the container wrote to it: it is read-only no more; the hooks' */
struct hf_volume_key {
	__u64 container;
	__u64 root_ino; /* 0: KIND: something on that superblock is WHILE_READ_ONLY; WRITTEN: all of it */
	__u32 dev;
	__u32 what; /* HF_VOLUME_KIND, HF_VOLUME_WRITTEN */
};
#define HF_VOLUME_WHILE_READ_ONLY 0x100u /* the kind holds while the mount is read-only and nobody wrote to it: writable then */

/* hf_written: what happened to image files in a container, by the lower layer's inode. The value is a set of HF_WRITTEN_*.
 * Container 0: files of roots that are no overlay, whoever wrote; such a note is there from enrolment on. */
#define HF_WRITTEN_BYTES 0x1u	     /* opened for writing or truncated */
#define HF_WRITTEN_CAPABILITIES 0x2u /* given file capabilities */
#define HF_WRITTEN_COPIED 0x4u	     /* adopted containers: copied up while we watched, or compared and found equal */
#define HF_WRITTEN_WATCHED 0x8u	     /* enrolled from a root that is no overlay */
#define HF_WRITTEN_LINKED 0x10u	     /* got another name, under which the overlay may not know whose copy it is */
#define HF_WRITTEN_TOLD_SHIFT 8	     /* the daemon was told and has not looked yet: hf_config.settle_epoch of then */
#define HF_WRITTEN_TOLD (0xffu << HF_WRITTEN_TOLD_SHIFT)
struct hf_written_key {
	__u64 container;
	__u64 ino;
	__u32 dev;
	__u32 generation;
};

/* hf_written_counts: how many of those notes a container has. */
struct hf_written_count {
	__u64 container; /* whose count it is: the slot may have been another's */
	__u32 notes;
	__u32 pad;
};

/*
 * hf_settled: what comparing a file's bytes with the image's has told, by the inode that holds them. Any open for writing and any
 * truncate removes the entry: one that stands tells of the bytes as they are.
 */
enum hf_settled_kind {
	HF_SETTLED_ASKED,     /* being compared: no answer */
	HF_SETTLED_EQUAL,     /* over an image file or in its place, with its bytes */
	HF_SETTLED_COPY,      /* a file of its own, with the bytes of one of the image's executables */
	HF_SETTLED_DIFFERENT, /* over an image file, with others */
	_HF_SETTLED_MAX
};

struct hf_settled_key {
	__u64 ino;
	__u32 dev;
	__u32 generation;
};

struct hf_settled {
	__u64 container;
	__u64 ctime_ns; /* the file's */
	__u64 state;	/* HF_ENTRY_* of the image's file, size and cookie of this one */
	__u32 layer_set;
	__u32 kind; /* enum hf_settled_kind */
};

/* Records of hf_notices: what the daemon is told that is no event. Behind the struct: path_bytes of path, as in struct hf_event. */
enum hf_notice_kind {
	HF_NOTICE_WRITTEN, /* an image file was opened for writing; the path begins at the root of the mount */
	HF_NOTICE_VOLUME,  /* a task wrote to its volume that was declared read-only: ino, dev of the volume's root; no path */
	_HF_NOTICE_MAX
};

struct hf_notice {
	__u32 bytes; /* of the whole record */
	__u16 kind;
	__u16 path_bytes;
	__u64 container; /* 0: a file of a root that is no overlay */
	__u64 ino;	 /* of the image's file */
	__u32 dev;
	__u32 generation;
};

/* hf_settling, one element, mapped by the daemon: one question about a file that is mapped, and its answer. Only the task that
 * registered is served. */
#define HF_SETTLE_PLACE_BYTES 512 /* layers without names of their own call their files by digest */
enum hf_settle_question {
	HF_SETTLE_BEGIN, /* its bytes are about to be compared; kind COPY: also if it lies over no image file */
	HF_SETTLE_END,	 /* what came of that: kind; ASKED: nothing */
	HF_SETTLE_LEARN, /* is it the image's, its bytes untouched? ORIGINAL: yes, and image and entry tell which; else it is no more */
};

enum hf_settle_status {
	HF_SETTLE_PENDING,  /* no hook answered: the file was not seen */
	HF_SETTLE_BEGUN,    /* BEGIN: compare it now; image tells with what */
	HF_SETTLE_DONE,	    /* END: noted */
	HF_SETTLE_MOVED,    /* END: it was opened for writing or changed since BEGIN */
	HF_SETTLE_WRITER,   /* somebody has it open for writing or mapped shared: later */
	HF_SETTLE_ORIGINAL, /* its bytes are the image's own: nothing to be compared */
	HF_SETTLE_FOREIGN,  /* not of this container's root, or its bytes cannot be told apart */
	HF_SETTLE_FULL,
	_HF_SETTLE_MAX
};

struct hf_settling {
	__u64 task; /* of whom is served: written by the registration program, with the start of the thread */
	__u64 start_ns;
	__u32 active; /* 1 = asked */
	__u32 question;
	__u32 status; /* answer: enum hf_settle_status */
	__u32 kind;   /* enum hf_settled_kind */
	__u64 container;
	__u32 layer_set;
	__u32 root_dev; /* superblock the file must be on */
	__u32 entry;	/* END with HF_SETTLED_COPY: HF_ENTRY_* bits of the image's file; answer to LEARN */
	__u32 on_overlay; /* the root is an overlay of the container's own */
	struct hf_settled_key file; /* answer, of both questions: whose bytes they are */
	__u64 bytes;
	__u64 ctime_ns;
	struct hf_settled_key image; /* answer to BEGIN, LEARN: the image's file; ino 0: none of its executables is there */
	__u64 image_bytes;	     /* … as it was enrolled */
	__u64 image_ctime_ns;
	__u32 place_bytes; /* 0: it is found in the layers by a name that the image has */
	__u32 pad;
	char place[HF_SETTLE_PLACE_BYTES]; /* from the root of its layer, as the path of a notice */
};

_Static_assert(sizeof(struct hf_notice) == 32, "notice header");
_Static_assert(sizeof(struct hf_settled) == 32, "settled file");
_Static_assert(sizeof(struct hf_settling) % 8 == 0, "stride of a mapped array");

#endif
