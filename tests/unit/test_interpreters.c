// SPDX-License-Identifier: Apache-2.0
/* Which files of an image are its interpreters: the shipped list, and what #! lines and ELF headers name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/interpreters.h"

#define EMBEDDED HF_INTERPRETER_EMBEDDED

static void test_names_of_the_list_are_known_in_all_versions(void **state)
{
	static const struct {
		const char *name;
		uint8_t want;
	} cases[] = {
		{ "sh", HF_INTERPRETER_SHELL },		   { "bash-static", HF_INTERPRETER_BASH },
		{ "ksh93", HF_INTERPRETER_SHELL },	   { "shred", 0 },
		{ "bashbug", 0 },			   { "python3.11", HF_INTERPRETER_PYTHON },
		{ "python", HF_INTERPRETER_PYTHON },	   { "pythonw", 0 },
		{ "perl5.36-x86_64-linux-gnu", HF_INTERPRETER_PERL }, { "perldoc", 0 },
		{ "ruby3.1", HF_INTERPRETER_RUBY },	   { "nodejs", HF_INTERPRETER_NODE },
		{ "php8.2", HF_INTERPRETER_PHP },	   { "php-fpm8.2", HF_INTERPRETER_PHP | EMBEDDED },
		{ "php-cgi", HF_INTERPRETER_PHP },	   { "lua5.4", HF_INTERPRETER_LUA },
		{ "luajit-2.1.0-beta3", HF_INTERPRETER_LUA }, { "mawk", HF_INTERPRETER_FILTER },
		{ "java", HF_INTERPRETER_JAVA },	   { "javac", 0 },
		{ "beam.smp", HF_INTERPRETER_ERLANG },	   { "dotnet", HF_INTERPRETER_DOTNET },
		{ "busybox", HF_INTERPRETER_MULTI },	   { "tclsh8.6", HF_INTERPRETER_OTHER },
		{ "cat", INTERPRETERS_NEVER },		   { "catatonit", 0 },
		{ "apache2", HF_INTERPRETER_PHP | EMBEDDED }, { "", 0 },
		{ "postgres", 0 },			   { "redis-server", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (interpreters_family(cases[i].name) != cases[i].want)
			fail_msg("%s: %u", cases[i].name, interpreters_family(cases[i].name));
	}
	assert_true(interpreters_lists("usr/bin/perl5.36.0"));
	assert_false(interpreters_lists("usr/bin/cat"));
	assert_false(interpreters_lists("bash/x"));
}

static uint8_t family_of(const struct interpreters *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->items[i].path, path))
			return list->items[i].family;
	}
	return 0;
}

static void note(struct interpreters *list, enum imagedb_kind kind, const char *path, const char *interpreter, const char *argument)
{
	struct imagedb_store_file file = { .path = path, .path_len = strlen(path), .kind = kind, .interpreter = interpreter,
					   .interpreter_arg = argument };

	interpreters_note(list, &file);
}

static void test_lines_of_scripts_name_interpreters(void **state)
{
	struct interpreters list = { 0 };

	(void)state;
	note(&list, IMAGEDB_KIND_SCRIPT, "a", "/bin/sh", NULL);
	note(&list, IMAGEDB_KIND_SCRIPT, "b", "//opt/lang/frob", "-x");
	note(&list, IMAGEDB_KIND_SCRIPT, "c", "/usr/bin/env", "python3");
	note(&list, IMAGEDB_KIND_SCRIPT, "d", "/usr/bin/env", "-S -i A=b frob --flag");
	note(&list, IMAGEDB_KIND_SCRIPT, "e", "/usr/bin/env", "-Sruby -w");
	note(&list, IMAGEDB_KIND_SCRIPT, "f", "/usr/bin/env", "/srv/odd/frob");
	note(&list, IMAGEDB_KIND_SCRIPT, "g", "/usr/bin/env", "-i");
	note(&list, IMAGEDB_KIND_SCRIPT, "h", "/bin/cat", NULL);
	note(&list, IMAGEDB_KIND_SCRIPT, "bash", NULL, NULL);
	assert_int_equal(family_of(&list, "bin/sh"), HF_INTERPRETER_SHELL);
	assert_int_equal(family_of(&list, "opt/lang/frob"), HF_INTERPRETER_OTHER);
	assert_int_equal(family_of(&list, "usr/bin/python3"), HF_INTERPRETER_PYTHON);
	assert_int_equal(family_of(&list, "usr/local/bin/frob"), HF_INTERPRETER_OTHER);
	assert_int_equal(family_of(&list, "bin/ruby"), HF_INTERPRETER_RUBY);
	assert_int_equal(family_of(&list, "srv/odd/frob"), HF_INTERPRETER_OTHER);
	assert_int_equal(family_of(&list, "bin/cat"), 0);
	assert_int_equal(family_of(&list, "usr/bin/env"), 0);
	assert_int_equal(family_of(&list, "bash"), 0);
	assert_int_equal(list.n, 3 + 3 * 6);
	interpreters_clear(&list);
	assert_int_equal(list.n, 0);
}

static void test_programs_are_known_by_name_and_library(void **state)
{
	static const char *const needed[] = { "libc.so.6", "libpython3.11.so.1.0" };
	struct imagedb_store_file file = { .path = "opt/server", .path_len = 10, .kind = IMAGEDB_KIND_ELF_PIE, .needed = needed,
					   .needed_count = 2 };
	struct interpreters list = { 0 };

	(void)state;
	note(&list, IMAGEDB_KIND_ELF_PIE, "usr/bin/bash", "/lib64/ld-linux-x86-64.so.2", NULL);
	note(&list, IMAGEDB_KIND_ELF_EXEC, "bin/busybox", NULL, NULL);
	note(&list, IMAGEDB_KIND_ELF_PIE, "usr/bin/cat", NULL, NULL);
	note(&list, IMAGEDB_KIND_ELF_SHARED, "usr/lib/perl", NULL, NULL);
	note(&list, IMAGEDB_KIND_HEAP, "usr/lib/sbcl/sbcl.core", NULL, NULL);
	interpreters_note(&list, &file);
	assert_int_equal(family_of(&list, "usr/lib/sbcl/sbcl.core"), HF_INTERPRETER_HEAP);
	assert_int_equal(family_of(&list, "usr/bin/bash"), HF_INTERPRETER_BASH);
	assert_int_equal(family_of(&list, "bin/busybox"), HF_INTERPRETER_MULTI);
	assert_int_equal(family_of(&list, "lib64/ld-linux-x86-64.so.2"), HF_INTERPRETER_LOADER);
	assert_int_equal(family_of(&list, "opt/server"), HF_INTERPRETER_PYTHON | EMBEDDED);
	assert_int_equal(list.n, 5);
	interpreters_clear(&list);
}

static void test_too_many_are_told(void **state)
{
	struct interpreters list = { 0 };
	char path[32];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < INTERPRETERS_MAX; i++) {
			snprintf(path, sizeof(path), "/opt/%d", i);
			note(&list, IMAGEDB_KIND_SCRIPT, "x", path, NULL);
		}
	}
	assert_int_equal(list.n, INTERPRETERS_MAX);
	assert_false(list.cut);
	note(&list, IMAGEDB_KIND_SCRIPT, "x", "/opt/another", NULL);
	assert_true(list.cut);
	interpreters_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_the_list_are_known_in_all_versions),
		cmocka_unit_test(test_lines_of_scripts_name_interpreters),
		cmocka_unit_test(test_programs_are_known_by_name_and_library),
		cmocka_unit_test(test_too_many_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
