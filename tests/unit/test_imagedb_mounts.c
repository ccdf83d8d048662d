// SPDX-License-Identifier: Apache-2.0
/* Mounts below the scanned root: each kind is skipped and counted. In a mount namespace of its own, so nothing stays behind. */
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/imagedb_tree.h"

static struct found found;
static bool can_mount;

static int enter_namespace(void **state)
{
	(void)state;
	can_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return 0;
}

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static const char *path_in(const struct tree *tree, const char *name, char *buffer)
{
	assert_in_range(snprintf(buffer, PATH_MAX, "%.3000s/%s", tree->path, name), 1, PATH_MAX - 1);
	return buffer;
}

/* What a failed test left mounted would keep the tree from being removed. */
static int tear_down(void **state)
{
	static const char *const targets[] = { "bind", "volume", "hosts", "masked", "merged", "." };
	const struct tree *tree = *state;
	char target[PATH_MAX];

	for (size_t i = 0; can_mount && i < sizeof(targets) / sizeof(targets[0]); i++)
		umount2(path_in(tree, targets[i], target), MNT_DETACH | UMOUNT_NOFOLLOW);
	tree_free(*state);
	found_clear(&found);
	return 0;
}

static void need_mounts(void)
{
	if (can_mount)
		return;
	print_message("skipped: a private mount namespace needs CAP_SYS_ADMIN\n");
	skip();
}

static int scan(struct tree *tree, struct imagedb_scan_stats *stats)
{
	int fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	found_clear(&found);
	r = imagedb_scan(fd, NULL, found_add, &found, stats);
	close(fd);
	return r;
}

/* A volume, a bind mount from inside the root itself (same st_dev), and a bind-mounted file such as /etc/hosts. */
static void test_scan_skips_what_is_mounted_below_the_root(void **state)
{
	char source[PATH_MAX], target[PATH_MAX];
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int dir;

	need_mounts();
	dir = tree_mkdir(tree->fd, "original");
	tree_put_script(dir, "script");
	close(dir);
	close(tree_mkdir(tree->fd, "bind"));
	close(tree_mkdir(tree->fd, "volume"));
	tree_put_script(tree->fd, "hosts");
	tree_put_script(tree->fd, "masked");
	tree_put_script(tree->fd, "plain");
	assert_int_equal(mount(path_in(tree, "original", source), path_in(tree, "bind", target), NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("volume", path_in(tree, "volume", target), "tmpfs", 0, NULL), 0);
	dir = open(path_in(tree, "volume", target), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tree_put_script(dir, "script");
	close(dir);
	assert_int_equal(mount(path_in(tree, "plain", source), path_in(tree, "hosts", target), NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("/dev/null", path_in(tree, "masked", target), NULL, MS_BIND, NULL), 0);

	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.skipped_mounts, 4);
	assert_int_equal(found.count, 2);
	assert_non_null(found_get(&found, "plain"));
	assert_non_null(found_get(&found, "original/script"));
	assert_int_equal(umount(path_in(tree, "bind", target)), 0);
	assert_int_equal(umount(path_in(tree, "volume", target)), 0);
	assert_int_equal(umount(path_in(tree, "hosts", target)), 0);
	assert_int_equal(umount(path_in(tree, "masked", target)), 0);

	assert_int_equal(scan(tree, &stats), 0);
	assert_int_equal(stats.skipped_mounts, 0);
	assert_int_equal(found.count, 4);
}

/* The root itself usually is a mount: that one is entered. */
static void test_scan_of_a_mounted_root_finds_its_files(void **state)
{
	char target[PATH_MAX];
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int dir;

	need_mounts();
	assert_int_equal(mount("root", tree->path, "tmpfs", 0, NULL), 0);
	dir = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tree_put_script(dir, "script");
	close(tree_mkdir(dir, "proc"));
	close(dir);
	assert_int_equal(mount("proc", path_in(tree, "proc", target), "proc", 0, NULL), 0);
	assert_int_equal(scan(tree, &stats), 0);
	assert_true(stats.complete);
	assert_int_equal(stats.skipped_mounts, 1);
	assert_int_equal(found.count, 1);
	assert_int_equal(umount2(tree->path, MNT_DETACH), 0);
}

static void mount_overlay(struct tree *tree)
{
	static const char *const folders[] = { "lower", "upper", "work", "merged" };
	char options[PATH_MAX], target[PATH_MAX];
	int lower;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		close(tree_mkdir(tree->fd, folders[i]));
	lower = tree_open_dir(tree->fd, "lower");
	tree_put_script(lower, "kept");
	tree_put_script(lower, "deleted");
	close(lower);
	assert_in_range(snprintf(options, sizeof(options), "lowerdir=%.900s/lower,upperdir=%.900s/upper,workdir=%.900s/work",
				 tree->path, tree->path, tree->path), 1, sizeof(options) - 1);
	if (mount("overlay", path_in(tree, "merged", target), "overlay", 0, options) == 0)
		return;
	print_message("skipped: no overlay mount here: %s\n", strerror(errno));
	skip();
}

static void test_scan_of_overlay_sees_the_merged_tree(void **state)
{
	char target[PATH_MAX];
	struct tree *tree = *state;
	struct imagedb_scan_stats stats;
	int merged, r;

	need_mounts();
	mount_overlay(tree);
	merged = open(path_in(tree, "merged", target), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(merged, "deleted", 0), 0);
	tree_put_script(merged, "added");
	r = imagedb_scan(merged, NULL, found_add, &found, &stats);
	close(merged);
	assert_int_equal(umount(target), 0);
	assert_int_equal(r, 0);
	assert_true(stats.complete);
	assert_int_equal(found.count, 2);
	assert_non_null(found_get(&found, "kept"));
	assert_non_null(found_get(&found, "added"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scan_skips_what_is_mounted_below_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_a_mounted_root_finds_its_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scan_of_overlay_sees_the_merged_tree, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("imagedb_mounts", tests, enter_namespace, NULL);
}
