// SPDX-License-Identifier: Apache-2.0
/*
 * Files and folders: which are read, in which order, and what makes a load fail as a whole. And the files that ship
 * with Holdfast, with the reference in README.md. Runs from the repository's root.
 */
#include "policies/policies.h"
#include "policies/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICY(name) \
	"apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: " name "}\nspec: {mode: audit}\n"
#define PATH_BYTES 256
#define HUNDRED_MB (100L * 1024 * 1024)

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_policies_load.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	char path[PATH_BYTES];
	FILE *file = fopen(in_folder(name, path), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int load_one(const char *path, struct policy_set **ret, struct policy_error *err)
{
	const char *const paths[] = { path };

	return policy_set_load(paths, 1, ret, err);
}

static void test_folder_read_in_order_without_what_is_not_policy(void **state)
{
	static const char *const want[] = { "10.yaml", "2.yml", "b.yaml" };
	struct policy_set *set = NULL;
	struct policy_error err;
	char path[PATH_BYTES], link[PATH_BYTES];

	(void)state;
	write_file("2.yml", POLICY("b"));
	write_file("10.yaml", POLICY("a"));
	write_file(".hidden.yaml", "not a policy");
	write_file("notes.txt", "not a policy");
	write_file(".yaml", "not a policy");
	write_file("c.yaml~", "not a policy");
	assert_int_equal(mkdir(in_folder("sub.yaml", path), 0700), 0);
	/* As a mounted ConfigMap has them. */
	assert_int_equal(mkdir(in_folder("..2027", path), 0700), 0);
	write_file("..2027/b.yaml", POLICY("c"));
	assert_int_equal(symlink("..2027", in_folder("..data", path)), 0);
	assert_int_equal(symlink("..data/b.yaml", in_folder("b.yaml", link)), 0);
	if (load_one(folder, &set, &err) != 0)
		fail_msg("%s:%d:%d: %s", err.file, err.line, err.column, err.message);
	assert_int_equal(policy_set_count(set), COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		assert_string_equal(policy_set_get(set, i)->file, in_folder(want[i], path));
	policy_set_free(&set);
}

static void test_empty_folder_and_no_path_give_an_empty_set(void **state)
{
	struct policy_set *set = NULL;

	(void)state;
	assert_int_equal(load_one(folder, &set, NULL), 0);
	assert_int_equal(policy_set_count(set), 0);
	policy_set_free(&set);
	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	assert_int_equal(policy_set_count(set), 0);
	policy_set_free(&set);
}

static void expect_failure(const char *path, int want, const char *file, int line, const char *message)
{
	struct policy_set *set = NULL;
	struct policy_error err = { .line = -1 };
	clock_t start = clock();
	int r = load_one(path, &set, &err);

	if (r != want || err.line != line || !strstr(err.message, message))
		fail_msg("%s gave %d %s:%d: %s", path, r, err.file, err.line, err.message);
	assert_string_equal(err.file, file);
	assert_null(set);
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

static void test_one_bad_file_refuses_all(void **state)
{
	char path[PATH_BYTES];

	(void)state;
	write_file("a.yaml", POLICY("a"));
	write_file("b.yaml", POLICY("b") "spce: 1\n");
	write_file("c.yaml", POLICY("c"));
	expect_failure(folder, -EINVAL, in_folder("b.yaml", path), 5, "unknown key \"spce\"");
}

static void test_same_policy_in_two_files_refused(void **state)
{
	char path[PATH_BYTES];

	(void)state;
	write_file("a.yaml", POLICY("a"));
	write_file("b.yaml", "\n" POLICY("a"));
	expect_failure(folder, -EEXIST, in_folder("b.yaml", path), 2, "a.yaml:1; rename or remove one");
}

static void test_paths_that_cannot_be_read_refused(void **state)
{
	char path[PATH_BYTES];

	(void)state;
	in_folder("none.yaml", path);
	expect_failure(path, -ENOENT, path, 0, "cannot open: No such file");
	assert_int_equal(mkfifo(in_folder("fifo.yaml", path), 0600), 0);
	expect_failure(path, -EINVAL, path, 0, "neither a file nor a folder");
	expect_failure(folder, -EINVAL, path, 0, "neither a file nor a folder");
	assert_int_equal(unlink(path), 0);
	expect_failure("/dev/zero", -EINVAL, "/dev/zero", 0, "neither a file nor a folder");
	assert_int_equal(symlink("loop.yaml", in_folder("loop.yaml", path)), 0);
	expect_failure(folder, -ELOOP, path, 0, "cannot open");
}

static void test_hundred_megabytes_refused_unread(void **state)
{
	char path[PATH_BYTES];
	int fd = open(in_folder("big.yaml", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, HUNDRED_MB), 0);
	assert_int_equal(close(fd), 0);
	expect_failure(path, -EFBIG, path, 0, "larger than 1048576 bytes");
}

static void test_file_that_is_longer_than_it_says_refused(void **state)
{
	(void)state;
	/* Files of procfs say that they are empty. */
	expect_failure("/proc/self/status", -EAGAIN, "/proc/self/status", 0, "the file grew while it was read");
}

static const char *const shipped[] = {
	"policies/audit-everywhere.yaml",
	"policies/immutable-namespace.yaml",
	"policies/prevent-except-kube-system.yaml",
};

static enum policy_mode resolve_mode(const struct policy_set *set, const char *namespace_)
{
	const struct policy_facts facts = { .namespace_ = namespace_ };
	struct policy_effective *effective = NULL;
	enum policy_mode mode;

	assert_int_equal(policy_set_resolve(set, &facts, &effective), 0);
	mode = effective->mode;
	policy_effective_free(&effective);
	return mode;
}

static void test_shipped_files_do_what_they_say(void **state)
{
	static const enum policy_mode modes[][4] = {
		/* prod, kube-system, any other, none */
		{ POLICY_MODE_AUDIT, POLICY_MODE_AUDIT, POLICY_MODE_AUDIT, POLICY_MODE_AUDIT },
		{ POLICY_MODE_ENFORCE, POLICY_MODE_AUDIT, POLICY_MODE_AUDIT, POLICY_MODE_AUDIT },
		{ POLICY_MODE_ENFORCE, POLICY_MODE_AUDIT, POLICY_MODE_ENFORCE, POLICY_MODE_ENFORCE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(shipped); i++) {
		struct policy_set *set = NULL;
		struct policy_error err;

		if (load_one(shipped[i], &set, &err) != 0)
			fail_msg("%s:%d:%d: %s", err.file, err.line, err.column, err.message);
		assert_int_equal(resolve_mode(set, "prod"), modes[i][0]);
		assert_int_equal(resolve_mode(set, "kube-system"), modes[i][1]);
		assert_int_equal(resolve_mode(set, "shop"), modes[i][2]);
		assert_int_equal(resolve_mode(set, NULL), modes[i][3]);
		policy_set_free(&set);
	}
}

static void test_shipped_folder_loads_as_a_whole(void **state)
{
	struct policy_set *set = NULL;

	(void)state;
	assert_int_equal(load_one("policies/", &set, NULL), 0);
	assert_int_equal(policy_set_count(set), 4);
	policy_set_free(&set);
}

/* The row of a rule must name its words in order and its default; the text must name its annotation. */
static void expect_row(const char *readme, enum policy_field field)
{
	const struct policy_field_def *def = policy_field_def(field);
	char row[256], name[POLICY_FIELD_NAME_MAX];
	int len = snprintf(row, sizeof(row), "| `spec.%s` | ", policy_field_name(field, name));

	for (size_t i = 0; i < def->n_words; i++)
		len += snprintf(row + len, sizeof(row) - (size_t)len, "%s%s", i ? ", " : "", def->words[i]);
	len += snprintf(row + len, sizeof(row) - (size_t)len, " | ");
	if (def->fallback != FIELD_UNSET)
		snprintf(row + len, sizeof(row) - (size_t)len, "%s |", def->words[def->fallback]);
	if (!strstr(readme, row))
		fail_msg("policies/README.md has no row that begins %s", row);
	snprintf(row, sizeof(row), "`%s`", def->annotation ? def->annotation : "spec.onViolation.severity");
	if (!strstr(readme, row))
		fail_msg("policies/README.md does not name %s", row);
}

static void test_reference_names_every_rule(void **state)
{
	static char readme[64 * 1024];
	FILE *file = fopen("policies/README.md", "re");
	size_t len;

	(void)state;
	assert_non_null(file);
	len = fread(readme, 1, sizeof(readme) - 1, file);
	assert_int_equal(fclose(file), 0);
	assert_true(len > 0 && len < sizeof(readme) - 1);
	for (unsigned int i = 0; i < _FIELD_MAX; i++)
		expect_row(readme, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folder_read_in_order_without_what_is_not_policy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_folder_and_no_path_give_an_empty_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_bad_file_refuses_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_policy_in_two_files_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_paths_that_cannot_be_read_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hundred_megabytes_refused_unread, set_up, tear_down),
		cmocka_unit_test(test_file_that_is_longer_than_it_says_refused),
		cmocka_unit_test(test_shipped_files_do_what_they_say),
		cmocka_unit_test(test_shipped_folder_loads_as_a_whole),
		cmocka_unit_test(test_reference_names_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
