// SPDX-License-Identifier: Apache-2.0
/*
 * Which rules are on, and the words for how important they are. Must not know conditions.
 */
#include "policies/rules/compile.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const priorities[] = {
	[RULE_PRIORITY_EMERGENCY] = "Emergency",
	[RULE_PRIORITY_ALERT] = "Alert",
	[RULE_PRIORITY_CRITICAL] = "Critical",
	[RULE_PRIORITY_ERROR] = "Error",
	[RULE_PRIORITY_WARNING] = "Warning",
	[RULE_PRIORITY_NOTICE] = "Notice",
	[RULE_PRIORITY_INFORMATIONAL] = "Informational",
	[RULE_PRIORITY_DEBUG] = "Debug",
};
static_assert(sizeof(priorities) / sizeof(priorities[0]) == _RULE_PRIORITY_MAX, "a word for each priority");

const char *rule_priority_name(enum rule_priority priority)
{
	return (size_t)priority < _RULE_PRIORITY_MAX ? priorities[priority] : NULL;
}

int rule_priority_parse(const char *text, enum rule_priority *ret)
{
	for (size_t i = 0; i < _RULE_PRIORITY_MAX; i++) {
		if (strcasecmp(text, priorities[i]) == 0) {
			*ret = (enum rule_priority)i;
			return 0;
		}
	}
	if (strcasecmp(text, "info") != 0)
		return -EINVAL;
	*ret = RULE_PRIORITY_INFORMATIONAL;
	return 0;
}

/* * is any text; nothing else is special. Goes back to the last star only, so that its time is the product of both. */
static bool matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static bool has_tag(const struct rule *rule, const char *tag)
{
	for (size_t i = 0; i < rule->n_tags; i++) {
		if (strcmp(rule->tags[i], tag) == 0)
			return true;
	}
	return false;
}

bool rule_select(const struct rule_options *options, const struct rule *rule)
{
	bool enabled = rule->enabled;

	for (size_t i = 0; i < options->n_selections; i++) {
		const struct rule_selection *selection = &options->selections[i];

		if (selection->rule ? matches(selection->rule, rule->name) : has_tag(rule, selection->tag))
			enabled = selection->enable;
	}
	return enabled && rule->priority <= options->priority_max;
}
