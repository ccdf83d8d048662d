/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map: key, value, who writes, who reads, size and why, what happens when it is full.
 *
 * Sizes are those of a large node; the daemon may ask for less at the first load (enforcer/lsm_size.c). All of them are pinned
 * by name below HF_PIN_DIR by user space and outlive the daemon. "Daemon" is holdfastd; "hooks" is the kernel half.
 */
#ifndef BPF_LSM_MAPS_H
#define BPF_LSM_MAPS_H

#include "bpf-lsm/kernel.h"
#include "bpf-lsm/likely_args.h"

/* One element: what the hooks must know of the host. Daemon writes by mmap, hooks read. Never full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hf_config);
} hf_config SEC(".maps");

/* One element: the enrolling thread's question and the hook's answer. Both write; only one thread is ever served. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hf_enrol);
} hf_enrol SEC(".maps");

/* Slot -> container. An array, so that a record never moves while a hook reads it; the id inside tells reuse. Daemon writes
 * by mmap, hooks read and count. When all slots are taken the daemon gives the new container its notReady answer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_MAX_CONTAINERS);
	__type(key, u32);
	__type(value, struct hf_container);
} hf_containers SEC(".maps");

/* Slot -> policy, immutable while a container points to it: an exec is judged by one generation. Daemon writes by mmap,
 * hooks read. When full: notReady as above; a reload is refused as a whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_MAX_POLICIES);
	__type(key, u32);
	__type(value, struct hf_policy);
} hf_policies SEC(".maps");

/* Ranges of exceptions, named by policies. Daemon writes by mmap, hooks read on the way to a denial only. When full: as
 * hf_policies. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_MAX_EXCEPTIONS);
	__type(key, u32);
	__type(value, struct hf_exception);
} hf_exceptions SEC(".maps");

/* The catalogue of image-original executables. Written by the enrolment hook (never by user space, which only removes a
 * layer set), read by every judgement. Not preallocated: 1,048,576 entries would cost 120 MB on an idle node. When full:
 * HF_ENROL_FULL, HF_COUNTER_ENROL_FULL, and the container gets its notReady answer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_MAX_CATALOG);
	__type(key, struct hf_catalog_key);
	__type(value, struct hf_catalog_entry);
} hf_catalog SEC(".maps");

/* Which files stand in the catalogue, whosever they are: one bit pattern each, asked before any set is looked through. Written by the
 * enrolment hook, never taken out: what is gone from the catalogue costs a look there. About a byte for each file that the catalogue
 * has room for. Never full: it only gets less sharp. */
struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, HF_MAX_CATALOG);
	__uint(map_extra, 3); /* hashes: one file in thirty is looked up for nothing when the catalogue is full, and hardly any before */
	__type(value, struct hf_layer_file);
} hf_layer_files SEC(".maps");

/* Block device -> HF_STORE_*. Written by the enrolment hook and, for those below, by the daemon. When full: HF_ENROL_NO_MEMORY,
 * and the container gets its notReady answer; for one below, a line of the log. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HF_MAX_STORE_DEVICES);
	__type(key, u32);
	__type(value, u32);
} hf_store_devices SEC(".maps");

/* Root directory or superblock -> container: how an untagged task is found. Daemon writes, hooks read. Two per slot at
 * most, so it cannot fill before hf_containers does. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * HF_MAX_CONTAINERS);
	__type(key, struct hf_root_key);
	__type(value, struct hf_slot_ref);
} hf_roots SEC(".maps");

/* Cgroup id -> container: the second way to find an untagged task. Daemon writes, hooks read; sized as hf_roots. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * HF_MAX_CONTAINERS);
	__type(key, u64);
	__type(value, struct hf_slot_ref);
} hf_cgroups SEC(".maps");

/* Folder of a container's writable layer -> container: whose file it is that is reached below the overlay. Daemon writes, hooks
 * read when somebody outside of containers runs a file. One per slot, so it cannot fill before hf_containers does. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HF_MAX_CONTAINERS);
	__type(key, struct hf_root_key);
	__type(value, struct hf_slot_ref);
} hf_uppers SEC(".maps");

/* One element: a bit for each of those folders. Daemon writes by mmap, hooks read. Never full: it only gets less sharp. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hf_upper_marks);
} hf_upper_marks SEC(".maps");

/* Declared mounts -> enum hf_volume_kind. Daemon writes, hooks read when a file is not on the root's superblock. When full:
 * the container gets its notReady answer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_MAX_VOLUMES);
	__type(key, struct hf_volume_key);
	__type(value, u32);
} hf_volumes SEC(".maps");

/* Image files that were opened for writing, per container. Written by hooks at the open, read before a copied-up file is taken
 * for unchanged; the daemon removes a container's. When full: HF_COUNTER_WRITES_LOST and HF_CONTAINER_WRITES_LOST. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_MAX_WRITTEN);
	__type(key, struct hf_written_key);
	__type(value, u32);
} hf_written SEC(".maps");

/* Slot -> notes that its container has, so that one that writes every file takes no room from the others. Written by hooks. Sized
 * as hf_containers; a container whose share is used up counts as one whose notes found no room. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HF_MAX_CONTAINERS);
	__type(key, u32);
	__type(value, struct hf_written_count);
} hf_written_counts SEC(".maps");

/* That share, by the size that hf_written really has: set before the load. */
const volatile unsigned int written_share = HF_MAX_WRITTEN / HF_WRITTEN_SHARE;

/* What comparing a file's bytes with the image's has told. Hooks write it, when the settling thread asks and when the file is opened
 * for writing; the daemon removes a container's. When full: HF_COUNTER_SETTLE_FULL, and the file counts as modified. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_MAX_SETTLED);
	__type(key, struct hf_settled_key);
	__type(value, struct hf_settled);
} hf_settled SEC(".maps");

/* One element: the settling thread's question and the hook's answer, as hf_enrol. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hf_settling);
} hf_settling SEC(".maps");

/* What the daemon is told that is no event. When full: HF_COUNTER_NOTICES_LOST, and nothing is let through for that. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HF_NOTICE_RING_BYTES);
} hf_notices SEC(".maps");

/* Task -> tag. Written and read by hooks. Pinned outside the version's folder, as HF_PIN_DIR/tasks_vN with HF_TAG_VERSION, so
 * that no task gets free by an upgrade. Failure to allocate: HF_COUNTER_TAG_FAILED, and the fork is refused. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hf_task_tag);
} hf_tasks SEC(".maps");

/* An event under construction. The path must exist before the ring is asked for room (exceptions are matched on it, and a
 * full ring must not change a verdict), a stack is too small and a per-CPU buffer is not safe against preemption. Made at
 * a task's first drift, freed with the task. Failure: HF_COUNTER_EVENTS_NO_MEMORY, the verdict stands. */
struct hf_scratch {
	struct hf_event event;
	union {
		char data[HF_PATH_BYTES + HF_EXE_BYTES + HF_NAME_SLACK];
		struct { /* before there is an event: is it likely to be a script? */
			char args[HF_PATH_BYTES];
			char path[LIKELY_PATH_BYTES];
			char name[LIKELY_NAME_BYTES];
		} text;
	};
	struct likely_args args;
	/* State of the loops in path.h and exception.h. In map memory the verifier does not follow each value it may take. */
	struct {
		u64 dentry, mount, root_dentry, root_mount;
		u32 used, done;
	} walk;
	struct {
		u32 text_at, text_bytes, pattern_bytes;
		u32 t, p;
		u32 star_p, star_t; /* where to go on when a run has to take one byte more */
		u32 deep_p, deep_t;
		u32 matched;
	} glob;
	u64 told; /* bit by enum hf_detail: of this task was told what it tried on the enforcer (guard.h) */
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hf_scratch);
} hf_scratches SEC(".maps");

/* What a task runs, if it is a container's: found out at its first open after an exec. Written and read by hooks. Failure to
 * allocate: it is found out again at each open. */
struct interpreter {
	u64 exec_id; /* task_struct.self_exec_id, which each exec that succeeds raises */
	u32 root_dev;
	u32 layer_set;
	u8 kind; /* enum hf_interpreter, HF_INTERPRETER_EMBEDDED; 0: none */
	u8 loader; /* was loaded by ld.so as its argument */
	u8 tries; /* drifted files whose place on the command line was looked for */
	u8 pad[5];
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct interpreter);
} hf_interpreters SEC(".maps");

/* Drifted files that a program was let run or read, so that one script in one program is one event. Written and read by hooks. The
 * least recently used go when it is full: then one may be told again. */
struct script_key {
	u64 start_ns; /* of the process whose exec began the program; those that it forked are the same program */
	u64 ino;
	u32 dev;
	u32 generation;
};
struct script_note {
	u64 ctime_ns;
	u32 what; /* SCRIPT_TOLD, SCRIPT_EXECUTED */
	u32 pad;
};
#define SCRIPT_TOLD 0x1u
#define SCRIPT_EXECUTED 0x2u /* execve has judged it: what its interpreter reads is no news */
#define SCRIPT_NOTES_MAX 16384
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SCRIPT_NOTES_MAX);
	__type(key, struct script_key);
	__type(value, struct script_note);
} hf_script_notes SEC(".maps");

/* What the survey of an adopted container has reported. Written by the surveys, emptied by the daemon after each. When full: one
 * file may be reported more than once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, HF_MAX_SURVEYED);
	__type(key, struct hf_surveyed_key);
	__type(value, u32);
} hf_surveyed SEC(".maps");

/* The enforcer's own maps, programs and links: nobody else gets at them by number. Daemon writes after each load, hooks read. Ten times
 * what a load has; when full, the daemon does not start. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HF_MAX_OWN);
	__type(key, struct hf_own_key);
	__type(value, u32);
} hf_own SEC(".maps");

/* Events for the daemon. When full: HF_COUNTER_EVENTS_LOST, exactly; verdicts are unaffected. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HF_RING_BYTES);
} hf_events SEC(".maps");

/* Slot -> what its container has of the ring. Hooks write, the daemon reads by mmap. Sized as hf_containers. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HF_MAX_CONTAINERS);
	__type(key, u32);
	__type(value, struct hf_share);
} hf_shares SEC(".maps");

/* enum hf_counter -> count, per CPU. Hooks add, the daemon sums. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, _HF_COUNTER_MAX);
	__type(key, u32);
	__type(value, u64);
} hf_counters SEC(".maps");

/* enum hf_counter -> what other versions had counted when this one took over. Daemon only. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, _HF_COUNTER_MAX);
	__type(key, u32);
	__type(value, u64);
} hf_carried SEC(".maps");

static __always_inline void count(enum hf_counter counter)
{
	u32 key = counter;
	u64 *value = bpf_map_lookup_elem(&hf_counters, &key);

	if (value) /* per CPU, but a sleepable or preempted program may interleave */
		__sync_fetch_and_add(value, 1);
}

static __always_inline struct hf_config *config(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&hf_config, &zero);
}

static __always_inline struct hf_container *container_slot(u32 slot)
{
	return bpf_map_lookup_elem(&hf_containers, &slot);
}

static __always_inline struct hf_policy *policy_slot(u32 slot)
{
	return bpf_map_lookup_elem(&hf_policies, &slot);
}

#endif
