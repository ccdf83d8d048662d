// SPDX-License-Identifier: Apache-2.0
/* The pass over images' files: what is told, what is not, and that it goes on where it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/scrub.h"
#include "enforcer/scrub_position.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"
#include "imagedb/layers.h"

#define FILES 4
#define BAD 2 /* this one's recorded digest is another file's */

struct fixture {
	char folder[32], layer[64], store_folder[64], position[64];
	char *identity;
	struct workers *workers;
	struct loop *loop;
	struct imagedb_store *store;
	struct scrub *scrub;
	uint64_t rate, interval;
	atomic_bool stop;
	unsigned int pauses_left; /* until there is something better to do */
	unsigned int found;
	char path[32];
	struct imagedb_digest expected, seen;
};

static void name_of(const struct fixture *f, unsigned int i, char ret[96])
{
	snprintf(ret, 96, "%s/file-%u", f->layer, i);
}

static struct imagedb_digest write_file(const struct fixture *f, unsigned int i, struct stat *ret)
{
	struct imagedb_digest digest;
	char path[96], text[16];
	int fd;

	name_of(f, i, path);
	snprintf(text, sizeof(text), "bytes %u", i);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) > 0 && fstat(fd, ret) == 0);
	assert_int_equal(imagedb_digest_fd(fd, 0, &digest), 0);
	close(fd);
	return digest;
}

/* One set of FILES files and their digests. bad: its digest is not that of its bytes; FILES: none. */
static void fill(struct fixture *f, unsigned int bad)
{
	struct imagedb_store_digest_update updates[FILES];
	struct imagedb_scan_stats stats = { .complete = true };
	struct imagedb_store_writer *writer = NULL;
	uint64_t number;

	assert_int_equal(imagedb_store_begin(f->store, f->identity, "localhost/test", IMAGEDB_STORE_LAYERS, &writer), 0);
	for (unsigned int i = 0; i < FILES; i++) {
		struct imagedb_store_file file = { .kind = IMAGEDB_KIND_SCRIPT, .mode = 0100755 };
		char name[16];
		struct stat st;

		updates[i] = (struct imagedb_store_digest_update){ .number = i, .digest = write_file(f, i, &st) };
		if (i == bad)
			updates[i].digest.sha256[0] ^= 1;
		snprintf(name, sizeof(name), "file-%u", i);
		file.path = name;
		file.path_len = strlen(name);
		file.size = updates[i].size = (uint64_t)st.st_size;
		file.ctime = updates[i].ctime = st.st_ctim;
		file.inode = (struct imagedb_store_inode){ .ino = st.st_ino, .dev = 7, .generation = i };
		assert_int_equal(imagedb_store_add(writer, &file), 0);
	}
	assert_int_equal(imagedb_store_commit(&writer, &stats, &number), 0);
	assert_int_equal(imagedb_store_set_digests(f->store, number, updates, FILES), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct workers_options options = { 0 };
	char why[WORKERS_ERROR_BYTES];

	log_set_level(LOG_EMERG);
	snprintf(f->folder, sizeof(f->folder), "/tmp/hf-scrub-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->layer, sizeof(f->layer), "%s/layer", f->folder);
	snprintf(f->store_folder, sizeof(f->store_folder), "%s/imagedb", f->folder);
	snprintf(f->position, sizeof(f->position), "%s/scrub", f->folder);
	mkdir(f->layer, 0755);
	assert_int_equal(imagedb_layers_of_list(f->layer, &f->identity), 0);
	assert_int_equal(workers_new(&options, &f->workers, why), 0);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(imagedb_store_open(f->store_folder, 0, &f->store, NULL), 0);
	f->rate = 1ull << 30;
	f->interval = 86400;
	f->pauses_left = UINT32_MAX;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	scrub_free(&f->scrub);
	imagedb_store_close(&f->store);
	loop_free(&f->loop);
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

static void on_found(const struct scrub_finding *finding, void *data)
{
	struct fixture *f = data;

	f->found++;
	assert_string_equal(finding->identity, f->identity);
	assert_string_equal(finding->label, "localhost/test");
	snprintf(f->path, sizeof(f->path), "%s", finding->path);
	f->expected = finding->expected;
	f->seen = finding->found;
}

static void on_turn(uint32_t, void *data)
{
	loop_quit(data, 0);
}

/* The main thread has a turn meanwhile. */
static bool on_pause(uint64_t, void *data)
{
	struct fixture *f = data;
	struct loop_source *timer = NULL;

	assert_int_equal(loop_timer(f->loop, 1000000, 0, on_turn, f->loop, &timer), 0);
	loop_run(f->loop);
	loop_unwatch(&timer);
	return f->pauses_left-- == 0;
}

/* A pass, or as much of it as there are pauses left; by a scrub of its own, as after a restart. */
static struct scrub_status go_on(struct fixture *f)
{
	struct scrub_options options = { .file = f->position, .bytes_per_second = f->rate, .interval_s = f->interval,
					 .found = on_found, .data = f };
	struct scrub_work work = { .store = f->store, .workers = f->workers, .stop = &f->stop, .pause = on_pause, .data = f };
	struct scrub_status status;

	assert_int_equal(scrub_new(&options, f->loop, &f->scrub), 0);
	scrub_go_on(f->scrub, &work);
	scrub_get_status(f->scrub, &status);
	scrub_free(&f->scrub);
	return status;
}

static void test_files_that_are_what_they_were_are_silent(void **state)
{
	struct fixture *f = *state;
	struct scrub_status status;

	fill(f, FILES);
	status = go_on(f);
	assert_true(status.enabled && !status.running && status.began_s && status.last_s);
	assert_int_equal(status.files, FILES);
	assert_int_equal(status.bytes, FILES * strlen("bytes 0"));
	assert_int_equal(status.bad, 0);
	assert_int_equal(f->found, 0);
}

static void test_other_bytes_in_an_unchanged_inode_are_found(void **state)
{
	struct fixture *f = *state;
	struct scrub_status status;

	fill(f, BAD);
	status = go_on(f);
	assert_int_equal(status.files, FILES);
	assert_int_equal(status.bad, 1);
	assert_int_equal(f->found, 1);
	assert_string_equal(f->path, "file-2");
	assert_int_equal(f->expected.sha256[0] ^ f->seen.sha256[0], 1);
	assert_memory_equal(f->expected.sha256 + 1, f->seen.sha256 + 1, sizeof(f->seen.sha256) - 1);
}

/* Its catalogue entry does not match any more, which the kernel half sees. */
static void test_a_file_that_says_it_was_changed_is_left_out(void **state)
{
	struct fixture *f = *state;
	char path[96];

	fill(f, BAD);
	name_of(f, BAD, path);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(go_on(f).bad, 0);
	name_of(f, 1, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(f->found, 0);
}

static void test_a_pass_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct scrub_status status;

	fill(f, BAD);
	f->pauses_left = 1;
	status = go_on(f);
	assert_true(status.running);
	assert_int_equal(status.files, 2);
	assert_int_equal(f->found, 0);
	f->pauses_left = UINT32_MAX;
	status = go_on(f);
	assert_false(status.running);
	assert_int_equal(status.files, FILES);
	assert_int_equal(f->found, 1);
}

static void test_the_next_pass_is_due_in_its_time(void **state)
{
	struct fixture *f = *state;
	struct scrub_position position;
	struct scrub_status first;

	fill(f, BAD);
	first = go_on(f);
	assert_int_equal(f->found, 1);
	assert_int_equal(go_on(f).began_s, first.began_s);
	assert_int_equal(f->found, 1);
	scrub_position_load(f->position, &position);
	assert_true(position.done && position.bad == 1 && position.last_bad == 1);
	position.began_s -= f->interval;
	assert_int_equal(scrub_position_save(f->position, &position), 0);
	assert_true(go_on(f).began_s >= first.began_s);
	assert_int_equal(f->found, 2);
	position.began_s = clock_ns(CLOCK_REALTIME) / NSEC_PER_SEC + 1000000; /* the clock was set back */
	assert_int_equal(scrub_position_save(f->position, &position), 0);
	go_on(f);
	assert_int_equal(f->found, 3);
}

static void test_nothing_is_read_when_it_is_off(void **state)
{
	struct fixture *f = *state;

	fill(f, BAD);
	f->rate = 0;
	assert_false(go_on(f).enabled);
	f->rate = 1;
	f->interval = 0;
	assert_false(go_on(f).enabled);
	assert_int_equal(f->found, 0);
	assert_int_not_equal(access(f->position, F_OK), 0);
}

static void test_a_position_that_makes_no_sense_is_none(void **state)
{
	static const char *const texts[] = { "", "holdfast-scrub-1", "holdfast-scrub-2 1 1 00 1 1 1 1 1 1",
					     "holdfast-scrub-1 5 0 zz 1 2 3 4 5 6", "holdfast-scrub-1 x" };
	struct fixture *f = *state;
	struct scrub_position position;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = open(f->position, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_true(fd >= 0 && write(fd, texts[i], strlen(texts[i])) >= 0);
		close(fd);
		memset(&position, 0xff, sizeof(position));
		scrub_position_load(f->position, &position);
		assert_int_equal(position.began_s, 0);
		assert_int_equal(position.next, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_that_are_what_they_were_are_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_bytes_in_an_unchanged_inode_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_file_that_says_it_was_changed_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_pass_goes_on_where_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_next_pass_is_due_in_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_read_when_it_is_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_position_that_makes_no_sense_is_none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
