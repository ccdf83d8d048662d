// SPDX-License-Identifier: Apache-2.0
/* mountinfo to a container's root: which line it is, whose the overlay is, and what its layers are called. */
#include "enforcer/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "enforcer/util.h"
#include "tests/unit/imagedb_tree.h"

#define DEV (0u << 20 | 77u) /* "0:77" as the kernel holds it */
#define OTHER "35 30 0:76 / /other rw - overlay overlay rw,lowerdir=/usr,upperdir=/u,workdir=/w\n"
#define HEAD "36 30 0:77 / /root rw,relatime "
#define TEXT_BYTES 4096

static void release(struct mounts_root *root)
{
	free(root->upper);
	free(root->layers);
	*root = (struct mounts_root){ 0 };
}

static const struct mounts_place mount_36 = { .dev = DEV, .mount_id = 36, .is_root = true };

static struct mounts_root parse(const char *text, uint64_t mount_id)
{
	struct mounts_place place = { .dev = DEV, .mount_id = mount_id, .is_root = mount_id != 0 };
	struct mounts_root root = { 0 };

	assert_int_equal(mounts_root_parse(text, &place, &root), 0);
	return root;
}

static void test_fields_are_found_behind_optional_ones(void **state)
{
	static const char *const lines[] = {
		OTHER HEAD "- overlay overlay rw,lowerdir=/usr,upperdir=/u/diff,workdir=/w\n" OTHER,
		OTHER HEAD "shared:1 - overlay overlay rw,upperdir=/u/diff,lowerdir=/usr\n",
		HEAD "shared:1 master:2 propagate_from:3 unbindable - overlay none rw,lowerdir+=/usr,upperdir=/u/diff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct mounts_root root = parse(lines[i], 36);

		assert_string_equal(root.type, "overlay");
		assert_true(root.own_overlay);
		assert_string_equal(root.upper, "/u/diff");
		assert_non_null(root.layers);
		assert_memory_equal(root.layers, "/usr=", 5);
		release(&root);
	}
}

static void test_upper_is_unknown_unless_told_clearly(void **state)
{
	static const char *const options[] = {
		"rw,lowerdir=/usr",			 /* none */
		"rw,lowerdir=/usr,upperdir=/u\\040v",	 /* escaped */
		"rw,lowerdir=/x/upperdir=/u,workdir=/w", /* a name that looks like one */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char text[TEXT_BYTES];
		struct mounts_root root;

		snprintf(text, sizeof(text), HEAD "- overlay overlay %s\n", options[i]);
		root = parse(text, 36);
		assert_true(root.own_overlay);
		assert_null(root.upper);
		release(&root);
	}
}

/* An identity is given only where every layer can be told; the first two rows of each group are the twins. */
static void test_layers_are_named_or_never_shared(void **state)
{
	static const struct {
		const char *options;
		bool named;
	} rows[] = {
		{ "lowerdir=/usr:/etc", true },
		{ "lowerdir+=/usr,lowerdir+=/etc", true },
		{ "lowerdir+=/usr,datadir+=/etc", true },
		{ "lowerdir=/usr::/etc", true },
		{ "lowerdir=/usr:etc", false },		/* relative, although there is such a folder */
		{ "lowerdir+=usr", false },
		{ "datadir+=usr,lowerdir+=/usr", false },
		{ "lowerdir=/usr:/e\\072tc", false },	/* escaped */
		{ "lowerdir=/usr:/no/such/folder", false },
		{ "lowerdir=/usr:/etc/passwd", false }, /* no folder */
		{ "lowerdir=/usr:", false },
		{ "lowerdir=:/usr", true }, /* read as data only: still exact */
		{ "lowerdir=::", false },
		{ "lowerdir=", false },
		{ "upperdir=/u", false },
		{ "rw", false },
	};

	(void)state;
	assert_int_equal(chdir("/"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[TEXT_BYTES];
		struct mounts_root root;

		snprintf(text, sizeof(text), HEAD "- overlay overlay rw,%s\n", rows[i].options);
		root = parse(text, 36);
		if ((root.layers != NULL) != rows[i].named)
			fail_msg("%s: %s", rows[i].options, root.layers ? root.layers : "(not named)");
		release(&root);
	}
}

static char *layers_of(const char *options)
{
	char text[TEXT_BYTES];
	struct mounts_root root;

	snprintf(text, sizeof(text), HEAD "- overlay overlay rw,%s\n", options);
	root = parse(text, 36);
	assert_non_null(root.layers);
	free(root.upper);
	return root.layers;
}

static void test_other_stacks_have_other_names(void **state)
{
	static const char *const options[] = {
		"lowerdir=/usr:/etc", "lowerdir=/etc:/usr", "lowerdir=/usr", "lowerdir=/usr::/etc", "lowerdir=/usr:/etc:/usr",
	};
	char *names[ARRAY_SIZE(options)], *same;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		names[i] = layers_of(options[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
	same = layers_of("index=off,lowerdir+=/usr,lowerdir+=/etc,upperdir=/elsewhere");
	assert_string_equal(same, names[0]);
	free(same);
	same = layers_of("lowerdir+=/usr,datadir+=/etc");
	assert_string_equal(same, names[3]);
	free(same);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		free(names[i]);
}

static void test_replaced_folder_is_another_layer(void **state)
{
	struct tree *tree = tree_new();
	char options[PATH_MAX + 64];
	char *before, *again, *after;

	(void)state;
	close(tree_mkdir(tree->fd, "layer"));
	snprintf(options, sizeof(options), "lowerdir=%s/layer", tree->path);
	before = layers_of(options);
	again = layers_of(options);
	assert_string_equal(before, again);
	assert_int_equal(renameat(tree->fd, "layer", tree->fd, "away"), 0);
	close(tree_mkdir(tree->fd, "layer"));
	after = layers_of(options);
	assert_string_not_equal(before, after);
	tree_free(tree);
	free(before);
	free(again);
	free(after);
}

/* The same inode with another change time stands for a folder that got the number of a removed one. */
static void test_same_inode_at_another_time_is_another_layer(void **state)
{
	struct tree *tree = tree_new();
	char options[PATH_MAX + 64];
	struct stat first, st;
	char *before, *after;

	(void)state;
	close(tree_mkdir(tree->fd, "layer"));
	assert_int_equal(fstatat(tree->fd, "layer", &first, 0), 0);
	snprintf(options, sizeof(options), "lowerdir=%s/layer", tree->path);
	before = layers_of(options);
	do { /* the clock of a file system ticks coarsely */
		assert_int_equal(fchmodat(tree->fd, "layer", 0700, 0), 0);
		assert_int_equal(fstatat(tree->fd, "layer", &st, 0), 0);
	} while (st.st_ctim.tv_nsec == first.st_ctim.tv_nsec && st.st_ctim.tv_sec == first.st_ctim.tv_sec);
	assert_int_equal(st.st_ino, first.st_ino);
	after = layers_of(options);
	assert_string_not_equal(before, after);
	tree_free(tree);
	free(before);
	free(after);
}

/* A host that runs from an overlay, and a container whose root is a folder of it. */
static void test_folder_of_an_overlay_does_not_own_it(void **state)
{
	static const char text[] =
		"1 0 0:77 / / rw - overlay overlay rw,lowerdir=/usr,upperdir=/u\n"
		"2 1 0:5 / /proc rw - proc proc rw\n"
		"3 1 0:77 /bundle/rootfs /bundle/rootfs rw - overlay overlay rw,lowerdir=/usr,upperdir=/u\n"
		"4 1 0:77 / /merged rw - overlay overlay rw,lowerdir=/usr,upperdir=/u\n";
	static const struct {
		uint64_t mount_id;
		bool own;
	} rows[] = { { 3, false }, { 0, false }, { 99, false }, { 2, false }, { 4, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mounts_root root = parse(text, rows[i].mount_id);

		assert_string_equal(root.type, "overlay");
		assert_int_equal(root.own_overlay, rows[i].own);
		assert_int_equal(root.layers != NULL, rows[i].own);
		assert_int_equal(root.upper != NULL, rows[i].own);
		release(&root);
	}
}

static void test_other_file_systems_have_no_layers(void **state)
{
	struct mounts_root root = parse("9 1 0:77 / / rw - ext4 /dev/vda rw,lowerdir=/usr,upperdir=/u\n", 9);

	(void)state;
	assert_string_equal(root.type, "ext4");
	assert_false(root.own_overlay);
	assert_null(root.layers);
	assert_null(root.upper);
	root = parse("9 1 0:77 / / rw - a-name-of-a-file-system-that-is-longer-than-any src rw\n", 9);
	assert_int_equal(strlen(root.type), sizeof(root.type) - 1);
}

/* A subvolume's files have a device number of their own, which mountinfo does not list. */
static void test_btrfs_is_found_by_its_mount(void **state)
{
	static const char btrfs[] = OTHER "9 1 0:50 /sub / rw - btrfs /dev/vda rw\n";
	static const char ext4[] = OTHER "9 1 0:50 /sub / rw - ext4 /dev/vda rw\n";
	const struct mounts_place places[] = {
		{ .dev = DEV, .mount_id = 9, .is_root = true },
		{ .dev = DEV, .mount_id = 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct mounts_root root = { 0 };

		assert_int_equal(mounts_root_parse(ext4, &places[i], &root), -ENOENT);
		assert_int_equal(mounts_root_parse(btrfs, &places[i], &root), 0);
		assert_string_equal(root.type, "btrfs");
		assert_false(root.own_overlay);
	}
}

static void test_folder_in_a_known_mount_is_of_its_type(void **state)
{
	const struct mounts_place place = { .dev = DEV, .mount_id = 36 };
	struct mounts_root root = { 0 };

	(void)state;
	assert_int_equal(mounts_root_parse(HEAD "- overlay overlay rw,lowerdir=/usr,upperdir=/u\n", &place, &root), 0);
	assert_string_equal(root.type, "overlay");
	assert_false(root.own_overlay);
	assert_null(root.layers);
}

static void test_broken_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"\n\n\n",
		" - ",
		"36",
		"36 30 0:77 / /root rw overlay overlay rw\n", /* no dash */
		"36 30 0:77 - overlay overlay rw\n",
		"36 30 0x77 / /root rw - overlay overlay rw\n",
		"36 30 :77 / /root rw - overlay overlay rw\n",
		"36 30 0: / /root rw - overlay overlay rw\n",
		HEAD "-",
		HEAD "- ",
		HEAD "- overlay",
		HEAD "- overlay overlay",
		OTHER,
	};
	static const char good[] = HEAD "- overlay overlay rw,lowerdir=/usr\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct mounts_root root = { 0 };
		char text[TEXT_BYTES];

		assert_int_equal(mounts_root_parse(lines[i], &mount_36, &root), -ENOENT);
		assert_null(root.layers);
		snprintf(text, sizeof(text), "%s\n%s", lines[i], good);
		root = parse(text, 36);
		assert_true(root.own_overlay);
		release(&root);
	}
}

static void test_longest_line_is_read_and_longer_is_not(void **state)
{
	static const char head[] = HEAD "- overlay overlay rw,lowerdir=/usr,x=";
	char *text = malloc(MOUNTS_LINE_BYTES_MAX + 3);
	struct mounts_root root = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, 'x', MOUNTS_LINE_BYTES_MAX + 1);
	memcpy(text, head, strlen(head));
	strcpy(text + MOUNTS_LINE_BYTES_MAX, "\n");
	assert_int_equal(mounts_root_parse(text, &mount_36, &root), 0);
	release(&root);
	strcpy(text + MOUNTS_LINE_BYTES_MAX, "x\n");
	assert_int_equal(mounts_root_parse(text, &mount_36, &root), -ENOENT);
	free(text);
}

/* The real file: /proc is the root of its mount, a folder below it is not. */
static void test_real_mountinfo_has_proc(void **state)
{
	_cleanup_(close_fd) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mounts_root root = { 0 };
	struct stat st;

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(fstat(proc, &st), 0);
	assert_int_equal(mounts_root(getpid(), proc, major(st.st_dev) << 20 | minor(st.st_dev), &root), 0);
	assert_string_equal(root.type, "proc");
	release(&root);
	assert_int_equal(mounts_root(getpid(), proc, 0xfffffu, &root), -ENOENT);
	assert_int_equal(mounts_root(-1, proc, 0, &root), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_found_behind_optional_ones),
		cmocka_unit_test(test_upper_is_unknown_unless_told_clearly),
		cmocka_unit_test(test_layers_are_named_or_never_shared),
		cmocka_unit_test(test_other_stacks_have_other_names),
		cmocka_unit_test(test_replaced_folder_is_another_layer),
		cmocka_unit_test(test_same_inode_at_another_time_is_another_layer),
		cmocka_unit_test(test_folder_of_an_overlay_does_not_own_it),
		cmocka_unit_test(test_other_file_systems_have_no_layers),
		cmocka_unit_test(test_btrfs_is_found_by_its_mount),
		cmocka_unit_test(test_folder_in_a_known_mount_is_of_its_type),
		cmocka_unit_test(test_broken_lines_are_passed_over),
		cmocka_unit_test(test_longest_line_is_read_and_longer_is_not),
		cmocka_unit_test(test_real_mountinfo_has_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
