/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes that the daemon compares: its questions, and what its answers are worth at an exec.
 *
 * Owns: the entries of hf_settled. Must not know: how bytes are compared, what the policy says to the result.
 *
 *   I1  BEGIN makes an entry where nobody can write the file, END completes it where it still stands and still nobody can. Every
 *       open for writing in between has removed it (settled.h, I1), and a descriptor that was open before was seen by BEGIN.
 *   I2  So EQUAL needs no change time: chmod and chown after it change no byte. What may be changed without any open that is seen
 *       (bytes of the upper file itself, by the host) has one more guard for COPY and DIFFERENT, which hold for that very state.
 *   I3  A file that the image did not mean to be run does not become a program by a copy or by chmod +x, nor does a file keep an
 *       answer with setuid, setgid or capabilities that the image's had not.
 *   I4  EQUAL holds whatever the overlay knows below the file: the copy of one that had several names loses its origin when its root is
 *       mounted again, and that of one whose bytes lie in another layer than its name forgets which layer.
 */
#ifndef BPF_LSM_SETTLE_H
#define BPF_LSM_SETTLE_H

#include "bpf-lsm/copyup.h"

/* --- at an exec ------------------------------------------------------------------------------------------------------- */

/* What the entry says of the file as it is. ASKED: nothing. */
static __always_inline u32 settled_kind(const struct hf_settled *known, const struct object *o, u32 layer_set)
{
	u64 state = entry_size(&o->value) | o->value.cookie << HF_ENTRY_COOKIE_SHIFT;

	if (!known || known->layer_set != layer_set)
		return HF_SETTLED_ASKED;
	if (known->kind == HF_SETTLED_EQUAL) {
		u64 size_mask = ((1ull << HF_ENTRY_SIZE_BITS) - 1) << HF_ENTRY_SIZE_SHIFT;

		return (known->state ^ state) & size_mask ? HF_SETTLED_ASKED : HF_SETTLED_EQUAL;
	}
	if (known->ctime_ns != o->value.ctime_ns || (known->state ^ state) >> HF_ENTRY_SIZE_SHIFT)
		return HF_SETTLED_ASKED;
	return known->kind;
}

/* The image's file in the catalogue that this one lies over, or was. NULL: none, or it is not what it was. */
static __always_inline struct hf_catalog_entry *settle_image(struct object *o, u32 layer_set, struct hf_catalog_key *key)
{
	struct hf_catalog_value now = {};
	struct hf_catalog_entry *known;
	struct inode *lower;

	if (!(o->bits & HF_FACT_OVERLAY)) {
		*key = o->key;
		key->layer_set = layer_set;
		return bpf_map_lookup_elem(&hf_catalog, key);
	}
	lower = overlay_bytes_inode(o->inode);
	if (!lower)
		return NULL;
	identify_inode(lower, key, &now);
	key->layer_set = layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, key);
	return known && is_unchanged(known, &now) ? known : NULL;
}

/* I3 */
static __always_inline bool settle_may_run(u64 state, u32 op)
{
	return op > HF_OP_EXEC_CHECK || state & HF_ENTRY_EXECUTABLE;
}

/* Whether the file was given capabilities while it was watched. */
static __always_inline bool settle_has_capabilities(struct object *o, const struct subject *s)
{
	struct inode *named = o->bits & HF_FACT_OVERLAY ? overlay_named_inode(o->inode) : o->real;
	struct hf_written_key key = {};

	if (!named)
		return false;
	written_key(&key, o->bits & HF_FACT_OVERLAY ? s->id : 0, named);
	return copyup_noted(key.container, key.ino, (u64)key.dev << 32 | key.generation) & HF_WRITTEN_CAPABILITIES;
}

/* Its bytes are those of an image's file, whose HF_ENTRY_* are in state. */
static __always_inline void settle_believe(struct object *o, struct subject *s, struct hf_facts *f, u64 state)
{
	struct hf_catalog_entry image = { .state = state };

	if (!settle_may_run(state, f->op))
		return;
	f->compared = HF_COMPARED_SETTLED;
	o->bits &= ~(HF_FACT_CHANGED | HF_FACT_HIT);
	o->bits |= HF_FACT_COPIED_UP;
	if (gained_setid(&image, o->mode) || settle_has_capabilities(o, s))
		o->bits |= HF_FACT_GAINED_SETID;
}

/* Over an image file, and as long as it: nobody knows whether its bytes are the image's. */
static __always_inline void settle_unknown(struct object *o, struct subject *s, struct hf_facts *f)
{
	struct hf_catalog_key key = {};
	struct hf_catalog_entry *image = settle_image(o, s->layer_set, &key);

	if (image && entry_has_size(image, &o->value) && settle_may_run(image->state, f->op))
		f->compared = HF_COMPARED_UNSETTLED;
}

/* Facts of a file on the container's root that nothing else has shown to be the image's. A global function, as judge_drift. */
__noinline int settle_prove(struct object *o, struct subject *s, struct hf_facts *f)
{
	struct hf_settled_key key = {};
	struct hf_settled *known;
	u32 kind;

	if (!o || !s || !f || !o->real || !s->layer_set)
		return 0;
	key.ino = o->key.ino;
	key.dev = o->key.dev;
	key.generation = o->key.generation;
	known = bpf_map_lookup_elem(&hf_settled, &key);
	kind = settled_kind(known, o, s->layer_set);
	if (inode_has_writer(o->real)) {
		o->bits |= HF_FACT_WRITER;
		return 0;
	}
	if (known && kind == HF_SETTLED_EQUAL) { /* I4 */
		settle_believe(o, s, f, known->state);
	} else if (o->bits & (HF_FACT_HIT | HF_FACT_HAS_LOWER)) {
		if (kind != HF_SETTLED_DIFFERENT) /* a copy of what, was not asked: by a name without an image file */
			settle_unknown(o, s, f);
	} else if (known && kind == HF_SETTLED_COPY && settle_may_run(known->state, f->op)) {
		f->compared = o->mode & (KERNEL_S_ISUID | KERNEL_S_ISGID) ? HF_COMPARED_NOT : HF_COMPARED_COPY;
	}
	return 0;
}

/* --- the daemon's questions ------------------------------------------------------------------------------------------- */

static __always_inline struct hf_settling *settle_slot(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&hf_settling, &zero);
}

/* The open question of the current task, NULL when it is not the one that registered or asks nothing. */
static __always_inline struct hf_settling *settle_asked(void)
{
	struct hf_settling *q = settle_slot();
	struct task_struct *task;

	if (!q || !q->active || q->status != HF_SETTLE_PENDING)
		return NULL;
	task = (void *)bpf_get_current_task_btf();
	return (u64)task == q->task && task->start_boottime == q->start_ns ? q : NULL;
}

/* From here on the next open for writing is news again. */
static __always_inline void settle_looks(const struct hf_settling *q, struct object *o)
{
	struct inode *named = q->on_overlay ? overlay_named_inode(o->inode) : o->real;
	struct hf_written_key key = {};
	u32 *noted;

	if (!named)
		return;
	written_key(&key, q->on_overlay ? q->container : 0, named);
	noted = bpf_map_lookup_elem(&hf_written, &key);
	if (noted)
		__sync_fetch_and_and(noted, ~HF_WRITTEN_TOLD);
}

/* Of the overlay's inode as well: between its open and that of the file below only the former tells. */
static __always_inline bool settle_is_written(const struct object *o)
{
	return inode_has_writer(o->real) || inode_has_writer(o->inode);
}

static __always_inline void settle_fill(struct hf_settled *value, const struct hf_settling *q, const struct object *o)
{
	value->container = q->container;
	value->layer_set = q->layer_set;
	value->ctime_ns = o->value.ctime_ns;
	value->state = entry_size(&o->value) | o->value.cookie << HF_ENTRY_COOKIE_SHIFT;
}

/*
 * Where in its layer the file lies that has the image's bytes, if not under the name that it has for the user. By the overlay inode's
 * address; a global function: its memory is not its caller's.
 */
__noinline int settle_tell_place(u64 address)
{
	struct ovl_path *level = address ? overlay_split_level((void *)address) : NULL;
	struct hf_settling *q = settle_slot();
	struct hf_scratch *scratch;
	struct path_job job = {};
	struct dentry *dentry;
	struct vfsmount *mnt;

	if (!level || !q)
		return 0;
	mnt = BPF_CORE_READ(level, layer, mnt);
	dentry = BPF_CORE_READ(level, dentry);
	if (!mnt || !dentry)
		return 0;
	job.path.mnt = mnt;
	job.path.dentry = dentry;
	job.root_mnt = (u64)mnt;
	job.root_dentry = (u64)BPF_CORE_READ(mnt, mnt_root);
	scratch = bpf_task_storage_get(&hf_scratches, (void *)bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!scratch || path_write(&job) || job.cut || job.bytes > HF_SETTLE_PLACE_BYTES)
		return 0;
	if (bpf_probe_read_kernel(q->place, HF_SETTLE_PLACE_BYTES, scratch->data) == 0)
		q->place_bytes = job.bytes;
	return 0;
}

#define SETTLE_FLAGS (HF_ENTRY_SETUID | HF_ENTRY_SETGID | HF_ENTRY_EXECUTABLE)

/* By another of its names the file was compared with the image's, and holds its bytes: that says more than whose copy it is. */
static __always_inline bool settle_is_known(const struct hf_settled_key *file, const struct hf_settling *q, const struct object *o)
{
	struct hf_settled_key key = *file;

	return settled_kind(bpf_map_lookup_elem(&hf_settled, &key), o, q->layer_set) == HF_SETTLED_EQUAL;
}

/* The image's file that it lies over, or is. NULL: none. */
static __always_inline struct hf_catalog_entry *settle_name_image(struct hf_settling *q, struct object *o)
{
	struct hf_catalog_key key = {};
	struct hf_catalog_entry *image = settle_image(o, q->layer_set, &key);

	q->image.ino = image ? key.ino : 0;
	q->image.dev = key.dev;
	q->image.generation = key.generation;
	if (image) {
		q->image_bytes = image->state >> HF_ENTRY_SIZE_SHIFT & ((1ull << HF_ENTRY_SIZE_BITS) - 1);
		q->image_ctime_ns = image->ctime_ns;
	}
	return image;
}

/*
 * Whether the bytes are the image's: those of a layer, or of a plain root's file that was watched from its enrolment on and not opened for
 * writing, or bytes that were compared.
 */
static __always_inline u32 settle_learn(struct hf_settling *q, struct object *o)
{
	struct hf_catalog_entry *image = settle_name_image(q, o);
	struct hf_settled_key file = q->file;
	u32 *noted;

	if (!image || !entry_has_size(image, &o->value))
		return HF_SETTLE_FOREIGN;
	q->entry = image->state & SETTLE_FLAGS;
	if (settle_is_written(o))
		return HF_SETTLE_WRITER;
	if (settle_is_known(&file, q, o))
		return HF_SETTLE_ORIGINAL;
	if (q->on_overlay)
		return o->bits & HF_FACT_UPPER_DATA ? HF_SETTLE_MOVED : HF_SETTLE_ORIGINAL;
	noted = plain_note(o->real);
	return noted && (*noted & (HF_WRITTEN_WATCHED | HF_WRITTEN_BYTES)) == HF_WRITTEN_WATCHED ? HF_SETTLE_ORIGINAL : HF_SETTLE_MOVED;
}

static __always_inline u32 settle_begin(struct hf_settling *q, struct object *o)
{
	struct hf_settled value = { .kind = HF_SETTLED_ASKED };
	struct hf_settled_key file = q->file; /* on the stack: 6.1 takes a key from nowhere else */
	struct hf_catalog_entry *image = settle_name_image(q, o);

	if (!image && q->kind != HF_SETTLED_COPY)
		return HF_SETTLE_FOREIGN;
	if (image)
		settle_looks(q, o);
	if (settle_is_written(o))
		return HF_SETTLE_WRITER;
	if (q->on_overlay && !(o->bits & HF_FACT_UPPER_DATA))
		return HF_SETTLE_ORIGINAL;
	if (q->on_overlay && (u64)o->real != overlay_upper_address(o->inode)) /* copied up since it was opened for this */
		return HF_SETTLE_WRITER;
	if (!image && settle_is_known(&file, q, o))
		return HF_SETTLE_ORIGINAL;
	settle_fill(&value, q, o);
	if (image)
		value.state |= image->state & SETTLE_FLAGS;
	if (bpf_map_update_elem(&hf_settled, &file, &value, BPF_ANY)) {
		count(HF_COUNTER_SETTLE_FULL);
		return HF_SETTLE_FULL;
	}
	return HF_SETTLE_BEGUN;
}

/* I1 */
static __always_inline u32 settle_end(struct hf_settling *q, struct object *o)
{
	struct hf_settled_key file = q->file;
	struct hf_settled *begun = bpf_map_lookup_elem(&hf_settled, &file), value = {};

	settle_fill(&value, q, o);
	if (!begun || begun->kind != HF_SETTLED_ASKED || begun->container != value.container ||
	    begun->ctime_ns != value.ctime_ns || (begun->state & ~(u64)SETTLE_FLAGS) != value.state)
		return HF_SETTLE_MOVED;
	if (q->kind == HF_SETTLED_ASKED) {
		bpf_map_delete_elem(&hf_settled, &file);
		return HF_SETTLE_DONE;
	}
	if (settle_is_written(o))
		return HF_SETTLE_WRITER;
	value.kind = q->kind;
	value.state |= (begun->state | q->entry) & SETTLE_FLAGS;
	if (bpf_map_update_elem(&hf_settled, &file, &value, BPF_EXIST)) /* it was removed a moment ago */
		return HF_SETTLE_MOVED;
	count(HF_COUNTER_SETTLED);
	return HF_SETTLE_DONE;
}

static __always_inline u32 settle_answer(struct hf_settling *q, struct object *o)
{
	if (q->question == HF_SETTLE_LEARN)
		return settle_learn(q, o);
	return q->question == HF_SETTLE_BEGIN ? settle_begin(q, o) : settle_end(q, o);
}

/* A file that the settling thread maps. A global function: its memory is not the hook's. */
__noinline int settle_file(u64 file)
{
	struct hf_settling *q = settle_slot();
	struct object o = {};

	if (!file || !q)
		return 0;
	object_resolve(&o, file);
	q->file.ino = o.key.ino;
	q->file.dev = o.key.dev;
	q->file.generation = o.key.generation;
	q->bytes = o.value.size_mode >> HF_CATALOG_SIZE_SHIFT;
	q->place_bytes = 0;
	q->ctime_ns = o.value.ctime_ns;
	if (o.detail || !o.real || o.dev != q->root_dev || !q->layer_set)
		q->status = HF_SETTLE_FOREIGN;
	else
		q->status = settle_answer(q, &o);
	if (q->status == HF_SETTLE_BEGUN && q->on_overlay && q->image.ino)
		settle_tell_place((u64)o.inode);
	return 0;
}

#endif
