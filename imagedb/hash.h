/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes for this library's own use. Owns: nothing; digest.c has the libraries. Must not know: what is hashed. */
#ifndef IMAGEDB_HASH_H
#define IMAGEDB_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "imagedb/imagedb.h"

/** imagedb_hash64() - XXH3 of some bytes: finds damage and spreads keys, proves nothing */
uint64_t imagedb_hash64(const void *bytes, size_t len, uint64_t seed);

/** imagedb_sha256() - SHA-256 of some bytes; -EIO when the library refuses */
int imagedb_sha256(const void *bytes, size_t len, uint8_t ret[IMAGEDB_SHA256_BYTES]);

#endif /* IMAGEDB_HASH_H */
