// SPDX-License-Identifier: Apache-2.0
/*
 * Patterns of conditions: errors and warnings in the words of conditions.
 */
#include "policies/rules/filter_pattern.h"

#include <errno.h>
#include <string.h>

#include "policies/rules/pattern.h"
#include "policies/rules/regex.h"

/* Does the expression hold anything that a text would not? Then what would do in its place: NULL if nothing simpler. */
static const char *simpler_operator(const char *text, size_t len)
{
	const char *inner = text;
	size_t n = len;
	bool open_start = n >= 2 && memcmp(inner, ".*", 2) == 0;
	bool open_end;

	if (open_start) {
		inner += 2;
		n -= 2;
	}
	open_end = n >= 2 && memcmp(inner + n - 2, ".*", 2) == 0;
	if (open_end)
		n -= 2;
	for (size_t i = 0; i < n; i++)
		if (strchr(".*+?[](){}|^$\\", inner[i]))
			return NULL;
	if (open_start && open_end)
		return n ? "contains" : NULL;
	return open_start ? "endswith" : open_end ? "startswith" : "=";
}

int rule_pattern_regex(struct rule_compiler *c, const struct rule_node *node, void **ret)
{
	const char *error = NULL, *simpler = simpler_operator(node->text, node->len);
	struct rule_regex *regex;
	int err = rule_regex_compile(node->text, node->len, c->program->arena, &c->program->regex_room, &regex, &error);

	if (err == -EINVAL || err == -E2BIG)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "invalid regex pattern: %s", error);
	if (err < 0)
		return err;
	*ret = regex;
	if (!simpler)
		return 0;
	return rule_compile_warn(c, node->offset, "regular expression '%.128s' could be simplified: use the operator '%s'",
				 node->text, simpler);
}

int rule_pattern_glob(struct rule_compiler *c, const struct rule_node *node, bool fold_case, void **ret)
{
	struct rule_glob *glob;
	int err = rule_glob_compile(node->text, node->len, fold_case, c->program->arena, &glob);

	if (err == -E2BIG)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "a glob is longer than %d bytes",
					 RULE_PATTERN_BYTES_MAX);
	if (err < 0)
		return err;
	*ret = glob;
	return 0;
}

int rule_pattern_paths(struct rule_compiler *c, const struct rule_constant *constants, size_t n, const void **ret)
{
	struct rule_text *texts = policy_arena_alloc(c->scratch, n, sizeof(*texts));
	struct rule_paths *paths;
	int err;

	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		texts[i] = (struct rule_text){ .text = constants[i].value.text, .len = constants[i].value.n };
	err = rule_paths_compile(texts, n, c->program->arena, &paths);
	if (err == -E2BIG)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, 0, "a path is longer than %d bytes", RULE_PATTERN_BYTES_MAX);
	if (err < 0)
		return err;
	*ret = paths;
	return 0;
}
