// SPDX-License-Identifier: Apache-2.0
/*
 * Operands: fields and transformers of conditions and outputs, each once in its program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/parse.h"

struct making {
	struct rule_compiler *c;
	const struct rule_node *node;
};

static int make_field(struct making *m, struct rule_operand *operand)
{
	struct rule_program *program = m->c->program;
	int err = rule_program_use_field(program, m->node->text, m->node->len, m->node->argument, m->node->offset, &operand->ref,
					 m->c->err);

	if (err < 0)
		return err;
	operand->kind = RULE_OPERAND_FIELD;
	operand->use = program->uses[operand->ref];
	operand->type = operand->use->field->type;
	operand->bits = operand->use->field->bits;
	operand->flags = operand->use->field->flags;
	operand->list = operand->flags & RULE_FIELD_LIST;
	operand->ancestors = operand->flags & RULE_FIELD_ANCESTORS && !operand->use->argument;
	operand->text = operand->use->text;
	return 0;
}

static int make_constant(struct making *m, struct rule_operand *operand)
{
	const struct rule_node *node = m->node;

	operand->kind = RULE_OPERAND_CONSTANT;
	operand->type = RULE_TYPE_STRING;
	operand->constant.kind = RULE_VALUE_TEXT;
	operand->constant.n = (uint32_t)node->len;
	operand->constant.text = policy_arena_copy(m->c->program->arena, node->text, node->len);
	operand->text = operand->constant.text;
	return operand->text ? 0 : -ENOMEM;
}

static int make_arguments(struct making *m, struct rule_operand *operand)
{
	size_t n = 0;

	for (const struct rule_node *at = m->node->first; at; at = at->next)
		n++;
	operand->arguments = policy_arena_alloc(m->c->program->arena, n, sizeof(*operand->arguments));
	if (!operand->arguments)
		return -ENOMEM;
	for (const struct rule_node *at = m->node->first; at; at = at->next) {
		int err = rule_compile_operand(m->c, at, &operand->arguments[operand->n_arguments++]);

		if (err < 0)
			return err;
	}
	if (m->c->program->n_derived >= RULE_DERIVED_MAX)
		return -ENOMEM;
	operand->ref = m->c->program->n_derived++;
	return 0;
}

static int check_list(struct making *m, const struct rule_operand *operand)
{
	for (size_t i = 0; i < operand->n_arguments; i++) {
		const struct rule_operand *item = operand->arguments[i];

		if ((item->type != RULE_TYPE_STRING && item->type != RULE_TYPE_PATH) || item->list)
			return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset,
						 "a list in a transformer holds strings only, and '%.128s' is none", item->text);
	}
	return 0;
}

static int make_list(struct making *m, struct rule_operand *operand)
{
	int err = make_arguments(m, operand);

	operand->kind = RULE_OPERAND_LIST;
	operand->type = RULE_TYPE_STRING;
	operand->list = true;
	operand->text = "list";
	return err < 0 ? err : check_list(m, operand);
}

/* An ancestor's fact may be put together with others, but no list of all ancestors. */
static int check_fields(struct making *m, const struct rule_operand *operand)
{
	for (size_t i = 0; i < operand->n_arguments; i++) {
		const struct rule_operand *argument = operand->arguments[i];
		bool single = operand->transform < RULE_TRANSFORM_JOIN;

		if (argument->flags & RULE_FIELD_NO_TRANSFORMER &&
		    (single || argument->ancestors || !(argument->flags & RULE_FIELD_ANCESTORS)))
			return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset,
						 "field '%s' does not support transformers", argument->text);
	}
	return 0;
}

static int check_selector(struct making *m, struct rule_operand *operand)
{
	const char *argument = m->node->argument;

	if (!argument)
		return 0;
	if (operand->transform != RULE_TRANSFORM_GETOPT)
		return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset, "transformer '%s' takes no field argument",
					 m->node->text);
	if (strlen(argument) != 1)
		return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset,
					 "getopt() field argument must be a single option character");
	operand->selector = argument[0];
	return 0;
}

static int make_transform(struct making *m, struct rule_operand *operand)
{
	int transform = rule_transform_find(m->node->text, m->node->len), err = make_arguments(m, operand);
	const char *wrong;

	if (err < 0)
		return err;
	if (transform < 0)
		return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset, "unknown transformer '%.64s'", m->node->text);
	operand->kind = RULE_OPERAND_TRANSFORM;
	operand->transform = (enum rule_transform)transform;
	err = check_selector(m, operand);
	if (err < 0)
		return err;
	err = check_fields(m, operand);
	if (err < 0)
		return err;
	wrong = rule_transform_check(operand);
	if (wrong)
		return rule_compile_fail(m->c->err, RULE_FILTER_INVALID, m->node->offset, "can't use transformer '%s': %s",
					 rule_transform_name(operand->transform), wrong);
	operand->text = rule_condition_print(m->node, m->c->program->arena, NULL);
	return operand->text ? 0 : -ENOMEM;
}

static int make_operand(void *data, void **ret)
{
	struct making *m = data;
	struct rule_operand *operand = policy_arena_alloc(m->c->program->arena, 1, sizeof(*operand));
	int err;

	if (!operand)
		return -ENOMEM;
	if (m->node->kind == RULE_FIELD)
		err = make_field(m, operand);
	else if (m->node->kind == RULE_TRANSFORM)
		err = make_transform(m, operand);
	else if (m->node->kind == RULE_TRANSFORM_LIST || m->node->kind == RULE_LIST)
		err = make_list(m, operand);
	else
		err = make_constant(m, operand);
	if (err < 0)
		return err;
	*ret = operand;
	return 0;
}

int rule_compile_operand(struct rule_compiler *c, const struct rule_node *node, const struct rule_operand **ret)
{
	struct making making = { .c = c, .node = node };
	void *key, *operand;
	size_t len;
	int err = rule_compile_key(c, node, &key, &len);

	if (err < 0)
		return err;
	err = rule_program_object(c->program, key, len, make_operand, &making, &operand);
	if (err < 0)
		return err;
	*ret = operand;
	return 0;
}
