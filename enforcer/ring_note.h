/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of the notes that outlive the daemon: what a killed one left behind, and what is missing.
 *
 * Owns: the meaning of hf_config.events_taken and .events.position. Must not know: maps, files. Pure, but for stores that other processes' successors
 * read: they are made in program order.
 */
#ifndef ENFORCER_RING_NOTE_H
#define ENFORCER_RING_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"
#include "enforcer/ring.h"

/* A record that ends at position `end` (a multiple of 8) is about to be told. */
void ring_note_begin(struct hf_config *config, uint64_t end);
/* It was; or it was the canary's, which nobody is told of. */
void ring_note_taken(struct hf_config *config, bool told);

enum ring_note_state {
	RING_NOTE_CLEAN,    /* no record was on its way */
	RING_NOTE_TOLD,	    /* the record before ring_note_end() was told, but not taken from the ring */
	RING_NOTE_DOUBTFUL, /* it may have been told */
};
/* position: the ring's, as the dead daemon left it. */
enum ring_note_state ring_note_recover(const struct hf_config *config, uint64_t position);
uint64_t ring_note_end(const struct hf_config *config);

/* waiting: whole records in the ring, counted after the counters were read. */
void ring_note_counts(const struct hf_config *config, const uint64_t counters[_HF_COUNTER_MAX], uint64_t waiting,
		      struct ring_counts *ret);

#endif
