// SPDX-License-Identifier: Apache-2.0
/* The commands "holdfast image …" on databases of their own: plain folders, overlays, what verify names, Ctrl-C. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/cli_harness.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PATH_BYTES 256
#define MANY_FILES 12000 /* looking at them takes long enough to be interrupted */

struct folder {
	char base[64], db[96], root[96];
};

static void put(const char *folder, const char *name, const char *text)
{
	char path[PATH_BYTES];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make(const char *base, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	strcpy(folder->base, "/tmp/cli-image-XXXXXX");
	assert_non_null(mkdtemp(folder->base));
	snprintf(folder->db, sizeof(folder->db), "%s/db", folder->base);
	snprintf(folder->root, sizeof(folder->root), "%s/root", folder->base);
	make(folder->base, "root");
	make(folder->root, "bin");
	put(folder->root, "bin/tool", "#!/bin/sh\necho tool\n");
	put(folder->root, "bin/other", "#!/bin/sh\necho other\n");
	put(folder->root, "data", "no code\n");
	*state = folder;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(nftw(folder->base, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(folder);
	return 0;
}

/* Runs "holdfast image ARGS… --db DB"; the code must be that one, and each text must be said on out or err. */
static struct cli_result image(const struct folder *folder, int code, const char *const *args)
{
	const char *all[CLI_ARGS_MAX] = { "image" };
	struct cli_result result;
	size_t n = 1;

	for (; *args; args++)
		all[n++] = *args;
	all[n++] = "--db";
	all[n++] = folder->db;
	result = cli_run(NULL, all);
	if (result.code != code)
		fail_msg("%s: code %d, out \"%s\", err \"%s\"", all[1], result.code, result.out, result.err);
	return result;
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect(const struct folder *folder, int code, const char *const *args, const char *says)
{
	struct cli_result result = image(folder, code, args);

	if (!strstr(result.out, says) && !strstr(result.err, says))
		fail_msg("%s: out \"%s\", err \"%s\", not \"%s\"", args[0], result.out, result.err, says);
	cli_result_release(&result);
}

static struct json_object *expect_json(const struct folder *folder, int code, const char *const *args)
{
	struct cli_result result = image(folder, code, args);
	struct json_object *json = json_tokener_parse(result.out);

	if (!json)
		fail_msg("%s: out \"%s\", err \"%s\"", args[0], result.out, result.err);
	cli_result_release(&result);
	return json;
}

/* --- plain folders ------------------------------------------------------------------------------------------------ */

static void test_folder_is_stored_listed_shown_and_removed(void **state)
{
	const struct folder *folder = *state;
	struct json_object *json, *images, *files;
	const char *set;

	expect(folder, 0, ARGS("scan", folder->root), "2 executable of 3 files");
	json = expect_json(folder, 0, ARGS("list", "-o", "json"));
	images = cli_json_get(json, "images");
	assert_int_equal(json_object_array_length(images), 1);
	images = json_object_array_get_idx(images, 0);
	set = cli_json_text(images, "set");
	assert_int_equal(strlen(set), 64);
	assert_string_equal(cli_json_text(images, "label"), folder->root);
	assert_string_equal(cli_json_text(images, "source"), "folder");
	assert_int_equal(cli_json_number(images, "files"), 2);
	expect(folder, 0, ARGS("show", set), folder->root);
	expect(folder, 0, ARGS("show", folder->root, "--files"), "/bin/tool");
	json_object_put(json);
	json = expect_json(folder, 0, ARGS("show", folder->root, "--files", "-o", "json"));
	files = cli_json_get(json, "executables");
	assert_int_equal(json_object_array_length(files), 2);
	assert_string_equal(cli_json_text(json_object_array_get_idx(files, 0), "interpreter"), "/bin/sh");
	json_object_put(json);
	expect(folder, 2, ARGS("show", "nothing"), "no image \"nothing\"");
	expect(folder, 0, ARGS("scan", folder->root, "--label", "again"), "again: 2 executable");
	expect(folder, 0, ARGS("list"), "1 images, 2 executable files, 0 digests");
	expect(folder, 2, ARGS("rm", "again", "nothing"), "removed ");
	expect(folder, 0, ARGS("list"), "0 images");
}

static void test_one_label_for_two_images_has_to_be_told_apart(void **state)
{
	const struct folder *folder = *state;
	char bin[PATH_BYTES];

	snprintf(bin, sizeof(bin), "%s/bin", folder->root);
	expect(folder, 0, ARGS("scan", folder->root, "--label", "same"), "same");
	expect(folder, 0, ARGS("scan", bin, "--label", "same"), "same");
	expect(folder, 2, ARGS("rm", "same"), "2 images are called \"same\"");
	expect(folder, 0, ARGS("list"), "2 images");
}

static void test_verify_names_what_differs(void **state)
{
	const struct folder *folder = *state;
	struct json_object *json;
	char path[PATH_BYTES];

	expect(folder, 0, ARGS("scan", folder->root, "--label", "i"), "0 digests");
	expect(folder, 1, ARGS("verify", "i"), "2 files have no digest yet");
	expect(folder, 0, ARGS("scan", folder->root, "--digests"), "2 digests");
	expect(folder, 0, ARGS("verify", "i"), "2 files verified, 0 differ"); /* the label stayed */
	expect(folder, 0, ARGS("scan", folder->root), "2 digests");		 /* and so do digests */
	put(folder->root, "bin/tool", "#!/bin/sh\necho TOOL\n"); /* as long as before */
	put(folder->root, "bin/new", "#!/bin/sh\n");
	put(folder->root, "more-data", "no code either\n");
	snprintf(path, sizeof(path), "%s/bin/other", folder->root);
	assert_int_equal(unlink(path), 0);
	expect(folder, 1, ARGS("verify", "i"), "changed: /bin/tool\n");
	expect(folder, 1, ARGS("verify", "i"), "added: /bin/new\n");
	expect(folder, 1, ARGS("verify", "i"), "missing: /bin/other\n");
	expect(folder, 1, ARGS("verify", "i"), "0 files verified, 3 differ\n");
	json = expect_json(folder, 1, ARGS("verify", "i", "-o", "json"));
	assert_int_equal(json_object_array_length(cli_json_get(json, "differences")), 3);
	json_object_put(json);
	put(folder->root, "bin/tool", "no code any more\n");
	expect(folder, 1, ARGS("verify", "i"), "changed: /bin/tool\n");
	expect(folder, 0, ARGS("scan", folder->root, "--digests"), "1 executable");
	expect(folder, 0, ARGS("verify", "i"), "1 files verified, 0 differ");
}

static void test_mode_that_changed_is_named(void **state)
{
	const struct folder *folder = *state;
	char path[PATH_BYTES];

	expect(folder, 0, ARGS("scan", folder->root, "--digests", "--label", "i"), "2 digests");
	snprintf(path, sizeof(path), "%s/bin/other", folder->root);
	assert_int_equal(chmod(path, 04755), 0);
	expect(folder, 1, ARGS("verify", "i"), "mode changed: /bin/other\n");
}

/* A set that knows one name of an inode, as the daemon stores it: other names of it are the same file, those of another are not. */
static void test_other_name_of_a_known_file_is_not_added(void **state)
{
	const struct folder *folder = *state;
	char from[PATH_BYTES], to[PATH_BYTES];

	expect(folder, 0, ARGS("scan", folder->root, "--digests", "--label", "i"), "2 digests");
	snprintf(from, sizeof(from), "%s/bin/tool", folder->root);
	for (char name = 'a'; name <= 'e'; name++) {
		snprintf(to, sizeof(to), "%s/%c", folder->root, name);
		assert_int_equal(link(from, to), 0);
	}
	expect(folder, 0, ARGS("verify", "i"), "2 files verified, 0 differ");
	put(folder->root, "new", "#!/bin/sh\n");
	snprintf(from, sizeof(from), "%s/new", folder->root);
	snprintf(to, sizeof(to), "%s/new-too", folder->root);
	assert_int_equal(link(from, to), 0);
	expect(folder, 1, ARGS("verify", "i"), "added: /new-too\n");
	expect(folder, 1, ARGS("verify", "i"), "2 files verified, 2 differ");
}

static void test_damaged_database_is_told_and_rebuilt(void **state)
{
	const struct folder *folder = *state;

	expect(folder, 0, ARGS("scan", folder->root), "2 executable");
	put(folder->db, "images.mdb", "this is no database");
	expect(folder, 2, ARGS("list"), "starts a new one");
	expect(folder, 0, ARGS("scan", folder->root), "set aside as images.mdb.aside.1");
	expect(folder, 0, ARGS("list"), "1 images");
	assert_int_equal(chmod(folder->db, 0777), 0);
	expect(folder, 2, ARGS("list"), "chmod 700");
}

/* --- overlays: in a child with a mount namespace of its own -------------------------------------------------------- */

enum { EXIT_NO_MOUNT = 100 };

static void set_of(const struct folder *folder, const char *const *args, char set[65])
{
	struct json_object *json = expect_json(folder, 0, args);

	snprintf(set, 65, "%s", cli_json_text(json, "set"));
	assert_string_equal(cli_json_text(json, "source"), "layers");
	assert_int_equal(cli_json_number(json, "files"), 2);
	json_object_put(json);
}

/* top hides one file of bottom and has another; the writable layer adds a third, which is none of the image's. */
static void make_layers(const struct folder *folder)
{
	static const char *const folders[] = { "top", "bottom", "upper", "work", "merged", "l" };
	char path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		make(folder->base, folders[i]);
	put(folder->base, "bottom/hidden", "#!/bin/sh\n");
	put(folder->base, "bottom/stays", "#!/bin/sh\n");
	put(folder->base, "top/new", "#!/bin/sh\n");
	put(folder->base, "upper/drift", "#!/bin/sh\n");
	snprintf(path, sizeof(path), "%s/top/hidden", folder->base);
	assert_int_equal(mknod(path, S_IFCHR, 0), 0);
	snprintf(path, sizeof(path), "%s/l/SHORT", folder->base);
	assert_int_equal(symlink("../top", path), 0);
}

static int mount_overlay(const struct folder *folder, const char *merged, const char *options)
{
	const char *b = folder->base;
	char text[1024];

	snprintf(text, sizeof(text), options, b, b, b, b);
	return mount("overlay", merged, "overlay", 0, text);
}

/* The new mount interface, layer by layer; kernels before 6.8 do not know it. */
static bool mount_by_layer(const struct folder *folder, const char *merged)
{
	static const char *const layers[] = { "top", "bottom" };
	int fs = fsopen("overlay", FSOPEN_CLOEXEC), at;
	char path[PATH_BYTES];
	bool ok = fs >= 0;

	for (size_t i = 0; ok && i < ARRAY_SIZE(layers); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->base, layers[i]);
		ok = fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", path, 0) == 0;
	}
	ok = ok && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
	at = ok ? fsmount(fs, FSMOUNT_CLOEXEC, 0) : -1;
	ok = at >= 0 && move_mount(at, "", AT_FDCWD, merged, MOVE_MOUNT_F_EMPTY_PATH) == 0;
	close(at);
	close(fs);
	return ok;
}

static int scan_overlays(const struct folder *folder)
{
	static const char *const options[] = {
		"lowerdir=%s/top:%s/bottom,upperdir=%s/upper,workdir=%s/work",
		"lowerdir=%s/l/SHORT:%s/bottom,upperdir=%s/upper,workdir=%s/work", /* as docker and podman name layers */
		"lowerdir=%s/top:%s/bottom",
	};
	char merged[PATH_BYTES], layers[2 * PATH_BYTES], set[65], first[65];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return EXIT_NO_MOUNT;
	make_layers(folder);
	snprintf(merged, sizeof(merged), "%s/merged", folder->base);
	snprintf(layers, sizeof(layers), "%s/top:%s/bottom", folder->base, folder->base);
	if (mount_overlay(folder, merged, options[0]) < 0)
		return EXIT_NO_MOUNT;
	umount(merged);
	set_of(folder, ARGS("scan", "--layers", layers, "--digests", "-o", "json"), first);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		assert_int_equal(mount_overlay(folder, merged, options[i]), 0);
		set_of(folder, ARGS("scan", merged, "-o", "json"), set);
		assert_string_equal(set, first);
		umount(merged);
	}
	if (mount_by_layer(folder, merged)) {
		set_of(folder, ARGS("scan", merged, "-o", "json"), set);
		assert_string_equal(set, first);
		umount(merged);
	}
	expect(folder, 0, ARGS("list"), "1 images, 2 executable files, 2 digests");
	expect(folder, 0, ARGS("verify", first), "2 files verified, 0 differ");
	put(folder->base, "bottom/stays", "#!/bin/SH\n");
	expect(folder, 1, ARGS("verify", first), "changed: /stays\n");
	snprintf(layers, sizeof(layers), "%s/bottom:%s/top", folder->base, folder->base);
	expect(folder, 0, ARGS("scan", "--layers", layers), "3 executable");
	put(folder->base, "top/another", "data");
	expect(folder, 1, ARGS("verify", first), "scan the image again");
	if (chdir(folder->base) < 0 || mount("overlay", merged, "overlay", 0, "lowerdir=top:bottom") < 0)
		return EXIT_NO_MOUNT;
	expect(folder, 2, ARGS("scan", merged), "name them with --layers");
	return 0;
}

static void test_same_layers_are_the_same_image_however_mounted(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(scan_overlays(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_MOUNT) {
		print_message("skip: no overlay can be mounted here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- Ctrl-C -------------------------------------------------------------------------------------------------------- */

/* Scans on a terminal and presses Ctrl-C when the progress line appears. Returns the exit code. */
static int scan_and_interrupt(const struct folder *folder, const char *root, char *said, size_t size)
{
	const char *const args[] = { "image", "scan", root, "--db", folder->db, NULL };
	char *argv[CLI_ARGS_MAX + 1];
	bool pressed = false;
	size_t used = 0;
	int terminal, status;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	if (pid == 0)
		_exit(cli_main(cli_fill_argv(argv, NULL, args), argv, stdout, stderr));
	for (;;) {
		ssize_t n = read(terminal, said + used, size - used - 1);

		if (n <= 0)
			break;
		used += (size_t)n;
		said[used] = '\0';
		if (!pressed && strstr(said, "scanning:")) {
			pressed = true;
			assert_int_equal(write(terminal, "\003", 1), 1);
		}
		if (size - used < 1024)
			used = 0;
	}
	close(terminal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The program may be through before the key arrives: then it is tried again. */
static void test_interrupted_scan_stores_nothing(void **state)
{
	const struct folder *folder = *state;
	char name[32], said[65536] = "";
	int code = 0;

	for (int i = 0; i < MANY_FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		put(folder->root, name, "#!/bin/sh\n");
	}
	for (int tries = 0; tries < 20 && code == 0; tries++) {
		code = scan_and_interrupt(folder, folder->root, said, sizeof(said));
		if (code == 0)
			expect(folder, 0, ARGS("rm", folder->root), "removed");
	}
	assert_int_equal(code, 2);
	assert_non_null(strstr(said, "interrupted: nothing was stored"));
	expect(folder, 0, ARGS("list"), "0 images");
	expect(folder, 0, ARGS("scan", folder->root), "12002 executable");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folder_is_stored_listed_shown_and_removed),
		TEST(test_one_label_for_two_images_has_to_be_told_apart),
		TEST(test_verify_names_what_differs),
		TEST(test_mode_that_changed_is_named),
		TEST(test_other_name_of_a_known_file_is_not_added),
		TEST(test_damaged_database_is_told_and_rebuilt),
		TEST(test_same_layers_are_the_same_image_however_mounted),
		TEST(test_interrupted_scan_stores_nothing),
	};

	return cmocka_run_group_tests_name("cli_image", tests, NULL, NULL);
}
