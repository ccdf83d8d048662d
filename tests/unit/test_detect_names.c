// SPDX-License-Identifier: Apache-2.0
/* Names of users and groups: what the files mean, and what nonsense in them does not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/detect_names.h"
#include "enforcer/util.h"

static struct detect_names *make(const char *passwd, const char *group)
{
	struct detect_names *names = NULL;

	assert_int_equal(detect_names_new(passwd, strlen(passwd), group, strlen(group), &names), 0);
	return names;
}

static void test_users_and_groups_are_found(void **state)
{
	_cleanup_(detect_names_free) struct detect_names *names =
		make("root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:web:/var/www:/usr/sbin/nologin", "root:x:0:\nadm:x:4:root,www-data\n");
	const struct detect_user *user = detect_names_user(names, 33);

	(void)state;
	assert_string_equal(detect_names_user(names, 0)->name, "root");
	assert_string_equal(user->name, "www-data");
	assert_string_equal(user->home, "/var/www");
	assert_string_equal(user->shell, "/usr/sbin/nologin");
	assert_string_equal(detect_names_group(names, 4), "adm");
	assert_null(detect_names_user(names, 4));
	assert_null(detect_names_group(names, 33));
}

static void test_first_of_several_counts(void **state)
{
	_cleanup_(detect_names_free) struct detect_names *names = make("z:x:7:0:::\na:x:7:0:::\n", "");

	(void)state;
	assert_string_equal(detect_names_user(names, 7)->name, "z");
}

static void test_nonsense_is_left_out(void **state)
{
	static const char *const lines[] = {
		"", ":", "a", "a:b", "a:b:", "a:b:x", "a:b:-1:", "a:b:4294967296:", "a:b:1x:", "a:b: 1:", ":x:1:1:::", "::::::::::",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(detect_names_free) struct detect_names *names = make(lines[i], lines[i]);

		assert_null(detect_names_user(names, 1));
		assert_null(detect_names_user(names, 0));
		assert_null(detect_names_group(names, UINT32_MAX));
	}
}

static void test_files_that_are_missing_have_no_names(void **state)
{
	_cleanup_(detect_names_free) struct detect_names *names = NULL;

	(void)state;
	assert_int_equal(detect_names_new(NULL, 0, NULL, 0, &names), 0);
	assert_null(detect_names_user(names, 0));
	assert_null(detect_names_user(NULL, 0));
	assert_null(detect_names_group(NULL, 0));
}

static void test_nul_and_length_are_bounds(void **state)
{
	static const char text[] = "a:x:1:\0b:x:2:\n";
	_cleanup_(detect_names_free) struct detect_names *names = NULL, *long_names = NULL;
	_cleanup_(free_ptr) char *longer = malloc(DETECT_NAMES_BYTES + 64);

	(void)state;
	assert_int_equal(detect_names_new(text, sizeof(text) - 1, "", 0, &names), 0);
	assert_string_equal(detect_names_user(names, 1)->name, "a");
	memset(longer, '\n', DETECT_NAMES_BYTES + 64);
	memcpy(longer + DETECT_NAMES_BYTES + 1, "b:x:2:", 6);
	assert_int_equal(detect_names_new(longer, DETECT_NAMES_BYTES + 64, NULL, 0, &long_names), 0);
	assert_null(detect_names_user(long_names, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users_and_groups_are_found),
		cmocka_unit_test(test_first_of_several_counts),
		cmocka_unit_test(test_nonsense_is_left_out),
		cmocka_unit_test(test_files_that_are_missing_have_no_names),
		cmocka_unit_test(test_nul_and_length_are_bounds),
	};

	return cmocka_run_group_tests_name("detect_names", tests, NULL, NULL);
}
