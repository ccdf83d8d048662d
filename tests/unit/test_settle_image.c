// SPDX-License-Identifier: Apache-2.0
/*
 * The files behind a comparison, with real children: this process's root is the container's, a folder that repeats the path is its
 * layer, and the kernel half is played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "enforcer/settle_image.h"
#include "enforcer/settle_learn.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"
#include "imagedb/imagedb.h"
#include "imagedb/layers.h"

static struct fixture {
	char folder[32], path[64], image_path[128];
	char *layers;
	struct workers *workers;
	struct settle_image image;
	struct settle_ops ops;
	struct settle_file file;
	atomic_bool stop;
	uint32_t kind; /* what the kernel half was told */
	unsigned int ends;
} f;

static void put(const char *path, const char *text)
{
	_cleanup_(close_file) FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
}

static uint64_t ctime_of(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st->st_ctim.tv_nsec;
}

/* The kernel half: the copy is the descriptor's file, the image's is the layer's. */
static int ask_fake(int fd, const struct hf_settling *question, struct hf_settling *ret, void *data)
{
	struct stat st, image;

	assert_ptr_equal(data, &f.image);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(stat(f.image_path, &image), 0);
	*ret = *question;
	ret->bytes = (uint64_t)st.st_size;
	ret->ctime_ns = ctime_of(&st);
	ret->image.ino = image.st_ino;
	ret->image_bytes = (uint64_t)image.st_size;
	ret->image_ctime_ns = ctime_of(&image);
	ret->status = HF_SETTLE_BEGUN;
	if (question->question == HF_SETTLE_END) {
		ret->status = HF_SETTLE_DONE;
		f.kind = question->kind;
		f.ends++;
	}
	return 0;
}

static int set_up(void **state)
{
	struct workers_options options = { 0 };
	char path[128], why[WORKERS_ERROR_BYTES] = "";

	(void)state;
	f = (struct fixture){ 0 };
	strcpy(f.folder, "/tmp/hf-settle-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	snprintf(path, sizeof(path), "%s/layer", f.folder);
	mkdir(path, 0755);
	assert_int_equal(imagedb_layers_of_list(path, &f.layers), 0);
	strcat(path, "/tmp");
	mkdir(path, 0755);
	strcat(path, f.folder + strlen("/tmp"));
	mkdir(path, 0755);
	snprintf(f.path, sizeof(f.path), "%s/prog", f.folder);
	snprintf(f.image_path, sizeof(f.image_path), "%s/layer%s", f.folder, f.path);
	if (workers_new(&options, &f.workers, why))
		fail_msg("%s", why);
	f.image = (struct settle_image){ .workers = f.workers, .stop = &f.stop };
	settle_image_ops(&f.image, &f.ops);
	f.ops.ask = ask_fake;
	f.file = (struct settle_file){ .place = { .container = 42, .pid = getpid(), .layers = f.layers }, .path = f.path + 1 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	settle_image_rest(&f.image);
	workers_free(&f.workers);
	free(f.layers);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", f.folder, NULL);
		_exit(1);
	}
	wait(NULL);
	return 0;
}

/* A clock behind which every file is old. */
static uint64_t late(void *data)
{
	(void)data;
	return clock_ns(CLOCK_REALTIME) + 60 * NSEC_PER_SEC;
}

static void test_equal_bytes_are_equal(void **state)
{
	static const struct {
		const char *image, *copy;
		uint32_t kind;
	} rows[] = {
		{ "some bytes", "some bytes", HF_SETTLED_EQUAL },
		{ "some bytes", "some bytez", HF_SETTLED_DIFFERENT },
		{ "some bytes", "some byte", HF_SETTLED_DIFFERENT },
		{ "", "", HF_SETTLED_EQUAL },
	};

	(void)state;
	f.ops.now = late;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put(f.image_path, rows[i].image);
		put(f.path, rows[i].copy);
		f.kind = HF_SETTLED_ASKED;
		assert_int_equal(settle_compare(&f.ops, &f.file), SETTLE_RESULT_DONE);
		assert_int_equal(f.kind, rows[i].kind);
	}
	assert_int_equal(f.ends, ARRAY_SIZE(rows));
	assert_true(f.image.read_bytes > 0);
}

static void test_what_is_young_waits(void **state)
{
	(void)state;
	put(f.image_path, "x");
	put(f.path, "x");
	while (settle_compare(&f.ops, &f.file) == SETTLE_RESULT_LATER)
		assert_int_equal(f.ends, 0);
	assert_int_equal(f.ends, 1);
	assert_int_equal(f.kind, HF_SETTLED_EQUAL);
}

static void test_files_that_cannot_be_had(void **state)
{
	(void)state;
	f.ops.now = late;
	put(f.image_path, "x");
	assert_int_equal(settle_compare(&f.ops, &f.file), SETTLE_RESULT_DONE); /* gone */
	assert_int_equal(mkfifo(f.path, 0600), 0);
	assert_int_equal(settle_compare(&f.ops, &f.file), SETTLE_RESULT_DONE);
	assert_int_equal(unlink(f.path), 0);
	put(f.path, "x");
	f.file.place.pid = 0;
	assert_int_equal(settle_compare(&f.ops, &f.file), SETTLE_RESULT_DONE);
	f.file.place.pid = getpid();
	f.file.place.layers = NULL; /* and no database */
	assert_int_equal(settle_compare(&f.ops, &f.file), SETTLE_RESULT_LATER);
	assert_int_equal(f.ends, 0);
}

static void test_copies_need_the_database(void **state)
{
	struct imagedb_digest digest = { .size = 1 };
	uint32_t entry = 0;

	(void)state;
	assert_int_equal(f.ops.find(&f.file, &digest, &entry, f.ops.data), -ENOENT);
}

static int take_one(const char *path, void *found)
{
	*(bool *)found = path[0] && path[0] != '/';
	return -ENOSPC; /* enough */
}

/* A process that has another root than the container's is on its way into it. */
static void test_a_scan_waits_for_the_root(void **state)
{
	static const struct {
		int64_t dev, ino; /* added to what is right */
		bool on_overlay, found;
		int err;
	} rows[] = {
		{ 0, 0, false, true, -ENOSPC },
		{ 0, 1, false, false, -EAGAIN },
		{ 0, 1, true, true, -ENOSPC },
		{ 1, 0, false, false, -EAGAIN },
		{ 1, 0, true, false, -EAGAIN },
	};
	struct learn_ops ops;
	struct stat root;

	(void)state;
	assert_int_equal(stat("/", &root), 0);
	settle_image_learn_ops(&f.image, &ops);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct settle_place place = {
			.pid = getpid(), .on_overlay = rows[i].on_overlay, .root_ino = root.st_ino + (uint64_t)rows[i].ino,
			.root_dev = (uint32_t)((major(root.st_dev) << 20 | minor(root.st_dev)) + rows[i].dev),
		};
		bool found = false;

		assert_int_equal(ops.scan(&place, take_one, &found, &f.image), rows[i].err);
		assert_int_equal(found, rows[i].found);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equal_bytes_are_equal),
		TEST(test_what_is_young_waits),
		TEST(test_files_that_cannot_be_had),
		TEST(test_copies_need_the_database),
		TEST(test_a_scan_waits_for_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
