// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for what rules' conditions are made of. The first byte chooses: a condition, an operand, a regular expression, a
 * glob, a set of path prefixes; for the last three the text to match is what follows the last NUL.
 * An input is taken or refused with a complete error; the canonical text of what is taken is written within its length; matching
 * gives the same answer twice, whatever follows the text in memory.
 */
#include "policies/rules/parse.h"
#include "policies/rules/pattern.h"
#include "policies/rules/regex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Prefixes in one set: as many as the input has lines, at most. */
#define PATHS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_error(int r, const struct rule_syntax_error *err, size_t size)
{
	require(r == -EINVAL);
	require(err->message && *err->message && err->offset <= size);
	require(err->line >= 1 && err->column >= 1 && err->column <= size + 1);
}

static void read_condition(const char *text, size_t size, struct policy_arena *arena)
{
	struct rule_syntax_error err = { 0 };
	struct rule_node *node = NULL;
	size_t len = 0;
	char *canonical;
	int r = rule_condition_parse(text, size, RULE_DEPTH_MAX_RULE, arena, &node, &err);

	if (r < 0) {
		check_error(r, &err, size);
		return;
	}
	canonical = rule_condition_print(node, arena, &len);
	require(canonical && canonical[len] == '\0');
	r = rule_condition_parse(canonical, len, RULE_DEPTH_MAX_RULE, arena, &node, &err);
	if (r < 0)
		check_error(r, &err, len);
}

static void read_operand(const char *text, size_t size, struct policy_arena *arena)
{
	struct rule_syntax_error err = { 0 };
	struct rule_node *node = NULL;
	size_t used = 0;
	int r = rule_operand_parse(text, size, true, arena, &node, &used, &err);

	if (r < 0)
		check_error(r, &err, size);
	else
		require(used > 0 && used <= size && (node->kind == RULE_FIELD || node->kind == RULE_TRANSFORM));
}

static void match_regex(struct rule_text pattern, struct rule_text text, struct policy_arena *arena)
{
	struct rule_regex_room room = RULE_REGEX_ROOM;
	struct rule_regex *regex = NULL;
	const char *error = NULL;
	int r = rule_regex_compile(pattern.text, pattern.len, arena, &room, &regex, &error);

	if (r < 0)
		require((r == -EINVAL || r == -E2BIG) && error && *error);
	else
		require(rule_regex_match(regex, text.text, text.len) == rule_regex_match(regex, text.text, text.len));
}

static void match_glob(struct rule_text pattern, struct rule_text text, struct policy_arena *arena)
{
	struct rule_glob *glob = NULL, *folded = NULL;
	int r = rule_glob_compile(pattern.text, pattern.len, false, arena, &glob);

	require(r == rule_glob_compile(pattern.text, pattern.len, true, arena, &folded));
	require(r == (pattern.len > RULE_PATTERN_BYTES_MAX ? -E2BIG : 0));
	if (r == 0 && rule_glob_match(glob, text.text, text.len))
		rule_glob_match(folded, text.text, text.len);
}

static void match_paths(struct rule_text list, struct rule_text text, struct policy_arena *arena)
{
	struct rule_text paths[PATHS_MAX];
	struct rule_paths *set = NULL;
	size_t n = 0;
	int r;

	for (; list.len && n < PATHS_MAX; n++) {
		const char *end = memchr(list.text, '\n', list.len);
		const size_t len = end ? (size_t)(end - list.text) : list.len;

		paths[n] = (struct rule_text){ list.text, len };
		list.text += len + (end != NULL);
		list.len -= len + (end != NULL);
	}
	r = rule_paths_compile(paths, n, arena, &set);
	require(r == 0 || r == -E2BIG);
	if (r == 0)
		rule_paths_match(set, text.text, text.len);
}

static void match(uint8_t kind, const char *input, size_t size, struct policy_arena *arena)
{
	const char *nul = memrchr(input, '\0', size);
	const struct rule_text pattern = { input, nul ? (size_t)(nul - input) : size };
	const struct rule_text text = { nul ? nul + 1 : input, nul ? size - pattern.len - 1 : size };

	if (kind == 2)
		match_regex(pattern, text, arena);
	else if (kind == 3)
		match_glob(pattern, text, arena);
	else
		match_paths(pattern, text, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_arena *arena = NULL;
	char *exact;

	if (!size)
		return 0;
	exact = malloc(size - 1 ? size - 1 : 1);
	require(exact && policy_arena_new(&arena) == 0);
	memcpy(exact, data + 1, size - 1);
	if (data[0] % 5 == 0)
		read_condition(exact, size - 1, arena);
	else if (data[0] % 5 == 1)
		read_operand(exact, size - 1, arena);
	else
		match(data[0] % 5, exact, size - 1, arena);
	policy_arena_free(&arena);
	free(exact);
	return 0;
}
