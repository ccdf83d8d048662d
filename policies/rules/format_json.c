// SPDX-License-Identifier: Apache-2.0
/*
 * The values of an output by name, and as one JSON object. Contracts: format.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/rules/format_internal.h"

static void count_operands(const struct rule_operand *operand, size_t *n)
{
	++*n;
	for (size_t i = 0; i < operand->n_arguments; i++)
		count_operands(operand->arguments[i], n);
}

static void add_field(struct rule_format *format, const char *name, const struct rule_operand *operand)
{
	for (size_t i = 0; i < format->n_fields; i++)
		if (strcmp(format->fields[i].name, name) == 0)
			return;
	format->fields[format->n_fields++] = (struct rule_format_field){ .name = name, .operand = operand };
}

/* The fields that a transformer is given, too. */
static void add_arguments(struct rule_format *format, const struct rule_operand *operand)
{
	for (size_t i = 0; i < operand->n_arguments; i++) {
		if (operand->arguments[i]->kind == RULE_OPERAND_FIELD)
			add_field(format, operand->arguments[i]->text, operand->arguments[i]);
		add_arguments(format, operand->arguments[i]);
	}
}

static int order_fields(const void *a, const void *b)
{
	return strcmp(((const struct rule_format_field *)a)->name, ((const struct rule_format_field *)b)->name);
}

int rule_format_collect(struct rule_program *program, struct rule_format *format)
{
	size_t room = 0;

	for (size_t i = 0; i < format->n_tokens; i++)
		if (format->tokens[i].operand)
			count_operands(format->tokens[i].operand, &room);
	format->fields = policy_arena_alloc(program->arena, room, sizeof(*format->fields));
	if (!format->fields)
		return -ENOMEM;
	for (size_t i = 0; i < format->n_tokens; i++) {
		if (!format->tokens[i].operand)
			continue;
		add_field(format, format->tokens[i].name, format->tokens[i].operand);
		add_arguments(format, format->tokens[i].operand);
	}
	qsort(format->fields, format->n_fields, sizeof(*format->fields), order_fields);
	return 0;
}

size_t rule_format_fields(const struct rule_format *format)
{
	return format->n_fields;
}

const char *rule_format_field_name(const struct rule_format *format, size_t i)
{
	return format->fields[i].name;
}

const struct rule_value *rule_format_field_value(const struct rule_format *format, size_t i, struct rule_facts *facts)
{
	static const struct rule_value missing = { .kind = RULE_VALUE_MISSING };

	return format->fields[i].operand ? rule_operand_value(format->fields[i].operand, facts) : &missing;
}

/* --- JSON ----------------------------------------------------------------------------------------------------------- */

struct writer {
	char *buffer;
	size_t size, n; /* n: what the whole takes */
};

static void put(struct writer *w, const char *text, size_t n)
{
	if (w->n + n < w->size)
		memcpy(w->buffer + w->n, text, n);
	w->n += n;
}

static void put_word(struct writer *w, const char *word)
{
	put(w, word, strlen(word));
}

/* Bytes of the UTF-8 character at @text; 0 if there is none. */
static size_t character(const unsigned char *text, size_t n)
{
	static const struct {
		unsigned char mask, lead, low, high; /* of the first byte; bounds of the second */
	} forms[] = {
		{ 0xff, 0xe0, 0xa0, 0xbf }, { 0xff, 0xed, 0x80, 0x9f }, { 0xf0, 0xe0, 0x80, 0xbf },
		{ 0xff, 0xf0, 0x90, 0xbf }, { 0xff, 0xf4, 0x80, 0x8f }, { 0xfc, 0xf0, 0x80, 0xbf },
	};
	size_t bytes = 0;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		return n >= 2 && (text[1] & 0xc0) == 0x80 ? 2 : 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms) && bytes == 0; i++) {
		if ((text[0] & forms[i].mask) != forms[i].lead)
			continue;
		bytes = i < 3 ? 3 : 4;
		if (n < bytes || text[1] < forms[i].low || text[1] > forms[i].high)
			return 0;
	}
	for (size_t i = 2; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

static void put_character(struct writer *w, const unsigned char *text, size_t n)
{
	static const char letters[] = "btnvfr";
	char escape[8];

	if (n == 0) {
		put_word(w, "\xef\xbf\xbd");
	} else if (text[0] == '"' || text[0] == '\\') {
		escape[0] = '\\';
		escape[1] = (char)text[0];
		put(w, escape, 2);
	} else if (text[0] >= '\b' && text[0] <= '\r' && text[0] != '\v') {
		escape[0] = '\\';
		escape[1] = letters[text[0] - '\b'];
		put(w, escape, 2);
	} else if (text[0] < 0x20) {
		put(w, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", text[0]));
	} else {
		put(w, (const char *)text, n);
	}
}

static void put_string(struct writer *w, const char *text, size_t n)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + n;

	put(w, "\"", 1);
	while (at < end && w->n < w->size) {
		size_t bytes = character(at, (size_t)(end - at));

		put_character(w, at, bytes);
		at += bytes ? bytes : 1;
	}
	put(w, "\"", 1);
}

/* Numbers that are not printed in decimal are texts, and so are addresses. */
static void put_scalar(struct writer *w, const struct rule_operand *operand, const struct rule_value *value)
{
	bool shaped = operand->flags & (RULE_FIELD_HEX | RULE_FIELD_OCTAL | RULE_FIELD_PADDED);
	char text[64];
	size_t n;

	if (value->kind == RULE_VALUE_MISSING || value->kind == RULE_VALUE_LIST) {
		put_word(w, "null");
		return;
	}
	if (value->kind == RULE_VALUE_TEXT) {
		put_string(w, value->text, value->n);
		return;
	}
	n = rule_value_print(operand->use, value, text, sizeof(text));
	if (value->kind == RULE_VALUE_ADDRESS || (shaped && value->kind != RULE_VALUE_BOOL))
		put_string(w, text, n);
	else
		put(w, text, n);
}

static void put_list(struct writer *w, const struct rule_operand *operand, const struct rule_value *value)
{
	put(w, "[", 1);
	for (uint32_t i = 0; i < value->n; i++) {
		if (i > 0)
			put(w, ",", 1);
		put_scalar(w, operand, &value->items[i]);
	}
	put(w, "]", 1);
}

/* All ancestors are one text. */
static void put_ancestors(struct writer *w, const struct rule_operand *operand, const struct rule_value *value)
{
	char text[4096];
	size_t n = rule_operand_print(operand, value, text, sizeof(text));

	put_string(w, text, n < sizeof(text) ? n : sizeof(text));
}

static void put_value(struct writer *w, const struct rule_operand *operand, const struct rule_value *value)
{
	if (value->kind != RULE_VALUE_LIST)
		put_scalar(w, operand, value);
	else if (operand->ancestors && value->n > 0)
		put_ancestors(w, operand, value);
	else if (operand->ancestors)
		put_word(w, "null");
	else
		put_list(w, operand, value);
}

static void put_text(struct writer *w, const struct rule_format *format, struct rule_facts *facts)
{
	char text[4096];
	size_t n;

	rule_format_text(format, facts, text, sizeof(text), &n); /* cut is told by its end */
	put_string(w, text, n);
}

int rule_format_json(const struct rule_format *format, struct rule_facts *facts, char *buffer, size_t size, size_t *ret_len)
{
	struct writer w = { .buffer = buffer, .size = size };

	*ret_len = 0;
	put(&w, "{", 1);
	for (size_t i = 0; i < format->n_fields; i++) {
		const struct rule_format_field *field = &format->fields[i];
		const struct rule_value *value = rule_format_field_value(format, i, facts);

		if (value->kind == RULE_VALUE_MISSING && field->operand && !format->partial) {
			buffer[0] = '\0';
			return -ENODATA;
		}
		if (i > 0)
			put(&w, ",", 1);
		put_string(&w, field->name, strlen(field->name));
		put(&w, ":", 1);
		if (field->operand)
			put_value(&w, field->operand, value);
		else
			put_text(&w, field->text, facts);
	}
	put(&w, "}", 1);
	if (w.n >= size) {
		buffer[0] = '\0';
		return -EMSGSIZE;
	}
	buffer[w.n] = '\0';
	*ret_len = w.n;
	return 0;
}
