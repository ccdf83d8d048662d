// SPDX-License-Identifier: Apache-2.0
/*
 * Notes about the ring. Contracts: ring_note.h.
 *
 * Positions are multiples of eight; the three bits below hold those of the count before the record, so that one store says
 * both. A process that is killed stops between two instructions: what it stored in program order stands.
 */
#include "enforcer/ring_note.h"

#define COUNT_BITS 7ull

static void store(__u64 *note, uint64_t value)
{
	__atomic_store_n(note, value, __ATOMIC_RELEASE);
}

void ring_note_begin(struct hf_config *config, uint64_t end)
{
	store(&config->events.position, end | (config->events_taken & COUNT_BITS));
}

void ring_note_taken(struct hf_config *config, bool told)
{
	if (!told)
		store(&config->events.own, config->events.own + 1);
	store(&config->events_taken, config->events_taken + 1);
}

uint64_t ring_note_end(const struct hf_config *config)
{
	return config->events.position & ~COUNT_BITS;
}

enum ring_note_state ring_note_recover(const struct hf_config *config, uint64_t position)
{
	uint64_t end = ring_note_end(config);

	/* The ring has got past it; or the note is of no record that this ring can hold. */
	if (end <= position || end - position > HF_RING_BYTES)
		return RING_NOTE_CLEAN;
	return ((config->events.position ^ config->events_taken) & COUNT_BITS) ? RING_NOTE_TOLD : RING_NOTE_DOUBTFUL;
}

void ring_note_counts(const struct hf_config *config, const uint64_t counters[_HF_COUNTER_MAX], uint64_t waiting,
		      struct ring_counts *ret)
{
	uint64_t put = counters[HF_COUNTER_EVENTS], accounted = config->events_taken + waiting;

	*ret = (struct ring_counts){
		.delivered = config->events_taken,
		.waiting = waiting,
		.lost = counters[HF_COUNTER_EVENTS_LOST] + counters[HF_COUNTER_EVENTS_NO_MEMORY],
	};
	ret->produced = put + ret->lost;
	/* The counter follows the record: for an instant it can be behind, and then nothing is missing. */
	ret->unreadable = put > accounted ? put - accounted : 0;
	ret->lost += ret->unreadable;
}
