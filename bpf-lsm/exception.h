/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The policy's exceptions: drifted code that may run, by path and by the program that uses it.
 *
 * Owns: the matcher for compiled patterns. Must not know: where patterns come from, or what the verdict would have been.
 * Patterns (abi.h, enum hf_glob_op) and paths are leaf first.
 */
#ifndef BPF_LSM_EXCEPTION_H
#define BPF_LSM_EXCEPTION_H

#include "bpf-lsm/maps.h"

#define GLOB_STEPS_MAX 65536	  /* work for one pattern: 256 bytes of pattern on a path of 256; then it does not match */
#define GLOB_PER_POLICY_MAX 2048  /* 64 exceptions of 32 paths */
#define GLOB_NONE 0xffffffffu

struct glob_run {
	struct hf_scratch *scratch;
	const struct hf_exception *exception;
	u32 process; /* 1: the pattern is that of the process */
};

static __always_inline u8 glob_pattern_at(const struct glob_run *g, u32 i)
{
	if (i >= g->scratch->glob.pattern_bytes || i >= HF_GLOB_BYTES)
		return 0;
	return g->process ? (u8)g->exception->process[i] : (u8)g->exception->path[i];
}

static __always_inline u8 glob_text_at(const struct glob_run *g, u32 i)
{
	u32 at = g->scratch->glob.text_at + i;

	return i < g->scratch->glob.text_bytes && at < sizeof(g->scratch->data) ? (u8)g->scratch->data[at] : 0;
}

static __always_inline bool glob_class(const struct glob_run *g, u32 class_, u8 c)
{
	if (class_ >= HF_GLOB_CLASSES)
		return false;
	return g->exception->classes[class_][c >> 3] >> (c & 7) & 1;
}

/* The nearest run that can take one more byte does; otherwise there is no match. */
static __always_inline long glob_retry(struct glob_run *g)
{
	if (g->scratch->glob.star_p != GLOB_NONE && g->scratch->glob.star_t < g->scratch->glob.text_bytes && glob_text_at(g, g->scratch->glob.star_t) != '/') {
		g->scratch->glob.star_t++;
		g->scratch->glob.t = g->scratch->glob.star_t;
		g->scratch->glob.p = g->scratch->glob.star_p;
		return 0;
	}
	if (g->scratch->glob.deep_p != GLOB_NONE && g->scratch->glob.deep_t < g->scratch->glob.text_bytes) {
		g->scratch->glob.deep_t++;
		g->scratch->glob.t = g->scratch->glob.deep_t;
		g->scratch->glob.p = g->scratch->glob.deep_p;
		g->scratch->glob.star_p = GLOB_NONE;
		return 0;
	}
	return 1;
}

static __always_inline void glob_begin_run(struct glob_run *g, u8 op)
{
	g->scratch->glob.p++;
	g->scratch->glob.star_p = op == HF_GLOB_STAR ? g->scratch->glob.p : GLOB_NONE;
	g->scratch->glob.star_t = g->scratch->glob.t;
	if (op == HF_GLOB_DEEP) {
		g->scratch->glob.deep_p = g->scratch->glob.p;
		g->scratch->glob.deep_t = g->scratch->glob.t;
	}
}

static long glob_step(u32 index, void *data)
{
	struct glob_run *g = data;
	u8 op, c;
	bool ok;

	if (g->scratch->glob.p >= g->scratch->glob.pattern_bytes) {
		g->scratch->glob.matched = g->scratch->glob.t >= g->scratch->glob.text_bytes;
		return g->scratch->glob.matched ? 1 : glob_retry(g);
	}
	op = glob_pattern_at(g, g->scratch->glob.p);
	if (op == HF_GLOB_STAR || op == HF_GLOB_DEEP) {
		glob_begin_run(g, op);
		return 0;
	}
	if (g->scratch->glob.t >= g->scratch->glob.text_bytes)
		return glob_retry(g);
	c = glob_text_at(g, g->scratch->glob.t);
	if (op == HF_GLOB_CLASS)
		ok = glob_class(g, glob_pattern_at(g, g->scratch->glob.p + 1) - 1u, c);
	else
		ok = op == HF_GLOB_ONE ? c != '/' : c == op;
	if (!ok)
		return glob_retry(g);
	g->scratch->glob.t++;
	g->scratch->glob.p += op == HF_GLOB_CLASS ? 2 : 1;
	return 0;
}

/* Matches the file's path (process 0) or the acting program's (1) with the exception's pattern for it. Where there is no file, the
 * program stands for it. The name of a memory file matches nothing: whoever made it chose it. */
static __always_inline u32 glob_matches(struct hf_scratch *scratch, const struct hf_exception *e, u32 process)
{
	struct glob_run g = { .scratch = scratch, .exception = e, .process = process };

	if (scratch->event.flags & (process || !scratch->event.path_bytes ? HF_EVENT_EXE_MEMFD : HF_EVENT_MEMFD))
		return 0;
	scratch->glob.text_at = process ? scratch->event.path_bytes : 0;
	scratch->glob.text_bytes = process || !scratch->event.path_bytes ? scratch->event.exe_bytes : scratch->event.path_bytes;
	scratch->glob.pattern_bytes = process ? e->process_bytes : e->path_bytes;
	scratch->glob.t = scratch->glob.p = scratch->glob.matched = 0;
	scratch->glob.star_p = scratch->glob.deep_p = GLOB_NONE;
	bpf_loop(GLOB_STEPS_MAX, glob_step, &g, 0);
	return scratch->glob.matched;
}

struct exception_run {
	struct hf_scratch *scratch;
	u64 now_ns;
	u32 first;
	u32 named_only;
	u32 matched;
};

static long exception_step(u32 index, void *data)
{
	struct exception_run *run = data;
	struct hf_scratch *s = run->scratch;
	u32 key = run->first + index;
	struct hf_exception *e = bpf_map_lookup_elem(&hf_exceptions, &key);

	if (!e || (e->expires_ns && e->expires_ns <= run->now_ns) || (run->named_only && !e->process_bytes))
		return 0;
	if (!glob_matches(s, e, 0) || (e->process_bytes && !glob_matches(s, e, 1)))
		return 0;
	run->matched = 1;
	return 1;
}

/* 1 when one of n exceptions from first on covers the file and the acting program in the current task's scratch; named_only: one that
 * names the program. A global function for the verifier's sake. */
__noinline int exceptions_match(u32 first, u32 n, u32 named_only)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct exception_run run = { .first = first, .named_only = named_only };

	run.scratch = bpf_task_storage_get(&hf_scratches, (void *)task, 0, 0);
	if (!run.scratch)
		return 0;
	run.now_ns = bpf_ktime_get_boot_ns();
	bpf_loop(n < GLOB_PER_POLICY_MAX ? n : GLOB_PER_POLICY_MAX, exception_step, &run, 0);
	return run.matched;
}

/* A path that had to be cut is never excepted. */
static __always_inline bool exception_applies(const struct hf_policy *policy, const struct hf_scratch *scratch)
{
	u32 n = policy->exceptions_count;

	if (!n || !scratch->event.path_bytes || scratch->event.flags & (HF_EVENT_PATH_CUT | HF_EVENT_EXE_CUT))
		return false;
	return exceptions_match(policy->exceptions_first, n, 0);
}

/* Of an access: an exception that is about code at some path says nothing about what the code may do, unless it names who. */
static __always_inline bool exception_of_access(const struct hf_policy *policy, const struct hf_scratch *scratch)
{
	u32 n = policy->exceptions_count;

	if (!n || !scratch->event.exe_bytes || scratch->event.flags & (HF_EVENT_PATH_CUT | HF_EVENT_EXE_CUT))
		return false;
	return exceptions_match(policy->exceptions_first, n, 1);
}

#endif
