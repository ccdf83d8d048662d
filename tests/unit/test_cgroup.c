// SPDX-License-Identifier: Apache-2.0
/* The unified hierarchy's line among others, and whether a cgroup has processes. */
#include "enforcer/cgroup.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "enforcer/util.h"

#define LONG_BYTES 8192

static int read_path(const char *text, char *ret, size_t bytes)
{
	_cleanup_(close_file) FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	return cgroup_read_path(file, ret, bytes);
}

static void test_unified_line_is_found(void **state)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{ "0::/machine.slice/libpod-1.scope\n", "/machine.slice/libpod-1.scope" },
		{ "12:memory:/m\n1:name=systemd:/s\n0::/a/b\n", "/a/b" },
		{ "0::/a b:c", "/a b:c" },
		{ "0::/..a\n", NULL }, /* no name that a runtime gives */
		{ "0::/\n", NULL },
		{ "0::\n", NULL },
		{ "0::a\n", NULL },
		{ "0::/../other\n", NULL }, /* outside of our cgroup namespace */
		{ "0::/..\n", NULL },
		{ "12:memory:/0::/a\n", NULL },
		{ "10::/a\n", NULL },
		{ "\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[256] = "unset";

		assert_int_equal(read_path(rows[i].text, path, sizeof(path)), rows[i].path ? 0 : -ENOENT);
		assert_string_equal(path, rows[i].path ? rows[i].path : "unset");
	}
}

/* A name so long that a part of it begins like the line that is looked for. */
static void test_part_of_a_long_line_is_not_a_line(void **state)
{
	static char text[LONG_BYTES];
	char path[64] = "unset";

	(void)state;
	for (size_t at = 4000; at < 4200; at++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, "4:memory:/", 10);
		memcpy(text + at, "0::/forged", 10);
		strcpy(text + sizeof(text) - 9, "\n0::/ok\n");
		assert_int_equal(read_path(text, path, sizeof(path)), 0);
		assert_string_equal(path, "/ok");
	}
}

static void test_path_that_does_not_fit_is_refused(void **state)
{
	static char text[LONG_BYTES], path[LONG_BYTES];
	char small[8];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "0::/", 4);
	assert_int_equal(read_path(text, path, sizeof(path)), -ENAMETOOLONG);
	assert_int_equal(read_path("0::/123456\n", small, sizeof(small)), 0);
	assert_string_equal(small, "/123456");
	assert_int_equal(read_path("0::/1234567\n", small, sizeof(small)), -ENAMETOOLONG);
}

static void test_population_is_read_again_each_time(void **state)
{
	static const struct {
		const char *text;
		bool populated;
	} rows[] = {
		{ "populated 1\nfrozen 0\n", true },
		{ "populated 0\nfrozen 1\n", false },
		{ "frozen 1\npopulated 1\n", true },
		{ "populated 0\n", false },
		{ "", false },
	};
	_cleanup_(close_fd) int fd = memfd_create("events", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0), (ssize_t)strlen(rows[i].text));
		assert_int_equal(cgroup_is_populated(fd), rows[i].populated);
	}
	assert_false(cgroup_is_populated(-1));
}

static void test_process_that_is_not_there_has_none(void **state)
{
	char *path = NULL;
	uint64_t id = 7;

	(void)state;
	assert_int_equal(cgroup_of_pid(-1, &path, &id), -ENOENT);
	assert_null(path);
	assert_int_equal(id, 7);
	assert_int_equal(cgroup_open_events("/no/such/folder"), -ENOENT);
}

/* Wherever this runs: a path comes with its folder's number, and a refusal with neither. */
static void test_own_cgroup_is_told_or_refused(void **state)
{
	char *path = NULL;
	uint64_t id = 0;
	struct stat st;
	int err = cgroup_of_pid(getpid(), &path, &id);

	(void)state;
	if (err) {
		assert_true(err == -ENOENT || err == -ENODEV || err == -EBUSY);
		assert_null(path);
		return;
	}
	assert_memory_equal(path, CGROUP_ROOT "/", strlen(CGROUP_ROOT "/"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_ino, id);
	free(path);
}

/* A child that nobody moved is where its parent is, as is a container whose runtime makes no cgroups. */
static void test_parents_cgroup_is_not_a_containers(void **state)
{
	pid_t pid = fork();
	char *path = NULL;
	uint64_t id = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_int_not_equal(cgroup_of_pid(pid, &path, &id), 0);
	assert_null(path);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unified_line_is_found),
		cmocka_unit_test(test_part_of_a_long_line_is_not_a_line),
		cmocka_unit_test(test_path_that_does_not_fit_is_refused),
		cmocka_unit_test(test_population_is_read_again_each_time),
		cmocka_unit_test(test_process_that_is_not_there_has_none),
		cmocka_unit_test(test_own_cgroup_is_told_or_refused),
		cmocka_unit_test(test_parents_cgroup_is_not_a_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
