// SPDX-License-Identifier: Apache-2.0
/*
 * spec.selector: which containers a policy is for. Reads it only; who matches is the resolver's question.
 */
#include "policies/parse.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const operators[] = {
	[LABEL_IN] = "In",
	[LABEL_NOT_IN] = "NotIn",
	[LABEL_EXISTS] = "Exists",
	[LABEL_DOES_NOT_EXIST] = "DoesNotExist",
};
static_assert(COUNT(operators) == _LABEL_OPERATOR_MAX, "a word for each operator");

static const char *check_label_part(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i == len - 1;
		char c = text[i];

		if (!isalnum((unsigned char)c) && (edge || !(c == '-' || c == '_' || c == '.')))
			return "a label is letters, digits, \"-\", \"_\" and \".\", with a letter or digit at both ends";
	}
	return NULL;
}

static const char *check_label_value(const char *text)
{
	return check_label_part(text, strlen(text));
}

static const char *check_label_key(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;
	const char *wrong;

	if (!*name || slash == text)
		return "a label key has a name, and a prefix only before a slash";
	wrong = slash ? check_label_part(text, (size_t)(slash - text)) : NULL;
	return wrong ? wrong : check_label_part(name, strlen(name));
}

static int check_key(struct policy_reader *r, const struct yaml_node *entry)
{
	const char *wrong = strlen(entry->key) > POLICY_LABEL_KEY_MAX ? "the key is too long" :
									check_label_key(entry->key);

	return wrong ? policy_fail_key(r, entry, "spec.selector.matchLabels: %s", wrong) : 0;
}

static struct label_term *add_term(struct policy *policy)
{
	return &policy->selector.labels[policy->selector.n_labels++];
}

static int parse_match_label(struct policy_reader *r, const struct yaml_node *entry, struct policy *policy)
{
	struct label_term *term = add_term(policy);
	int error = check_key(r, entry);

	if (error < 0)
		return error;
	term->operator = LABEL_IN;
	term->values.item = policy_arena_alloc(r->set->arena, 1, sizeof(*term->values.item));
	if (!term->values.item || policy_arena_dup(r->set->arena, entry->key, &term->key) < 0)
		return policy_fail_memory(r);
	term->values.n = 1;
	return policy_want_string(r, entry, entry, "a value of spec.selector.matchLabels", POLICY_LABEL_VALUE_MAX,
				  check_label_value, &term->values.item[0]);
}

static int parse_match_labels(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	int error = 0;

	for (const struct yaml_node *entry = node->first; entry && error == 0; entry = entry->next)
		error = parse_match_label(r, entry, policy);
	return error;
}

static int parse_values(struct policy_reader *r, const struct yaml_node *expression, struct label_term *term)
{
	const struct yaml_node *node = policy_find_key(expression, "values");
	bool wanted = term->operator == LABEL_IN || term->operator == LABEL_NOT_IN;

	if (!wanted && node && (node->type != YAML_SEQUENCE || node->count > 0))
		return policy_fail_key(r, node, "%s takes no values; remove them", operators[term->operator]);
	if (wanted && !node)
		return policy_fail_at(r, expression, "%s needs values; add a list", operators[term->operator]);
	if (!wanted)
		return 0;
	return policy_want_strings(r, node, "values", POLICY_SELECTOR_TERMS_MAX, POLICY_LABEL_VALUE_MAX,
				   check_label_value, &term->values);
}

static int parse_expression(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	static const char *const keys[] = { "key", "operator", "values" };
	struct label_term *term = add_term(policy);
	const struct yaml_node *word;
	size_t operator;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "an entry of matchExpressions");

	if (error < 0)
		return error;
	error = policy_want_string(r, node, policy_find_key(node, "key"), "key", POLICY_LABEL_KEY_MAX,
				   check_label_key, &term->key);
	if (error < 0)
		return error;
	word = policy_find_key(node, "operator");
	if (!word)
		return policy_fail_at(r, node, "operator is missing; add it");
	error = policy_want_word(r, word, "operator", operators, COUNT(operators), &operator);
	if (error < 0)
		return error;
	term->operator = (enum label_operator)operator;
	return parse_values(r, node, term);
}

static int parse_expressions(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	int error = 0;

	for (const struct yaml_node *entry = node->first; entry && error == 0; entry = entry->next)
		error = parse_expression(r, entry, policy);
	return error;
}

static int parse_labels(struct policy_reader *r, const struct yaml_node *selector, struct policy *policy)
{
	const struct yaml_node *labels = policy_find_key(selector, "matchLabels");
	const struct yaml_node *expressions = policy_find_key(selector, "matchExpressions");
	size_t n = 0;
	int error = 0;

	if (labels) {
		error = policy_want_type(r, labels, YAML_MAPPING, "spec.selector.matchLabels");
		n += labels->count;
	}
	if (expressions && error == 0) {
		error = policy_want_type(r, expressions, YAML_SEQUENCE, "spec.selector.matchExpressions");
		n += expressions->count;
	}
	if (error < 0)
		return error;
	if (n > POLICY_SELECTOR_TERMS_MAX)
		return policy_fail_at(r, selector, "spec.selector has %zu label terms, more than %d; split the policy", n,
				      POLICY_SELECTOR_TERMS_MAX);
	policy->selector.labels = policy_arena_alloc(r->set->arena, n, sizeof(*policy->selector.labels));
	if (!policy->selector.labels)
		return policy_fail_memory(r);
	error = labels ? parse_match_labels(r, labels, policy) : 0;
	if (error == 0 && expressions)
		error = parse_expressions(r, expressions, policy);
	return error;
}

static int parse_globs(struct policy_reader *r, const struct yaml_node *selector, const char *key,
		       struct policy_strings *ret)
{
	const struct yaml_node *node = policy_find_key(selector, key);
	char what[POLICY_FIELD_NAME_MAX];

	if (!node)
		return 0;
	snprintf(what, sizeof(what), "spec.selector.%s", key);
	return policy_want_strings(r, node, what, POLICY_SELECTOR_TERMS_MAX, POLICY_PATTERN_MAX, policy_check_glob,
				   ret);
}

/* A DriftPolicy's namespace is its metadata's; a second answer could only contradict it. */
static int refuse_namespaces(struct policy_reader *r, const struct yaml_node *selector)
{
	const struct yaml_node *node = policy_find_key(selector, "namespaces");

	if (!node)
		node = policy_find_key(selector, "excludeNamespaces");
	if (!node)
		return 0;
	return policy_fail_key(r, node, "a DriftPolicy holds in its own namespace only; remove %s or write kind: "
					"ClusterDriftPolicy",
			       node->key);
}

int policy_parse_selector(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	static const char *const keys[] = { "matchLabels", "matchExpressions", "namespaces", "excludeNamespaces",
					    "images",	   "containers" };
	struct policy_selector *selector = &policy->selector;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "spec.selector");

	if (error == 0 && policy->info.kind == POLICY_KIND_NAMESPACED)
		error = refuse_namespaces(r, node);
	if (error == 0)
		error = parse_labels(r, node, policy);
	if (error == 0)
		error = parse_globs(r, node, "images", &selector->images);
	if (error == 0)
		error = parse_globs(r, node, "containers", &selector->containers);
	if (error == 0)
		error = parse_globs(r, node, "namespaces", &selector->namespaces);
	if (error == 0)
		error = parse_globs(r, node, "excludeNamespaces", &selector->exclude_namespaces);
	return error;
}
