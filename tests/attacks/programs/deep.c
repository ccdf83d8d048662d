// SPDX-License-Identifier: Apache-2.0
/*
 * usage: deep LENGTH COUNT COMMAND...
 * Runs the command COUNT folders down, each with a name of LENGTH bytes: deeper than any path that a system call takes.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define NAME_BYTES_MAX 255

int main(int argc, char **argv)
{
	unsigned long bytes = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, count = bytes ? strtoul(argv[2], NULL, 10) : 0;
	char name[NAME_BYTES_MAX + 1] = "";

	if (!count || bytes > NAME_BYTES_MAX)
		return 2;
	memset(name, '0', bytes);
	while (count--) {
		attack_must("mkdir", mkdir(name, 0755));
		attack_must("chdir", chdir(name));
	}
	execvp(argv[3], argv + 3);
	return attack_say("exec", -errno);
}
