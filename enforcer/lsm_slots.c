// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel half knows beside containers' records: folders of writable layers, shares of the ring, devices of layers.
 *
 * Owns: hf_uppers with its marks, hf_shares, hf_store_devices. Must not know: what a container is.
 *
 *   I1  A folder's mark is set before the folder is added. Marks are made anew from the folders that are left, in one store for each
 *       word, so that none of those is missing for an instant.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "enforcer/lsm_sweep.h"
#include "enforcer/util.h"
#include "holdfast.skel.h"

static void mark(struct hf_upper_marks *marks, uint64_t ino)
{
	uint32_t bit = HF_UPPER_MARK(ino);

	marks->bits[bit / 64] |= 1ull << (bit % 64);
}

int lsm_upper_add(struct lsm *lsm, const struct hf_root_key *key, const struct hf_slot_ref *ref)
{
	struct hf_upper_marks *marks = lsm->upper_marks.addr;
	uint32_t bit = HF_UPPER_MARK(key->ino);

	__atomic_fetch_or(&marks->bits[bit / 64], 1ull << (bit % 64), __ATOMIC_RELEASE);
	return bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.hf_uppers), key, ref, BPF_ANY) ? -errno : 0;
}

/* Looks at every folder: those of gone containers go, the others are marked. */
struct upper_sweep {
	lsm_gone_fn fn;
	void *data;
	int fd;
	struct hf_upper_marks marks;
};

static bool upper_is_gone(const void *key, void *data)
{
	struct upper_sweep *sweep = data;
	struct hf_slot_ref ref;

	if (bpf_map_lookup_elem(sweep->fd, key, &ref) == 0 && sweep->fn(ref.id, sweep->data))
		return true;
	mark(&sweep->marks, ((const struct hf_root_key *)key)->ino);
	return false;
}

int lsm_uppers_sweep(struct lsm *lsm, lsm_gone_fn fn, void *data)
{
	struct bpf_map *map = lsm->skel->maps.hf_uppers;
	struct upper_sweep sweep = { .fn = fn, .data = data, .fd = bpf_map__fd(map) };
	struct hf_upper_marks *marks = lsm->upper_marks.addr;
	int64_t n = lsm_sweep(sweep.fd, bpf_map__key_size(map), bpf_map__value_size(map), upper_is_gone, &sweep);

	for (size_t i = 0; n >= 0 && i < ARRAY_SIZE(marks->bits); i++)
		__atomic_store_n(&marks->bits[i], sweep.marks.bits[i], __ATOMIC_RELEASE);
	return n < 0 ? (int)n : 0;
}

static bool is_that(uint64_t container, void *data)
{
	return container == *(const uint64_t *)data;
}

int lsm_upper_remove(struct lsm *lsm, uint64_t container)
{
	return lsm_uppers_sweep(lsm, is_that, &container);
}

struct hf_share *lsm_share(struct lsm *lsm, uint32_t slot)
{
	return slot < lsm->sizes.containers ? (struct hf_share *)lsm->shares.addr + slot : NULL;
}

size_t lsm_store_devices(struct lsm *lsm, uint32_t *ret, uint32_t *ret_why, size_t max)
{
	int fd = bpf_map__fd(lsm->skel->maps.hf_store_devices);
	uint32_t key, next, *from = NULL;
	size_t n = 0;

	while (n < max && bpf_map_get_next_key(fd, from, &next) == 0) {
		ret[n] = key = next;
		from = &key;
		n += bpf_map_lookup_elem(fd, &next, &ret_why[n]) == 0;
	}
	return n;
}

int lsm_store_device_add(struct lsm *lsm, uint32_t dev, uint32_t why)
{
	int fd = bpf_map__fd(lsm->skel->maps.hf_store_devices);

	return bpf_map_update_elem(fd, &dev, &why, BPF_NOEXIST) && errno != EEXIST ? -errno : 0;
}

int lsm_store_device_remove(struct lsm *lsm, uint32_t dev)
{
	int fd = bpf_map__fd(lsm->skel->maps.hf_store_devices);

	return bpf_map_delete_elem(fd, &dev) && errno != ENOENT ? -errno : 0;
}

int lsm_store_device_looked(struct lsm *lsm, uint32_t dev)
{
	int fd = bpf_map__fd(lsm->skel->maps.hf_store_devices);
	uint32_t why;

	if (bpf_map_lookup_elem(fd, &dev, &why))
		return -errno;
	why |= HF_STORE_LOOKED;
	return bpf_map_update_elem(fd, &dev, &why, BPF_EXIST) ? -errno : 0;
}
