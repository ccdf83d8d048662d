// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decide() as the kernel runs it: a program that answers a batch of questions. It attaches to nothing, so that every
 * kernel that lets root load programs can run it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "tests/vectors/slot.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct vector_slot slots[SLOTS_MAX];
__u32 n_slots;
__u32 n_answered;

static long answer(__u32 index, void *data)
{
	struct vector_slot *slot;

	(void)data;
	if (index >= SLOTS_MAX)
		return 1;
	slot = &slots[index];
	slot->got = decide(&slot->facts, &slot->policy, slot->paused);
	n_answered++;
	return 0;
}

SEC("syscall")
int decide_all(void *ctx)
{
	(void)ctx;
	n_answered = 0;
	bpf_loop(n_slots, answer, NULL, 0);
	return 0;
}
