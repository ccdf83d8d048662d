// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The judgement of an original file as a program that attaches to nothing, for kernels that load no LSM programs: from the
 * resolved object on, the code of the hooks, over as many catalogue entries as the caller has put there.
 */
#include "bpf-lsm/abi.h"
#include "bpf-lsm/kernel.h"
#include "bpf-lsm/maps.h"
#include "bpf-lsm/fast.h"
#include "bpf-lsm/judge.h"
#include "tests/bench/judge.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct hf_catalog_key keys[JUDGE_BATCH];
struct hf_catalog_value value;
__u64 real_inode; /* any inode that nobody writes: who writes is asked of it */
__u32 n_denied;

/* As the hooks do with an untouched file, from the real inode on. */
static long judge_short(u32 index, void *data)
{
	const struct hf_catalog_key *key = &keys[index];
	u64 state;

	if (index >= JUDGE_BATCH)
		return 1;
	state = fast_state(value.size_mode >> HF_CATALOG_SIZE_SHIFT, value.cookie, JUDGE_MODE);
	if (inode_has_writer((void *)real_inode) ||
	    !fast_known(key->ino, (u64)key->dev << 32 | key->generation, value.ctime_ns, state, JUDGE_LAYER_SET))
		n_denied++;
	return 0;
}

/* As they do with any other: facts, decision. */
static long judge_long(u32 index, void *data)
{
	struct hf_config *cfg = config();
	struct subject s = { .kind = HF_SUBJECT_CONTAINER, .slot = HF_SLOT_FIRST, .policy = 0, .layer_set = JUDGE_LAYER_SET };
	struct request r = { .facts.op = HF_OP_EXEC };
	struct object o = {};

	if (index >= JUDGE_BATCH || !cfg)
		return 1;
	o.real = (void *)real_inode;
	o.key = keys[index];
	o.value = value;
	r.facts.volume = _HF_VOLUME_MAX;
	if (facts_of_file(&r.facts, &s, &o) || judge(&s, &o, &r, cfg))
		n_denied++;
	return 0;
}

/* Each judges every key once. */
SEC("syscall")
int judge_batch_short(void *ctx)
{
	n_denied = 0;
	bpf_loop(JUDGE_BATCH, judge_short, NULL, 0);
	return 0;
}

SEC("syscall")
int judge_batch_long(void *ctx)
{
	n_denied = 0;
	bpf_loop(JUDGE_BATCH, judge_long, NULL, 0);
	return 0;
}

/* The program of the caller lends its inode. */
SEC("syscall")
int judge_prepare(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	real_inode = (u64)BPF_CORE_READ(task, mm, exe_file, f_inode);
	return real_inode ? 0 : -ENOENT;
}
