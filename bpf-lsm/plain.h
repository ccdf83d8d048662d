/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Roots that are no overlay (a plain copy, a subvolume, a FUSE mount): was the file's content touched since enrolment?
 *
 * Owns: the watch over enrolled files and the proof that rests on it. Must not know: what the policy says to new metadata.
 *
 *   I1  A file is watched from before its state is taken, and a write only sets a bit of a note that is there: no note can be
 *       missing for want of room.
 *   I2  Bytes change through an open for writing or a truncate, whoever does it and through whatever mount: these hooks see
 *       the same inode. So: watched, never noted, same size -> the bytes of enrolment, whatever chmod or utimes did to its times.
 *   I3  A file that could not be watched is judged by its state alone; on FUSE, whose ctime is the server's, it is not enrolled.
 */
#ifndef BPF_LSM_PLAIN_H
#define BPF_LSM_PLAIN_H

#include "bpf-lsm/settled.h"

static __always_inline u32 *plain_note(struct inode *inode)
{
	struct hf_written_key key = {};

	written_key(&key, 0, inode);
	return bpf_map_lookup_elem(&hf_written, &key);
}

/* Enrolment: watches the object's file, then takes its state once more. 0 or -ENOMEM. */
static __always_inline int plain_watch(struct object *o)
{
	u32 watched = HF_WRITTEN_WATCHED, *noted;
	struct hf_written_key key = {};
	long err;

	written_key(&key, 0, o->real);
	err = (int)bpf_map_update_elem(&hf_written, &key, &watched, BPF_NOEXIST); /* 32 bits up to 6.3 */
	if (err && err != -EEXIST) {
		count(HF_COUNTER_WRITES_LOST);
		return o->real_magic == KERNEL_MAGIC_FUSE ? -ENOMEM : 0;
	}
	o->real_magic = identify_inode(o->real, &o->key, &o->value);
	noted = inode_has_writer(o->real) ? plain_note(o->real) : NULL;
	if (noted) /* opened before it was watched */
		__sync_fetch_and_or(noted, HF_WRITTEN_BYTES);
	return 0;
}

/* HF_WRITTEN_* happened to an inode that is on no overlay. True: the daemon should be told. */
static __always_inline bool plain_on_change(struct inode *inode, u32 what)
{
	u32 *noted = plain_note(inode);

	if (what & HF_WRITTEN_BYTES)
		settled_forget((u64)inode);
	if (!noted)
		return false;
	count(HF_COUNTER_WRITES_SEEN);
	__sync_fetch_and_or(noted, what);
	return what & HF_WRITTEN_BYTES && settled_is_news(noted);
}

/*
 * A catalogue hit on a plain root: written to is CHANGED; changed and not written to is the image's bytes with other metadata. A
 * global function: its memory is not its caller's.
 */
__noinline int plain_prove(struct object *o, u32 op)
{
	struct hf_written_key key = {};
	u32 *noted, what;

	if (!o)
		return 0;
	key.ino = o->key.ino;
	key.dev = o->key.dev;
	key.generation = o->key.generation;
	noted = bpf_map_lookup_elem(&hf_written, &key);
	what = noted ? *noted : 0;
	if (what & HF_WRITTEN_BYTES || (!what && o->real_magic == KERNEL_MAGIC_FUSE)) {
		o->bits |= HF_FACT_CHANGED;
		return 0;
	}
	if (what & HF_WRITTEN_CAPABILITIES)
		o->bits |= HF_FACT_GAINED_SETID;
	if (!what || (o->bits & (HF_FACT_CHANGED | HF_FACT_WRITER)) != HF_FACT_CHANGED || !(o->kept & OBJECT_SAME_SIZE))
		return 0;
	/* A file that the image did not mean to be run does not become a program by chmod +x. */
	if (op <= HF_OP_EXEC_CHECK && !(o->kept & OBJECT_WAS_PROGRAM))
		return 0;
	o->bits &= ~(HF_FACT_CHANGED | HF_FACT_HIT);
	o->bits |= HF_FACT_COPIED_UP;
	return 0;
}

#endif
