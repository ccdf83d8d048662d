/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts to verdict and reason: one pure function.
 *
 * Owns: the order in which reasons are looked for, and what each means for the verdict. Must not know: tasks, files,
 * maps, helpers. Includes only abi.h, so that the very same code runs in the hooks, in the vectors' BPF program and
 * natively in the unit tests.
 *
 *   I1  No path returns ALLOW unless it names HF_REASON_ORIGINAL or the policy says allow for the reason found.
 *   I2  Audit is the verdict DENY with the last step left out: the mode never changes which reason is found.
 *   I3  A value outside its enum (a torn or foreign policy) denies.
 */
#ifndef BPF_LSM_DECIDE_H
#define BPF_LSM_DECIDE_H

#include "bpf-lsm/abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Whose task it is. */
enum hf_subject_kind {
	HF_SUBJECT_HOST,
	HF_SUBJECT_CONTAINER,
	HF_SUBJECT_UNKNOWN, /* in a container that nobody registered */
	HF_SUBJECT_STALE,   /* tagged for a container that is gone from the table */
	_HF_SUBJECT_MAX
};

/* What is known about the object: hf_facts.bits. */
#define HF_FACT_NO_FILE 0x1u	    /* anonymous memory */
#define HF_FACT_MEMFD 0x2u	    /* file of a kernel-internal shmem or hugetlbfs mount */
#define HF_FACT_TMPFS 0x4u
#define HF_FACT_ROOT_WORLD 0x8u	    /* on the container's root superblock (and, if a folder is the root, wherever) */
#define HF_FACT_HOST_WORLD 0x10u    /* on the host root's superblock */
#define HF_FACT_OVERLAY 0x20u	    /* that superblock is an overlay's */
#define HF_FACT_HAS_LOWER 0x40u	    /* the overlay has a file of the image at this inode */
#define HF_FACT_UPPER_DATA 0x80u    /* its bytes are in the writable layer */
#define HF_FACT_DELETED 0x100u	    /* no name left */
#define HF_FACT_HIT 0x200u	    /* the catalogue holds the real data inode */
#define HF_FACT_CHANGED 0x400u	    /* … but size, ctime or cookie differ */
#define HF_FACT_WRITER 0x800u	    /* somebody can write it right now */
#define HF_FACT_GAINED_SETID 0x1000u /* setuid or setgid that the image's file had not */
#define HF_FACT_CODE_WRITTEN 0x2000u /* private mapping with pages of its own (anon_vma) */
#define HF_FACT_CODE_WRITABLE 0x4000u /* private and asked to be writable and executable at once */
#define HF_FACT_NO_BASELINE 0x8000u  /* the container could not be enrolled */
#define HF_FACT_UNSUPPORTED_ROOT 0x80000u /* … because of its root's file system */
#define HF_FACT_READ_IMPLIES_EXEC 0x10000u
#define HF_FACT_ROOT_OVERLAY 0x40000u /* unknown containers: the task's root is on an overlay, as a container's is */
#define HF_FACT_HEAP 0x100000u	     /* anonymous memory: between the program's end and its break; a file: a saved heap of the image */
#define HF_FACT_STACK 0x200000u	     /* … or a stack */
#define HF_FACT_TOO_LATE 0x80000000u /* the hook cannot refuse: what the policy denies ends the process */
#define HF_FACT_OUTSIDE 0x40000000u /* an access that reaches out of the container */
#define HF_FACT_BYTECODE 0x1000000u /* HF_OP_READ: what a compiler made of a script for the interpreter's own use */
#define HF_FACT_COPIED_UP 0x20000u /* no hit, but the bytes of the image's file: copied up and never opened for writing */

#define HF_FACT_HOST_HANDLER 0x2000000u /* an interpreter that the host registered for a kind of programs (binfmt_misc) */
#define HF_FACT_CONTAINER_FILE 0x400000u /* host subjects: the file is a container's */
#define HF_FACT_KERNEL_HELPER 0x800000u /* … and the kernel itself started the task */

/* What comparing its bytes with the image's has told: hf_facts.compared. */
enum hf_compared {
	HF_COMPARED_NOT,
	HF_COMPARED_UNSETTLED, /* over an image file, as long as it, opened for writing: the answer is awaited */
	HF_COMPARED_SETTLED,   /* beside HF_FACT_COPIED_UP: which rests on a digest */
	HF_COMPARED_COPY,      /* a file of its own, with the digest of one of the image's */
	_HF_COMPARED_MAX
};

struct hf_facts {
	__u32 bits;
	__u8 op;      /* enum hf_op */
	__u8 subject; /* enum hf_subject_kind */
	__u8 volume;  /* enum hf_volume_kind, or _HF_VOLUME_MAX: no declared mount */
	__u8 detail;  /* enum hf_detail: something could not be found out; 0 otherwise. Of an access: what its event shall say */
	__u8 stale_enforced; /* STALE only: its policy enforced when the tag was made */
	__u8 access; /* enum hf_reason of an access that runs no file (access.h), which the policy's cell answers; 0: code */
	__u8 compared;	     /* enum hf_compared */
};

struct hf_decision {
	__u8 verdict;
	__u8 reason;
	__u8 detail;
	__u8 class_;
	__u8 paused; /* break-glass turned a denial into AUDIT */
};

/* The executable's class for what execve and processes do, the library's for what is mapped later, the script's for what an interpreter
 * reads. */
static __always_inline __u8 decide_class(const struct hf_facts *facts)
{
	if (facts->op == HF_OP_READ && !facts->access)
		return HF_CLASS_SCRIPT;
	return facts->access || facts->op == HF_OP_EXEC || facts->op == HF_OP_EXEC_CHECK ? HF_CLASS_EXECUTABLE
											 : HF_CLASS_LIBRARY;
}

/* Nobody can change it now, and it is mapped as it is: only then what comparing has told is worth something. */
static __always_inline __u8 compared_still(const struct hf_facts *facts)
{
	if (facts->bits & (HF_FACT_WRITER | HF_FACT_GAINED_SETID | HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE))
		return HF_COMPARED_NOT;
	return facts->compared;
}

/* A private mapping of the image's bytes with others among them: of a saved heap that is what the heap is for, and as good as memory that
 * a compiler at run time asks for. */
static __always_inline __u8 reason_of_pages(__u32 bits)
{
	return bits & HF_FACT_HEAP ? HF_REASON_ANONYMOUS_CODE : HF_REASON_MODIFIED_CODE;
}

/* A file on the container's root superblock (design, section 4, steps 3 to 7). */
static __always_inline __u8 reason_in_root(const struct hf_facts *facts, __u8 *detail)
{
	__u8 compared = compared_still(facts);
	__u32 bits = facts->bits;

	if (bits & HF_FACT_HIT) {
		if (bits & (HF_FACT_CHANGED | HF_FACT_WRITER)) {
			*detail = bits & HF_FACT_CHANGED ? HF_DETAIL_CHANGED : HF_DETAIL_WRITER;
			if (compared == HF_COMPARED_UNSETTLED && !(bits & HF_FACT_OVERLAY))
				*detail = HF_DETAIL_UNSETTLED;
			return bits & HF_FACT_OVERLAY ? HF_REASON_HOST_MODIFIED : HF_REASON_MODIFIED;
		}
		if (bits & (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE))
			return reason_of_pages(bits);
		return bits & HF_FACT_GAINED_SETID ? HF_REASON_METADATA : HF_REASON_ORIGINAL;
	}
	if (bits & HF_FACT_COPIED_UP && !(bits & HF_FACT_WRITER)) {
		if (bits & (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE))
			return reason_of_pages(bits);
		if (!(bits & HF_FACT_GAINED_SETID))
			*detail = compared == HF_COMPARED_SETTLED ? HF_DETAIL_SETTLED : HF_DETAIL_COPIED_UP;
		return HF_REASON_METADATA;
	}
	if (bits & HF_FACT_NO_BASELINE) {
		*detail = bits & HF_FACT_UNSUPPORTED_ROOT ? HF_DETAIL_UNSUPPORTED_ROOT : HF_DETAIL_NOT_READY;
		return HF_REASON_UNDECIDABLE;
	}
	if (bits & HF_FACT_DELETED)
		return HF_REASON_DELETED;
	/* The image's own bytes, but none of its executables: data mapped as code, or code that the scan had no room for. */
	if ((bits & (HF_FACT_OVERLAY | HF_FACT_HAS_LOWER | HF_FACT_UPPER_DATA)) == (HF_FACT_OVERLAY | HF_FACT_HAS_LOWER))
		return HF_REASON_LIBRARY;
	if (bits & HF_FACT_HAS_LOWER) {
		if (compared == HF_COMPARED_UNSETTLED)
			*detail = HF_DETAIL_UNSETTLED;
		return HF_REASON_MODIFIED;
	}
	if (compared == HF_COMPARED_COPY)
		*detail = HF_DETAIL_COPY;
	return HF_REASON_ADDED;
}

/* A file on any other superblock. */
static __always_inline __u8 reason_elsewhere(const struct hf_facts *facts)
{
	if (facts->volume < _HF_VOLUME_MAX)
		return facts->bits & (HF_FACT_CODE_WRITTEN | HF_FACT_CODE_WRITABLE) ? HF_REASON_MODIFIED_CODE
										    : HF_REASON_VOLUME;
	return facts->bits & HF_FACT_TMPFS ? HF_REASON_TMPFS : HF_REASON_FOREIGN;
}

/*
 * A file that an interpreter reads. Only its bytes count: what the layers hold is the image's, in the catalogue or not, and so is what was
 * copied up unchanged, whoever has it open; bits of its mode mean nothing to a reader.
 */
static __always_inline __u8 reason_script(const struct hf_facts *facts, __u8 *detail)
{
	__u32 bits = facts->bits;
	int in_root = bits & HF_FACT_ROOT_WORLD && !(bits & HF_FACT_MEMFD) && facts->volume >= _HF_VOLUME_MAX;

	*detail = facts->detail;
	if (facts->detail)
		return HF_REASON_UNDECIDABLE;
	if (!(bits & HF_FACT_MEMFD) && facts->volume < _HF_VOLUME_MAX)
		return HF_REASON_VOLUME;
	if (in_root && bits & HF_FACT_HIT && !(bits & HF_FACT_CHANGED))
		return HF_REASON_ORIGINAL;
	if (in_root && bits & HF_FACT_COPIED_UP) {
		*detail = HF_DETAIL_COPIED_UP;
		return HF_REASON_METADATA;
	}
	if (in_root && (bits & (HF_FACT_HIT | HF_FACT_OVERLAY | HF_FACT_HAS_LOWER | HF_FACT_UPPER_DATA)) ==
			       (HF_FACT_OVERLAY | HF_FACT_HAS_LOWER))
		return HF_REASON_ORIGINAL;
	if (in_root && bits & HF_FACT_HIT)
		*detail = HF_DETAIL_CHANGED;
	return HF_REASON_SCRIPT;
}

static __always_inline __u8 reason_registered(const struct hf_facts *facts, __u8 *detail)
{
	__u32 bits = facts->bits;

	if (facts->op == HF_OP_READ)
		return reason_script(facts, detail);
	*detail = facts->detail;
	if (facts->detail)
		return HF_REASON_UNDECIDABLE;
	if (bits & HF_FACT_HOST_HANDLER) /* the program itself was judged before it */
		return HF_REASON_ORIGINAL;
	if (bits & HF_FACT_NO_FILE) {
		if (bits & HF_FACT_READ_IMPLIES_EXEC)
			*detail = HF_DETAIL_READ_IMPLIES_EXEC;
		else if (bits & HF_FACT_HEAP)
			*detail = HF_DETAIL_HEAP;
		else if (bits & HF_FACT_STACK)
			*detail = HF_DETAIL_STACK;
		return HF_REASON_ANONYMOUS_CODE;
	}
	if (bits & HF_FACT_MEMFD)
		return HF_REASON_MEMFD;
	/* A declared mount of the very same file system as a folder root is still a volume: ask the mount first. */
	if (facts->volume < _HF_VOLUME_MAX || !(bits & HF_FACT_ROOT_WORLD))
		return reason_elsewhere(facts);
	return reason_in_root(facts, detail);
}

/*
 * The structural rule for containers without a record: no catalogue, so only what the overlay itself tells, plus memory files,
 * plus what is neither on the root's nor on the host's superblock. A root that is no overlay is not judged, and the host's own
 * files are let through: sandboxes and build roots are made of them.
 */
static __always_inline __u8 reason_unknown(const struct hf_facts *facts, __u8 *detail)
{
	__u32 bits = facts->bits;

	*detail = HF_DETAIL_NONE;
	if (facts->op == HF_OP_READ) /* nobody knows its interpreters */
		return HF_REASON_ORIGINAL;
	*detail = facts->detail;
	if (facts->detail)
		return HF_REASON_UNKNOWN_CONTAINER;
	if (bits & (HF_FACT_NO_FILE | HF_FACT_HOST_HANDLER))
		return HF_REASON_ORIGINAL;
	if (bits & HF_FACT_MEMFD) /* mapping one is what language runtimes do; running one is not */
		return decide_class(facts) == HF_CLASS_EXECUTABLE ? HF_REASON_UNKNOWN_CONTAINER : HF_REASON_ORIGINAL;
	if (bits & HF_FACT_ROOT_WORLD)
		return bits & HF_FACT_OVERLAY && bits & HF_FACT_UPPER_DATA ? HF_REASON_UNKNOWN_CONTAINER
									   : HF_REASON_ORIGINAL;
	if (bits & HF_FACT_HOST_WORLD || !(bits & HF_FACT_ROOT_OVERLAY))
		return HF_REASON_ORIGINAL;
	return HF_REASON_UNKNOWN_CONTAINER;
}

static __always_inline __u8 decide_reason(const struct hf_facts *facts, __u8 *detail)
{
	if (facts->access) {
		*detail = facts->detail;
		return facts->access;
	}
	return facts->subject == HF_SUBJECT_UNKNOWN ? reason_unknown(facts, detail) : reason_registered(facts, detail);
}

/*
 * What the policy says to an access. What reaches out of the container is not left at a report where the policy's mode denies at
 * all, which the cell of tampering tells: no key of a policy sets that one.
 */
static __always_inline __u8 action_of_access(const struct hf_facts *facts, const struct hf_policy *policy, __u32 reason)
{
	__u8 action = policy->action[HF_CLASS_EXECUTABLE][reason];
	__u8 firm = policy->action[HF_CLASS_EXECUTABLE][HF_REASON_TAMPERING];

	if (reason == HF_REASON_PTRACE && (facts->detail == HF_DETAIL_DESCENDANT || facts->detail == HF_DETAIL_TRACEME))
		return policy->ptrace_descendant;

	return action == HF_ACTION_AUDIT && facts->bits & HF_FACT_OUTSIDE && firm > action ? firm : action;
}

/* What the policy says to a reason; anything that is no action denies (I3). */
static __always_inline __u8 decide_action(const struct hf_facts *facts, const struct hf_policy *policy, __u32 reason,
					  __u8 detail)
{
	__u8 class_ = decide_class(facts);

	__asm__ volatile("" : "+r"(reason)); /* one value for compiler and verifier: a copy of it would lose the bound */
	if (reason >= _HF_REASON_MAX)
		return HF_ACTION_DENY;
	if (facts->access)
		return action_of_access(facts, policy, reason);
	if (facts->op == HF_OP_READ && facts->bits & HF_FACT_BYTECODE && (reason == HF_REASON_SCRIPT || reason == HF_REASON_VOLUME))
		return policy->bytecode;
	if (reason == HF_REASON_VOLUME)
		return facts->volume < _HF_VOLUME_MAX ? policy->volume[class_][facts->volume] : HF_ACTION_DENY;
	if (reason == HF_REASON_ANONYMOUS_CODE && detail == HF_DETAIL_READ_IMPLIES_EXEC)
		return policy->read_implies_exec;
	if (reason == HF_REASON_METADATA && (detail == HF_DETAIL_COPIED_UP || detail == HF_DETAIL_SETTLED))
		return policy->modified_metadata[class_];
	if (reason == HF_REASON_MODIFIED && detail == HF_DETAIL_UNSETTLED)
		return policy->unsettled[class_];
	if (reason == HF_REASON_ADDED && detail == HF_DETAIL_COPY)
		return policy->copies[class_];
	if (reason == HF_REASON_MEMFD && class_ == HF_CLASS_LIBRARY)
		return policy->memfd_map;
	return policy->action[class_][reason];
}

static __always_inline __u8 verdict_of(__u8 action, int paused)
{
	if (action == HF_ACTION_ALLOW)
		return HF_VERDICT_ALLOW;
	if (action == HF_ACTION_AUDIT || paused)
		return HF_VERDICT_AUDIT;
	return action == HF_ACTION_KILL ? HF_VERDICT_KILL : HF_VERDICT_DENY;
}

/*
 * A container's file run from outside: by a process of the host, which is never refused anything, or by the kernel, which runs it as
 * root of the host because somebody told it to.
 */
static __always_inline void decide_host(const struct hf_facts *facts, const struct hf_policy *policy, int paused,
					struct hf_decision *d)
{
	int is_helper = (facts->bits & HF_FACT_KERNEL_HELPER) != 0;
	__u8 action;

	d->reason = is_helper ? HF_REASON_KERNEL_HELPER : HF_REASON_HOST_EXEC;
	if (!policy->valid) {
		d->reason = HF_REASON_UNDECIDABLE;
		d->detail = HF_DETAIL_NO_POLICY;
		action = HF_ACTION_DENY;
	} else {
		action = policy->action[d->class_][d->reason];
	}
	d->verdict = verdict_of(action, paused || !is_helper);
	d->paused = paused && is_helper && action >= HF_ACTION_DENY;
}

/*
 * The verdict on one exec, mmap, mprotect or access. policy: the container's, or that of unknown containers; may be invalid
 * (valid == 0), which denies what is not original. paused: break-glass is on for this container. No side effects.
 */
static __always_inline struct hf_decision decide(const struct hf_facts *facts, const struct hf_policy *policy,
						 int paused)
{
	struct hf_decision d = { .class_ = decide_class(facts) };
	__u8 action;

	if (facts->subject == HF_SUBJECT_HOST) {
		if (facts->bits & HF_FACT_CONTAINER_FILE)
			decide_host(facts, policy, paused, &d);
		return d;
	}
	if (facts->subject == HF_SUBJECT_STALE) {
		d.reason = HF_REASON_UNDECIDABLE;
		d.detail = HF_DETAIL_STALE_TAG;
		d.verdict = verdict_of(facts->stale_enforced ? HF_ACTION_DENY : HF_ACTION_AUDIT, paused);
		d.paused = paused && facts->stale_enforced;
		return d;
	}
	d.reason = decide_reason(facts, &d.detail);
	if (d.reason == HF_REASON_ORIGINAL)
		return d;
	if (!policy->valid) {
		d.reason = HF_REASON_UNDECIDABLE;
		d.detail = HF_DETAIL_NO_POLICY;
		action = HF_ACTION_DENY;
	} else {
		action = decide_action(facts, policy, d.reason, d.detail);
	}
	d.verdict = verdict_of(action, paused);
	if (d.verdict == HF_VERDICT_DENY && facts->bits & HF_FACT_TOO_LATE)
		d.verdict = HF_VERDICT_KILL;
	d.paused = paused && action >= HF_ACTION_DENY;
	return d;
}

#endif
