// SPDX-License-Identifier: Apache-2.0
/* Values that the JSON object of an output has besides those of its text. Contracts: format.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/format_internal.h"

/* A value as it is: "%name" must be one token. */
static int compile_raw(struct rule_program *program, const char *name, struct rule_format_field *ret, struct rule_filter_error *err)
{
	char text[RULE_FILTER_MESSAGE_BYTES];
	struct rule_format *one;
	int error;

	if (snprintf(text, sizeof(text), "*%%%s", name) >= (int)sizeof(text))
		return rule_compile_fail(err, RULE_FILTER_INVALID, 0, "the name of an extra field is too long");
	error = rule_format_compile(program, text, &one, err);
	if (error < 0)
		return error;
	if (one->n_tokens != 1 || !one->tokens[0].operand || one->tokens[0].width)
		return rule_compile_fail(err, RULE_FILTER_UNKNOWN_FIELD, 0, "unknown filter: extra field %.64s is no field", name);
	ret->operand = one->tokens[0].operand;
	return 0;
}

static int compile_text(struct rule_program *program, const char *text, struct rule_format_field *ret, struct rule_filter_error *err)
{
	size_t len = strlen(text);
	char *partial = policy_arena_alloc(program->arena, 1, len + 2);
	struct rule_format *format;
	int error;

	if (!partial)
		return -ENOMEM;
	partial[0] = '*';
	memcpy(partial + 1, text, len);
	error = rule_format_compile(program, partial, &format, err);
	if (error == 0)
		ret->text = format;
	return error;
}

/* Sorted by name, where a field of that name gives way. */
static int insert(struct rule_program *program, struct rule_format *format, const struct rule_format_field *field)
{
	struct rule_format_field *fields = policy_arena_alloc(program->arena, format->n_fields + 1, sizeof(*fields));
	size_t n = 0, at = 0;

	if (!fields)
		return -ENOMEM;
	while (at < format->n_fields && strcmp(format->fields[at].name, field->name) < 0)
		fields[n++] = format->fields[at++];
	fields[n++] = *field;
	if (at < format->n_fields && strcmp(format->fields[at].name, field->name) == 0)
		at++;
	while (at < format->n_fields)
		fields[n++] = format->fields[at++];
	format->fields = fields;
	format->n_fields = n;
	return 0;
}

int rule_format_add_field(struct rule_program *program, struct rule_format *format, const char *name, const char *text,
			  struct rule_filter_error *err)
{
	struct rule_format_field field = { .name = policy_arena_copy(program->arena, name, strlen(name)) };
	int error = field.name ? 0 : -ENOMEM;

	if (error == 0)
		error = text ? compile_text(program, text, &field, err) : compile_raw(program, name, &field, err);
	return error == 0 ? insert(program, format, &field) : error;
}
