// SPDX-License-Identifier: Apache-2.0
/*
 * The set of policies: built from texts in one go, sorted, checked for duplicates, never changed after. Must not know
 * where the texts come from.
 *
 * I1: no caller ever sees a set that is not sealed, so readers need no lock.
 */
#include "policies/set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME 0x100000001b3ULL

static void add_to_hash(struct policy_set *set, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		set->hash ^= (unsigned char)bytes[i];
		set->hash *= FNV_PRIME;
	}
}

int policy_set_new(struct policy_set **ret)
{
	struct policy_arena *arena = NULL;
	struct policy_set *set;

	if (policy_arena_new(&arena) < 0)
		return -ENOMEM;
	set = policy_arena_alloc(arena, 1, sizeof(*set));
	if (!set) {
		policy_arena_free(&arena);
		return -ENOMEM;
	}
	set->arena = arena;
	set->hash = FNV_OFFSET;
	*ret = set;
	return 0;
}

void policy_set_free(struct policy_set **set)
{
	struct policy_arena *arena;

	if (!set || !*set)
		return;
	/* The set lies in its own arena. */
	arena = (*set)->arena;
	*set = NULL;
	policy_arena_free(&arena);
}

int policy_set_add_text(struct policy_set *set, const char *name, const char *text, size_t len,
			struct policy_error *err)
{
	struct policy_reader reader = { .origin = { .file = name }, .set = set, .err = err };

	if (policy_arena_dup(set->arena, name, &reader.origin.file) < 0) {
		reader.origin.file = name;
		return policy_fail_memory(&reader);
	}
	/* The NUL and the length keep two files from looking like one. */
	add_to_hash(set, name, strlen(name) + 1);
	add_to_hash(set, (const char *)&len, sizeof(len));
	add_to_hash(set, text, len);
	return policy_parse_text(&reader, text, len, false);
}

static int compare_names(const struct policy *a, const struct policy *b)
{
	int r;

	if (a->info.kind != b->info.kind)
		return a->info.kind < b->info.kind ? -1 : 1;
	if (a->info.kind == POLICY_KIND_NAMESPACED) {
		r = strcmp(a->info.namespace_, b->info.namespace_);
		if (r != 0)
			return r;
	}
	return strcmp(a->info.name, b->info.name);
}

static int compare_policies(const void *left, const void *right)
{
	const struct policy *a = *(const struct policy *const *)left;
	const struct policy *b = *(const struct policy *const *)right;
	int r = compare_names(a, b);

	if (r != 0)
		return r;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int refuse_duplicates(const struct policy_set *set, struct policy_error *err)
{
	for (size_t i = 1; i < set->count; i++) {
		const struct policy_info *a = &set->policies[i - 1]->info, *b = &set->policies[i]->info;

		if (compare_names(set->policies[i - 1], set->policies[i]) != 0)
			continue;
		return policy_fail(err, -EEXIST, (struct policy_place){ b->file, b->line, set->policies[i]->column },
				   "%s \"%s%s%.*s\" is already defined at %s:%d; rename or remove one",
				   policy_kind_name(b->kind), b->namespace_ ? b->namespace_ : "",
				   b->namespace_ ? "/" : "", POLICY_QUOTE_MAX, b->name, a->file, a->line);
	}
	return 0;
}

int policy_set_seal(struct policy_set *set, struct policy_error *err)
{
	size_t n = 0;

	set->policies = policy_arena_alloc(set->arena, set->count, sizeof(const struct policy *));
	if (!set->policies)
		return policy_fail(err, -ENOMEM, (struct policy_place){ .file = "-" }, "out of memory");
	for (const struct policy *policy = set->first; policy; policy = policy->next)
		set->policies[n++] = policy;
	qsort(set->policies, set->count, sizeof(const struct policy *), compare_policies);
	snprintf(set->generation, sizeof(set->generation), "%016llx", set->hash);
	return refuse_duplicates(set, err);
}

int policy_set_parse(const char *name, const char *text, size_t len, struct policy_set **ret,
		     struct policy_error *reterr)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	int r = policy_set_new(&set);

	if (r < 0)
		return policy_fail(reterr, r, (struct policy_place){ .file = name }, "out of memory");
	r = policy_set_add_text(set, name, text, len, reterr);
	if (r == 0)
		r = policy_set_seal(set, reterr);
	if (r < 0)
		return r;
	*ret = set;
	set = NULL;
	return 0;
}

size_t policy_set_count(const struct policy_set *set)
{
	return set->count;
}

const struct policy_info *policy_set_get(const struct policy_set *set, size_t i)
{
	return i < set->count ? &set->policies[i]->info : NULL;
}

const struct policy_exception *policy_set_exceptions(const struct policy_set *set, size_t i, size_t *ret_n)
{
	*ret_n = i < set->count ? set->policies[i]->n_exceptions : 0;
	return i < set->count ? set->policies[i]->exceptions : NULL;
}

const char *policy_set_generation(const struct policy_set *set)
{
	return set->generation;
}
