// SPDX-License-Identifier: Apache-2.0
/* Which lines of mountinfo lie below a root, and what they are called there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "enforcer/enrol_covered.h"

static void test_covered_path_is_told_below_the_root_only(void **state)
{
	static const struct {
		const char *point, *root, *expected;
	} rows[] = {
		{ "/run/c/rootfs/proc", "/run/c/rootfs", "proc" },
		{ "/run/c/rootfs/opt/a\\040b", "/run/c/rootfs", "opt/a b" },
		{ "/run/c/rootfs/x\\134n\\012", "/run/c/rootfs", "x\\n\n" },
		{ "/proc", "/", "proc" },
		{ "/a\\9", "/", "a\\9" },
		{ "/", "/", NULL },
		{ "/run/c/rootfs", "/run/c/rootfs", NULL },
		{ "/run/c/rootfs2/proc", "/run/c/rootfs", NULL },
		{ "/run/c", "/run/c/rootfs", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char point[128];
		char *path;

		snprintf(point, sizeof(point), "%s", rows[i].point);
		path = enrol_covered_path(point, rows[i].root);
		if (rows[i].expected)
			assert_string_equal(path, rows[i].expected);
		else
			assert_null(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_covered_path_is_told_below_the_root_only) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
