/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer sets: which images' executables stand in the kernel's catalogue, and who still needs them.
 *
 * Owns: the numbers of layer sets, their users and their grace time. Must not know: the kernel half; the caller removes
 * the entries of a set that layers_expired returns. Used by one thread (the enroller's).
 */
#ifndef ENFORCER_LAYERS_H
#define ENFORCER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long the entries of a set without containers stay by default: a restart, or the next pod of the image, comes soon. */
#define LAYERS_GRACE_NS (600ull * 1000000000ull)
/* Sets known at once; beyond it sets without users go at once. Nodes hold tens to hundreds of images. */
#define LAYERS_IDLE_MAX 256

struct layers;

struct layer_set {
	uint32_t id;	/* hf_catalog_key.layer_set */
	bool complete;	/* every candidate of the layers stands in the catalogue: the next container need not be scanned */
	uint32_t executables;
};

/* grace_ns: how long a set without users stays. -ENOMEM. */
int layers_new(uint64_t grace_ns, struct layers **ret);
void layers_free(struct layers **layers);

/* The set of that identity (NULL: one that is never shared), with one user more. *ret is borrowed until its last user has
 * gone. -ENOMEM. */
int layers_acquire(struct layers *layers, const char *identity, struct layer_set **ret);
/* Whether the set of that identity (NULL: no) is known and complete: the next container need not be scanned. */
bool layers_complete(const struct layers *layers, const char *identity);
/* After a restart: the set with this number exists and has one user more. -EEXIST: another identity has that number. */
int layers_adopt(struct layers *layers, uint32_t id, const char *identity, bool complete, uint32_t executables);
/* One user less. now_ns: CLOCK_MONOTONIC. */
void layers_release(struct layers *layers, uint32_t id, uint64_t now_ns);
/* A set without users whose grace time has ended, or that is one too many, now forgotten: its number, the longest idle first; 0
 * when there is none. Call until 0. */
uint32_t layers_expired(struct layers *layers, uint64_t now_ns);
/* There is no room for another's entries: forgets the set that has been idle longest, grace time or not. Its number; 0: none is
 * idle. */
uint32_t layers_evict(struct layers *layers);
/* Identity of a set, NULL when unknown or not shared. Borrowed. */
const char *layers_identity(const struct layers *layers, uint32_t id);
bool layers_known(const struct layers *layers, uint32_t id);
/* Numbers of sets that may hold files of plain folders, at most max: how many were written. */
size_t layers_of_folders(const struct layers *layers, uint32_t *ids, size_t max);
/* How many sets there are. */
size_t layers_count(const struct layers *layers);

#endif
