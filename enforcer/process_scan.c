// SPDX-License-Identifier: Apache-2.0
/*
 * What runs already, from /proc. Contract: process_tree.h.
 *
 * Owns: the child that reads and the pipe. Must not know: what /proc's files look like (process_proc.c).
 *
 * Reading a command line touches the memory of its process, which may lie on a file system that never answers. So a child
 * reads, says before each process which one it is, and is killed and made anew behind that one when it falls silent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/process_internal.h"
#include "enforcer/util.h"

#define CHILDREN_MAX 64 /* processes that hang before the scan is given up */
#define REAP_ATTEMPTS 100
#define REAP_WAIT_US 1000

struct scan {
	struct process_tree *tree;
	int pipe; /* reading end */
	pid_t child;
	uint32_t at; /* the last process that the child began */
	int timeout_ms;
	int added;
};

static bool write_all(int fd, const void *bytes, size_t n)
{
	for (const char *p = bytes; n > 0;) {
		ssize_t done = write(fd, p, n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* The child: each process with a number above after. Never returns. */
static void report(int fd, uint32_t after)
{
	static struct process_facts facts;
	uint32_t pid = after;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((pid = process_proc_next(pid)) != 0) {
		if (pid == (uint32_t)getpid())
			continue;
		memset(&facts, 0, sizeof(facts));
		facts.process.pid = pid;
		facts.is_announcement = true;
		if (!write_all(fd, &facts, PROCESS_FACTS_HEAD))
			_exit(1);
		facts.is_announcement = false;
		if (process_proc_read(pid, &facts) == 0 && !write_all(fd, &facts, sizeof(facts)))
			_exit(1);
	}
	_exit(0);
}

static int begin_child(struct scan *scan)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	scan->child = fork();
	if (scan->child < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (scan->child == 0) {
		close(ends[0]);
		report(ends[1], scan->at);
	}
	close(ends[1]);
	scan->pipe = ends[0];
	return 0;
}

/* A child in the middle of something that cannot be killed is left to itself. */
static void end_child(struct scan *scan)
{
	close_fd(&scan->pipe);
	kill(scan->child, SIGKILL);
	for (int i = 0; i < REAP_ATTEMPTS && waitpid(scan->child, NULL, WNOHANG) == 0; i++)
		usleep(REAP_WAIT_US);
}

/* 1: all of it, 0: the end, -ETIMEDOUT: silence. */
static int read_all(struct scan *scan, void *to, size_t n)
{
	struct pollfd fd = { .fd = scan->pipe, .events = POLLIN };

	for (char *p = to; n > 0;) {
		int ready = poll(&fd, 1, scan->timeout_ms);
		ssize_t done = ready > 0 ? read(scan->pipe, p, n) : -1;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready ? -errno : -ETIMEDOUT;
		if (done <= 0)
			return done ? -errno : 0;
		p += done;
		n -= (size_t)done;
	}
	return 1;
}

static int add(struct scan *scan, struct process_facts *facts)
{
	struct process *p = &facts->process;
	int err;

	p->exepath = facts->exe_bytes ? process_text_new(facts->exe, facts->exe_bytes, false) : NULL;
	p->cwd = facts->cwd_bytes ? process_text_new(facts->cwd, facts->cwd_bytes, false) : NULL;
	p->args = facts->args_bytes ? process_text_new(facts->args, facts->args_bytes, facts->args_cut) : NULL;
	p->env = NULL;
	err = process_tree_add(scan->tree, p);
	process_text_unref(&p->exepath);
	process_text_unref(&p->cwd);
	process_text_unref(&p->args);
	scan->added += err == 0;
	return err == -EEXIST ? 0 : err;
}

/* What one child says. 0: it came to its end. */
static int listen_to(struct scan *scan, struct process_facts *facts)
{
	for (;;) {
		int r = read_all(scan, facts, PROCESS_FACTS_HEAD);

		if (r == 1 && !facts->is_announcement)
			r = read_all(scan, (char *)facts + PROCESS_FACTS_HEAD, sizeof(*facts) - PROCESS_FACTS_HEAD);
		if (r <= 0)
			return r;
		scan->at = facts->process.pid;
		if (!facts->is_announcement)
			r = add(scan, facts);
		if (r < 0)
			return r;
	}
}

int process_scan(struct process_tree *tree, unsigned int timeout_ms)
{
	_cleanup_(free_ptr) struct process_facts *facts = malloc(sizeof(*facts));
	struct scan scan = { .tree = tree, .pipe = -1, .timeout_ms = (int)timeout_ms };
	int err = facts ? -ETIMEDOUT : -ENOMEM;

	for (int i = 0; i < CHILDREN_MAX && err == -ETIMEDOUT; i++) {
		err = begin_child(&scan);
		if (err)
			break;
		err = listen_to(&scan, facts);
		end_child(&scan);
	}
	process_tree_tie(tree);
	return err ? err : scan.added;
}
