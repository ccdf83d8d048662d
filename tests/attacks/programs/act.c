// SPDX-License-Identifier: Apache-2.0
/*
 * usage: act ID:RUN:PART SECONDS COMMANDS | act ID:RUN:PART begin|end
 * One part of one row, inside the container: runs sh -c COMMANDS in its scratch folder, under a limit, between two markers. A
 * marker is the try of a drifted program whose name says where in the stream of events we are. Prints "act ID:RUN:PART", what
 * the commands say, and "act-status N"; with begin or end it leaves only that marker, for what is tried from outside. One process, since an emulated machine starts few a second.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER "/srv/marker" /* made by the container, so that it is drift under every policy */

static pid_t commands;

static void stop_commands(int signal)
{
	(void)signal;
	kill(-commands, SIGKILL);
}

static void quiet(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static void mark(const char *key, const char *suffix)
{
	char path[512];
	pid_t pid;

	snprintf(path, sizeof(path), "/srv/mark:%s%s", key, suffix);
	if (link(MARKER, path) < 0)
		perror("act: marker");
	pid = fork();
	if (pid == 0) {
		quiet();
		execl(path, path, NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	unlink(path);
}

/* "A01:2:attack" to /v/A01/2/attack and /srv/A01/2/attack. */
static void set_folders(const char *key)
{
	char path[512], name[480], *p;

	snprintf(name, sizeof(name), "%s", key);
	for (p = name; *p; p++)
		if (*p == ':')
			*p = '/';
	snprintf(path, sizeof(path), "/v/%s", name);
	setenv("v", path, 1);
	snprintf(path, sizeof(path), "/srv/%s", name);
	setenv("t", path, 1);
	for (p = path + strlen("/srv/"); (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(path, 0777);
	}
	mkdir(path, 0777);
	if (chdir(path) < 0)
		perror("act: scratch folder");
}

static int run_commands(const char *text, unsigned int seconds)
{
	int status;

	commands = fork();
	if (commands == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		setpgid(0, 0);
		dup2(null, STDIN_FILENO);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", text, NULL);
		_exit(127);
	}
	signal(SIGALRM, stop_commands);
	alarm(seconds);
	while (waitpid(commands, &status, 0) < 0)
		;
	alarm(0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	set_folders(argv[1]);
	if (argc == 3) {
		mark(argv[1], strcmp(argv[2], "end") == 0 ? ":end" : "");
		return 0;
	}
	mark(argv[1], "");
	printf("act %s\n", argv[1]);
	fflush(stdout);
	printf("\nact-status %d\n", run_commands(argv[3], (unsigned int)strtoul(argv[2], NULL, 10)));
	fflush(stdout);
	mark(argv[1], ":end");
	return 0;
}
