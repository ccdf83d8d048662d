/* SPDX-License-Identifier: Apache-2.0 */
/* Removing many entries of a hash map at once. lsm_maps.c's alone. */
#ifndef ENFORCER_LSM_SWEEP_H
#define ENFORCER_LSM_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef bool (*lsm_match_fn)(const void *key, void *data);

/**
 * lsm_sweep - remove the entries whose key is wanted gone
 * @fd: (borrowed) a hash map
 * @key_bytes: of its keys
 * @value_bytes: of its values
 * @match: asked for each key
 * @data: handed to @match
 *
 * Costs two system calls for some thousand entries of the map, whatever is removed. Entries that come or go meanwhile may be missed.
 * Return: how many were removed; -ENOMEM; -errno of the map.
 */
int64_t lsm_sweep(int fd, size_t key_bytes, size_t value_bytes, lsm_match_fn match, void *data);

#endif
