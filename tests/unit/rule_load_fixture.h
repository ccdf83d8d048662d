/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files as texts, and what comes of them. */
#ifndef TESTS_UNIT_RULE_LOAD_FIXTURE_H
#define TESTS_UNIT_RULE_LOAD_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "policies/rules/rule_set.h"

#define LOAD_FILES_MAX 4

/* A rule with this condition; more keys can follow. */
#define RULE(name, condition) "- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n  priority: INFO\n"
/* A condition behind this matches few types of events, so that nothing is warned of. */
#define OPEN "evt.type = open and "
#define LIST(name, items) "- list: " name "\n  items: [" items "]\n"
#define MACRO(name, condition) "- macro: " name "\n  condition: " condition "\n"

struct loaded {
	struct rule_loader *loader;
	const struct rule_report *report; /* of the last file */
};

/* Adds the files in order, each one whatever became of those before. */
static inline struct loaded load_texts(const struct rule_options *options, const char *const *texts)
{
	struct loaded loaded = { NULL, NULL };
	char name[32];

	assert_int_equal(rule_loader_new(options, &loaded.loader), 0);
	for (size_t i = 0; i < LOAD_FILES_MAX && texts[i]; i++) {
		snprintf(name, sizeof(name), "%zu.yaml", i);
		rule_loader_add_text(loaded.loader, name, texts[i], strlen(texts[i]), &loaded.report);
		assert_non_null(loaded.report);
		assert_true(loaded.report->ok == !loaded.report->errors);
	}
	return loaded;
}

static inline struct loaded load_text(const char *text)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	const char *const texts[LOAD_FILES_MAX] = { text };

	return load_texts(&options, texts);
}

/* The first message that has @part in it; NULL: there is none. */
static inline const struct rule_problem *find_problem(const struct rule_problem *problem, const char *part)
{
	while (problem && !strstr(problem->message, part))
		problem = problem->next;
	return problem;
}

static inline const struct rule *find_rule(const struct loaded *loaded, const char *name)
{
	const struct rule_set *set = rule_loader_set(loaded->loader);

	return set ? rule_set_find(set, name) : NULL;
}

#endif
