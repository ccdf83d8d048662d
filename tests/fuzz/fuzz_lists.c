// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for lists in conditions: rules whose conditions share the values of lists are the rules that putting in the
 * lists' text makes. Each input is loaded twice: a list whose name is no word makes the loader put in text everywhere.
 */
#include "policies/rules/parse.h"
#include "policies/rules/rule_set.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ODD_NAME "=(,)="
#define ODD "- list: \"" ODD_NAME "\"\n  items: [x]\n"
#define TEXT_BYTES 16384
#define LISTS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What conditions and items are made of. */
static const char *const words[] = {
	"l0", "l1", "l2", "l3", "l4", " ", ",", ", ", "(", ")", "(l0)", "(l1, a)", " in ", " in (", "proc.name", "proc.pid", " and ",
	" or ", " not ", "not(", " = ", "=", "!=", " startswith ", " anyof (", "oneof ", " pmatch (", "val(", "tolower(", "'", "\\\"",
	"a", "b b", "1", "evt.type", "open", "\\t", "\\n", "evt.dir", "m0", " exists", "fd.net", "1.2.3.0/24", "proc.name in (l0, ",
	"proc.name=", "x)", "regex ", ".*",
};

struct text {
	char s[TEXT_BYTES];
	size_t len;
};

static void add(struct text *text, const char *s)
{
	size_t n = strlen(s);

	if (n >= sizeof(text->s) - text->len)
		return;
	memcpy(text->s + text->len, s, n + 1);
	text->len += n;
}

/* Words up to a byte of 0xff. */
static void add_words(struct text *text, const uint8_t **at, const uint8_t *end)
{
	add(text, "\"");
	while (*at < end && **at != 0xff)
		add(text, words[*(*at)++ % (sizeof(words) / sizeof(words[0]))]);
	if (*at < end)
		(*at)++;
	add(text, "\"");
}

static void write_rules(struct text *text, const uint8_t *at, const uint8_t *end)
{
	char name[32];

	for (unsigned i = 0; i < LISTS; i++) {
		unsigned items = at < end ? *at++ % 4 : 0;

		snprintf(name, sizeof(name), "- list: l%u\n  items: [", i);
		add(text, name);
		for (unsigned n = 0; n < items; n++) {
			add(text, n ? ", " : "");
			add_words(text, &at, end);
		}
		add(text, "]\n");
	}
	/* One condition of the input's own at most: most are errors, and end the file. */
	add(text, "- macro: m0\n  condition: proc.name in (l0, x, l2)\n- rule: r0\n  condition: ");
	if (at < end && *at++ % 2)
		add_words(text, &at, end);
	else
		add(text, "m0 and proc.pname in (l3, l1) and proc.aname in ( l4 ,l0)");
	add(text, "\n  desc: d\n  output: o\n  priority: INFO");
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int load(struct rule_loader *loader, const char *text, size_t len, const struct rule_report **ret)
{
	int r = rule_loader_add_text(loader, "fuzz", text, len, ret);

	require(r == 0 || r == -EINVAL);
	return r;
}

/* What the odd list brings with it, wherever it stands among the others. */
static const struct rule_problem *skip_odd(const struct rule_problem *problem)
{
	char snippet[RULE_SNIPPET_BYTES];

	while (problem && strstr(problem->message, "not referred to") && strstr(rule_place_snippet(problem->place, snippet), ODD_NAME))
		problem = problem->next;
	return problem;
}

static void compare_problems(const struct rule_problem *a, const struct rule_problem *b, bool places)
{
	char snippet_a[RULE_SNIPPET_BYTES], snippet_b[RULE_SNIPPET_BYTES];

	for (b = skip_odd(b); a && b; a = a->next, b = skip_odd(b->next)) {
		require(a->code == b->code && strcmp(a->message, b->message) == 0);
		if (!places)
			continue;
		require(a->place->line == b->place->line && a->place->column == b->place->column && a->place->offset == b->place->offset);
		require(strcmp(rule_place_snippet(a->place, snippet_a), rule_place_snippet(b->place, snippet_b)) == 0);
	}
	require(!a && !b);
}

static void compare_sets(const struct rule_set *a, const struct rule_set *b)
{
	require(a->n_rules == b->n_rules);
	for (size_t i = 0; i < a->n_rules; i++) {
		const char *text_a = rule_condition_print(a->rules[i].tree, a->arena, NULL);
		const char *text_b = rule_condition_print(b->rules[i].tree, b->arena, NULL);

		require(text_a && text_b && strcmp(text_a, text_b) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	const struct rule_report *shared = NULL, *odd = NULL, *put = NULL;
	struct rule_loader *sharing = NULL, *putting = NULL;
	struct text text = { .len = 0 };
	int r;

	write_rules(&text, data, data + size);
	require(rule_loader_new(&options, &sharing) == 0 && rule_loader_new(&options, &putting) == 0);
	require(load(putting, ODD, sizeof(ODD) - 1, &odd) == 0);
	r = load(sharing, text.s, text.len, &shared);
	require(load(putting, text.s, text.len, &put) == r);
	compare_problems(shared->errors, put->errors, false);
	if (r == 0) {
		compare_problems(shared->warnings, put->warnings, true);
		compare_sets(rule_loader_set(sharing), rule_loader_set(putting));
	}
	rule_loader_free(&sharing);
	rule_loader_free(&putting);
	return 0;
}
