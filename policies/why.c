// SPDX-License-Identifier: Apache-2.0
/*
 * Puts into words which policy decides for a container and why. Must not decide anything itself.
 */
#include "policies/why.h"
#include "policies/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sentence that nobody would read to its end is cut; the parts that differ between policies come first. */
#define WHY_BYTES 768

struct sentence {
	char text[WHY_BYTES];
	size_t used, parts;
};

static void append(struct sentence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(struct sentence *s, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(s->text + s->used, sizeof(s->text) - s->used, format, args);
	va_end(args);
	if (n > 0)
		s->used += (size_t)n;
	if (s->used >= sizeof(s->text))
		s->used = sizeof(s->text) - 1;
}

static void append_name(struct sentence *s, const struct policy_info *info)
{
	append(s, "%s %s%s%s", policy_kind_name(info->kind), info->namespace_ ? info->namespace_ : "",
	       info->namespace_ ? "/" : "", info->name);
}

static void begin_part(struct sentence *s)
{
	append(s, "%s ", s->parts++ ? "," : " matches");
}

static void append_term(struct sentence *s, const struct label_term *term, const struct policy_facts *facts)
{
	begin_part(s);
	switch (term->operator) {
	case LABEL_IN:
		append(s, "label %s", term->key);
		for (size_t i = 0; i < facts->n_labels; i++) {
			if (facts->labels[i].key && strcmp(facts->labels[i].key, term->key) == 0) {
				append(s, "=%s", facts->labels[i].value ? facts->labels[i].value : "");
				return;
			}
		}
		return;
	case LABEL_NOT_IN:
		append(s, "label %s is none of %zu values", term->key, term->values.n);
		return;
	case LABEL_EXISTS:
		append(s, "label %s is set", term->key);
		return;
	default:
		append(s, "label %s is not set", term->key);
	}
}

static void append_namespace(struct sentence *s, const struct policy_match *match, const struct policy_facts *facts)
{
	const char *namespace_ = facts->namespace_ && *facts->namespace_ ? facts->namespace_ : NULL;
	const struct policy *policy = match->policy;

	if (policy->info.kind != POLICY_KIND_NAMESPACED && !match->namespace_pattern &&
	    policy->selector.exclude_namespaces.n == 0)
		return;
	begin_part(s);
	append(s, "%s%s", namespace_ ? "namespace " : "no namespace", namespace_ ? namespace_ : "");
	if (match->namespace_pattern && (!namespace_ || strcmp(match->namespace_pattern, namespace_) != 0))
		append(s, " (%s)", match->namespace_pattern);
	else if (policy->selector.exclude_namespaces.n > 0)
		append(s, " (not excluded)");
}

static void append_match(struct sentence *s, const struct policy_match *match, const struct policy_facts *facts)
{
	append_name(s, &match->policy->info);
	append_namespace(s, match, facts);
	for (size_t i = 0; i < match->policy->selector.n_labels; i++)
		append_term(s, &match->policy->selector.labels[i], facts);
	if (match->image_pattern) {
		begin_part(s);
		append(s, "image %s", match->image_pattern);
	}
	if (match->container_pattern) {
		begin_part(s);
		append(s, "container %s", match->container_pattern);
	}
	if (s->parts == 0)
		append(s, " matches every container");
}

int policy_explain(const struct policy_match *best, const struct policy_match *second,
		   const struct policy_facts *facts, struct policy_arena *arena, const char **ret)
{
	struct sentence s = { .used = 0 };

	if (!best->policy) {
		append(&s, "no policy matches; the built-in one audits everything");
	} else {
		append_match(&s, best, facts);
		if (second->policy) {
			append(&s, best->tie ? "; as specific as, and by name before, " : "; more specific than ");
			append_name(&s, &second->policy->info);
		}
	}
	/* Labels and namespaces come from outside. */
	policy_clean_text(s.text);
	return policy_arena_dup(arena, s.text, ret);
}
