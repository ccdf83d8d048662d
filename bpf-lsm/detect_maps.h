/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps and switches of detect.bpf.c. None is pinned: they go with the daemon.
 *
 * Owns: where records are made and go, what is switched on, what is counted. Must not know: what a record holds.
 */
#ifndef BPF_LSM_DETECT_MAPS_H
#define BPF_LSM_DETECT_MAPS_H

#include "bpf-lsm/detect_kernel.h"

#define DETECT_HEAD sizeof(struct hf_detect_head)
#define DETECT_DATA (HF_DETECT_RECORD_BYTES - DETECT_HEAD)
#define DETECT_SLACK 304u /* a name beyond a path's end, the section's head, zeros behind its end */
#define DETECT_LAST (DETECT_DATA - HF_DETECT_TEXT_BYTES - DETECT_SLACK) /* where the last section may begin */
#define DETECT_NESTED 3 /* programs of one CPU that were preempted in the middle; kernels up to 6.18 never do that */

/* Records on their way to user space, which reads. Full: the record is counted as lost. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* user space's to choose */
} hf_detect_ring SEC(".maps");

/* A walk up from a file; in map memory, where the verifier does not follow each value. Numbers, since it has no types there. */
struct detect_walk {
	u64 dentry, mount;
	u64 root_dentry, root_mount;
	u32 used;
	u32 done;
};

/* A record under construction. .busy: between claim and release. */
struct detect_scratch {
	u32 busy;
	u32 at; /* how much of .data there is */
	u32 wants;
	u32 share; /* whose record it is */
	struct hf_detect_call call;
	struct detect_walk walk;
	struct hf_detect_head head;
	u8 data[DETECT_DATA]; /* right behind the head */
};

_Static_assert(sizeof(struct detect_scratch) <= 32768, "per-CPU memory comes in pieces of 32 KiB");
_Static_assert(__builtin_offsetof(struct detect_scratch, data) - __builtin_offsetof(struct detect_scratch, head) == DETECT_HEAD,
	       "the sections follow the head");

/* Program of a CPU -> where it makes its record. A kernel that may preempt one in the middle needs more than one. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DETECT_NESTED);
	__type(key, u32);
	__type(value, struct detect_scratch);
} hf_detect_room SEC(".maps");

/* enum hf_detect_type -> what became of such events. Written here, summed up by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _HF_DETECT_MAX);
	__type(key, u32);
	__type(value, struct hf_detect_counters);
} hf_detect_count SEC(".maps");

/* enum hf_detect_unseen -> how often. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _HF_DETECT_UNSEEN_MAX);
	__type(key, u32);
	__type(value, u64);
} hf_detect_unseen SEC(".maps");

struct detect_prefix {
	u32 bits;
	u8 path[HF_DETECT_PREFIX_BYTES];
};

/* Beginnings of paths -> the classes (bits) that they let through, with those of the shorter ones. Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, HF_DETECT_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct detect_prefix);
	__type(value, u64);
} hf_detect_prefixes SEC(".maps");

struct detect_name {
	char comm[HF_DETECT_COMM_BYTES];
};

/* Names of processes -> the classes that they let through. Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HF_DETECT_NAMES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct detect_name);
	__type(value, u64);
} hf_detect_names SEC(".maps");

/* Whose a task is. The enforcing half's own map, put in place of this one before loading; alone, nobody writes here. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hf_task_tag);
} hf_tasks SEC(".maps");

struct hf_detect_switches hf_detect_switches;
struct hf_detect_share hf_detect_shares[HF_DETECT_SHARES];

static __always_inline struct hf_task_tag *tag_of(struct task_struct *task)
{
	return bpf_task_storage_get(&hf_tasks, (void *)task, 0, 0);
}

static __always_inline struct hf_detect_counters *counters_of(u32 type)
{
	return bpf_map_lookup_elem(&hf_detect_count, &type);
}

/* Atomic, since a program may be preempted by another of its CPU. */
static __always_inline void detect_count_unseen(u32 what)
{
	u64 *count = bpf_map_lookup_elem(&hf_detect_unseen, &what);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline struct detect_scratch *scratch_claim(void)
{
	for (u32 i = 0; i < DETECT_NESTED; i++) {
		u32 key = i;
		struct detect_scratch *s = bpf_map_lookup_elem(&hf_detect_room, &key);

		if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) {
			s->at = 0;
			s->head.sections = 0;
			return s;
		}
	}
	return NULL;
}

static __always_inline void scratch_release(struct detect_scratch *s)
{
	*(volatile u32 *)&s->busy = 0;
}

#endif
