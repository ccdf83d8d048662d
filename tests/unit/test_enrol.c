// SPDX-License-Identifier: Apache-2.0
/*
 * The queue of enrolments while the thread is held up: who has waited too long gets an answer, the others keep their place.
 *
 * This program brings its own copy of enrol.c, whose thread it does not start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/enrol.c"

#define JOBS 6

static unsigned int late;

static void take(struct enrol_job *job, void *data)
{
	assert_int_equal(job->err, -ETIMEDOUT);
	assert_non_null(strstr(job->error, "--enrol-timeout"));
	assert_ptr_equal(data, &late);
	late |= 1u << job->container;
	enrol_job_free(&job);
}

static struct enrol_job *make(unsigned int number, uint64_t deadline_ns)
{
	struct enrol_job *job = calloc(1, sizeof(*job));

	*job = (struct enrol_job){ .rootfs_fd = -1, .container = number, .deadline_ns = deadline_ns, .done = take, .data = &late };
	return job;
}

/* late_mask: whose deadline has passed. */
static void try_queue(unsigned int late_mask)
{
	struct enroller e = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct enrol_job *job;

	late = 0;
	for (unsigned int i = 0; i < JOBS; i++)
		assert_int_equal(enrol_submit(&e, make(i, late_mask & 1u << i ? now - 1 : i % 2 ? 0 : now + NSEC_PER_SEC * 3600)),
				 0);
	on_tick(0, &e);
	assert_int_equal(late, late_mask);
	assert_int_equal(enrol_submit(&e, make(JOBS, 0)), 0);
	for (unsigned int i = 0; i <= JOBS; i++) {
		if (late_mask & 1u << i)
			continue;
		job = pop(&e.waiting);
		assert_non_null(job);
		assert_int_equal(job->container, i);
		enrol_job_free(&job);
	}
	assert_null(pop(&e.waiting));
	assert_int_equal(e.waiting.n, 0);
}

static void test_late_jobs_are_answered_and_the_others_keep_their_order(void **state)
{
	(void)state;
	for (unsigned int mask = 0; mask < 1u << JOBS; mask++)
		try_queue(mask);
}

static void test_full_queue_refuses(void **state)
{
	struct enroller e = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
	struct enrol_job *job;

	(void)state;
	for (unsigned int i = 0; i < ENROL_QUEUE_MAX; i++)
		assert_int_equal(enrol_submit(&e, make(0, 0)), 0);
	job = make(0, 0);
	assert_int_equal(enrol_submit(&e, job), -ENOBUFS);
	enrol_job_free(&job);
	free_queue(&e.waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_jobs_are_answered_and_the_others_keep_their_order),
		cmocka_unit_test(test_full_queue_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
