// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the image store fails once: each call answers -ENOMEM, leaks nothing (LeakSanitizer looks), and what lies
 * on disk afterwards is a sound store with the whole set or none.
 *
 * This program brings its own copy of the store with wrappers in place of the allocator; the linker then takes none of it from
 * the library.
 */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/store_fixture.h"

#define SWEEP_MAX 2000 /* far above what one round allocates */
#define FILES 300

#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#undef strdup
#undef strndup
#define strdup failing_strdup
#define strndup failing_strndup
#include "imagedb/kv.c"
#include "imagedb/kv_check.c"
#include "imagedb/store_files.c"
#include "imagedb/store_key.c"
#include "imagedb/store_open.c"
#include "imagedb/store_sets.c"
#include "imagedb/store_write.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef strndup

static int ignore_set(const struct imagedb_store_set *set, void *data)
{
	(void)set, (void)data;
	return 0;
}

static int ignore_file(const struct imagedb_store_file *file, void *data)
{
	(void)file, (void)data;
	return 0;
}

/* Each call once; the first error ends it. */
static int use_store(struct imagedb_store *store)
{
	struct imagedb_store_digest_update update = { 0 };
	struct imagedb_store_totals totals;
	struct imagedb_store_set *set = NULL;
	struct made_file made;
	uint64_t number;
	int r = fixture_try_put(store, "id", FILES, &number);

	made_make(7, &made);
	update.number = 7;
	if (r == 0)
		r = imagedb_store_touch(store, number, "label");
	if (r == 0)
		r = imagedb_store_files(store, number, IMAGEDB_STORE_ALL, 0, ignore_file, NULL);
	if (r == 0)
		r = imagedb_store_find_path(store, number, made.path, strlen(made.path), ignore_file, NULL);
	if (r == 0)
		r = imagedb_store_set_digests(store, number, &update, 1);
	if (r == 0)
		r = imagedb_store_list(store, ignore_set, NULL);
	if (r == 0)
		r = imagedb_store_totals(store, &totals);
	if (r == 0)
		r = imagedb_store_get(store, "id", &set);
	imagedb_store_set_free(&set);
	return r;
}

static int open_and_use(const struct fixture *fixture)
{
	struct imagedb_store *store = NULL;
	int r = imagedb_store_open(fixture->folder, 0, &store, NULL);

	if (r < 0)
		assert_null(store);
	else
		r = use_store(store);
	imagedb_store_close(&store);
	return r;
}

static void check_store(const struct fixture *fixture)
{
	struct imagedb_store *store = fixture_open(fixture);
	struct imagedb_store_set *set = NULL;

	if (imagedb_store_get(store, "id", &set) == 0)
		fixture_check(store, "id", FILES);
	imagedb_store_set_free(&set);
	imagedb_store_close(&store);
}

static void test_each_allocation_may_fail(void **state)
{
	size_t n;

	for (n = 1; n < SWEEP_MAX; n++) {
		int r;

		allocations = 0;
		fail_at = n;
		r = open_and_use(*state);
		fail_at = 0;
		if (allocations < n) {
			assert_int_equal(r, 0);
			break;
		}
		if (r != -ENOMEM && r != 0) /* 0: only the removal of garbage failed, which is tried again */
			fail_msg("allocation %zu: %s", n, strerror(-r));
		check_store(*state);
	}
	print_message("%zu allocations failed, one after the other\n", n - 1);
	assert_in_range(n, 20, SWEEP_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_allocation_may_fail, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests_name("imagedb_store_alloc", tests, NULL, NULL);
}
