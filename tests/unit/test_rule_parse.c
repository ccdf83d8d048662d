// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions of detection rules: text to tree, tree to canonical text, and what errors say and where. With HOLDFAST_SHARED
 * set, the cases in its folder falco/ too.
 */
#include "policies/rules/parse.h"
#include "tests/unit/repeated.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct json_object *text_json(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static void add(struct json_object *array, struct json_object *item)
{
	json_object_array_add(array, item);
}

static struct json_object *node_json(const struct rule_node *node);

static void add_compare(struct json_object *array, const struct rule_node *node)
{
	char name[32];
	struct json_object *val;
	const struct rule_node *right = node->first->next;

	snprintf(name, sizeof(name), "%s%s%s", rule_operator_name(node->operator), node->modifier ? " " : "",
		 rule_modifier_name(node->modifier));
	add(array, text_json(name));
	add(array, node_json(node->first));
	if (right->kind != RULE_FIELD) {
		add(array, node_json(right));
		return;
	}
	val = json_object_new_array();
	add(val, text_json("tr"));
	add(val, text_json("val"));
	add(val, NULL);
	add(val, node_json(right));
	add(array, val);
}

/* A tree as the shared cases write it. */
static struct json_object *node_json(const struct rule_node *node)
{
	static const char *const names[] = { "and", "or", "not", "id", "un", "bin", "field", "tr", "val", "list", "tlist" };
	struct json_object *array = json_object_new_array();

	add(array, text_json(names[node->kind]));
	if (node->kind == RULE_EXISTS)
		add(array, text_json("exists"));
	if (node->text)
		add(array, json_object_new_string_len(node->text, (int)node->len));
	if (node->kind == RULE_FIELD || node->kind == RULE_TRANSFORM)
		add(array, text_json(node->argument));
	if (node->kind == RULE_COMPARE) {
		add_compare(array, node);
		return array;
	}
	for (const struct rule_node *child = node->first; child; child = child->next)
		add(array, node->kind == RULE_LIST ? json_object_new_string_len(child->text, (int)child->len) : node_json(child));
	return array;
}

struct parsed {
	struct policy_arena *arena;
	struct rule_node *node;
	struct rule_syntax_error err;
	int r;
};

static struct parsed parse(const char *text, size_t len, unsigned depth_max)
{
	struct parsed ret = { 0 };

	assert_int_equal(policy_arena_new(&ret.arena), 0);
	ret.r = rule_condition_parse(text, len, depth_max, ret.arena, &ret.node, &ret.err);
	return ret;
}

static void assert_printed(const char *cond, size_t len, const char *canonical)
{
	struct parsed p = parse(cond, len, RULE_DEPTH_MAX);
	size_t n = 0;
	char *text;

	if (p.r < 0)
		fail_msg("%s: %s", cond, p.err.message);
	text = rule_condition_print(p.node, p.arena, &n);
	assert_non_null(text);
	assert_int_equal(n, strlen(text));
	assert_string_equal(text, canonical);
	policy_arena_free(&p.arena);
}

static void assert_refused(const char *cond, size_t len, const char *message, size_t offset, unsigned line, unsigned column)
{
	struct parsed p = parse(cond, len, RULE_DEPTH_MAX);

	if (p.r != -EINVAL)
		fail_msg("%.100s: %d", cond, p.r);
	if (strcmp(p.err.message, message) != 0 || p.err.offset != offset || p.err.line != line || p.err.column != column)
		fail_msg("%.100s: %zu %u:%u %s, expected %zu %u:%u %s", cond, p.err.offset, p.err.line, p.err.column, p.err.message,
			 offset, line, column, message);
	policy_arena_free(&p.arena);
}

static const struct {
	const char *cond, *canonical;
} accepted[] = {
	{ "m", "m" },
	{ "a.b=1 or c and d", "(a.b = 1 or (c and d))" },
	{ "a.b=1 and(c or d)and e", "(a.b = 1 and (c or d) and e)" },
	{ "not not not m", "not m" },
	{ "not(not m)", "not not m" },
	{ "not not(m)", "m" },
	{ "a.b.c_d2[x] exists", "a.b.c_d2[x] exists" },
	{ "a.b in(x,'y z' , \"\\x41\\x2c\")", "a.b in (x, \"y z\", A,)" },
	{ "a.b inxyz", "a.b in xyz" },
	{ "a.b pmatch(/a,/b)", "a.b pmatch (/a, /b)" },
	{ "a.b = <NA>", "a.b = <NA>" },
	{ "a.b = <", "a.b = <" },
	{ "a.b\tstartswith\nx", "a.b startswith x" },
	{ "a.b = x\by", "a.b = \"x\\by\"" },
	{ "a.b = \\d", "a.b = \"\\\\d\"" },
	{ "a.b = '\\ d'", "a.b = \"\\\\d\"" },
	{ "a.b = 'a\\/b\\\\c\\'d\"'", "a.b = \"a/b\\\\c'd\\\"\"" },
	{ "a.b regex '^[a-z]+(x|y)$'", "a.b regex ^[a-z]+(x|y)$" },
	{ "a.b < val(c.d[1])", "a.b < val(c.d[1])" },
	{ "a.b in val( c.d )", "a.b in val(c.d)" },
	{ "a.b in tolower(c.d)", "a.b in tolower(c.d)" },
	{ "a.b >= +0x1F", NULL },
	{ "a.b >= 0x1F", "a.b >= 0x1F" },
	{ "a.b >= +1.5e-3", "a.b >= +1.5e-3" },
	{ "a.b = oneof", "a.b = oneof" },
	{ "a.b = oneof and c", "(a.b = oneof and c)" },
	{ "a.b =\toneof\n(x)", "a.b = oneof (x)" },
	{ "a.b = allof and_c", "a.b = allof and_c" },
	{ "a.b regex anyof ('x y', \"\")", "a.b regex anyof (\"x y\", )" },
	{ "concat( a.b , \"-\" , 12 ,(c.d, 0x1, len(e.f)))[ 'x y']='", NULL },
	{ "concat( a.b , \"-\" , 12 ,(c.d, 0x1, len(e.f)))['x y']=z", "concat(a.b,-,12,(c.d,0x1,len(e.f)))[\"x y\"] = z" },
	{ "andor", "andor" },
	{ "notx.y = 1", "notx.y = 1" },
	{ "\r\n\t m \b", "m" },
	{ "a.b = caf\xc3\xa9", "a.b = caf\xc3\xa9" },
};

static void test_accepted_prints_canonically(void **state)
{
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		if (accepted[i].canonical) {
			assert_printed(accepted[i].cond, strlen(accepted[i].cond), accepted[i].canonical);
			continue;
		}
		p = parse(accepted[i].cond, strlen(accepted[i].cond), RULE_DEPTH_MAX);
		assert_int_equal(p.r, -EINVAL);
		policy_arena_free(&p.arena);
	}
}

#define WITH "or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"
#define OPERATORS \
	"expected a valid check operator: one of 'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', 'iglob', 'contains', " \
	"'icontains', 'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', 'pmatch'"

static const struct {
	const char *cond, *message;
	size_t offset;
	unsigned line, column;
} refused[] = {
	{ "", "filter input string is empty", 0, 1, 1 },
	{ " \n", "expected a '(' token, a field check, or an identifier", 2, 2, 1 },
	{ "a.b", OPERATORS, 3, 1, 4 },
	{ "a.b contains(x)", OPERATORS, 4, 1, 5 },
	{ "a.b in c.d", "unexpected token after 'c', expecting 'or', 'and'", 8, 1, 9 },
	{ "a.b = ", "expected a string value " WITH, 6, 1, 7 },
	{ "a.b > 1e5", "unexpected token after '1', expecting 'or', 'and'", 7, 1, 8 },
	{ "a.b = '\\q'", "unsupported string escape sequence: \\q", 10, 1, 11 },
	{ "a.b = '\\x4'", "unsupported string escape sequence: \\x", 11, 1, 12 },
	{ "a.b in ('\\q')", "unsupported string escape sequence: \\q", 12, 1, 13 },
	{ "a.b = '\\\"'", "invalid \\\" escape in '-quoted string", 10, 1, 11 },
	{ "a.b = '\\\\'", "expected a string value " WITH, 6, 1, 7 },
	{ "a.b['x]", "expected a valid field argument: a quoted string or a bare string", 4, 1, 5 },
	{ "a.b['\\x00'] = 1", "expected a valid field argument: a quoted string or a bare string", 10, 1, 11 },
	{ "a.b = x\vy", "unexpected token after 'x', expecting 'or', 'and'", 7, 1, 8 },
	{ "a.b = x\xff", "unexpected token after 'x', expecting 'or', 'and'", 7, 1, 8 },
	{ "a.b = val(x)", "expected a field within 'val' transformer", 10, 1, 11 },
	{ "a.b = val(x.y", "expected a ')' token closing the transformer", 13, 1, 14 },
	{ "a.b = oneof or", "expected blank or '(' after 'or'", 14, 1, 15 },
	{ "a.b = oneof x.y", "unexpected token after 'x', expecting 'or', 'and'", 13, 1, 14 },
	{ "a.b = anyof 'x'", "unexpected token after 'anyof', expecting 'or', 'and'", 12, 1, 13 },
	{ "m and\r\n\nx y", "unexpected token after 'x', expecting 'or', 'and'", 10, 4, 3 },
	{ "join('-', (a.b c.d)) = 1", "expected ')'", 15, 1, 16 },
	{ "a.b exists x", "unexpected token after 'exists', expecting 'or', 'and'", 11, 1, 12 },
	{ "m) or n", "unexpected token after 'm', expecting 'or', 'and'", 1, 1, 2 },
};

static void test_refused_says_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		assert_refused(refused[i].cond, strlen(refused[i].cond), refused[i].message, refused[i].offset, refused[i].line,
			       refused[i].column);
}

static void test_nul_is_part_of_quoted_values_only_by_escape(void **state)
{
	struct parsed p = parse("a.b = 'x\\x00y'", 14, RULE_DEPTH_MAX);
	size_t len = 0;
	char *text;

	(void)state;
	assert_int_equal(p.r, 0);
	assert_int_equal(p.node->first->next->len, 3);
	assert_memory_equal(p.node->first->next->text, "x\0y", 4);
	text = rule_condition_print(p.node, p.arena, &len);
	assert_int_equal(len, 11);
	assert_memory_equal(text, "a.b = \"x\0y\"", 12);
	policy_arena_free(&p.arena);
	p = parse("a.b = 'x\0y'", 11, RULE_DEPTH_MAX);
	assert_int_equal(p.r, -EINVAL);
	assert_int_equal(p.err.offset, 6);
	policy_arena_free(&p.arena);
}

static void test_depth_is_bounded(void **state)
{
	static const struct {
		const char *piece;
		size_t offset;
	} pieces[] = { { "(", 20 }, { "not(", 100 }, { "tolower(", 384 }, { "a and (", 140 } };
	struct parsed p;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		text = repeated(pieces[i].piece, 100000, "x");
		assert_refused(text, strlen(text), "exceeded max depth limit of 100", pieces[i].offset, 1,
			       (unsigned)pieces[i].offset + 1);
		free(text);
	}
	text = repeated("(", 19, "m)))))))))))))))))))");
	assert_printed(text, strlen(text), "m");
	free(text);
	text = repeated("(", 20, "m))))))))))))))))))))");
	assert_refused(text, strlen(text), "exceeded max depth limit of 100", 20, 1, 21);
	p = parse(text, strlen(text), RULE_DEPTH_MAX_RULE);
	assert_int_equal(p.r, 0);
	policy_arena_free(&p.arena);
	free(text);
}

static void test_length_is_bounded(void **state)
{
	char *text = repeated("a or ", RULE_CONDITION_BYTES_MAX / 5 - 1, "a");
	struct parsed p = parse(text, strlen(text), RULE_DEPTH_MAX);

	(void)state;
	assert_int_equal(p.r, 0);
	policy_arena_free(&p.arena);
	free(text);
	text = repeated("a", RULE_CONDITION_BYTES_MAX, "a");
	assert_refused(text, strlen(text), "condition is longer than 1 MiB", 0, 1, 1);
	free(text);
}

static void test_operator_of_exception_parses_whole(void **state)
{
	static const struct {
		const char *text;
		int r;
		enum rule_operator operator;
		enum rule_modifier modifier;
	} cases[] = {
		{ "=", 0, RULE_OP_EQ, RULE_ONE },
		{ " == ", 0, RULE_OP_EQ2, RULE_ONE },
		{ "<", 0, RULE_OP_LT, RULE_ONE },
		{ "in", 0, RULE_OP_IN, RULE_ONE },
		{ "startswith", 0, RULE_OP_STARTSWITH, RULE_ONE },
		{ "startswith anyof", 0, RULE_OP_STARTSWITH, RULE_ANYOF },
		{ "= oneof ", 0, RULE_OP_EQ, RULE_ONEOF },
		{ "in anyof", -EINVAL, 0, 0 },
		{ "=oneof", -EINVAL, 0, 0 },
		{ "inx", -EINVAL, 0, 0 },
		{ "foo", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 },
	};
	enum rule_operator operator;
	enum rule_modifier modifier;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		operator = 0;
		modifier = 0;
		assert_int_equal(rule_operator_parse(cases[i].text, &operator, &modifier), cases[i].r);
		assert_int_equal(operator, cases[i].operator);
		assert_int_equal(modifier, cases[i].modifier);
	}
}

static void test_operand_takes_prefix(void **state)
{
	struct policy_arena *arena = NULL;
	struct rule_syntax_error err;
	struct rule_node *node = NULL;
	size_t used = 0;

	(void)state;
	assert_int_equal(policy_arena_new(&arena), 0);
	assert_int_equal(rule_operand_parse("tolower(a.b[1])x", 16, true, arena, &node, &used, &err), 0);
	assert_int_equal(used, 15);
	assert_string_equal(node->text, "tolower");
	assert_int_equal(rule_operand_parse("a.b-", 4, true, arena, &node, &used, &err), 0);
	assert_int_equal(used, 3);
	assert_int_equal(rule_operand_parse("a.b-", 4, false, arena, &node, &used, &err), -EINVAL);
	assert_int_equal(rule_operand_parse("a", 1, true, arena, &node, &used, &err), -EINVAL);
	policy_arena_free(&arena);
}

/* --- the shared cases --- */

typedef void case_fn(struct json_object *json, const char *cond, size_t len);

static const char *get(struct json_object *json, const char *key)
{
	return json_object_get_string(json_object_object_get(json, key));
}

static void check_accepted(struct json_object *json, const char *cond, size_t len)
{
	struct parsed p = parse(cond, len, RULE_DEPTH_MAX);
	struct json_object *ast;

	if (p.r < 0)
		fail_msg("%s: %s", cond, p.err.message);
	ast = node_json(p.node);
	if (!json_object_equal(ast, json_object_object_get(json, "ast")))
		fail_msg("%s: %s", cond, json_object_to_json_string(ast));
	json_object_put(ast);
	policy_arena_free(&p.arena);
	assert_printed(cond, len, get(json, "canonical"));
}

static void check_rejected(struct json_object *json, const char *cond, size_t len)
{
	assert_refused(cond, len, get(json, "err"), (size_t)json_object_get_int(json_object_object_get(json, "idx")),
		       (unsigned)json_object_get_int(json_object_object_get(json, "line")),
		       (unsigned)json_object_get_int(json_object_object_get(json, "col")));
}

/* Without a canonical text the case says that what is printed parses to the same again. */
static void check_canonical(struct json_object *json, const char *cond, size_t len)
{
	struct parsed p = parse(cond, len, RULE_DEPTH_MAX);
	const char *canonical = get(json, "canonical");
	char *text;

	assert_int_equal(p.r, 0);
	text = rule_condition_print(p.node, p.arena, NULL);
	assert_non_null(text);
	assert_printed(canonical ? cond : text, canonical ? len : strlen(text), canonical ? canonical : text);
	policy_arena_free(&p.arena);
}

static void check_line(const char *line, case_fn *check)
{
	struct json_object *json = json_tokener_parse(line), *cond;
	char *text;

	assert_non_null(json);
	cond = json_object_object_get(json, "cond");
	if (json_object_is_type(cond, json_type_object)) {
		text = repeated(get(cond, "repeat"), (size_t)json_object_get_int(json_object_object_get(cond, "n")), "");
		check(json, text, strlen(text));
		free(text);
	} else {
		check(json, json_object_get_string(cond), (size_t)json_object_get_string_len(cond));
	}
	json_object_put(json);
}

static void check_file(const char *name, case_fn *check)
{
	const char *shared = getenv("HOLDFAST_SHARED");
	char path[4096], *line = NULL;
	size_t size = 0, n = 0;
	FILE *file;

	if (!shared) {
		print_message("skip: HOLDFAST_SHARED is not set, which holds falco/%s\n", name);
		skip();
	}
	snprintf(path, sizeof(path), "%s/falco/%s", shared, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s can't be opened", path);
	for (; getline(&line, &size, file) > 0; n++)
		check_line(line, check);
	free(line);
	fclose(file);
	assert_true(n > 0);
}

static void test_shared_accepted_have_their_tree(void **state)
{
	(void)state;
	check_file("conditions-accepted.jsonl", check_accepted);
}

static void test_shared_rejected_have_their_error(void **state)
{
	(void)state;
	check_file("conditions-rejected.jsonl", check_rejected);
}

static void test_shared_canonical_is_printed(void **state)
{
	(void)state;
	check_file("canonical.jsonl", check_canonical);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted_prints_canonically),
		cmocka_unit_test(test_refused_says_what_and_where),
		cmocka_unit_test(test_nul_is_part_of_quoted_values_only_by_escape),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_length_is_bounded),
		cmocka_unit_test(test_operator_of_exception_parses_whole),
		cmocka_unit_test(test_operand_takes_prefix),
		cmocka_unit_test(test_shared_accepted_have_their_tree),
		cmocka_unit_test(test_shared_rejected_have_their_error),
		cmocka_unit_test(test_shared_canonical_is_printed),
	};

	return cmocka_run_group_tests_name("rule_parse", tests, NULL, NULL);
}
