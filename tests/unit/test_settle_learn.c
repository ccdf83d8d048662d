// SPDX-License-Identifier: Apache-2.0
/* Learning an image's digests, driven with fakes: which files get one, and for how long it is known. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/settle_learn.h"
#include "imagedb/imagedb.h"

#define NAMES_MAX 8
#define NOW (1000 * NSEC_PER_SEC)

/* A file of the image, as the kernel half and the child have it. */
static struct disk_file {
	const char *name;
	bool opened;	    /* for writing, before */
	bool opened_within; /* … while it is read */
	bool gone, foreign, not_executable;
	int hash_err;
	uint8_t digest;
	uint64_t image_ctime_ns;
} disk[NAMES_MAX];

static size_t n_disk;
static int scan_err;
static struct learner *learner;

static const struct disk_file *current;
static unsigned int asked;

static int fake_scan(const struct settle_place *place, learn_found_fn fn, void *found, void *data)
{
	assert_null(data);
	assert_null(place->layers);
	for (size_t i = 0; i < n_disk; i++) {
		int err = fn(disk[i].name, found);

		if (err)
			return err;
	}
	return scan_err;
}

static int fake_open(const struct settle_file *file, void *data)
{
	(void)data;
	current = NULL;
	asked = 0;
	for (size_t i = 0; i < n_disk; i++) {
		if (!strcmp(disk[i].name, file->path))
			current = &disk[i];
	}
	assert_non_null(current);
	return current->gone ? -ENOENT : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int fake_ask(int fd, const struct hf_settling *question, struct hf_settling *ret, void *data)
{
	(void)data;
	assert_true(fd >= 0);
	assert_int_equal(question->question, HF_SETTLE_LEARN);
	assert_int_equal(question->layer_set, 5);
	*ret = *question;
	ret->image = ret->file = (struct hf_settled_key){ .ino = (uint64_t)(current - disk) + 1, .dev = 7 };
	ret->bytes = ret->image_bytes = 3;
	ret->image_ctime_ns = current->image_ctime_ns;
	ret->entry = current->not_executable ? 0 : HF_ENTRY_EXECUTABLE;
	ret->status = current->foreign ? HF_SETTLE_FOREIGN : HF_SETTLE_ORIGINAL;
	if (current->opened || (asked && current->opened_within))
		ret->status = HF_SETTLE_MOVED;
	asked++;
	return 0;
}

static int fake_hash(int fd, const struct hf_settling *state, bool plain, struct imagedb_digest *ret, void *data)
{
	(void)fd;
	(void)data;
	assert_false(plain);
	*ret = (struct imagedb_digest){ .size = state->bytes, .algorithms = IMAGEDB_ALGORITHM_SHA256, .sha256 = { current->digest } };
	return current->hash_err;
}

static const struct learn_ops ops = { .scan = fake_scan, .file = { .open = fake_open, .ask = fake_ask, .hash = fake_hash } };

static int set_up(void **state)
{
	(void)state;
	memset(disk, 0, sizeof(disk));
	n_disk = 0;
	scan_err = 0;
	return learner_new(&ops, &learner);
}

static int tear_down(void **state)
{
	(void)state;
	learner_free(&learner);
	return 0;
}

static void add_disk(struct disk_file file)
{
	disk[n_disk++] = file;
}

static int add_root(uint64_t container)
{
	const struct settle_place place = { .container = container, .layer_set = 5, .root_dev = 7, .layers = "not looked at" };

	return learner_add(learner, &place);
}

static void learn_all(void)
{
	while (learner_due(learner) <= NOW)
		learner_step(learner, NOW);
	assert_int_equal(learner_left(learner), 0);
}

/* What the kernel half tells of the i-th file once it was opened for writing. */
static int digest_of(uint64_t container, size_t i, uint8_t *ret)
{
	struct hf_settling state = { .image = { .ino = i + 1, .dev = 7 }, .image_bytes = 3, .image_ctime_ns = disk[i].image_ctime_ns };
	struct imagedb_digest digest = { 0 };
	int err = learner_digest(learner, container, &state, &digest);

	*ret = digest.sha256[0];
	return err;
}

static void test_only_untouched_files_are_learned(void **state)
{
	static const struct {
		struct disk_file file;
		bool learned;
	} rows[] = {
		{ { .name = "untouched" }, true },
		{ { .name = "opened before", .opened = true }, false },
		{ { .name = "opened while it was read", .opened_within = true }, false },
		{ { .name = "gone", .gone = true }, false },
		{ { .name = "not the image's", .foreign = true }, false },
		{ { .name = "changes", .hash_err = -EAGAIN }, false },
		{ { .name = "the child dies", .hash_err = -EPIPE }, false },
		{ { .name = "the last one" }, true },
	};
	uint8_t digest;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		add_disk(rows[i].file);
		disk[i].digest = (uint8_t)(i + 1);
	}
	assert_int_equal(add_root(1), 0);
	assert_int_equal(learner_left(learner), 1);
	learn_all();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (digest_of(1, i, &digest) != (rows[i].learned ? 0 : -EAGAIN) || digest != (rows[i].learned ? i + 1 : 0))
			fail_msg("%s: digest %u", rows[i].file.name, digest);
	}
}

static void test_what_the_catalogue_has_must_be_the_same(void **state)
{
	uint8_t digest;

	(void)state;
	add_disk((struct disk_file){ .name = "x", .image_ctime_ns = 4 });
	add_root(1);
	learn_all();
	assert_int_equal(digest_of(1, 0, &digest), 0);
	disk[0].image_ctime_ns = 5;
	assert_int_equal(digest_of(1, 0, &digest), -EAGAIN);
}

static void test_what_is_not_read_yet_is_not_known(void **state)
{
	uint8_t digest;

	(void)state;
	add_disk((struct disk_file){ .name = "a" });
	add_disk((struct disk_file){ .name = "b" });
	add_root(1);
	learner_step(learner, NOW); /* the scan */
	assert_int_equal(learner_left(learner), 2);
	learner_step(learner, NOW);
	assert_int_equal(digest_of(1, 0, &digest), 0);
	assert_int_equal(digest_of(1, 1, &digest), -EAGAIN);
}

static void test_a_container_has_its_own(void **state)
{
	uint8_t digest;

	(void)state;
	add_disk((struct disk_file){ .name = "a" });
	add_root(1);
	learn_all();
	assert_int_equal(digest_of(2, 0, &digest), -EAGAIN);
	add_root(2);
	add_root(2);
	learn_all();
	assert_int_equal(digest_of(2, 0, &digest), 0);
	learner_forget(learner, 1);
	learner_forget(learner, 3);
	assert_int_equal(digest_of(1, 0, &digest), -EAGAIN);
	assert_int_equal(digest_of(2, 0, &digest), 0);
}

static void test_copies_are_found_by_digest(void **state)
{
	struct imagedb_digest digest = { .size = 3, .sha256 = { 2 } };
	uint32_t entry;

	(void)state;
	add_disk((struct disk_file){ .name = "program", .digest = 1 });
	add_disk((struct disk_file){ .name = "library", .digest = 2, .not_executable = true });
	assert_int_equal(learner_find(learner, 1, &digest, &entry), -ENOENT);
	add_root(1);
	assert_int_equal(learner_find(learner, 1, &digest, &entry), -EAGAIN);
	learn_all();
	assert_int_equal(learner_find(learner, 1, &digest, &entry), 0);
	assert_int_equal(entry, 0);
	digest.sha256[0] = 1;
	assert_int_equal(learner_find(learner, 1, &digest, &entry), 0);
	assert_int_equal(entry, HF_ENTRY_EXECUTABLE);
	digest.sha256[0] = 3;
	assert_int_equal(learner_find(learner, 1, &digest, &entry), -ENOENT);
	digest = (struct imagedb_digest){ .size = 4, .sha256 = { 1 } };
	assert_int_equal(learner_find(learner, 1, &digest, &entry), -ENOENT);
}

static void test_a_scan_that_fails_keeps_what_it_saw(void **state)
{
	uint8_t digest;

	(void)state;
	add_disk((struct disk_file){ .name = "a" });
	scan_err = -ETIMEDOUT;
	add_root(1);
	learn_all();
	assert_int_equal(digest_of(1, 0, &digest), 0);
}

static void test_a_root_that_is_not_there_yet_is_put_off(void **state)
{
	uint64_t now = NOW, pause;
	uint8_t digest;

	(void)state;
	scan_err = -EAGAIN;
	add_root(1);
	for (int i = 0; i < 20; i++) {
		learner_step(learner, now);
		assert_int_equal(learner_left(learner), 1);
		pause = learner_due(learner) - now;
		assert_in_range(pause, SETTLE_FIRST_NS, SETTLE_LONGEST_NS);
		now += pause;
	}
	assert_int_equal(pause, SETTLE_LONGEST_NS);
	scan_err = 0;
	add_disk((struct disk_file){ .name = "a" });
	learner_step(learner, now - 1);
	assert_int_equal(learner_due(learner), now);
	learner_step(learner, now);
	learner_step(learner, now);
	assert_int_equal(learner_due(learner), UINT64_MAX);
	assert_int_equal(digest_of(1, 0, &digest), 0);
}

static void test_roots_are_bounded(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= LEARN_ROOTS_MAX; i++)
		assert_int_equal(add_root(i), 0);
	assert_int_equal(add_root(LEARN_ROOTS_MAX + 1), -ENOSPC);
	learner_forget(learner, 7);
	assert_int_equal(add_root(LEARN_ROOTS_MAX + 1), 0);
}

static int scan_too_many(const struct settle_place *place, learn_found_fn fn, void *found, void *data)
{
	(void)place;
	(void)data;
	for (size_t i = 0; i < LEARN_FILES_MAX; i++)
		assert_int_equal(fn("x", found), 0);
	return fn("x", found);
}

static void test_files_are_bounded(void **state)
{
	const struct learn_ops many = { .scan = scan_too_many, .file = ops.file };

	(void)state;
	learner_free(&learner);
	assert_int_equal(learner_new(&many, &learner), 0);
	add_root(1);
	learner_step(learner, NOW);
	assert_int_equal(learner_left(learner), LEARN_FILES_MAX);
	learner_forget(learner, 1);
	assert_int_equal(learner_left(learner), 0);
	add_root(2);
	learner_step(learner, NOW);
	assert_int_equal(learner_left(learner), LEARN_FILES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_untouched_files_are_learned),
		TEST(test_what_the_catalogue_has_must_be_the_same),
		TEST(test_what_is_not_read_yet_is_not_known),
		TEST(test_a_container_has_its_own),
		TEST(test_copies_are_found_by_digest),
		TEST(test_a_scan_that_fails_keeps_what_it_saw),
		TEST(test_a_root_that_is_not_there_yet_is_put_off),
		TEST(test_roots_are_bounded),
		TEST(test_files_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
