/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copied up, content unchanged: image files that chmod, chown, touch, ln or mv moved into the writable layer.
 *
 * Owns: the note of every image file that was opened for writing or truncated, and the proof that rests on it. Must not know:
 * what the policy says to a copied-up file.
 *
 *   I1  A write needs an overlay-level open for writing (or a truncate), which these hooks see before the copy-up; a
 *       metadata copy-up needs none. So: container watched from the start, image file in the catalogue and unchanged, never
 *       noted, same size as its copy -> the copy holds the image's bytes. Copies from before the start were compared by the
 *       daemon: those that differ it notes as well.
 *   I2  Files are noted by the image's inode: an overlay inode's number may change when it is evicted, that one does not. Where a layer
 *       has the name and another the bytes, by the name's: the overlay may look for the bytes after the hook, and forget where they
 *       are. Copies of such files are proved by their digests alone (settle.h).
 *   I3  A layer without UUID or file handles leaves the overlay no way to find the image's file behind a further name of its
 *       copy: writes by that name would not be noted, so a link takes the proof away from such a file.
 *   I4  A note that cannot be made takes the proof away from the whole container.
 *   I5  A container that ran before it was watched may have writers that opened before. There a copy counts only when its
 *       making was seen, or when the daemon compared it and nobody could write it: HF_WRITTEN_COPIED.
 */
#ifndef BPF_LSM_COPYUP_H
#define BPF_LSM_COPYUP_H

#include "bpf-lsm/plain.h"
#include "bpf-lsm/subject.h"

/* Whether the container may have one more note. */
static __always_inline bool copyup_has_share(u64 container, u32 slot)
{
	struct hf_written_count *count = bpf_map_lookup_elem(&hf_written_counts, &slot);

	if (!count)
		return true;
	if (count->container != container) {
		count->container = container;
		count->notes = 0;
	}
	return __sync_fetch_and_add(&count->notes, 1) < written_share;
}

/* ask: its bytes are to be compared. True: the daemon should be told of that. */
static __always_inline bool copyup_note(const struct hf_written_key *key, u32 slot, u32 what, bool ask)
{
	u32 *noted = bpf_map_lookup_elem(&hf_written, key);
	struct hf_container *container;
	u32 fresh = what;

	count(HF_COUNTER_WRITES_SEEN);
	if (noted) {
		__sync_fetch_and_or(noted, what);
		return ask && settled_is_news(noted);
	}
	if (ask)
		fresh |= settled_told_mark();
	if (copyup_has_share(key->container, slot) && bpf_map_update_elem(&hf_written, key, &fresh, BPF_ANY) == 0)
		return ask;
	count(HF_COUNTER_WRITES_LOST);
	if (what == HF_WRITTEN_COPIED) /* that file lacks its proof, which is safe, and no other's */
		return false;
	container = container_slot(slot);
	if (container)
		__sync_fetch_and_or(&container->flags, HF_CONTAINER_WRITES_LOST);
	return false;
}

/* HF_WRITTEN_* happened to an inode (its address), by whomever: notes it if it is an image file of a container. True: the daemon
 * should be told (settled_tell), since the bytes may be the image's all the same. */
__noinline int copyup_on_change(u64 address, u32 what)
{
	struct inode *inode = (void *)address, *lower;
	struct hf_root_key root = {};
	struct hf_written_key key = {};
	struct hf_container *container;
	struct hf_slot_ref *ref;

	if (!inode)
		return 0;
	if (BPF_CORE_READ(inode, i_sb, s_magic) != KERNEL_MAGIC_OVERLAY)
		return plain_on_change(inode, what);
	if (what & HF_WRITTEN_BYTES)
		settled_forget(overlay_upper_address(inode));
	root.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	ref = bpf_map_lookup_elem(&hf_roots, &root);
	if (!ref)
		return 0;
	if (what == HF_WRITTEN_COPIED) {
		container = container_slot(ref->slot);
		if (!container || !(container->flags & HF_CONTAINER_ADOPTED))
			return 0;
	}
	lower = overlay_named_inode(inode);
	if (!lower)
		return 0;
	written_key(&key, ref->id, lower);
	return copyup_note(&key, ref->slot, what,
			   what & HF_WRITTEN_BYTES || (what & HF_WRITTEN_LINKED && !overlay_is_traceable((u64)inode)));
}

/* Image data with a metadata copy in the writable layer (metacopy): sets HF_FACT_GAINED_SETID for capabilities it was given. */
static __always_inline void copyup_capabilities(struct object *o, const struct subject *s)
{
	struct inode *lower;
	struct hf_written_key key = {};
	u32 *noted;

	if (!overlay_has_upper(o->inode))
		return;
	lower = overlay_named_inode(o->inode);
	if (!lower)
		return;
	written_key(&key, s->id, lower);
	noted = bpf_map_lookup_elem(&hf_written, &key);
	if (noted && *noted & HF_WRITTEN_CAPABILITIES)
		o->bits |= HF_FACT_GAINED_SETID;
}

/* HF_WRITTEN_* of an image file in a container. Numbers only: a global function, whose memory is not its callers'. */
__noinline u32 copyup_noted(u64 container, u64 ino, u64 dev_generation)
{
	struct hf_written_key key = {};
	u32 *noted;

	key.container = container;
	key.ino = ino;
	key.dev = dev_generation >> 32;
	key.generation = (u32)dev_generation;
	noted = bpf_map_lookup_elem(&hf_written, &key);
	return noted ? *noted : 0;
}

/* Sets HF_FACT_COPIED_UP when the proof holds. Only for an overlay file whose data lie in the writable layer. */
static __always_inline void copyup_prove(struct object *o, const struct subject *s, u8 op)
{
	struct inode *inode = o->inode, *lower = overlay_lower_inode(inode), *real = o->real;
	struct hf_catalog_key key = {};
	struct hf_catalog_value now = {};
	struct hf_catalog_entry *known;
	u32 noted;

	if ((s->flags & (HF_CONTAINER_CLEAN_UPPER | HF_CONTAINER_WRITES_LOST)) != HF_CONTAINER_CLEAN_UPPER || !lower || !real)
		return;
	identify_inode(lower, &key, &now);
	key.layer_set = s->layer_set;
	known = bpf_map_lookup_elem(&hf_catalog, &key);
	if (!known || !is_unchanged(known, &now) || entry_size(&now) != entry_size(&o->value))
		return;
	/* A file that the image did not mean to be run does not become a program by chmod +x. */
	if (op <= HF_OP_EXEC_CHECK && !(known->state & HF_ENTRY_EXECUTABLE))
		return;
	noted = copyup_noted(s->id, key.ino, (u64)key.dev << 32 | key.generation);
	if (noted & HF_WRITTEN_BYTES || (noted & HF_WRITTEN_LINKED && !overlay_is_traceable((u64)inode)))
		return;
	if (s->flags & HF_CONTAINER_ADOPTED && !(noted & HF_WRITTEN_COPIED))
		return;
	o->bits |= HF_FACT_COPIED_UP;
	if (noted & HF_WRITTEN_CAPABILITIES)
		o->bits |= HF_FACT_GAINED_SETID;
	if (inode_has_writer(real))
		o->bits |= HF_FACT_WRITER;
	if (gained_setid(known, o->mode))
		o->bits |= HF_FACT_GAINED_SETID;
	if (entry_is_heap(known))
		o->bits |= HF_FACT_HEAP;
}

#endif
