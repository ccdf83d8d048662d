// SPDX-License-Identifier: Apache-2.0
/*
 * What the events have in common that match a condition: paths and names. Contracts: detect_cover.h.
 *
 * I1: each cover is necessary for its node: no event for which the node is true is outside. Of a conjunction any child's is, of a
 *     disjunction only all of them together; of a negation nothing is known but what makes it false.
 * I2: texts in which '.' or '/' follows '.' or '/' are in no plain path: what asks for one matches none, and covers nothing.
 */
#include "enforcer/detect_cover.h"

#include <errno.h>
#include <string.h>

#include "enforcer/detect_narrow_internal.h"
#include "enforcer/stream.h"

/* A name is looked at for every open, and few have it; beginnings of paths say more. */
#define COST_OF_NAME 4
#define SHORTEST_PREFIX 2 /* every path has the first byte */

struct look {
	struct policy_arena *arena;
	struct known known;
	int err;
};

static const struct detect_cover nothing = { 0 }, anything = { .any = true };

enum path_field { PATH_NONE, PATH_WHOLE, PATH_FOLDER, PATH_LEAF };

/* Opens are named by their path as given, made absolute; see detect_fd_name(). */
static enum path_field path_field(const char *field)
{
	if (!strcmp(field, "fd.name") || !strcmp(field, "fd.nameraw"))
		return PATH_WHOLE;
	if (!strcmp(field, "fd.directory"))
		return PATH_FOLDER;
	return !strcmp(field, "fd.filename") ? PATH_LEAF : PATH_NONE;
}

static bool is_mark(char c)
{
	return c == '.' || c == '/';
}

/* I2 */
static bool is_in_no_plain_path(const char *text)
{
	for (; text[0] && text[1]; text++)
		if (is_mark(text[0]) && is_mark(text[1]))
			return true;
	return false;
}

static struct detect_cover part(struct look *look, bool is_name, const char *text, size_t len)
{
	struct detect_cover_part *made = policy_arena_alloc(look->arena, 1, sizeof(*made));

	if (!is_name && len < SHORTEST_PREFIX)
		return anything;
	if (!made) {
		look->err = -ENOMEM;
		return anything;
	}
	made->is_name = is_name;
	made->text = text[len] ? policy_arena_copy(look->arena, text, len) : text;
	made->next = NULL;
	if (!made->text)
		look->err = -ENOMEM;
	return made->text ? (struct detect_cover){ .n = 1, .first = made } : anything;
}

static struct detect_cover unite(struct look *look, struct detect_cover a, struct detect_cover b)
{
	if (a.any || b.any || a.n + b.n > HF_DETECT_PREFIXES) /* more has no room in the kernel half */
		return anything;
	for (const struct detect_cover_part *p = b.first; p; p = p->next) {
		struct detect_cover_part *copy = policy_arena_alloc(look->arena, 1, sizeof(*copy));

		if (!copy) {
			look->err = -ENOMEM;
			return anything;
		}
		*copy = *p;
		copy->next = a.first;
		a.first = copy;
		a.n++;
	}
	return a;
}

static size_t cost_of(struct detect_cover cover)
{
	size_t cost = 0;

	for (const struct detect_cover_part *p = cover.first; p; p = p->next)
		cost += p->is_name ? COST_OF_NAME : 1;
	return cover.any ? SIZE_MAX : cost;
}

/* --- one value ------------------------------------------------------------------------------------------------------ */

static struct detect_cover of_glob(struct look *look, const char *glob)
{
	if (!strpbrk(glob, "[\\") && is_in_no_plain_path(glob))
		return nothing;
	return part(look, false, glob, strcspn(glob, "*?[\\"));
}

/* The whole value matches; what stands before the first special character begins it, but for alternatives and repeats. */
static struct detect_cover of_regex(struct look *look, const char *regex)
{
	size_t len = strcspn(regex, ".[]()*+?{}|^$\\");
	int depth = 0;

	for (const char *c = regex; *c; c++) {
		depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
		if ((*c == '|' && depth <= 0) || (*c == '\\' && strpbrk(c, "|")))
			return anything;
	}
	if (len && regex[len] && strchr("*?{", regex[len]))
		len--;
	return part(look, false, regex, len);
}

/* Components are compared: slashes at the end or doubled do not count. */
static struct detect_cover of_components(struct look *look, const char *path)
{
	size_t len = strcspn(path, "*?[\\");

	if (path[0] != '/' || strstr(path, "//"))
		return anything;
	while (len > 1 && path[len - 1] == '/')
		len--;
	return part(look, false, path, len);
}

static struct detect_cover of_path(struct look *look, enum rule_operator operator, enum path_field field, const char *text)
{
	bool whole = field == PATH_WHOLE || field == PATH_FOLDER;

	switch (operator) {
	case RULE_OP_EQ:
	case RULE_OP_EQ2:
	case RULE_OP_IN:
	case RULE_OP_INTERSECTS:
	case RULE_OP_STARTSWITH:
		if (is_in_no_plain_path(text) || (field == PATH_LEAF && text[0] == '.'))
			return nothing;
		return whole ? part(look, false, text, strlen(text)) : anything;
	case RULE_OP_CONTAINS:
	case RULE_OP_ENDSWITH:
		return is_in_no_plain_path(text) ? nothing : anything;
	case RULE_OP_GLOB:
		return whole ? of_glob(look, text) : anything;
	case RULE_OP_REGEX:
		return whole ? of_regex(look, text) : anything;
	case RULE_OP_PMATCH:
		return whole ? of_components(look, text) : anything;
	default:
		return anything;
	}
}

static struct detect_cover of_value(struct look *look, const struct rule_node *check, const struct rule_node *value)
{
	const char *field = check->first->text;
	bool equal = check->operator == RULE_OP_EQ || check->operator == RULE_OP_EQ2 || check->operator == RULE_OP_IN ||
		     check->operator == RULE_OP_INTERSECTS;

	if (value->kind != RULE_VALUE || strlen(value->text) != value->len)
		return anything;
	if (!strcmp(field, "proc.name"))
		return equal ? part(look, true, value->text, value->len) : anything;
	return path_field(field) == PATH_NONE ? anything : of_path(look, check->operator, path_field(field), value->text);
}

/* --- trees ---------------------------------------------------------------------------------------------------------- */

static struct detect_cover of_check(struct look *look, const struct rule_node *check, bool negated)
{
	enum truth truth = detect_try_check(check, &look->known);
	const struct rule_node *right = check->first->next, *item;
	struct rule_values items = rule_values_of(right);
	struct detect_cover cover = nothing;

	if (truth == (negated ? TRUTH_TRUE : TRUTH_FALSE))
		return nothing;
	if (negated || check->first->kind != RULE_FIELD || check->first->argument || check->modifier == RULE_ALLOF)
		return anything;
	if (right->kind == RULE_VALUE)
		return check->modifier == RULE_ONE ? of_value(look, check, right) : anything;
	if (right->kind != RULE_LIST)
		return anything;
	while (!cover.any && (item = rule_values_next(&items, NULL)))
		cover = unite(look, cover, of_value(look, check, item));
	return cover;
}

/* I1. As deep as the parser lets conditions be. */
static struct detect_cover of_node(struct look *look, const struct rule_node *node, bool negated)
{
	bool both = node->kind == (negated ? RULE_OR : RULE_AND);
	struct detect_cover cover = both ? anything : nothing;

	switch (node->kind) {
	case RULE_AND:
	case RULE_OR:
		for (const struct rule_node *child = node->first; child && (both || !cover.any); child = child->next) {
			struct detect_cover of = of_node(look, child, negated);

			if (!both)
				cover = unite(look, cover, of);
			else if (cost_of(of) < cost_of(cover))
				cover = of;
		}
		return cover;
	case RULE_NOT:
		return of_node(look, node->first, !negated);
	case RULE_COMPARE:
		return of_check(look, node, negated);
	default:
		return anything;
	}
}

int detect_cover(const struct rule_node *tree, enum hf_detect_type type, unsigned int shape, struct policy_arena *arena,
		 struct detect_cover *ret)
{
	static const enum open_kind kinds[] = { OPEN_READS, OPEN_WRITES, OPEN_CREATES, OPEN_UNKNOWN };
	struct look look = {
		.arena = arena,
		.known = {
			.type = stream_type_name(type),
			.opens = true,
			.open = type == HF_DETECT_CREAT ? OPEN_UNKNOWN : kinds[shape % HF_DETECT_SHAPE_HOST],
			.host = shape & HF_DETECT_SHAPE_HOST,
			.failed = shape & HF_DETECT_SHAPE_FAILED,
		},
	};

	if (type < HF_DETECT_OPEN || type > HF_DETECT_CREAT) {
		*ret = anything;
		return 0;
	}
	*ret = of_node(&look, tree, false);
	return look.err;
}
