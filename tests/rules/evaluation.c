// SPDX-License-Identifier: Apache-2.0
/*
 * Cases of evaluation: a condition and facts, and whether it is true, false, or must not compile.
 */
#include <string.h>

#include "policies/rules/parse.h"
#include "tests/rules/facts.h"

static int compile(struct acceptance_case *c, struct rule_program *program, struct rule_filter **ret, const char **ret_message)
{
	size_t len;
	const char *text = acceptance_condition(c, &len);
	struct rule_syntax_error syntax;
	struct rule_filter_error *error = policy_arena_alloc(c->arena, 1, sizeof(*error));
	struct rule_node *node;
	int err = rule_condition_parse(text, len, RULE_DEPTH_MAX, c->arena, &node, &syntax);

	*ret_message = err < 0 ? syntax.message : error->message;
	return err < 0 ? err : rule_filter_compile(program, node, ret, error);
}

bool acceptance_evaluation(struct acceptance_case *c)
{
	struct json_object *expect = json_object_object_get(c->json, "expect");
	bool refused = json_object_is_type(expect, json_type_string), is;
	struct rule_program *program;
	struct rule_filter *filter;
	struct rule_facts *facts;
	const char *message;
	size_t n;
	const struct rule_field *extra = case_fields(&n);

	if (rule_program_new(c->arena, extra, n, &program) < 0)
		return acceptance_fail(c, "no memory");
	if (compile(c, program, &filter, &message) < 0)
		return refused || acceptance_fail(c, "%s: does not compile: %s", acceptance_text(c->json, "cond", NULL), message);
	if (refused)
		return acceptance_fail(c, "%s: compiles", acceptance_text(c->json, "cond", NULL));
	if (rule_facts_new(program, case_extract, c->arena, &facts) < 0)
		return acceptance_fail(c, "no memory");
	rule_facts_begin(facts, c);
	is = rule_filter_match(filter, facts);
	if (is != (bool)json_object_get_boolean(expect))
		return acceptance_fail(c, "%s: is %s", acceptance_text(c->json, "cond", NULL), is ? "true" : "false");
	return true;
}
