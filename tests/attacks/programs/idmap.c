// SPDX-License-Identifier: Apache-2.0
/* usage: idmap FOLDER TARGET COMMAND...: mounts FOLDER on TARGET with shifted owners, in a mount namespace of its own. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);

static void put(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = (int)attack_must(path, open(path, O_WRONLY | O_CLOEXEC));
	attack_must(path, write(fd, text, strlen(text)));
	close(fd);
}

/* A user namespace with a map, held by a child that waits. */
static int make_namespace(pid_t *ret)
{
	char path[64];
	int ends[2], fd;
	char byte;

	attack_must("pipe", pipe2(ends, O_CLOEXEC));
	*ret = fork();
	if (*ret == 0) {
		unshare(CLONE_NEWUSER);
		attack_must("write", write(ends[1], "x", 1));
		pause();
		_exit(0);
	}
	attack_must("read", read(ends[0], &byte, 1));
	put(*ret, "uid_map", "0 1000 1");
	put(*ret, "gid_map", "0 1000 1");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", *ret);
	fd = (int)attack_must(path, open(path, O_RDONLY | O_CLOEXEC));
	return fd;
}

int main(int argc, char **argv)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	pid_t child;
	int tree;

	if (argc < 4)
		return 2;
	attack_must("unshare", unshare(CLONE_NEWNS));
	attack_must("private mounts", mount(NULL, "/", NULL, 0x44000, NULL)); /* MS_REC | MS_PRIVATE */
	tree = (int)attack_must("open_tree", syscall(SYS_open_tree, AT_FDCWD, argv[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	attr.userns_fd = (unsigned int)make_namespace(&child);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return attack_skip("the file system's mounts have no id maps");
	kill(child, SIGKILL);
	attack_must("move_mount", syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH));
	execvp(argv[3], argv + 3);
	return attack_say(argv[3], -errno);
}
