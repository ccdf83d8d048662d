/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs of rules: text with %fields in it. Owns: their syntax and how values are printed. Must not know: alerts, sinks.
 */
#ifndef HOLDFAST_POLICIES_RULES_FORMAT_H
#define HOLDFAST_POLICIES_RULES_FORMAT_H

#include "policies/rules/filter.h"

struct rule_format; /* lives as long as its program's arena */

/**
 * rule_format_compile - an output
 * @text: NUL-terminated. A leading '*' lets missing values be printed as "<NA>"; Falco puts it before every rule's output
 *
 * Return: 0; -EINVAL: @err says what is wrong and where; -ENOMEM.
 */
int rule_format_compile(struct rule_program *program, const char *text, struct rule_format **ret, struct rule_filter_error *err);

/**
 * rule_format_text - the output's text for an event
 * @buffer: output, NUL-terminated; cut at @size - 1 bytes
 * @ret_len: output: bytes written without the NUL, also with -ENODATA
 *
 * Return: 0; -ENODATA: a value is missing and the format has no '*', the text stops before it; -EMSGSIZE: cut.
 */
int rule_format_text(const struct rule_format *format, struct rule_facts *facts, char *buffer, size_t size, size_t *ret_len);

/* The values in the output: each distinct one once, sorted by name, transformed ones by their canonical text. */
size_t rule_format_fields(const struct rule_format *format);
const char *rule_format_field_name(const struct rule_format *format, size_t i);
/* Its value; kind RULE_VALUE_MISSING where the event has it not, or it is a text that was added. Valid until the next call with these facts. */
const struct rule_value *rule_format_field_value(const struct rule_format *format, size_t i, struct rule_facts *facts);

/**
 * rule_format_add_field - one more value for the JSON object, which the text does not have
 * @name: of the member; without @text also the field or transformer that it is
 * @text: (may be NULL) with %fields: what the value is then; missing ones are "<NA>"
 *
 * A value that has the name already gives way. Return: as rule_format_compile.
 */
int rule_format_add_field(struct rule_program *program, struct rule_format *format, const char *name, const char *text,
			  struct rule_filter_error *err);

/**
 * rule_format_json - the values as one JSON object, {"proc.name":"init","thread.tid":1}
 *
 * Return: as rule_format_text, but the object is whole or nothing: -EMSGSIZE leaves the buffer empty.
 */
int rule_format_json(const struct rule_format *format, struct rule_facts *facts, char *buffer, size_t size, size_t *ret_len);

/**
 * rule_value_print - a value as outputs show it
 * @use: of the field, for how its numbers look; NULL: plain
 *
 * Return: bytes that the whole takes, of which at most @size are written. No NUL.
 */
size_t rule_value_print(const struct rule_field_use *use, const struct rule_value *value, char *buffer, size_t size);

#endif
