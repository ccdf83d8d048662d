// SPDX-License-Identifier: Apache-2.0
/* Names of users, read beside the main thread: the host's at once, a container's when its file has been read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enforcer/detect_names.h"
#include "enforcer/detect_users.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define LIMIT_NS (60 * NSEC_PER_SEC)
#define LOOK_NS (5 * NSEC_PER_SEC / 1000)
#define CONTAINER 7

struct fixture {
	char root[32], view[48];
	struct loop *loop;
	struct loop_source *limit, *look;
	struct workers *workers;
	struct detect_users *users;
	pid_t pid; /* of the one who has that root */
	int alive; /* closed: it ends */
	const struct detect_names *names;
	uint64_t container;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static void put_file(struct fixture *f, const char *name, const char *text)
{
	char path[64];
	_cleanup_(close_file) FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/etc/%s", f->root, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
}

/* Somebody whose root is the folder. */
static void start_process(struct fixture *f)
{
	int alive[2], ready[2];
	char byte = 'x';

	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	f->pid = fork();
	if (f->pid == 0) {
		close(alive[1]);
		if (chroot(f->root) < 0 || write(ready[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(alive[0], &byte, 1) != 0);
	}
	close(alive[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	f->alive = alive[1];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct workers_options options = { .folder = f->view };
	char why[WORKERS_ERROR_BYTES] = "", path[64];

	log_set_level(LOG_EMERG);
	strcpy(f->root, "/tmp/hf-users-XXXXXX");
	assert_non_null(mkdtemp(f->root));
	assert_int_equal(chmod(f->root, 0755), 0);
	snprintf(f->view, sizeof(f->view), "%s/view", f->root);
	assert_int_equal(mkdir(f->view, 0700), 0);
	snprintf(path, sizeof(path), "%s/etc", f->root);
	assert_int_equal(mkdir(path, 0755), 0);
	put_file(f, "passwd", "app:x:1000:1000::/app:/bin/app\n");
	put_file(f, "group", "apps:x:1000:\n");
	start_process(f);
	if (workers_new(&options, &f->workers, why))
		fail_msg("%s", why);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	assert_int_equal(detect_users_new(f->loop, f->workers, &f->users), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "etc/passwd", "etc/group", "etc", "view", "" };
	struct fixture *f = *state;
	char path[80];

	detect_users_free(&f->users);
	workers_free(&f->workers);
	loop_unwatch(&f->look);
	loop_unwatch(&f->limit);
	loop_free(&f->loop);
	close_fd(&f->alive);
	waitpid(f->pid, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->root, names[i]);
		remove(path);
	}
	free(f);
	return 0;
}

static void look(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	f->names = detect_users_of(f->users, f->container, f->pid);
	if (f->names)
		loop_quit(f->loop, 0);
}

/* Events of a container come until its names are known. */
static int await_names(struct fixture *f, uint64_t container)
{
	int r;

	f->container = container;
	f->names = NULL;
	assert_int_equal(loop_timer(f->loop, LOOK_NS, LOOK_NS, look, f, &f->look), 0);
	r = loop_run(f->loop);
	loop_unwatch(&f->look);
	return r;
}

static void test_host_is_known_at_once(void **state)
{
	struct fixture *f = *state;
	const struct detect_names *names = detect_users_host(f->users);

	assert_non_null(names);
	assert_string_equal(detect_names_user(names, 0)->name, "root");
	assert_null(detect_names_user(names, 1000 * 1000 * 1000));
}

static void test_container_has_its_own(void **state)
{
	struct fixture *f = *state;

	assert_null(detect_users_of(f->users, CONTAINER, f->pid)); /* nobody waits for it */
	assert_int_equal(await_names(f, CONTAINER), 0);
	assert_string_equal(detect_names_user(f->names, 1000)->name, "app");
	assert_string_equal(detect_names_user(f->names, 1000)->home, "/app");
	assert_string_equal(detect_names_group(f->names, 1000), "apps");
	assert_null(detect_names_user(f->names, 0)); /* the host's root is not its own */
	assert_string_equal(detect_names_user(detect_users_host(f->users), 0)->name, "root");
}

/* One that takes another's place has not its names. */
static void test_place_of_another(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(await_names(f, CONTAINER), 0);
	put_file(f, "passwd", "other:x:1000:1000::/:/bin/other\n");
	assert_null(detect_users_of(f->users, CONTAINER + DETECT_USERS_MAX, f->pid));
	assert_int_equal(await_names(f, CONTAINER + DETECT_USERS_MAX), 0);
	assert_string_equal(detect_names_user(f->names, 1000)->name, "other");
}

/* Files of a container that are none, or that lead out of it, are not the host's. */
static void test_link_out_of_the_container_leads_nowhere(void **state)
{
	struct fixture *f = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/etc/passwd", f->root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(await_names(f, CONTAINER), 0);
	assert_null(detect_names_user(f->names, 1000));
	assert_null(detect_names_user(f->names, 0));
	assert_string_equal(detect_names_group(f->names, 1000), "apps");
}

static void test_fifo_holds_nobody_up(void **state)
{
	struct fixture *f = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/etc/passwd", f->root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(await_names(f, CONTAINER), 0);
	assert_null(detect_names_user(f->names, 1000));
	assert_string_equal(detect_names_group(f->names, 1000), "apps");
}

static void test_without_workers_only_the_host(void **state)
{
	struct fixture *f = *state;
	_cleanup_(detect_users_free) struct detect_users *users = NULL;

	assert_int_equal(detect_users_new(f->loop, NULL, &users), 0);
	assert_null(detect_users_of(users, CONTAINER, f->pid));
	assert_non_null(detect_users_host(users));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_host_is_known_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_container_has_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_place_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_out_of_the_container_leads_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_holds_nobody_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_workers_only_the_host, setup, teardown),
	};

	return cmocka_run_group_tests_name("detect_users", tests, NULL, NULL);
}
