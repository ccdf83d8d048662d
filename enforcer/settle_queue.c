// SPDX-License-Identifier: Apache-2.0
/*
 * A list; what is looked for is found by walking it, which for some thousand files costs less than reading one of them.
 */
#include "enforcer/settle_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct settle_file file;
	uint64_t due_ns;
	uint64_t since_ns; /* when it was asked for first */
	uint64_t pause_ns;
	bool again; /* asked for while it is looked at */
	struct entry *next;
};

struct settle_queue {
	struct entry *entries, *current;
	uint64_t turn; /* container that had the last one */
	size_t n;
};

int settle_queue_new(struct settle_queue **ret)
{
	struct settle_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	*ret = queue;
	return 0;
}

static void free_entry(struct entry *entry)
{
	free((char *)entry->file.place.layers);
	free(entry->file.path);
	free(entry);
}

void settle_queue_free(struct settle_queue **queue)
{
	struct settle_queue *gone = *queue;

	if (!gone)
		return;
	while (gone->entries) {
		struct entry *entry = gone->entries;

		gone->entries = entry->next;
		free_entry(entry);
	}
	free(gone);
	*queue = NULL;
}

static struct entry *find(const struct settle_queue *queue, uint64_t container, const char *path, size_t *ret_of_container)
{
	*ret_of_container = 0;
	for (struct entry *e = queue->entries; e; e = e->next) {
		if (e->file.place.container != container)
			continue;
		if (!strcmp(e->file.path, path))
			return e;
		++*ret_of_container;
	}
	return NULL;
}

static struct entry *make_entry(const struct settle_place *place, const char *path)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->file.place = *place;
	entry->file.place.layers = place->layers ? strdup(place->layers) : NULL;
	entry->file.path = strdup(path);
	if (entry->file.path && (entry->file.place.layers || !place->layers))
		return entry;
	free_entry(entry);
	return NULL;
}

/* As if it came now: its time, its patience. */
static void wake(struct entry *entry, uint64_t now_ns)
{
	entry->due_ns = entry->since_ns = now_ns;
	entry->pause_ns = SETTLE_FIRST_NS;
}

int settle_queue_add(struct settle_queue *queue, const struct settle_place *place, const char *path, uint64_t now_ns)
{
	size_t of_container;
	struct entry *entry = find(queue, place->container, path, &of_container);

	if (entry) {
		entry->file.place.copies = place->copies;
		entry->again = true;
		wake(entry, now_ns);
		return 0;
	}
	if (queue->n >= SETTLE_WAITING_MAX || of_container >= SETTLE_SHARE_MAX)
		return -ENOSPC;
	entry = make_entry(place, path);
	if (!entry)
		return -ENOMEM;
	wake(entry, now_ns);
	entry->next = queue->entries;
	queue->entries = entry;
	queue->n++;
	return 0;
}

/* I1: of two that are due, the one whose container comes sooner after the one that had the last turn. */
static bool comes_first(const struct settle_queue *queue, const struct entry *a, const struct entry *b)
{
	uint64_t to_a = a->file.place.container - queue->turn - 1, to_b = b->file.place.container - queue->turn - 1;

	return to_a != to_b ? to_a < to_b : a->due_ns < b->due_ns;
}

const struct settle_file *settle_queue_next(struct settle_queue *queue, uint64_t now_ns, uint64_t *ret_due_ns)
{
	struct entry *best = NULL;

	*ret_due_ns = UINT64_MAX;
	for (struct entry *e = queue->entries; e; e = e->next) {
		if (e->due_ns > now_ns)
			*ret_due_ns = e->due_ns < *ret_due_ns ? e->due_ns : *ret_due_ns;
		else if (!best || comes_first(queue, e, best))
			best = e;
	}
	if (!best)
		return NULL;
	best->again = false;
	queue->current = best;
	queue->turn = best->file.place.container;
	return &best->file;
}

static void drop(struct settle_queue *queue, struct entry *entry)
{
	struct entry **at = &queue->entries;

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	free_entry(entry);
	queue->n--;
}

bool settle_queue_done(struct settle_queue *queue, enum settle_result result, uint64_t now_ns)
{
	struct entry *entry = queue->current;
	bool given_up = result == SETTLE_RESULT_LATER && now_ns - entry->since_ns >= SETTLE_PATIENCE_NS;

	queue->current = NULL;
	if (entry->again)
		return false;
	if (result == SETTLE_RESULT_DONE || given_up) {
		drop(queue, entry);
		return given_up;
	}
	entry->due_ns = now_ns + entry->pause_ns;
	entry->pause_ns = 2 * entry->pause_ns < SETTLE_LONGEST_NS ? 2 * entry->pause_ns : SETTLE_LONGEST_NS;
	return false;
}

size_t settle_queue_count(const struct settle_queue *queue)
{
	return queue->n;
}
