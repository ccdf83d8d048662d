// SPDX-License-Identifier: Apache-2.0
/* usage: unnamed FILE: runs FILE's bytes and some more from a file that never has a name (O_TMPFILE). */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

extern char **environ;

int main(int argc, char **argv)
{
	char path[64], *args[] = { "new", NULL };
	int in, out;

	if (argc != 2)
		return 2;
	in = (int)attack_must("open", open(argv[1], O_RDONLY | O_CLOEXEC));
	out = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0755);
	if (out < 0)
		return attack_skip("the file system has no O_TMPFILE");
	attack_must("sendfile", sendfile(out, in, NULL, 1 << 20));
	attack_must("write", write(out, "x", 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	in = (int)attack_must("open again", open(path, O_RDONLY | O_CLOEXEC));
	close(out); /* one that is open for writing is busy */
	fexecve(in, args, environ);
	return attack_say("fexecve", -errno);
}
