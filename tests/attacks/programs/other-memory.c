// SPDX-License-Identifier: Apache-2.0
/*
 * usage: other-memory WAY [PATH|PID]: reaches for memory or descriptors of a process: a child of its own that waits, or PID.
 *
 * open, open-again: PATH, a /proc/PID/mem, is opened for writing (at once, or by the name of a descriptor that reads), and a byte of
 * its code is written (of its data, where the kernel itself keeps code from that: 6.12 and later, by configuration); read: is opened
 * for reading. wait: is somebody to be reached for. The other ways are the ptrace permission's.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

/* What is patched: code, never called, and data. */
static int victim(void)
{
	return 1;
}

static unsigned char victim_data;

static long write_byte_at(int fd, uintptr_t at)
{
	unsigned char byte;

	return pread(fd, &byte, 1, (off_t)at) == 1 && pwrite(fd, &byte, 1, (off_t)at) == 1 ? 0 : -errno;
}

static long write_byte(int fd)
{
	long result = write_byte_at(fd, (uintptr_t)victim);

	return result == -EIO ? write_byte_at(fd, (uintptr_t)&victim_data) : result;
}

static long open_memory(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : write_byte(fd);
}

static long open_again(const char *path)
{
	int fd = (int)attack_must("open", open(path, O_RDONLY | O_CLOEXEC));
	char again[64];

	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	return open_memory(again);
}

static long read_memory(const char *path)
{
	int fd = (int)attack_must("open", open(path, O_RDONLY | O_CLOEXEC));
	char byte;

	return pread(fd, &byte, 1, (off_t)(uintptr_t)victim) == 1 ? 0 : -errno;
}

/* A child that waits to be killed, and dies with us unless it is to survive. */
static pid_t make_child(bool survives)
{
	pid_t child = (pid_t)attack_must("fork", fork());

	if (child)
		return child;
	if (!survives)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static long end(pid_t child, long result)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, __WALL);
	return result;
}

static long attach(pid_t pid)
{
	long word;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
		return -errno;
	attack_must("waitpid", waitpid(pid, NULL, __WALL));
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, (void *)victim, NULL);
	if (errno || ptrace(PTRACE_POKETEXT, pid, (void *)victim, (void *)word) < 0)
		word = -errno;
	else
		word = 0;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return word;
}

static long seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ? -errno : 0;
}

static long set_registers(pid_t pid)
{
	struct user_regs_struct registers;
	long result;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
		return -errno;
	attack_must("waitpid", waitpid(pid, NULL, __WALL));
	attack_must("getregs", ptrace(PTRACE_GETREGS, pid, NULL, &registers));
	result = ptrace(PTRACE_SETREGS, pid, NULL, &registers) < 0 ? -errno : 0;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return result;
}

static long vm_read(pid_t pid)
{
	static char byte;
	struct iovec own = { &byte, 1 }, other = { &byte, 1 };

	return process_vm_readv(pid, &own, 1, &other, 1, 0) < 0 ? -errno : 0;
}

static long vm_write(pid_t pid)
{
	static char byte = 1;
	struct iovec own = { &byte, 1 }, other = { &byte, 1 };

	return process_vm_writev(pid, &own, 1, &other, 1, 0) < 0 ? -errno : 0;
}

static long take_fd(pid_t pid)
{
	int fd = (int)attack_must("pidfd_open", syscall(SYS_pidfd_open, pid, 0));

	return syscall(SYS_pidfd_getfd, fd, 1, 0) < 0 ? -errno : 0;
}

static long other_memory(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open_memory(path);
}

/* What ps, top and the like do. */
static long look(pid_t pid)
{
	static const char *const files[] = { "stat", "status", "cmdline", "environ", "maps", "smaps", "auxv", "io", "limits", "cgroup" };
	char path[64], text[4096];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd = (int)attack_must(path, open(path, O_RDONLY | O_CLOEXEC));
		attack_must(path, read(fd, text, sizeof(text)));
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	attack_must(path, readlink(path, text, sizeof(text)));
	return kill(pid, 0) < 0 ? -errno : 0;
}

/* Seizes the child of a child of our own, which waits with it (orphan: ends, so that it is somebody else's child from then on). */
static long seize_further(bool orphan)
{
	pid_t further, child;
	int ends[2];
	long result;

	attack_must("pipe", pipe2(ends, O_CLOEXEC));
	child = (pid_t)attack_must("fork", fork());
	if (child == 0) {
		further = make_child(orphan);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ends[1], &further, sizeof(further)) != sizeof(further) || orphan)
			_exit(0);
		for (;;)
			pause();
	}
	attack_must("read", read(ends[0], &further, sizeof(further)));
	if (orphan)
		attack_must("waitpid", waitpid(child, NULL, 0));
	result = seize(further);
	kill(further, SIGKILL);
	return orphan ? result : end(child, result);
}

static long traceme(void)
{
	pid_t child = (pid_t)attack_must("fork", fork());
	int status;

	if (child == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
	attack_must("waitpid", waitpid(child, &status, __WALL));
	return WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

static const struct way {
	const char *name;
	long (*path)(const char *path);
	long (*process)(pid_t pid);
} ways[] = {
	{ "open", open_memory, NULL },
	{ "open-again", open_again, NULL },
	{ "read", read_memory, NULL },
	{ "attach", NULL, attach },
	{ "seize", NULL, seize },
	{ "set-registers", NULL, set_registers },
	{ "vm-read", NULL, vm_read },
	{ "vm-write", NULL, vm_write },
	{ "take-fd", NULL, take_fd },
	{ "other-memory", NULL, other_memory },
	{ "look", NULL, look },
};

static long try_process(const struct way *way, const char *pid)
{
	pid_t child;

	if (pid)
		return way->process((pid_t)strtol(pid, NULL, 10));
	child = make_child(false);
	return end(child, way->process(child));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "traceme"))
		return attack_say("traceme", traceme());
	if (argc > 1 && !strcmp(argv[1], "wait"))
		return pause();
	if (argc > 1 && !strcmp(argv[1], "seize-grandchild"))
		return attack_say("seize", seize_further(false));
	if (argc > 1 && !strcmp(argv[1], "seize-orphan"))
		return attack_say("seize", seize_further(true));
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *way = &ways[i];

		if (strcmp(way->name, argv[1]) != 0)
			continue;
		return attack_say(way->name, way->path ? way->path(argv[2]) : try_process(way, argv[2]));
	}
	return 2;
}
