// SPDX-License-Identifier: Apache-2.0
/*
 * Use of the kernel half's maps: shared arrays, hash maps, counters, the ring, and questions to the enrolment hook.
 *
 * Owns: how a map is reached. Must not know: what a container or a policy is.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "enforcer/lsm_sweep.h"
#include "enforcer/util.h"
#include "holdfast.skel.h"

static int view_open(struct lsm_view *view, struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), stride = (bpf_map__value_size(map) + 7u) & ~7ul;
	size_t bytes = (stride * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	void *addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (addr == MAP_FAILED)
		return -errno;
	*view = (struct lsm_view){ .addr = addr, .bytes = bytes };
	return 0;
}

static void view_close(struct lsm_view *view)
{
	if (view->addr)
		munmap(view->addr, view->bytes);
	*view = (struct lsm_view){ 0 };
}

/* Nobody writes it but a daemon that takes over, so it is read once. */
static int read_carried(struct lsm *lsm)
{
	for (uint32_t key = 0; key < _HF_COUNTER_MAX; key++) {
		if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.hf_carried), &key, &lsm->carried[key]))
			return -errno;
	}
	return 0;
}

int lsm_maps_open(struct lsm *lsm)
{
	int err = view_open(&lsm->config, lsm->skel->maps.hf_config);

	lsm->sizes = lsm_sizes(lsm);
	if (!err)
		err = view_open(&lsm->enrol, lsm->skel->maps.hf_enrol);
	if (!err)
		err = view_open(&lsm->settling, lsm->skel->maps.hf_settling);
	if (!err)
		err = view_open(&lsm->containers, lsm->skel->maps.hf_containers);
	if (!err)
		err = view_open(&lsm->policies, lsm->skel->maps.hf_policies);
	if (!err)
		err = view_open(&lsm->exceptions, lsm->skel->maps.hf_exceptions);
	if (!err)
		err = view_open(&lsm->upper_marks, lsm->skel->maps.hf_upper_marks);
	if (!err)
		err = view_open(&lsm->shares, lsm->skel->maps.hf_shares);
	if (!err)
		err = read_carried(lsm);
	if (err)
		return err;
	lsm->n_cpus = libbpf_num_possible_cpus();
	if (lsm->n_cpus <= 0)
		return -EINVAL;
	err = ring_map_open(lsm_ring_fd(lsm), bpf_map__max_entries(lsm->skel->maps.hf_events), &lsm->ring);
	if (!err)
		err = ring_map_open(lsm_notices_fd(lsm), bpf_map__max_entries(lsm->skel->maps.hf_notices), &lsm->notices);
	return err;
}

void lsm_maps_close(struct lsm *lsm)
{
	ring_map_close(&lsm->ring);
	ring_map_close(&lsm->notices);
	view_close(&lsm->config);
	view_close(&lsm->enrol);
	view_close(&lsm->settling);
	view_close(&lsm->containers);
	view_close(&lsm->policies);
	view_close(&lsm->exceptions);
	view_close(&lsm->upper_marks);
	view_close(&lsm->shares);
}

struct hf_config *lsm_config(struct lsm *lsm)
{
	return lsm->config.addr;
}

void lsm_watch_plain_roots(struct lsm *lsm)
{
	__atomic_store_n(&lsm_config(lsm)->plain_roots, 1, __ATOMIC_SEQ_CST);
}

struct hf_container *lsm_container(struct lsm *lsm, uint32_t slot)
{
	return slot < lsm->sizes.containers ? (struct hf_container *)lsm->containers.addr + slot : NULL;
}

struct hf_policy *lsm_policy(struct lsm *lsm, uint32_t slot)
{
	return slot < lsm->sizes.policies ? (struct hf_policy *)lsm->policies.addr + slot : NULL;
}

struct hf_exception *lsm_exception(struct lsm *lsm, uint32_t index)
{
	return index < lsm->sizes.exceptions ? (struct hf_exception *)lsm->exceptions.addr + index : NULL;
}

static int map_put(struct bpf_map *map, const void *key, const void *value)
{
	return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) ? -errno : 0;
}

/* Removing what is not there is no error. */
static int map_drop(struct bpf_map *map, const void *key)
{
	return bpf_map_delete_elem(bpf_map__fd(map), key) && errno != ENOENT ? -errno : 0;
}

int lsm_root_add(struct lsm *lsm, const struct hf_root_key *key, const struct hf_slot_ref *ref)
{
	return map_put(lsm->skel->maps.hf_roots, key, ref);
}

/* Drops an entry that still is that container's: the number of a root or cgroup that ended may be another's by now. */
static int map_drop_of(struct bpf_map *map, const void *key, uint64_t container)
{
	struct hf_slot_ref ref;

	if (bpf_map_lookup_elem(bpf_map__fd(map), key, &ref))
		return errno == ENOENT ? 0 : -errno;
	return ref.id == container ? map_drop(map, key) : 0;
}

int lsm_root_remove(struct lsm *lsm, const struct hf_root_key *key, uint64_t container)
{
	return map_drop_of(lsm->skel->maps.hf_roots, key, container);
}

int lsm_cgroup_add(struct lsm *lsm, uint64_t cgroup, const struct hf_slot_ref *ref)
{
	return map_put(lsm->skel->maps.hf_cgroups, &cgroup, ref);
}

int lsm_cgroup_remove(struct lsm *lsm, uint64_t cgroup, uint64_t container)
{
	return map_drop_of(lsm->skel->maps.hf_cgroups, &cgroup, container);
}

int lsm_volume_add(struct lsm *lsm, const struct hf_volume_key *key, enum hf_volume_kind kind, bool while_read_only)
{
	const struct hf_volume_key any = { .container = key->container, .dev = key->dev };
	uint32_t value = kind | (while_read_only ? HF_VOLUME_WHILE_READ_ONLY : 0);
	int err = while_read_only ? map_put(lsm->skel->maps.hf_volumes, &any, &value) : 0;

	return err ? err : map_put(lsm->skel->maps.hf_volumes, key, &value);
}

int lsm_written_add(struct lsm *lsm, const struct hf_written_key *key)
{
	uint32_t what = HF_WRITTEN_BYTES;

	return map_put(lsm->skel->maps.hf_written, key, &what);
}

int lsm_written_copied(struct lsm *lsm, const struct hf_written_key *key)
{
	uint32_t what = HF_WRITTEN_COPIED;

	return bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.hf_written), key, &what, BPF_NOEXIST) ? -errno : 0;
}

static bool volume_is_of(const void *key, void *data)
{
	return ((const struct hf_volume_key *)key)->container == *(const uint64_t *)data;
}

static bool written_is_of(const void *key, void *data)
{
	return ((const struct hf_written_key *)key)->container == *(const uint64_t *)data;
}

struct catalog_match {
	lsm_key_fn fn;
	void *data;
};

static bool catalog_matches(const void *key, void *data)
{
	const struct catalog_match *match = data;

	return match->fn(key, match->data);
}

static int64_t remove_matching(struct bpf_map *map, lsm_match_fn match, void *data)
{
	return lsm_sweep(bpf_map__fd(map), bpf_map__key_size(map), bpf_map__value_size(map), match, data);
}

int lsm_volumes_remove(struct lsm *lsm, uint64_t container)
{
	int64_t n = remove_matching(lsm->skel->maps.hf_volumes, volume_is_of, &container);

	return n < 0 ? (int)n : 0;
}

int lsm_written_remove(struct lsm *lsm, uint64_t container)
{
	int64_t n = remove_matching(lsm->skel->maps.hf_written, written_is_of, &container);

	if (n >= 0)
		n = lsm_settled_remove(lsm, container);
	return n < 0 ? (int)n : 0;
}

struct gone_match {
	lsm_gone_fn fn;
	void *data;
	int fd; /* of the map, where the container stands in the value */
};

static bool key_is_gone(const void *key, void *data)
{
	const struct gone_match *match = data;

	return match->fn(*(const uint64_t *)key, match->data);
}

static bool value_is_gone(const void *key, void *data)
{
	const struct gone_match *match = data;
	struct hf_slot_ref ref;

	return bpf_map_lookup_elem(match->fd, key, &ref) == 0 && match->fn(ref.id, match->data);
}

int lsm_leftovers_remove(struct lsm *lsm, lsm_gone_fn fn, void *data)
{
	_Static_assert(offsetof(struct hf_volume_key, container) == 0 && offsetof(struct hf_written_key, container) == 0,
		       "key_is_gone");
	const struct {
		struct bpf_map *map;
		lsm_match_fn match;
	} rows[] = {
		{ lsm->skel->maps.hf_roots, value_is_gone },
		{ lsm->skel->maps.hf_cgroups, value_is_gone },
		{ lsm->skel->maps.hf_volumes, key_is_gone },
		{ lsm->skel->maps.hf_written, key_is_gone },
	};
	int64_t n = lsm_uppers_sweep(lsm, fn, data);

	for (size_t i = 0; n >= 0 && i < ARRAY_SIZE(rows); i++) {
		struct gone_match match = { .fn = fn, .data = data, .fd = bpf_map__fd(rows[i].map) };

		n = remove_matching(rows[i].map, rows[i].match, &match);
	}
	if (n >= 0)
		n = lsm_settled_remove_if(lsm, fn, data);
	return n < 0 ? (int)n : 0;
}

int64_t lsm_catalog_remove_if(struct lsm *lsm, lsm_key_fn fn, void *data)
{
	struct catalog_match match = { .fn = fn, .data = data };

	return remove_matching(lsm->skel->maps.hf_catalog, catalog_matches, &match);
}

bool lsm_catalog_has(struct lsm *lsm, const struct hf_catalog_key *key)
{
	struct hf_catalog_value value;

	return bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.hf_catalog), key, &value) == 0;
}

int lsm_catalog_get(struct lsm *lsm, const struct hf_catalog_key *key, struct hf_catalog_entry *ret)
{
	struct hf_catalog_entry entry;

	if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.hf_catalog), key, &entry))
		return -errno;
	*ret = entry;
	return 0;
}

int lsm_catalog_drop(struct lsm *lsm, const struct hf_catalog_key *key)
{
	return map_drop(lsm->skel->maps.hf_catalog, key);
}

int lsm_watch_remove(struct lsm *lsm, const struct hf_catalog_key *file)
{
	const struct hf_written_key key = { .ino = file->ino, .dev = file->dev, .generation = file->generation };

	return map_drop(lsm->skel->maps.hf_written, &key);
}

/* Puts a question, makes the call that the hook sees, takes the answer. */
static void ask(struct hf_enrol *slot, const struct lsm_enrolment *where)
{
	slot->status = HF_ENROL_PENDING;
	slot->layer_set = where->layer_set;
	slot->root_dev = where->root_dev;
	slot->flags = where->flags;
	__atomic_store_n(&slot->active, 1, __ATOMIC_RELEASE);
}

static void answer(struct hf_enrol *slot, struct hf_enrol *ret)
{
	__atomic_store_n(&slot->active, 0, __ATOMIC_RELEASE);
	*ret = *slot;
}

int lsm_enrol_register(struct lsm *lsm)
{
	return lsm_run_once(lsm->skel->progs.hf_register);
}

int lsm_tell_place(struct lsm *lsm)
{
	return lsm_run_once(lsm->skel->progs.hf_tell_place);
}

int lsm_enrol_file(struct lsm *lsm, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret)
{
	struct hf_enrol *slot = lsm->enrol.addr;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *addr;

	ask(slot, where);
	addr = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	answer(slot, ret);
	if (addr == MAP_FAILED)
		return -errno;
	munmap(addr, page);
	return 0;
}

int lsm_identify(struct lsm *lsm, int fd, struct hf_enrol *ret)
{
	struct hf_enrol *slot = lsm->enrol.addr;
	struct statfs fs;
	int err;

	ask(slot, &(struct lsm_enrolment){ 0 });
	err = fstatfs(fd, &fs) ? -errno : 0;
	answer(slot, ret);
	if (!err && ret->status == HF_ENROL_UNDECIDABLE)
		return -EOPNOTSUPP;
	if (!err && ret->status != HF_ENROL_IDENTIFIED)
		err = -ENODATA;
	return err;
}

int lsm_counters(struct lsm *lsm, uint64_t ret[_HF_COUNTER_MAX])
{
	_cleanup_(free_ptr) uint64_t *values = calloc((size_t)lsm->n_cpus, sizeof(*values));


	if (!values)
		return -ENOMEM;
	for (uint32_t key = 0; key < _HF_COUNTER_MAX; key++) {
		if (bpf_map_lookup_elem(bpf_map__fd(lsm->skel->maps.hf_counters), &key, values))
			return -errno;
		ret[key] = 0;
		for (int cpu = 0; cpu < lsm->n_cpus; cpu++)
			ret[key] += values[cpu];
		ret[key] += lsm->carried[key];
	}
	return 0;
}

int lsm_carry(struct lsm *lsm, const uint64_t counters[_HF_COUNTER_MAX])
{
	int err = 0;

	for (uint32_t key = 0; !err && key < _HF_COUNTER_MAX; key++)
		err = map_put(lsm->skel->maps.hf_carried, &key, &counters[key]);
	return err ? err : read_carried(lsm);
}

const char *lsm_counter_name(enum hf_counter counter)
{
	static const char *const names[] = {
		[HF_COUNTER_EXEC] = "exec",
		[HF_COUNTER_MMAP] = "mmap",
		[HF_COUNTER_MMAP_BACKING] = "mmap_backing",
		[HF_COUNTER_MPROTECT] = "mprotect",
		[HF_COUNTER_DENIED] = "denied",
		[HF_COUNTER_AUDITED] = "audited",
		[HF_COUNTER_PAUSED] = "paused",
		[HF_COUNTER_EXCEPTED] = "excepted",
		[HF_COUNTER_EVENTS] = "events",
		[HF_COUNTER_EVENTS_LOST] = "events_lost",
		[HF_COUNTER_EVENTS_NO_MEMORY] = "events_no_memory",
		[HF_COUNTER_PATH_CUT] = "path_cut",
		[HF_COUNTER_TAGGED] = "tagged",
		[HF_COUNTER_TAG_FAILED] = "tag_failed",
		[HF_COUNTER_FORK_REFUSED] = "fork_refused",
		[HF_COUNTER_STALE_TAG] = "stale_tag",
		[HF_COUNTER_UNKNOWN_CONTAINER] = "unknown_container",
		[HF_COUNTER_UNDECIDABLE] = "undecidable",
		[HF_COUNTER_ENROLLED] = "enrolled",
		[HF_COUNTER_ENROL_FULL] = "enrol_full",
		[HF_COUNTER_WRITES_SEEN] = "writes_seen",
		[HF_COUNTER_WRITES_LOST] = "writes_lost",
		[HF_COUNTER_EXISTING] = "existing",
		[HF_COUNTER_KERNEL] = "kernel",
		[HF_COUNTER_TAMPER] = "tamper",
		[HF_COUNTER_NOTICES_LOST] = "notices_lost",
		[HF_COUNTER_SETTLED] = "settled",
		[HF_COUNTER_SETTLE_FULL] = "settle_full",
		[HF_COUNTER_VOLUMES_WRITTEN] = "volumes_written",
		[HF_COUNTER_VOLUMES_FULL] = "volumes_full",
	};
	_Static_assert(ARRAY_SIZE(names) == _HF_COUNTER_MAX, "a name for each counter");

	return counter < _HF_COUNTER_MAX ? names[counter] : NULL;
}

int lsm_tasks_fd(struct lsm *lsm)
{
	return bpf_map__fd(lsm->skel->maps.hf_tasks);
}

int lsm_ring_fd(struct lsm *lsm)
{
	return bpf_map__fd(lsm->skel->maps.hf_events);
}

struct ring_map *lsm_ring(struct lsm *lsm)
{
	return lsm->ring;
}
