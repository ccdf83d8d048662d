// SPDX-License-Identifier: Apache-2.0
/* usage: memfd-exec FILE NAME: runs FILE's bytes from a memory file of that name. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	int in, fd;

	if (argc != 3)
		return 2;
	in = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	fd = (int)attack_must("memfd_create", memfd_create(argv[2], MFD_CLOEXEC));
	while (attack_must("sendfile", sendfile(fd, in, NULL, 1 << 20)) > 0)
		;
	fexecve(fd, (char *[]){ argv[2], NULL }, environ);
	return attack_say("fexecve", -errno);
}
