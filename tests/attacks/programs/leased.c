// SPDX-License-Identifier: Apache-2.0
/*
 * usage: leased FILE COMMAND...
 * Maps FILE as code while it holds a lease on it that it does not give up: whoever opens it then waits until the kernel takes the lease
 * away. Runs the command meanwhile.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define PAGE 4096

int main(int argc, char **argv)
{
	void *code;
	int fd;

	if (argc < 3)
		return 2;
	signal(SIGIO, SIG_IGN);
	fd = (int)attack_must("open", open(argv[1], O_RDONLY));
	attack_must("lease", fcntl(fd, F_SETLEASE, F_WRLCK));
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	attack_say("map", code == MAP_FAILED ? -errno : 0);
	fflush(stdout);
	if (vfork() == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	wait(NULL);
	return 0;
}
