// SPDX-License-Identifier: Apache-2.0
/*
 * usage: act ID:RUN:PART SECONDS COMMANDS | act ID:RUN:PART begin|end
 * One part of one row, inside the container: runs sh -c COMMANDS in its scratch folder, under a limit, between two markers. A
 * marker is a drifted file mapped as code, whose name says where in the stream of events we are. Prints "act ID:RUN:PART", what
 * the commands say, "act-status N" and how long it took, "act-cs N"; with begin or end it leaves only that marker, for what is tried from outside. One process, since
 * an emulated machine starts few a second.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Made by the container, so that they are drift under every policy; two, since the same file twice is one event to an auditing policy; so
 * long that nobody hashes them. */
#define MARKER "/srv/marker"
#define MARKER_END "/srv/marker-end"
#define PAGE 4096

static pid_t commands;

static void stop_commands(int signal)
{
	(void)signal;
	kill(-commands, SIGKILL);
}

static void mark(const char *key, bool end)
{
	char path[512];
	void *code;
	int fd;

	snprintf(path, sizeof(path), "/srv/mark:%s%s", key, end ? ":end" : "");
	if (link(end ? MARKER_END : MARKER, path) < 0)
		perror("act: marker");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (code != MAP_FAILED)
		munmap(code, PAGE);
	close(fd);
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
	struct timespec start, end;

	if (argc < 3)
		return 2;
	set_folders(argv[1]);
	if (argc == 3) {
		mark(argv[1], strcmp(argv[2], "end") == 0);
		return 0;
	}
	mark(argv[1], false);
	printf("act %s\n", argv[1]);
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &start);
	printf("\nact-status %d\n", run_commands(argv[3], (unsigned int)strtoul(argv[2], NULL, 10)));
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("act-cs %ld\n", (end.tv_sec - start.tv_sec) * 100 + (end.tv_nsec - start.tv_nsec) / 10000000);
	fflush(stdout);
	mark(argv[1], true);
	return 0;
}
