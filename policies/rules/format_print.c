// SPDX-License-Identifier: Apache-2.0
/*
 * Values as outputs show them. Contracts: format.h.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/format_internal.h"

struct printing {
	char *buffer;
	size_t size, n; /* n: what the whole takes */
	uint16_t flags; /* enum rule_field_flag, how numbers look */
	const char *open, *between, *close;
};

static void put(struct printing *p, const char *text, size_t n)
{
	if (p->n < p->size)
		memcpy(p->buffer + p->n, text, n < p->size - p->n ? n : p->size - p->n);
	p->n += n;
}

static void put_number(struct printing *p, bool negative, uint64_t magnitude, uint64_t raw)
{
	char text[32];
	int n;

	if (p->flags & RULE_FIELD_HEX)
		n = snprintf(text, sizeof(text), "%" PRIX64, raw);
	else if (p->flags & RULE_FIELD_OCTAL)
		n = snprintf(text, sizeof(text), "%" PRIo64, raw);
	else if (p->flags & RULE_FIELD_PADDED)
		n = snprintf(text, sizeof(text), "%s%09" PRIu64, negative ? "-" : "", magnitude);
	else
		n = snprintf(text, sizeof(text), "%s%" PRIu64, negative ? "-" : "", magnitude);
	put(p, text, (size_t)n);
}

static void put_value(struct printing *p, const struct rule_value *value)
{
	char text[INET6_ADDRSTRLEN];
	bool negative = value->kind == RULE_VALUE_SIGNED && value->number < 0;

	switch (value->kind) {
	case RULE_VALUE_BOOL:
		put(p, value->truth ? "true" : "false", value->truth ? 4 : 5);
		break;
	case RULE_VALUE_SIGNED:
		put_number(p, negative, negative ? 0 - (uint64_t)value->number : (uint64_t)value->number, (uint64_t)value->number);
		break;
	case RULE_VALUE_UNSIGNED:
		put_number(p, false, value->count, value->count);
		break;
	case RULE_VALUE_TEXT:
		put(p, value->text, value->n);
		break;
	case RULE_VALUE_ADDRESS:
		if (inet_ntop(value->n == 4 ? AF_INET : AF_INET6, value->address, text, sizeof(text)))
			put(p, text, strlen(text));
		break;
	case RULE_VALUE_LIST:
		put(p, p->open, strlen(p->open));
		for (uint32_t i = 0; i < value->n; i++) {
			if (i > 0)
				put(p, p->between, strlen(p->between));
			if (value->items[i].kind != RULE_VALUE_LIST)
				put_value(p, &value->items[i]);
		}
		put(p, p->close, strlen(p->close));
		break;
	default:
		put(p, "<NA>", 4);
	}
}

size_t rule_value_print(const struct rule_field_use *use, const struct rule_value *value, char *buffer, size_t size)
{
	bool ancestors = use && use->field->flags & RULE_FIELD_ANCESTORS;
	struct printing p = {
		.buffer = buffer,
		.size = size,
		.flags = use ? use->field->flags : 0,
		.open = ancestors ? "" : "(",
		.between = ancestors ? " " : ",",
		.close = ancestors ? "" : ")",
	};

	/* Of a process without ancestors there is nothing to show. */
	if (ancestors && value->kind == RULE_VALUE_LIST && value->n == 0)
		put(&p, "<NA>", 4);
	else
		put_value(&p, value);
	return p.n;
}

size_t rule_operand_print(const struct rule_operand *operand, const struct rule_value *value, char *buffer, size_t size)
{
	return rule_value_print(operand->use, value, buffer, size);
}
