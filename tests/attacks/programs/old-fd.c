// SPDX-License-Identifier: Apache-2.0
/* usage: old-fd map|exec FILE: opens FILE for reading, then changes it by another descriptor, and uses the first one as code. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	int fd, writer;

	if (argc != 3)
		return 2;
	fd = (int)attack_must("open", open(argv[2], O_RDONLY | O_CLOEXEC));
	writer = (int)attack_must("open for writing", open(argv[2], O_WRONLY | O_APPEND | O_CLOEXEC));
	attack_must("write", write(writer, "x", 1));
	close(writer);
	if (strcmp(argv[1], "map") == 0)
		return attack_say("map", mmap(NULL, 512, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0);
	fexecve(fd, argv + 2, environ);
	return attack_say("exec", -errno);
}
