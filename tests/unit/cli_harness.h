/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the command line tool inside the test and keeps what it printed. */
#ifndef TESTS_UNIT_CLI_HARNESS_H
#define TESTS_UNIT_CLI_HARNESS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/holdfast/cli.h"

#define CLI_ARGS_MAX 24

struct cli_result {
	int code;
	char *out, *err; /* to be freed by cli_result_release */
};

static inline char *cli_read_all(FILE *file)
{
	long bytes;
	char *text;

	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	bytes = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)bytes + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
	fclose(file);
	return text;
}

static inline void cli_result_release(struct cli_result *result)
{
	free(result->out);
	free(result->err);
	result->out = result->err = NULL;
}

/* The argument vector: args without the program's name, ended by NULL; socket NULL: the option is not given. */
static inline int cli_fill_argv(char **argv, const char *socket, const char *const *args)
{
	int argc = 0;

	argv[argc++] = (char *)"holdfast";
	if (socket) {
		argv[argc++] = (char *)"--socket";
		argv[argc++] = (char *)socket;
	}
	for (; *args; args++) {
		assert_true(argc < CLI_ARGS_MAX);
		argv[argc++] = (char *)*args;
	}
	argv[argc] = NULL;
	return argc;
}

static inline struct cli_result cli_run(const char *socket, const char *const *args)
{
	char *argv[CLI_ARGS_MAX + 1];
	struct cli_result result;
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = cli_fill_argv(argv, socket, args);

	assert_true(out && err);
	result.code = cli_main(argc, argv, out, err);
	result.out = cli_read_all(out);
	result.err = cli_read_all(err);
	return result;
}

struct cli_terminal {
	int master;
	char *text;
	size_t bytes;
};

#define CLI_TERMINAL_MAX 65536

static inline void *cli_read_terminal(void *data)
{
	struct cli_terminal *t = data;
	ssize_t n;

	while ((n = read(t->master, t->text + t->bytes, CLI_TERMINAL_MAX - t->bytes)) > 0)
		t->bytes += (size_t)n;
	return NULL;
}

/* As cli_run, with standard output on a terminal of so many columns. */
static inline struct cli_result cli_run_on_terminal(const char *socket, const char *const *args, unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct cli_terminal t = { .text = calloc(1, CLI_TERMINAL_MAX + 1) };
	char *argv[CLI_ARGS_MAX + 1];
	struct cli_result result;
	pthread_t thread;
	FILE *out, *err = tmpfile();
	int slave;

	assert_int_equal(openpty(&t.master, &slave, NULL, NULL, &size), 0);
	out = fdopen(slave, "w");
	assert_true(out && err && t.text);
	assert_int_equal(pthread_create(&thread, NULL, cli_read_terminal, &t), 0);
	result.code = cli_main(cli_fill_argv(argv, socket, args), argv, out, err);
	fclose(out);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(t.master);
	result.out = t.text;
	result.err = cli_read_all(err);
	return result;
}

#endif
