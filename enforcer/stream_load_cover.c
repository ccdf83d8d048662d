// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's maps of what rules let through: beginnings of paths and names of processes, with a bit for each class. Contracts:
 * stream.h.
 *
 * I1: two sets of rules take turns with the halves of the bits. The bits of the set before stay until the next one comes, so that
 *     a program that has read an old class finds what it looks for.
 * I2: a prefix has the bits of all shorter ones too, since the kernel finds the longest alone.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/stream_internal.h"
#include "enforcer/util.h"

struct entry {
	bool is_name;
	uint32_t len;
	char text[HF_DETECT_PREFIX_BYTES]; /* zeros behind .len */
	uint64_t bits;
};

struct stream_covers {
	unsigned int first; /* bit of the first class: 0 or STREAM_COVERS_MAX */
	size_t n;
	struct entry entries[HF_DETECT_PREFIXES + HF_DETECT_NAMES];
};

struct prefix_key {
	uint32_t bits;
	char path[HF_DETECT_PREFIX_BYTES];
};

_Static_assert(HF_DETECT_COMM_BYTES <= HF_DETECT_PREFIX_BYTES, "a name fits an entry");

/* Names behind prefixes; what begins another stands before it. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->is_name != y->is_name)
		return x->is_name - y->is_name;
	return memcmp(x->text, y->text, sizeof(x->text));
}

static int add(struct stream_covers *covers, bool is_name, const char *text, size_t room, uint64_t bits)
{
	struct entry *entry = &covers->entries[covers->n];

	if (covers->n == ARRAY_SIZE(covers->entries))
		return -E2BIG;
	*entry = (struct entry){ .is_name = is_name, .len = (uint32_t)strnlen(text, room), .bits = bits };
	memcpy(entry->text, text, entry->len);
	covers->n++;
	return 0;
}

static void unite(struct stream_covers *covers)
{
	size_t n = 0;

	qsort(covers->entries, covers->n, sizeof(covers->entries[0]), compare);
	for (size_t i = 0; i < covers->n; i++) {
		if (n && !compare(&covers->entries[n - 1], &covers->entries[i]))
			covers->entries[n - 1].bits |= covers->entries[i].bits;
		else
			covers->entries[n++] = covers->entries[i];
	}
	covers->n = n;
}

static int add_cover(struct stream_covers *covers, const struct stream_cover *cover, uint64_t bit)
{
	int err = 0;

	/* A name as long as that is nobody's: the kernel's end with NUL. */
	for (size_t i = 0; !err && i < cover->n_names; i++)
		if (strlen(cover->names[i]) < HF_DETECT_COMM_BYTES)
			err = add(covers, true, cover->names[i], HF_DETECT_COMM_BYTES, bit);
	for (size_t i = 0; !err && i < cover->n_prefixes; i++)
		err = add(covers, false, cover->prefixes[i], HF_DETECT_PREFIX_BYTES, bit);
	unite(covers);
	return err;
}

/* I2 */
static void inherit(struct stream_covers *covers)
{
	for (size_t i = 0; i < covers->n; i++) {
		struct entry *entry = &covers->entries[i];

		for (size_t j = 0; j < i && !entry->is_name; j++)
			if (!memcmp(covers->entries[j].text, entry->text, covers->entries[j].len))
				entry->bits |= covers->entries[j].bits;
	}
}

static size_t count_names(const struct stream_covers *covers)
{
	size_t n = 0;

	for (size_t i = 0; i < covers->n; i++)
		n += covers->entries[i].is_name;
	return n;
}

/* The new ones, with the bits of those that run. */
static int merge(const struct stream_covers *former, const struct stream_cover *new, size_t n, struct stream_covers *ret)
{
	int err = 0;

	ret->first = former && !former->first ? STREAM_COVERS_MAX : 0;
	for (size_t i = 0; former && i < former->n; i++)
		ret->entries[ret->n++] = former->entries[i];
	for (size_t i = 0; !err && i < n; i++)
		err = add_cover(ret, &new[i], 1ull << (ret->first + i));
	inherit(ret);
	if (!err && (count_names(ret) > HF_DETECT_NAMES || ret->n - count_names(ret) > HF_DETECT_PREFIXES))
		err = -E2BIG;
	return err;
}

static bool has(const struct stream_covers *covers, bool is_name, const char *text, size_t len)
{
	struct entry key = { .is_name = is_name };

	memcpy(key.text, text, len);
	return bsearch(&key, covers->entries, covers->n, sizeof(key), compare);
}

/* Takes out what neither this set nor the one before it has. */
static int sweep(const struct stream_covers *covers, int fd, bool is_name)
{
	struct prefix_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &key) == 0;

	while (more) {
		const char *text = is_name ? (const char *)&key : key.path;
		size_t len = is_name ? HF_DETECT_COMM_BYTES : key.bits / 8;

		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!has(covers, is_name, text, len) && bpf_map_delete_elem(fd, &key))
			return -errno;
		key = next;
	}
	return 0;
}

static int write_entry(const struct stream_kernel_view *view, const struct entry *entry)
{
	struct prefix_key key = { .bits = entry->len * 8 };

	if (entry->is_name)
		return bpf_map_update_elem(view->names_fd, entry->text, &entry->bits, BPF_ANY) ? -errno : 0;
	memcpy(key.path, entry->text, sizeof(key.path));
	return bpf_map_update_elem(view->prefixes_fd, &key, &entry->bits, BPF_ANY) ? -errno : 0;
}

static int write_maps(const struct stream_kernel_view *view, const struct stream_covers *covers)
{
	int err = sweep(covers, view->prefixes_fd, false);

	if (!err)
		err = sweep(covers, view->names_fd, true);
	for (size_t i = 0; !err && i < covers->n; i++)
		err = write_entry(view, &covers->entries[i]);
	return err;
}

static void set_classes(const struct stream_kernel_view *view, const struct stream_classes *classes, unsigned int first)
{
	for (size_t type = 0; type < _HF_DETECT_MAX; type++) {
		for (size_t shape = 0; shape < _HF_DETECT_SHAPE_MAX; shape++) {
			uint8_t class = classes->of[type][shape];

			class = class && class <= STREAM_COVERS_MAX ? (uint8_t)(class + first) : 0;
			__atomic_store_n(&view->classes[type][shape], class, __ATOMIC_RELEASE);
		}
	}
}

void stream_covers_tell_all(const struct stream_kernel_view *view)
{
	static const struct stream_classes none;

	set_classes(view, &none, 0);
}

/* What the next set has to leave in place: the bits of this one. */
static void forget_former(struct stream_covers *covers)
{
	const uint64_t own = ((1ull << STREAM_COVERS_MAX) - 1) << covers->first;
	size_t n = 0;

	for (size_t i = 0; i < covers->n; i++) {
		covers->entries[i].bits &= own;
		if (covers->entries[i].bits)
			covers->entries[n++] = covers->entries[i];
	}
	covers->n = n;
}

int stream_covers_put(struct stream_covers **covers, const struct stream_kernel_view *view,
		      const struct stream_classes *classes, const struct stream_cover *new, size_t n)
{
	struct stream_covers *merged = calloc(1, sizeof(*merged));
	int err = !merged ? -ENOMEM : n > STREAM_COVERS_MAX ? -E2BIG : merge(*covers, new, n, merged);

	if (!err)
		err = write_maps(view, merged);
	if (err) {
		stream_covers_tell_all(view);
		free(merged);
		return err;
	}
	set_classes(view, classes, merged->first);
	forget_former(merged);
	free(*covers);
	*covers = merged;
	return 0;
}

void stream_covers_free(struct stream_covers **covers)
{
	free(*covers);
	*covers = NULL;
}
