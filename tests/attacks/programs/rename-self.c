// SPDX-License-Identifier: Apache-2.0
/*
 * usage: rename-self file|map FILE: asks the kernel to take FILE for the program that runs; rename-self title: for another name in lists
 * of processes, as honest programs do. Up to 6.7 the kernel says EBUSY to who has not unmapped its program before, later it does not see
 * that on an overlay: both mean that nobody refused.
 */
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

/* Everything as it is, as far as the kernel asks; fields: start_code, end_code, … start_brk, brk, start_stack, arg_start … */
static long set_map(int exe_fd)
{
	static char arguments[16];
	struct prctl_mm_map map = { .exe_fd = (uint32_t)exe_fd };
	uint64_t here = (uint64_t)(uintptr_t)arguments;

	map.start_code = map.start_data = map.start_stack = map.arg_start = map.env_start = here;
	map.end_code = map.end_data = map.arg_end = map.env_end = here + 1;
	map.brk = (uint64_t)(uintptr_t)sbrk(0);
	map.start_brk = map.brk;
	return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0 ? -errno : 0;
}

static int say(long result)
{
	return attack_say("prctl", result == -EBUSY ? 0 : result);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 2)
		return attack_say("prctl", prctl(PR_SET_NAME, "other") < 0 ? -errno : 0);
	if (argc != 3)
		return 2;
	fd = (int)attack_must("open", open(argv[2], O_RDONLY | O_CLOEXEC));
	if (strcmp(argv[1], "file") == 0)
		return say(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0) < 0 ? -errno : 0);
	attack_must("unshare", unshare(CLONE_NEWUSER));
	return say(set_map(fd));
}
