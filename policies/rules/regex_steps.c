// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions: tree to steps (Thompson's construction, from the end to the begin), repeats written out. Must not know
 * their syntax.
 */
#include "policies/rules/regex_tree.h"

#include <errno.h>

/* Visits of nodes while writing: parts that match nothing write no step, but can be repeated all the same. */
#define VISITS_MAX (16 * RULE_REGEX_STEPS_MAX)

/* Counts only, as long as there are no steps to write to. */
struct writer {
	struct regex_step *steps;
	size_t n, max, visits;
	bool lines;
};

static int write_step(struct writer *w, enum regex_op op, uint16_t next, uint16_t other, const struct regex_set *set, uint16_t *ret)
{
	if (w->n == w->max)
		return -E2BIG;
	if (w->steps)
		w->steps[w->n] = (struct regex_step){ op, next, other, set };
	*ret = (uint16_t)w->n++;
	return 0;
}

/* Writes @node so that it goes on to *@at, which becomes where it begins. */
static int write_node(struct writer *w, const struct regex_node *node, uint16_t *at);

/* "x*", or "x+": a split that leads back to x. */
static int write_loop(struct writer *w, const struct regex_node *child, bool once, uint16_t *at)
{
	uint16_t split, begin;
	int err = write_step(w, STEP_SPLIT, 0, *at, NULL, &split);

	if (err)
		return err;
	begin = split;
	err = write_node(w, child, &begin);
	if (err)
		return err;
	if (w->steps)
		w->steps[split].next = begin;
	*at = once ? begin : split;
	return 0;
}

/* "x{,n}" as (x(x(x)?)?)?. */
static int write_optional(struct writer *w, const struct regex_node *child, int n, uint16_t *at)
{
	const uint16_t end = *at;
	int err = 0;

	for (int i = 0; !err && i < n; i++) {
		err = write_node(w, child, at);
		if (!err)
			err = write_step(w, STEP_SPLIT, *at, end, NULL, at);
	}
	return err;
}

static int write_repeat(struct writer *w, const struct regex_node *node, uint16_t *at)
{
	int err, rest = node->min;

	if (node->max < 0) {
		err = write_loop(w, node->child, node->min > 0, at);
		rest = node->min > 0 ? node->min - 1 : 0;
	} else {
		err = write_optional(w, node->child, node->max - node->min, at);
	}
	while (!err && rest-- > 0)
		err = write_node(w, node->child, at);
	return err;
}

static int write_either(struct writer *w, const struct regex_node *node, uint16_t *at)
{
	const uint16_t end = *at;
	uint16_t begin, split = end;
	bool first = true;
	int err = 0;

	for (const struct regex_node *child = node->child; !err && child; child = child->next) {
		begin = end;
		err = write_node(w, child, &begin);
		if (!err && !first)
			err = write_step(w, STEP_SPLIT, begin, *at, NULL, &split);
		*at = first ? begin : split;
		first = false;
	}
	return err;
}

static int write_node(struct writer *w, const struct regex_node *node, uint16_t *at)
{
	int err = 0;

	if (++w->visits > VISITS_MAX)
		return -E2BIG;
	switch (node->kind) {
	case REGEX_SET:
		return write_step(w, STEP_SET, *at, 0, node->set, at);
	case REGEX_BEGIN:
		w->lines = true;
		return write_step(w, STEP_BEGIN, *at, 0, NULL, at);
	case REGEX_END:
		return write_step(w, STEP_END, *at, 0, NULL, at);
	case REGEX_JOIN:
		for (const struct regex_node *child = node->child; !err && child; child = child->next)
			err = write_node(w, child, at);
		return err;
	case REGEX_EITHER:
		return write_either(w, node, at);
	case REGEX_REPEAT:
		return write_repeat(w, node, at);
	}
	return -EINVAL;
}

static int write_all(struct writer *w, const struct regex_node *root, uint16_t *start)
{
	int err = write_step(w, STEP_MATCH, 0, 0, NULL, start);

	return err ? err : write_node(w, root, start);
}

int regex_write_steps(const struct regex_node *root, size_t max, struct policy_arena *arena, struct rule_regex *regex)
{
	struct writer count = { .max = max }, w;
	int err = write_all(&count, root, &regex->start);

	if (err)
		return err;
	w = (struct writer){ .max = count.n };
	w.steps = policy_arena_alloc(arena, w.max, sizeof(*w.steps));
	if (!w.steps)
		return -ENOMEM;
	err = write_all(&w, root, &regex->start);
	regex->steps = w.steps;
	regex->n_steps = w.n;
	regex->lines = w.lines;
	return err;
}
