// SPDX-License-Identifier: Apache-2.0
/* The identity of layers: one text for one stack, however its layers are written; none when they cannot be told for sure. */
#include <errno.h>
#include <sys/stat.h>

#include "imagedb/layers.h"
#include "tests/unit/imagedb_tree.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* BASE/snapshots/{1,2,3}/fs, BASE/l/{A,B} -> ../snapshots/{1,2}/fs */
static int set_up(void **state)
{
	struct tree *tree = tree_new();
	int snapshots = tree_mkdir(tree->fd, "snapshots"), links = tree_mkdir(tree->fd, "l");
	static const char *const names[] = { "1", "2", "3" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int dir = tree_mkdir(snapshots, names[i]);

		close(tree_mkdir(dir, "fs"));
		close(dir);
	}
	assert_int_equal(symlinkat("../snapshots/1/fs", links, "A"), 0);
	assert_int_equal(symlinkat("../snapshots/2/fs", links, "B"), 0);
	close(snapshots);
	close(links);
	*state = tree;
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	return 0;
}

/* Replaces each '@' by the tree's path. */
static char *fill(const struct tree *tree, const char *text)
{
	char *filled = calloc(1, strlen(text) * (strlen(tree->path) + 1) + 1);

	assert_non_null(filled);
	for (; *text; text++)
		strncat(filled, *text == '@' ? tree->path : text, *text == '@' ? strlen(tree->path) : 1);
	return filled;
}

static int of_options(const struct tree *tree, const char *options, char **ret)
{
	char *filled = fill(tree, options);
	int r = imagedb_layers_of_options(filled, NULL, ret);

	free(filled);
	return r;
}

static void test_same_layers_have_one_name(void **state)
{
	static const char *const rows[] = {
		"lowerdir=@/snapshots/1/fs:@/snapshots/2/fs",
		"rw,relatime,lowerdir=@/l/A:@/l/B,upperdir=@/x/diff,workdir=@/x/work,index=off",
		"lowerdir=@/l/A:@/snapshots/2/fs",
		"lowerdir+=@/snapshots/1/fs,lowerdir+=@/l/B",
		"lowerdir=@/snapshots/../l/A:@/snapshots//2/fs/",
		"workdir=@/snapshots/3/work,lowerdir=1/fs:2/fs,upperdir=@/snapshots/3/fs", /* containerd, with many layers */
	};
	char *first = NULL, *list = fill(*state, "@/l/A:@/l/B"), *from_list = NULL;

	assert_int_equal(of_options(*state, rows[0], &first), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *identity = NULL;

		if (of_options(*state, rows[i], &identity) != 0)
			fail_msg("%s: none", rows[i]);
		assert_string_equal(identity, first);
		free(identity);
	}
	assert_int_equal(imagedb_layers_of_list(list, &from_list), 0);
	assert_string_equal(from_list, first);
	free(from_list);
	free(list);
	free(first);
}

static void test_layers_that_cannot_be_told_have_none(void **state)
{
	static const char *const rows[] = {
		"", "rw", "upperdir=@/snapshots/3/fs", "lowerdir=", "lowerdir=@/snapshots/1/fs:", "lowerdir=@/none",
		"lowerdir=1/fs:2/fs",					    /* nothing says where */
		"lowerdir=1/fs:2/fs,upperdir=3/fs",			    /* nor here */
		"lowerdir=l/A:l/B,upperdir=@/snapshots/3/fs",		    /* of another shape */
		"lowerdir=1/fs/..:2/fs,upperdir=@/snapshots/3/fs",
		"lowerdir=../fs:1/fs,upperdir=@/snapshots/3/fs",
		"lowerdir=../1/fs,upperdir=@/snapshots/3/fs",
		"lowerdir=1/fs:2/fs,upperdir=@/snapshots\\\\040x/3/fs",
		"lowerdir=1/fs:4/fs,upperdir=@/snapshots/3/fs",		    /* not there */
		"lowerdir=@/snapshots/1/fs\\\\072:@/snapshots/2/fs",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *identity = NULL;
		int r = of_options(*state, rows[i], &identity);

		if (r != -EINVAL)
			fail_msg("%s: %d, %s", rows[i], r, identity);
	}
}

struct seen {
	char text[256];
};

static int note_layer(const struct imagedb_layer *layer, void *data)
{
	struct seen *seen = data;
	size_t len = strlen(layer->path);

	assert_true(len > 4);
	snprintf(seen->text + strlen(seen->text), 32, "%c%s%s ", layer->path[len - 4], layer->data_only ? " data" : "",
		 layer->changed ? " changed" : "");
	return 0;
}

static void test_layers_are_walked_and_a_changed_one_is_named(void **state)
{
	const struct tree *tree = *state;
	struct seen seen = { 0 };
	char *identity = NULL;

	assert_int_equal(of_options(tree, "lowerdir=@/l/A:@/l/B::@/snapshots/3/fs", &identity), 0);
	assert_int_equal(imagedb_layers_each(identity, note_layer, &seen), 0);
	assert_string_equal(seen.text, "1 2 3 data ");
	assert_int_equal(renameat(tree->fd, "snapshots/2/fs", tree->fd, "away"), 0);
	assert_int_equal(mkdirat(tree->fd, "snapshots/2/fs", 0755), 0);
	assert_int_equal(unlinkat(tree->fd, "snapshots/3/fs", AT_REMOVEDIR), 0);
	seen.text[0] = '\0';
	assert_int_equal(imagedb_layers_each(identity, note_layer, &seen), 0);
	assert_string_equal(seen.text, "1 2 changed 3 data changed ");
	free(identity);
}

static void test_text_that_is_no_identity_is_refused(void **state)
{
	static const char *const rows[] = { "", "x", "/usr", "/usr;", "usr=1:2@3;", ";", "data:;", "/usr=1:2@3" };
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		seen.text[0] = '\0';
		assert_int_equal(imagedb_layers_each(rows[i], note_layer, &seen), -EINVAL);
	}
}

static void test_folder_that_is_no_mount_has_no_layers(void **state)
{
	const struct tree *tree = *state;
	struct imagedb_mounted_layers layers;

	assert_int_equal(imagedb_layers_of_mount(tree->fd, &layers), -ENODEV);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_layers_have_one_name),
		TEST(test_layers_that_cannot_be_told_have_none),
		TEST(test_layers_are_walked_and_a_changed_one_is_named),
		TEST(test_text_that_is_no_identity_is_refused),
		TEST(test_folder_that_is_no_mount_has_no_layers),
	};

	return cmocka_run_group_tests_name("imagedb_layers", tests, NULL, NULL);
}
