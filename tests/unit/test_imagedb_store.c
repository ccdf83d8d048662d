// SPDX-License-Identifier: Apache-2.0
/* The image store as its users see it: what goes in comes out, by each way that leads to it. */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/store_fixture.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void test_set_comes_back_as_it_was_stored(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 99, 5000 };
	struct imagedb_store *store = fixture_open(*state);
	char identity[64];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(identity, sizeof(identity), "/layer-%zu=1:2@3;", i);
		fixture_put(store, identity, sizes[i]);
	}
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			snprintf(identity, sizeof(identity), "/layer-%zu=1:2@3;", i);
			fixture_check(store, identity, sizes[i]);
		}
		imagedb_store_close(&store);
		store = fixture_open(*state);
	}
	imagedb_store_close(&store);
}

static void test_first_opening_creates_and_second_does_not(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store_report report;
	struct imagedb_store *store = NULL;
	struct stat st;

	assert_int_equal(imagedb_store_open(fixture->folder, IMAGEDB_STORE_READ_ONLY, &store, &report), -ENOENT);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_true(report.created);
	assert_false(report.set_aside);
	assert_string_equal(report.message, "");
	assert_int_equal(stat(fixture->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	imagedb_store_close(&store);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_false(report.created);
	imagedb_store_close(&store);
}

static void test_second_opening_in_one_process_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store *store = fixture_open(fixture), *second = NULL;

	assert_int_equal(imagedb_store_open(fixture->folder, 0, &second, NULL), -EBUSY);
	assert_null(second);
	fixture_put(store, "id", 3);
	imagedb_store_close(&store);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &second, NULL), 0);
	imagedb_store_close(&second);
}

static void test_folder_that_others_can_write_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store *store = NULL;

	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	assert_int_equal(chmod(fixture->folder, 0770), 0);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, NULL), -EPERM);
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, NULL), 0);
	imagedb_store_close(&store);
}

static void test_read_only_store_changes_nothing(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store *store = fixture_open(fixture);
	struct imagedb_store_writer *writer = NULL;
	uint64_t number = fixture_put(store, "id", 200);

	imagedb_store_close(&store);
	assert_int_equal(imagedb_store_open(fixture->folder, IMAGEDB_STORE_READ_ONLY, &store, NULL), 0);
	fixture_check(store, "id", 200);
	assert_int_equal(imagedb_store_begin(store, "x", NULL, IMAGEDB_STORE_LAYERS, &writer), -EROFS);
	assert_int_equal(imagedb_store_touch(store, number, NULL), -EROFS);
	assert_int_equal(imagedb_store_remove(store, number), -EROFS);
	imagedb_store_close(&store);
}

static void test_same_identity_replaces_and_number_changes(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	struct imagedb_store_set *set = NULL;
	struct imagedb_store_totals totals;
	uint64_t first = fixture_put(store, "id", 300), second = fixture_put(store, "id", 100);
	uint32_t next = 0;

	assert_int_not_equal(first, second);
	assert_int_equal(imagedb_store_get_number(store, first, &set), -ENOENT);
	assert_int_equal(imagedb_store_files(store, first, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next), -ENOENT);
	fixture_check(store, "id", 100);
	assert_int_equal(imagedb_store_totals(store, &totals), 0);
	assert_int_equal(totals.sets, 1);
	assert_int_equal(totals.files, 100);
	assert_int_equal(totals.digests, 10);
	imagedb_store_close(&store);
}

static void test_unfinished_set_is_not_seen_and_leaves_nothing(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	struct imagedb_store_totals before, during, after;
	struct imagedb_store_writer *writer = NULL;
	struct imagedb_store_set *set = NULL;
	struct made_file made;

	fixture_put(store, "other", 10);
	assert_int_equal(imagedb_store_totals(store, &before), 0);
	assert_int_equal(imagedb_store_begin(store, "id", NULL, IMAGEDB_STORE_LAYERS, &writer), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		made_make(i, &made);
		assert_int_equal(imagedb_store_add(writer, &made.file), 0);
	}
	fixture_put(store, "another", 10); /* collects garbage, and must not take this for some */
	assert_int_equal(imagedb_store_totals(store, &during), 0);
	assert_true(during.used_bytes > before.used_bytes + (2 << 20));
	assert_int_equal(imagedb_store_get(store, "id", &set), -ENOENT);
	imagedb_store_abort(&writer);
	assert_int_equal(imagedb_store_totals(store, &after), 0);
	assert_true(after.used_bytes < before.used_bytes + 100000);
	fixture_check(store, "other", 10);
	imagedb_store_close(&store);
}

static void test_values_out_of_range_are_refused(void **state)
{
	static char longest[IMAGEDB_MAX_PATH + 2], interpreter[IMAGEDB_MAX_INTERP + 2], name[258];
	struct imagedb_store *store = fixture_open(*state);
	struct imagedb_store_writer *writer = NULL;
	struct made_file made;
	const char *needed = name;

	memset(longest, 'a', sizeof(longest) - 1);
	memset(interpreter, 'b', sizeof(interpreter) - 1);
	memset(name, 'c', sizeof(name) - 1);
	assert_int_equal(imagedb_store_begin(store, "", NULL, IMAGEDB_STORE_LAYERS, &writer), -EINVAL);
	assert_int_equal(imagedb_store_begin(store, "id", longest, IMAGEDB_STORE_LAYERS, &writer), -ENAMETOOLONG);
	assert_int_equal(imagedb_store_begin(store, "id", NULL, _IMAGEDB_STORE_SOURCE_MAX, &writer), -EINVAL);
	assert_int_equal(imagedb_store_begin(store, "id", NULL, IMAGEDB_STORE_LAYERS, &writer), 0);
#define REFUSED(field, value, error)                                                  \
	do {                                                                          \
		made_make(8, &made);                                                  \
		made.file.field = value;                                              \
		assert_int_equal(imagedb_store_add(writer, &made.file), error);       \
	} while (0)
	REFUSED(path_len, 0, -ENAMETOOLONG);
	REFUSED(path_len, IMAGEDB_MAX_PATH + 1, -ENAMETOOLONG);
	REFUSED(path_len, made.file.path_len + 1, -EINVAL); /* a NUL in it */
	REFUSED(kind, _IMAGEDB_KIND_MAX, -EINVAL);
	REFUSED(flags, 8, -EINVAL);
	REFUSED(interpreter, interpreter, -EINVAL);
	REFUSED(interpreter_arg, interpreter, -EINVAL);
	REFUSED(soname, name, -EINVAL);
	REFUSED(needed_count, IMAGEDB_STORE_MAX_NEEDED + 1, -EINVAL);
	REFUSED(needed, &needed; made.file.needed_count = 1, -EINVAL);
	REFUSED(ctime.tv_nsec, 1000000000, -EINVAL);
	REFUSED(digest.algorithms, 4, -EINVAL);
#undef REFUSED
	longest[IMAGEDB_MAX_PATH] = '\0';
	interpreter[IMAGEDB_MAX_INTERP] = '\0';
	made_make(0, &made);
	made.file.path = longest;
	made.file.path_len = IMAGEDB_MAX_PATH;
	made.file.interpreter = interpreter;
	assert_int_equal(imagedb_store_add(writer, &made.file), 0);
	imagedb_store_abort(&writer);
	imagedb_store_close(&store);
}

static int keep_number(const struct imagedb_store_file *file, void *data)
{
	*(uint32_t *)data = file->number;
	return 7;
}

static void test_file_is_found_by_its_path(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	uint64_t number = fixture_put(store, "id", 5000);
	struct made_file made;
	uint32_t found;

	for (uint32_t i = 0; i < 5000; i += 7) {
		made_make(i, &made);
		found = UINT32_MAX;
		assert_int_equal(imagedb_store_find_path(store, number, made.path, strlen(made.path), keep_number, &found), 7);
		assert_int_equal(found, i);
	}
	assert_int_equal(imagedb_store_find_path(store, number, "no/such", 7, keep_number, &found), -ENOENT);
	assert_int_equal(imagedb_store_find_path(store, number, made.path, strlen(made.path) - 1, keep_number, &found), -ENOENT);
	assert_int_equal(imagedb_store_find_path(store, number + 1, made.path, strlen(made.path), keep_number, &found), -ENOENT);
	imagedb_store_close(&store);
}

static void test_digest_is_found_by_inode_only_if_nothing_changed(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	uint64_t number = fixture_put(store, "id", 3000);
	struct imagedb_store_inode inode;
	struct imagedb_digest digest;
	struct made_file made;
	struct timespec ctime;

	fixture_put(store, "without", 5);
	for (uint32_t i = 9; i < 3000; i += 10) {
		made_make(i, &made);
		if (made.file.inode.ino == 0)
			continue;
		for (int any = 0; any < 2; any++) {
			memset(&digest, 0, sizeof(digest));
			assert_int_equal(imagedb_store_find_digest(store, any ? 0 : number, &made.file.inode, made.file.size,
								   made.file.ctime, &digest), 0);
			assert_int_equal(digest.algorithms, made.file.digest.algorithms);
			assert_int_equal(digest.size, made.file.size);
			assert_memory_equal(digest.sha256, made.file.digest.sha256, sizeof(digest.sha256));
		}
		ctime = made.file.ctime;
		ctime.tv_nsec++;
		assert_int_equal(imagedb_store_find_digest(store, number, &made.file.inode, made.file.size, ctime, &digest), -ENOENT);
		assert_int_equal(imagedb_store_find_digest(store, number, &made.file.inode, made.file.size + 1, made.file.ctime, &digest), -ENOENT);
		inode = made.file.inode;
		inode.generation++;
		assert_int_equal(imagedb_store_find_digest(store, 0, &inode, made.file.size, made.file.ctime, &digest), -ENOENT);
	}
	made_make(1, &made); /* has an inode, but no digest */
	assert_int_equal(imagedb_store_find_digest(store, 0, &made.file.inode, made.file.size, made.file.ctime, &digest), -ENOENT);
	imagedb_store_close(&store);
}

static int count_file(const struct imagedb_store_file *file, void *data)
{
	assert_int_equal(file->digest.algorithms, 0);
	(*(uint32_t *)data)++;
	return 0;
}

static void test_digests_are_added_until_none_is_missing(void **state)
{
	enum { FILES = 2000 };
	static struct imagedb_store_digest_update updates[FILES];
	struct imagedb_store *store = fixture_open(*state);
	uint64_t number = fixture_put(store, "id", FILES);
	struct imagedb_store_set *set = NULL;
	struct made_file made;
	uint32_t n = 0;

	assert_int_equal(imagedb_store_files(store, number, IMAGEDB_STORE_WITHOUT_DIGEST, 0, count_file, &n), 0);
	assert_int_equal(n, FILES - FILES / 10);
	for (uint32_t i = 0; i < FILES; i++) {
		made_make(i, &made);
		updates[i] = (struct imagedb_store_digest_update){ .number = i, .size = made.file.size, .ctime = made.file.ctime };
		made_digest(i, made.file.size, &updates[i].digest);
	}
	updates[5].size++;
	updates[6].ctime.tv_sec++;
	updates[7].digest.size++;
	updates[8].number = FILES;
	assert_int_equal(imagedb_store_set_digests(store, number, updates, FILES), 0);
	for (uint32_t i = 0; i < FILES; i++)
		assert_int_equal(updates[i].stored, i < 5 || i > 8);
	assert_int_equal(imagedb_store_get_number(store, number, &set), 0);
	assert_int_equal(set->digests, FILES - 4);
	imagedb_store_set_free(&set);
	n = 0;
	assert_int_equal(imagedb_store_files(store, number, IMAGEDB_STORE_WITHOUT_DIGEST, 0, count_file, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(imagedb_store_set_digests(store, number + 1, updates, 1), -ENOENT);
	imagedb_store_close(&store);
}

static int stop_at(const struct imagedb_store_file *file, void *data)
{
	return file->number == *(uint32_t *)data ? -EUCLEAN : 0;
}

static void test_walk_starts_where_asked_and_ends_with_the_callback(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	uint64_t number = fixture_put(store, "id", 1000);
	uint32_t next = 437, stop = 800;

	assert_int_equal(imagedb_store_files(store, number, IMAGEDB_STORE_ALL, 437, fixture_compare_file, &next), 0);
	assert_int_equal(next, 1000);
	assert_int_equal(imagedb_store_files(store, number, IMAGEDB_STORE_ALL, 1000, fixture_compare_file, &next), 0);
	assert_int_equal(next, 1000);
	assert_int_equal(imagedb_store_files(store, number, IMAGEDB_STORE_ALL, 0, stop_at, &stop), -EUCLEAN);
	fixture_check(store, "id", 1000); /* the callback's -EUCLEAN is its own */
	imagedb_store_close(&store);
}

struct labels {
	char text[256];
};

static int add_label(const struct imagedb_store_set *set, void *data)
{
	struct labels *labels = data;

	strcat(strcat(labels->text, set->label), " ");
	return 0;
}

static void test_least_recently_used_sets_go_first(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	struct labels labels = { 0 };
	uint64_t numbers[5];
	uint32_t removed = 99;
	char text[16];

	for (size_t i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		numbers[i] = fixture_put(store, text, 50);
		assert_int_equal(imagedb_store_touch(store, numbers[i], text), 0);
	}
	assert_int_equal(imagedb_store_touch(store, numbers[1], NULL), 0);
	assert_int_equal(imagedb_store_list(store, add_label, &labels), 0);
	assert_string_equal(labels.text, "1 4 3 2 0 ");
	assert_int_equal(imagedb_store_trim(store, 0, 0, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(imagedb_store_trim(store, 3, 0, &removed), 0);
	assert_int_equal(removed, 2);
	labels.text[0] = '\0';
	assert_int_equal(imagedb_store_list(store, add_label, &labels), 0);
	assert_string_equal(labels.text, "1 4 3 ");
	assert_int_equal(imagedb_store_trim(store, 0, 1, &removed), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(imagedb_store_remove(store, numbers[0]), -ENOENT);
	assert_int_equal(imagedb_store_remove(store, numbers[1]), 0);
	labels.text[0] = '\0';
	assert_int_equal(imagedb_store_list(store, add_label, &labels), 0);
	assert_string_equal(labels.text, "");
	imagedb_store_close(&store);
}

static void test_space_of_removed_sets_is_used_again(void **state)
{
	struct imagedb_store *store = fixture_open(*state);
	struct imagedb_store_totals first, last;

	fixture_put(store, "id", 3000);
	fixture_put(store, "id", 3000);
	assert_int_equal(imagedb_store_totals(store, &first), 0);
	for (int i = 0; i < 30; i++)
		fixture_put(store, "id", 3000);
	assert_int_equal(imagedb_store_totals(store, &last), 0);
	assert_in_range(last.used_bytes, first.used_bytes / 2, first.used_bytes + first.used_bytes / 4);
	assert_true(last.file_bytes < 4 * first.file_bytes);
	imagedb_store_close(&store);
	store = fixture_open(*state); /* is sound after all that */
	fixture_check(store, "id", 3000);
	imagedb_store_close(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_comes_back_as_it_was_stored),
		TEST(test_first_opening_creates_and_second_does_not),
		TEST(test_second_opening_in_one_process_is_refused),
		TEST(test_folder_that_others_can_write_is_refused),
		TEST(test_read_only_store_changes_nothing),
		TEST(test_same_identity_replaces_and_number_changes),
		TEST(test_unfinished_set_is_not_seen_and_leaves_nothing),
		TEST(test_values_out_of_range_are_refused),
		TEST(test_file_is_found_by_its_path),
		TEST(test_digest_is_found_by_inode_only_if_nothing_changed),
		TEST(test_digests_are_added_until_none_is_missing),
		TEST(test_walk_starts_where_asked_and_ends_with_the_callback),
		TEST(test_least_recently_used_sets_go_first),
		TEST(test_space_of_removed_sets_is_used_again),
	};

	return cmocka_run_group_tests_name("imagedb_store", tests, NULL, NULL);
}
