/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying again what failed while something was full or broken, and seeing what the kernel half could not do.
 *
 * Owns: which parts are asked. Must not know: how each mends itself. Main thread only.
 */
#ifndef ENFORCER_MEND_H
#define ENFORCER_MEND_H

#include <stdint.h>

#include "bpf-lsm/abi.h"

struct daemon;

/* For faults_new(): writes state that is not on disk, gives policies to containers that have none of their own yet. */
void mend(void *daemon);

/* The kernel half's counters, looked at again: faults that only it meets. Call every second or so. */
void mend_look(struct daemon *daemon, const uint64_t counters[_HF_COUNTER_MAX]);

#endif
