// SPDX-License-Identifier: Apache-2.0
/*
 * Kills a program before its Nth call of one kind, all of its threads counted together; children are not followed, so that it is the
 * program itself that dies, and no helper of it instead:
 *
 *	killat COUNTS CALL N PROGRAM [ARGUMENT...]	starts it
 *	killat COUNTS CALL N -p PID			one that runs; "attached" on standard error says that it is held
 *
 * CALL none kills nothing. COUNTS is written at the end: a line "CALL TIMES" for each call that is known here. Ends with the program:
 * 0 if it was killed here, 1 if it ended otherwise, 2 when something failed.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define ROUNDS_MAX 100 /* of looking for threads that were made meanwhile */

/* Calls that change what others see, or wait for it. */
static struct call {
	const char *name;
	long number;
	unsigned long times;
} calls[] = {
	{ "bpf", SYS_bpf, 0 },		   { "openat", SYS_openat, 0 },	      { "write", SYS_write, 0 },
	{ "rename", SYS_rename, 0 },	   { "unlink", SYS_unlink, 0 },	      { "unlinkat", SYS_unlinkat, 0 },
	{ "mkdir", SYS_mkdir, 0 },	   { "rmdir", SYS_rmdir, 0 },	      { "mmap", SYS_mmap, 0 },
	{ "close", SYS_close, 0 },	   { "epoll_ctl", SYS_epoll_ctl, 0 }, { "futex", SYS_futex, 0 },
	{ "sendmsg", SYS_sendmsg, 0 },	   { "recvmsg", SYS_recvmsg, 0 },     { "pidfd_open", SYS_pidfd_open, 0 },
	{ "flock", SYS_flock, 0 },
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static struct call *wanted; /* NULL: none */
static unsigned long wanted_times;

static int fail(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	return 2;
}

static struct call *find_call(long number)
{
	for (size_t i = 0; i < N_CALLS; i++) {
		if (calls[i].number == number)
			return &calls[i];
	}
	return NULL;
}

/* True when this was the one. */
static bool count_entry(pid_t thread)
{
	struct __ptrace_syscall_info info;
	struct call *call;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	call = find_call((long)info.entry.nr);
	return call && ++call->times == wanted_times && call == wanted;
}

/* Lets a stopped thread go on. True when the program was killed instead. */
static bool go_on(pid_t program, pid_t thread, int status)
{
	int signo = WSTOPSIG(status), event = status >> 16;

	if (signo == SYSCALL_STOP) {
		if (count_entry(thread)) {
			kill(program, SIGKILL);
			return true;
		}
		signo = 0;
	} else if (event == PTRACE_EVENT_STOP && signo != SIGTRAP) {
		ptrace(PTRACE_LISTEN, thread, 0, 0); /* it is to stay stopped */
		return false;
	} else if (event) {
		signo = 0;
	}
	ptrace(PTRACE_SYSCALL, thread, 0, signo);
	return false;
}

static int follow(pid_t program)
{
	bool killed = false;

	for (;;) {
		int status;
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0 && errno != EINTR)
			return fail("waitpid");
		if (thread == program && (WIFEXITED(status) || WIFSIGNALED(status)))
			return killed ? 0 : 1;
		if (thread > 0 && WIFSTOPPED(status) && !killed)
			killed = go_on(program, thread, status);
	}
}

static int start(char **argv, pid_t *ret)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		fail(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid)
		return fail("fork");
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) || kill(pid, SIGCONT) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		return fail("ptrace");
	*ret = pid;
	return 0;
}

/* The threads that are not held yet; how many that were, or -1. */
static int seize_threads(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, 0, OPTIONS))
			continue; /* held already, or gone */
		ptrace(PTRACE_INTERRUPT, thread, 0, 0);
		n++;
	}
	if (!dir)
		return -1;
	closedir(dir);
	return n;
}

static int attach(pid_t pid)
{
	char folder[64];
	int n = 1, all = 0;

	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
	for (int i = 0; n > 0 && i < ROUNDS_MAX; i++) {
		n = seize_threads(folder);
		all += n;
	}
	if (n < 0 || !all)
		return fail("attach");
	fprintf(stderr, "attached\n");
	return 0;
}

static int tell(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return fail(path);
	for (size_t i = 0; i < N_CALLS; i++)
		fprintf(file, "%s %lu\n", calls[i].name, calls[i].times);
	return fclose(file) ? fail(path) : 0;
}

int main(int argc, char **argv)
{
	pid_t program = 0;
	int err, status;

	if (argc < 5) {
		fprintf(stderr, "usage: killat COUNTS CALL N PROGRAM [ARGUMENT...] | -p PID\n");
		return 2;
	}
	for (size_t i = 0; i < N_CALLS; i++) {
		if (!strcmp(calls[i].name, argv[2]))
			wanted = &calls[i];
	}
	wanted_times = strtoul(argv[3], NULL, 10);
	if (!wanted && strcmp(argv[2], "none") != 0) {
		fprintf(stderr, "killat: unknown call: %s\n", argv[2]);
		return 2;
	}
	if (!strcmp(argv[4], "-p") && argc == 6) {
		program = (pid_t)strtol(argv[5], NULL, 10);
		err = attach(program);
	} else {
		err = start(argv + 4, &program);
	}
	if (err)
		return err;
	status = follow(program);
	err = tell(argv[1]);
	return err ? err : status;
}
