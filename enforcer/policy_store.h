/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policies in force: loaded from disk, reloaded all or nothing, compiled into the kernel half's tables.
 *
 * Owns: the current policy_set, its generation number, the slots of hf_policies and hf_exceptions, break-glass.
 * Must not know: the language (policies/ does) or how containers are found. Main thread only.
 */
#ifndef ENFORCER_POLICY_STORE_H
#define ENFORCER_POLICY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/policies.h"

struct daemon;
struct policy_store;
struct container;

/* Longest pause: break-glass is for an incident, a policy for what lasts. */
#define POLICY_STORE_PAUSE_SECONDS_MAX (24 * 60 * 60)
/* Pauses of single namespaces at once. */
#define POLICY_STORE_PAUSES_MAX 64

/**
 * policy_store_new - load the policies and take the kernel half's tables over
 * @daemon: (borrowed) outlives the store; loop, lsm and options are used
 * @ret: (output) to be given to policy_store_free(); untouched on failure
 * @reterr: (output) filled in when a policy is at fault; may be NULL
 *
 * A missing policy_path is an empty set: every container gets the built-in audit policy. Pauses that an earlier daemon
 * granted go on. Blocks on file I/O.
 * Return: 0; -EINVAL: a policy is wrong, cannot be read, or does not fit into the kernel's tables; -ENOMEM; -EMFILE.
 */
int policy_store_new(struct daemon *daemon, struct policy_store **ret, struct policy_error *reterr);
/* What is in the kernel half stays in force. NULL-safe, sets *store to NULL. Containers may be freed before or after. */
void policy_store_free(struct policy_store **store);

/**
 * policy_store_reload - read everything again
 * @store: (borrowed)
 * @reterr: (output) filled in on failure; may be NULL
 *
 * All or nothing: first every container's new policy has its slot, then each record is switched by one store. Logs one line,
 * whatever happens. Blocks on file I/O.
 * Return: 0; -EINVAL: as policy_store_new(); -ENOSPC: no room for old and new policies together, which may be a matter of
 * seconds (slots in quarantine); -ENOMEM. On failure the old set stands and the error is kept for policy_store_last_error().
 */
int policy_store_reload(struct policy_store *store, struct policy_error *reterr);

/* After a reload that had no room: tries again, and says nothing unless it succeeds. 0: nothing is left to do. */
int policy_store_retry(struct policy_store *store);

/**
 * policy_store_watch - reload by itself when the files change
 * @store: (borrowed)
 *
 * Watches the folder of the policies, or the folder of the file, and the folder above, so that neither a swapped symbolic
 * link (a mounted ConfigMap) nor a folder that appears later is missed. Files that links point to elsewhere are not seen.
 * Also notices when the wall clock is set.
 * Return: 0, also when it is being watched already; -errno of inotify and timerfd.
 */
int policy_store_watch(struct policy_store *store);

/**
 * policy_store_clock_changed - the wall clock was set
 * @store: (borrowed)
 *
 * Exceptions expire by the wall clock and are matched by CLOCK_BOOTTIME, so their ends are computed anew, unless both have
 * moved alike. policy_store_watch() and policy_store_assign() call it by themselves.
 * Return: 0; -ENOSPC, -ENOMEM: the old ends stand, which is logged.
 */
int policy_store_clock_changed(struct policy_store *store);

/* The set in force, borrowed until the next reload. */
const struct policy_set *policy_store_set(const struct policy_store *store);
/* Rises with each reload; struct hf_policy.generation. */
uint32_t policy_store_generation(const struct policy_store *store);
/* The last failed reload, or NULL when the files on disk are those in force. */
const struct policy_error *policy_store_last_error(const struct policy_store *store);

/**
 * policy_store_assign - give a container the policy that its facts ask for
 * @store: (borrowed)
 * @container: (borrowed) gets policy and policy_slot; untouched on failure. Until it is unassigned or freed, reloads replace
 *             both, and switch its record while that holds kernel_id. In state CONTAINER_STATE_AUDIT nothing is denied.
 *
 * The caller points the record to policy_slot. A container may be assigned again, say after its state changed: then the caller
 * has POLICY_SLOTS_QUARANTINE_NS to switch its record.
 * Return: 0; -ENOSPC: no slot or no room for its exceptions; -ENOMEM.
 */
int policy_store_assign(struct policy_store *store, struct container *container);
/* Only finds out which policy it is: sets container->policy, for when there is no slot. 0; -ENOMEM. */
int policy_store_resolve(struct policy_store *store, struct container *container);
/* When more room comes by itself (CLOCK_MONOTONIC), perhaps in the past; 0: it does not. */
uint64_t policy_store_next_room_ns(const struct policy_store *store);
/* Whether one more policy without exceptions would have room now. */
bool policy_store_has_room(struct policy_store *store);
/* Gives the slot back (reused only after a quarantine, since programs may still read it). Nothing happens when there is none.
 * container_free() does it by itself. container->policy stays. */
void policy_store_unassign(struct policy_store *store, struct container *container);

/**
 * policy_store_pause - break-glass: report what would be denied
 * @store: (borrowed)
 * @namespace_: (borrowed) NULL or "": all containers
 * @seconds: from now on, instead of what is left of an earlier pause; 0 ends it
 *
 * Holds at once, also for containers that start later, and across a restart of the daemon. Ends by itself, daemon alive or
 * not. Logged at its beginning and its end.
 * Return: 0; -EINVAL: longer than POLICY_STORE_PAUSE_SECONDS_MAX, or no name of a namespace; -ENOENT: no such pause to end;
 * -ENOSPC: POLICY_STORE_PAUSES_MAX namespaces are paused.
 */
int policy_store_pause(struct policy_store *store, const char *namespace_, uint64_t seconds);
/* The i-th pause in force: namespace ("" for all, borrowed until the next call that changes pauses) and end (CLOCK_REALTIME,
 * ns). -ENOENT past the end. */
int policy_store_pause_at(const struct policy_store *store, size_t i, const char **ret_namespace, uint64_t *ret_until_ns);
/* Writes the pauses down if that failed before (FAULT_STATE). 0 when nothing is left to do. */
int policy_store_mend_pauses(struct policy_store *store);
/* For struct hf_container.pause_until_ns: until when containers of this namespace are paused by name (CLOCK_BOOTTIME); 0: they
 * are not. Pauses of all containers are in struct hf_config. namespace_ may be NULL. */
uint64_t policy_store_pause_until(const struct policy_store *store, const char *namespace_);

/* When the containers of an earlier daemon are restored: gives back the slots that it left and none of them uses. */
void policy_store_tidy(struct policy_store *store);

#endif
