// SPDX-License-Identifier: Apache-2.0
/*
 * Everything anew: the files, and the policy of every container. Contracts: policy_store.h, policy_store_internal.h.
 *
 * I1: all or nothing. Whatever can fail happens before the first record is switched; what follows cannot fail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/policy_store_internal.h"
#include "enforcer/util.h"

static void fill_error(struct policy_error *reterr, const char *file, int line, const char *message)
{
	*reterr = (struct policy_error){ .line = line, .column = line ? 1 : 0 };
	snprintf(reterr->file, sizeof(reterr->file), "%s", file);
	snprintf(reterr->message, sizeof(reterr->message), "%s", message);
}

const char *policy_store_path(const struct policy_store *store)
{
	return store->daemon->options.policy_path ? store->daemon->options.policy_path : "";
}

/* What the language allows and the kernel's tables cannot hold is refused here, for all policies, so that no container's start
 * is the first to find out. */
static int check_exceptions(const struct policy_set *set, struct policy_error *reterr)
{
	char message[POLICY_COMPILE_ERROR_BYTES];

	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy_info *info = policy_set_get(set, i);
		size_t n;
		const struct policy_exception *exceptions = policy_set_exceptions(set, i, &n);
		int err = policy_compile_check(exceptions, n, message);

		if (!err)
			continue;
		fill_error(reterr, info->file, info->line, message);
		return err;
	}
	return 0;
}

int policy_store_load(const struct policy_store *store, struct policy_set **ret, struct policy_error *reterr)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	const char *path = policy_store_path(store);
	struct policy_error error = { 0 };
	struct stat st;
	bool missing = !path[0] || (stat(path, &st) < 0 && errno == ENOENT);
	int err = policy_set_load(&path, missing ? 0 : 1, &set, &error);

	if (!err)
		err = check_exceptions(set, &error);
	if (err && reterr)
		*reterr = error;
	if (err)
		return err == -ENOMEM ? -ENOMEM : -EINVAL;
	*ret = TAKE_PTR(set);
	return 0;
}

bool policy_store_sample_clock(struct policy_store *store)
{
	int64_t now = (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_REALTIME));

	if (llabs(now - store->real_to_boot_ns) <= (int64_t)NSEC_PER_SEC)
		return false;
	store->real_to_boot_ns = now;
	return true;
}

struct policy_clock policy_store_clock(const struct policy_store *store)
{
	return (struct policy_clock){ .real_to_boot_ns = store->real_to_boot_ns, .boot_ns = clock_ns(CLOCK_BOOTTIME) };
}

/* Gives back what was chosen and not committed. */
static void drop_choices(struct policy_store *store, struct policy_choice *choices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		policy_slots_discard(store->slots, choices[i].slot);
		policy_effective_free(&choices[i].policy);
	}
}

/* Every container's policy, by set (NULL: as it is) and generation. *ret_changed: how many have other rules now. */
static int apply(struct policy_store *store, const struct policy_set *set, uint32_t generation, size_t *ret_changed)
{
	_cleanup_(free_ptr) struct policy_choice *choices = calloc(store->n_assigned + 1, sizeof(*choices));
	size_t n = store->n_assigned;

	if (!choices)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int err = policy_store_choose(store, set, generation, store->assigned[i], &choices[i]);

		if (err) {
			drop_choices(store, choices, i);
			return err;
		}
	}
	*ret_changed = 0;
	for (size_t i = 0; i < n; i++) {
		if (!policy_slots_equal(store->slots, choices[i].slot, choices[i].container->policy_slot))
			++*ret_changed;
		policy_store_commit(store, &choices[i]);
	}
	return 0;
}

static void replace_set(struct policy_store *store, struct policy_set **set)
{
	policy_set_free(&store->set);
	store->set = TAKE_PTR(*set);
	store->generation++;
	store->failed = store->wants_room = false;
}

/* Keeps and logs the error that stopped a reload. */
static int fail_reload(struct policy_store *store, int err, const struct policy_error *error,
		       struct policy_error *reterr)
{
	char place[32] = "";

	store->last_error = *error;
	store->failed = true;
	if (reterr)
		*reterr = *error;
	if (error->line)
		snprintf(place, sizeof(place), ":%d:%d", error->line, error->column);
	log_error("policies: %s%s: %s; generation %u stays in force", error->file, place, error->message,
		  store->generation);
	return err;
}

/* Switches every container, and logs it. */
static int bring_into_force(struct policy_store *store, struct policy_set **set)
{
	size_t changed, before = policy_set_count(store->set);
	int err;

	policy_store_sample_clock(store);
	err = apply(store, *set, store->generation + 1, &changed);
	if (err)
		return err;
	replace_set(store, set);
	log_info("policies: generation %u: %zu from %s (%zu before); %zu of %zu containers have other rules now",
		 store->generation, policy_set_count(store->set), policy_store_path(store), before, changed,
		 store->n_assigned);
	return 0;
}

int policy_store_reload(struct policy_store *store, struct policy_error *reterr)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_error error;
	int err = policy_store_load(store, &set, &error);

	store->wants_room = false;
	if (err)
		return fail_reload(store, err, &error, reterr);
	err = bring_into_force(store, &set);
	if (!err)
		return 0;
	store->wants_room = err == -ENOSPC;
	if (store->wants_room)
		faults_met(store->daemon->faults, FAULT_POLICIES, "a reload");
	fill_error(&error, policy_store_path(store), 0,
		   store->wants_room ? "the kernel's tables have no room for the old and the new policies together; it is tried "
				       "again as room becomes free, or use fewer exceptions"
				     : "out of memory");
	return fail_reload(store, err, &error, reterr);
}

int policy_store_retry(struct policy_store *store)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	int err;

	if (!store->wants_room)
		return 0;
	err = policy_store_load(store, &set, NULL);
	return err ? err : bring_into_force(store, &set);
}

int policy_store_clock_changed(struct policy_store *store)
{
	size_t changed;
	int err;

	if (!policy_store_sample_clock(store))
		return 0;
	err = apply(store, NULL, store->generation, &changed);
	if (err)
		log_error("policies: the clock was set, but exceptions keep their old ends: %s", strerror(-err));
	else
		log_info("policies: the clock was set; %zu of %zu containers have other ends of exceptions", changed,
			 store->n_assigned);
	return err;
}
