// SPDX-License-Identifier: Apache-2.0
/* Event files: bounded, rotated, reopened, private, and whole lines whatever happens to the disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "enforcer/event_log.h"
#include "enforcer/event_sink.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)

struct fixture {
	struct loop *loop;
	struct loop_source *limit, *poll;
	struct event_sink *sink;
	char folder[32];
	char file[64], old[72];
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_EMERG);
	strcpy(f->folder, "/tmp/hf-events-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/events", f->folder);
	snprintf(f->old, sizeof(f->old), "%s.1", f->file);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_sink_free(&f->sink);
	loop_unwatch(&f->limit);
	loop_unwatch(&f->poll);
	loop_free(&f->loop);
	unlink(f->file);
	unlink(f->old);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void open_sink(struct fixture *f, uint64_t max_bytes)
{
	assert_int_equal(event_sink_new_file(f->loop, f->file, max_bytes, &f->sink), 0);
}

/* Line i is {"i":i,"pad":"…"} of about n bytes. */
static void write_numbered(struct fixture *f, unsigned int i, unsigned int n)
{
	_cleanup_(free_ptr) char *line = NULL;

	assert_true(asprintf(&line, "{\"i\":%u,\"pad\":\"%0*u\"}", i, (int)n, 0u) > 0);
	event_sink_write(f->sink, line, strlen(line));
}

/* Each line of the file is an object whose "i" counts up by one from first. Their number. */
static unsigned int check_file(const char *path, unsigned int first)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	char line[4096];
	unsigned int n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct json_object *object = json_tokener_parse(line), *number = NULL;

		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_true(json_object_object_get_ex(object, "i", &number));
		assert_int_equal(json_object_get_int(number), first + n++);
		json_object_put(object);
	}
	return n;
}

static void stop_waiting(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (!event_sink_is_failing(f->sink))
		loop_quit(f->loop, 0);
}

static void wait_until_it_works(struct fixture *f)
{
	assert_int_equal(loop_timer(f->loop, 0, NSEC_PER_SEC / 100, stop_waiting, f, &f->poll), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_unwatch(&f->poll);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The limit cuts a line in its middle, as a full disk does. */
static void test_line_cut_by_a_full_disk_is_finished_later(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_sink(f, 0);
	set_file_limit(2500);
	for (unsigned int i = 0; i < 5; i++)
		write_numbered(f, i, 1000);
	assert_true(event_sink_is_failing(f->sink));
	set_file_limit(before.rlim_cur);
	wait_until_it_works(f);
	write_numbered(f, 5, 1000);
	assert_int_equal(check_file(f->file, 0), 6);
	assert_int_equal(event_sink_dropped(f->sink), 0);
	signal(SIGXFSZ, SIG_DFL);
}

/* The cut line is written again as a whole where there is a new file to write to. */
static void test_line_cut_in_the_old_file_is_whole_in_the_new(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_sink(f, 0);
	set_file_limit(1500);
	write_numbered(f, 0, 1000);
	write_numbered(f, 1, 1000);
	set_file_limit(before.rlim_cur);
	assert_int_equal(rename(f->file, f->old), 0);
	assert_int_equal(event_sink_reopen(f->sink), 0);
	assert_int_equal(check_file(f->file, 1), 1);
	assert_false(event_sink_is_failing(f->sink));
	signal(SIGXFSZ, SIG_DFL);
}

static void test_line_cut_by_a_dead_daemon_does_not_spoil_the_next(void **state)
{
	_cleanup_(close_file) FILE *file = NULL;
	struct fixture *f = *state;
	char text[64] = "";

	file = fopen(f->file, "we");
	assert_non_null(file);
	fputs("{\"i\":0}\n{\"i\":", file);
	close_file(&file);
	open_sink(f, 0);
	event_sink_write(f->sink, "{\"i\":1}", 7);
	file = fopen(f->file, "re");
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	assert_string_equal(text, "{\"i\":0}\n{\"i\":\n{\"i\":1}\n");
}

static void test_file_is_bounded_by_rotation(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_sink(f, 5000);
	for (unsigned int i = 0; i < 10; i++)
		write_numbered(f, i, 1000);
	assert_int_equal(stat(f->file, &st), 0);
	assert_true(st.st_size <= 5000);
	assert_int_equal(stat(f->old, &st), 0);
	assert_true(st.st_size <= 5000);
	assert_int_equal(check_file(f->old, 4), 4);
	assert_int_equal(check_file(f->file, 8), 2);
}

static void test_file_that_cannot_be_rotated_stays_bounded(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_sink(f, 2500);
	assert_int_equal(mkdir(f->old, 0700), 0);
	for (unsigned int i = 0; i < 5; i++)
		write_numbered(f, i, 1000);
	assert_true(event_sink_is_failing(f->sink));
	assert_int_equal(stat(f->file, &st), 0);
	assert_true(st.st_size <= 2500);
	assert_int_equal(rmdir(f->old), 0);
	wait_until_it_works(f);
	assert_int_equal(check_file(f->file, 4), 1);
	assert_int_equal(check_file(f->old, 2), 2);
}

static void test_line_larger_than_the_bound_gets_its_own_file(void **state)
{
	struct fixture *f = *state;

	open_sink(f, 100);
	write_numbered(f, 0, 1000);
	write_numbered(f, 1, 1000);
	assert_int_equal(check_file(f->file, 1), 1);
	assert_int_equal(check_file(f->old, 0), 1);
}

static void test_reopen_follows_a_moved_file(void **state)
{
	struct fixture *f = *state;

	open_sink(f, 0);
	write_numbered(f, 0, 10);
	assert_int_equal(rename(f->file, f->old), 0);
	write_numbered(f, 1, 10);
	assert_int_equal(event_sink_reopen(f->sink), 0);
	write_numbered(f, 2, 10);
	assert_int_equal(check_file(f->old, 0), 2);
	assert_int_equal(check_file(f->file, 2), 1);
}

static void test_failed_reopen_keeps_the_old_file(void **state)
{
	struct fixture *f = *state;

	open_sink(f, 0);
	assert_int_equal(rename(f->file, f->old), 0);
	assert_int_equal(symlink("elsewhere", f->file), 0);
	assert_int_equal(event_sink_reopen(f->sink), -ELOOP);
	write_numbered(f, 0, 10);
	assert_int_equal(check_file(f->old, 0), 1);
}

static void test_file_is_private_and_regular(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	struct stat st;

	open_sink(f, 0);
	umask(mask);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	event_sink_free(&f->sink);
	unlink(f->file);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_int_equal(event_sink_new_file(f->loop, f->file, 0, &f->sink), -EINVAL);
	unlink(f->file);
	assert_int_equal(symlink("/dev/null", f->file), 0);
	assert_int_equal(event_sink_new_file(f->loop, f->file, 0, &f->sink), -ELOOP);
	assert_int_equal(event_sink_new_file(f->loop, "/nonexistent-folder/events", 0, &f->sink), -ENOENT);
	assert_int_equal(event_sink_new_file(f->loop, f->folder, 0, &f->sink), -EISDIR);
	assert_null(f->sink);
}

/* A daemon whose first event meets a full disk, in a file that ends in the middle of a line. */
static void test_line_cut_by_a_dead_daemon_stays_apart_on_a_full_disk(void **state)
{
	_cleanup_(close_file) FILE *file = NULL;
	struct fixture *f = *state;
	struct rlimit before;
	char text[64] = "";

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	file = fopen(f->file, "we");
	fputs("{\"i\":", file);
	close_file(&file);
	set_file_limit(5);
	open_sink(f, 0);
	event_sink_write(f->sink, "{\"i\":1}", 7);
	assert_true(event_sink_is_failing(f->sink));
	set_file_limit(before.rlim_cur);
	event_sink_write(f->sink, "{\"i\":2}", 7);
	wait_until_it_works(f);
	file = fopen(f->file, "re");
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	assert_string_equal(text, "{\"i\":\n{\"i\":1}\n{\"i\":2}\n");
	signal(SIGXFSZ, SIG_DFL);
}

/* Cut short by somebody else while a line was half written: its rest alone would be no line. */
static void test_line_cut_in_a_file_that_was_truncated_is_whole(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_sink(f, 0);
	set_file_limit(1500);
	write_numbered(f, 0, 1000);
	write_numbered(f, 1, 1000);
	assert_true(event_sink_is_failing(f->sink));
	set_file_limit(before.rlim_cur);
	assert_int_equal(truncate(f->file, 0), 0);
	wait_until_it_works(f);
	assert_int_equal(check_file(f->file, 1), 1);
	signal(SIGXFSZ, SIG_DFL);
}

static void test_removed_file_is_made_anew(void **state)
{
	struct fixture *f = *state;

	open_sink(f, 0);
	write_numbered(f, 0, 10);
	assert_int_equal(unlink(f->file), 0);
	write_numbered(f, 1, 10);
	assert_int_equal(check_file(f->file, 1), 1);
}

/* No descriptor is left, as with a read-only disk: the daemon starts, and writes when it can. */
static void test_file_that_cannot_be_opened_now_is_opened_later(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;
	int first_free = dup(0);

	close(first_free);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	assert_int_equal(event_sink_new_file(f->loop, "/proc/1/events", 0, &f->sink), -ENOENT);
	none.rlim_cur = (rlim_t)first_free + 1; /* the writer's own */
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(event_sink_new_file(f->loop, f->file, 0, &f->sink), 0);
	assert_true(event_sink_is_failing(f->sink));
	write_numbered(f, 0, 10);
	setrlimit(RLIMIT_NOFILE, &before);
	write_numbered(f, 1, 10);
	wait_until_it_works(f);
	assert_int_equal(check_file(f->file, 0), 2);
}

/* {"type":"lost",…} lines of a file: the sum of their counts. Other lines: *ret_lines. */
static uint64_t sum_lost(const char *path, uint64_t *ret_lines)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	char line[4096];
	uint64_t sum = 0;

	*ret_lines = 0;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct json_object *object = json_tokener_parse(line), *count = NULL, *output = NULL;

		assert_non_null(object);
		if (json_object_object_get_ex(object, "count", &count)) {
			sum += json_object_get_uint64(count);
			assert_true(json_object_object_get_ex(object, "output", &output));
			assert_string_equal(json_object_get_string(output), "file");
		} else {
			++*ret_lines;
		}
		json_object_put(object);
	}
	return sum;
}

static void test_what_a_full_disk_did_not_take_is_told_exactly(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	uint64_t lines, n = 12000, lost;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	open_sink(f, 0);
	write_numbered(f, 0, 1000);
	set_file_limit(1500);
	for (unsigned int i = 1; i < n; i++)
		write_numbered(f, i, 1000);
	assert_true(event_sink_dropped(f->sink) > 0);
	assert_true(event_sink_waiting(f->sink) <= EVENT_SINK_SPOOL_BYTES);
	set_file_limit(before.rlim_cur);
	wait_until_it_works(f);
	lost = sum_lost(f->file, &lines);
	assert_true(lost > 0);
	assert_int_equal(lines + lost, n);
	assert_int_equal(lost, event_sink_dropped(f->sink));
	signal(SIGXFSZ, SIG_DFL);
}

/* Killed with lines in memory: the next daemon knows how many, and tells the file; with nothing in memory it is silent. */
static void test_lines_that_died_with_a_daemon_are_told_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct event_log_options options = { .stdout_fd = -1, .file = f->file };
	struct hf_event_notes notes = { 0 }, killed;
	struct event_log *log = NULL;
	struct rlimit before;
	uint64_t lines;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(event_log_new(f->loop, &options, &log), 0);
	event_log_append(log, "{\"i\":0}", 7); /* before the notes were there */
	event_log_keep_notes(log, &notes);
	set_file_limit(20);
	for (unsigned int i = 1; i < 10; i++)
		event_log_append(log, "{\"i\":1}", 7);
	killed = notes;
	event_log_leave_notes(log); /* an orderly end: no more is written, and nobody touches the notes */
	set_file_limit(before.rlim_cur);
	event_log_append(log, "{}", 2);
	assert_memory_equal(&notes, &killed, sizeof(notes));
	assert_int_equal(killed.lines, 10);
	assert_int_equal(killed.out[EVENT_OUTPUT_FILE], 2);
	assert_int_equal(killed.out[EVENT_OUTPUT_STDOUT], 10); /* nobody wanted them there */
	event_log_free(&log);
	assert_int_equal(truncate(f->file, 16), 0);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(event_log_new(f->loop, &options, &log), 0);
		event_log_keep_notes(log, &killed);
		event_log_append(log, "{\"i\":2}", 7);
		event_log_free(&log);
		assert_int_equal(sum_lost(f->file, &lines), 8);
		assert_int_equal(lines, 3 + life);
		assert_int_equal(killed.out[EVENT_OUTPUT_FILE], killed.lines);
	}
}

/* Killed between an output and the count: the output has one more, which comes again. */
static void test_output_that_is_ahead_is_owed_nothing(void **state)
{
	struct fixture *f = *state;
	struct event_log_options options = { .stdout_fd = -1, .file = f->file };
	struct hf_event_notes notes = { .lines = 5, .out = { 5, 6 } };
	struct event_log *log = NULL;
	uint64_t lines;

	assert_int_equal(event_log_new(f->loop, &options, &log), 0);
	event_log_keep_notes(log, &notes);
	event_log_append(log, "{}", 2);
	event_log_free(&log);
	assert_int_equal(sum_lost(f->file, &lines), 0);
	assert_int_equal(notes.lines, 6);
	assert_int_equal(notes.out[EVENT_OUTPUT_FILE], 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line_cut_by_a_full_disk_is_finished_later),
		TEST(test_line_cut_in_the_old_file_is_whole_in_the_new),
		TEST(test_line_cut_by_a_dead_daemon_does_not_spoil_the_next),
		TEST(test_file_is_bounded_by_rotation),
		TEST(test_file_that_cannot_be_rotated_stays_bounded),
		TEST(test_line_larger_than_the_bound_gets_its_own_file),
		TEST(test_reopen_follows_a_moved_file),
		TEST(test_failed_reopen_keeps_the_old_file),
		TEST(test_file_is_private_and_regular),
		TEST(test_line_cut_by_a_dead_daemon_stays_apart_on_a_full_disk),
		TEST(test_line_cut_in_a_file_that_was_truncated_is_whole),
		TEST(test_removed_file_is_made_anew),
		TEST(test_file_that_cannot_be_opened_now_is_opened_later),
		TEST(test_what_a_full_disk_did_not_take_is_told_exactly),
		TEST(test_lines_that_died_with_a_daemon_are_told_by_the_next),
		TEST(test_output_that_is_ahead_is_owed_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
