// SPDX-License-Identifier: Apache-2.0
/* The event file on a disk that takes lines and loses them: it says so when it is asked, and has them all afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "enforcer/event_file.h"
#include "enforcer/util.h"

struct fixture {
	struct event_file file;
	char folder[32], path[64], other[72];
};

static int error;        /* what the disk answers */
static off_t safe_bytes; /* what it had when it was asked last */
static unsigned int asked;

/* The disk. What it refuses reads as zeros from now on, as after a restart. */
int fdatasync(int fd)
{
	static const char lost[65536];
	struct stat st;

	asked++;
	if (fstat(fd, &st) < 0)
		return -1;
	if (!error) {
		safe_bytes = st.st_size;
		return 0;
	}
	if (st.st_size > safe_bytes) {
		int other, n = (int)(st.st_size - safe_bytes);
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		other = open(path, O_WRONLY | O_CLOEXEC);
		assert_true(n <= (int)sizeof(lost) && pwrite(other, lost, (size_t)n, safe_bytes) == n);
		close(other);
	}
	errno = error;
	return -1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	error = 0;
	safe_bytes = 0;
	asked = 0;
	strcpy(f->folder, "/tmp/hf-events-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/events", f->folder);
	snprintf(f->other, sizeof(f->other), "%s.1", f->path);
	f->file = (struct event_file){ .path = f->path, .fd = -1 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_file_close(&f->file);
	unlink(f->path);
	unlink(f->other);
	rmdir(f->folder);
	free(f);
	return 0;
}

static int put(struct fixture *f, const char *line)
{
	return event_file_put(&f->file, line, strlen(line));
}

static void check_text(const char *path, const char *wanted)
{
	char text[256] = "";
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	assert_int_equal(n, strlen(wanted));
	assert_string_equal(text, wanted);
}

static void test_refused_lines_are_written_again_in_their_place(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	assert_false(event_file_is_unsure(&f->file));
	assert_int_equal(put(f, "two\n"), 0);
	assert_int_equal(put(f, "three\n"), 0);
	error = EIO;
	for (int i = 0; i < 3; i++)
		assert_int_equal(event_file_sync(&f->file), -EIO);
	assert_int_equal(put(f, "four\n"), -EIO); /* nothing is added to what is not there */
	error = 0;
	assert_int_equal(put(f, "four\n"), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	check_text(f->path, "one\ntwo\nthree\nfour\n");
}

static void test_disk_that_has_all_is_not_asked(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(event_file_sync(&f->file), 0);
	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	assert_int_equal(asked, 1);
}

/* A file system that knows no such question. */
static void test_disk_that_cannot_be_asked_is_believed(void **state)
{
	static const int errors[] = { EINVAL, ENOSYS, EOPNOTSUPP };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		error = errors[i];
		assert_int_equal(put(f, "one\n"), 0);
		assert_int_equal(event_file_sync(&f->file), 0);
		assert_false(event_file_is_unsure(&f->file));
	}
}

/* Another disk was mounted over the one that fails, or the file was moved away on it. */
static void test_refused_lines_go_to_the_file_that_follows(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	assert_int_equal(put(f, "two\n"), 0);
	assert_int_equal(rename(f->path, f->other), 0);
	error = EIO;
	assert_int_equal(event_file_sync(&f->file), -EIO);
	assert_int_equal(event_file_open(&f->file), 0);
	error = 0;
	assert_int_equal(put(f, "three\n"), 0);
	assert_int_equal(event_file_sync(&f->file), 0);
	check_text(f->path, "two\nthree\n");
}

static void test_file_that_others_cut_is_left_as_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(truncate(f->path, 0), 0);
	error = EIO;
	assert_int_equal(event_file_sync(&f->file), -EIO);
	error = 0;
	assert_int_equal(event_file_sync(&f->file), 0);
	check_text(f->path, "");
	assert_int_equal(put(f, "two\n"), 0);
	check_text(f->path, "two\n");
}

/* A renamed file is not looked at any more. */
static void test_file_is_not_rotated_before_the_disk_has_it(void **state)
{
	struct fixture *f = *state;

	f->file.max_bytes = 10;
	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(put(f, "two\n"), 0);
	error = EIO;
	assert_int_equal(put(f, "three\n"), -EIO);
	error = 0;
	assert_int_equal(put(f, "three\n"), 0);
	check_text(f->other, "one\ntwo\n");
	check_text(f->path, "three\n");
}

/* More than is kept: the disk is waited for. */
static void test_what_is_kept_is_bounded(void **state)
{
	_cleanup_(free_ptr) char *line = malloc(30001);
	struct fixture *f = *state;

	memset(line, 'x', 30000);
	line[29999] = '\n';
	line[30000] = '\0';
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put(f, line), 0);
		assert_true(f->file.unsure_bytes <= EVENT_FILE_UNSURE_BYTES);
	}
	assert_in_range(asked, 10, 15);
}

static void test_lines_lost_at_the_end_are_counted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "one\n"), 0);
	assert_int_equal(put(f, "two\n"), 0);
	error = EIO;
	assert_int_equal(event_file_close(&f->file), 2);
	assert_int_equal(event_file_close(&f->file), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused_lines_are_written_again_in_their_place),
		TEST(test_disk_that_has_all_is_not_asked),
		TEST(test_disk_that_cannot_be_asked_is_believed),
		TEST(test_refused_lines_go_to_the_file_that_follows),
		TEST(test_file_that_others_cut_is_left_as_it_is),
		TEST(test_file_is_not_rotated_before_the_disk_has_it),
		TEST(test_what_is_kept_is_bounded),
		TEST(test_lines_lost_at_the_end_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
