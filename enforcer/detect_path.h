/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as rules see them: joined to where they begin, without ".", ".." and repeated slashes; links are not followed. */
#ifndef ENFORCER_DETECT_PATH_H
#define ENFORCER_DETECT_PATH_H

#include <stddef.h>

/* Longest result: what a task wrote, behind the longest folder that is told. */
#define DETECT_PATH_BYTES 8448

/**
 * detect_path_join - an absolute path
 * @base: (borrowed) where a relative one begins; absolute
 * @path: (borrowed)
 * @ret: (output) DETECT_PATH_BYTES; not NUL-terminated
 *
 * ".." at the root stays there. A path too long is cut at its end. An empty @path is @base. Return: bytes.
 */
size_t detect_path_join(const char *base, size_t base_len, const char *path, size_t path_len, char *ret);

#endif
