// SPDX-License-Identifier: Apache-2.0
/*
 * Table of layer sets: found by identity at a container's start, by number at its end.
 */
#include "enforcer/layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/enrol_folder.h"
#include "enforcer/util.h"

struct entry {
	struct layer_set set;
	char *identity;
	uint32_t users;
	uint64_t idle_since_ns;
	struct entry *next;
};

struct layers {
	struct entry *first;
	uint32_t last_id;
	uint32_t idle;
	uint64_t grace_ns;
};

int layers_new(uint64_t grace_ns, struct layers **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->grace_ns = grace_ns;
	return 0;
}

static void free_entry(struct entry *entry)
{
	free(entry->identity);
	free(entry);
}

void layers_free(struct layers **layers)
{
	if (!*layers)
		return;
	while ((*layers)->first) {
		struct entry *entry = (*layers)->first;

		(*layers)->first = entry->next;
		free_entry(entry);
	}
	free(*layers);
	*layers = NULL;
}

static struct entry *find_id(const struct layers *layers, uint32_t id)
{
	struct entry *entry = layers->first;

	while (entry && entry->set.id != id)
		entry = entry->next;
	return entry;
}

static struct entry *find_identity(const struct layers *layers, const char *identity)
{
	struct entry *entry = layers->first;

	while (entry && !(entry->identity && identity && !strcmp(entry->identity, identity)))
		entry = entry->next;
	return entry;
}

static struct entry *add(struct layers *layers, uint32_t id, const char *identity)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->identity = identity ? strdup(identity) : NULL;
	if (identity && !entry->identity) {
		free(entry);
		return NULL;
	}
	entry->set.id = id;
	entry->next = layers->first;
	layers->first = entry;
	if (id > layers->last_id)
		layers->last_id = id;
	return entry;
}

static void use(struct layers *layers, struct entry *entry)
{
	if (entry->users++ == 0 && entry->idle_since_ns) {
		entry->idle_since_ns = 0;
		layers->idle--;
	}
}

/* Numbers count up and skip those in use; 0 is never one. */
static uint32_t fresh_id(const struct layers *layers)
{
	uint32_t id = layers->last_id + 1;

	while (!id || find_id(layers, id))
		id++;
	return id;
}

int layers_acquire(struct layers *layers, const char *identity, struct layer_set **ret)
{
	struct entry *entry = find_identity(layers, identity);

	if (!entry)
		entry = add(layers, fresh_id(layers), identity);
	if (!entry)
		return -ENOMEM;
	use(layers, entry);
	*ret = &entry->set;
	return 0;
}

bool layers_complete(const struct layers *layers, const char *identity)
{
	struct entry *entry = identity ? find_identity(layers, identity) : NULL;

	return entry && entry->set.complete;
}

int layers_adopt(struct layers *layers, uint32_t id, const char *identity, bool complete, uint32_t executables)
{
	struct entry *entry = find_id(layers, id);

	if (entry) {
		if ((entry->identity == NULL) != (identity == NULL) ||
		    (identity && strcmp(entry->identity, identity)))
			return -EEXIST;
		use(layers, entry);
		return 0;
	}
	entry = add(layers, id, identity);
	if (!entry)
		return -ENOMEM;
	entry->set.complete = complete;
	entry->set.executables = executables;
	use(layers, entry);
	return 0;
}

void layers_release(struct layers *layers, uint32_t id, uint64_t now_ns)
{
	struct entry *entry = find_id(layers, id);

	if (!entry || !entry->users || --entry->users)
		return;
	entry->idle_since_ns = now_ns ? now_ns : 1;
	layers->idle++;
}

/* A set that nobody can find again need not wait. */
static bool is_over(const struct layers *layers, const struct entry *entry, uint64_t now_ns)
{
	if (!entry->idle_since_ns)
		return false;
	return !entry->identity || !entry->set.complete || layers->idle > LAYERS_IDLE_MAX ||
	       now_ns - entry->idle_since_ns >= layers->grace_ns;
}

/* Forgets the set at *at. */
static uint32_t forget(struct layers *layers, struct entry **at)
{
	struct entry *gone = *at;
	uint32_t id = gone->set.id;

	*at = gone->next;
	layers->idle--;
	free_entry(gone);
	return id;
}

/* Of those that are over the one that has waited longest: of too many, the image used last is wanted again soonest. */
uint32_t layers_expired(struct layers *layers, uint64_t now_ns)
{
	struct entry **oldest = NULL;

	for (struct entry **at = &layers->first; *at; at = &(*at)->next) {
		if (is_over(layers, *at, now_ns) && (!oldest || (*at)->idle_since_ns < (*oldest)->idle_since_ns))
			oldest = at;
	}
	return oldest ? forget(layers, oldest) : 0;
}

uint32_t layers_evict(struct layers *layers)
{
	struct entry **oldest = NULL;

	for (struct entry **at = &layers->first; *at; at = &(*at)->next) {
		if ((*at)->idle_since_ns && (!oldest || (*at)->idle_since_ns < (*oldest)->idle_since_ns))
			oldest = at;
	}
	return oldest ? forget(layers, oldest) : 0;
}

const char *layers_identity(const struct layers *layers, uint32_t id)
{
	struct entry *entry = find_id(layers, id);

	return entry ? entry->identity : NULL;
}

bool layers_known(const struct layers *layers, uint32_t id)
{
	return find_id(layers, id) != NULL;
}

size_t layers_of_folders(const struct layers *layers, uint32_t *ids, size_t max)
{
	size_t n = 0;

	for (const struct entry *entry = layers->first; entry && n < max; entry = entry->next) {
		if (!entry->identity || enrol_folder_is(entry->identity))
			ids[n++] = entry->set.id;
	}
	return n;
}

size_t layers_count(const struct layers *layers)
{
	size_t n = 0;

	for (const struct entry *entry = layers->first; entry; entry = entry->next)
		n++;
	return n;
}
