// SPDX-License-Identifier: Apache-2.0
/*
 * usage: exec-args none|long|many PROGRAM
 * Executes a program with no argument at all, one of 128 KiB, or 1 MiB of them: what is noted about it must stay within bounds.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define LONG (128 * 1024 - 1) /* MAX_ARG_STRLEN with its NUL */
#define MANY 4096
#define EACH 255

static char **make_arguments(const char *how, char *program)
{
	char **arguments = calloc(MANY + 2, sizeof(*arguments));
	char *text = malloc(LONG + 1);

	memset(text, 'x', LONG);
	text[LONG] = '\0';
	if (strcmp(how, "none") != 0)
		arguments[0] = program;
	if (strcmp(how, "long") == 0)
		arguments[1] = text;
	for (int i = 1; strcmp(how, "many") == 0 && i <= MANY; i++)
		arguments[i] = text + LONG - EACH;
	return arguments;
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	if (argc != 3) {
		fputs("usage: exec-args none|long|many PROGRAM\n", stderr);
		return 2;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execve(argv[2], make_arguments(argv[1], argv[2]), environ);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	return attack_say(argv[1], WIFEXITED(status) ? -WEXITSTATUS(status) : -EFAULT);
}
