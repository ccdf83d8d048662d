// SPDX-License-Identifier: Apache-2.0
/*
 * Which policy decides for a container, and why. Owns the order of precedence. Must not know how documents are written.
 *
 * I1: the order is total: two policies that rank equal differ in name, and the set is sorted by name.
 */
#include "policies/effective.h"
#include "policies/image.h"
#include "policies/why.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every exact pattern ranks above every glob. */
#define EXACT_BONUS (POLICY_PATTERN_MAX + 1)

static const char *find_fact(const struct policy_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (pairs[i].key && strcmp(pairs[i].key, key) == 0)
			return pairs[i].value ? pairs[i].value : "";
	}
	return NULL;
}

static bool has_string(const struct policy_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->n; i++) {
		if (strcmp(strings->item[i], text) == 0)
			return true;
	}
	return false;
}

static bool match_term(const struct label_term *term, const struct policy_facts *facts)
{
	const char *value = find_fact(facts->labels, facts->n_labels, term->key);

	switch (term->operator) {
	case LABEL_IN:
		return value && has_string(&term->values, value);
	case LABEL_NOT_IN:
		return !value || !has_string(&term->values, value);
	case LABEL_EXISTS:
		return value;
	case LABEL_DOES_NOT_EXIST:
		return !value;
	default:
		return false;
	}
}

static bool match_labels(const struct policy_selector *selector, const struct policy_facts *facts)
{
	for (size_t i = 0; i < selector->n_labels; i++) {
		if (!match_term(&selector->labels[i], facts))
			return false;
	}
	return true;
}

/* How narrow a pattern is: 0 for one that matches everything, more with each literal byte, most without wildcards. */
static unsigned int weigh_pattern(const char *pattern)
{
	size_t len = strlen(pattern), literal = 0;
	bool exact = true;

	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '\\')
			i++;
		else if (pattern[i] == '[')
			i += strcspn(pattern + i + 2, "]") + 2;
		if (i < len && !strchr("*?]", pattern[i]))
			literal++;
		else
			exact = false;
	}
	return (unsigned int)literal + (exact ? EXACT_BONUS : 0);
}

/* What one list of globs says to a text (or, with @image, to all forms of an image). */
static bool match_globs(const struct policy_strings *globs, const char *text, const struct policy_image *image,
			const char **ret_pattern, unsigned int *ret_weight)
{
	bool hit = globs->n == 0;

	for (size_t i = 0; i < globs->n; i++) {
		const char *pattern = globs->item[i];
		unsigned int weight;

		if (image ? !policy_image_matches(image, pattern) : !policy_glob_match(pattern, text, false))
			continue;
		weight = weigh_pattern(pattern);
		if (hit && weight <= *ret_weight)
			continue;
		hit = true;
		*ret_pattern = pattern;
		*ret_weight = weight;
	}
	return hit;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool match_namespace(const struct policy *policy, const char *namespace_, struct policy_match *match)
{
	const char *excluded = NULL;
	unsigned int weight = 0;

	if (policy->info.kind == POLICY_KIND_NAMESPACED)
		return strcmp(policy->info.namespace_, namespace_) == 0;
	match->rank[RANK_EXCLUDES] = policy->selector.exclude_namespaces.n > 0;
	if (match->rank[RANK_EXCLUDES] &&
	    match_globs(&policy->selector.exclude_namespaces, namespace_, NULL, &excluded, &weight))
		return false;
	return match_globs(&policy->selector.namespaces, namespace_, NULL, &match->namespace_pattern,
			   &match->rank[RANK_NAMESPACES]);
}

static bool match_policy(const struct policy *policy, const struct policy_facts *facts,
			 const struct policy_image *image, struct policy_match *match)
{
	const struct policy_selector *selector = &policy->selector;

	*match = (struct policy_match){ .policy = policy };
	match->rank[RANK_KIND] = policy->info.kind == POLICY_KIND_NAMESPACED;
	match->rank[RANK_LABELS] = (unsigned int)selector->n_labels;
	return match_namespace(policy, or_empty(facts->namespace_), match) && match_labels(selector, facts) &&
	       match_globs(&selector->containers, or_empty(facts->container), NULL, &match->container_pattern,
			   &match->rank[RANK_CONTAINERS]) &&
	       match_globs(&selector->images, NULL, image, &match->image_pattern, &match->rank[RANK_IMAGES]);
}

static int compare_ranks(const struct policy_match *a, const struct policy_match *b)
{
	for (unsigned int i = 0; i < _RANK_MAX; i++) {
		if (a->rank[i] != b->rank[i])
			return a->rank[i] < b->rank[i] ? -1 : 1;
	}
	return 0;
}

static void find_best(const struct policy_set *set, const struct policy_facts *facts, struct policy_match *best,
		      struct policy_match *second)
{
	struct policy_image image;

	policy_image_expand(facts->image, facts->image_digest, &image);
	for (size_t i = 0; i < set->count; i++) {
		struct policy_match match;

		if (!match_policy(set->policies[i], facts, &image, &match))
			continue;
		if (!best->policy || compare_ranks(&match, best) > 0) {
			*second = *best;
			*best = match;
		} else if (!second->policy || compare_ranks(&match, second) > 0) {
			*second = match;
		}
	}
	best->tie = second->policy && compare_ranks(best, second) == 0;
}

static int set_provenance(struct policy_effective *effective, const struct policy *policy)
{
	effective->kind = policy ? policy->info.kind : POLICY_KIND_BUILTIN;
	effective->line = policy ? policy->info.line : 0;
	if (policy_arena_dup(effective->arena, policy ? policy->info.name : POLICY_BUILTIN_NAME, &effective->name) < 0 ||
	    policy_arena_dup(effective->arena, policy ? policy->info.namespace_ : NULL, &effective->namespace_) < 0 ||
	    policy_arena_dup(effective->arena, policy ? policy->info.file : NULL, &effective->file) < 0)
		return -ENOMEM;
	return 0;
}

static int set_rules(struct policy_effective *effective, const struct policy *policy, const struct policy_facts *facts)
{
	signed char values[_FIELD_MAX];
	int r;

	memset(values, FIELD_UNSET, sizeof(values));
	values[FIELD_MODE] = POLICY_MODE_AUDIT;
	if (policy)
		memcpy(values, policy->values, sizeof(values));
	r = policy_tighten(effective, facts, values);
	if (r < 0)
		return r;
	policy_fields_store(values, effective);
	return policy ? policy_effective_copy_lists(effective, policy) : 0;
}

int policy_set_resolve(const struct policy_set *set, const struct policy_facts *facts, struct policy_effective **ret)
{
	_cleanup_(policy_effective_free) struct policy_effective *effective = NULL;
	struct policy_match best = { 0 }, second = { 0 };
	int r = policy_effective_new(&effective);

	if (r < 0)
		return r;
	find_best(set, facts, &best, &second);
	r = set_provenance(effective, best.policy);
	if (r == 0)
		r = set_rules(effective, best.policy, facts);
	if (r == 0)
		r = policy_explain(&best, &second, facts, effective->arena, &effective->why);
	if (r < 0)
		return r;
	*ret = effective;
	effective = NULL;
	return 0;
}
