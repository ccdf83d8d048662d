// SPDX-License-Identifier: Apache-2.0
/*
 * pidfd and cgroup.events on the loop. A container without a pid namespace may outlive its first process, so its tags must
 * keep their record until the cgroup is empty.
 */
#include "enforcer/life.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "enforcer/arm.h"
#include "enforcer/cgroup.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define RECHECK_NS NSEC_PER_SEC /* how often a cgroup is asked that has lost its first process */

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

/*
 * Waits for the cgroup to become empty: by its events, and by asking. Of two changes within ten milliseconds the kernel tells the
 * second one later, and never if the cgroup is removed before, as by a runtime that freezes, kills and removes.
 */
static int watch_cgroup(struct life *life)
{
	struct loop *loop = life->daemon->loop;
	int err = loop_timer(loop, RECHECK_NS, RECHECK_NS, on_cgroup_change, life, &life->timer);

	return loop_watch(loop, life->events_fd, EPOLLPRI, on_cgroup_change, life, &life->cgroup_source) ? err : 0;
}

/* The first process has ended: wait for the rest, if there can be any. */
static void on_init_exit(uint32_t events, void *data)
{
	struct life *life = data;

	(void)events;
	loop_unwatch(&life->pid_source);
	if (life->events_fd < 0 || !cgroup_is_populated(life->events_fd) || watch_cgroup(life))
		arm_release(life->daemon, life->kernel_id);
}

bool life_has_ended(const struct container *container)
{
	const struct life *life = container->watch;
	struct pollfd poller = { .events = POLLIN };

	if (!life || life->pidfd < 0)
		return true;
	poller.fd = life->pidfd;
	return poll(&poller, 1, 0) > 0;
}

/* Of a container whose first process has ended before: whoever is left. */
static int start_watch(struct life *life)
{
	if (life->pidfd >= 0)
		return loop_watch(life->daemon->loop, life->pidfd, EPOLLIN, on_init_exit, life, &life->pid_source);
	return life->events_fd >= 0 && cgroup_is_populated(life->events_fd) ? watch_cgroup(life) : -ESRCH;
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
	err = start_watch(life);
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
