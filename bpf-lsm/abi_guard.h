/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract of self-protection: what is the enforcer's own, and who may touch it. Part of abi.h, which includes it. */
#ifndef BPF_LSM_ABI_GUARD_H
#define BPF_LSM_ABI_GUARD_H

#include <linux/types.h>

/* Against whom the enforcer's own objects are protected. Containers are refused whenever it is on at all. */
enum hf_guard_mode {
	HF_GUARD_OFF,
	HF_GUARD_CONTAINERS,
	HF_GUARD_HOST, /* … and the host's tasks, unless they run the daemon's program or it is unlocked */
	_HF_GUARD_MAX
};

#define HF_GUARD_NAME_BYTES 64 /* a component of its path: "holdfastd", or a folder named after a digest */
#define HF_GUARD_NAMES 12      /* … and how many: /usr/sbin/holdfastd has three */
#define HF_GUARD_MOUNTS 6      /* from the bpf file system's mount up to the root: three are usual */

/* A mount, by its numbers in mountinfo. */
struct hf_guard_mount {
	__u32 id;
	__u32 group; /* of peers, 0: none */
};

/*
 * Where a program lies: the names from the file up to the root of its file system. By names, as an overlay numbers its folders anew
 * when they were not in use, and an upgrade puts another file there.
 */
struct hf_guard_place {
	__u32 dev;
	__u32 n; /* 0: nowhere */
	char names[HF_GUARD_NAMES][HF_GUARD_NAME_BYTES]; /* the program's own first; padded with zeroes */
};

/* What the hooks must know to protect the enforcer itself. Written by the daemon alone. */
struct hf_guard {
	__u32 mode;	    /* enum hf_guard_mode */
	__u32 daemon_tgid;  /* may do everything */
	__u32 daemon_start; /* … if it started then: as canary_start */
	__u32 pins_dev;
	__u64 pins_ino;	 /* of HF_PIN_DIR */
	__u64 unlocked_until_ns;	/* CLOCK_BOOTTIME: until then the host's tasks may do everything */
	struct hf_guard_mount mounts[HF_GUARD_MOUNTS]; /* the bpf file system's, the one that it is mounted on, and so on */
	struct hf_guard_place place; /* of the daemon's program: what is run from there may do everything */
};

/* hf_own: the enforcer's own objects, by the numbers that bpf(2) gives them. */
enum hf_own_kind {
	HF_OWN_MAP,
	HF_OWN_PROGRAM,
	HF_OWN_LINK,
};
struct hf_own_key {
	__u32 kind;
	__u32 id;
};
#define HF_MAX_OWN 1024 /* a load has about a hundred; those of one that is being replaced stand beside them */

#endif
