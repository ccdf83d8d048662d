// SPDX-License-Identifier: Apache-2.0
/* The opens of imagedb one by one: what is opened is what was pinned, and the way up is the way that was gone down. */
#include "imagedb/open.h"
#include "tests/unit/imagedb_tree.h"

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	return 0;
}

static void test_pinned_file_is_opened_whatever_its_name_became(void **state)
{
	struct tree *tree = *state;
	int proc = imagedb_open_proc(), pin, fd;
	char bytes[2];

	assert_true(proc >= 0);
	tree_put_script(tree->fd, "name");
	assert_int_equal(mkfifoat(tree->fd, "fifo", 0666), 0);
	pin = imagedb_pin(tree->fd, "name");
	assert_true(pin >= 0);
	assert_int_equal(renameat(tree->fd, "fifo", tree->fd, "name"), 0);
	fd = imagedb_open_pinned(proc, pin);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, bytes, 2), 2);
	assert_memory_equal(bytes, "#!", 2);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	close(pin);
	close(proc);
}

static void test_directory_is_opened_only_as_a_directory(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
		{ "script", -ENOTDIR }, { "fifo", -ENOTDIR }, { "link", -ELOOP }, { "missing", -ENOENT },
	};
	struct tree *tree = *state;
	int fd;

	close(tree_mkdir(tree->fd, "dir"));
	tree_put_script(tree->fd, "script");
	assert_int_equal(mkfifoat(tree->fd, "fifo", 0666), 0);
	assert_int_equal(symlinkat("dir", tree->fd, "link"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = imagedb_open_directory(tree->fd, cases[i].name);
		if (cases[i].error == -ELOOP)
			assert_true(fd == -ELOOP || fd == -ENOTDIR);
		else
			assert_int_equal(fd, cases[i].error);
	}
	fd = imagedb_open_directory(tree->fd, "dir");
	assert_true(fd >= 0);
	close(fd);
}

static void test_pin_of_link_is_the_link(void **state)
{
	struct tree *tree = *state;
	struct stat st;
	int pin;

	assert_int_equal(symlinkat("/etc/passwd", tree->fd, "link"), 0);
	pin = imagedb_pin(tree->fd, "link");
	assert_true(pin >= 0);
	assert_int_equal(fstat(pin, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	close(pin);
}

static void test_climb_arrives_only_where_it_came_from(void **state)
{
	struct tree *tree = *state;
	int a = tree_mkdir(tree->fd, "a"), b = tree_mkdir(a, "b"), c = tree_mkdir(b, "c"), up;
	struct stat top, first;

	assert_int_equal(fstat(tree->fd, &top), 0);
	assert_int_equal(fstat(a, &first), 0);
	up = imagedb_climb(c, 3, top.st_dev, top.st_ino);
	assert_true(up >= 0);
	close(up);
	up = imagedb_climb(c, 2, first.st_dev, first.st_ino);
	assert_true(up >= 0);
	close(up);
	assert_int_equal(imagedb_climb(c, 1, first.st_dev, first.st_ino), -ESTALE);
	assert_int_equal(renameat(b, "c", tree->fd, "c"), 0);
	assert_int_equal(imagedb_climb(c, 2, first.st_dev, first.st_ino), -ESTALE);
	up = imagedb_climb(c, 1, top.st_dev, top.st_ino);
	assert_true(up >= 0);
	close(up);
	close(a);
	close(b);
	close(c);
}

static void test_climb_of_thousands_of_levels_arrives(void **state)
{
	static const uint32_t levels[] = { 1, 999, 1000, 1001, 2000, 2001 };
	struct stat stats[2002];
	struct tree *tree = *state;
	int fd = tree_open_dir(tree->fd, ".");

	assert_int_equal(fstat(fd, &stats[0]), 0);
	for (int i = 1; i <= 2001; i++) {
		int next = tree_mkdir(fd, "d");

		close(fd);
		fd = next;
		assert_int_equal(fstat(fd, &stats[i]), 0);
	}
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		int up = imagedb_climb(fd, levels[i], stats[2001 - levels[i]].st_dev, stats[2001 - levels[i]].st_ino);

		assert_true(up >= 0);
		close(up);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pinned_file_is_opened_whatever_its_name_became, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directory_is_opened_only_as_a_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pin_of_link_is_the_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_climb_arrives_only_where_it_came_from, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_climb_of_thousands_of_levels_arrives, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("imagedb_open", tests, NULL, NULL);
}
