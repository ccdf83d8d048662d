// SPDX-License-Identifier: Apache-2.0
/* usage: thread-exec FILE: runs FILE from a thread that is not the process's first. */
#include <pthread.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

static void *run(void *arg)
{
	char **argv = arg;

	execve(argv[1], argv + 1, environ);
	exit(attack_say("exec", -errno));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2)
		return 2;
	pthread_create(&thread, NULL, run, argv);
	pthread_join(thread, NULL);
	return 2;
}
