// SPDX-License-Identifier: Apache-2.0
/*
 * A hash table with open addressing, at most half full. Must not know what is named.
 */
#include "policies/rules/names.h"

#include <errno.h>
#include <string.h>

/* A power of two; most files have fewer lists than half of it. */
#define FIRST_SIZE 128

/* FNV-1a: who writes the names could only slow down loading. */
static uint64_t hash_name(const char *name, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

/* The slot of a name, or the free one where it belongs. */
static struct rule_name_slot *find_slot(struct rule_name_slot *slots, size_t size, const char *name, size_t len)
{
	size_t i = hash_name(name, len) & (size - 1);

	while (slots[i].name && !(slots[i].len == len && memcmp(slots[i].name, name, len) == 0))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

void *rule_names_find(const struct rule_names *names, const char *name, size_t len)
{
	return names->size ? find_slot(names->slots, names->size, name, len)->value : NULL;
}

static int grow(struct rule_names *names, struct policy_arena *arena)
{
	size_t size = names->size ? 2 * names->size : FIRST_SIZE;
	struct rule_name_slot *slots = policy_arena_alloc(arena, size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->size; i++) {
		if (names->slots[i].name)
			*find_slot(slots, size, names->slots[i].name, names->slots[i].len) = names->slots[i];
	}
	names->slots = slots;
	names->size = size;
	return 0;
}

int rule_names_add(struct rule_names *names, struct policy_arena *arena, const char *name, void *value)
{
	size_t len = strlen(name);

	if (2 * names->n >= names->size && grow(names, arena) < 0)
		return -ENOMEM;
	*find_slot(names->slots, names->size, name, len) = (struct rule_name_slot){ name, len, value };
	names->n++;
	return 0;
}
