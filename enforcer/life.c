// SPDX-License-Identifier: Apache-2.0
/*
 * pidfd and cgroup.events on the loop. A container without a pid namespace may outlive its first process, so its tags must
 * keep their record until the cgroup is empty.
 */
#include "enforcer/life.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "enforcer/arm.h"
#include "enforcer/cgroup.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define RECHECK_NS (5ull * NSEC_PER_SEC) /* a cgroup whose events file cannot be watched is asked this often */

struct life {
	struct daemon *daemon;
	uint64_t kernel_id;
	int pidfd;
	int events_fd;
	struct loop_source *pid_source, *cgroup_source, *timer;
};

static void on_cgroup_change(uint32_t events, void *data)
{
	struct life *life = data;

	(void)events;
	if (life->events_fd < 0 || !cgroup_is_populated(life->events_fd))
		arm_release(life->daemon, life->kernel_id);
}

/* The first process has ended: wait for the rest, if there can be any. */
static void on_init_exit(uint32_t events, void *data)
{
	struct life *life = data;

	(void)events;
	loop_unwatch(&life->pid_source);
	if (life->events_fd < 0 || !cgroup_is_populated(life->events_fd)) {
		arm_release(life->daemon, life->kernel_id);
		return;
	}
	if (loop_watch(life->daemon->loop, life->events_fd, EPOLLPRI, on_cgroup_change, life, &life->cgroup_source) &&
	    loop_timer(life->daemon->loop, RECHECK_NS, RECHECK_NS, on_cgroup_change, life, &life->timer))
		arm_release(life->daemon, life->kernel_id);
}

int life_watch(struct daemon *daemon, struct container *container, int pidfd)
{
	struct life *life = calloc(1, sizeof(*life));
	int err;

	if (!life)
		return -ENOMEM;
	*life = (struct life){ .daemon = daemon, .kernel_id = container->kernel_id, .pidfd = pidfd, .events_fd = -1 };
	if (container->cgroup_path)
		life->events_fd = cgroup_open_events(container->cgroup_path);
	err = loop_watch(daemon->loop, pidfd, EPOLLIN, on_init_exit, life, &life->pid_source);
	if (err) {
		close_fd(&life->events_fd);
		free(life);
		return err;
	}
	container->watch = life;
	return 0;
}

void life_unwatch(struct container *container)
{
	struct life *life = container->watch;

	if (!life)
		return;
	loop_unwatch(&life->pid_source);
	loop_unwatch(&life->cgroup_source);
	loop_unwatch(&life->timer);
	close_fd(&life->pidfd);
	close_fd(&life->events_fd);
	free(life);
	container->watch = NULL;
}
