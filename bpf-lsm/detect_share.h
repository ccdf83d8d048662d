/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring's room, shared among containers, as share.h does it for verdicts: a busy one does not hide another's event.
 *
 * Owns: how much of the ring is whose. Must not know: what records say. All tasks without a tag, the host's among them, are as one.
 *
 *   I1  A container may have as much in the ring as there is free: alone it fills half of it.
 *   I2  What is cut is counted as lost, by type and for its container.
 *   I3  What a container has in the ring is over-, never under-estimated: bytes are forgotten once the reader is past a mark that
 *       was set behind them.
 */
#ifndef BPF_LSM_DETECT_SHARE_H
#define BPF_LSM_DETECT_SHARE_H

#include "bpf-lsm/detect_maps.h"

#define DETECT_HEADER_BYTES 15 /* of the ring for each record: its header, and rounding up to 8 */

static __always_inline u32 share_of(const struct hf_task_tag *tag)
{
	return tag ? tag->slot + 1 : 0;
}

/* The share of that number; what has no room in the table is with those who have no tag. */
static __always_inline struct hf_detect_share *share_at(u32 number, u64 container)
{
	struct hf_detect_share *share;

	if (number >= HF_DETECT_SHARES)
		number = 0;
	share = &hf_detect_shares[number];
	if (number && share->container != container) {
		share->mark = share->lost = 0;
		share->older = share->recent = 0;
		share->container = container;
	}
	return share;
}

/* I1, I3. Whether a record of that size may go into the ring; then it counts as put. */
static __always_inline bool share_take(u32 number, u64 container, u32 bytes)
{
	u64 all = bpf_ringbuf_query(&hf_detect_ring, BPF_RB_RING_SIZE), used = bpf_ringbuf_query(&hf_detect_ring, BPF_RB_AVAIL_DATA);
	struct hf_detect_share *share = share_at(number, container);

	if ((u64)bpf_ringbuf_query(&hf_detect_ring, BPF_RB_CONS_POS) >= share->mark) {
		share->older = share->recent;
		share->recent = 0;
		share->mark = bpf_ringbuf_query(&hf_detect_ring, BPF_RB_PROD_POS);
	}
	if (used + share->older + share->recent > all)
		return false;
	__sync_fetch_and_add(&share->recent, bytes + DETECT_HEADER_BYTES);
	return true;
}

/* I2 */
static __always_inline void share_lose(u32 number, u64 container)
{
	__sync_fetch_and_add(&share_at(number, container)->lost, 1);
}

#endif
