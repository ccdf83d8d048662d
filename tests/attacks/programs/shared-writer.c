// SPDX-License-Identifier: Apache-2.0
/* usage: shared-writer FILE: keeps a writable shared mapping of FILE, writes nothing, and maps it as code beside that. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 2;
	fd = (int)attack_must("open", open(argv[1], O_RDWR | O_CLOEXEC));
	if (mmap(NULL, 512, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		attack_must("shared mapping", -1);
	close(fd);
	fd = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	return attack_say("map", mmap(NULL, 512, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -errno : 0);
}
