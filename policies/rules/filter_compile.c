// SPDX-License-Identifier: Apache-2.0
/*
 * From a condition's tree to checks. Owns: what is one check, and which are worth remembering. Contracts: filter.h.
 */
#include <errno.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/parse.h"

struct making {
	struct rule_compiler *c;
	const struct rule_node *node;
	struct rule_check **children;
	size_t n_children;
};

static int compile(struct rule_compiler *c, const struct rule_node *node, struct rule_check **ret);

/* --- keys -------------------------------------------------------------------------------------------------------- */

struct key {
	uint8_t kind, operator, modifier, has_argument;
	uint32_t len, argument_len, children;
};

static size_t count_children(const struct rule_node *node)
{
	size_t n = 0;

	for (const struct rule_node *at = node->first; at; at = at->next)
		n++;
	return n;
}

/* The values of many are the same only if they are of the same list; few are looked at. */
static bool is_apart(const struct rule_node *node)
{
	return node->kind == RULE_ITEMS && node->len >= RULE_ITEMS_APART;
}

static size_t count_in_key(const struct rule_node *node)
{
	size_t n = 0;

	for (const struct rule_node *at = node->first; at; at = at->next)
		n += at->kind == RULE_ITEMS && !is_apart(at) ? at->len : 1;
	return n;
}

static size_t key_size(const struct rule_node *node)
{
	size_t n = sizeof(struct key) + (node->text ? node->len : 0) + (node->argument ? strlen(node->argument) : 0);

	if (is_apart(node))
		return sizeof(struct key) + sizeof(node->first);
	if (node->kind == RULE_ITEMS)
		n = 0;
	for (const struct rule_node *at = node->first; at; at = at->next)
		n += key_size(at);
	return n;
}

static char *write_key(const struct rule_node *node, char *at);

static char *write_items(const struct rule_node *node, char *at)
{
	const struct key key = { .kind = RULE_ITEMS, .len = sizeof(node->first) };

	if (is_apart(node)) {
		at = mempcpy(at, &key, sizeof(key));
		return mempcpy(at, &node->first, sizeof(node->first));
	}
	for (const struct rule_node *value = node->first; value; value = value->next)
		at = write_key(value, at);
	return at;
}

static char *write_node(const struct rule_node *node, char *at)
{
	struct key key = {
		.kind = (uint8_t)node->kind,
		.operator = (uint8_t)node->operator,
		.modifier = (uint8_t)node->modifier,
		.has_argument = node->argument != NULL,
		.len = node->text ? (uint32_t)node->len : 0,
		.argument_len = node->argument ? (uint32_t)strlen(node->argument) : 0,
		.children = (uint32_t)count_in_key(node),
	};

	at = mempcpy(at, &key, sizeof(key));
	if (key.len)
		at = mempcpy(at, node->text, key.len);
	if (key.argument_len)
		at = mempcpy(at, node->argument, key.argument_len);
	for (const struct rule_node *child = node->first; child; child = child->next)
		at = write_key(child, at);
	return at;
}

static char *write_key(const struct rule_node *node, char *at)
{
	return node->kind == RULE_ITEMS ? write_items(node, at) : write_node(node, at);
}

int rule_compile_key(struct rule_compiler *c, const struct rule_node *node, void **ret, size_t *ret_len)
{
	size_t len = key_size(node);
	char *key = policy_arena_alloc(c->scratch, 1, len);

	if (!key)
		return -ENOMEM;
	write_key(node, key);
	*ret = key;
	*ret_len = len;
	return 0;
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

static int make_leaf(void *data, void **ret)
{
	struct making *m = data;
	struct rule_check *check = policy_arena_alloc(m->c->program->arena, 1, sizeof(*check));
	const struct rule_filter_warning *before = m->c->warnings;
	int err;

	if (!check)
		return -ENOMEM;
	m->c->warnings = NULL;
	err = rule_compile_leaf(m->c, m->node, check);
	check->warnings = m->c->warnings;
	m->c->warnings = before;
	if (err < 0)
		return err;
	*ret = check;
	return 0;
}

/* Each condition that holds the check is warned of, not just the first. */
static int repeat_warnings(struct rule_compiler *c, const struct rule_node *node, const struct rule_check *check)
{
	for (const struct rule_filter_warning *at = check->warnings; at; at = at->next)
		if (rule_compile_warn(c, node->offset, "%s", at->message) < 0)
			return -ENOMEM;
	return 0;
}

static int compile_leaf(struct rule_compiler *c, const struct rule_node *node, struct rule_check **ret)
{
	struct making making = { .c = c, .node = node };
	void *key, *check;
	size_t len;
	int err = rule_compile_key(c, node, &key, &len);

	if (err < 0)
		return err;
	err = rule_program_object(c->program, key, len, make_leaf, &making, &check);
	if (err < 0)
		return err;
	*ret = check;
	return repeat_warnings(c, node, *ret);
}

static void add_parent(struct rule_program *program, struct rule_check *check)
{
	if (++check->parents == 2 && check->expensive)
		check->memo = ++program->n_memos;
}

static int make_inner(void *data, void **ret)
{
	struct making *m = data;
	struct rule_check *check = policy_arena_alloc(m->c->program->arena, 1, sizeof(*check));
	const struct rule_check **children = policy_arena_alloc(m->c->program->arena, m->n_children, sizeof(*children));

	if (!check || !children)
		return -ENOMEM;
	check->kind = m->node->kind == RULE_AND ? RULE_CHECK_AND : m->node->kind == RULE_OR ? RULE_CHECK_OR : RULE_CHECK_NOT;
	for (size_t i = 0; i < m->n_children; i++) {
		add_parent(m->c->program, m->children[i]);
		children[i] = m->children[i];
	}
	check->expensive = check->kind != RULE_CHECK_NOT;
	check->children = children;
	check->n_children = m->n_children;
	*ret = check;
	return 0;
}

/* The key of AND, OR and NOT: the kind, and the children, which are equal only if they are the same. */
static int compile_inner(struct rule_compiler *c, const struct rule_node *node, struct rule_check **ret)
{
	size_t n = count_children(node), i = 1;
	struct rule_check **key = policy_arena_alloc(c->scratch, n + 1, sizeof(*key));
	struct making making = { .c = c, .node = node, .children = key + 1, .n_children = n };
	void *check;
	int err;

	if (!key)
		return -ENOMEM;
	memset(key, 0xff, sizeof(*key)); /* no node's key begins so */
	memcpy(key, &node->kind, sizeof(node->kind));
	for (const struct rule_node *at = node->first; at; at = at->next) {
		err = compile(c, at, &key[i++]);
		if (err < 0)
			return err;
	}
	err = rule_program_object(c->program, key, (n + 1) * sizeof(*key), make_inner, &making, &check);
	if (err < 0)
		return err;
	*ret = check;
	return 0;
}

/* Whether "in (a, b)" is the same as "in (a) or in (b)", and worth it. */
static int can_split(struct rule_compiler *c, const struct rule_node *node, bool *ret)
{
	const struct rule_node *right = node->first->next;
	const struct rule_operand *left;
	bool member = node->operator == RULE_OP_IN || node->operator == RULE_OP_INTERSECTS || node->operator == RULE_OP_PMATCH;
	bool apart = false;
	int err;

	*ret = false;
	if (node->kind != RULE_COMPARE || !member || node->modifier != RULE_ONE || right->kind != RULE_LIST)
		return 0;
	for (const struct rule_node *at = right->first; at; at = at->next)
		apart = apart || is_apart(at);
	if (!apart || !right->first->next)
		return 0;
	err = rule_compile_operand(c, node->first, &left);
	*ret = err == 0 && !left->list;
	return err;
}

/* A comparison like @node, whose list is empty. */
static struct rule_node *part_of(struct rule_compiler *c, const struct rule_node *node)
{
	struct rule_node *part = policy_arena_alloc(c->scratch, 3, sizeof(*part));

	if (!part)
		return NULL;
	part[0] = *node;
	part[0].first = &part[1];
	part[0].next = NULL;
	part[1] = *node->first;
	part[1].next = &part[2];
	part[2] = *node->first->next;
	part[2].first = NULL;
	part[2].next = NULL;
	return part;
}

/* The values of each long list apart, and all others together. */
static int split(struct rule_compiler *c, const struct rule_node *node, struct rule_node *ret)
{
	struct rule_node *rest = part_of(c, node), **tail = rest ? &rest[2].first : NULL, **next = &ret->first;

	*ret = (struct rule_node){ .kind = RULE_OR, .offset = node->offset };
	for (const struct rule_node *at = node->first->next->first; at && tail; at = at->next) {
		struct rule_node *part = is_apart(at) ? part_of(c, node) : NULL;
		struct rule_node *copy = policy_arena_alloc(c->scratch, 1, sizeof(*copy));

		if (!copy || (is_apart(at) && !part))
			return -ENOMEM;
		*copy = *at;
		copy->next = NULL;
		if (!part) {
			*tail = copy;
			tail = &copy->next;
			continue;
		}
		part[2].first = copy;
		*next = part;
		next = &part->next;
	}
	if (tail && rest[2].first)
		*next = rest;
	return tail ? 0 : -ENOMEM;
}

static int compile_comparison(struct rule_compiler *c, const struct rule_node *node, struct rule_check **ret)
{
	struct rule_node parts;
	bool apart;
	int err = can_split(c, node, &apart);

	if (err == 0 && apart)
		err = split(c, node, &parts);
	if (err < 0)
		return err;
	return apart ? compile_inner(c, &parts, ret) : compile_leaf(c, node, ret);
}

static int compile(struct rule_compiler *c, const struct rule_node *node, struct rule_check **ret)
{
	switch (node->kind) {
	case RULE_AND:
	case RULE_OR:
	case RULE_NOT:
		return compile_inner(c, node, ret);
	case RULE_EXISTS:
		return compile_leaf(c, node, ret);
	case RULE_COMPARE:
		return compile_comparison(c, node, ret);
	case RULE_MACRO:
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "Undefined macro '%.128s' used in filter.",
					 node->text);
	default:
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "this is no condition");
	}
}

static int compile_filter(struct rule_compiler *c, const struct rule_node *node, struct rule_filter **ret)
{
	struct rule_filter *filter = policy_arena_alloc(c->program->arena, 1, sizeof(*filter));
	struct rule_check *root;
	int err;

	if (!filter)
		return -ENOMEM;
	err = compile(c, node, &root);
	if (err < 0)
		return err;
	add_parent(c->program, root);
	filter->root = root;
	filter->warnings = c->warnings;
	rule_event_types_of(node, &filter->types);
	*ret = filter;
	return 0;
}

int rule_filter_compile(struct rule_program *program, const struct rule_node *node, struct rule_filter **ret,
			struct rule_filter_error *err)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	struct rule_compiler c = { .program = program, .err = err };
	int error = policy_arena_new(&scratch);

	if (error < 0)
		return error;
	c.scratch = scratch;
	return compile_filter(&c, node, ret);
}
