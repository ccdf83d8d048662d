// SPDX-License-Identifier: Apache-2.0
/* usage: own-clone FILE: a process that calls itself as a container runtime's does runs FILE's bytes from a sealed memory file. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	char *args[] = { "runc", "init", NULL };
	int in, fd;

	if (argc != 2)
		return 2;
	prctl(PR_SET_NAME, "runc:[2:INIT]");
	in = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	fd = (int)attack_must("memfd_create", memfd_create("runc_cloned:/proc/self/exe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	attack_must("sendfile", sendfile(fd, in, NULL, 1 << 20));
	attack_must("seals", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	fexecve(fd, args, environ);
	return attack_say("fexecve", -errno);
}
