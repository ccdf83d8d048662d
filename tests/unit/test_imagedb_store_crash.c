// SPDX-License-Identifier: Apache-2.0
/*
 * The image store under other processes: killed at any moment, reading and writing at once, with a full disk or a full map.
 * A store that was killed holds the last or the last but one committed state, and nothing half.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include "imagedb/store_internal.h"
#include "tests/unit/store_fixture.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KILLS 60 /* with other seeds: HOLDFAST_SEED */
#define GENERATION_FILES(n) (100 + (n) % 7 * 900)

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static void set_seed(void)
{
	const char *seed = getenv("HOLDFAST_SEED");

	random_state = seed ? strtoull(seed, NULL, 10) : 20262;
}

/* Memory that parent and child share: what the child says it has committed. */
struct shared {
	volatile uint32_t begun, committed;
};

static struct shared *new_shared(void)
{
	void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(shared, MAP_FAILED);
	return shared;
}

/* Replaces one set again and again; generation n has its own number of files. Ends only by being killed. */
static void write_generations(const struct fixture *fixture, struct shared *shared)
{
	struct imagedb_store *store = fixture_open(fixture);

	for (uint32_t n = shared->begun + 1;; n++) {
		uint64_t number;

		shared->begun = n;
		if (fixture_try_put(store, "generations", GENERATION_FILES(n), &number) < 0)
			_exit(1);
		shared->committed = n;
		if (n % 3 == 0)
			imagedb_store_touch(store, number, "touched");
	}
}

static void kill_after(pid_t pid, uint64_t us)
{
	struct timespec pause = { .tv_nsec = (long)us * 1000 };
	int status;

	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* What was begun may be committed before the child could say so. */
static void check_generation(struct imagedb_store *store, struct shared *shared)
{
	struct imagedb_store_set *set = NULL;
	uint32_t files, next = 0;
	int r = imagedb_store_get(store, "generations", &set);

	if (shared->committed == 0 && r == -ENOENT)
		return;
	assert_int_equal(r, 0);
	files = set->files;
	if (files != GENERATION_FILES(shared->committed)) {
		assert_int_equal(files, GENERATION_FILES(shared->begun));
		shared->committed = shared->begun;
	}
	assert_int_equal(imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next), 0);
	assert_int_equal(next, files);
	imagedb_store_set_free(&set);
}

static void test_killed_writer_leaves_a_committed_state(void **state)
{
	struct fixture *fixture = *state;
	struct shared *shared = new_shared();
	struct imagedb_store_report report;
	struct imagedb_store_totals totals;
	struct imagedb_store *store;

	set_seed();
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			write_generations(fixture, shared);
		kill_after(pid, 1000 + random_below(60000));
		store = NULL;
		assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
		assert_false(report.set_aside);
		check_generation(store, shared);
		imagedb_store_close(&store);
	}
	print_message("%d kills, %u generations\n", KILLS, shared->committed);
	assert_true(shared->committed > 5);
	store = fixture_open(fixture);
	assert_int_equal(imagedb_store_totals(store, &totals), 0);
	assert_true(totals.used_bytes < 4 << 20); /* nothing is left of unfinished ones */
	imagedb_store_close(&store);
	munmap(shared, 4096);
}

static void test_killed_while_others_go_on_blocks_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct shared *shared = new_shared();
	struct imagedb_store *store = fixture_open(fixture);

	set_seed();
	for (int i = 0; i < KILLS / 3; i++) {
		pid_t pid;

		imagedb_store_close(&store); /* a store must not live across a fork */
		pid = fork();
		if (pid == 0)
			write_generations(fixture, shared);
		store = fixture_open(fixture);
		fixture_put(store, "mine", 500);
		kill_after(pid, random_below(20000));
		fixture_check(store, "mine", 500);
		fixture_put(store, "mine", 600);
		check_generation(store, shared);
	}
	imagedb_store_close(&store);
	munmap(shared, 4096);
}

/* Reads until a set named "stop" is there; every set that it sees must be whole. Exits 0 when all was well. */
static void read_until_stopped(const struct fixture *fixture, unsigned int flags)
{
	struct imagedb_store_set *set = NULL;
	struct imagedb_store *store = NULL;
	unsigned int seen = 0;
	int r;

	do
		r = imagedb_store_open(fixture->folder, flags, &store, NULL);
	while (r == -ENOENT);
	if (r < 0)
		_exit(2);
	while (imagedb_store_get(store, "stop", &set) == -ENOENT) {
		uint32_t next = 0;

		if (imagedb_store_get(store, "generations", &set) == 0) {
			r = imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next);
			if (r != -ENOENT && (r < 0 || next != set->files))
				_exit(3);
			seen += r == 0;
			imagedb_store_set_free(&set);
		}
		if (!(flags & IMAGEDB_STORE_READ_ONLY) && fixture_try_put(store, "reader's", 50, NULL) < 0)
			_exit(4);
	}
	imagedb_store_set_free(&set);
	imagedb_store_close(&store);
	_exit(seen > 0 ? 0 : 5);
}

static void test_readers_and_writers_of_several_processes_see_whole_sets(void **state)
{
	static const unsigned int flags[] = { IMAGEDB_STORE_READ_ONLY, IMAGEDB_STORE_READ_ONLY, 0 };
	struct fixture *fixture = *state;
	pid_t pids[ARRAY_SIZE(flags)];
	struct imagedb_store *store;
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			read_until_stopped(fixture, flags[i]);
	}
	store = fixture_open(fixture);
	for (uint32_t n = 0; n < 40; n++)
		fixture_put(store, "generations", GENERATION_FILES(n));
	fixture_put(store, "stop", 1);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	imagedb_store_close(&store);
}

static void test_damage_is_not_set_aside_while_another_process_has_it_open(void **state)
{
	struct fixture *fixture = *state;
	struct imagedb_store_report report;
	struct imagedb_store *store = fixture_open(fixture);
	int ready[2], end[2], status, fd;
	char path[256], byte = 0;
	pid_t pid;

	imagedb_store_close(&store);
	assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(end, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		store = fixture_open(fixture);
		close(end[1]);
		_exit(write(ready[1], "x", 1) == 1 && read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fixture_path(fixture, FIXTURE_FILE, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\1\2\3\4", 4, 16), 4);
	assert_int_equal(pwrite(fd, "\1\2\3\4", 4, 4096 + 16), 4);
	close(fd);
	store = NULL;
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), -EUCLEAN);
	assert_non_null(strstr(report.message, "another process"));
	close(end[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(imagedb_store_open(fixture->folder, 0, &store, &report), 0);
	assert_true(report.set_aside);
	imagedb_store_close(&store);
	close(ready[0]);
	close(ready[1]);
}

/* --- bounds ----------------------------------------------------------------------------------------------------- */

struct fill {
	uint32_t from, n;
	uint8_t *value;
};

enum { VALUE_BYTES = 64 << 10 };

static int put_values(struct imagedb_kv_txn *txn, void *data)
{
	const struct fill *fill = data;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < fill->n; i++) {
		struct imagedb_key key = imagedb_key_number(IMAGEDB_TABLE_FILES, fill->from + i);

		r = imagedb_kv_put(txn, imagedb_key_bytes(&key), (struct imagedb_bytes){ fill->value, VALUE_BYTES });
	}
	return r;
}

static int count_entries(struct imagedb_kv *kv)
{
	uint64_t used, file, entries = 0;

	assert_int_equal(imagedb_kv_usage(kv, &used, &file, &entries), 0);
	return (int)entries;
}

static void test_map_grows_up_to_its_bound_and_says_so(void **state)
{
	const struct fixture *fixture = *state;
	struct fill fill = { .n = 100, .value = calloc(1, VALUE_BYTES) };
	struct imagedb_kv *kv = NULL;
	char path[256];
	int r = 0, status;
	pid_t pid;

	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	fixture_path(fixture, FIXTURE_FILE, path);
	assert_int_equal(imagedb_kv_open(path, false, 3 * IMAGEDB_KV_FIRST_BYTES, &kv), 0);
	imagedb_kv_close(&kv);
	pid = fork(); /* reads while the file outgrows its map */
	if (pid == 0) {
		int before = 0, now;

		if (imagedb_kv_open(path, true, 3 * IMAGEDB_KV_FIRST_BYTES, &kv) < 0)
			_exit(1);
		while ((now = count_entries(kv)) < 2000) {
			if (now < before)
				_exit(2);
			before = now;
		}
		_exit(0);
	}
	assert_int_equal(imagedb_kv_open(path, false, 3 * IMAGEDB_KV_FIRST_BYTES, &kv), 0);
	while (r == 0) {
		r = imagedb_kv_write(kv, put_values, &fill);
		fill.from += r == 0 ? fill.n : 0;
	}
	assert_int_equal(r, -EFBIG);
	assert_in_range(fill.from, 2000, 3 * IMAGEDB_KV_FIRST_BYTES / VALUE_BYTES);
	assert_int_equal(count_entries(kv), fill.from);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	imagedb_kv_close(&kv);
	free(fill.value);
}

static int fetch_value(struct imagedb_kv_txn *txn, void *data)
{
	struct imagedb_key key = imagedb_key_number(IMAGEDB_TABLE_FILES, 0);
	struct imagedb_bytes value;
	int r = imagedb_kv_get(txn, imagedb_key_bytes(&key), &value);

	(void)data;
	return r < 0 ? r : imagedb_kv_fetch(value);
}

/* What is cut off is what cannot be read: the same fault as a disk that fails. */
static void test_value_that_cannot_be_read_is_an_error(void **state)
{
	const struct fixture *fixture = *state;
	struct fill fill = { .n = 1, .value = calloc(1, VALUE_BYTES) };
	struct imagedb_kv *kv = NULL;
	char path[256];

	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	fixture_path(fixture, FIXTURE_FILE, path);
	assert_int_equal(imagedb_kv_open(path, false, IMAGEDB_KV_FIRST_BYTES, &kv), 0);
	assert_int_equal(imagedb_kv_write(kv, put_values, &fill), 0);
	assert_int_equal(imagedb_kv_read(kv, fetch_value, NULL), 0);
	assert_int_equal(truncate(path, 4 * 4096), 0); /* heads, root, the value's first page */
	assert_int_equal(imagedb_kv_read(kv, fetch_value, NULL), -EIO);
	imagedb_kv_close(&kv);
	free(fill.value);
}

/* Mounts a small tmpfs over the store's folder in a mount namespace of the calling child. */
static bool mount_small(const struct fixture *fixture, const char *options)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mkdir(fixture->folder, 0700) == 0 && mount("tmpfs", fixture->folder, "tmpfs", 0, options) == 0;
}

enum { EXIT_NO_MOUNT = 100 };

/* In a child: fills the disk, makes room again. Returns the line of what was wrong, 0 when all was well. */
static int fill_disk(const struct fixture *fixture)
{
	struct imagedb_store *store = NULL;
	struct imagedb_store_set *set = NULL;
	uint32_t next = 0;
	int r;

	if (!mount_small(fixture, "size=1m,mode=0700"))
		return EXIT_NO_MOUNT;
	if (imagedb_store_open(fixture->folder, 0, &store, NULL) < 0 || fixture_try_put(store, "id", 200, NULL) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if ((r = fixture_try_put(store, "too large", 20000, NULL)) != -ENOSPC)
			return -r;
	if (imagedb_store_get(store, "too large", &set) != -ENOENT || imagedb_store_get(store, "id", &set) < 0)
		return 3;
	if (imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next) < 0 || next != 200)
		return 4;
	if (mount(NULL, fixture->folder, NULL, MS_REMOUNT, "size=16m") < 0)
		return EXIT_NO_MOUNT;
	if (fixture_try_put(store, "too large", 20000, NULL) < 0)
		return 5;
	imagedb_store_set_free(&set);
	imagedb_store_close(&store);
	if (mount(NULL, fixture->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=16m") < 0)
		return EXIT_NO_MOUNT;
	if (imagedb_store_open(fixture->folder, 0, &store, NULL) != -EROFS)
		return 6;
	if (imagedb_store_open(fixture->folder, IMAGEDB_STORE_READ_ONLY, &store, NULL) < 0)
		return 7;
	fixture_check(store, "too large", 20000);
	imagedb_store_close(&store);
	return 0;
}

static void test_full_and_read_only_disk_are_errors_and_pass(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fill_disk(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_MOUNT) {
		print_message("skip: no tmpfs can be mounted here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_large_set_stays_within_300_bytes_a_file(void **state)
{
	enum { FILES = 100000 };
	struct imagedb_store *store = fixture_open(*state);
	struct imagedb_store_totals totals;

	fixture_put(store, "large", FILES);
	assert_int_equal(imagedb_store_totals(store, &totals), 0);
	print_message("%u files: %llu bytes each in use, %llu in the file\n", FILES,
		      (unsigned long long)totals.used_bytes / FILES, (unsigned long long)totals.file_bytes / FILES);
	assert_true(totals.used_bytes / FILES <= 300);
	imagedb_store_close(&store);
	store = fixture_open(*state);
	fixture_check(store, "large", FILES);
	imagedb_store_close(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_killed_writer_leaves_a_committed_state),
		TEST(test_killed_while_others_go_on_blocks_nobody),
		TEST(test_readers_and_writers_of_several_processes_see_whole_sets),
		TEST(test_damage_is_not_set_aside_while_another_process_has_it_open),
		TEST(test_map_grows_up_to_its_bound_and_says_so),
		TEST(test_value_that_cannot_be_read_is_an_error),
		TEST(test_full_and_read_only_disk_are_errors_and_pass),
		TEST(test_large_set_stays_within_300_bytes_a_file),
	};

	return cmocka_run_group_tests_name("imagedb_store_crash", tests, NULL, NULL);
}
