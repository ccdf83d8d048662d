// SPDX-License-Identifier: Apache-2.0
/*
 * Exceptions to entries of hf_exceptions. Contracts: exception_compile.h.
 *
 * I1: unused bytes of an entry are zero, so that equal rules give equal bytes and containers can share them.
 */
#include "enforcer/exception_compile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/glob_compile.h"
#include "enforcer/util.h"

/* Entries made room for at first; a policy has a handful. */
#define ENTRIES_FIRST 16

struct entries {
	struct hf_exception *at; /* owned */
	size_t n, capacity;
	char *error; /* POLICY_COMPILE_ERROR_BYTES, or NULL */
};

static void release_entries(struct entries *entries)
{
	free_ptr(&entries->at);
}

static int fail(const struct entries *entries, const struct policy_exception *exception, const char *pattern,
		const char *reason)
{
	if (entries->error)
		snprintf(entries->error, POLICY_COMPILE_ERROR_BYTES, "exception \"%s\", \"%s\": %s", exception->name,
			 pattern, reason);
	return -EINVAL;
}

static int add_entry(struct entries *entries, const struct hf_exception *entry)
{
	if (entries->n == POLICY_COMPILE_ENTRIES_MAX)
		return -E2BIG;
	if (entries->n == entries->capacity) {
		size_t capacity = entries->capacity ? entries->capacity * 2 : ENTRIES_FIRST;
		struct hf_exception *grown = reallocarray(entries->at, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		entries->at = grown;
		entries->capacity = capacity;
	}
	entries->at[entries->n++] = *entry;
	return 0;
}

/* Adds every pairing of a path's codes with a process's. process NULL: any. */
static int add_pairings(struct entries *entries, struct hf_exception *entry, const struct glob_alternatives *path,
			const struct glob_alternatives *process)
{
	size_t n_process = process ? process->n : 1;
	int err = 0;

	for (size_t i = 0; !err && i < path->n; i++) {
		memset(entry->path, 0, sizeof(entry->path));
		memcpy(entry->path, path->code[i].text, path->code[i].bytes);
		entry->path_bytes = path->code[i].bytes;
		for (size_t k = 0; !err && k < n_process; k++) {
			if (process) {
				memset(entry->process, 0, sizeof(entry->process));
				memcpy(entry->process, process->code[k].text, process->code[k].bytes);
				entry->process_bytes = process->code[k].bytes;
			}
			err = add_entry(entries, entry);
		}
	}
	return err;
}

/* One path glob of an exception, and one of its process globs or NULL for any process. */
static int add_pair(struct entries *entries, const struct policy_exception *exception, const struct hf_exception *base,
		    const char *path, const char *process)
{
	struct glob_alternatives paths, processes;
	struct hf_exception entry = *base;
	struct glob_classes classes = { 0 };
	const char *reason = NULL;

	_Static_assert(sizeof(entry.classes) == sizeof(classes.sets), "the classes are copied as a whole");
	if (glob_compile(path, &classes, &paths, &reason))
		return fail(entries, exception, path, reason);
	if (process && glob_compile(process, &classes, &processes, &reason))
		return fail(entries, exception, process, reason);
	memcpy(entry.classes, classes.sets, sizeof(entry.classes));
	return add_pairings(entries, &entry, &paths, process ? &processes : NULL);
}

static int add_exception(struct entries *entries, const struct policy_exception *exception,
			 const struct hf_exception *base)
{
	int err = 0;

	for (size_t i = 0; !err && i < exception->n_paths; i++) {
		if (exception->n_from == 0)
			err = add_pair(entries, exception, base, exception->paths[i], NULL);
		for (size_t k = 0; !err && k < exception->n_from; k++)
			err = add_pair(entries, exception, base, exception->paths[i], exception->from[k]);
		if (err == -E2BIG)
			err = fail(entries, exception, exception->paths[i],
				   "with this path the policy needs more entries than the kernel looks at; write fewer "
				   "paths, fewer processes, or fewer ** inside of them");
	}
	return err;
}

/* The moment on the kernel half's clock. False: it has passed. *ret is 0 for never, which a moment too far for that clock
 * counts as, too. */
static bool convert_expiry(time_t expires, const struct policy_clock *clock, uint64_t *ret)
{
	int64_t moment_ns;

	*ret = 0;
	if (expires == 0 || !clock)
		return true;
	if (__builtin_mul_overflow((int64_t)expires, (int64_t)NSEC_PER_SEC, &moment_ns) ||
	    __builtin_add_overflow(moment_ns, clock->real_to_boot_ns, &moment_ns))
		return expires > 0;
	if (moment_ns <= 0 || (uint64_t)moment_ns <= clock->boot_ns)
		return false;
	*ret = (uint64_t)moment_ns;
	return true;
}

int exception_compile(const struct policy_exception *exceptions, size_t n, const struct policy_clock *clock,
		      struct hf_exception **ret, size_t *ret_n, char reterr[POLICY_COMPILE_ERROR_BYTES])
{
	_cleanup_(release_entries) struct entries entries = { .error = reterr };
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		struct hf_exception base = { .index = (uint32_t)i };
		uint64_t expires_ns;

		if (!convert_expiry(exceptions[i].expires, clock, &expires_ns))
			continue;
		base.expires_ns = expires_ns;
		err = add_exception(&entries, &exceptions[i], &base);
	}
	if (err == -ENOMEM && reterr)
		snprintf(reterr, POLICY_COMPILE_ERROR_BYTES, "out of memory");
	if (err)
		return err;
	*ret = TAKE_PTR(entries.at);
	*ret_n = entries.n;
	return 0;
}
