// SPDX-License-Identifier: Apache-2.0
/*
 * The list of containers to be armed again, and the wait for its end. Contracts: rearm.h.
 *
 *   I1  The state file of such a container stays until it was armed again: a start that is killed loses none.
 *   I2  What another version enforces is not given up because a helper of ours has died: then the start fails, and that version goes
 *       on judging.
 */
#include "enforcer/rearm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/oci.h"
#include "enforcer/state.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define PATH_BYTES 512

struct rearm {
	struct arm_adoption request;
	struct rearm *next;
};

static void rearm_free(struct rearm **rearm)
{
	if (!*rearm)
		return;
	oci_free(&(*rearm)->request.oci);
	close_fd(&(*rearm)->request.pidfd);
	close_fd(&(*rearm)->request.rootfs_fd);
	free(*rearm);
	*rearm = NULL;
}

/* Somebody of a cgroup whose first process has ended; 0: nobody. */
static pid_t find_in_cgroup(const char *cgroup_path)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[PATH_BYTES], line[32];

	if (!cgroup_path || snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path) >= (int)sizeof(path))
		return 0;
	file = fopen(path, "re");
	return file && fgets(line, sizeof(line), file) ? (pid_t)strtol(line, NULL, 10) : 0;
}

static void on_answer(struct daemon *daemon, const struct container *c, void *data)
{
	_cleanup_(rearm_free) struct rearm *rearm = data;
	bool keeps = false;

	if (!c && !workers_alive(daemon->workers))
		keeps = true; /* I1, I2 */
	else if (!c)
		log_error("the container with id %llu could not be armed again", (unsigned long long)rearm->request.keep_id);
	if (!keeps && (!c || c->kernel_id != rearm->request.keep_id))
		state_remove(daemon, rearm->request.keep_id);
	if (--daemon->rearming == 0)
		loop_quit(daemon->loop, 0);
}

/* Opens its root, which asks nothing of the file system that it is on. */
static int open_root(struct rearm *rearm)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)rearm->request.oci->pid);
	rearm->request.rootfs_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return rearm->request.rootfs_fd < 0 ? -errno : 0;
}

int rearm_note(struct daemon *daemon, const struct container *c, struct oci_container *oci, int *pidfd)
{
	_cleanup_(rearm_free) struct rearm *rearm = calloc(1, sizeof(*rearm));
	int err;

	if (!rearm) {
		oci_free(&oci);
		return -ENOMEM;
	}
	rearm->request = (struct arm_adoption){ .pidfd = TAKE_FD(*pidfd), .rootfs_fd = -1, .config_fd = -1, .oci = oci,
						.started_ns = c->started_ns, .keep_id = c->kernel_id, .keep_slot = c->slot,
						.insist = true, .done = on_answer, .data = rearm };
	if (rearm->request.pidfd < 0) {
		oci->pid = find_in_cgroup(c->cgroup_path);
		if (oci->pid > 0)
			rearm->request.pidfd = (int)syscall(SYS_pidfd_open, oci->pid, 0);
		if (rearm->request.pidfd < 0)
			return -ESRCH;
	}
	err = open_root(rearm);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	rearm->next = daemon->rearms;
	daemon->rearms = TAKE_PTR(rearm);
	return 0;
}

int rearm_all(struct daemon *daemon)
{
	struct rearm *rearm;
	unsigned int n = 0;

	daemon->rearming = 1; /* ours: no answer that comes at once ends the wait */
	while ((rearm = daemon->rearms)) {
		struct arm_adoption request = rearm->request;

		daemon->rearms = rearm->next;
		rearm->request.oci = NULL; /* taken now */
		rearm->request.pidfd = rearm->request.rootfs_fd = -1;
		daemon->rearming++;
		n++;
		arm_adopt(daemon, &request);
	}
	if (n)
		log_info("%u running containers are armed again, for tables that are new", n);
	daemon->rearming--;
	while (daemon->rearming && !daemon->stopping) {
		int err = loop_run(daemon->loop);

		if (err < 0)
			return err;
	}
	if (daemon->stopping)
		return -EINTR;
	return n && !workers_alive(daemon->workers) ? -EPIPE : 0;
}
