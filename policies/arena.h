/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives and dies together: a set, an effective policy or the tree of one file. Owns every allocation of
 * this library; nothing else in it calls malloc.
 */
#ifndef HOLDFAST_POLICIES_ARENA_H
#define HOLDFAST_POLICIES_ARENA_H

#include <stddef.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

struct policy_arena;

/* Return: 0; -ENOMEM. */
int policy_arena_new(struct policy_arena **ret);

/* Frees the arena and all that was allocated from it, and sets *@arena to NULL. NULL-safe. */
void policy_arena_free(struct policy_arena **arena);

/**
 * policy_arena_alloc - room for @n objects of @size bytes each, zeroed and aligned for any type
 *
 * Return: the memory, or NULL when there is none or the product overflows. Never NULL for @n = 0.
 */
void *policy_arena_alloc(struct policy_arena *arena, size_t n, size_t size);

/* A copy of @len bytes of @text with a NUL behind; NULL without memory. */
char *policy_arena_copy(struct policy_arena *arena, const char *text, size_t len);

/* A copy of a string. @text may be NULL: *@ret is NULL then. Return: 0; -ENOMEM. */
int policy_arena_dup(struct policy_arena *arena, const char *text, const char **ret);

#endif
