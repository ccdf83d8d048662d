// SPDX-License-Identifier: Apache-2.0
/*
 * Cases of outputs: a format and facts, and the text or the JSON object that comes out, or that it must not compile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/format.h"
#include "tests/rules/facts.h"

/* Values that the case names are those that the output's fields print as. */
static bool check_values(struct acceptance_case *c, const struct rule_format *format, struct rule_facts *facts)
{
	struct json_object *values = json_object_object_get(c->json, "values");

	for (size_t i = 0; i < rule_format_fields(format); i++) {
		struct json_object *expected = json_object_object_get(values, rule_format_field_name(format, i));
		const struct rule_value *value = rule_format_field_value(format, i, facts);
		char text[1024];
		size_t n = rule_value_print(NULL, value, text, sizeof(text) - 1);

		text[n < sizeof(text) ? n : sizeof(text) - 1] = '\0';
		if (expected && json_object_is_type(expected, json_type_string) && strcmp(json_object_get_string(expected), text) != 0)
			return acceptance_fail(c, "%s is '%s'", rule_format_field_name(format, i), text);
	}
	return true;
}

static bool check_output(struct acceptance_case *c, const struct rule_format *format, struct rule_facts *facts)
{
	const char *expected = acceptance_text(c->json, "output", NULL);
	bool json = acceptance_bool(c->json, "json", false), ok = acceptance_bool(c->json, "ok", true);
	char text[8192];
	size_t n;
	int err = json ? rule_format_json(format, facts, text, sizeof(text), &n) : rule_format_text(format, facts, text, sizeof(text), &n);

	if ((err == 0) != ok)
		return acceptance_fail(c, "ended with %d: '%s'", err, text);
	if (expected && strcmp(expected, text) != 0)
		return acceptance_fail(c, "printed '%s'", text);
	return check_values(c, format, facts);
}

bool acceptance_format(struct acceptance_case *c)
{
	const char *text = acceptance_text(c->json, "fmt", NULL);
	bool compiles = acceptance_bool(c->json, "compiles", true);
	struct rule_filter_error error = { 0 };
	struct rule_program *program;
	struct rule_format *format;
	struct rule_facts *facts;

	if (rule_program_new(c->arena, NULL, 0, &program) < 0)
		return acceptance_fail(c, "no memory");
	if (rule_format_compile(program, text, &format, &error) < 0)
		return !compiles || acceptance_fail(c, "'%s' does not compile: %s", text, error.message);
	if (!compiles)
		return acceptance_fail(c, "'%s' compiles", text);
	if (!json_object_object_get(c->json, "ok"))
		return true;
	if (rule_facts_new(program, case_extract, c->arena, &facts) < 0)
		return acceptance_fail(c, "no memory");
	rule_facts_begin(facts, c);
	return check_output(c, format, facts);
}
