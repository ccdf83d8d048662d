/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that no rule can match, by their path and by the name of their process: left out before their record is made.
 *
 * Owns: what a class lets through (enum hf_detect_shape). Must not know: rules, or where classes come from.
 * Whatever cannot be told for certain is let through.
 */
#ifndef BPF_LSM_DETECT_COVER_H
#define BPF_LSM_DETECT_COVER_H

#include "bpf-lsm/detect_call.h"

#define COVER_ONES 0x0101010101010101ull
#define COVER_LOWS (COVER_ONES * 0x7f)
#define COVER_SLASHES (COVER_ONES * '/') /* '/' is '.' with its lowest bit */

/* The top bit of each byte that is '.' or '/'. */
static __always_inline u64 find_marks(u64 word)
{
	u64 other = (word | COVER_ONES) ^ COVER_SLASHES;

	return ~(((other & COVER_LOWS) + COVER_LOWS) | other | COVER_LOWS);
}

/* No two of '.' and '/' side by side: its text is where it leads to, but for symbolic links. Zeros follow it up to a whole word. */
static __always_inline bool is_path_plain(struct detect_scratch *s, u32 bytes)
{
	const u64 *words = (const u64 *)(s->data + sizeof(struct hf_detect_section));
	u64 before = 0;

	for (u32 i = 0; i < HF_DETECT_PLAIN_BYTES / sizeof(u64); i++) {
		u64 marks;

		if (i * sizeof(u64) >= bytes)
			break;
		marks = find_marks(words[i]);
		if (marks & (marks << 8 | before))
			return false;
		before = marks >> 56;
	}
	return true;
}

static __always_inline u32 shape_of(struct detect_scratch *s, s64 result)
{
	u64 flags = s->call.special == HF_DETECT_IS_OPENAT2 ? s->head.args[2] : argument(s, s->call.flags);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	u32 shape = HF_DETECT_SHAPE_READ;

	if (flags & (KERNEL_O_CREAT | KERNEL_O_TMPFILE))
		shape = HF_DETECT_SHAPE_CREATE;
	else if (flags & KERNEL_O_ACCMODE)
		shape = HF_DETECT_SHAPE_WRITE;
	if (task_is_host(task, tag_of(task)))
		shape += HF_DETECT_SHAPE_HOST;
	if (has_failed(result))
		shape += HF_DETECT_SHAPE_FAILED;
	return shape & (_HF_DETECT_SHAPE_MAX - 1);
}

static __always_inline bool has_wanted_name(struct detect_scratch *s, u64 bit)
{
	struct detect_name key;
	u64 *classes;

	__builtin_memcpy(key.comm, s->head.comm, sizeof(key.comm));
	classes = bpf_map_lookup_elem(&hf_detect_names, &key);
	return classes && (*classes & bit);
}

static __always_inline bool has_wanted_prefix(struct detect_scratch *s, u64 bit)
{
	struct detect_prefix key = { .bits = HF_DETECT_PREFIX_BYTES * 8 };
	u64 *classes;

	__builtin_memcpy(key.path, s->data + sizeof(struct hf_detect_section), sizeof(key.path));
	classes = bpf_map_lookup_elem(&hf_detect_prefixes, &key);
	return classes && (*classes & bit);
}

/* May some rule match it? Its name stands in the head, its path is the first section. */
__noinline int is_covered(struct detect_scratch *s, u32 type, s64 result)
{
	struct hf_detect_section *first;
	const u64 *all;
	u32 class;
	u64 bit;

	if (!s || type >= _HF_DETECT_MAX)
		return 1;
	all = (const u64 *)hf_detect_switches.classes[type];
	if (!(all[0] | all[1]))
		return 1;
	class = hf_detect_switches.classes[type][shape_of(s, result)];
	if (class < 1 || class > HF_DETECT_CLASSES)
		return 1;
	bit = 1ull << (class - 1);
	first = (void *)s->data;
	if (!s->head.sections || first->kind != HF_DETECT_KIND_PATH || first->bytes >= HF_DETECT_PLAIN_BYTES ||
	    s->data[sizeof(*first)] != '/' || !is_path_plain(s, first->bytes))
		return 1;
	return has_wanted_prefix(s, bit) || has_wanted_name(s, bit);
}

#endif
