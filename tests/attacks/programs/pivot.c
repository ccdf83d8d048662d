// SPDX-License-Identifier: Apache-2.0
/* usage: pivot FOLDER COMMAND...: makes a mount point the root of a mount namespace of its own and runs the command there. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	attack_must("unshare", unshare(CLONE_NEWNS));
	attack_must("private mounts", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	attack_must("bind", mount(argv[1], argv[1], NULL, MS_BIND | MS_REC, NULL));
	attack_must("chdir", chdir(argv[1]));
	attack_must("pivot_root", syscall(SYS_pivot_root, ".", "."));
	attack_must("umount", umount2(".", MNT_DETACH));
	attack_must("chdir", chdir("/"));
	execvp(argv[2], argv + 2);
	return attack_say(argv[2], -errno);
}
