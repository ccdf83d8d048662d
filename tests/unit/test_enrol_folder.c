// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/enrol_folder.h"
#include "enforcer/images.h"
#include "enforcer/util.h"

#define TEXT "#!/bin/sh\nexit 0\n"
#define MANY 3000u

/* --- the database ----------------------------------------------------------------------------------------------------- */

static struct imagedb_store_file stored[3];
static size_t n_stored;
static int walk_err;
static uint32_t many;

int images_walk(struct images *images, const char *identity, imagedb_store_file_fn fn, void *data)
{
	int err = walk_err;

	(void)images;
	assert_string_equal(identity, "x");
	for (size_t i = 0; !err && i < n_stored; i++)
		err = fn(&stored[i], data);
	for (uint32_t i = 0; !err && i < many; i++) {
		const struct imagedb_store_file file = { .inode = { .ino = 1000 + (uint64_t)i * 7919 % MANY }, .size = i };

		err = fn(&file, data);
	}
	return err;
}

static struct folder_list *load(void)
{
	struct folder_list *list = NULL;

	assert_int_equal(folder_list_load(NULL, "x", &list), 0);
	assert_non_null(list);
	return list;
}

static int make_file(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static struct hf_enrol answer(uint64_t ino, uint32_t generation, uint64_t size, uint64_t ctime_ns)
{
	return (struct hf_enrol){ .key = { .ino = ino, .generation = generation, .dev = 77 },
				  .value = { .ctime_ns = ctime_ns, .size_mode = size << HF_CATALOG_SIZE_SHIFT | 0755 } };
}

/* --- what is held ----------------------------------------------------------------------------------------------------- */

static void test_file_of_the_first_start_is_held_while_unchanged(void **state)
{
	static const struct {
		uint64_t ino;
		uint32_t generation;
		uint64_t size, ctime_ns;
		bool held;
	} rows[] = {
		{ 5, 9, 100, 7000000003, true },  { 6, 9, 100, 7000000003, false }, { 5, 8, 100, 7000000003, false },
		{ 5, 9, 101, 7000000003, false }, { 5, 9, 100, 7000000004, false }, { 0, 0, 0, 0, false },
	};
	_cleanup_(folder_list_free) struct folder_list *list = NULL;

	(void)state;
	stored[0] = (struct imagedb_store_file){ .inode = { .ino = 5, .generation = 9, .dev = 1 }, .size = 100,
						 .ctime = { .tv_sec = 7, .tv_nsec = 3 } };
	n_stored = 1;
	list = load();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct hf_enrol now = answer(rows[i].ino, rows[i].generation, rows[i].size, rows[i].ctime_ns);

		assert_int_equal(folder_list_holds(list, -1, &now), rows[i].held);
	}
}

static void test_other_ctime_is_settled_by_the_digest(void **state)
{
	_cleanup_(close_fd) int same = make_file(TEXT), other = make_file("#!/bin/sh\nexit 1\n");
	const struct hf_enrol now = answer(5, 0, strlen(TEXT), 999), longer = answer(5, 0, strlen(TEXT) + 1, 999);
	_cleanup_(folder_list_free) struct folder_list *list = NULL;

	(void)state;
	stored[0] = (struct imagedb_store_file){ .inode = { .ino = 5 }, .size = strlen(TEXT) };
	n_stored = 1;
	list = load();
	assert_false(folder_list_holds(list, same, &now)); /* no digest yet */
	folder_list_free(&list);
	assert_int_equal(imagedb_digest_fd(same, 0, &stored[0].digest), 0);
	list = load();
	assert_true(folder_list_holds(list, same, &now));
	assert_false(folder_list_holds(list, other, &now));
	assert_false(folder_list_holds(list, same, &longer));
	assert_false(folder_list_holds(list, -1, &now));
	close_fd(&other);
}

static void test_every_file_of_a_long_list_is_found(void **state)
{
	_cleanup_(folder_list_free) struct folder_list *list = NULL;

	(void)state;
	n_stored = 0;
	many = MANY;
	list = load();
	for (uint32_t i = 0; i < MANY; i++) {
		const struct hf_enrol now = answer(1000 + (uint64_t)i * 7919 % MANY, 0, i, 0);

		assert_true(folder_list_holds(list, -1, &now));
	}
	many = 0;
}

static void test_empty_list_holds_nothing(void **state)
{
	_cleanup_(folder_list_free) struct folder_list *list = NULL;
	const struct hf_enrol now = answer(0, 0, 0, 0);

	(void)state;
	n_stored = 0;
	list = load();
	assert_false(folder_list_holds(list, -1, &now));
}

static void test_unknown_folder_and_errors_give_no_list(void **state)
{
	static const int errs[] = { -ENOENT, -EIO, -ENOMEM };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
		struct folder_list *list = NULL;

		walk_err = errs[i];
		assert_int_equal(folder_list_load(NULL, "x", &list), errs[i]);
		assert_null(list);
	}
	walk_err = 0;
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

static void test_name_stays_and_a_new_folder_has_another(void **state)
{
	char path[] = "/tmp/enrol-folder-XXXXXX";
	_cleanup_(free_ptr) char *one = NULL, *two = NULL, *three = NULL;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(path));
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	one = enrol_folder_identity(fd, "ext4");
	two = enrol_folder_identity(fd, "ext4");
	close(fd);
	rmdir(path);
	if (!one) {
		print_message("skipped: the file system of /tmp has no identity or no time of birth\n");
		return;
	}
	assert_string_equal(one, two);
	assert_memory_equal(one, path, strlen(path));
	assert_true(enrol_folder_is(one));
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	three = enrol_folder_identity(fd, "ext4");
	close(fd);
	rmdir(path);
	assert_non_null(three);
	assert_string_not_equal(one, three);
}

static void test_layers_are_no_folder(void **state)
{
	(void)state;
	assert_false(enrol_folder_is(NULL));
	assert_false(enrol_folder_is(""));
	assert_false(enrol_folder_is("/a=1:2@3.4;/b=1:2@3.4;"));
	assert_true(enrol_folder_is("/a=folder:ext4:1:2@3.4;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_of_the_first_start_is_held_while_unchanged),
		cmocka_unit_test(test_other_ctime_is_settled_by_the_digest),
		cmocka_unit_test(test_every_file_of_a_long_list_is_found),
		cmocka_unit_test(test_empty_list_holds_nothing),
		cmocka_unit_test(test_unknown_folder_and_errors_give_no_list),
		cmocka_unit_test(test_name_stays_and_a_new_folder_has_another),
		cmocka_unit_test(test_layers_are_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
