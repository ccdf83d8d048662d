// SPDX-License-Identifier: Apache-2.0
/* holdfastd's options: the sizes of the tables. */
#include "enforcer/options.h"

#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "enforcer/util.h"

static int parse(const char *option, const char *value, struct options *ret)
{
	char *argv[] = { (char *)"holdfastd", (char *)option, (char *)value, NULL };

	optind = 0; /* getopt anew */
	return options_parse(value ? 3 : option ? 2 : 1, argv, ret);
}

static void test_sizes_are_the_contracts_unless_given(void **)
{
	struct options o;

	assert_int_equal(parse(NULL, NULL, &o), 0);
	assert_int_equal(o.daemon.limits.executables, 0);
	assert_int_equal(o.daemon.limits.containers, 0);
}

static void test_self_protection_is_one_of_three_words(void **)
{
	static const struct {
		const char *value;
		int err;
		enum hf_guard_mode mode;
	} rows[] = {
		{ NULL, 0, HF_GUARD_HOST },	    { "off", 0, HF_GUARD_OFF },
		{ "container", 0, HF_GUARD_CONTAINERS }, { "host", 0, HF_GUARD_HOST },
		{ "Host", -EINVAL, HF_GUARD_HOST }, { "", -EINVAL, HF_GUARD_HOST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o;

		assert_int_equal(parse(rows[i].value ? "--self-protection" : NULL, rows[i].value, &o), rows[i].err);
		assert_int_equal(o.daemon.self_protection, rows[i].mode);
	}
}

static void test_sizes_in_range_are_taken_others_refused(void **)
{
	static const struct {
		const char *option, *value;
		int err;
		uint32_t executables, containers;
	} rows[] = {
		{ "--max-executables", "1", 0, 1, 0 },
		{ "--max-executables", "16777216", 0, 16777216, 0 },
		{ "--max-executables", "16777217", -EINVAL, 0, 0 },
		{ "--max-executables", "0", -EINVAL, 0, 0 },
		{ "--max-executables", "-1", -EINVAL, 0, 0 },
		{ "--max-executables", "1e6", -EINVAL, 0, 0 },
		{ "--max-containers", "1", 0, 0, 1 },
		{ "--max-containers", "4094", 0, 0, 4094 },
		{ "--max-containers", "4095", -EINVAL, 0, 0 },
		{ "--max-containers", "0", -EINVAL, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct options o;

		assert_int_equal(parse(rows[i].option, rows[i].value, &o), rows[i].err);
		assert_int_equal(o.daemon.limits.executables, rows[i].executables);
		assert_int_equal(o.daemon.limits.containers, rows[i].containers);
	}
}

static void test_runtime_roots_are_kept_in_order(void **)
{
	char *argv[2 * DAEMON_RUNTIME_ROOTS_MAX + 4] = { (char *)"holdfastd" };
	struct options o;
	int n = 1;

	for (unsigned int i = 0; i < DAEMON_RUNTIME_ROOTS_MAX; i++) {
		argv[n++] = (char *)"--runtime-root";
		argv[n++] = (char *)(i ? "/b" : "/a");
	}
	optind = 0;
	assert_int_equal(options_parse(n, argv, &o), 0);
	assert_int_equal(o.daemon.n_runtime_roots, DAEMON_RUNTIME_ROOTS_MAX);
	assert_string_equal(o.daemon.runtime_roots[0], "/a");
	assert_string_equal(o.daemon.runtime_roots[1], "/b");
	argv[n++] = (char *)"--runtime-root";
	argv[n++] = (char *)"/c";
	optind = 0;
	assert_int_equal(options_parse(n, argv, &o), -EINVAL);
	assert_int_equal(parse("--runtime-root", "relative", &o), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_protection_is_one_of_three_words),
		cmocka_unit_test(test_sizes_are_the_contracts_unless_given),
		cmocka_unit_test(test_sizes_in_range_are_taken_others_refused),
		cmocka_unit_test(test_runtime_roots_are_kept_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
