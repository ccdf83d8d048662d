/* SPDX-License-Identifier: Apache-2.0 */
/* What judge.c and judge.bpf.c agree on. */
#ifndef TESTS_BENCH_JUDGE_H
#define TESTS_BENCH_JUDGE_H

#define JUDGE_BATCH 4096 /* judgements between two readings of the clock: far above its resolution */
#define JUDGE_LAYER_SET 1
#define JUDGE_MODE 0100755

#endif
