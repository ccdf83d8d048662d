// SPDX-License-Identifier: Apache-2.0
/* usage: map-exec private|shared FILE: maps a page of a file or device as code. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	int shared = argc == 3 && strcmp(argv[1], "shared") == 0, fd;
	void *p;

	if (argc != 3)
		return 2;
	fd = (int)attack_must("open", open(argv[2], (shared ? O_RDWR : O_RDONLY) | O_CLOEXEC));
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC | (shared ? PROT_WRITE : 0), shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	return attack_say("map", p == MAP_FAILED ? -errno : 0);
}
