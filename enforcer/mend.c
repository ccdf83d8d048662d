// SPDX-License-Identifier: Apache-2.0
/*
 * What is tried again. Contracts: mend.h.
 */
#include "enforcer/mend.h"

#include <stdbool.h>
#include <stddef.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/policy_store.h"
#include "enforcer/state.h"
#include "enforcer/volumes.h"

/* A container that got no slot of its own for its policy: the former one's, or that of unknown containers. */
static bool give_policy(struct daemon *daemon, struct container *c)
{
	struct hf_container *record = lsm_container(daemon->lsm, c->slot);

	if (!record || record->id != c->kernel_id || policy_store_assign(daemon->policies, c))
		return false;
	__atomic_store_n(&record->policy, c->policy_slot, __ATOMIC_RELEASE);
	if (volumes_publish(daemon->lsm, c))
		log_warning("container %s: its volumes keep the former policy", c->facts.id);
	return true;
}

static void mend_policies(struct daemon *daemon)
{
	bool all = policy_store_retry(daemon->policies) == 0;

	for (size_t i = 0; i < container_count(daemon->containers); i++) {
		struct container *c = container_at(daemon->containers, i);

		all = (c->on_free || give_policy(daemon, c)) && all;
	}
	if (!all)
		faults_still(daemon->faults, FAULT_POLICIES);
	else if (policy_store_has_room(daemon->policies))
		faults_over(daemon->faults, FAULT_POLICIES);
}

void mend(void *data)
{
	struct daemon *daemon = data;

	if (faults_present(daemon->faults, FAULT_STATE) && !state_mend(daemon) && !policy_store_mend_pauses(daemon->policies))
		faults_over(daemon->faults, FAULT_STATE);
	if (faults_present(daemon->faults, FAULT_POLICIES))
		mend_policies(daemon);
}

void mend_look(struct daemon *daemon, const uint64_t counters[_HF_COUNTER_MAX])
{
	static const struct {
		enum hf_counter counter;
		enum fault_kind kind;
	} rows[] = {
		{ HF_COUNTER_WRITES_LOST, FAULT_WRITES },
		{ HF_COUNTER_TAG_FAILED, FAULT_TASKS },
	};

	_Static_assert(sizeof(rows) / sizeof(rows[0]) == sizeof(daemon->looked_at) / sizeof(daemon->looked_at[0]),
		       "a place for each");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t now = counters[rows[i].counter];

		/* What an earlier daemon saw is no news. */
		if (daemon->looked && now > daemon->looked_at[i])
			faults_met_times(daemon->faults, rows[i].kind, now - daemon->looked_at[i]);
		daemon->looked_at[i] = now;
	}
	daemon->looked = true;
}
