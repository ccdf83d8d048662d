/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring's room, shared among containers: one that reports without end does not hide another's event.
 *
 * Owns: how much of the ring is whose. Must not know: what events say.
 *
 *   I1  A container may have as much in the ring as there is free. Alone it fills half of it; with n of them each fills the
 *       (n + 1)th part, and as much stays free for one that has been quiet. Nothing is cut before that.
 *   I2  What is cut is counted as lost, in the total and for its container: cut or no room, exactly one of the counters of
 *       put and lost events moves.
 *   I3  What a container has in the ring is over-, never under-estimated: bytes are forgotten once the reader is past a mark that
 *       was set behind them.
 */
#ifndef BPF_LSM_SHARE_H
#define BPF_LSM_SHARE_H

#include "bpf-lsm/maps.h"

#define SHARE_HEADER_BYTES 15 /* of the ring for each record: its header, and rounding up to 8 */

static __always_inline void share_turn(struct hf_share *share)
{
	if ((u64)bpf_ringbuf_query(&hf_events, BPF_RB_CONS_POS) < share->mark)
		return;
	share->older = share->recent;
	share->recent = 0;
	share->mark = bpf_ringbuf_query(&hf_events, BPF_RB_PROD_POS);
}

/* Whether a container may put a record of that size into the ring; then it counts as put. */
static __always_inline bool share_take(struct hf_share *share, u64 container, u32 bytes)
{
	u64 all = bpf_ringbuf_query(&hf_events, BPF_RB_RING_SIZE), used = bpf_ringbuf_query(&hf_events, BPF_RB_AVAIL_DATA);

	if (share->container != container) {
		share->mark = share->lost = share->told = 0;
		share->older = share->recent = 0;
		share->container = container;
	}
	share_turn(share);
	if (used + share->older + share->recent > all)
		return false;
	__sync_fetch_and_add(&share->recent, bytes + SHARE_HEADER_BYTES);
	return true;
}

/* Puts a record into the ring, or counts it as lost. bytes: of it, at most max, which is a constant. */
static __always_inline void share_output(void *record, u32 bytes, u32 slot, u64 container)
{
	struct hf_share *share = bpf_map_lookup_elem(&hf_shares, &slot);

	if ((!share || share_take(share, container, bytes)) && !bpf_ringbuf_output(&hf_events, record, bytes, 0)) {
		count(HF_COUNTER_EVENTS);
		return;
	}
	count(HF_COUNTER_EVENTS_LOST);
	if (share)
		__sync_fetch_and_add(&share->lost, 1);
}

#endif
