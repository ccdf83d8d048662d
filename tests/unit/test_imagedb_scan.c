// SPDX-License-Identifier: Apache-2.0
/* What a scan finds in friendly trees, how it counts, how it is bounded and stopped. */
#include "tests/unit/imagedb_tree.h"

static struct found found;

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	found_clear(&found);
	return 0;
}

static int scan(struct tree *tree, const struct imagedb_scan_options *options, struct imagedb_scan_stats *stats)
{
	found_clear(&found);
	return imagedb_scan(tree->fd, options, found_add, &found, stats);
}

static void test_scan_finds_code_by_content_whatever_the_mode(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		mode_t mode;
		bool candidate;
		enum imagedb_kind kind;
	} cases[] = {
		{ "script-0644", "#!/bin/sh\n", 10, 0644, true, IMAGEDB_KIND_SCRIPT },
		{ "script-0000", "#!/bin/sh\n", 10, 0000, true, IMAGEDB_KIND_SCRIPT },
		{ "script-shortest", "#!x", 3, 0755, true, IMAGEDB_KIND_SCRIPT },
		{ "pe", "MZ\x90\0", 4, 0644, true, IMAGEDB_KIND_PE },
		{ "sbcl-core", "LCBS\0\0\0\0\x14", 9, 0644, true, IMAGEDB_KIND_HEAP },
		{ "java-classes", "\xa2\xab\x0b\xf0\x04", 5, 0444, true, IMAGEDB_KIND_HEAP },
		{ "java-dynamic", "\xa8\xab\x0b\xf0", 4, 0444, true, IMAGEDB_KIND_HEAP },
		{ "no-core", "LCBSomething", 12, 0644, false, 0 },
		{ "elf-magic-only", "\177ELF", 4, 0644, true, IMAGEDB_KIND_ELF_OTHER },
		{ "text-0755", "echo hello\n", 11, 0755, false, 0 },
		{ "late-magic", " #!/bin/sh\n", 11, 0755, false, 0 },
		{ "elf-magic-cut", "\177EL", 3, 0755, false, 0 },
		{ "two-bytes", "#!", 2, 0755, false, 0 },
		{ "empty", "", 0, 0755, false, 0 },
	};
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	size_t candidates = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tree_put(tree->fd, cases[i].name, cases[i].bytes, cases[i].len, cases[i].mode);
	assert_int_equal(scan(tree, NULL, &stats), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct found_file *file = found_get(&found, cases[i].name);

		if (geteuid() != 0 && cases[i].mode == 0)
			continue;
		assert_int_equal(file != NULL, cases[i].candidate);
		candidates += cases[i].candidate;
		if (file) {
			assert_int_equal(file->kind, cases[i].kind);
			assert_int_equal(file->first_byte, cases[i].bytes[0]);
		}
	}
	assert_int_equal(stats.candidates, candidates);
	assert_int_equal(stats.regular_files, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(stats.bytes, 10 + 10 + 3 + 4 + 9 + 5 + 4 + 12 + 4 + 11 + 11 + 3 + 2);
}

static void test_scan_reports_elf_types(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		enum imagedb_kind kind;
	} cases[] = {
		{ "exec", ET_EXEC, IMAGEDB_KIND_ELF_EXEC },
		{ "dyn", ET_DYN, IMAGEDB_KIND_ELF_SHARED },
		{ "module.ko", ET_REL, IMAGEDB_KIND_ELF_RELOC },
		{ "core", ET_CORE, IMAGEDB_KIND_ELF_OTHER },
		{ "vendor", ET_LOPROC + 1, IMAGEDB_KIND_ELF_OTHER },
	};
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tree_put_elf(tree->fd, cases[i].name, cases[i].type);
	assert_int_equal(scan(tree, NULL, &stats), 0);
	assert_true(stats.complete);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_non_null(found_get(&found, cases[i].name));
		assert_int_equal(found_get(&found, cases[i].name)->kind, cases[i].kind);
	}
	assert_int_equal(stats.kinds[IMAGEDB_KIND_ELF_OTHER], 2);
}

static void test_scan_with_mode_bits_adds_executable_text(void **state)
{
	struct imagedb_scan_options options = { .flags = IMAGEDB_SCAN_MODE_BITS };
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;

	tree_put(tree->fd, "no-shebang", "echo hello\n", 11, 0755);
	tree_put(tree->fd, "group-only", "echo hello\n", 11, 0610);
	tree_put(tree->fd, "empty", "", 0, 0755);
	tree_put(tree->fd, "data", "echo hello\n", 11, 0644);
	tree_put_script(tree->fd, "script");
	assert_int_equal(scan(tree, &options, &stats), 0);
	assert_int_equal(found_get(&found, "no-shebang")->kind, IMAGEDB_KIND_MODE_BITS);
	assert_int_equal(found_get(&found, "group-only")->kind, IMAGEDB_KIND_MODE_BITS);
	assert_int_equal(found_get(&found, "empty")->kind, IMAGEDB_KIND_MODE_BITS);
	assert_int_equal(found_get(&found, "script")->kind, IMAGEDB_KIND_SCRIPT);
	assert_null(found_get(&found, "data"));
}

static void test_scan_of_all_reports_what_is_no_candidate_as_other(void **state)
{
	struct imagedb_scan_options options = { .flags = IMAGEDB_SCAN_ALL, .limits.candidates = 1 };
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;

	tree_put(tree->fd, "data", "echo hello\n", 11, 0644);
	tree_put(tree->fd, "x-bit", "echo hello\n", 11, 0755);
	tree_put(tree->fd, "empty", "", 0, 0644);
	tree_put_script(tree->fd, "script");
	assert_int_equal(symlinkat("data", tree->fd, "link"), 0);
	assert_int_equal(mkfifoat(tree->fd, "fifo", 0644), 0);
	assert_int_equal(scan(tree, &options, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.candidates, 1);
	assert_int_equal(stats.kinds[IMAGEDB_KIND_OTHER], 3);
	assert_int_equal(found.count, 4);
	assert_int_equal(found_get(&found, "data")->kind, IMAGEDB_KIND_OTHER);
	assert_int_equal(found_get(&found, "x-bit")->kind, IMAGEDB_KIND_OTHER);
	assert_int_equal(found_get(&found, "empty")->kind, IMAGEDB_KIND_OTHER);
	assert_int_equal(found_get(&found, "script")->kind, IMAGEDB_KIND_SCRIPT);
	found_clear(&found);
	options.flags |= IMAGEDB_SCAN_MODE_BITS;
	options.limits.candidates = 0;
	assert_int_equal(scan(tree, &options, &stats), 0);
	assert_int_equal(found_get(&found, "x-bit")->kind, IMAGEDB_KIND_MODE_BITS);
	assert_int_equal(found_get(&found, "data")->kind, IMAGEDB_KIND_OTHER);
}

static void test_scan_of_nested_directories_gives_relative_paths(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int usr = tree_mkdir(tree->fd, "usr"), bin = tree_mkdir(usr, "bin"), empty = tree_mkdir(usr, "empty");

	tree_put_script(tree->fd, "top");
	tree_put_script(usr, "middle");
	tree_put_script(bin, "leaf");
	close(usr);
	close(bin);
	close(empty);
	assert_int_equal(scan(tree, NULL, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.reason, IMAGEDB_INCOMPLETE_NONE);
	assert_int_equal(stats.directories, 4);
	assert_int_equal(stats.entries, 6);
	assert_int_equal(found.count, 3);
	assert_non_null(found_get(&found, "top"));
	assert_non_null(found_get(&found, "usr/middle"));
	assert_non_null(found_get(&found, "usr/bin/leaf"));
}

static void test_scan_of_path_descriptor_works_and_moves_no_offset(void **state)
{
	struct tree *tree = *state;
	int fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	tree_put_script(tree->fd, "script");
	assert_int_equal(imagedb_scan(fd, NULL, found_add, &found, NULL), 0);
	assert_int_equal(found.count, 1);
	close(fd);
	assert_int_equal(scan(tree, NULL, NULL), 0);
	assert_int_equal(lseek(tree->fd, 0, SEEK_CUR), 0);
}

static void test_scan_of_file_is_refused(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_options unknown = { .flags = 1u << 31 };
	int fd;

	tree_put_script(tree->fd, "script");
	fd = openat(tree->fd, "script", O_RDONLY | O_CLOEXEC);
	assert_int_equal(imagedb_scan(fd, NULL, found_add, &found, NULL), -ENOTDIR);
	close(fd);
	assert_int_equal(imagedb_scan(tree->fd, NULL, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(imagedb_scan(tree->fd, &unknown, found_add, &found, NULL), -EINVAL);
	assert_int_equal(imagedb_scan(-1, NULL, found_add, &found, NULL), -EBADF);
	assert_int_equal(found.count, 0);
}

static void test_scan_keeps_the_bytes_of_names(void **state)
{
	static const char *const names[] = {
		"new\nline", "quo\"te'", "back\\slash", "\x1b[31mred", "\xff\xfe\xc3(", " ", "-rf", "...", "%s%n",
	};
	struct tree *tree = *state;
	char longest[NAME_MAX + 1];
	int dir;

	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tree_put_script(tree->fd, names[i]);
	dir = tree_mkdir(tree->fd, "\x01\ndir\xff");
	tree_put_script(dir, longest);
	close(dir);
	assert_int_equal(scan(tree, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(found_get(&found, names[i]));
	assert_int_equal(found.count, sizeof(names) / sizeof(names[0]) + 1);
	for (size_t i = 0; i < found.count; i++) {
		if (found.files[i].path_len > NAME_MAX)
			assert_memory_equal(found.files[i].path, "\x01\ndir\xff/nnn", 10);
	}
}

static void test_scan_flags_further_names_of_an_inode(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	char name[32];
	size_t fresh = 0;

	/* 300 inodes with two names each, so that the set of inodes has to grow. */
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		tree_put_script(tree->fd, name);
	}
	for (int i = 0; i < 300; i++) {
		char link_name[32];

		snprintf(name, sizeof(name), "a%d", i);
		snprintf(link_name, sizeof(link_name), "b%d", i);
		assert_int_equal(linkat(tree->fd, name, tree->fd, link_name, 0), 0);
	}
	tree_put_script(tree->fd, "single");
	assert_int_equal(scan(tree, NULL, &stats), 0);
	assert_int_equal(found.count, 601);
	assert_int_equal(stats.hardlinks, 300);
	assert_false(found_get(&found, "single")->hardlink_seen);
	for (size_t i = 0; i < found.count; i++)
		fresh += !found.files[i].hardlink_seen;
	assert_int_equal(fresh, 301);
	for (int i = 0; i < 300; i++) {
		char link_name[32];

		snprintf(name, sizeof(name), "a%d", i);
		snprintf(link_name, sizeof(link_name), "b%d", i);
		assert_int_not_equal(found_get(&found, name)->hardlink_seen, found_get(&found, link_name)->hardlink_seen);
	}
}

static void test_scan_stops_at_each_bound_and_says_so(void **state)
{
	static const struct {
		struct imagedb_scan_limits limits;
		enum imagedb_incomplete reason;
		size_t found;
		const char *missing;
	} cases[] = {
		{ { 0 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .depth = 2 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .depth = 1 }, IMAGEDB_INCOMPLETE_DEPTH, 2, "one/two/leaf" },
		{ { .path_bytes = 12 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .path_bytes = 11 }, IMAGEDB_INCOMPLETE_PATH, 2, "one/two/leaf" },
		{ { .path_bytes = 6 }, IMAGEDB_INCOMPLETE_PATH, 1, "one/two/leaf" },
		{ { .entries = 5 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .entries = 4 }, IMAGEDB_INCOMPLETE_ENTRIES, 2, "one/two/leaf" },
		{ { .candidates = 3 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .candidates = 2 }, IMAGEDB_INCOMPLETE_CANDIDATES, 2, "one/two/leaf" },
		{ { .pending_bytes = 6 }, IMAGEDB_INCOMPLETE_NONE, 3, NULL },
		{ { .pending_bytes = 5 }, IMAGEDB_INCOMPLETE_PENDING, 1, "one/middle" },
	};
	struct tree *tree = *state;
	int one = tree_mkdir(tree->fd, "one"), two = tree_mkdir(one, "two");

	tree_put_script(tree->fd, "top");
	tree_put_script(one, "middle");
	tree_put_script(two, "leaf");
	close(one);
	close(two);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imagedb_scan_options options = { .limits = cases[i].limits };
		struct imagedb_scan_stats stats;

		assert_int_equal(scan(tree, &options, &stats), 0);
		assert_string_equal(imagedb_incomplete_to_string(stats.reason),
				    imagedb_incomplete_to_string(cases[i].reason));
		assert_int_equal(stats.complete, cases[i].reason == IMAGEDB_INCOMPLETE_NONE);
		assert_int_equal(found.count, cases[i].found);
		assert_int_equal(stats.candidates, cases[i].found);
		assert_true(!cases[i].missing || !found_get(&found, cases[i].missing));
	}
}

static int stop_at_first(const struct imagedb_file *file, void *data)
{
	(void)file;
	++*(int *)data;
	return -EXFULL;
}

static void test_scan_returns_what_the_callback_returns(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int calls = 0;

	tree_put_script(tree->fd, "a");
	tree_put_script(tree->fd, "b");
	assert_int_equal(imagedb_scan(tree->fd, NULL, stop_at_first, &calls, &stats), -EXFULL);
	assert_int_equal(calls, 1);
	assert_false(stats.complete);
	assert_int_equal(stats.reason, IMAGEDB_INCOMPLETE_STOPPED);
}

static int cancel_now(const struct imagedb_file *file, void *data)
{
	(void)file;
	atomic_store((atomic_bool *)data, true);
	return 0;
}

static void test_scan_ends_when_cancelled(void **state)
{
	struct tree *tree = *state;
	atomic_bool cancel = false;
	struct imagedb_scan_options options = { .cancel = &cancel };
	struct imagedb_scan_stats stats;

	tree_put_script(tree->fd, "a");
	tree_put_script(tree->fd, "b");
	assert_int_equal(scan(tree, &options, &stats), 0);
	assert_int_equal(found.count, 2);
	assert_int_equal(imagedb_scan(tree->fd, &options, cancel_now, &cancel, &stats), -ECANCELED);
	assert_int_equal(stats.candidates, 1);
	assert_false(stats.complete);
}

static void test_scan_ends_at_its_deadline(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_options past = { .deadline_ns = 1 }, future = { .deadline_ns = UINT64_MAX };
	struct imagedb_scan_stats stats;

	tree_put_script(tree->fd, "a");
	assert_int_equal(scan(tree, &past, &stats), -ETIMEDOUT);
	assert_int_equal(found.count, 0);
	assert_int_equal(stats.reason, IMAGEDB_INCOMPLETE_STOPPED);
	assert_int_equal(scan(tree, &future, &stats), 0);
	assert_int_equal(found.count, 1);
	assert_true(stats.complete);
}

/* A deadline that passes while the scan runs: the callback waits until it has, in a directory of many entries. */
static int wait_for_deadline(const struct imagedb_file *file, void *data)
{
	uint64_t deadline_ns = *(uint64_t *)data;
	struct timespec until = { .tv_sec = (time_t)(deadline_ns / 1000000000u), .tv_nsec = (long)(deadline_ns % 1000000000u) };

	(void)file;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return 0;
}

static void test_scan_notices_a_deadline_within_one_directory(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_options options = { 0 };
	struct imagedb_scan_stats stats;
	struct timespec now;
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "script%d", i);
		tree_put_script(tree->fd, name);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	options.deadline_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 20000000u;
	assert_int_equal(imagedb_scan(tree->fd, &options, wait_for_deadline, &options.deadline_ns, &stats), -ETIMEDOUT);
	assert_in_range(stats.candidates, 1, 20);
}

static void count_progress(const struct imagedb_scan_stats *stats, void *data)
{
	size_t *calls = data;

	++*calls;
	assert_int_equal(stats->entries % 4096, 0);
	assert_true(stats->entries > 0);
}

static void test_scan_reports_progress(void **state)
{
	struct tree *tree = *state;
	size_t calls = 0;
	struct imagedb_scan_options options = { .progress = count_progress, .progress_data = &calls };
	char name[32];

	for (int i = 0; i < 4100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		tree_put(tree->fd, name, "", 0, 0600);
	}
	assert_int_equal(scan(tree, &options, NULL), 0);
	assert_int_equal(calls, 1);
}

static void test_names_of_enums_are_complete(void **state)
{
	(void)state;
	for (int i = 0; i < _IMAGEDB_KIND_MAX; i++)
		assert_non_null(imagedb_kind_to_string(i));
	for (int i = 0; i < _IMAGEDB_INCOMPLETE_MAX; i++)
		assert_non_null(imagedb_incomplete_to_string(i));
	assert_null(imagedb_kind_to_string(_IMAGEDB_KIND_MAX));
	assert_null(imagedb_incomplete_to_string(_IMAGEDB_INCOMPLETE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan_finds_code_by_content_whatever_the_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_reports_elf_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_with_mode_bits_adds_executable_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_all_reports_what_is_no_candidate_as_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_nested_directories_gives_relative_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_path_descriptor_works_and_moves_no_offset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_file_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_keeps_the_bytes_of_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_flags_further_names_of_an_inode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_stops_at_each_bound_and_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_returns_what_the_callback_returns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_ends_when_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_ends_at_its_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_notices_a_deadline_within_one_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_reports_progress, set_up, tear_down),
		cmocka_unit_test(test_names_of_enums_are_complete),
	};

	return cmocka_run_group_tests_name("imagedb_scan", tests, NULL, NULL);
}
