/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-protection as the daemon sees it: what is ours, against whom it is protected, and break-glass for it.
 *
 * Owns: hf_config.guard. Must not know: how the hooks use it. Main thread only.
 */
#ifndef ENFORCER_GUARD_H
#define ENFORCER_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf-lsm/abi.h"

struct guard;
struct loop;
struct lsm;

#define GUARD_UNLOCK_SECONDS_MAX (24 * 60 * 60) /* a maintenance; who needs more starts with --self-protection container */
#define GUARD_FAULT_BYTES 256

/* What one of the modes is called: "off", "container", "host". NULL: out of range. */
const char *guard_mode_name(enum hf_guard_mode mode);
/* The mode of that name. 0 or -EINVAL. */
int guard_mode_parse(const char *name, enum hf_guard_mode *ret);

/**
 * guard_new - tell the kernel half what is ours
 * @lsm: (borrowed) asked what the kernel calls our folders: on the thread that is registered for that. Outlives the guard
 * @loop: (borrowed) tells the end of an unlock in time; NULL: it ends without a word
 * @mode: against whom it shall be protected
 * @ret: (output) to be given to guard_free(); untouched on failure
 *
 * If it cannot be told who we are, protection is reduced to what cannot lock the next daemon out; guard_fault() says why. Nothing is
 * protected before guard_begin(), unless an earlier daemon's programs do. Return: 0; -ENOMEM.
 */
int guard_new(struct lsm *lsm, struct loop *loop, enum hf_guard_mode mode, struct guard **ret);
/* From here on it is protected. */
void guard_begin(struct guard *guard);
/* Protection stays. NULL-safe, sets *guard to NULL. */
void guard_free(struct guard **guard);

/* For that long the host may touch what is ours. 0: not any more. -EINVAL: longer than GUARD_UNLOCK_SECONDS_MAX; -ENOENT: it was not
 * unlocked; -EALREADY: nothing is protected against the host. */
int guard_unlock(struct guard *guard, uint64_t seconds);

/* What is in force. */
enum hf_guard_mode guard_mode(const struct guard *guard);
/* Why it is less than was asked for; "": it is not. Borrowed. */
const char *guard_fault(const struct guard *guard);
/* End of the unlock in force, CLOCK_REALTIME; 0: none. */
uint64_t guard_unlocked_until(const struct guard *guard);

/* The mounts from the one with that id up to the root, from mountinfo's text. How many; 0: there is no such mount. */
size_t guard_parse_mounts(const char *mountinfo, uint64_t id, struct hf_guard_mount ret[HF_GUARD_MOUNTS]);

#endif
