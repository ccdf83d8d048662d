// SPDX-License-Identifier: Apache-2.0
/* usage: live CODE FILE: maps one page of CODE as code, and opens FILE for writing while it is mapped. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define PAGE 4096

int main(int argc, char **argv)
{
	int code, file;

	if (argc != 3)
		return 2;
	code = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	if (mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, code, 0) == MAP_FAILED)
		attack_must("mmap", -1);
	file = open(argv[2], O_WRONLY | O_CLOEXEC);
	return attack_say("open", file < 0 ? -errno : 0);
}
