// SPDX-License-Identifier: Apache-2.0
/*
 * Tries to run a program again and again, and keeps the score in a file:
 *
 *	again PATH PER_SECOND SCORE		until it is killed
 *
 * SCORE always holds one line, "TRIES ran RAN refused EPERM other OTHER", of fixed length. What PATH prints is not wanted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct score {
	unsigned long tries, ran, refused, other;
};

/* Runs it once; 0: it ran, 1: EPERM, 2: anything else. */
static int try_once(char *path)
{
	char *const argv[] = { path, NULL }, *const envp[] = { NULL };
	volatile int refused = 0;
	int status = -1;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, envp);
		refused = errno; /* vfork shares the memory */
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	if (refused)
		return refused == EPERM ? 1 : 2;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 2;
}

static int keep_score(int fd, const struct score *s)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%010lu ran %010lu refused %010lu other %010lu\n", s->tries, s->ran, s->refused,
			 s->other);

	return pwrite(fd, line, (size_t)n, 0) == n ? 0 : -1;
}

int main(int argc, char **argv)
{
	long per_second = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	struct score s = { 0 };
	struct timespec next;
	int fd;

	if (per_second <= 0 || per_second > 1000) {
		fputs("usage: again PATH PER_SECOND SCORE\n", stderr);
		return 2;
	}
	fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		unsigned long *const counts[] = { &s.ran, &s.refused, &s.other };

		s.tries++;
		++*counts[try_once(argv[1])];
		if (keep_score(fd, &s))
			return 2;
		next.tv_nsec += 1000000000L / per_second;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}
