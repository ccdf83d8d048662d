// SPDX-License-Identifier: Apache-2.0
/*
 * Rules that can never match here: whose condition needs a field that loads, since Falco has it, but that nothing fills, or whose
 * event types nothing tells.
 */
#include <string.h>

#include "enforcer/detect_fields.h"
#include "enforcer/util.h"
#include "tools/holdfast/rules.h"

enum truth { TRUTH_FALSE, TRUTH_MAYBE, TRUTH_TRUE };

/* A field below a node that nothing fills; NULL: there is none. */
static const char *find_unfilled(const struct rule_node *node)
{
	const struct rule_field *field = node->kind == RULE_FIELD ? rule_field_find(node->text, node->len, NULL) : NULL;
	const char *found = field && !detect_field_is_known(field->name) ? field->name : NULL;

	for (const struct rule_node *child = node->kind == RULE_ITEMS ? NULL : node->first; child && !found; child = child->next)
		found = find_unfilled(child);
	return found;
}

/* What is known without any event. *ret_field: the first that made a part of it false. */
static enum truth judge(const struct rule_node *node, const char **ret_field)
{
	enum truth truth = node->kind == RULE_AND ? TRUTH_TRUE : TRUTH_FALSE;
	const char *unfilled;

	switch (node->kind) {
	case RULE_AND:
	case RULE_OR:
		for (const struct rule_node *child = node->first; child; child = child->next) {
			enum truth one = judge(child, ret_field);

			truth = node->kind == RULE_AND ? (one < truth ? one : truth) : (one > truth ? one : truth);
		}
		return truth;
	case RULE_NOT:
		return TRUTH_TRUE - judge(node->first, ret_field);
	default:
		unfilled = find_unfilled(node);
		*ret_field = *ret_field ? *ret_field : unfilled;
		return unfilled ? TRUTH_FALSE : TRUTH_MAYBE;
	}
}

static bool has_event(const struct rule *rule)
{
	const struct rule_event_set *types = rule_filter_event_types(rule->filter);

	/* One that is true for no event at all is meant so. */
	if (rule_event_set_count(types) == 0 || rule_event_set_has(types, detect_type_of_drift()))
		return true;
	for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++) {
		if (rule_event_set_has(types, detect_type_of(type)))
			return true;
	}
	return false;
}

void cli_rules_note_dead(const struct cli *cli, const struct rule_set *set)
{
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct rule *rule = &set->rules[i];
		const char *field = NULL;

		if (!rule->enabled)
			continue;
		if (!has_event(rule))
			cli_error(cli, "note: rule '%s' can never match here: no event of its types is told", rule->name);
		else if (judge(rule->tree, &field) == TRUTH_FALSE && field)
			cli_error(cli, "note: rule '%s' can never match here: nothing fills the field %s", rule->name, field);
	}
}
