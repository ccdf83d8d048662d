// SPDX-License-Identifier: Apache-2.0
/*
 * Macros: conditions to trees, and putting in the trees of macros where they are named. Must not know fields.
 */
#include "policies/rules/compile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a condition that stand for the whole in a place. */
#define EXCERPT_BYTES 20

/* The beginning of the text stands for the whole. */
static const char *copy_excerpt(struct policy_arena *arena, const struct rule_buffer *text)
{
	size_t n = text->len > EXCERPT_BYTES ? EXCERPT_BYTES - 3 : text->len;
	char excerpt[EXCERPT_BYTES + 3];

	snprintf(excerpt, sizeof(excerpt), "\"%.*s%s\"", (int)n, text->s, n < text->len ? "..." : "");
	for (char *c = excerpt; *c; c++)
		*c = *c == '\n' || *c == '\r' ? ' ' : *c;
	return policy_arena_copy(arena, excerpt, strlen(excerpt));
}

/* Errors come one behind the other, mostly. */
static void find_line(struct rule_expression *expression, const struct rule_buffer *text, struct rule_place *place)
{
	if (expression->last.offset > place->offset || !expression->last.line) {
		expression->last.offset = 0;
		expression->last.line = 1;
		expression->last.column = 1;
	}
	for (; expression->last.offset < place->offset && expression->last.offset < text->len; expression->last.offset++) {
		bool next = text->s[expression->last.offset] == '\n';

		expression->last.line += next;
		expression->last.column = next ? 1 : expression->last.column + 1;
	}
	place->line = expression->last.line;
	place->column = expression->last.column;
}

const struct rule_place *rule_condition_place(struct rule_compiler *k, struct rule_expression *expression, size_t offset)
{
	struct policy_arena *arena = k->report->arena;
	struct rule_place *place = policy_arena_alloc(arena, 1, sizeof(*place));
	const struct rule_buffer *text = rule_whole_text(k, expression, &offset);
	size_t from, end;

	if (!place || !text)
		return NULL;
	from = offset > RULE_SNIPPET_WIDTH ? offset - RULE_SNIPPET_WIDTH : 0;
	end = text->len - from > 2 * RULE_SNIPPET_WIDTH ? from + 2 * RULE_SNIPPET_WIDTH : text->len;
	*place = (struct rule_place){ .parent = expression->place, .item = RULE_ITEM_CONDITION_EXPRESSION, .name = "",
				      .offset = offset, .text_offset = from, .len = end - from };
	place->file = copy_excerpt(arena, text);
	place->text = policy_arena_copy(arena, text->s + from, place->len);
	find_line(expression, text, place);
	return place->file && place->text ? place : NULL;
}

/* An error at an offset of a condition. */
static int fail_at(struct rule_compiler *k, struct rule_expression *expression, size_t offset, const char *message)
{
	const struct rule_place *place = rule_condition_place(k, expression, offset);

	return place ? rule_report_error(k->report, RULE_ERROR_COMPILE_CONDITION, place, "%s", message) : -ENOMEM;
}

static size_t count_nodes(const struct rule_node *node)
{
	size_t n = 1;

	for (const struct rule_node *child = node->kind == RULE_ITEMS ? NULL : node->first; child; child = child->next)
		n += count_nodes(child);
	return n;
}

int rule_parse_expression(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression)
{
	struct rule_syntax_error error;
	int r = rule_find_lists(k, condition, expression);

	if (r == 0)
		r = rule_condition_parse_uses(expression->text.s, expression->text.len, expression->uses, expression->n_uses,
					      RULE_DEPTH_MAX_RULE, expression->arena, &expression->node, &error);
	if (r == -EAGAIN) {
		expression->n_uses = 0;
		expression->text = (struct rule_buffer){ 0 };
		r = rule_put_lists(k, condition, expression);
		if (r < 0)
			return r;
		r = rule_condition_parse(expression->text.s, expression->text.len, RULE_DEPTH_MAX_RULE, expression->arena,
					 &expression->node, &error);
	}
	if (r == -EINVAL)
		return fail_at(k, expression, error.offset, error.message);
	if (r == 0)
		expression->nodes = count_nodes(expression->node);
	return r;
}

/* One walk over a tree that puts macros in. */
struct walk {
	struct rule_compiler *k;
	struct rule_expression *expression;
	size_t visibility;
};

static int copy_texts(struct policy_arena *arena, struct rule_node *node)
{
	if (node->text) {
		node->text = policy_arena_copy(arena, node->text, node->len);
		if (!node->text)
			return -ENOMEM;
	}
	return policy_arena_dup(arena, node->argument, &node->argument);
}

/* at: where all of it counts as written; NULL: where it is. With texts they are copied as well, otherwise they stay where they are. */
static struct rule_node *copy_tree(struct policy_arena *arena, const struct rule_node *node, const uint32_t *at, bool texts)
{
	struct rule_node *copy = policy_arena_alloc(arena, 1, sizeof(*copy)), **last;

	if (!copy)
		return NULL;
	*copy = *node;
	copy->next = NULL;
	if (at)
		copy->offset = *at;
	if (texts && copy_texts(arena, copy) < 0)
		return NULL;
	if (node->kind == RULE_ITEMS)
		return copy;
	last = &copy->first;
	for (const struct rule_node *child = node->first; child; child = child->next) {
		*last = copy_tree(arena, child, at, texts);
		if (!*last)
			return NULL;
		last = &(*last)->next;
	}
	return copy;
}

struct rule_node *rule_copy_tree(struct policy_arena *arena, const struct rule_node *node)
{
	return copy_tree(arena, node, NULL, true);
}

static int fail_name(struct walk *w, const struct rule_node *node, const char *before, const char *behind)
{
	const struct rule_place *place = rule_condition_place(w->k, w->expression, node->offset);

	if (!place)
		return -ENOMEM;
	return rule_report_error(w->k->report, RULE_ERROR_VALIDATE, place, "%s'%s'%s", before, node->text, behind);
}

static int take_nodes(struct walk *w, const struct rule_node *node, size_t n)
{
	w->expression->nodes += n;
	w->k->total_nodes += n;
	if (w->expression->nodes <= RULE_NODES_MAX && w->k->total_nodes <= rule_nodes_max(w->k))
		return 0;
	return fail_name(w, node, "The condition is too large after macro ", " is put in");
}

static int put_macros(struct walk *w, struct rule_node **at, unsigned depth);

/* *@at is the name of a macro, and becomes what it stands for. */
static int put_macro(struct walk *w, struct rule_node **at, unsigned depth)
{
	struct rule_node *name = *at, *copy;
	struct rule_compiled_macro *macro = rule_names_find(&w->k->macro_names, name->text, name->len);
	int r;

	if (!macro || macro->info->index >= w->visibility)
		return fail_name(w, name, "Undefined macro ", " used in filter.");
	if (macro->open)
		return fail_name(w, name, "reference loop in macro ", "");
	r = take_nodes(w, name, macro->expression.nodes);
	if (r < 0)
		return r;
	copy = copy_tree(w->expression->arena, macro->expression.node, &name->offset, false);
	if (!copy)
		return -ENOMEM;
	copy->next = name->next;
	*at = copy;
	macro->used = true;
	macro->open = true;
	r = put_macros(w, at, depth + 1);
	macro->open = false;
	return r;
}

/* *@at may be exchanged for another node that has the same one next to it. */
static int put_macros(struct walk *w, struct rule_node **at, unsigned depth)
{
	struct rule_node *node = *at;
	int r = 0;

	if (depth >= RULE_TREE_DEPTH_MAX)
		return fail_at(w->k, w->expression, node->offset,
			       "The condition is nested too deep after macros are put in");
	switch (node->kind) {
	case RULE_MACRO:
		return put_macro(w, at, depth);
	case RULE_AND:
	case RULE_OR:
	case RULE_NOT:
		for (struct rule_node **child = &node->first; *child && r == 0; child = &(*child)->next)
			r = put_macros(w, child, depth + 1);
		return r;
	default:
		return 0;
	}
}

int rule_put_macros(struct rule_compiler *k, struct rule_expression *expression, size_t visibility)
{
	struct walk w = { k, expression, visibility };

	return put_macros(&w, &expression->node, 0);
}

static int parse_macros(struct rule_compiler *k)
{
	size_t n = 0;
	int r = 0;

	for (const struct rule_macro_info *info = k->c->macros; info && r == 0; info = info->next) {
		struct rule_compiled_macro *macro = &k->macros[n++];

		macro->info = info;
		macro->expression = (struct rule_expression){ .arena = k->scratch, .place = info->condition_place };
		r = rule_parse_expression(k, &info->condition, &macro->expression);
		if (r == 0)
			r = rule_names_add(&k->macro_names, k->scratch, info->name, macro);
	}
	return r;
}

int rule_compile_macros(struct rule_compiler *k)
{
	int r;

	k->macros = policy_arena_alloc(k->scratch, k->c->n_macros, sizeof(*k->macros));
	if (!k->macros)
		return -ENOMEM;
	r = parse_macros(k);
	for (size_t i = 0; i < k->c->n_macros && r == 0; i++)
		r = rule_put_macros(k, &k->macros[i].expression, k->macros[i].info->visibility);
	return r;
}
