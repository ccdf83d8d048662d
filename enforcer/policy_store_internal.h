/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the policy store share (policy_store.c, policy_reload.c, policy_watch.c); tests make a store on tables of
 * their own through it. */
#ifndef ENFORCER_POLICY_STORE_INTERNAL_H
#define ENFORCER_POLICY_STORE_INTERNAL_H

#include <stdbool.h>

#include "enforcer/policy_pause.h"
#include "enforcer/policy_slots.h"
#include "enforcer/policy_store.h"

struct loop_source;
struct policy_watch;

struct policy_store {
	struct daemon *daemon; /* borrowed */
	struct policy_tables tables;
	struct policy_slots *slots;
	struct policy_set *set;
	struct policy_pauses *pauses;
	struct policy_watch *watch; /* NULL: not watching */
	struct loop_source *tidy; /* NULL: nothing is in quarantine, as far as the store knows */
	uint32_t generation;
	int64_t real_to_boot_ns; /* sampled now and then, since equal rules must compile to equal bytes */
	struct policy_error last_error;
	bool failed; /* last_error holds */
	bool wants_room; /* and it was for want of room: policy_store_retry() tries again */
	size_t n_assigned;
	struct container *assigned[HF_MAX_CONTAINERS]; /* borrowed; each has a slot of the kernel half, so no more */
};

/* policy_store_new() on given tables: daemon->lsm is not used. */
int policy_store_new_on(struct daemon *daemon, const struct policy_tables *tables, struct policy_store **ret,
			struct policy_error *reterr);

/* Where policies come from, for people; "" when from nowhere. */
const char *policy_store_path(const struct policy_store *store);

/* policy_reload.c. Reads and checks policy_path. 0; -EINVAL or -ENOMEM with *reterr filled in. */
int policy_store_load(const struct policy_store *store, struct policy_set **ret, struct policy_error *reterr);
/* The clock as exceptions are compiled with. */
struct policy_clock policy_store_clock(const struct policy_store *store);
/* Samples both clocks. False, and the old sample is kept, when they have not moved against each other by more than a second. */
bool policy_store_sample_clock(struct policy_store *store);

/* One container's policy, resolved, compiled and in a slot that no record points to yet. */
struct policy_choice {
	struct container *container;	  /* borrowed */
	struct policy_effective *policy; /* owned; NULL: the container's own stays */
	uint32_t slot;			  /* acquired */
};

/* set NULL: the container's own policy is compiled again. 0; -ENOSPC; -ENOMEM. */
int policy_store_choose(struct policy_store *store, const struct policy_set *set, uint32_t generation,
			struct container *container, struct policy_choice *ret);
/* Gives the choice to its container, switches its record, and gives the old slot back. */
void policy_store_commit(struct policy_store *store, struct policy_choice *choice);

/* policy_watch.c */
void policy_watch_free(struct policy_watch **watch);

#endif
