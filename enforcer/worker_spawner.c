// SPDX-License-Identifier: Apache-2.0
/*
 * The spawner's life: confine itself, then fork a child or end one, as it is told.
 *
 *   I1  It holds its socket and nothing else of the daemon's: no map, no lock, no socket of the daemon's survives in it or in a
 *       child. It dies with the daemon (parent-death signal, and the end of its socket).
 *   I2  It sees an empty folder and /proc, so that no mount of a container is kept alive in its mount namespace.
 *   I3  A pid that it kills is its own child that nobody has waited for: it cannot be another's.
 */
#include "enforcer/worker_spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/privilege.h"
#include "enforcer/util.h"
#include "enforcer/worker_child.h"
#include "enforcer/worker_wire.h"

#define END_MS 200 /* how long a killed child is waited for; one that hangs in the kernel is fetched later */
#define SOCK_FD 3
#define SEND_BUFFER_BYTES (256 << 10) /* two of the longest packets: bounds what is in flight */

static struct spawner {
	struct spawner_options options;
	pid_t children[SPAWNER_CHILDREN_MAX];
} spawner;

/* --- confinement ---------------------------------------------------------------------------------------------------- */

static int drop_descriptors(int sock)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	sock = fcntl(sock, F_DUPFD_CLOEXEC, SOCK_FD); /* out of the way */
	if (null_fd < 0 || sock < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	if (sock != SOCK_FD && dup2(sock, SOCK_FD) < 0)
		return -errno;
	return syscall(SYS_close_range, SOCK_FD + 1, ~0u, 0) ? -errno : 0;
}

/* An empty root with nothing but /proc in it, in a mount namespace of its own. */
static int enter_view(const char *folder)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("holdfast", folder, "tmpfs", flags, "size=4k,nr_inodes=4,mode=0555") || chdir(folder) ||
	    mkdir("proc", 0555) || mount("proc", "proc", "proc", flags, NULL) ||
	    syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") ||
	    mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL))
		return -errno;
	return 0;
}

/* Signals for the daemon's process group are not for us: we end when the daemon has no more use for us. */
static void ignore_signals(void)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int confine(int sock)
{
	int err;

	ignore_signals();
	prctl(PR_SET_NAME, "holdfastd-spawn");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	if (getppid() != spawner.options.parent)
		return -EPIPE; /* the daemon ended before the line above */
	err = drop_descriptors(sock);
	if (!err)
		err = worker_child_prepare();
	if (!err && spawner.options.folder)
		err = enter_view(spawner.options.folder);
	if (!err)
		err = privilege_keep_reading(NULL);
	return err ? err : privilege_filter_spawner();
}

/* --- children ------------------------------------------------------------------------------------------------------- */

/* Fetches those that ended without anybody having asked for it. */
static void forget_ended(void)
{
	for (size_t i = 0; i < SPAWNER_CHILDREN_MAX; i++) {
		if (spawner.children[i] < 0 && waitpid(-spawner.children[i], NULL, WNOHANG) != 0)
			spawner.children[i] = 0;
	}
}

static pid_t *find_child(pid_t pid)
{
	for (size_t i = 0; i < SPAWNER_CHILDREN_MAX; i++) {
		if (spawner.children[i] == pid)
			return &spawner.children[i];
	}
	return NULL;
}

/* In the child: 0 or more is the exit status. In the spawner -1: go on. */
static int start_child(const struct spawner_request *request, struct spawner_answer *answer, int *ret_fd)
{
	struct worker_limits limits = { .memory_bytes = spawner.options.memory_bytes, .background = request->background };
	const int buffer = SEND_BUFFER_BYTES;
	pid_t *slot = find_child(0), pid;
	int pair[2];

	answer->err = slot ? 0 : -EAGAIN;
	if (slot && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		answer->err = -errno;
	if (answer->err)
		return -1;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		close(SOCK_FD);
		return worker_child_run(pair[1], &limits);
	}
	answer->err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	*slot = pid;
	answer->pid = pid;
	*ret_fd = pair[0];
	return -1;
}

static void end_child(pid_t pid, struct spawner_answer *answer)
{
	pid_t *slot = pid > 0 ? find_child(pid) : NULL;
	struct pollfd poll_fd = { .events = POLLIN };

	answer->err = slot ? 0 : -ESRCH;
	if (!slot)
		return;
	kill(pid, SIGKILL);
	poll_fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (poll_fd.fd >= 0) {
		poll(&poll_fd, 1, END_MS);
		close(poll_fd.fd);
	}
	if (waitpid(pid, &answer->status, WNOHANG) == pid) {
		answer->ended = 1;
		*slot = 0;
	} else {
		*slot = -pid; /* fetched by forget_ended */
	}
}

/* As start_child. */
static int serve(const struct spawner_request *request)
{
	struct spawner_answer answer = { .magic = WORKER_MAGIC, .number = request->number };
	const void *part = &answer;
	size_t bytes = sizeof(answer);
	int fd = -1, status = -1;

	forget_ended();
	if (request->order == SPAWNER_START)
		status = start_child(request, &answer, &fd);
	else
		end_child(request->pid, &answer);
	if (status >= 0)
		return status;
	if (worker_send(SOCK_FD, &part, &bytes, 1, &fd, fd >= 0))
		status = 0; /* nobody listens any more */
	close_fd(&fd);
	return status;
}

/* One order after the other. A plain read: no descriptor ever comes this way. */
static int work(void)
{
	for (;;) {
		struct spawner_request request;
		ssize_t n = read(SOCK_FD, &request, sizeof(request));
		int status;

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(request) || request.magic != WORKER_MAGIC || request.order >= _SPAWNER_ORDER_MAX)
			return 0;
		status = serve(&request);
		if (status >= 0)
			return status;
	}
}

int worker_spawner_run(int sock, const struct spawner_options *options)
{
	struct spawner_answer answer = { .magic = WORKER_MAGIC };
	const void *part = &answer;
	size_t bytes = sizeof(answer);

	spawner.options = *options;
	answer.err = confine(sock);
	if (worker_send(SOCK_FD, &part, &bytes, 1, NULL, 0) || answer.err)
		return 1;
	return work();
}
