/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies in force: loaded from disk, reloaded all or nothing, compiled into the kernel half's tables.
 *
 * Owns: the current policy_set, its generation number, the slots of hf_policies and hf_exceptions, break-glass.
 * Must not know: the language (policies/ does) or how containers are found. Main thread only.
 */
#ifndef ENFORCER_POLICY_STORE_H
#define ENFORCER_POLICY_STORE_H

#include <stdint.h>

#include "policies/policies.h"

struct daemon;
struct policy_store;
struct container;

/* Loads daemon->options.policy_path. A missing folder is an empty set (built-in audit policy), an invalid file an
 * error: -EINVAL with *reterr. */
int policy_store_new(struct daemon *daemon, struct policy_store **ret, struct policy_error *reterr);
void policy_store_free(struct policy_store **store);
/* Reads everything again; on any error the old set stands, the error is kept for status, -EINVAL. On success all
 * containers are resolved again and get new policy slots. */
int policy_store_reload(struct policy_store *store, struct policy_error *reterr);
const struct policy_set *policy_store_set(const struct policy_store *store);
uint32_t policy_store_generation(const struct policy_store *store);
/* The last failed reload, or NULL when the files on disk are those in force. */
const struct policy_error *policy_store_last_error(const struct policy_store *store);

/* Resolves the container's policy, writes a slot for it and stores container->policy and policy_slot. The caller points
 * the kernel's container record to it. -ENOSPC: no slot or no room for its exceptions. */
int policy_store_assign(struct policy_store *store, struct container *container);
/* Gives the slot back (reused only after a quarantine, since programs may still read it). */
void policy_store_unassign(struct policy_store *store, struct container *container);

/* Break-glass. namespace_ NULL: all containers. seconds 0 ends it. -EINVAL: longer than the limit of 24 hours;
 * -ENOENT: no container of that namespace and none can start paused. Ends by itself, daemon alive or not. */
int policy_store_pause(struct policy_store *store, const char *namespace_, uint64_t seconds);
/* The i-th pause in force: namespace ("" for all) and end (CLOCK_REALTIME, ns). -ENOENT past the end. */
int policy_store_pause_at(const struct policy_store *store, size_t i, const char **ret_namespace, uint64_t *ret_until_ns);

#endif
