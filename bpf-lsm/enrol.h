/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Enrolment: the daemon shows a file, the kernel half writes its key.
 *
 * Owns: who may enrol (one registered thread of the daemon, known by its kernel address and start time) and what is
 * refused (data in the writable layer, another superblock). Must not know: which files those are, or why.
 */
#ifndef BPF_LSM_ENROL_H
#define BPF_LSM_ENROL_H

#include "bpf-lsm/plain.h"
#include "bpf-lsm/store.h"

static __always_inline struct hf_enrol *enrol_slot(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&hf_enrol, &zero);
}

/* The open question of the current task, NULL when it is not the enroller or asks nothing. */
static __always_inline struct hf_enrol *enrol_asked(void)
{
	struct hf_enrol *enrol = enrol_slot();
	struct task_struct *task;

	/* The first answer counts: overlay's statfs asks the file system below as well. */
	if (!enrol || !enrol->active || enrol->status != HF_ENROL_PENDING)
		return NULL;
	task = (void *)bpf_get_current_task_btf();
	if ((u64)task != enrol->task || task->start_boottime != enrol->start_ns)
		return NULL;
	return enrol;
}

/* What interpreter it is, a scan does not know yet, and another scan of the same files must not forget. */
static __always_inline u64 entry_interpreter(const struct hf_catalog_entry *entry)
{
	return entry->state & (u64)HF_INTERPRETER_MASK << HF_ENTRY_INTERPRETER_SHIFT;
}

/* inode: that the object's key names. */
static __always_inline u32 catalog_add(struct object *o, struct inode *inode, u32 layer_set)
{
	struct hf_catalog_entry entry = entry_of(&o->value), *known;
	long err;

	o->key.layer_set = layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, &o->key);
	if (known)
		entry.state |= entry_interpreter(known);
	if (known && known->ctime_ns == entry.ctime_ns && known->state == entry.state)
		return HF_ENROL_KNOWN;
	if (store_add(inode, &o->key))
		return HF_ENROL_NO_MEMORY;
	err = (int)bpf_map_update_elem(&hf_catalog, &o->key, &entry, BPF_ANY); /* 32 bits up to 6.3 */
	if (!err) {
		count(HF_COUNTER_ENROLLED);
		return HF_ENROL_ADDED;
	}
	count(HF_COUNTER_ENROL_FULL);
	return err == -E2BIG ? HF_ENROL_FULL : HF_ENROL_NO_MEMORY;
}

/*
 * Of a file of the writable layer: does the catalogue have the image's file that it was copied from? Nothing is written. A copy that
 * somebody can write at this moment, without another open that would be seen, is not compared: HF_ENROL_WRITER.
 */
static __always_inline u32 enrol_look(const struct hf_enrol *enrol, struct object *o)
{
	struct inode *lower = o->bits & HF_FACT_UPPER_DATA ? overlay_lower_inode(o->inode) : NULL;
	struct hf_catalog_key key = {}; /* on the stack: 6.1 takes a key from nowhere else */

	if (!lower)
		return o->bits & HF_FACT_UPPER_DATA ? HF_ENROL_UPPER : HF_ENROL_UNLISTED;
	identify_inode(lower, &key, &o->value);
	key.layer_set = enrol->layer_set;
	o->key = key;
	if (!bpf_map_lookup_elem(&hf_catalog, &key))
		return HF_ENROL_COPIED_DATA;
	return !o->real || inode_has_writer(o->real) ? HF_ENROL_WRITER : HF_ENROL_COPIED_UP;
}

/* A file of the writable layer: it is refused, but the image's file that it was copied from may be wanted. */
static __always_inline u32 enrol_upper(const struct hf_enrol *enrol, struct object *o)
{
	struct inode *lower = overlay_lower_inode(o->inode);

	if (!lower)
		return HF_ENROL_UPPER;
	identify_inode(lower, &o->key, &o->value);
	if (enrol->flags & HF_ENROL_LOWER)
		return catalog_add(o, lower, enrol->layer_set);
	return inode_has_writer(o->real) ? HF_ENROL_WRITER : HF_ENROL_COPIED_UP;
}

/* Which interpreter a file of the catalogue is. A copy of it in the writable layer stands for the image's own. The first word counts. */
static __always_inline u32 enrol_mark(const struct hf_enrol *enrol, struct object *o)
{
	struct inode *lower = o->bits & HF_FACT_UPPER_DATA ? overlay_lower_inode(o->inode) : o->real;
	u64 interpreter = enrol->flags >> HF_ENROL_INTERPRETER_SHIFT & HF_INTERPRETER_MASK;
	struct hf_catalog_key key = {}; /* on the stack: 6.1 takes a key from nowhere else */
	struct hf_catalog_entry *known;

	if (!lower)
		return HF_ENROL_UNLISTED;
	identify_inode(lower, &key, &o->value);
	key.layer_set = enrol->layer_set;
	o->key = key;
	known = bpf_map_lookup_elem(&hf_catalog, &key);
	if (!known)
		return HF_ENROL_UNLISTED;
	if (!entry_interpreter(known))
		__sync_fetch_and_or(&known->state, interpreter << HF_ENTRY_INTERPRETER_SHIFT);
	return HF_ENROL_KNOWN;
}

/* Answers: may this file stand in the catalogue, and does it now? Anonymous memory is no question. A global function: its memory
 * is not the hook's. */
__noinline int enrol_file(u64 file)
{
	struct hf_enrol *enrol = enrol_slot();
	struct object o = {};

	if (!file || !enrol)
		return 0;
	object_resolve(&o, file);
	enrol->magic = o.real_magic;
	if (o.detail || !o.real || !enrol->layer_set) {
		enrol->status = HF_ENROL_UNDECIDABLE;
	} else if (o.dev != enrol->root_dev) {
		enrol->status = HF_ENROL_WORLD;
	} else if (enrol->flags & HF_ENROL_MARK) {
		enrol->status = enrol_mark(enrol, &o);
	} else if (enrol->flags & HF_ENROL_LOOK) {
		enrol->status = enrol_look(enrol, &o);
	} else if (enrol->flags & HF_ENROL_REFUSE_UPPER && o.bits & HF_FACT_UPPER_DATA) {
		enrol->status = enrol_upper(enrol, &o);
	} else if (enrol->flags & HF_ENROL_WATCH && plain_watch(&o)) {
		enrol->status = HF_ENROL_NO_MEMORY;
	} else {
		enrol->status = catalog_add(&o, o.real, enrol->layer_set);
	}
	enrol->key = o.key;
	enrol->value = o.value;
	return 0;
}

/* Which folder is the upper one of an overlay's folder: the daemon reads its path from mountinfo and must not walk another. */
static __always_inline void enrol_identify_upper(struct hf_enrol *enrol, struct inode *inode)
{
	struct dentry *dentry = BPF_CORE_READ(overlay_inode(inode), __upperdentry);
	struct inode *upper = dentry ? BPF_CORE_READ(dentry, d_inode) : NULL;

	enrol->value.cookie = upper ? BPF_CORE_READ(upper, i_ino) : 0;
	enrol->value.ctime_ns = upper ? inode_dev(upper) : 0;
}

/* Answers: what does the kernel call this file or folder? */
static __always_inline void enrol_identify(struct hf_enrol *enrol, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	if (!inode)
		return;
	enrol->key.ino = BPF_CORE_READ(inode, i_ino);
	enrol->key.dev = inode_dev(inode);
	enrol->key.generation = BPF_CORE_READ(inode, i_generation);
	enrol->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	if (enrol->magic == KERNEL_MAGIC_OVERLAY)
		enrol_identify_upper(enrol, inode);
	enrol->status = enrol->key.dev ? HF_ENROL_IDENTIFIED : HF_ENROL_UNDECIDABLE;
}

#endif
