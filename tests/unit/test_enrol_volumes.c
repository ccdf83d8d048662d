// SPDX-License-Identifier: Apache-2.0
/* Which folders of a file system hold one another. */
#include "enforcer/enrol_volumes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_folders_that_share_files_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{ "/data", "/data", true },
		{ "/data", "/data/sub", true },
		{ "/data", "/database", false },
		{ "/data/a", "/data/b", false },
		{ "/", "/data", true },
		{ "/", "/", true },
		{ "/a\\040b", "/a\\040b/c", true },
		{ "/a", "/b", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(enrol_volumes_overlap(rows[i].a, rows[i].b), rows[i].overlap);
		assert_int_equal(enrol_volumes_overlap(rows[i].b, rows[i].a), rows[i].overlap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_folders_that_share_files_overlap) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
