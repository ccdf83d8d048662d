// SPDX-License-Identifier: Apache-2.0
/* The event loop: descriptors, timers, signals, and sources that vanish while their batch is being delivered. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "enforcer/loop.h"
#include "enforcer/util.h"

#define SOON_NS 2000000ull
/* Ends a test that would hang: far above what a busy machine needs. */
#define LIMIT_NS (20 * NSEC_PER_SEC)

struct fixture {
	struct loop *loop;
	struct loop_source *limit;
	struct loop_source *sources[3];
	int fds[3];
	unsigned int calls[3];
	int signals;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	for (size_t i = 0; i < ARRAY_SIZE(f->fds); i++) {
		f->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert_true(f->fds[i] >= 0);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_unwatch(&f->limit);
	for (size_t i = 0; i < ARRAY_SIZE(f->fds); i++) {
		loop_unwatch(&f->sources[i]);
		close_fd(&f->fds[i]);
	}
	loop_free(&f->loop);
	free(f);
	return 0;
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void drain_and_quit(uint32_t events, void *data)
{
	struct fixture *f = data;
	uint64_t n;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(f->fds[0], &n, sizeof(n)), sizeof(n));
	f->calls[0]++;
	loop_quit(f->loop, 7);
}

static void test_ready_descriptor_calls_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch(f->loop, f->fds[0], EPOLLIN, drain_and_quit, f, &f->sources[0]), 0);
	signal_fd(f->fds[0]);
	assert_int_equal(loop_run(f->loop), 7);
	assert_int_equal(f->calls[0], 1);
}

static void count_ticks(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (++f->calls[1] == 3)
		loop_quit(f->loop, 3);
}

static void test_periodic_timer_repeats(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_timer(f->loop, 0, SOON_NS, count_ticks, f, &f->sources[1]), 0);
	assert_int_equal(loop_run(f->loop), 3);
	assert_int_equal(f->calls[1], 3);
}

static void count_once(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	f->calls[2]++;
}

static void test_single_shot_fires_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_timer(f->loop, 0, 0, count_once, f, &f->sources[2]), 0);
	assert_int_equal(loop_timer(f->loop, SOON_NS, SOON_NS, count_ticks, f, &f->sources[1]), 0);
	assert_int_equal(loop_run(f->loop), 3);
	assert_int_equal(f->calls[2], 1);
}

/* Whichever of the three comes first ends all three: the others, ready in the same batch, must stay silent. */
static void unwatch_everything(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	f->calls[0]++;
	for (size_t i = 0; i < ARRAY_SIZE(f->sources); i++)
		loop_unwatch(&f->sources[i]);
	loop_quit(f->loop, 0);
}

static void test_unwatched_in_same_batch_stays_silent(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(f->sources); i++) {
		assert_int_equal(loop_watch(f->loop, f->fds[i], EPOLLIN, unwatch_everything, f, &f->sources[i]), 0);
		signal_fd(f->fds[i]);
	}
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->calls[0], 1);
}

static void test_rewatch_with_no_events_silences(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch(f->loop, f->fds[2], EPOLLIN, count_once, f, &f->sources[2]), 0);
	assert_int_equal(loop_rewatch(f->sources[2], 0), 0);
	signal_fd(f->fds[2]);
	assert_int_equal(loop_timer(f->loop, 0, SOON_NS, count_ticks, f, &f->sources[1]), 0);
	assert_int_equal(loop_run(f->loop), 3);
	assert_int_equal(f->calls[2], 0);
}

static void take_signal(int signo, void *data)
{
	struct fixture *f = data;

	f->signals += signo;
	if (f->signals == SIGUSR1 + SIGHUP)
		loop_quit(f->loop, 1);
}

static void test_signals_are_callbacks(void **state)
{
	struct fixture *f = *state;
	sigset_t before;

	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(loop_signal(f->loop, SIGUSR1, take_signal, f), 0);
	assert_int_equal(loop_signal(f->loop, SIGHUP, take_signal, f), 0);
	assert_int_equal(loop_signal(f->loop, 0, take_signal, f), -EINVAL);
	assert_int_equal(loop_signal(f->loop, 4000, take_signal, f), -EINVAL);
	raise(SIGUSR1);
	raise(SIGHUP);
	assert_int_equal(loop_run(f->loop), 1);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void test_bad_descriptors_are_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_file) FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(loop_watch(f->loop, fileno(file), EPOLLIN, count_once, f, &f->sources[0]), -EPERM);
	assert_int_equal(loop_watch(f->loop, -1, EPOLLIN, count_once, f, &f->sources[0]), -EBADF);
	assert_null(f->sources[0]);
}

static void test_quit_before_run_returns_at_once(void **state)
{
	struct fixture *f = *state;

	loop_quit(f->loop, 5);
	assert_int_equal(loop_run(f->loop), 5);
}

static void test_source_outlives_its_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_watch(f->loop, f->fds[0], EPOLLIN, count_once, f, &f->sources[0]), 0);
	loop_free(&f->loop);
	assert_null(f->loop);
	assert_int_equal(loop_rewatch(f->sources[0], 0), -EBADF);
	loop_unwatch(&f->sources[0]);
	assert_null(f->sources[0]);
	loop_free(&f->loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready_descriptor_calls_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_periodic_timer_repeats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_single_shot_fires_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwatched_in_same_batch_stays_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rewatch_with_no_events_silences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signals_are_callbacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_descriptors_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quit_before_run_returns_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_outlives_its_loop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
