/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract of enrolment: one question of the daemon's, one answer of the kernel half's. Part of abi.h, which includes it. */
#ifndef BPF_LSM_ABI_ENROL_H
#define BPF_LSM_ABI_ENROL_H

#include "bpf-lsm/abi.h"

/* hf_enrol, one element, mapped by the daemon: one question and its answer. Only the registered task is served. */
enum hf_enrol_status {
	HF_ENROL_PENDING, /* no hook answered: the file was not seen */
	HF_ENROL_ADDED,
	HF_ENROL_KNOWN,	     /* was there already, unchanged */
	HF_ENROL_UPPER,	     /* data in the writable layer: refused */
	HF_ENROL_WORLD,	     /* not on the container's root superblock: refused */
	HF_ENROL_FULL,	     /* catalogue full */
	HF_ENROL_NO_MEMORY,
	HF_ENROL_UNDECIDABLE,
	HF_ENROL_IDENTIFIED, /* answer of an identify question */
	HF_ENROL_COPIED_UP,  /* as UPPER, over the image's file that the key names */
	HF_ENROL_UNLISTED,   /* answer to HF_ENROL_LOOK: its bytes are the layers' */
	HF_ENROL_COPIED_DATA, /* answer to HF_ENROL_LOOK: copied up from a file of the image that is no executable, named by the key */
	HF_ENROL_WRITER,     /* as COPIED_UP, and somebody has it open for writing or mapped shared */
	_HF_ENROL_MAX
};

struct hf_enrol {
	__u64 task;	/* written by the registration program: kernel address and start of the enrolling thread */
	__u64 start_ns;
	__u32 active;	/* question: 1 = asked */
	__u32 layer_set;
	__u32 root_dev; /* superblock the file must be on */
	__u32 status;	/* answer: enum hf_enrol_status */
	struct hf_catalog_key key;
	struct hf_catalog_value value; /* of an identified overlay folder: .cookie inode number, .ctime_ns device of its upper one */
	__u32 magic; /* of the real data inode's file system */
	__u32 flags; /* question: HF_ENROL_* flags */
};
#define HF_ENROL_LOOK 0x4u	   /* write nothing: which file of the catalogue is this one a copy of? */
#define HF_ENROL_LOWER 0x2u	   /* of a copied-up file take the image's: the caller has seen that their bytes are equal */
#define HF_ENROL_WATCH 0x8u	   /* the root is no overlay: note from now on who opens the file for writing */
#define HF_ENROL_MARK 0x8000u	   /* write nothing but what interpreter a file of the catalogue is: HF_ENROL_INTERPRETER_SHIFT */
#define HF_ENROL_INTERPRETER_SHIFT 16
#define HF_ENROL_REFUSE_UPPER 0x1u /* the root is an overlay of the container's own: its writable layer is no image */

#endif
