// SPDX-License-Identifier: Apache-2.0
/* usage: execat read|path|cloexec|nofollow|dirfd|check FILE: execveat in that form; check asks only (AT_EXECVE_CHECK). */
#include <fcntl.h>
#include <libgen.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

extern char **environ;

int main(int argc, char **argv)
{
	char *form = argc == 3 ? argv[1] : "", *file = argc == 3 ? argv[2] : "", *args[] = { file, NULL };
	int fd;

	if (argc != 3)
		return 2;
	if (strcmp(form, "nofollow") == 0) {
		execveat(AT_FDCWD, file, args, environ, AT_SYMLINK_NOFOLLOW);
		return attack_say(form, -errno);
	}
	if (strcmp(form, "dirfd") == 0) {
		char *folder = strdup(file);

		fd = (int)attack_must("open", open(dirname(folder), O_DIRECTORY | O_CLOEXEC));
		execveat(fd, basename(file), args, environ, 0);
		return attack_say(form, -errno);
	}
	fd = (int)attack_must("open", open(file, strcmp(form, "path") == 0 ? O_PATH : strcmp(form, "cloexec") == 0 ? O_CLOEXEC : 0));
	if (strcmp(form, "check") == 0) {
		if (execveat(fd, "", args, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK) < 0 && errno == EINVAL)
			return attack_skip("the kernel has no AT_EXECVE_CHECK (6.14)");
		return attack_say(form, -errno);
	}
	execveat(fd, "", args, environ, AT_EMPTY_PATH);
	return attack_say(form, -errno);
}
