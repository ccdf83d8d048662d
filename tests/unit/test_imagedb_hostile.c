// SPDX-License-Identifier: Apache-2.0
/* Trees made to lead a scan astray: links, loops, FIFOs, devices, depth, and a tree that changes under it. */
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/unit/imagedb_tree.h"

#define DEEP_LEVELS	10000
#define RACE_SCANS	400
#define FIFO_RACE_SCANS	3000	/* opening by name instead of by pinned inode is caught about once in 2,000 scans */

static struct found found;

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	found_clear(&found);
	return 0;
}

static int scan(struct tree *tree, struct imagedb_scan_stats *stats)
{
	found_clear(&found);
	return imagedb_scan(tree->fd, NULL, found_add, &found, stats);
}

/* A watch that tells whether anybody really opened an inode; taking hold of it with O_PATH does not count. */
static int watch_opens(struct tree *tree, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	snprintf(path, sizeof(path), "%s/%s", tree->path, name);
	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, path, IN_OPEN) >= 0);
	return fd;
}

static bool was_opened(int watch_fd)
{
	char events[4096];
	ssize_t n = read(watch_fd, events, sizeof(events));

	assert_true(n > 0 || errno == EAGAIN);
	close(watch_fd);
	return n > 0;
}

static void test_scan_follows_no_link(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int dir = tree_mkdir(tree->fd, "dir");

	tree_put_script(dir, "script");
	assert_int_equal(symlinkat("/bin/sh", tree->fd, "to-outside-file"), 0);
	assert_int_equal(symlinkat("/usr/bin", tree->fd, "to-outside-dir"), 0);
	assert_int_equal(symlinkat("../../../../usr/bin", tree->fd, "to-above"), 0);
	assert_int_equal(symlinkat("/proc/self/root", tree->fd, "to-proc"), 0);
	assert_int_equal(symlinkat(".", tree->fd, "loop"), 0);
	assert_int_equal(symlinkat("..", dir, "loop-up"), 0);
	assert_int_equal(symlinkat("self", tree->fd, "self"), 0);
	assert_int_equal(symlinkat("dir/script", tree->fd, "to-inside"), 0);
	close(dir);
	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.symlinks, 8);
	assert_int_equal(stats.directories, 2);
	assert_int_equal(found.count, 1);
	assert_non_null(found_get(&found, "dir/script"));
}

static void make_socket(struct tree *tree, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", tree->path, name);

	assert_in_range(length, 1, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void test_scan_opens_neither_fifo_nor_socket(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int fifo_watch, socket_watch, script_watch;

	assert_int_equal(mkfifoat(tree->fd, "fifo", 0666), 0);
	make_socket(tree, "socket");
	tree_put_script(tree->fd, "script");
	fifo_watch = watch_opens(tree, "fifo");
	socket_watch = watch_opens(tree, "socket");
	script_watch = watch_opens(tree, "script");
	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.skipped_special, 2);
	assert_int_equal(found.count, 1);
	assert_false(was_opened(fifo_watch));
	assert_false(was_opened(socket_watch));
	assert_true(was_opened(script_watch));
}

static void test_scan_opens_no_device(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int watch;

	if (mknodat(tree->fd, "zero", S_IFCHR | 0666, makedev(1, 5)) < 0) {
		print_message("skipped: mknod needs CAP_MKNOD\n");
		skip();
	}
	assert_int_equal(mknodat(tree->fd, "block", S_IFBLK | 0600, makedev(7, 0)), 0);
	tree_put_script(tree->fd, "script");
	watch = watch_opens(tree, "zero");
	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.skipped_special, 2);
	assert_int_equal(found.count, 1);
	assert_false(was_opened(watch));
}

/* Two names that one thread keeps exchanging while the other scans; "stop" ends it. */
struct race {
	int dir_fd;
	const char *first;
	const char *second;
	atomic_bool stop;
	atomic_uint exchanges;
};

static void *exchange_names(void *data)
{
	struct race *race = data;

	while (!atomic_load(&race->stop)) {
		if (renameat2(race->dir_fd, race->first, race->dir_fd, race->second, RENAME_EXCHANGE) == 0)
			atomic_fetch_add(&race->exchanges, 1);
	}
	return NULL;
}

static void race_start(struct race *race, pthread_t *thread)
{
	assert_int_equal(pthread_create(thread, NULL, exchange_names, race), 0);
	while (atomic_load(&race->exchanges) == 0)
		;
}

static void race_stop(struct race *race, pthread_t thread)
{
	atomic_store(&race->stop, true);
	pthread_join(thread, NULL);
}

static void test_file_swapped_for_fifo_is_never_opened(void **state)
{
	struct tree *tree = *state;
	struct race race = { .dir_fd = tree->fd, .first = "a", .second = "b" };
	pthread_t thread;
	int fifo_watch, script_watch;
	size_t seen = 0;

	assert_int_equal(mkfifoat(tree->fd, "a", 0666), 0);
	tree_put_script(tree->fd, "b");
	fifo_watch = watch_opens(tree, "a");
	script_watch = watch_opens(tree, "b");
	race_start(&race, &thread);
	for (int i = 0; i < FIFO_RACE_SCANS; i++) {
		assert_int_equal(scan(tree, NULL), 0);
		seen += found.count;
	}
	race_stop(&race, thread);
	assert_true(seen > 0);
	assert_false(was_opened(fifo_watch));
	assert_true(was_opened(script_watch));
}

static void test_directory_swapped_for_link_is_not_followed(void **state)
{
	struct tree *tree = *state;
	struct race race = { .dir_fd = tree->fd, .first = "a", .second = "b" };
	int dir = tree_mkdir(tree->fd, "a");
	pthread_t thread;
	size_t seen = 0;

	tree_put_script(dir, "inside");
	close(dir);
	assert_int_equal(symlinkat("/usr/bin", tree->fd, "b"), 0);
	race_start(&race, &thread);
	for (int i = 0; i < RACE_SCANS; i++) {
		assert_int_equal(scan(tree, NULL), 0);
		for (size_t j = 0; j < found.count; j++)
			assert_non_null(strstr(found.files[j].path, "/inside"));
		seen += found.count;
	}
	race_stop(&race, thread);
	assert_true(seen > 0);
}

/* Makes a chain of directories with a script at every 1,000th level and two at the end. */
static void make_deep(struct tree *tree, int levels)
{
	int fd = tree_open_dir(tree->fd, ".");

	for (int level = 1; level <= levels; level++) {
		int next = tree_mkdir(fd, "d");

		if (level % 1000 == 0)
			tree_put_script(next, "script");
		/* A sibling on the way, so that the walk has to come back to each such level. */
		if (level % 1000 == 500)
			close(tree_mkdir(next, "side"));
		close(fd);
		fd = next;
	}
	tree_put_script(fd, "last");
	close(fd);
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static rlim_t lowest_free_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return (rlim_t)fd;
}

static size_t longest_path(void)
{
	size_t longest = 0;

	for (size_t i = 0; i < found.count; i++)
		longest = found.files[i].path_len > longest ? found.files[i].path_len : longest;
	return longest;
}

static void test_scan_of_10000_levels_finishes_with_64_descriptors(void **state)
{
	struct rlimit before, low;
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	size_t descriptors = count_descriptors();
	int r;

	make_deep(tree, DEEP_LEVELS);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ .rlim_cur = 64, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	r = scan(tree, &stats);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, 0);
	assert_true(stats.complete);
	assert_int_equal(stats.directories, 1 + DEEP_LEVELS + DEEP_LEVELS / 1000);
	assert_int_equal(found.count, DEEP_LEVELS / 1000 + 1);
	assert_int_equal(longest_path(), 2 * DEEP_LEVELS + strlen("script"));
	assert_int_equal(count_descriptors(), descriptors);
}

static void test_scan_without_descriptors_fails_and_says_why(void **state)
{
	struct rlimit before, low;
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int r;

	make_deep(tree, 40);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ .rlim_cur = lowest_free_descriptor() + 10, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	r = scan(tree, &stats);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
	assert_false(stats.complete);
	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
}

/* A tree whose branches below the kept descriptors all have to be climbed back to. */
static void make_wide_below(struct tree *tree, int depth, int branches)
{
	int fd = tree_open_dir(tree->fd, ".");
	char name[32];

	for (int level = 0; level < depth; level++) {
		int next = tree_mkdir(fd, "d");

		close(fd);
		fd = next;
	}
	for (int i = 0; i < branches; i++) {
		int branch, leaf;

		snprintf(name, sizeof(name), "branch%d", i);
		branch = tree_mkdir(fd, name);
		leaf = tree_mkdir(branch, "leaf");
		tree_put_script(leaf, "script");
		close(leaf);
		close(branch);
	}
	close(fd);
}

static void test_scan_comes_back_to_branches_at_any_depth(void **state)
{
	static const int depths[] = { 0, 1, 29, 30, 31, 32, 33, 34, 64, 1500 };

	(void)state;
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		struct tree *tree = tree_new();
		struct imagedb_scan_stats stats;

		make_wide_below(tree, depths[i], 50);
		assert_int_equal(scan(tree, &stats), 0);
		assert_true(stats.complete);
		assert_int_equal(found.count, 50);
		assert_int_equal(stats.directories, 1 + depths[i] + 100);
		tree_free(tree);
	}
}

/* The callback moves the directory that it was called in to the top of the tree: ".." no longer leads back. */
struct mover {
	struct tree *tree;
	int from_fd;
	bool moved;
};

static int move_directory_away(const struct imagedb_file *file, void *data)
{
	struct mover *mover = data;
	char name[32];

	if (mover->moved)
		return 0;
	assert_non_null(strstr(file->path, "/branch"));
	assert_int_equal(sscanf(strstr(file->path, "/branch"), "/%31[^/]", name), 1);
	assert_int_equal(renameat(mover->from_fd, name, mover->tree->fd, "moved"), 0);
	mover->moved = true;
	return 0;
}

static void test_directory_moved_away_is_counted_and_not_left_by_its_new_parent(void **state)
{
	static const struct {
		int depth;
		bool complete;
	} cases[] = {
		{ 10, true },	/* all descriptors on the way are kept: nothing is lost */
		{ 40, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mover mover = { .tree = tree_new() };
		struct imagedb_scan_stats stats;
		int fd = tree_open_dir(mover.tree->fd, ".");

		make_wide_below(mover.tree, cases[i].depth, 5);
		for (int level = 0; level < cases[i].depth; level++) {
			int next = tree_open_dir(fd, "d");

			close(fd);
			fd = next;
		}
		mover.from_fd = fd;
		assert_int_equal(imagedb_scan(mover.tree->fd, NULL, move_directory_away, &mover, &stats), 0);
		assert_true(mover.moved);
		assert_int_equal(stats.complete, cases[i].complete);
		assert_int_equal(stats.moved > 0, !cases[i].complete);
		if (!cases[i].complete)
			assert_int_equal(stats.reason, IMAGEDB_INCOMPLETE_MOVED);
		else
			assert_int_equal(stats.candidates, 5);
		close(fd);
		tree_free(mover.tree);
	}
}

/* Creates and removes files and directories all the time. */
static void *churn(void *data)
{
	struct race *race = data;
	char name[32];

	for (unsigned int i = 0; !atomic_load(&race->stop); i++) {
		snprintf(name, sizeof(name), "churn%u", i % 64);
		if (mkdirat(race->dir_fd, name, 0755) < 0)
			unlinkat(race->dir_fd, name, i % 3 ? 0 : AT_REMOVEDIR);
		else if (i % 2)
			unlinkat(race->dir_fd, name, AT_REMOVEDIR);
		snprintf(name, sizeof(name), "file%u", i % 64);
		if (symlinkat("/etc", race->dir_fd, name) < 0)
			unlinkat(race->dir_fd, name, 0);
		atomic_fetch_add(&race->exchanges, 1);
	}
	return NULL;
}

static void test_scan_of_changing_directory_always_finds_what_stays(void **state)
{
	struct tree *tree = *state;
	struct race race = { .dir_fd = tree->fd };
	struct imagedb_scan_stats stats;
	pthread_t thread;

	tree_put_script(tree->fd, "stays");
	assert_int_equal(pthread_create(&thread, NULL, churn, &race), 0);
	while (atomic_load(&race.exchanges) == 0)
		;
	for (int i = 0; i < RACE_SCANS; i++) {
		assert_int_equal(scan(tree, &stats), 0);
		assert_non_null(found_get(&found, "stays"));
		assert_int_equal(found.count, 1);
	}
	race_stop(&race, thread);
}

/* As an ordinary user: only the user id of this thread changes, so that the rest of the program keeps its own. */
static void test_unreadable_file_and_directory_are_counted(void **state)
{
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int dir = tree_mkdir(tree->fd, "closed"), r;

	tree_put(tree->fd, "secret", SCRIPT_TEXT, strlen(SCRIPT_TEXT), 0000);
	tree_put_script(tree->fd, "open");
	tree_put_script(dir, "hidden");
	assert_int_equal(fchmod(dir, 0000), 0);
	assert_int_equal(fchmod(tree->fd, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(syscall(SYS_setresuid, -1, 65534, -1), 0);
	r = scan(tree, &stats);
	if (getuid() == 0)
		assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
	assert_int_equal(r, 0);
	assert_int_equal(stats.unreadable, 2);
	assert_false(stats.complete);
	assert_int_equal(stats.reason, IMAGEDB_INCOMPLETE_UNREADABLE);
	assert_int_equal(found.count, 1);
	assert_non_null(found_get(&found, "open"));
	assert_int_equal(fchmod(dir, 0755), 0);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan_follows_no_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_opens_neither_fifo_nor_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_opens_no_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_swapped_for_fifo_is_never_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directory_swapped_for_link_is_not_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_10000_levels_finishes_with_64_descriptors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_without_descriptors_fails_and_says_why, set_up, tear_down),
		cmocka_unit_test(test_scan_comes_back_to_branches_at_any_depth),
		cmocka_unit_test(test_directory_moved_away_is_counted_and_not_left_by_its_new_parent),
		cmocka_unit_test_setup_teardown(test_scan_of_changing_directory_always_finds_what_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreadable_file_and_directory_are_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("imagedb_hostile", tests, NULL, NULL);
}
