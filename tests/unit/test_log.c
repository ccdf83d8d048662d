// SPDX-License-Identifier: Apache-2.0
/* The daemon's log lines: escaping, levels, the journal's prefix, and a stderr that nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>

#include "enforcer/log.h"
#include "enforcer/util.h"

struct fixture {
	int saved_stderr;
	int pipe[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	f->saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(f->pipe[1], STDERR_FILENO), STDERR_FILENO);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_set_level(LOG_INFO);
	dup2(f->saved_stderr, STDERR_FILENO);
	close_fd(&f->saved_stderr);
	close_fd(&f->pipe[0]);
	close_fd(&f->pipe[1]);
	free(f);
	return 0;
}

/* What stderr got, as text; "" when nothing came. */
static const char *take_output(struct fixture *f)
{
	static char text[65536];
	ssize_t n = read(f->pipe[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_arguments_are_escaped(void **state)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{ "plain", "<6>name plain\n" },
		{ "", "<6>name \n" },
		{ "two\nlines", "<6>name two\\x0alines\n" },
		{ "\x1b[31mred\x7f", "<6>name \\x1b[31mred\\x7f\n" },
		{ "\xc2\x9b" "31m", "<6>name \xc2\\x9b31m\n" },
		{ "caf\xc3\xa9", "<6>name caf\xc3\xa9\n" },
		{ "\r<0>forged", "<6>name \\x0d<0>forged\n" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		log_info("name %s", cases[i].name);
		assert_string_equal(take_output(f), cases[i].expected);
	}
}

static void test_level_drops_what_is_less_urgent(void **state)
{
	struct fixture *f = *state;

	log_debug("hidden");
	assert_string_equal(take_output(f), "");
	log_set_level(LOG_DEBUG);
	log_debug("shown");
	assert_string_equal(take_output(f), "<7>shown\n");
	log_set_level(LOG_ERR);
	log_warning("hidden");
	assert_string_equal(take_output(f), "");
	log_error("shown");
	assert_string_equal(take_output(f), "<3>shown\n");
}

static void test_long_line_is_cut(void **state)
{
	struct fixture *f = *state;
	char name[8192];
	size_t n;

	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	log_info("%s", name);
	n = strlen(take_output(f));
	assert_in_range(n, PIPE_BUF - 4, PIPE_BUF);
}

static void test_errno_survives(void **state)
{
	struct fixture *f = *state;

	errno = ENOSPC;
	log_info("%m");
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(take_output(f), "<6>No space left on device\n");
}

static void test_full_pipe_drops_and_counts(void **state)
{
	struct fixture *f = *state;
	char filler[4096];

	memset(filler, 'x', sizeof(filler));
	while (write(f->pipe[1], filler, sizeof(filler)) > 0)
		;
	/* From here on the pipe blocks, as an inherited stderr does. */
	fcntl(f->pipe[1], F_SETFL, 0);
	log_info("lost");
	log_info("lost");
	while (strlen(take_output(f)) > 0)
		;
	log_info("back");
	assert_string_equal(take_output(f), "<6>(2 lines lost) back\n");
	log_info("fine");
	assert_string_equal(take_output(f), "<6>fine\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arguments_are_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_level_drops_what_is_less_urgent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_line_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errno_survives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_pipe_drops_and_counts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
