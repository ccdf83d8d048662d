// SPDX-License-Identifier: Apache-2.0
/*
 * Fields as rules name them, with their arguments, and their numbers in a program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/rules/field_internal.h"
#include "policies/rules/filter_internal.h"

/* A name of a field as far as it may stand in a message. */
#define SHOWN(len) ((int)((len) < 128 ? (len) : 128))

const struct rule_field *rule_program_field(const struct rule_program *program, const char *text, size_t len, size_t *ret_len)
{
	for (size_t i = 0; i < program->n_extra; i++) {
		if (strlen(program->extra[i].name) == len && memcmp(program->extra[i].name, text, len) == 0) {
			if (ret_len)
				*ret_len = len;
			return &program->extra[i];
		}
	}
	return rule_field_find(text, len, ret_len);
}

static bool is_number(const char *text)
{
	/* Nine digits fit 32 bits. */
	return text[0] && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 9;
}

/* Whether the argument is one that the field takes, and whether it is a number. Return: what is wrong, or NULL. */
static const char *check_argument(const struct rule_field *field, const char *argument, bool brackets, bool *ret_indexed)
{
	bool number = argument && is_number(argument);

	*ret_indexed = false;
	if (!argument)
		return field->argument == RULE_ARGUMENT_KEY_NEEDED || field->argument == RULE_ARGUMENT_INDEX_OR_KEY_NEEDED ?
		       "requires an argument" : NULL;
	if (field->argument == RULE_ARGUMENT_NONE)
		return "takes no argument";
	if (field->flags & RULE_FIELD_EVENT_ARGUMENT && brackets && (!number || field->argument == RULE_ARGUMENT_KEY_NEEDED))
		return "takes a number in brackets, or a name after a dot";
	if (field->argument == RULE_ARGUMENT_INDEX && !number)
		return "takes a number as argument";
	*ret_indexed = number && field->argument != RULE_ARGUMENT_KEY_NEEDED;
	return NULL;
}

/* evt.rawarg is of the type of its argument. */
static int field_of_type(struct rule_program *program, const struct rule_field *field, const char *argument,
			 const struct rule_field **ret)
{
	const struct rule_field_argument *typed;
	struct rule_field *copy;

	*ret = field;
	if (!(field->flags & RULE_FIELD_EVENT_ARGUMENT) || field->argument != RULE_ARGUMENT_KEY_NEEDED || !argument)
		return 0;
	typed = rule_field_argument_find(argument, strlen(argument), true);
	copy = policy_arena_alloc(program->arena, 1, sizeof(*copy));
	if (!copy || !typed)
		return -ENOMEM;
	*copy = *field;
	copy->type = typed->type;
	copy->bits = typed->bits;
	copy->flags |= typed->flags;
	*ret = copy;
	return 0;
}

static int add_use(struct rule_program *program, const struct rule_field *field, const char *argument, bool indexed,
		   const char *text, uint32_t *ret)
{
	struct rule_field_use *use = policy_arena_alloc(program->arena, 1, sizeof(*use));
	int err;

	if (!use || program->n_uses >= RULE_USES_MAX)
		return -ENOMEM;
	err = field_of_type(program, field, argument, &use->field);
	if (err < 0)
		return err;
	err = policy_arena_dup(program->arena, argument, &use->argument);
	if (err < 0)
		return err;
	use->text = policy_arena_copy(program->arena, text, strlen(text));
	if (!use->text)
		return -ENOMEM;
	use->indexed = indexed;
	use->index = indexed ? strtol(argument, NULL, 10) : 0;
	use->ref = program->n_uses;
	program->uses[program->n_uses++] = use;
	*ret = use->ref;
	return 0;
}

static int find_or_add(struct rule_program *program, const struct rule_field *field, const char *argument, bool indexed,
		       const char *text, uint32_t *ret)
{
	for (uint32_t i = 0; i < program->n_uses; i++) {
		if (strcmp(program->uses[i]->text, text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return add_use(program, field, argument, indexed, text, ret);
}

static int unknown_field(const char *text, size_t len, uint32_t offset, struct rule_filter_error *err)
{
	static const char *const with_argument[] = { "evt.arg.", "evt.rawarg." };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(with_argument[i]);

		if (len > n && memcmp(text, with_argument[i], n) == 0)
			return rule_compile_fail(err, RULE_FILTER_INVALID, offset, "unknown event argument %.*s",
						 SHOWN(len - n), text + n);
	}
	return rule_compile_fail(err, RULE_FILTER_UNKNOWN_FIELD, offset, "filter_check called with nonexistent field %.*s",
				 SHOWN(len), text);
}

int rule_program_use_field(struct rule_program *program, const char *text, size_t len, const char *argument, uint32_t offset,
			   uint32_t *ret, struct rule_filter_error *err)
{
	size_t n;
	const struct rule_field *field = rule_program_field(program, text, len, &n);
	bool brackets = argument != NULL, indexed;
	char whole[RULE_FILTER_MESSAGE_BYTES];
	const char *wrong;

	if (!field)
		return unknown_field(text, len, offset, err);
	if (len + (argument ? strlen(argument) : 0) + 3 > sizeof(whole))
		return rule_compile_fail(err, RULE_FILTER_INVALID, offset, "the argument of field '%s' is too long", field->name);
	if (argument)
		snprintf(whole, sizeof(whole), "%.*s[%s]", (int)len, text, argument);
	else
		snprintf(whole, sizeof(whole), "%.*s", (int)len, text);
	if (!argument && n < len)
		argument = whole + n + 1;
	wrong = check_argument(field, argument, brackets, &indexed);
	if (wrong)
		return rule_compile_fail(err, RULE_FILTER_INVALID, offset, "filter syntax error: field '%s' %s", field->name, wrong);
	return find_or_add(program, field, argument, indexed, whole, ret);
}

int rule_program_use(struct rule_program *program, const char *text, uint32_t *ret, struct rule_filter_error *err)
{
	const char *open = strchr(text, '[');
	size_t len = strlen(text);
	char argument[RULE_FILTER_MESSAGE_BYTES];

	if (!open)
		return rule_program_use_field(program, text, len, NULL, 0, ret, err);
	if (text[len - 1] != ']' || len - (size_t)(open - text) > sizeof(argument))
		return unknown_field(text, len, 0, err);
	snprintf(argument, sizeof(argument), "%.*s", (int)(len - (size_t)(open - text) - 2), open + 1);
	return rule_program_use_field(program, text, (size_t)(open - text), argument, 0, ret, err);
}
