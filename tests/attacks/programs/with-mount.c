// SPDX-License-Identifier: Apache-2.0
/*
 * usage: with-mount [-U] [-l] TYPE SOURCE TARGET OPTIONS COMMAND...
 * Mounts in a mount namespace of its own and runs the command there; -U in a user namespace of its own too, as its root; -l:
 * SOURCE is an image file for a loop device. TYPE bind, and remount for a bind mount that loses nosuid, noexec and ro. OPTIONS
 * "-" for none.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define LOOP_MAJOR 7
#define LOOP_CONTROL_MINOR 237

static void put(const char *path, const char *text)
{
	int fd = (int)attack_must(path, open(path, O_WRONLY | O_CLOEXEC));

	attack_must(path, write(fd, text, strlen(text)));
	close(fd);
}

static void enter_user_namespace(void)
{
	unsigned int uid = getuid(), gid = getgid();
	char map[64];

	attack_must("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	put("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	put("/proc/self/gid_map", map);
}

/* Makes the device nodes that it needs in /dev, as a container with mknod can. Returns the device's path. */
static const char *attach_loop(const char *file)
{
	static char path[64];
	int control, loop, image, n;

	mknod("/dev/loop-control", S_IFCHR | 0600, makedev(10, LOOP_CONTROL_MINOR));
	control = (int)attack_must("loop-control", open("/dev/loop-control", O_RDWR | O_CLOEXEC));
	n = (int)attack_must("free loop device", ioctl(control, LOOP_CTL_GET_FREE));
	snprintf(path, sizeof(path), "/dev/loop%d", n);
	mknod(path, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned int)n));
	loop = (int)attack_must(path, open(path, O_RDONLY)); /* open until the mount has it */
	image = (int)attack_must(file, open(file, O_RDONLY | O_CLOEXEC));
	attack_must("loop device", ioctl(loop, LOOP_CONFIGURE, &(struct loop_config){
		.fd = (unsigned int)image,
		.info = { .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY } }));
	return path;
}

static int do_mount(const char *type, const char *source, const char *target, const char *options, bool loop)
{
	if (strcmp(type, "bind") == 0)
		return mount(source, target, NULL, MS_BIND | MS_REC, NULL);
	if (strcmp(type, "remount") == 0)
		return mount(NULL, target, NULL, MS_REMOUNT | MS_BIND, NULL);
	return mount(source, target, type, loop ? MS_RDONLY : 0, options);
}

int main(int argc, char **argv)
{
	bool user = false, loop = false;
	const char *options;

	for (; argc > 1 && argv[1][0] == '-' && argv[1][1]; argc--, argv++) {
		user |= argv[1][1] == 'U';
		loop |= argv[1][1] == 'l';
	}
	if (argc < 6)
		return 2;
	options = strcmp(argv[4], "-") ? argv[4] : NULL;
	if (user)
		enter_user_namespace();
	else
		attack_must("unshare", unshare(CLONE_NEWNS));
	attack_must("private mounts", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (loop)
		argv[2] = (char *)attach_loop(argv[2]);
	if (do_mount(argv[1], argv[2], argv[3], options, loop) < 0) {
		if (errno == ENODEV)
			return attack_skip("the kernel lacks this file system");
		attack_must("mount", -1);
	}
	execvp(argv[5], argv + 5);
	return attack_say(argv[5], -errno);
}
