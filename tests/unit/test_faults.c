// SPDX-License-Identifier: Apache-2.0
/* Faults: counted each time, told once at each end, however many meet them. */
#include "enforcer/faults.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "enforcer/log.h"
#include "enforcer/util.h"

#define NOW clock_ns(CLOCK_MONOTONIC)

static struct {
	struct faults *faults;
	unsigned int mended;
	int log_fd, stderr_fd;
} f;

static void mend_nothing(void *)
{
	f.mended++;
}

static int setup(void **)
{
	f.mended = 0;
	log_set_level(6);
	f.log_fd = memfd_create("log", MFD_CLOEXEC);
	f.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(dup2(f.log_fd, STDERR_FILENO), STDERR_FILENO);
	return faults_new(NULL, mend_nothing, NULL, &f.faults);
}

static int teardown(void **)
{
	faults_free(&f.faults);
	faults_free(&f.faults);
	dup2(f.stderr_fd, STDERR_FILENO);
	close_fd(&f.stderr_fd);
	close_fd(&f.log_fd);
	return 0;
}

/* Lines of the log that hold text. */
static unsigned int lines(const char *text)
{
	char log[8192];
	ssize_t n = pread(f.log_fd, log, sizeof(log) - 1, 0);
	unsigned int found = 0;

	assert_true(n >= 0);
	log[n] = '\0';
	for (char *at = log; (at = strstr(at, text)); at += strlen(text))
		found++;
	return found;
}

static void test_many_meet_it_and_two_lines_tell(void **)
{
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(faults_met(f.faults, FAULT_CATALOG, "container abc"), i == 0);
	faults_met_times(f.faults, FAULT_CATALOG, 500);
	faults_met_times(f.faults, FAULT_VOLUMES, 0);
	assert_int_equal(lines("\n"), 1);
	assert_int_equal(lines("catalogue has no room"), 1);
	assert_int_equal(lines("container abc"), 1);
	assert_int_equal(faults_count(f.faults, FAULT_CATALOG), 1500);
	assert_true(faults_present(f.faults, FAULT_CATALOG));
	assert_false(faults_present(f.faults, FAULT_VOLUMES));
	faults_over(f.faults, FAULT_CATALOG);
	faults_over(f.faults, FAULT_CATALOG);
	faults_check(f.faults, NOW + FAULTS_SETTLE_NS);
	assert_int_equal(lines("\n"), 2);
	assert_int_equal(lines("met 1500 times"), 1);
	assert_false(faults_present(f.faults, FAULT_CATALOG));
	assert_int_equal(faults_count(f.faults, FAULT_CATALOG), 1500);
	assert_true(faults_met(f.faults, FAULT_CATALOG, NULL));
	assert_int_equal(lines("\n"), 3);
}

/* A slot that is taken and given back again and again. */
static void test_what_comes_and_goes_is_one_fault(void **)
{
	for (unsigned int i = 0; i < 100; i++) {
		faults_met(f.faults, FAULT_CONTAINERS, NULL);
		faults_over(f.faults, FAULT_CONTAINERS);
		faults_check(f.faults, NOW);
	}
	assert_int_equal(lines("\n"), 1);
	assert_int_equal(f.mended, 100);
}

static void test_silence_ends_a_fault_but_not_unwritten_state(void **)
{
	faults_met(f.faults, FAULT_QUEUE, NULL);
	faults_met(f.faults, FAULT_STATE, NULL);
	faults_check(f.faults, NOW + FAULTS_QUIET_NS / 2);
	assert_true(faults_present(f.faults, FAULT_QUEUE));
	faults_check(f.faults, NOW + FAULTS_QUIET_NS);
	assert_false(faults_present(f.faults, FAULT_QUEUE));
	assert_true(faults_present(f.faults, FAULT_STATE));
	faults_over(f.faults, FAULT_STATE);
	faults_still(f.faults, FAULT_STATE);
	faults_check(f.faults, NOW + FAULTS_SETTLE_NS);
	assert_true(faults_present(f.faults, FAULT_STATE));
	faults_over(f.faults, FAULT_STATE);
	faults_check(f.faults, NOW + FAULTS_SETTLE_NS);
	assert_false(faults_present(f.faults, FAULT_STATE));
}

static void test_over_without_a_fault_says_nothing(void **)
{
	for (enum fault_kind kind = 0; kind < _FAULT_MAX; kind++) {
		faults_over(f.faults, kind);
		assert_true(strlen(faults_name(kind)) > 0 && strlen(faults_text(kind)) > 0);
	}
	faults_check(f.faults, NOW + FAULTS_QUIET_NS);
	assert_int_equal(lines("\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_meet_it_and_two_lines_tell, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_comes_and_goes_is_one_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence_ends_a_fault_but_not_unwritten_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_over_without_a_fault_says_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
