// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for outputs of rules and for what compiles of a condition: the first line is an output, the second a condition,
 * the rest an event. What is printed is UTF-8 within its room, and JSON is whole or empty.
 */
#include "policies/rules/format.h"
#include "policies/rules/parse.h"
#include "tests/fuzz/facts.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* A line, copied, that *@rest goes behind. */
static char *take_line(struct fuzz_bytes *rest, size_t *len)
{
	const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	char *line;

	*len = end ? (size_t)(end - rest->data) : rest->size;
	line = malloc(*len + 1);
	require(line);
	memcpy(line, rest->data, *len);
	line[*len] = '\0';
	rest->data += *len + (end != NULL);
	rest->size -= *len + (end != NULL);
	return line;
}

static void check_filter_error(int r, const struct rule_filter_error *err)
{
	require(r == -EINVAL && *err->message && memchr(err->message, '\0', sizeof(err->message)));
}

static void print(const struct rule_format *format, struct rule_facts *facts)
{
	static char text[512], whole[1 << 20];
	struct json_object *json;
	size_t len = 0;
	int r = rule_format_text(format, facts, text, sizeof(text), &len);

	require(r == 0 || r == -ENODATA || r == -EMSGSIZE);
	require(len < sizeof(text) && text[len] == '\0');
	r = rule_format_json(format, facts, whole, sizeof(whole), &len);
	require(r == 0 || r == -EMSGSIZE || r == -ENODATA);
	if (r == 0) {
		json = json_tokener_parse(whole);
		require(json);
		json_object_put(json);
	}
}

static void run(const char *output, const char *condition, size_t len, struct fuzz_bytes *event, struct policy_arena *arena)
{
	struct rule_program *program = NULL;
	struct rule_format *format = NULL;
	struct rule_filter *filter = NULL;
	struct rule_facts *facts = NULL;
	struct rule_node *node = NULL;
	struct rule_syntax_error syntax;
	struct rule_filter_error err;
	int r;

	require(rule_program_new(arena, NULL, 0, &program) == 0);
	r = rule_format_compile(program, output, &format, &err);
	if (r < 0)
		check_filter_error(r, &err);
	if (rule_condition_parse(condition, len, RULE_DEPTH_MAX, arena, &node, &syntax) == 0) {
		r = rule_filter_compile(program, node, &filter, &err);
		if (r < 0)
			check_filter_error(r, &err);
	}
	require(rule_facts_new(program, fuzz_extract, arena, &facts) == 0);
	rule_facts_begin(facts, event);
	if (filter)
		rule_filter_match(filter, facts);
	if (format)
		print(format, facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes rest = { data, size };
	struct policy_arena *arena = NULL;
	size_t output_len, condition_len;
	char *output = take_line(&rest, &output_len), *condition = take_line(&rest, &condition_len);

	require(policy_arena_new(&arena) == 0);
	run(output, condition, condition_len, &rest, arena);
	policy_arena_free(&arena);
	free(condition);
	free(output);
	return 0;
}
