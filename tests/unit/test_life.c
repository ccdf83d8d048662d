// SPDX-License-Identifier: Apache-2.0
/* The end of containers: of real processes, by their pidfd and their cgroup. arm_release() is this program's own. */
#include "enforcer/life.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/loop.h"
#include "tests/unit/imagedb_tree.h"
#include "enforcer/util.h"

#define ID 77

/* A container of one process, and what was released. */
static struct {
	struct container container;
	struct daemon *daemon;
	struct tree *tree;
	pid_t pid, other; /* other: 0 or one more in its cgroup */
	char cgroup[PATH_MAX]; /* made for it; "": none */
	int pidfd;
	unsigned int released;
} it;

void arm_release(struct daemon *daemon, uint64_t kernel_id)
{
	assert_ptr_equal(daemon, it.daemon);
	assert_int_equal(kernel_id, ID);
	it.released++;
	life_unwatch(&it.container);
	loop_quit(daemon->loop, 0);
}

/* A child that waits to be killed. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	assert_int_equal(waitpid(*pid, NULL, 0), *pid);
	*pid = 0;
}

static int setup(void **state)
{
	(void)state;
	it.daemon = calloc(1, sizeof(*it.daemon));
	assert_non_null(it.daemon);
	assert_int_equal(loop_new(&it.daemon->loop), 0);
	it.tree = tree_new();
	it.container = (struct container){ .kernel_id = ID };
	it.pid = fork_child();
	it.pidfd = (int)syscall(SYS_pidfd_open, it.pid, 0);
	assert_true(it.pidfd >= 0);
	it.released = 0;
	it.other = 0;
	it.cgroup[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	life_unwatch(&it.container);
	end_child(&it.pid);
	end_child(&it.other);
	if (it.cgroup[0])
		assert_int_equal(rmdir(it.cgroup), 0);
	close_fd(&it.pidfd);
	loop_free(&it.daemon->loop);
	tree_free(it.tree);
	free(it.daemon);
	return 0;
}

static void stop_loop(uint32_t events, void *data)
{
	(void)events;
	loop_quit(data, 0);
}

/* Delivers what is ready, without waiting for more. */
static void run_once(void)
{
	struct loop_source *timer = NULL;

	assert_int_equal(loop_timer(it.daemon->loop, 0, 0, stop_loop, it.daemon->loop, &timer), 0);
	assert_int_equal(loop_run(it.daemon->loop), 0);
	loop_unwatch(&timer);
}

static void watch(void)
{
	assert_int_equal(life_watch(it.daemon, &it.container, it.pidfd), 0);
	assert_non_null(it.container.watch);
	it.pidfd = -1;
}

static void test_end_of_the_first_process_releases(void **state)
{
	(void)state;
	watch();
	run_once();
	assert_int_equal(it.released, 0);
	assert_false(life_has_ended(&it.container));
	end_child(&it.pid);
	assert_true(life_has_ended(&it.container));
	assert_int_equal(it.released, 0); /* the loop's to tell */
	assert_int_equal(loop_run(it.daemon->loop), 0);
	assert_int_equal(it.released, 1);
	assert_null(it.container.watch);
	run_once();
	assert_int_equal(it.released, 1);
}

/* A container that its runtime refused while it was being enrolled. */
static void test_process_that_had_ended_before_releases(void **state)
{
	(void)state;
	end_child(&it.pid);
	watch();
	assert_int_equal(it.released, 0);
	assert_int_equal(loop_run(it.daemon->loop), 0);
	assert_int_equal(it.released, 1);
}

static void test_unwatched_container_is_not_released(void **state)
{
	(void)state;
	watch();
	life_unwatch(&it.container);
	life_unwatch(&it.container);
	assert_null(it.container.watch);
	assert_true(life_has_ended(&it.container));
	end_child(&it.pid);
	run_once();
	assert_int_equal(it.released, 0);
}

static void test_descriptor_is_not_taken_on_failure(void **state)
{
	_cleanup_(close_fd) int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); /* cannot be polled */

	(void)state;
	assert_int_equal(life_watch(it.daemon, &it.container, file), -EPERM);
	assert_null(it.container.watch);
	assert_true(fcntl(file, F_GETFD) >= 0);
}

/* A cgroup's folder as far as it is looked at: regular files cannot be watched, so it is asked now and then. */
static void set_cgroup(const char *events)
{
	int fd = openat(it.tree->fd, "cgroup.events", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, events, strlen(events)), (ssize_t)strlen(events));
	close(fd);
	it.container.cgroup_path = it.tree->path;
}

static void test_empty_cgroup_does_not_wait(void **state)
{
	(void)state;
	set_cgroup("populated 0\nfrozen 0\n");
	watch();
	end_child(&it.pid);
	assert_int_equal(loop_run(it.daemon->loop), 0);
	assert_int_equal(it.released, 1);
}

static void test_populated_cgroup_keeps_the_container(void **state)
{
	(void)state;
	set_cgroup("populated 1\nfrozen 0\n");
	watch();
	end_child(&it.pid);
	run_once();
	assert_int_equal(it.released, 0);
	assert_non_null(it.container.watch);
	set_cgroup("populated 0\nfrozen 0\n");
	assert_int_equal(loop_run(it.daemon->loop), 0); /* the next time that it is asked */
	assert_int_equal(it.released, 1);
}

/* After a restart of the daemon. */
static void test_rest_of_a_container_is_watched_by_its_cgroup(void **state)
{
	(void)state;
	assert_int_equal(life_watch(it.daemon, &it.container, -1), -ESRCH);
	set_cgroup("populated 0\n");
	assert_int_equal(life_watch(it.daemon, &it.container, -1), -ESRCH);
	assert_null(it.container.watch);
	set_cgroup("populated 1\n");
	assert_int_equal(life_watch(it.daemon, &it.container, -1), 0);
	assert_true(life_has_ended(&it.container));
	run_once();
	assert_int_equal(it.released, 0);
	life_unwatch(&it.container);
}

/* Where the unified hierarchy is mounted and writable. */
static bool make_cgroup(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/cgroup.procs", roots[i]);
		if (access(path, W_OK))
			continue;
		snprintf(it.cgroup, sizeof(it.cgroup), "%s/holdfast-test-%d", roots[i], (int)getpid());
		if (mkdir(it.cgroup, 0755) == 0)
			return true;
	}
	it.cgroup[0] = '\0';
	return false;
}

static bool enter_cgroup(pid_t pid)
{
	char path[PATH_MAX + 16];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/cgroup.procs", it.cgroup);
	file = fopen(path, "we");
	ok = file && fprintf(file, "%d", (int)pid) > 0;
	return file && fclose(file) == 0 && ok;
}

static void test_last_process_of_a_real_cgroup_releases(void **state)
{
	(void)state;
	if (!make_cgroup()) {
		puts("skip: no cgroup of the unified hierarchy can be made here");
		skip();
	}
	it.other = fork_child();
	if (!enter_cgroup(it.pid) || !enter_cgroup(it.other)) {
		puts("skip: no process can be moved to another cgroup here");
		skip();
	}
	it.container.cgroup_path = it.cgroup;
	watch();
	end_child(&it.pid);
	run_once();
	assert_int_equal(it.released, 0);
	end_child(&it.other);
	assert_int_equal(loop_run(it.daemon->loop), 0);
	assert_int_equal(it.released, 1);
}

static bool freeze(bool on)
{
	char path[PATH_MAX + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.freeze", it.cgroup);
	file = fopen(path, "we");
	return file && fprintf(file, "%d", on) > 0 && fclose(file) == 0;
}

/* The kernel tells of a cgroup's changes a hundred times a second at most; when the cgroup is removed before it tells of the last
 * one, as runtimes do that freeze, kill and remove, it never does. */
static void test_removed_cgroup_releases(void **state)
{
	(void)state;
	if (!make_cgroup()) {
		puts("skip: no cgroup of the unified hierarchy can be made here");
		skip();
	}
	it.other = fork_child();
	if (!enter_cgroup(it.pid) || !enter_cgroup(it.other)) {
		puts("skip: no process can be moved to another cgroup here");
		skip();
	}
	it.container.cgroup_path = it.cgroup;
	watch();
	end_child(&it.pid);
	run_once();
	assert_int_equal(it.released, 0);
	freeze(true);
	freeze(false);
	run_once();
	end_child(&it.other);
	assert_int_equal(rmdir(it.cgroup), 0);
	it.cgroup[0] = '\0';
	assert_int_equal(loop_run(it.daemon->loop), 0);
	assert_int_equal(it.released, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_end_of_the_first_process_releases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_process_that_had_ended_before_releases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwatched_container_is_not_released, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptor_is_not_taken_on_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_cgroup_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_populated_cgroup_keeps_the_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rest_of_a_container_is_watched_by_its_cgroup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_process_of_a_real_cgroup_releases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_cgroup_releases, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
