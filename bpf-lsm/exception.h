/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The policy's exceptions: drifted code that may run, by path and by the program that uses it.
 *
 * Owns: the matcher for compiled patterns. Must not know: where patterns come from, or what the verdict would have been.
 * Patterns and paths are leaf first. A pattern is literal bytes mixed with these instructions (bytes below 0x20, which no
 * pattern may hold literally):
 *   1 any run of bytes but '/'   2 any run of bytes   3 one byte but '/'
 *   4 n lo hi lo hi …  one byte but '/' within one of n ranges     5 n …  the same, outside all of them
 */
#ifndef BPF_LSM_EXCEPTION_H
#define BPF_LSM_EXCEPTION_H

#include "bpf-lsm/maps.h"

#define GLOB_STAR 1
#define GLOB_DEEP 2
#define GLOB_ONE 3
#define GLOB_IN 4
#define GLOB_OUT 5
#define GLOB_RANGES_MAX 8
#define GLOB_STEPS_MAX 65536	  /* work for one pattern: 256 bytes of pattern on a path of 256; then it does not match */
#define GLOB_PER_POLICY_MAX 2048  /* 64 exceptions of 32 paths */
#define GLOB_NONE 0xffffffffu

struct glob_run {
	const char *text;
	const char *pattern;
	u32 text_bytes;
	u32 pattern_bytes;
	u32 t;
	u32 p;
	u32 star_p; /* where to go on when a run has to take one byte more */
	u32 star_t;
	u32 deep_p;
	u32 deep_t;
	u32 matched;
};

static __always_inline u8 glob_pattern_at(const struct glob_run *g, u32 i)
{
	return i < g->pattern_bytes && i < HF_GLOB_BYTES ? (u8)g->pattern[i] : 0;
}

/* Whether byte c is taken by the class at p; *ret_bytes is the length of the class. */
static __always_inline bool glob_class(const struct glob_run *g, u32 p, u8 c, u32 *ret_bytes)
{
	u8 n = glob_pattern_at(g, p + 1);
	bool in = false;

	for (u32 i = 0; i < GLOB_RANGES_MAX; i++) {
		if (i < n && c >= glob_pattern_at(g, p + 2 + 2 * i) && c <= glob_pattern_at(g, p + 3 + 2 * i))
			in = true;
	}
	*ret_bytes = 2 + 2 * n;
	return c != '/' && in == (glob_pattern_at(g, p) == GLOB_IN);
}

/* The nearest run that can take one more byte does; otherwise there is no match. */
static __always_inline long glob_retry(struct glob_run *g)
{
	if (g->star_p != GLOB_NONE && g->star_t < g->text_bytes && g->star_t < HF_PATH_BYTES &&
	    g->text[g->star_t] != '/') {
		g->star_t++;
		g->t = g->star_t;
		g->p = g->star_p;
		return 0;
	}
	if (g->deep_p != GLOB_NONE && g->deep_t < g->text_bytes) {
		g->deep_t++;
		g->t = g->deep_t;
		g->p = g->deep_p;
		g->star_p = GLOB_NONE;
		return 0;
	}
	return 1;
}

static long glob_step(u32 index, void *data)
{
	struct glob_run *g = data;
	u8 op = glob_pattern_at(g, g->p), c = 0;
	u32 bytes = 1;
	bool ok;

	if (g->p >= g->pattern_bytes) {
		if (g->t >= g->text_bytes) {
			g->matched = 1;
			return 1;
		}
		return glob_retry(g);
	}
	if (op == GLOB_STAR || op == GLOB_DEEP) {
		g->p++;
		if (op == GLOB_STAR) {
			g->star_p = g->p;
			g->star_t = g->t;
		} else {
			g->deep_p = g->p;
			g->deep_t = g->t;
			g->star_p = GLOB_NONE;
		}
		return 0;
	}
	if (g->t >= g->text_bytes || g->t >= HF_PATH_BYTES)
		return glob_retry(g);
	c = g->text[g->t];
	if (op == GLOB_IN || op == GLOB_OUT)
		ok = glob_class(g, g->p, c, &bytes);
	else
		ok = op == GLOB_ONE ? c != '/' : c == op;
	if (!ok)
		return glob_retry(g);
	g->t++;
	g->p += bytes;
	return 0;
}

static __noinline int glob_matches(const char *text, u32 text_bytes, const char *pattern, u32 pattern_bytes)
{
	struct glob_run g = {
		.text = text,
		.pattern = pattern,
		.text_bytes = text_bytes,
		.pattern_bytes = pattern_bytes,
		.star_p = GLOB_NONE,
		.deep_p = GLOB_NONE,
	};

	bpf_loop(GLOB_STEPS_MAX, glob_step, &g, 0);
	return g.matched;
}

struct exception_run {
	struct hf_scratch *scratch;
	u64 now_ns;
	u32 first;
	u32 matched;
};

static long exception_step(u32 index, void *data)
{
	struct exception_run *run = data;
	struct hf_scratch *s = run->scratch;
	u32 key = run->first + index;
	struct hf_exception *e = bpf_map_lookup_elem(&hf_exceptions, &key);
	u32 path_bytes = s->event.path_bytes;

	if (!e || (e->expires_ns && e->expires_ns <= run->now_ns) || path_bytes > HF_PATH_BYTES)
		return 0;
	if (!glob_matches(s->data, path_bytes, e->path, e->path_bytes))
		return 0;
	if (e->process_bytes && !glob_matches(s->data + path_bytes, s->event.exe_bytes, e->process, e->process_bytes))
		return 0;
	run->matched = 1;
	return 1;
}

/* True when one of the policy's exceptions covers the file and the acting program in the scratch. A path that had to be cut
 * is never excepted. */
static __always_inline bool exception_applies(const struct hf_policy *policy, struct hf_scratch *scratch)
{
	struct exception_run run = { .scratch = scratch, .first = policy->exceptions_first };
	u32 n = policy->exceptions_count;

	if (!n || !scratch->event.path_bytes || scratch->event.flags & (HF_EVENT_PATH_CUT | HF_EVENT_EXE_CUT))
		return false;
	run.now_ns = bpf_ktime_get_boot_ns();
	bpf_loop(n < GLOB_PER_POLICY_MAX ? n : GLOB_PER_POLICY_MAX, exception_step, &run, 0);
	return run.matched;
}

#endif
