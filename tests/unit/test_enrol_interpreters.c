// SPDX-License-Identifier: Apache-2.0
/* Which files are shown to the kernel half as interpreters: what the image's own links lead to, and nothing outside of its root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/enrol_internal.h"
#include "enforcer/enrol_interpreters.h"
#include "enforcer/interpreters.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"

#define SHOWN_MAX 8

static struct fixture {
	char root[40];
	struct enroller e;
	struct enrol_job job;
	enum hf_enrol_status status;
	int err;
	unsigned int n;
	struct {
		char path[128];
		unsigned int family;
	} shown[SHOWN_MAX];
} f;

int lsm_enrol_file(struct lsm *lsm, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret)
{
	char link[40], path[256] = "";

	(void)lsm;
	assert_int_equal(where->layer_set, 5);
	assert_int_equal(where->root_dev, 7);
	assert_int_equal(where->flags & 0xffff, HF_ENROL_MARK);
	assert_true(f.n < SHOWN_MAX);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	snprintf(f.shown[f.n].path, sizeof(f.shown[f.n].path), "%s", path + strlen(f.root));
	f.shown[f.n++].family = where->flags >> HF_ENROL_INTERPRETER_SHIFT;
	*ret = (struct hf_enrol){ .status = f.status };
	return f.err;
}

static void put(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f.root, name);
	if (target)
		assert_int_equal(symlink(target, path), 0);
	else
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
}

static int set_up(void **state)
{
	char path[128];

	(void)state;
	log_set_level(LOG_EMERG);
	f = (struct fixture){ .status = HF_ENROL_KNOWN, .job = { .root_dev = 7 } };
	snprintf(f.root, sizeof(f.root), "/tmp/hf-marks-XXXXXX");
	assert_non_null(mkdtemp(f.root));
	snprintf(path, sizeof(path), "%s/bin", f.root);
	assert_int_equal(mkdir(path, 0755), 0);
	f.job.rootfs_fd = open(f.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(f.job.rootfs_fd);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", f.root, NULL);
		_exit(1);
	}
	wait(NULL);
	return 0;
}

static int mark(const char *path, uint8_t family)
{
	struct interpreters list = { .items = { { .path = (char *)path, .family = family } }, .n = 1 };

	f.n = 0;
	return enrol_interpreters_mark(&f.e, &f.job, 5, &list);
}

static void check_marked(const char *path, uint8_t family, const char *file, unsigned int as)
{
	assert_int_equal(mark(path, family), 0);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.shown[0].path, file);
	assert_int_equal(f.shown[0].family, as);
}

static void test_links_are_followed_inside_the_root(void **state)
{
	(void)state;
	put("bin/dash", NULL);
	put("bin/busybox", NULL);
	put("bin/frob", NULL);
	put("bin/sh", "dash");
	put("bin/ash", "/bin/busybox");
	put("bin/python3", "../../../../../../bin/frob");
	check_marked("bin/dash", HF_INTERPRETER_SHELL, "/bin/dash", HF_INTERPRETER_SHELL);
	check_marked("bin/sh", HF_INTERPRETER_SHELL, "/bin/dash", HF_INTERPRETER_SHELL);
	check_marked("bin/ash", HF_INTERPRETER_SHELL, "/bin/busybox", HF_INTERPRETER_MULTI);
	check_marked("bin/python3", HF_INTERPRETER_PYTHON, "/bin/frob", HF_INTERPRETER_PYTHON);
	check_marked("bin/frob", HF_INTERPRETER_OTHER, "/bin/frob", HF_INTERPRETER_OTHER);
	check_marked("bin/dash", HF_INTERPRETER_LOADER, "/bin/dash", HF_INTERPRETER_LOADER);
}

static void test_what_is_no_program_is_passed_over(void **state)
{
	char path[128];

	(void)state;
	put("bin/cat", NULL);
	put("bin/lang", "cat");
	put("bin/loop", "loop");
	put("bin/magic", "/proc/self/exe");
	snprintf(path, sizeof(path), "%s/bin/fifo", f.root);
	assert_int_equal(mkfifo(path, 0755), 0);
	for (size_t i = 0; i < 6; i++) {
		static const char *const names[] = { "bin/lang", "bin/loop", "bin/magic", "bin/fifo", "bin", "bin/missing" };

		assert_int_equal(mark(names[i], HF_INTERPRETER_OTHER), 0);
		assert_int_equal(f.n, 0);
	}
}

static void test_a_silent_kernel_half_is_an_error(void **state)
{
	(void)state;
	put("bin/dash", NULL);
	f.status = HF_ENROL_PENDING;
	assert_int_equal(mark("bin/dash", HF_INTERPRETER_SHELL), -EIO);
	f.status = HF_ENROL_UNLISTED;
	assert_int_equal(mark("bin/dash", HF_INTERPRETER_SHELL), 0);
	f.err = -EACCES;
	assert_int_equal(mark("bin/dash", HF_INTERPRETER_SHELL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_links_are_followed_inside_the_root),
		TEST(test_what_is_no_program_is_passed_over),
		TEST(test_a_silent_kernel_half_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
