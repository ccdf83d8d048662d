/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that has given up its capabilities before anybody relies on it.
 *
 * Owns: the start. Must not know: what the thread does. Threads are made before the daemon confines itself, never after.
 */
#ifndef ENFORCER_THREAD_H
#define ENFORCER_THREAD_H

#include <pthread.h>

typedef void (*thread_fn)(void *data);
typedef int (*thread_prepare_fn)(void *data);

/* Starts fn(data) in a thread with the few capabilities of steady state, and returns once they are all it has. 0 or -errno; the reason
 * is logged. */
int thread_start(pthread_t *ret, const char *name, thread_fn fn, void *data);
/* The same with something done on the thread while it still has all capabilities; its error is the start's. */
int thread_start_prepared(pthread_t *ret, const char *name, thread_prepare_fn prepare, thread_fn fn, void *data);

#endif
