// SPDX-License-Identifier: Apache-2.0
/*
 * The image store and files that are no sound store: foreign, cut off, of another version, with changed bytes anywhere.
 * Whatever is done to the file: no crash, either it is set aside and rebuilt with a message, or what it gives is what was stored,
 * or the set that was hit is dropped; and afterwards the store works.
 */
#include <errno.h>
#include <fcntl.h>

#include "imagedb/store_record.h"
#include "tests/unit/store_fixture.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 4096u
#define SETS 5
#define ROUNDS 250 /* with other seeds: HOLDFAST_SEED */

struct image {
	uint8_t *bytes;
	size_t len;
};

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static struct image read_image(const char *path)
{
	struct image image = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	image.len = (size_t)st.st_size;
	image.bytes = malloc(image.len + 1);
	assert_non_null(image.bytes);
	assert_int_equal(read(fd, image.bytes, image.len), st.st_size);
	close(fd);
	return image;
}

static void write_image(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static const char *set_name(size_t i)
{
	static const char *const names[SETS] = { "/a=1;", "/b=2;", "/c=3;", "/d=4;", "/e=5;" };

	return names[i];
}

static uint32_t set_files(size_t i)
{
	return (uint32_t)(i * i * 60 + 1);
}

/* A store with some history: sets that were replaced and removed, so that there are free pages. */
static struct image make_image(const struct fixture *fixture)
{
	struct imagedb_store *store = fixture_open(fixture);
	struct image image;
	char path[256];

	fixture_put(store, "gone", 1500);
	for (size_t i = 0; i < SETS; i++) {
		fixture_put(store, set_name(i), 100);
		fixture_put(store, set_name(i), set_files(i));
	}
	imagedb_store_remove(store, 1);
	imagedb_store_close(&store);
	fixture_path(fixture, FIXTURE_FILE, path);
	image = read_image(path);
	return image;
}

struct outcome {
	unsigned int aside, dropped, intact;
};

/* What is there is what was stored, or the set is dropped. */
static void read_all(struct imagedb_store *store, struct outcome *outcome)
{
	for (size_t i = 0; i < SETS; i++) {
		struct imagedb_store_set *set = NULL;
		uint32_t next = 0;
		int r = imagedb_store_get(store, set_name(i), &set);

		if (r == 0)
			r = imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next);
		imagedb_store_set_free(&set);
		if (r == 0) {
			assert_int_equal(next, set_files(i));
			outcome->intact++;
			continue;
		}
		if (r != -EUCLEAN && r != -ENOENT)
			fail_msg("set %zu: %s", i, strerror(-r));
		outcome->dropped++;
		if (r == -EUCLEAN)
			assert_int_equal(imagedb_store_get(store, set_name(i), &set), -ENOENT);
	}
}

/* Opens what lies there, looks at everything, and stores something. */
static void use_store(const struct fixture *fixture, struct outcome *outcome, const char *what)
{
	struct imagedb_store_report report;
	struct imagedb_store_totals totals;
	struct imagedb_store *store = NULL;
	char path[256];
	int r = imagedb_store_open(fixture->folder, 0, &store, &report);

	if (r < 0)
		fail_msg("%s: open: %s (%s)", what, strerror(-r), report.message);
	fixture_path(fixture, FIXTURE_FILE ".aside.1", path);
	assert_int_equal(access(path, F_OK) == 0, report.set_aside);
	assert_int_equal(report.message[0] != '\0', report.set_aside);
	if (report.set_aside)
		outcome->aside++;
	else
		read_all(store, outcome);
	assert_int_equal(imagedb_store_totals(store, &totals), 0);
	if (report.set_aside)
		assert_int_equal(totals.sets, 0);
	fixture_put(store, "new", 400);
	fixture_check(store, "new", 400);
	imagedb_store_close(&store);
	store = fixture_open(fixture);
	fixture_check(store, "new", 400);
	imagedb_store_close(&store);
	unlink(path);
}

/* Puts a file in the store's place. */
static void place(const struct fixture *fixture, const uint8_t *bytes, size_t len)
{
	char path[256];

	fixture_path(fixture, FIXTURE_FILE, path);
	write_image(path, bytes, len);
	fixture_path(fixture, FIXTURE_FILE "-lock", path);
	unlink(path);
}

static bool is_tree_page(const struct image *image, size_t page)
{
	const uint8_t *flags = image->bytes + page * PAGE + 10;

	return (flags[0] == 1 || flags[0] == 2 || flags[0] == 8) && flags[1] == 0;
}

/* One change by chance; most of them where the tree is, because that is what is followed blindly. */
static void change(const struct image *image, uint8_t *copy, size_t *len, char what[128])
{
	size_t page = random_below(image->len / PAGE), at, n = 1 + random_below(8);

	for (int tries = 0; tries < 200 && random_below(8) && !is_tree_page(image, page); tries++)
		page = random_below(image->len / PAGE);
	at = page * PAGE + (random_below(2) ? random_below(64) : random_below(PAGE));
	if (at + n > image->len)
		n = image->len - at;
	switch (random_below(6)) {
	case 0:
		*len = random_below(image->len);
		snprintf(what, 128, "cut off at %zu", *len);
		break;
	case 1:
		memset(copy + page * PAGE, random_below(2) ? 0 : 0xff, PAGE);
		snprintf(what, 128, "page %zu wiped", page);
		break;
	case 2:
		memcpy(copy + page * PAGE, image->bytes + random_below(image->len / PAGE) * PAGE, PAGE);
		snprintf(what, 128, "page %zu is a copy of another", page);
		break;
	case 3:
		copy[at] ^= (uint8_t)(1u << random_below(8));
		snprintf(what, 128, "a bit of byte %zu", at);
		break;
	default:
		for (size_t i = 0; i < n; i++)
			copy[at + i] = (uint8_t)random_below(256);
		snprintf(what, 128, "%zu bytes at %zu", n, at);
	}
}

static void test_changed_bytes_are_noticed_or_harmless(void **state)
{
	struct fixture *fixture = *state;
	const char *seed = getenv("HOLDFAST_SEED");
	struct outcome outcome = { 0 };
	struct image image = make_image(fixture);
	uint8_t *copy = malloc(image.len);

	random_state = seed ? strtoull(seed, NULL, 10) : 20261;
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = image.len;
		char what[128];

		memcpy(copy, image.bytes, image.len);
		change(&image, copy, &len, what);
		place(fixture, copy, len);
		use_store(fixture, &outcome, what);
	}
	print_message("%d changes: %u times set aside, sets read: %u intact, %u dropped\n", ROUNDS, outcome.aside,
		      outcome.intact, outcome.dropped);
	assert_true(outcome.aside > ROUNDS / 6);
	assert_true(outcome.dropped > 0);
	assert_true(outcome.intact > outcome.dropped);
	place(fixture, image.bytes, image.len);
	outcome = (struct outcome){ 0 };
	use_store(fixture, &outcome, "unchanged");
	assert_int_equal(outcome.intact, SETS);
	free(copy);
	free(image.bytes);
}

static void test_each_cut_off_page_is_noticed_or_was_free(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = { 0 };
	struct image image = make_image(fixture);
	size_t pages = image.len / PAGE;

	for (size_t page = 1; page < pages; page += 1 + pages / 40) {
		place(fixture, image.bytes, page * PAGE + (page % 2) * 17);
		use_store(fixture, &outcome, "cut off");
	}
	assert_true(outcome.aside > 30);
	free(image.bytes);
}

static void test_foreign_files_are_set_aside(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = { { "x", "cut off" }, { "SQLite format 3", "cut off" }, { "", NULL } };
	const struct fixture *fixture = *state;
	struct imagedb_store_report report;
	struct imagedb_store *store = NULL;
	char path[256];

	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		place(fixture, (const uint8_t *)rows[i].text, strlen(rows[i].text));
		assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
		assert_int_equal(report.set_aside, rows[i].says != NULL);
		if (rows[i].says)
			assert_non_null(strstr(report.message, rows[i].says));
		imagedb_store_close(&store);
	}
	fixture_path(fixture, FIXTURE_FILE, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_non_null(strstr(report.message, "no regular file"));
	imagedb_store_close(&store);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_true(report.set_aside);
	imagedb_store_close(&store);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), -EISDIR);
	assert_null(store);
}

/* Writes one record into a database of its own. */
struct record {
	struct imagedb_bytes key, value;
};

static int put_record(struct imagedb_kv_txn *txn, void *data)
{
	const struct record *record = data;

	return imagedb_kv_put(txn, record->key, record->value);
}

static void make_database(const struct fixture *fixture, struct imagedb_bytes key, struct imagedb_bytes value)
{
	struct record record = { key, value };
	struct imagedb_kv *kv = NULL;
	char path[256];

	mkdir(fixture->folder, 0700);
	fixture_path(fixture, FIXTURE_FILE, path);
	unlink(path);
	assert_int_equal(imagedb_kv_open(path, false, IMAGEDB_STORE_MAX_BYTES, &kv), 0);
	assert_int_equal(imagedb_kv_write(kv, put_record, &record), 0);
	imagedb_kv_close(&kv);
}

static void test_database_of_somebody_else_is_set_aside(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store_report report;
	struct imagedb_store *store = NULL;

	make_database(fixture, (struct imagedb_bytes){ "key", 3 }, (struct imagedb_bytes){ "value", 5 });
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_true(report.set_aside && report.created);
	assert_non_null(strstr(report.message, "none of images"));
	imagedb_store_close(&store);
}

static void test_other_version_is_set_aside_and_named(void **state)
{
	static const uint32_t versions[] = { 0, IMAGEDB_STORE_VERSION + 1, 77 };
	const struct fixture *fixture = *state;
	struct imagedb_key key = imagedb_key_head();
	uint8_t value[IMAGEDB_HEAD_BYTES];
	struct imagedb_store_report report;
	struct imagedb_store *store = NULL;
	char version[32];

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		const struct imagedb_store_head head = { .version = versions[i], .next_number = 1, .next_use = 1 };

		imagedb_head_encode(&head, value);
		make_database(fixture, imagedb_key_bytes(&key), (struct imagedb_bytes){ value, sizeof(value) });
		assert_int_equal(imagedb_store_open(fixture->folder, IMAGEDB_STORE_READ_ONLY, &store, &report), -EUCLEAN);
		assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
		assert_true(report.set_aside && report.created);
		snprintf(version, sizeof(version), "version %u ", versions[i]);
		assert_non_null(strstr(report.message, version));
		imagedb_store_close(&store);
	}
}

static void test_damaged_files_kept_are_bounded_and_newest_first(void **state)
{
	const struct fixture *fixture = *state;
	struct imagedb_store *store;
	struct image image;
	char path[256], text[2] = "1";

	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	for (text[0] = '1'; text[0] <= '5'; text[0]++) {
		place(fixture, (const uint8_t *)text, 1);
		store = fixture_open(fixture);
		imagedb_store_close(&store);
	}
	for (unsigned int i = 1; i <= IMAGEDB_STORE_ASIDE; i++) {
		snprintf(text, sizeof(text), "%u", i);
		snprintf(path, sizeof(path), "%s/%s.aside.%u", fixture->folder, FIXTURE_FILE, i);
		image = read_image(path);
		assert_int_equal(image.len, 1);
		assert_int_equal(image.bytes[0], '6' - i);
		free(image.bytes);
	}
	snprintf(path, sizeof(path), "%s/%s.aside.%u", fixture->folder, FIXTURE_FILE, IMAGEDB_STORE_ASIDE + 1);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_garbage_in_lock_files_does_no_harm(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 4096, 9000 };
	const struct fixture *fixture = *state;
	struct imagedb_store *store = fixture_open(fixture);
	uint8_t bytes[9000];
	char path[256];

	fixture_put(store, "id", 300);
	imagedb_store_close(&store);
	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fixture_path(fixture, FIXTURE_FILE "-lock", path);
		write_image(path, bytes, sizes[i]);
		fixture_path(fixture, "lock", path);
		write_image(path, bytes, sizes[i]);
		store = fixture_open(fixture);
		fixture_check(store, "id", 300);
		imagedb_store_close(&store);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changed_bytes_are_noticed_or_harmless),
		TEST(test_each_cut_off_page_is_noticed_or_was_free),
		TEST(test_foreign_files_are_set_aside),
		TEST(test_database_of_somebody_else_is_set_aside),
		TEST(test_other_version_is_set_aside_and_named),
		TEST(test_damaged_files_kept_are_bounded_and_newest_first),
		TEST(test_garbage_in_lock_files_does_no_harm),
	};

	return cmocka_run_group_tests_name("imagedb_store_damage", tests, NULL, NULL);
}
