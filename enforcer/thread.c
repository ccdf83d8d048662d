// SPDX-License-Identifier: Apache-2.0
/*
 * The start of a confined thread.
 */
#include "enforcer/thread.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/log.h"
#include "enforcer/privilege.h"

struct start {
	thread_prepare_fn prepare;
	thread_fn fn;
	void *data;
	const char *name;
	sem_t done;
	int err;
};

static void *begin(void *arg)
{
	struct start *start = arg;
	char reason[PRIVILEGE_ERROR_BYTES] = "";
	thread_fn fn = start->fn;
	void *data = start->data;
	int err, unprepared;

	pthread_setname_np(pthread_self(), start->name);
	unprepared = start->prepare ? start->prepare(data) : 0;
	err = privilege_drop_capabilities(reason);
	if (err)
		log_error("%s: cannot drop capabilities: %s", start->name, reason);
	if (!err)
		err = unprepared;
	start->err = err;
	sem_post(&start->done); /* start is gone from here on */
	if (!err)
		fn(data);
	return NULL;
}

int thread_start(pthread_t *ret, const char *name, thread_fn fn, void *data)
{
	return thread_start_prepared(ret, name, NULL, fn, data);
}

int thread_start_prepared(pthread_t *ret, const char *name, thread_prepare_fn prepare, thread_fn fn, void *data)
{
	struct start start = { .prepare = prepare, .fn = fn, .data = data, .name = name };
	int err;

	if (sem_init(&start.done, 0, 0))
		return -errno;
	err = -pthread_create(ret, NULL, begin, &start);
	if (!err) {
		while (sem_wait(&start.done) && errno == EINTR)
			continue;
		if (start.err)
			pthread_join(*ret, NULL);
		err = start.err;
	}
	sem_destroy(&start.done);
	return err;
}
