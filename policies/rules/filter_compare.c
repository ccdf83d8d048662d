// SPDX-License-Identifier: Apache-2.0
/*
 * From one comparison to one check: types against operators, constants against types, and how it is evaluated best.
 */
#include <errno.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/filter_pattern.h"
#include "policies/rules/parse.h"

struct comparing {
	struct rule_compiler *c;
	const struct rule_node *node;
	struct rule_check *check;
};

static int fail(struct comparing *m, const char *format, const char *first, const char *second)
	__attribute__((format(printf, 2, 0)));
static int fail(struct comparing *m, const char *format, const char *first, const char *second)
{
	return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset, format, first, second);
}

/* As errors name a class of types. */
static const char *class_of(enum rule_type type)
{
	switch (type) {
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
		return "string";
	case RULE_TYPE_BYTES:
		return "buffer";
	case RULE_TYPE_ADDRESS:
	case RULE_TYPE_NET:
		return "ip address and network";
	default:
		return "numeric";
	}
}

static bool is_membership(enum rule_operator operator)
{
	return operator == RULE_OP_IN || operator == RULE_OP_INTERSECTS;
}

static bool is_equality(enum rule_operator operator)
{
	return operator == RULE_OP_EQ || operator == RULE_OP_EQ2;
}

static bool is_text_pattern(enum rule_operator operator)
{
	return operator == RULE_OP_PMATCH || operator == RULE_OP_REGEX || operator == RULE_OP_GLOB || operator == RULE_OP_IGLOB;
}

static int check_types(struct comparing *m)
{
	const struct rule_operand *left = m->check->left;
	const char *operator = rule_operator_name(m->node->operator);

	if (left->list && !is_membership(m->node->operator))
		return fail(m, "'%s' operator not supported for list filters%s", operator, "");
	if (left->list && (left->type == RULE_TYPE_SIGNED || left->type == RULE_TYPE_BYTES))
		return fail(m, "list filters are not supported for type '%s'%s", rule_type_name(left->type), "");
	if (rule_test_for(left->type, m->node->operator, &m->check->test) < 0)
		return fail(m, "'%s' operator not supported for %s filters", operator, class_of(left->type));
	return 0;
}

static enum rule_quantifier quantifier_of(const struct rule_operand *left, enum rule_operator operator)
{
	if (left->list)
		return operator == RULE_OP_IN ? RULE_ALL : RULE_ANY;
	if (left->ancestors)
		return RULE_ANY;
	if (left->flags & (RULE_FIELD_BOTH_ENDS | RULE_FIELD_NAMES))
		return operator == RULE_OP_NE ? RULE_ALL : RULE_ANY;
	return RULE_SCALAR;
}

/* --- right side: an operand --------------------------------------------------------------------------------------- */

/* Falco knows one type of strings; a path is one. */
static enum rule_type plain_type(enum rule_type type)
{
	return type == RULE_TYPE_PATH ? RULE_TYPE_STRING : type;
}

static int compile_right(struct comparing *m, const struct rule_node *node)
{
	struct rule_check *check = m->check;
	const struct rule_operand *left = check->left, *right;
	int err = rule_compile_operand(m->c, node, &check->right);

	if (err < 0)
		return err;
	right = check->right;
	if (is_text_pattern(m->node->operator))
		return fail(m, "operator '%s' doesn't support right-hand side fields%s", rule_operator_name(m->node->operator), "");
	if (left->type == RULE_TYPE_NET)
		return fail(m, "field type 'IPNET' doesn't support right-hand side fields%s%s", "", "");
	if (left->flags & RULE_FIELD_NO_RIGHT_SIDE)
		return fail(m, "field '%s' doesn't support right-hand side fields%s", left->text, "");
	if (right->flags & RULE_FIELD_NO_RIGHT_SIDE)
		return fail(m, "field '%s' can't be used as a right-hand side field%s", right->text, "");
	if (plain_type(left->type) != plain_type(right->type) || left->bits != right->bits || left->list != right->list)
		return fail(m, "field '%s' and the right-hand side field '%s' have incompatible types", left->text, right->text);
	check->kind = RULE_CHECK_RIGHT;
	check->expensive = true;
	return 0;
}

/* --- right side: constants ---------------------------------------------------------------------------------------- */

static int add_name(struct rule_program *program, const char *name)
{
	if (rule_names_find(&program->known_names, name, strlen(name)))
		return 0;
	if (program->n_names == program->names_room) {
		size_t room = program->names_room ? 2 * program->names_room : 16;
		const char **names = policy_arena_alloc(program->arena, room, sizeof(*names));

		if (!names)
			return -ENOMEM;
		if (program->n_names)
			memcpy(names, program->names, program->n_names * sizeof(*names));
		program->names = names;
		program->names_room = room;
	}
	program->names[program->n_names++] = name;
	return rule_names_add(&program->known_names, program->arena, name, program);
}

static bool looks_like_transformer(const struct rule_node *value)
{
	const char *open = memchr(value->text, '(', value->len);

	return open && (rule_transform_find(value->text, (size_t)(open - value->text)) >= 0 || strncmp(value->text, "val(", 4) == 0);
}

/* Is it the name of a field, with blanks around or not? */
static bool looks_like_field(const struct rule_program *program, const struct rule_node *value)
{
	const char *text = value->text;
	size_t len = value->len;

	while (len && memchr(" \t\r\n", text[len - 1], 4))
		len--;
	for (; len && memchr(" \t\r\n", *text, 4); len--)
		text++;
	/* A name without a dot is no field's, and need not be looked for among hundreds. */
	return len && memchr(text, '.', len) && rule_program_field(program, text, len, NULL);
}

/* Who writes the name of a field right of an operator mostly means its value. */
static int warn_of(struct comparing *m, const struct rule_node *value)
{
	const char *what = NULL;

	if (looks_like_field(m->c->program, value))
		what = "field";
	else if (looks_like_transformer(value))
		what = "field transformer";
	if (!what)
		return 0;
	return rule_compile_warn(m->c, value->offset, "'%.*s' may be a valid %s misused as a const string value",
				 (int)(value->len < 128 ? value->len : 128), value->text, what);
}

static int compile_constant(struct comparing *m, const struct rule_node *value, struct rule_constant *ret)
{
	const struct rule_operand *left = m->check->left;
	int err = rule_compile_constant(m->c, left->type, left->bits, m->node->operator, value, ret);

	if (err < 0)
		return err;
	if (left->flags & RULE_FIELD_EVENT_TYPE && rule_event_type_find(value->text, value->len) < 0)
		return rule_compile_fail(m->c->err, RULE_FILTER_UNKNOWN_EVENT_TYPE, value->offset, "unknown event type %.*s",
					 (int)(value->len < 128 ? value->len : 128), value->text);
	if (left->flags & RULE_FIELD_NAMES && add_name(m->c->program, ret->value.text) < 0)
		return -ENOMEM;
	return plain_type(left->type) == RULE_TYPE_STRING ? warn_of(m, value) : 0;
}

static int compile_constants(struct comparing *m, const struct rule_node *right, struct rule_constant **ret)
{
	struct rule_values values = rule_values_of(right);
	const struct rule_node *value, *items;
	struct rule_constant *constants;
	size_t n = 0;

	while (rule_values_next(&values, NULL))
		n++;
	if (n > RULE_CONSTANTS_MAX - m->c->program->n_constants)
		return fail(m, "the conditions have too many values%s%s", "", "");
	m->c->program->n_constants += n;
	constants = policy_arena_alloc(m->c->program->arena, n, sizeof(*constants));
	if (!constants)
		return -ENOMEM;
	n = 0;
	for (values = rule_values_of(right); (value = rule_values_next(&values, &items));) {
		struct rule_node placed = *value;
		int err;

		placed.offset = items ? items->offset : value->offset;
		err = compile_constant(m, &placed, &constants[n++]);
		if (err < 0)
			return err;
	}
	m->check->constants = constants;
	m->check->n_constants = n;
	*ret = constants;
	return 0;
}

/* The cheapest form that means the same. */
static int choose_form(struct comparing *m, struct rule_constant *constants)
{
	struct rule_check *check = m->check;
	enum rule_operator operator = m->node->operator;
	bool member = is_membership(operator) || (is_equality(operator) && m->node->modifier == RULE_ANYOF);

	check->modifier = m->node->modifier == RULE_ONE ? RULE_ANYOF : m->node->modifier;
	check->expensive = check->n_constants > 1 || check->left->ancestors || operator == RULE_OP_CONTAINS ||
			   operator == RULE_OP_ICONTAINS || is_text_pattern(operator);
	if (operator == RULE_OP_PMATCH) {
		check->kind = RULE_CHECK_PATHS;
		return rule_pattern_paths(m->c, constants, check->n_constants, &check->paths);
	}
	if (check->n_constants == 1) {
		check->kind = RULE_CHECK_ONE;
		check->only = constants[0];
		return 0;
	}
	check->kind = RULE_CHECK_SOME;
	if (!member || check->value_kind != RULE_VALUE_TEXT || check->n_constants == 0)
		return 0;
	check->kind = RULE_CHECK_SET;
	return rule_text_set_new(&constants->value, sizeof(*constants), check->n_constants, m->c->program->arena, &check->set);
}

static int compile_compare(struct comparing *m)
{
	struct rule_check *check = m->check;
	const struct rule_node *right = m->node->first->next;
	struct rule_constant *constants = NULL;
	int err = check_types(m);

	if (err < 0)
		return err;
	check->value_kind = rule_value_kind_of(check->left->type);
	check->quantifier = quantifier_of(check->left, m->node->operator);
	if (right->kind == RULE_FIELD || right->kind == RULE_TRANSFORM)
		return compile_right(m, right);
	err = compile_constants(m, right, &constants);
	return err < 0 ? err : choose_form(m, constants);
}

int rule_compile_leaf(struct rule_compiler *c, const struct rule_node *node, struct rule_check *ret)
{
	struct comparing comparing = { .c = c, .node = node, .check = ret };
	int err = rule_compile_operand(c, node->first, &ret->left);

	if (err < 0)
		return err;
	ret->of_field = ret->left->kind == RULE_OPERAND_FIELD;
	ret->ref = ret->left->ref;
	if (node->kind == RULE_COMPARE)
		return compile_compare(&comparing);
	ret->kind = RULE_CHECK_EXISTS;
	return 0;
}
