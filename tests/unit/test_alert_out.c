// SPDX-License-Identifier: Apache-2.0
/* Where alerts go: each channel gets its line, and one that takes none costs the others nothing and is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "enforcer/alert_out.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define LIMIT_MS 30000

struct fixture {
	struct loop *loop;
	struct event_log *log;
	struct alert_out *out;
	char folder[32], file[64], moved[64], socket[64];
	int pipe[2], receiver; /* read end, write end; syslog's side */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-alerts-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/alerts", f->folder);
	snprintf(f->moved, sizeof(f->moved), "%s/moved", f->folder);
	snprintf(f->socket, sizeof(f->socket), "%s/log", f->folder);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(pipe2(f->pipe, O_CLOEXEC), 0);
	f->receiver = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alert_out_free(&f->out);
	event_log_free(&f->log);
	loop_free(&f->loop);
	close_fd(&f->pipe[0]);
	close_fd(&f->pipe[1]);
	close_fd(&f->receiver);
	unlink(f->file);
	unlink(f->moved);
	unlink(f->socket);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void open_out(struct fixture *f, const struct alert_out_options *options)
{
	assert_int_equal(alert_out_new(f->loop, options, &f->out), 0);
}

static void open_syslog(struct fixture *f)
{
	open_out(f, &(struct alert_out_options){ .syslog = f->socket });
}

/* Somebody listens at the socket from here on. */
static void receive(struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	close_fd(&f->receiver);
	unlink(f->socket);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->socket);
	f->receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->receiver, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void put(struct fixture *f, const char *line)
{
	alert_out_line(f->out, LOG_WARNING, line, strlen(line));
}

static struct alert_channel_stats stats_of(const struct fixture *f, enum alert_channel channel)
{
	struct alert_channel_stats stats[_ALERT_CHANNEL_MAX];

	alert_out_get_stats(f->out, stats);
	return stats[channel];
}

static void assert_received(const struct fixture *f, const char *wanted)
{
	char got[ALERT_SYSLOG_BYTES_MAX + 1] = "";

	assert_true(recv(f->receiver, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, wanted);
}

static void assert_read(int fd, const char *wanted)
{
	char got[256] = "";
	size_t n = 0;

	while (n < strlen(wanted)) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ssize_t more;

		assert_int_equal(poll(&poll_fd, 1, LIMIT_MS), 1);
		more = read(fd, got + n, sizeof(got) - 1 - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_string_equal(got, wanted);
}

static void assert_file(const char *path, const char *wanted)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_read(fd, wanted);
}

/* The thread has written it when this returns. */
static void put_until_written(struct fixture *f, const char *line)
{
	_cleanup_(close_fd) int watch = inotify_init1(IN_CLOEXEC);
	struct pollfd poll_fd = { .fd = watch, .events = POLLIN };

	assert_true(inotify_add_watch(watch, f->file, IN_MODIFY) >= 0);
	put(f, line);
	assert_int_equal(poll(&poll_fd, 1, LIMIT_MS), 1);
}

static void test_each_channel_gets_the_line(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(event_log_new(f->loop, &(struct event_log_options){ .stdout_fd = f->pipe[1] }, &f->log), 0);
	receive(f);
	open_out(f, &(struct alert_out_options){ .stdout_of = f->log, .file = f->file, .syslog = f->socket });
	put(f, "{\"rule\":\"one\"}");
	assert_read(f->pipe[0], "{\"rule\":\"one\"}\n");
	assert_received(f, "<28>holdfastd: {\"rule\":\"one\"}");
	for (unsigned int i = 0; i < _ALERT_CHANNEL_MAX; i++) {
		struct alert_channel_stats stats = stats_of(f, i);

		assert_true(stats.used);
		assert_false(stats.failing);
		assert_int_equal(stats.written, 1);
		assert_int_equal(stats.dropped, 0);
	}
	alert_out_free(&f->out); /* the file has all lines then */
	assert_file(f->file, "{\"rule\":\"one\"}\n");
}

static void test_channels_that_nobody_asked_for(void **state)
{
	struct fixture *f = *state;

	open_out(f, &(struct alert_out_options){ 0 });
	put(f, "one");
	for (unsigned int i = 0; i < _ALERT_CHANNEL_MAX; i++) {
		assert_false(stats_of(f, i).used);
		assert_int_equal(stats_of(f, i).written, 0);
		assert_int_equal(stats_of(f, i).dropped, 0);
		assert_non_null(alert_channel_name(i));
	}
	assert_int_equal(alert_out_reopen(f->out), 0);
}

static void test_syslog_that_is_not_there_and_comes(void **state)
{
	struct fixture *f = *state;

	open_syslog(f);
	put(f, "one");
	assert_true(stats_of(f, ALERT_CHANNEL_SYSLOG).failing);
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).dropped, 1);
	receive(f);
	put(f, "two");
	assert_received(f, "<28>holdfastd: two");
	assert_false(stats_of(f, ALERT_CHANNEL_SYSLOG).failing);
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).written, 1);
}

static void test_syslog_that_was_started_anew(void **state)
{
	struct fixture *f = *state;

	receive(f);
	open_syslog(f);
	put(f, "one");
	receive(f); /* another socket of the same name */
	put(f, "two");
	assert_received(f, "<28>holdfastd: two");
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).written, 2);
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).dropped, 0);
}

/* Nobody takes the lines: the daemon does not wait, and goes on when there is room. */
static void test_syslog_that_is_full(void **state)
{
	struct fixture *f = *state;
	char line[1024];
	uint64_t written;

	memset(line, 'x', sizeof(line));
	receive(f);
	open_syslog(f);
	for (unsigned int i = 0; i < 100000 && !stats_of(f, ALERT_CHANNEL_SYSLOG).dropped; i++)
		alert_out_line(f->out, LOG_INFO, line, sizeof(line));
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).dropped, 1);
	assert_true(stats_of(f, ALERT_CHANNEL_SYSLOG).failing);
	written = stats_of(f, ALERT_CHANNEL_SYSLOG).written;
	for (uint64_t i = 0; i < written; i++) {
		char got[sizeof(line) + 64];

		assert_true(recv(f->receiver, got, sizeof(got), 0) > (ssize_t)sizeof(line));
	}
	put(f, "room");
	assert_received(f, "<28>holdfastd: room");
	assert_false(stats_of(f, ALERT_CHANNEL_SYSLOG).failing);
}

static void test_long_lines_are_cut_for_syslog(void **state)
{
	static char line[2 * ALERT_SYSLOG_BYTES_MAX];
	struct fixture *f = *state;
	char got[sizeof(line)];

	memset(line, 'x', sizeof(line));
	receive(f);
	open_syslog(f);
	alert_out_line(f->out, LOG_WARNING, line, sizeof(line));
	assert_int_equal(recv(f->receiver, got, sizeof(got), 0), ALERT_SYSLOG_BYTES_MAX - 1);
	assert_memory_equal(got, "<28>holdfastd: xxx", 18);
	assert_int_equal(got[ALERT_SYSLOG_BYTES_MAX - 2], 'x');
}

static void test_name_that_no_socket_can_have(void **state)
{
	struct fixture *f = *state;
	char name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	open_out(f, &(struct alert_out_options){ .syslog = name });
	put(f, "one");
	assert_int_equal(stats_of(f, ALERT_CHANNEL_SYSLOG).dropped, 1);
}

static void test_file_that_was_moved_is_opened_anew(void **state)
{
	struct fixture *f = *state;

	open_out(f, &(struct alert_out_options){ .file = f->file });
	put_until_written(f, "one");
	assert_int_equal(rename(f->file, f->moved), 0);
	assert_int_equal(alert_out_reopen(f->out), 0);
	put(f, "two");
	alert_out_free(&f->out);
	assert_file(f->file, "two\n");
	assert_file(f->moved, "one\n");
}

static void test_path_that_is_a_mistake(void **state)
{
	struct fixture *f = *state;

	assert_true(alert_out_new(f->loop, &(struct alert_out_options){ .file = "/nowhere/alerts" }, &f->out) < 0);
	assert_null(f->out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_channel_gets_the_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_channels_that_nobody_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syslog_that_is_not_there_and_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syslog_that_was_started_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syslog_that_is_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_lines_are_cut_for_syslog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_that_no_socket_can_have, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_that_was_moved_is_opened_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_path_that_is_a_mistake, setup, teardown),
	};

	return cmocka_run_group_tests_name("alert_out", tests, NULL, NULL);
}
