// SPDX-License-Identifier: Apache-2.0
/*
 * usage: race rename|rewrite|path SECONDS ORIGINAL DRIFTED NAME
 * Four threads run NAME while four others make it the original and the drifted program in turn: by renaming a link over it, by
 * writing it anew, or (path) by changing the bytes of the path while execve reads them. The drifted program ends with status 7.
 * Says "race: ran" when that ever happened, "race: EPERM" when some runs were refused and none was of the drifted program.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define THREADS 4
#define DRIFTED_STATUS 7

static const char *way, *original, *drifted;
static char name[512]; /* for "path" both files' paths have the same length */
static atomic_int stop, originals, drifts, refused, others;
extern char **environ;

static void copy(const char *from, const char *to)
{
	static _Thread_local char block[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n = in < 0 ? -1 : read(in, block, sizeof(block));

	if (out >= 0 && n > 0 && write(out, block, (size_t)n) < 0)
		others++;
	close(in);
	close(out);
}

static void *change(void *arg)
{
	char mine[600];

	snprintf(mine, sizeof(mine), "%s.%ld", name, (long)arg);
	for (int i = 0; !stop; i++) {
		const char *next = i % 2 ? original : drifted;

		if (strcmp(way, "path") == 0) {
			memcpy(name, next, strlen(next));
		} else if (strcmp(way, "rewrite") == 0) {
			copy(next, name);
		} else {
			unlink(mine);
			if (link(next, mine) == 0)
				rename(mine, name);
		}
	}
	return NULL;
}

static void run_once(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(name, (char *[]){ name, NULL }, environ);
		_exit(errno == EPERM ? 100 : 101);
	}
	if (waitpid(pid, &status, 0) < 0 || WIFSIGNALED(status))
		others++;
	else if (WEXITSTATUS(status) == 0)
		originals++;
	else if (WEXITSTATUS(status) == DRIFTED_STATUS)
		drifts++;
	else if (WEXITSTATUS(status) == 100)
		refused++;
	else
		others++;
}

static void *run(void *arg)
{
	(void)arg;
	while (!stop)
		run_once();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2 * THREADS];
	int said;

	if (argc != 6)
		return 2;
	said = dup(STDOUT_FILENO);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO); /* what the programs say */
	way = argv[1];
	original = argv[3];
	drifted = argv[4];
	snprintf(name, sizeof(name), "%s", argv[5]);
	for (long i = 0; i < 2 * THREADS; i++)
		pthread_create(&threads[i], NULL, i % 2 ? change : run, (void *)i);
	nanosleep(&(struct timespec){ .tv_sec = strtol(argv[2], NULL, 10) }, NULL);
	stop = 1;
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	dup2(said, STDOUT_FILENO);
	printf("originals %d, drifted %d, refused %d, others %d\n", originals, drifts, refused, others);
	if (drifts)
		return attack_say("race", 0);
	return refused ? attack_say("race", -EPERM) : 3;
}
