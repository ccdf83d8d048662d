/* SPDX-License-Identifier: Apache-2.0 */
/* Is a file a database that LMDB can be trusted with? Owns: the file's layout as LMDB writes it. Must not know: LMDB, values. */
#ifndef IMAGEDB_KV_CHECK_H
#define IMAGEDB_KV_CHECK_H

#include <stdint.h>

#define IMAGEDB_KV_CHECK_MESSAGE	160u

/**
 * imagedb_kv_check() - read every page of the tree and see whether it holds together
 * @path:	the file, borrowed; a link is not followed
 * @max_bytes:	largest file that is taken
 * @message:	output: what is wrong, when -EUCLEAN is returned
 *
 * LMDB believes the file: a wrong page number or offset in it makes it read outside of the map, or abort. So everything that
 * it follows is followed here first, with pread(): both heads, every page of both trees and every offset in them, page
 * numbers once each, the list of free pages, the extent of the file. Values are not looked at. No other process may write
 * meanwhile. An empty file is sound.
 *
 * Cost: one read for each page of the tree and one for each long value; memory: one bit per page, one page per level.
 * Return: 0, damaged or foreign (-EUCLEAN), none (-ENOENT), a folder (-EISDIR), no memory (-ENOMEM), or a read error.
 */
int imagedb_kv_check(const char *path, uint64_t max_bytes, char message[IMAGEDB_KV_CHECK_MESSAGE]);

/** imagedb_kv_check_fd() - the same of an open file, borrowed */
int imagedb_kv_check_fd(int fd, uint64_t max_bytes, char message[IMAGEDB_KV_CHECK_MESSAGE]);

#endif /* IMAGEDB_KV_CHECK_H */
