// SPDX-License-Identifier: Apache-2.0
/*
 * Comparing bytes, as the kernel half sees it: questions about a file, answers that stand, notices.
 *
 * Owns: how these maps are reached. Must not know: how bytes are compared. Contracts: lsm.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/lsm_internal.h"
#include "enforcer/lsm_sweep.h"
#include "enforcer/util.h"
#include "holdfast.skel.h"

int lsm_settle_register(struct lsm *lsm)
{
	return lsm_run_once(lsm->skel->progs.hf_register_settler);
}

int lsm_settle_ask(struct lsm *lsm, int fd, const struct hf_settling *question, struct hf_settling *ret)
{
	struct hf_settling *slot = lsm->settling.addr, asked = *question;
	void *addr;

	asked.task = slot->task;
	asked.start_ns = slot->start_ns;
	asked.status = HF_SETTLE_PENDING;
	asked.active = 0;
	*slot = asked;
	__atomic_store_n(&slot->active, 1, __ATOMIC_RELEASE);
	addr = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_PRIVATE, fd, 0);
	__atomic_store_n(&slot->active, 0, __ATOMIC_RELEASE);
	*ret = *slot;
	if (addr == MAP_FAILED)
		return -errno;
	munmap(addr, (size_t)sysconf(_SC_PAGESIZE));
	return 0;
}

int lsm_settled_add(struct lsm *lsm, uint64_t container, const struct hf_enrol *file, uint64_t image)
{
	const struct hf_settled_key key = { .ino = file->key.ino, .dev = file->key.dev, .generation = file->key.generation };
	const uint64_t size = file->value.size_mode >> HF_CATALOG_SIZE_SHIFT & ((1ull << HF_ENTRY_SIZE_BITS) - 1);
	const struct hf_settled value = {
		.container = container, .layer_set = file->key.layer_set, .kind = HF_SETTLED_EQUAL, .ctime_ns = file->value.ctime_ns,
		.state = (image & ((1u << HF_ENTRY_SIZE_SHIFT) - 1)) | size << HF_ENTRY_SIZE_SHIFT |
			 file->value.cookie << HF_ENTRY_COOKIE_SHIFT,
	};

	return bpf_map_update_elem(bpf_map__fd(lsm->skel->maps.hf_settled), &key, &value, BPF_ANY) ? -errno : 0;
}

int lsm_notices_fd(struct lsm *lsm)
{
	return bpf_map__fd(lsm->skel->maps.hf_notices);
}

struct ring_map *lsm_notices(struct lsm *lsm)
{
	return lsm->notices;
}

struct settled_match {
	lsm_gone_fn fn;
	void *data;
	int fd;
};

/* The container stands in the value. */
static bool is_matched(const void *key, void *data)
{
	const struct settled_match *match = data;
	struct hf_settled found;

	return bpf_map_lookup_elem(match->fd, key, &found) == 0 && match->fn(found.container, match->data);
}

static bool is_of(uint64_t container, void *data)
{
	return container == *(const uint64_t *)data;
}

int64_t lsm_settled_remove_if(struct lsm *lsm, lsm_gone_fn fn, void *data)
{
	struct settled_match match = { .fn = fn, .data = data, .fd = bpf_map__fd(lsm->skel->maps.hf_settled) };

	return lsm_sweep(match.fd, sizeof(struct hf_settled_key), sizeof(struct hf_settled), is_matched, &match);
}

int64_t lsm_settled_remove(struct lsm *lsm, uint64_t container)
{
	return lsm_settled_remove_if(lsm, is_of, &container);
}
