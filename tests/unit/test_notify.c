// SPDX-License-Identifier: Apache-2.0
/* What the service manager receives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "enforcer/loop.h"
#include "enforcer/notify.h"
#include "enforcer/util.h"

#define LIMIT_NS (20 * NSEC_PER_SEC)

struct fixture {
	char folder[32];
	struct sockaddr_un address;
	int sock;
	struct loop *loop;
	struct loop_source *limit, *watchdog;
	char text[1024];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/hf-notify-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->address.sun_family = AF_UNIX;
	snprintf(f->address.sun_path, sizeof(f->address.sun_path), "%s/notify", f->folder);
	f->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->sock, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	setenv("NOTIFY_SOCKET", f->address.sun_path, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	loop_unwatch(&f->watchdog);
	loop_unwatch(&f->limit);
	loop_free(&f->loop);
	close_fd(&f->sock);
	unlink(f->address.sun_path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static const char *take_message(struct fixture *f)
{
	ssize_t n = recv(f->sock, f->text, sizeof(f->text) - 1, 0);

	f->text[n > 0 ? n : 0] = '\0';
	return f->text;
}

static void test_states_are_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(notify_ready("12 containers"), 0);
	assert_string_equal(take_message(f), "READY=1\nSTATUS=12 containers");
	assert_int_equal(notify_ready(NULL), 0);
	assert_string_equal(take_message(f), "READY=1\n");
	assert_int_equal(notify_stopping("signal"), 0);
	assert_string_equal(take_message(f), "STOPPING=1\nSTATUS=signal");
	assert_int_equal(notify_status("%d of %d", 1, 2), 0);
	assert_string_equal(take_message(f), "STATUS=1 of 2");
}

static void test_reload_is_stamped(void **state)
{
	struct fixture *f = *state;
	uint64_t before = clock_ns(CLOCK_MONOTONIC) / 1000, stamp = 0;

	assert_int_equal(notify_reloading(), 0);
	assert_int_equal(sscanf(take_message(f), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &stamp), 1);
	assert_in_range(stamp, before, clock_ns(CLOCK_MONOTONIC) / 1000);
}

static void test_status_cannot_bring_variables(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(notify_status("a\nSTOPPING=1\x7f"), 0);
	assert_string_equal(take_message(f), "STATUS=a STOPPING=1 ");
}

static void test_without_manager_all_succeed(void **state)
{
	struct fixture *f = *state;

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_ready("x"), 0);
	assert_int_equal(notify_reloading(), 0);
	assert_int_equal(notify_stopping(NULL), 0);
	assert_int_equal(notify_status("x"), 0);
	assert_string_equal(take_message(f), "");
}

static void test_manager_that_is_gone_is_an_error(void **state)
{
	struct fixture *f = *state;

	unlink(f->address.sun_path);
	assert_true(notify_ready("x") < 0);
}

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static void take_life(uint32_t events, void *data)
{
	struct fixture *f = data;
	static unsigned int n;

	(void)events;
	assert_string_equal(take_message(f), "WATCHDOG=1");
	if (++n == 3)
		loop_quit(f->loop, 0);
}

static void test_watchdog_is_fed(void **state)
{
	struct fixture *f = *state;
	struct loop_source *reader = NULL;

	setenv("WATCHDOG_USEC", "20000", 1);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	assert_int_equal(loop_watch(f->loop, f->sock, EPOLLIN, take_life, f, &reader), 0);
	assert_int_equal(notify_watchdog(f->loop, &f->watchdog), 0);
	assert_non_null(f->watchdog);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&reader);
}

static void test_unwanted_watchdog_is_not_fed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(notify_watchdog(f->loop, &f->watchdog), 0);
	assert_null(f->watchdog);
	setenv("WATCHDOG_USEC", "20000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog(f->loop, &f->watchdog), 0);
	assert_null(f->watchdog);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states_are_told),
		TEST(test_reload_is_stamped),
		TEST(test_status_cannot_bring_variables),
		TEST(test_without_manager_all_succeed),
		TEST(test_manager_that_is_gone_is_an_error),
		TEST(test_watchdog_is_fed),
		TEST(test_unwanted_watchdog_is_not_fed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
