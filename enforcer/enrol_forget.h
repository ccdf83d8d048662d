/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer set leaves the kernel half: its catalogue entries, and the watch over files that no other set holds.
 *
 * Owns: what of a set must go. Must not know: when. Enrolling thread, before it works also the main thread.
 */
#ifndef ENFORCER_ENROL_FORGET_H
#define ENFORCER_ENROL_FORGET_H

#include <stdint.h>

struct layers;
struct lsm;

/* All of one set, which layers no longer know. The number of entries, or -errno. Cost: O(entries of all sets). */
int64_t enrol_forget_set(struct lsm *lsm, const struct layers *layers, uint32_t id);
/* All that belongs to no set which layers know. */
int64_t enrol_forget_leftovers(struct lsm *lsm, const struct layers *layers);

#endif
