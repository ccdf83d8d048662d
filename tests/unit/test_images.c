// SPDX-License-Identifier: Apache-2.0
/* The image database at work: scans are written, files hashed, work is resumed, and a disk that fails stops nobody. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enforcer/images.h"
#include "enforcer/log.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"
#include "imagedb/layers.h"

#define FILES 300
#define LIMIT_NS (60 * NSEC_PER_SEC)

struct fixture {
	char folder[32], layer[64], store[64];
	char *identity;
	struct workers *workers;
	struct images *images;
	uint64_t rate;
};

static void start(struct fixture *f)
{
	struct images_options options = { .folder = f->store, .workers = f->workers, .bytes_per_second = f->rate };

	assert_int_equal(images_new(&options, &f->images), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct workers_options options = { 0 };
	char why[WORKERS_ERROR_BYTES];

	log_set_level(LOG_EMERG);
	snprintf(f->folder, sizeof(f->folder), "/tmp/hf-images-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->layer, sizeof(f->layer), "%s/layer", f->folder);
	snprintf(f->store, sizeof(f->store), "%s/imagedb", f->folder);
	mkdir(f->layer, 0755);
	assert_int_equal(imagedb_layers_of_list(f->layer, &f->identity), 0);
	assert_int_equal(workers_new(&options, &f->workers, why), 0);
	f->rate = 1ull << 30;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	images_free(&f->images);
	workers_free(&f->workers);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", f->folder, NULL);
		_exit(1);
	}
	wait(NULL);
	free(f->identity);
	free(f);
	return 0;
}

/* As an enrolment would list them; the layer's files are made on the way. */
static struct image_list *make_list(struct fixture *f)
{
	struct image_list *list = image_list_new(f->identity, "localhost/test");
	static const char *const needed[] = { "libc.so.6" };

	for (unsigned int i = 0; i < FILES; i++) {
		struct imagedb_store_file file = { .kind = IMAGEDB_KIND_SCRIPT, .mode = 0100755, .interpreter = "/bin/sh",
						   .needed = needed, .needed_count = 1 };
		char path[96], name[16];
		struct stat st;
		int fd;

		snprintf(name, sizeof(name), "file-%u", i);
		snprintf(path, sizeof(path), "%s/%s", f->layer, name);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		assert_true(fd >= 0 && write(fd, name, strlen(name)) > 0 && fstat(fd, &st) == 0);
		close(fd);
		file.path = name;
		file.path_len = strlen(name);
		file.size = (uint64_t)st.st_size;
		file.ctime = st.st_ctim;
		file.inode = (struct imagedb_store_inode){ .ino = st.st_ino, .dev = 7, .generation = i };
		image_list_add(list, &file);
	}
	list->stats.complete = true;
	return list;
}

static struct images_status await(struct fixture *f, bool (*until)(const struct images_status *))
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + LIMIT_NS;
	struct images_status status = { 0 };

	do {
		images_get_status(f->images, &status);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	} while (!until(&status) && clock_ns(CLOCK_MONOTONIC) < end);
	return status;
}

static bool all_hashed(const struct images_status *s)
{
	return s->files == FILES && s->digests + s->unreadable >= FILES;
}

static bool some_hashed(const struct images_status *s)
{
	return s->digests > 0;
}

static bool is_faulty(const struct images_status *s)
{
	return s->fault[0];
}

static int count(const struct imagedb_store_file *file, void *data)
{
	unsigned int *n = data;
	char name[16];

	snprintf(name, sizeof(name), "file-%u", *n);
	assert_string_equal(file->path, name);
	assert_int_equal(file->inode.generation, *n);
	assert_string_equal(file->interpreter, "/bin/sh");
	assert_string_equal(file->needed[0], "libc.so.6");
	++*n;
	return 0;
}

static void test_scan_is_written_and_hashed(void **state)
{
	struct fixture *f = *state;
	struct image_list *list = make_list(f);
	struct images_status status;
	unsigned int n = 0;

	start(f);
	images_add(f->images, &list);
	assert_null(list);
	status = await(f, all_hashed);
	assert_int_equal(status.sets, 1);
	assert_int_equal(status.digests, FILES);
	assert_int_equal(status.unreadable, 0);
	assert_string_equal(status.fault, "");
	assert_int_equal(images_walk(f->images, f->identity, count, &n), 0);
	assert_int_equal(n, FILES);
	assert_int_equal(images_walk(f->images, "/none=1:2@3.4;", count, &n), -ENOENT);
}

/* The list outlives a restart; what was hashed is not hashed again, what was not is. */
static void test_hashing_goes_on_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct image_list *list = make_list(f);
	struct images_status status;

	f->rate = 200; /* bytes a second: some seconds for all, so that it ends in the middle */
	start(f);
	images_add(f->images, &list);
	status = await(f, some_hashed);
	assert_in_range(status.digests, 1, FILES - 1);
	images_free(&f->images);
	f->rate = 1ull << 30;
	start(f);
	status = await(f, all_hashed);
	assert_int_equal(status.digests, FILES);
}

static void test_changed_files_get_no_digest(void **state)
{
	struct fixture *f = *state;
	struct image_list *list = make_list(f);
	struct images_status status;
	char path[96];

	snprintf(path, sizeof(path), "%s/file-1", f->layer);
	assert_int_equal(chmod(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/file-2", f->layer);
	assert_int_equal(unlink(path), 0);
	start(f);
	images_add(f->images, &list);
	status = await(f, all_hashed);
	assert_int_equal(status.digests, FILES - 2);
	assert_int_equal(status.unreadable, 2);
}

static void test_without_a_disk_it_says_so_and_holds_nobody_up(void **state)
{
	struct fixture *f = *state;
	struct image_list *list;
	struct images_status status;
	unsigned int n = 0;

	snprintf(f->store, sizeof(f->store), "%s/none/imagedb", f->folder);
	start(f);
	status = await(f, is_faulty);
	assert_non_null(strstr(status.fault, "cannot be opened"));
	assert_int_equal(images_walk(f->images, f->identity, count, &n), -ENOENT);
	for (unsigned int i = 0; i < 2 * IMAGES_WAITING_MAX; i++) {
		list = image_list_new(f->identity, NULL);
		images_add(f->images, &list);
		assert_null(list);
	}
}

static void test_too_large_a_list_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct image_list *list = image_list_new(f->identity, NULL);
	char path[4096];
	struct imagedb_store_file file = { .path = path, .path_len = sizeof(path) - 1 };

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (size_t n = 0; n < 2 * IMAGE_LIST_BYTES_MAX; n += sizeof(path))
		image_list_add(list, &file);
	assert_true(list->overflow);
	assert_true(list->room <= IMAGE_LIST_BYTES_MAX);
	start(f);
	images_add(f->images, &list);
	assert_null(list);
	images_add(NULL, &list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scan_is_written_and_hashed),
		TEST(test_hashing_goes_on_after_a_restart),
		TEST(test_changed_files_get_no_digest),
		TEST(test_without_a_disk_it_says_so_and_holds_nobody_up),
		TEST(test_too_large_a_list_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
