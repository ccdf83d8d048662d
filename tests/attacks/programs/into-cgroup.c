// SPDX-License-Identifier: Apache-2.0
/* usage: into-cgroup FOLDER COMMAND...: a child that is born in another cgroup (clone3) runs the command. */
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

int main(int argc, char **argv)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	args.cgroup = (uint64_t)attack_must("open", open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC));
	pid = (pid_t)attack_must("clone3", syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		exit(attack_say(argv[2], -errno));
	}
	return waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ? 2 : WEXITSTATUS(status);
}
