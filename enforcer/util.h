/* SPDX-License-Identifier: Apache-2.0 */
/* Small ownership helpers of the daemon and the tools: scope-bound clean-up, in the manner of STYLE.md. */
#ifndef ENFORCER_UTIL_H
#define ENFORCER_UTIL_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a scope-bound variable. */
#define TAKE_PTR(p)                      \
	({                               \
		__typeof__(p) _t = (p);  \
		(p) = NULL;              \
		_t;                      \
	})

/* Moves a descriptor out of a scope-bound variable. */
#define TAKE_FD(fd)             \
	({                      \
		int _t = (fd);  \
		(fd) = -1;      \
		_t;             \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_SEC 1000000000ull

static inline void close_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
	*fd = -1;
}

static inline void free_ptr(void *p)
{
	void **pp = p;

	free(*pp);
	*pp = NULL;
}

static inline void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

/* Now on the given clock, in ns. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#endif
