/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of the node as detection rules see them, kept up from events.
 *
 * Owns: one struct process for each process that lives, and for each that is gone but has descendants who live. Must not
 * know: rules, containers, where events come from. Not thread-safe.
 *
 * A process is told from a later one of the same pid by its start. What events did not say (lost ones) is unknown, never
 * somebody else's.
 */
#ifndef ENFORCER_PROCESS_TREE_H
#define ENFORCER_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/stream.h"

#define PROCESS_TREE_MAX 131072 /* processes: a node's pid_max is 32768 or 4194304; beyond this new ones are not kept */
#define PROCESS_ANCESTORS_MAX 64 /* steps up that are looked at; no more ancestors in a row are kept after their exit */

/* Texts of a process: counted, shared by fork until an exec. */
struct process_text {
	uint32_t references;
	uint32_t len;
	bool cut;
	char data[]; /* NUL behind it */
};

struct process {
	uint32_t pid, ppid;
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	uint64_t exec_ns;	/* … of the last exec that was seen, else start_ns */
	uint64_t exit_ns;	/* 0: lives */
	uint64_t cgroup, container; /* as the head of its last event said */
	uint64_t root_ino;
	uint32_t root_dev, mnt_ns, pid_ns, user_ns;
	uint64_t cap_effective, cap_permitted, cap_inheritable;
	uint32_t vpid, vppid, pgid, vpgid, sid, vsid;
	uint32_t uid, euid, gid, egid, loginuid, tty;
	bool host;		/* HF_DETECT_HOST */
	bool from_proc;		/* known from /proc: start_ns is rounded down to 1/100 s */
	bool incomplete;	/* its exec was not seen: no arguments, no exepath */
	bool kthread;
	char comm[HF_DETECT_COMM_BYTES]; /* NUL-terminated */
	struct process_text *exepath, *args, *env, *cwd; /* NULL: not known */
	struct hf_detect_file exe_file; /* .ino 0: not known */
	struct process *parent;	/* as it is now: after the parent's exit its reaper; NULL: not known */
	struct process *origin;	/* who forked it, alive or not; NULL: not known */
	void *user;		/* the owner's: 0 at first, told to forget before the process goes */
	/* process_tree.c's */
	struct process *hash_next, *all_next, *all_prev;
	struct process *children, *sibling_next, *sibling_prev; /* by parent */
	uint32_t holders;	/* how often it is somebody's parent or origin */
	bool hashed;
};

struct process_tree;

/* @forget: NULL, or called with what is in .user before a process is thrown away. 0, -ENOMEM. */
int process_tree_new(size_t max, void (*forget)(void *user, void *data), void *data, struct process_tree **ret);
void process_tree_free(struct process_tree **tree);

/**
 * process_tree_apply - what an event says about processes
 *
 * Makes and changes what is needed: fork, exec, exit, change of parent, ids, working directory; any event makes a process
 * that was not known. An exited process stays as it is until the next event is applied.
 * O(1); allocates at fork and exec. Return: the event's process, borrowed until the next call; NULL: no memory, or full
 * (counted).
 */
struct process *process_tree_apply(struct process_tree *tree, const struct stream_event *event);

/* The living process of that pid, NULL: none. */
struct process *process_tree_find(const struct process_tree *tree, uint32_t pid);
/* The n-th ancestor: 0 itself, 1 its parent. As it is now (reparented, Falco's view); NULL: not known, or none. */
const struct process *process_ancestor(const struct process *process, unsigned int n);
/* The same by who forked whom, whatever has exited since. */
const struct process *process_origin(const struct process *process, unsigned int n);

/* exe: argv[0]. NULL-safe in what is not known: *ret_len 0 and "". Borrowed. */
const char *process_exe(const struct process *process, uint32_t *ret_len);

struct process_tree_counts {
	size_t processes;	/* living and kept */
	size_t exited;		/* … of which have exited */
	size_t bytes;		/* memory of processes and their texts */
	uint64_t refused;	/* processes that were not kept: full, or no memory */
	uint64_t mended;	/* events whose process was not known, or whose exec was lost */
};
void process_tree_count(const struct process_tree *tree, struct process_tree_counts *ret);

/* All processes in order of their start: recordings, tests. fn is not to change the tree. O(n log n). */
int process_tree_walk(const struct process_tree *tree, int (*fn)(const struct process *process, void *data), void *data);
/* Adds one as told by /proc or a recording: its own fields, not its ties; texts get a further reference. -EEXIST: that pid lives
 * in the tree, -ENOMEM, -ENOSPC. */
int process_tree_add(struct process_tree *tree, const struct process *process);
/* Ties parents and origins of what was added, by ppid. */
void process_tree_tie(struct process_tree *tree);

struct process_text *process_text_new(const char *data, size_t len, bool cut); /* NULL: no memory */
void process_text_unref(struct process_text **text);

/**
 * process_scan - learn what runs from /proc
 * @timeout_ms: for one process that does not answer: its memory may lie on a file system that hangs; it is left out then
 *
 * Forks a child that reads /proc and reports by a pipe: only before threads and confinement. Blocks for the time of the
 * scan (10,000 processes: about 1 s). Processes that events told meanwhile are kept as these say. Return: how many were
 * added, or -errno.
 */
int process_scan(struct process_tree *tree, unsigned int timeout_ms);

#endif
