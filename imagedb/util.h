/* SPDX-License-Identifier: Apache-2.0 */
/* Owns: scope-bound release of descriptors and memory inside this library. Must not know: anything about images. */
#ifndef IMAGEDB_UTIL_H
#define IMAGEDB_UTIL_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Closes *fd if it is open and keeps errno, so that it can run between a failure and its return. */
static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static inline void free_text(char **text)
{
	free(*text);
	*text = NULL;
}

static inline void free_bytes(uint8_t **bytes)
{
	free(*bytes);
	*bytes = NULL;
}

/* Hands the descriptor on: the variable no longer owns it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif /* IMAGEDB_UTIL_H */
