/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program or library of the image that is written to while somebody has it mapped as code: what runs would change without any exec
 * or mapping. The kernel itself refuses that for programs, not for libraries.
 *
 * Owns: whether an inode is mapped as code. Must not know: what the policy says to it.
 *
 *   I1  What is mapped after the open is refused for its writer (HF_FACT_WRITER): between the two orders there is no gap.
 *   I2  Of an overlay only a file whose bytes are in the writable layer already: another one's are copied up by that very open, and
 *       who has the image's mapped keeps them.
 *   I3  Whoever maps it to read is no matter: the daemon does, and so do tools that look at programs.
 */
#ifndef BPF_LSM_LIVE_H
#define BPF_LSM_LIVE_H

#include "bpf-lsm/access.h"
#include "bpf-lsm/interpreter.h"

#define LIVE_STEPS_MAX 512 /* over mappings of one file, a mapping or a way back each; the loader makes one in four executable */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

struct address_space___live {
	struct rb_root_cached i_mmap;
};

struct rb_node___live {
	unsigned long __rb_parent_color;
};

struct vm_area_struct___live {
	unsigned long vm_flags;
	struct {
		struct rb_node rb;
	} shared;
};

#pragma clang attribute pop

struct live_walk {
	u64 node, from;
	u32 found, ended;
};

/* One step through the tree of mappings: down, or back up. 1 ends the loop. */
static long live_step(u32 index, void *data)
{
	struct live_walk *walk = data;
	struct rb_node *node = (void *)walk->node;
	u64 left = (u64)BPF_CORE_READ(node, rb_left), right = (u64)BPF_CORE_READ(node, rb_right), next;
	u64 up = BPF_CORE_READ((struct rb_node___live *)node, __rb_parent_color) & ~3ull;
	struct vm_area_struct___live *vma = (void *)((u64)node - bpf_core_field_offset(struct vm_area_struct___live, shared.rb));

	if (walk->from == up) {
		walk->found = (BPF_CORE_READ(vma, vm_flags) & KERNEL_VM_EXEC) != 0;
		next = left ? left : right ? right : up;
	} else {
		next = walk->from == left && right ? right : up;
	}
	walk->from = walk->node;
	walk->node = next;
	walk->ended = walk->found || !next;
	return walk->ended;
}

/* Whether somebody has an inode (its address) mapped as code, or nobody can tell. A global function, for its memory. */
__noinline int live_is_code(u64 address)
{
	struct inode *inode = (void *)address;
	struct address_space___live *mapping;
	struct live_walk walk = {};

	if (!inode)
		return 0;
	mapping = (void *)BPF_CORE_READ(inode, i_mapping);
	walk.node = (u64)BPF_CORE_READ(mapping, i_mmap.rb_root.rb_node);
	if (!walk.node)
		return 0;
	bpf_loop(LIVE_STEPS_MAX, live_step, &walk, 0);
	return walk.found || !walk.ended;
}

/* A file (its address) that is mapped as code, opened for writing. 0 or -EPERM. A global function, for its memory. */
__noinline int live_judge(u64 address)
{
	u32 what = access_of(HF_OP_WRITE_IMAGE, HF_REASON_MODIFIED_CODE, HF_DETAIL_MAPPED, 0);
	struct subject s = {};

	if (subject_of_current(&s) != HF_SUBJECT_CONTAINER || !interpreter_entry(address, s.layer_set))
		return 0;
	return judge_access(&s, address, what, 0) ? -EPERM : 0;
}

/* A contained task opens a file for writing that may be its image's. 0 or -EPERM. */
static __always_inline int live_open(struct file *file, unsigned long magic)
{
	u64 inode = address_of(file->f_inode);

	if (magic == KERNEL_MAGIC_OVERLAY)
		inode = overlay_upper_address((void *)inode);
	return live_is_code(inode) && live_judge(address_of(file)) ? -EPERM : 0;
}

#endif
