// SPDX-License-Identifier: Apache-2.0
/* usage: detached FILE: a tmpfs that is mounted nowhere gets FILE's bytes and some more; they are run from there. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	char *args[] = { "new", NULL };
	int fs, mount, in, out;

	if (argc != 2)
		return 2;
	in = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	fs = (int)attack_must("fsopen", syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
	attack_must("fsconfig", syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mount = (int)attack_must("fsmount", syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0));
	out = (int)attack_must("openat", openat(mount, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	attack_must("sendfile", sendfile(out, in, NULL, 1 << 20));
	attack_must("write", write(out, "x", 1));
	close(out);
	execveat(mount, "new", args, environ, 0);
	return attack_say("execveat", -errno);
}
