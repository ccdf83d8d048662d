/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Making a record: its sections, paths found by walking up, the way into the ring.
 *
 * Owns: struct detect_scratch between claim and release. Must not know: which events there are.
 * Functions are global, so that the verifier looks at each once. What cannot be read is a flag of the record, never a guess.
 */
#ifndef BPF_LSM_DETECT_RECORD_H
#define BPF_LSM_DETECT_RECORD_H

#include "bpf-lsm/detect_share.h"

#define DETECT_COMPONENTS 512 /* steps of a walk, crossings of mounts included; more is flagged as cut */
#define DETECT_NAME_MASK 0xffu

/* Where the next section's bytes go; 0: the record is full. */
static __always_inline u32 section_begin(struct detect_scratch *s)
{
	u32 at = s->at;

	if (at > DETECT_LAST) {
		s->head.flags |= HF_DETECT_FULL;
		return 0;
	}
	return at + sizeof(struct hf_detect_section);
}

/* Puts the section's head before its bytes, and zeros behind. */
static __always_inline void section_end(struct detect_scratch *s, u32 begin, u32 bytes, u32 kind, u32 flags)
{
	struct hf_detect_section *head;

	asm volatile("" : "+r"(begin), "+r"(bytes)); /* the bounds that count are those of these very registers */
	if (begin < sizeof(*head) || begin > DETECT_LAST + sizeof(*head) || bytes > HF_DETECT_TEXT_BYTES)
		return;
	head = (void *)(s->data + begin - sizeof(*head));
	head->kind = kind;
	head->flags = flags;
	head->bytes = bytes;
	*(u64 *)(s->data + begin + bytes) = 0;
	s->at = begin + ((bytes + 8) & ~7u);
	s->head.sections++;
}

/* A string of the task's, or of the kernel. */
__noinline int put_text(struct detect_scratch *s, u64 from, u32 kind, u32 of_kernel)
{
	u32 begin;
	long n;

	if (!s)
		return -EINVAL;
	begin = section_begin(s);
	if (!begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return -ENOSPC;
	if (of_kernel)
		n = bpf_probe_read_kernel_str(s->data + begin, HF_DETECT_TEXT_BYTES, (void *)from);
	else
		n = bpf_probe_read_user_str(s->data + begin, HF_DETECT_TEXT_BYTES, (void *)from);
	if (n <= 0 || n > HF_DETECT_TEXT_BYTES) {
		s->head.flags |= HF_DETECT_UNREADABLE;
		return -EFAULT;
	}
	section_end(s, begin, n - 1, kind, n == HF_DETECT_TEXT_BYTES ? HF_DETECT_CUT : 0);
	return 0;
}

/* Bytes of the task's, at most max of them (HF_DETECT_TEXT_BYTES is the most). */
__noinline int put_bytes(struct detect_scratch *s, u64 from, u64 bytes, u32 max, u32 kind)
{
	u32 begin, n;

	if (!s)
		return -EINVAL;
	begin = section_begin(s);
	if (!begin || begin > DETECT_LAST + sizeof(struct hf_detect_section))
		return -ENOSPC;
	if (max > HF_DETECT_TEXT_BYTES)
		max = HF_DETECT_TEXT_BYTES;
	n = bytes > max ? max : (u32)bytes;
	if (n > HF_DETECT_TEXT_BYTES)
		return -EINVAL;
	if (bpf_probe_read_user(s->data + begin, n, (void *)from)) {
		s->head.flags |= HF_DETECT_UNREADABLE;
		return -EFAULT;
	}
	section_end(s, begin, n, kind, bytes > max ? HF_DETECT_CUT : 0);
	return 0;
}

/* Appends a name and a slash to the walk; 1: there is no room. A global function: bounds that 6.1 keeps only in registers. */
__noinline int walk_put_name(struct detect_scratch *s, u64 dentry)
{
	const unsigned char *name = BPF_CORE_READ((struct dentry *)dentry, d_name.name);
	u32 len = BPF_CORE_READ((struct dentry *)dentry, d_name.len), at, used;

	if (!s)
		return 1;
	used = s->walk.used;
	if (used >= HF_DETECT_TEXT_BYTES)
		return 1;
	at = s->at + sizeof(struct hf_detect_section) + used;
	len &= DETECT_NAME_MASK;
	asm volatile("" : "+r"(at), "+r"(len));
	if (at > DETECT_LAST + sizeof(struct hf_detect_section) + HF_DETECT_TEXT_BYTES || len > DETECT_NAME_MASK)
		return 1;
	if (bpf_probe_read_kernel(s->data + at, len, name))
		return 0;
	at += len;
	asm volatile("" : "+r"(at));
	if (at >= DETECT_DATA)
		return 1;
	s->data[at] = '/';
	s->walk.used = used + len + 1;
	return 0;
}

/* One step up: a name, or the crossing of a mount point. 1 ends the loop. */
static long detect_walk_step(u32 index, void *data)
{
	struct detect_scratch *s = *(struct detect_scratch **)data;
	struct detect_walk *w = &s->walk;
	struct dentry *dentry = (void *)w->dentry;
	struct mount *mount = (void *)w->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	u32 used = w->used;

	if (w->dentry == w->root_dentry && w->mount == w->root_mount) {
		w->done = 1;
		return 1;
	}
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *up = BPF_CORE_READ(mount, mnt_parent);

		if (up != mount) {
			w->dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
			w->mount = (u64)up;
			return 0;
		}
		w->done = 1;
		if (used) /* the root of the world, or of a detached mount */
			return 1;
	}
	if (dentry == parent) {
		w->done = 1;
		if (used)
			return 1;
	}
	w->dentry = (u64)parent;
	return walk_put_name(s, (u64)dentry) || w->done;
}

/* The path of a dentry below the current task's root, leaf first. The root itself is an empty text. */
__noinline int put_walk(struct detect_scratch *s, u64 dentry, u64 mnt, u32 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	u32 used;

	if (!s)
		return -EINVAL;
	if (!section_begin(s))
		return -ENOSPC;
	s->walk.dentry = dentry;
	s->walk.mount = (u64)real_mount((void *)mnt);
	s->walk.root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	s->walk.root_mount = (u64)real_mount(BPF_CORE_READ(task, fs, root.mnt));
	s->walk.used = s->walk.done = 0;
	bpf_loop(DETECT_COMPONENTS, detect_walk_step, &s, 0);
	used = s->walk.used;
	section_end(s, s->at + sizeof(struct hf_detect_section), used > HF_DETECT_TEXT_BYTES ? HF_DETECT_TEXT_BYTES : used, kind,
		    s->walk.done && used <= HF_DETECT_TEXT_BYTES ? 0 : HF_DETECT_CUT);
	return 0;
}

static __always_inline int put_path_of(struct detect_scratch *s, u64 file, u32 kind)
{
	struct file *f = (void *)file;

	return put_walk(s, (u64)BPF_CORE_READ(f, f_path.dentry), (u64)BPF_CORE_READ(f, f_path.mnt), kind);
}

static __always_inline bool is_to_be_lost(u64 attempted)
{
	u32 every = hf_detect_switches.lose_every;

	return every && attempted % every == 0;
}

/* Hands the record over, and gives the scratch back. */
__noinline int record_send(struct detect_scratch *s)
{
	struct hf_detect_counters *counters;
	u64 attempt, bytes;
	u32 at, type;

	if (!s)
		return -EINVAL;
	at = s->at;
	type = s->head.type;
	counters = counters_of(type);
	s->head.bytes = DETECT_HEAD + at;
	if (!counters || at > DETECT_DATA) {
		scratch_release(s);
		return -EINVAL;
	}
	attempt = __sync_fetch_and_add(&counters->attempted, 1);
	if (s->head.flags & (HF_DETECT_UNREADABLE | HF_DETECT_FULL))
		__sync_fetch_and_add(&counters->incomplete, 1);
	bytes = is_to_be_lost(attempt + 1) ? 0 : s->head.bytes;
	asm volatile("" : "+r"(bytes));
	if (!bytes || bytes > HF_DETECT_RECORD_BYTES || !share_take(s->share, s->head.container, bytes) ||
	    bpf_ringbuf_output(&hf_detect_ring, &s->head, bytes, 0)) {
		__sync_fetch_and_add(&counters->lost, 1);
		share_lose(s->share, s->head.container);
	}
	scratch_release(s);
	return 0;
}

/* An event that could not even be begun. */
static __always_inline void record_lost(u32 type)
{
	struct hf_task_tag *tag = tag_of((void *)bpf_get_current_task_btf());
	struct hf_detect_counters *counters = counters_of(type);

	if (!counters)
		return;
	__sync_fetch_and_add(&counters->attempted, 1);
	__sync_fetch_and_add(&counters->lost, 1);
	share_lose(share_of(tag), tag ? tag->container : 0);
}

static __always_inline void record_filtered(u32 type)
{
	struct hf_detect_counters *counters = counters_of(type);

	if (counters)
		__sync_fetch_and_add(&counters->filtered, 1);
}

#endif
