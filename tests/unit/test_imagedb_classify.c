// SPDX-License-Identifier: Apache-2.0
/* "#!" lines: what we read from them is what the kernel of this machine does with them. */
#include <sys/wait.h>

#include "imagedb/classify.h"
#include "tests/unit/imagedb_tree.h"

#define ECHO	"/bin/echo"
#define X50	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define S50	"                                                  "
#define D50	"/././././././././././././././././././././././././."
#define FILL254	D50 D50 D50 D50 "/./././././././././././././././././././././/bin/echo"	/* with "#!" before it: 254 bytes */
#define FILL255	D50 D50 D50 D50 "/././././././././././././././././././././././bin/echo"
#define FILL256	D50 D50 D50 D50 "/././././././././././././././././././././././/bin/echo"

struct line_case {
	const char *what;
	const char *line;
	size_t len;		/* 0: strlen(line) */
	const char *interpreter;
	const char *arg;
};

/* Lines of 255, 256 and more characters are built around the kernel's limit of 256 bytes. */
static const struct line_case cases[] = {
	{ "plain", "#!" ECHO "\n", 0, ECHO, NULL },
	{ "no newline", "#!" ECHO, 0, ECHO, NULL },
	{ "blanks before", "#! \t " ECHO "\n", 0, ECHO, NULL },
	{ "blanks after", "#!" ECHO " \t \n", 0, ECHO, NULL },
	{ "blanks after, no newline: an empty argument", "#!" ECHO "  ", 0, ECHO, "" },
	{ "blanks and NUL after: an empty argument", "#!" ECHO "  \0one\n", sizeof("#!" ECHO "  \0one\n") - 1, ECHO, "" },
	{ "blanks after the argument, no newline", "#!" ECHO " one  ", 0, ECHO, "one  " },
	{ "argument", "#!" ECHO " one\n", 0, ECHO, "one" },
	{ "one argument of several words", "#!" ECHO " one two\tthree \n", 0, ECHO, "one two\tthree" },
	{ "tab before the argument", "#!" ECHO "\t \tone", 0, ECHO, "one" },
	{ "carriage return is part of the name", "#!/bin/echo\r\n", 0, "/bin/echo\r", NULL },
	{ "NUL ends the line", "#!" ECHO "\0 one\n", sizeof("#!" ECHO "\0 one\n") - 1, ECHO, NULL },
	{ "NUL ends the argument", "#!" ECHO " one\0two\n", sizeof("#!" ECHO " one\0two\n") - 1, ECHO, "one" },
	{ "a second line beyond the limit", "#!" ECHO "\n" X50 X50 X50 X50 X50 X50, 0, ECHO, NULL },
	{ "nothing", "#!", 0, NULL, NULL },
	{ "empty line", "#!\n" ECHO "\n", 0, NULL, NULL },
	{ "blanks only", "#!  \t\n", 0, NULL, NULL },
	{ "blanks only, no newline", "#!   ", 0, NULL, NULL },
	{ "NUL only", "#!\0" ECHO, sizeof("#!\0" ECHO) - 1, NULL, NULL },
	{ "blanks to the limit", "#!" S50 S50 S50 S50 S50 S50 ECHO "\n", 0, NULL, NULL },
	{ "argument cut at the limit", "#!" ECHO " " X50 X50 X50 X50 X50 X50 "\n", 0, ECHO,
	  X50 X50 X50 X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
	{ "name cut at the limit", "#!" D50 D50 D50 D50 D50 "bin/echo\n", 0, NULL, NULL },
	{ "newline as byte 256", "#!" FILL255 "\n", 0, FILL255, NULL },
	{ "blank as byte 256", "#!" FILL255 " one\n", 0, FILL255, NULL },
	{ "end of file after byte 255", "#!" FILL255, 0, FILL255, NULL },
	{ "NUL as byte 256", "#!" FILL255 "\0one\n", 256 + 4, FILL255, NULL },
	{ "blank as byte 255 and no end", "#!" FILL254 "  one\n", 0, FILL254, NULL },
	{ "newline as byte 257", "#!" FILL256 "\n", 0, NULL, NULL },
	{ "blank as byte 257", "#!" FILL256 " one\n", 0, NULL, NULL },
};

static size_t line_len(const struct line_case *line)
{
	return line->len ? line->len : strlen(line->line);
}

static void assert_same_string(const char *actual, const char *expected, const char *what)
{
	if (actual && expected && strcmp(actual, expected) == 0)
		return;
	if (actual != expected)
		fail_msg("%s: '%s' instead of '%s'", what, actual ? actual : "(none)", expected ? expected : "(none)");
}

static void test_script_line_gives_interpreter_and_argument(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = line_len(&cases[i]);
		struct imagedb_script script;
		uint8_t *exact = malloc(len);
		struct imagedb_start start = { .fd = -1, .file_size = len, .bytes = exact, .len = len };

		assert_non_null(exact);
		memcpy(exact, cases[i].line, len);
		imagedb_script_read(&start, &script);
		assert_same_string(script.interpreter, cases[i].interpreter, cases[i].what);
		assert_same_string(script.arg, cases[i].arg, cases[i].what);
		free(exact);
	}
}

/* Runs the file and reads the first bytes of what it prints; returns its status, or the errno of execve(). */
static int run(const char *path, char *output, size_t size)
{
	int fds[2], status;
	size_t done = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *const argv[] = { (char *)(uintptr_t)path, NULL }, *const environment[] = { NULL };

		dup2(fds[1], STDOUT_FILENO);
		execve(path, argv, environment);
		_exit(errno);
	}
	close(fds[1]);
	while ((n = read(fds[0], output + done, size - 1 - done)) > 0)
		done += (size_t)n;
	output[done] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_kernel_agrees_about_each_script_line(void **state)
{
	struct tree *tree = tree_new();
	char path[PATH_MAX + 32], output[1024], expected[2 * PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;

		assert_in_range(snprintf(path, sizeof(path), "%s/script%zu", tree->path, i), 1, sizeof(path) - 1);
		tree_put(tree->fd, path + strlen(tree->path) + 1, cases[i].line, line_len(&cases[i]), 0755);
		r = run(path, output, sizeof(output));
		if (i == 0 && r == EACCES) {
			tree_free(tree);
			print_message("skipped: the folder for temporary files does not allow execution\n");
			skip();
		}
		if (!cases[i].interpreter) {
			/* With nothing but blanks before the end of the file it tries the empty path, a directory. */
			assert_true(r == ENOEXEC || r == EACCES || r == ENOENT);
		} else if (cases[i].interpreter[strlen(cases[i].interpreter) - 1] == '\r') {
			assert_int_equal(r, ENOENT);
		} else {
			assert_int_equal(r, 0);
			snprintf(expected, sizeof(expected), "%s%s%.4000s\n", cases[i].arg ? cases[i].arg : "",
				 cases[i].arg ? " " : "", path);
			assert_string_equal(output, expected);
		}
	}
	tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_line_gives_interpreter_and_argument),
		cmocka_unit_test(test_kernel_agrees_about_each_script_line),
	};

	return cmocka_run_group_tests_name("imagedb_classify", tests, NULL, NULL);
}
