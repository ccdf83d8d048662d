// SPDX-License-Identifier: Apache-2.0
/*
 * Arena: a list of chunks, filled from the front. Must not know what is stored in it.
 */
#include "policies/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Small policies fit one chunk; larger ones pay one malloc for each of these many bytes. */
#define CHUNK_BYTES 4096

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

struct policy_arena {
	struct chunk *head;
};

int policy_arena_new(struct policy_arena **ret)
{
	struct policy_arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return -ENOMEM;
	*ret = arena;
	return 0;
}

void policy_arena_free(struct policy_arena **arena)
{
	struct chunk *next;

	if (!arena || !*arena)
		return;
	for (struct chunk *chunk = (*arena)->head; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(*arena);
	*arena = NULL;
}

static struct chunk *add_chunk(struct policy_arena *arena, size_t bytes)
{
	size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->head;
	arena->head = chunk;
	return chunk;
}

void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = arena->head;
	size_t bytes;
	void *ret;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - align)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	if (!chunk || chunk->size - chunk->used < bytes)
		chunk = add_chunk(arena, bytes);
	if (!chunk)
		return NULL;
	ret = chunk->data + chunk->used;
	chunk->used += bytes;
	return ret;
}

char *policy_arena_copy(struct policy_arena *arena, const char *text, size_t len)
{
	char *copy = policy_arena_alloc(arena, 1, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

int policy_arena_dup(struct policy_arena *arena, const char *text, const char **ret)
{
	const char *copy = NULL;

	if (text) {
		copy = policy_arena_copy(arena, text, strlen(text));
		if (!copy)
			return -ENOMEM;
	}
	*ret = copy;
	return 0;
}
