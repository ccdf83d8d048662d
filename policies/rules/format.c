// SPDX-License-Identifier: Apache-2.0
/*
 * Outputs: their syntax, and their text for an event. Contracts: format.h.
 *
 * Behind a '%' stands the longest text that is a field or a transformer, so that "%proc.nameand%thread.tid" works. There is no
 * escape for '%'.
 */
#include "policies/rules/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policies/rules/field_internal.h"
#include "policies/rules/filter_internal.h"
#include "policies/rules/format_internal.h"
#include "policies/rules/parse.h"

/* Bytes that a length in front of a field may ask for. */
#define WIDTH_MAX 4096
/* What a message quotes of a token. */
#define SHOWN(text) ((int)strnlen((text), 64)), (text)

struct parsing {
	struct rule_compiler c;
	struct rule_format *format;
	const char *text, *at;
	size_t room; /* tokens that there may be */
};

static uint32_t offset_of(const struct parsing *p)
{
	return (uint32_t)(p->at - p->text);
}

static int fail_unknown(struct parsing *p)
{
	return rule_compile_fail(p->c.err, RULE_FILTER_UNKNOWN_FIELD, offset_of(p),
				 "unknown filter: invalid formatting token %.*s", SHOWN(p->at));
}

static int parse_transformer(struct parsing *p, struct rule_format_token *token)
{
	struct rule_syntax_error syntax;
	struct rule_node *node;
	size_t used;
	int err = rule_operand_parse(p->at, strlen(p->at), true, p->c.scratch, &node, &used, &syntax);

	if (err == -EINVAL)
		return rule_compile_fail(p->c.err, RULE_FILTER_INVALID, offset_of(p), "unknown filter: %.256s", syntax.message);
	if (err < 0)
		return err;
	err = rule_compile_operand(&p->c, node, &token->operand);
	if (err == -EINVAL)
		p->c.err->offset += offset_of(p);
	if (err < 0)
		return err;
	token->name = token->operand->text;
	p->at += used;
	return 0;
}

/* Bytes of the argument in brackets, with them; 0 if there is none. */
static size_t brackets(const struct rule_field *field, const char *text)
{
	const char *end = text[0] == '[' && field->argument != RULE_ARGUMENT_NONE ? strchr(text, ']') : NULL;

	return end && end - text > 1 ? (size_t)(end - text) + 1 : 0;
}

static int parse_field(struct parsing *p, struct rule_format_token *token)
{
	const struct rule_program *program = p->c.program;
	const struct rule_field *field = rule_field_prefix(program->extra, program->n_extra, p->at, strlen(p->at));
	size_t n = field ? strlen(field->name) : 0, argument;
	struct rule_node node = { .kind = RULE_FIELD, .offset = offset_of(p), .text = p->at };
	int err;

	if (!field)
		return fail_unknown(p);
	if (field->flags & RULE_FIELD_FILTER_ONLY)
		return rule_compile_fail(p->c.err, RULE_FILTER_INVALID, offset_of(p),
					 "%s is filter only and cannot be used as a display field", field->name);
	n += rule_field_dotted(field, p->at + n, strlen(p->at + n), false);
	argument = n == strlen(field->name) ? brackets(field, p->at + n) : 0;
	node.text = policy_arena_copy(p->c.scratch, p->at, n);
	node.len = n;
	if (argument)
		node.argument = policy_arena_copy(p->c.scratch, p->at + n + 1, argument - 2);
	else if (strcmp(field->name, "proc.apid") == 0)
		node.argument = "0"; /* where other fields of ancestors print all of them, this one prints the process itself */
	token->name = policy_arena_copy(program->arena, p->at, n + argument);
	if (!node.text || !token->name || (argument && !node.argument))
		return -ENOMEM;
	err = rule_compile_operand(&p->c, &node, &token->operand);
	p->at += n + argument;
	return err;
}

static bool is_transformer(const char *text)
{
	const char *open = strchr(text, '(');

	return open && rule_transform_find(text, (size_t)(open - text)) >= 0;
}

static int parse_token(struct parsing *p, struct rule_format_token *token)
{
	char *end;

	p->at++;
	if (!*p->at)
		return rule_compile_fail(p->c.err, RULE_FILTER_UNKNOWN_FIELD, offset_of(p),
					 "unknown filter: invalid formatting syntax: formatting cannot end with a %%");
	if (*p->at >= '0' && *p->at <= '9') {
		unsigned long width = strtoul(p->at, &end, 10);

		p->at = end;
		if (width > WIDTH_MAX)
			return rule_compile_fail(p->c.err, RULE_FILTER_INVALID, offset_of(p), "a length is above %d", WIDTH_MAX);
		token->width = (uint32_t)width;
	}
	return is_transformer(p->at) ? parse_transformer(p, token) : parse_field(p, token);
}

static int parse_text(struct parsing *p, struct rule_format_token *token)
{
	size_t n = strcspn(p->at, "%");

	token->literal = policy_arena_copy(p->c.program->arena, p->at, n);
	token->literal_len = n;
	p->at += n;
	return token->literal ? 0 : -ENOMEM;
}

static int parse(struct parsing *p)
{
	size_t room = 1;
	int err = 0;

	if (!*p->text)
		return rule_compile_fail(p->c.err, RULE_FILTER_INVALID, 0, "empty formatting token");
	for (const char *at = p->text; *at; at++)
		room += *at == '%' ? 2 : 0;
	p->format->tokens = policy_arena_alloc(p->c.program->arena, room, sizeof(*p->format->tokens));
	if (!p->format->tokens)
		return -ENOMEM;
	p->format->partial = *p->text == '*';
	p->at = p->text + p->format->partial;
	while (err == 0 && *p->at) {
		struct rule_format_token *token = &p->format->tokens[p->format->n_tokens++];

		err = *p->at == '%' ? parse_token(p, token) : parse_text(p, token);
	}
	return err < 0 ? err : rule_format_collect(p->c.program, p->format);
}

int rule_format_compile(struct rule_program *program, const char *text, struct rule_format **ret, struct rule_filter_error *err)
{
	_cleanup_(policy_arena_free) struct policy_arena *scratch = NULL;
	struct parsing parsing = { .c = { .program = program, .err = err }, .text = text };
	int error = policy_arena_new(&scratch);

	if (error < 0)
		return error;
	parsing.c.scratch = scratch;
	parsing.format = policy_arena_alloc(program->arena, 1, sizeof(*parsing.format));
	if (!parsing.format)
		return -ENOMEM;
	error = parse(&parsing);
	if (error < 0)
		return error;
	*ret = parsing.format;
	return 0;
}

/* --- text of an event --------------------------------------------------------------------------------------------- */

struct output {
	char *buffer;
	size_t size, n; /* n: what the whole takes */
};

static void put(struct output *out, const char *text, size_t n)
{
	size_t room = out->size - 1 > out->n ? out->size - 1 - out->n : 0;

	memcpy(out->buffer + (room ? out->n : 0), text, n < room ? n : room);
	out->n += n;
}

static void pad(struct output *out, size_t n)
{
	while (n-- > 0)
		put(out, " ", 1);
}

static void put_value(struct output *out, const struct rule_format_token *token, const struct rule_value *value)
{
	size_t room = out->size - 1 > out->n ? out->size - 1 - out->n : 0, limit = room, n;

	if (token->width && token->width < limit)
		limit = token->width;
	n = rule_operand_print(token->operand, value, out->buffer + (room ? out->n : 0), limit);
	if (!token->width) {
		out->n += n;
		return;
	}
	out->n += n < token->width ? n : token->width;
	if (n < token->width)
		pad(out, token->width - n);
}

int rule_format_text(const struct rule_format *format, struct rule_facts *facts, char *buffer, size_t size, size_t *ret_len)
{
	struct output out = { .buffer = buffer, .size = size };
	int err = 0;

	for (size_t i = 0; i < format->n_tokens && err == 0; i++) {
		const struct rule_format_token *token = &format->tokens[i];
		const struct rule_value *value;

		if (!token->operand) {
			put(&out, token->literal, token->literal_len);
			continue;
		}
		value = rule_operand_value(token->operand, facts);
		if (value->kind == RULE_VALUE_MISSING && !format->partial)
			err = -ENODATA;
		else
			put_value(&out, token, value);
	}
	if (out.n > size - 1) {
		out.n = size - 1;
		err = err < 0 ? err : -EMSGSIZE;
	}
	buffer[out.n] = '\0';
	*ret_len = out.n;
	return err;
}
