// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of one container as one object that owns all it points to, and the walk over them. Must not know how they
 * were found.
 */
#include "policies/effective.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "exceptions[" + name + "].fromProcess[31]". */
#define NAME_BYTES 128
/* "2027-01-31T18:00:00Z" for the years that time_t can hold. */
#define TIME_BYTES 64

int policy_effective_new(struct policy_effective **ret)
{
	struct policy_arena *arena = NULL;
	struct policy_effective *effective;

	if (policy_arena_new(&arena) < 0)
		return -ENOMEM;
	effective = policy_arena_alloc(arena, 1, sizeof(*effective));
	if (!effective) {
		policy_arena_free(&arena);
		return -ENOMEM;
	}
	effective->arena = arena;
	*ret = effective;
	return 0;
}

void policy_effective_free(struct policy_effective **effective)
{
	struct policy_arena *arena;

	if (!effective || !*effective)
		return;
	/* It lies in its own arena. */
	arena = (*effective)->arena;
	*effective = NULL;
	policy_arena_free(&arena);
}

static int copy_strings(struct policy_arena *arena, const char *const *from, size_t n, const char *const **ret)
{
	const char **copy = policy_arena_alloc(arena, n, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (policy_arena_dup(arena, from[i], &copy[i]) < 0)
			return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static int copy_exception(struct policy_arena *arena, const struct policy_exception *from, struct policy_exception *to)
{
	*to = *from;
	if (policy_arena_dup(arena, from->name, &to->name) < 0 ||
	    policy_arena_dup(arena, from->reason, &to->reason) < 0 ||
	    copy_strings(arena, from->paths, from->n_paths, &to->paths) < 0 ||
	    copy_strings(arena, from->from, from->n_from, &to->from) < 0)
		return -ENOMEM;
	return 0;
}

static int copy_exceptions(struct policy_effective *effective, const struct policy *policy)
{
	struct policy_exception *copy = policy_arena_alloc(effective->arena, policy->n_exceptions, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_exceptions; i++) {
		if (copy_exception(effective->arena, &policy->exceptions[i], &copy[i]) < 0)
			return -ENOMEM;
	}
	effective->exceptions = copy;
	effective->n_exceptions = policy->n_exceptions;
	return 0;
}

int policy_effective_copy_lists(struct policy_effective *effective, const struct policy *policy)
{
	struct policy_volume *copy = policy_arena_alloc(effective->arena, policy->n_volumes, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_volumes; i++) {
		copy[i].read_only = policy->volumes[i].read_only;
		if (policy_arena_dup(effective->arena, policy->volumes[i].path, &copy[i].path) < 0)
			return -ENOMEM;
	}
	effective->volumes = copy;
	effective->n_volumes = policy->n_volumes;
	return copy_exceptions(effective, policy);
}

static int walk_section(const struct policy_effective *effective, enum policy_field from, enum policy_field to,
			policy_field_fn fn, void *arg)
{
	char name[POLICY_FIELD_NAME_MAX];
	int r = 0;

	for (unsigned int i = from; i <= to && r == 0; i++) {
		const struct policy_field_def *def = policy_field_def(i);

		r = fn(policy_field_name(i, name), def->words[policy_field_load(i, effective)], arg);
	}
	return r;
}

static int walk_volumes(const struct policy_effective *effective, policy_field_fn fn, void *arg)
{
	char name[NAME_BYTES];
	int r = 0;

	for (size_t i = 0; i < effective->n_volumes && r == 0; i++) {
		snprintf(name, sizeof(name), "volumes.allow[%zu].path", i);
		r = fn(name, effective->volumes[i].path, arg);
		if (r != 0)
			break;
		snprintf(name, sizeof(name), "volumes.allow[%zu].readOnly", i);
		r = fn(name, effective->volumes[i].read_only ? "true" : "false", arg);
	}
	return r;
}

static int walk_strings(const char *exception, const char *key, const char *const *strings, size_t n,
			policy_field_fn fn, void *arg)
{
	char name[NAME_BYTES];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		snprintf(name, sizeof(name), "exceptions[%s].%s[%zu]", exception, key, i);
		r = fn(name, strings[i], arg);
	}
	return r;
}

static const char *format_expiry(time_t expires, char buffer[TIME_BYTES])
{
	struct tm tm;

	if (expires == 0 || !gmtime_r(&expires, &tm) || strftime(buffer, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "never";
	return buffer;
}

static int walk_exception(const struct policy_exception *exception, policy_field_fn fn, void *arg)
{
	char name[NAME_BYTES], time[TIME_BYTES];
	int r;

	r = walk_strings(exception->name, "paths", exception->paths, exception->n_paths, fn, arg);
	if (r == 0)
		r = walk_strings(exception->name, "fromProcess", exception->from, exception->n_from, fn, arg);
	if (r != 0)
		return r;
	snprintf(name, sizeof(name), "exceptions[%s].expires", exception->name);
	r = fn(name, format_expiry(exception->expires, time), arg);
	if (r != 0)
		return r;
	snprintf(name, sizeof(name), "exceptions[%s].reason", exception->name);
	return fn(name, exception->reason, arg);
}

int policy_effective_each(const struct policy_effective *effective, policy_field_fn fn, void *arg)
{
	int r = walk_section(effective, FIELD_MODE, FIELD_VOLUME_INIT, fn, arg);

	if (r == 0)
		r = walk_volumes(effective, fn, arg);
	for (size_t i = 0; i < effective->n_exceptions && r == 0; i++)
		r = walk_exception(&effective->exceptions[i], fn, arg);
	if (r == 0)
		r = walk_section(effective, FIELD_ACTION, FIELD_NOT_READY, fn, arg);
	return r == 0 ? fn("failurePolicy.daemonUnavailable", "keep", arg) : r;
}
