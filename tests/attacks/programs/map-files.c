// SPDX-License-Identifier: Apache-2.0
/* usage: map-files FILE: maps FILE for reading and runs it by its name in /proc/self/map_files. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	char path[96];
	uintptr_t at;
	void *p;

	if (argc != 2)
		return 2;
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC)), 0);
	if (p == MAP_FAILED)
		attack_must("mmap", -1);
	at = (uintptr_t)p;
	snprintf(path, sizeof(path), "/proc/self/map_files/%zx-%zx", (size_t)at, (size_t)at + 4096);
	execve(path, argv + 1, environ);
	return attack_say("exec", -errno);
}
