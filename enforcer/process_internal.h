/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the process tree share. */
#ifndef ENFORCER_PROCESS_INTERNAL_H
#define ENFORCER_PROCESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/process_tree.h"

#define PROCESS_HASH 16384 /* slots: a node has some thousand processes */
#define PROCESS_TICK_NS 10000000ull /* what /proc/PID/stat tells a start in, on every architecture */

struct process_tree {
	struct process *hash[PROCESS_HASH];
	struct process *all;
	struct process *leaving; /* exited with the last event: stays until the next */
	size_t n, exited, max;
	size_t text_bytes;
	uint64_t refused, mended;
	void (*forget)(void *user, void *data);
	void *forget_data;
};

/* In the hash, without ties. NULL: full or no memory, counted. */
struct process *process_new(struct process_tree *tree, uint32_t pid, uint64_t start_ns);
/* Throws it away if nothing keeps it, and then what it kept. */
void process_try_free(struct process_tree *tree, struct process *p);
void process_set_parent(struct process_tree *tree, struct process *p, struct process *parent);
void process_set_origin(struct process_tree *tree, struct process *p, struct process *origin);
void process_hash(struct process_tree *tree, struct process *p);
void process_unhash(struct process_tree *tree, struct process *p);
/* Puts a text (its reference is taken over; NULL: none) in place of another. */
void process_set_text(struct process_tree *tree, struct process_text **to, struct process_text *text);
struct process_text *process_text_share(struct process_text *text); /* NULL-safe */

/* One process as the child of a scan sends it; an announcement ends before the texts. */
struct process_facts {
	struct process process; /* without pointers */
	bool is_announcement;	/* "now comes this one" */
	bool args_cut;
	uint32_t exe_bytes, cwd_bytes, args_bytes;
	char exe[HF_DETECT_TEXT_BYTES + 1], cwd[HF_DETECT_TEXT_BYTES + 1], args[HF_DETECT_TEXT_BYTES + 1];
};
#define PROCESS_FACTS_HEAD offsetof(struct process_facts, exe)

/* The next process above a number; 0: none. For one walk through /proc in each process of ours: /proc lists in order. */
uint32_t process_proc_next(uint32_t after);
/* Fills in all but the pid, which stands there. May block. 0; -ESRCH: it has gone. */
int process_proc_read(uint32_t pid, struct process_facts *facts);

#endif
