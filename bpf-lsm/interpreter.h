/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is the current task an interpreter of its image, and which?
 *
 * Owns: the note of what a task runs, and when it is out of date. Must not know: what such a task may read.
 *
 *   I1  The file that runs decides, by its inode: another name, a link, a rename or a copy that chmod made change nothing.
 *   I2  The note holds for one exec that succeeded: the kernel counts them. A failing exec changes nothing.
 *   I3  ld.so that was handed a program is what it opens: it maps no interpreter without opening it first.
 *   I4  Most programs interpret nothing: that the task's tag says, from exec on and in its children, and no note is made. Each exec of a
 *       container's task writes the tag's bits anew before anything of it runs; one that fails leaves the number of the next, which
 *       writes its own.
 */
#ifndef BPF_LSM_INTERPRETER_H
#define BPF_LSM_INTERPRETER_H

#include "bpf-lsm/object.h"
#include "bpf-lsm/subject.h"

/* The image's file behind an inode, whether or not it was copied up. */
static __always_inline struct inode *image_inode(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode), *lower;
	u8 detail = 0;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != KERNEL_MAGIC_OVERLAY)
		return inode;
	lower = overlay_lower_inode(inode);
	return lower ? lower : real_data_inode(file, &detail);
}

/* … of the image's file that a file of the writable layer stands for (settle.h). */
static __always_inline u64 interpreter_in_place(const struct hf_catalog_key *file)
{
	struct hf_settled_key key = { .ino = file->ino, .dev = file->dev, .generation = file->generation };
	struct hf_settled *known = bpf_map_lookup_elem(&hf_settled, &key);

	return known && known->kind == HF_SETTLED_EQUAL && known->layer_set == file->layer_set ? known->state : 0;
}

/* State of the catalogue's entry for a file (its address), copied up or not; 0: it has none. A global function: its memory is not its
 * callers'. */
__noinline u64 interpreter_entry(u64 file, u32 layer_set)
{
	struct inode *inode = file ? image_inode((struct file *)file) : NULL;
	struct hf_catalog_key key = {};
	struct hf_catalog_value value = {};
	struct hf_catalog_entry *known;

	if (!inode)
		return 0;
	identify_inode(inode, &key, &value);
	key.layer_set = layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, &key);
	return known ? known->state : interpreter_in_place(&key);
}

/* enum hf_interpreter and HF_INTERPRETER_EMBEDDED; 0: it interprets nothing. */
static __always_inline u32 interpreter_of_file(u64 file, u32 layer_set)
{
	return interpreter_entry(file, layer_set) >> HF_ENTRY_INTERPRETER_SHIFT & HF_INTERPRETER_MASK;
}

static __always_inline u32 interpreter_exec_bits(u64 execs)
{
	return (u32)execs << HF_TAG_EXEC_SHIFT;
}

/* I4: an exec found a program of the image that interprets nothing. The tag is of the exec that is on its way. */
static __always_inline void interpreter_is_none(struct hf_task_tag *tag)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	tag->flags |= HF_TAG_NO_INTERPRETER | interpreter_exec_bits(task->self_exec_id + 1);
}

/* I4: whether the current task's tag says so, of the program that it runs. */
static __always_inline bool interpreter_is_known_none(struct task_struct *task)
{
	struct hf_task_tag *tag = tag_of(task);

	return tag && tag->flags & HF_TAG_NO_INTERPRETER &&
	       tag->flags >> HF_TAG_EXEC_SHIFT == interpreter_exec_bits(task->self_exec_id) >> HF_TAG_EXEC_SHIFT;
}

/* The note of the current task, NULL: there is none that still holds. */
static __always_inline struct interpreter *interpreter_note(struct task_struct *task)
{
	struct interpreter *note = bpf_task_storage_get(&hf_interpreters, (void *)task, 0, 0);

	return note && note->exec_id == task->self_exec_id ? note : NULL;
}

/* Finds out what the current task runs and notes it, if it is a container's. Returns the kind; 0: no interpreter. */
__noinline u32 interpreter_learn(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct interpreter *note;
	struct subject s = {};
	u32 kind;

	if (subject_of_current(&s) != HF_SUBJECT_CONTAINER)
		return 0;
	kind = interpreter_of_file((u64)BPF_CORE_READ(task, mm, exe_file), s.layer_set);
	note = bpf_task_storage_get(&hf_interpreters, (void *)task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!note) {
		count(HF_COUNTER_TAG_FAILED);
		return kind;
	}
	note->exec_id = task->self_exec_id;
	note->root_dev = s.root_dev;
	note->layer_set = s.layer_set;
	note->kind = kind;
	note->loader = note->tries = 0;
	return kind;
}

#endif
