// SPDX-License-Identifier: Apache-2.0
/*
 * Look-ups in the table of fields. Contracts: field.h. Used when rules are loaded only, so that a walk over the table
 * is good enough.
 */
#include "policies/rules/field.h"

#include <string.h>

#include "policies/rules/event_types.h"
#include "policies/rules/field_internal.h"

const struct rule_field *rule_fields(size_t *n)
{
	*n = rule_field_table_size;
	return rule_field_table;
}

static void find_longest(const struct rule_field *fields, size_t n, const char *text, size_t len,
			 const struct rule_field **best, size_t *best_len)
{
	for (size_t i = 0; i < n; i++) {
		size_t bytes = strlen(fields[i].name);

		if (bytes > len || bytes <= *best_len || memcmp(fields[i].name, text, bytes) != 0)
			continue;
		*best = &fields[i];
		*best_len = bytes;
	}
}

const struct rule_field *rule_field_prefix(const struct rule_field *extra, size_t n_extra, const char *text, size_t len)
{
	const struct rule_field *best = NULL;
	size_t best_len = 0;

	find_longest(extra, n_extra, text, len, &best, &best_len);
	find_longest(rule_field_table, rule_field_table_size, text, len, &best, &best_len);
	return best;
}

static bool is_word_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

size_t rule_field_dotted(const struct rule_field *field, const char *text, size_t len, bool exact)
{
	size_t n = 1;

	if (!(field->flags & RULE_FIELD_DOTTED) || len < 2 || text[0] != '.')
		return 0;
	if (field->flags & RULE_FIELD_EVENT_ARGUMENT) {
		const struct rule_field_argument *argument = rule_field_argument_find(text + 1, len - 1, exact);

		return argument ? 1 + strlen(argument->name) : 0;
	}
	while (n < len && (is_word_byte(text[n]) || (text[n] >= '0' && text[n] <= '9')))
		n++;
	return n > 1 && (!exact || n == len) ? n : 0;
}

const struct rule_field *rule_field_find(const char *text, size_t len, size_t *ret_len)
{
	const struct rule_field *field = rule_field_prefix(NULL, 0, text, len);
	size_t n = field ? strlen(field->name) : 0;
	bool rest_is_argument = field && len > n && field->argument != RULE_ARGUMENT_NONE &&
				(rule_field_dotted(field, text + n, len - n, true) == len - n ||
				 (text[n] == '[' && text[len - 1] == ']' && len - n > 2));

	if (!field || (len > n && !rest_is_argument))
		return NULL;
	if (ret_len)
		*ret_len = n;
	return field;
}

const char *rule_type_name(enum rule_type type)
{
	static const char *const names[] = {
		[RULE_TYPE_BOOL] = "BOOL",	   [RULE_TYPE_SIGNED] = "SIGNED",     [RULE_TYPE_UNSIGNED] = "UNSIGNED",
		[RULE_TYPE_PORT] = "PORT",	   [RULE_TYPE_TIME] = "TIME",	      [RULE_TYPE_DURATION] = "DURATION",
		[RULE_TYPE_STRING] = "STRING",	   [RULE_TYPE_PATH] = "PATH",	      [RULE_TYPE_BYTES] = "BYTES",
		[RULE_TYPE_ADDRESS] = "ADDRESS",   [RULE_TYPE_NET] = "NET",
	};

	_Static_assert(sizeof(names) / sizeof(*names) == _RULE_TYPE_MAX, "every type has a name");
	return (unsigned)type < _RULE_TYPE_MAX ? names[type] : NULL;
}
