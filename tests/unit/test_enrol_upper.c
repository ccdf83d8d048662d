// SPDX-License-Identifier: Apache-2.0
/*
 * A writable layer of an earlier life: what it hides of the image, and which of its copies differ. The kernel half is played here: a
 * file was copied up from the lower file of the same name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "enforcer/enrol_upper.h"
#include "enforcer/images.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"
#include "imagedb/layers.h"

static struct fixture {
	char folder[40], lower[64], upper[64];
	struct enroller e;
	struct enrol_job job;
	unsigned int notes, equal;
	int note_err, enrol_err;
	enum hf_enrol_status status; /* PENDING: as found */
	bool writer;
	bool data; /* the image's file is no executable */
	bool lost; /* the overlay knows of no file below the copy */
	unsigned int restored; /* noted as standing for the image's file */
	int64_t ctime_off;     /* of the catalogue's entry */
	const char *moved; /* name of the copy of "program", which the database knows by that name; NULL: it keeps its own */
} f;

int images_find_path(struct images *images, const char *identity, const struct imagedb_store_inode *inode, char **ret)
{
	char path[256];
	struct stat st;

	(void)images;
	assert_string_equal(identity, f.job.root.layers);
	snprintf(path, sizeof(path), "%s/program", f.lower);
	if (!f.moved || stat(path, &st) || st.st_ino != inode->ino)
		return -ENOENT;
	*ret = strdup("program");
	return 0;
}

int lsm_identify(struct lsm *lsm, int fd, struct hf_enrol *ret)
{
	struct stat st;

	(void)lsm;
	if (fstat(fd, &st))
		return -errno;
	*ret = (struct hf_enrol){ .status = HF_ENROL_IDENTIFIED, .key = { .ino = st.st_ino, .dev = (uint32_t)st.st_dev } };
	return 0;
}

int lsm_catalog_get(struct lsm *lsm, const struct hf_catalog_key *key, struct hf_catalog_entry *ret)
{
	char path[256];
	struct stat st;

	(void)lsm;
	assert_int_equal(key->layer_set, 5);
	snprintf(path, sizeof(path), "%s/program", f.lower);
	if (stat(path, &st) || st.st_ino != key->ino)
		return -ENOENT;
	*ret = (struct hf_catalog_entry){ .state = HF_ENTRY_EXECUTABLE };
	ret->ctime_ns = (uint64_t)(st.st_ctim.tv_sec * (int64_t)NSEC_PER_SEC + st.st_ctim.tv_nsec + f.ctime_off);
	return 0;
}

int lsm_settled_add(struct lsm *lsm, uint64_t container, const struct hf_enrol *file, uint64_t image)
{
	(void)lsm;
	assert_int_equal(container, 42);
	assert_int_equal(file->key.layer_set, 5);
	assert_int_equal(image, HF_ENTRY_EXECUTABLE);
	f.restored++;
	return 0;
}

int lsm_enrol_file(struct lsm *lsm, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret)
{
	char link[40], path[256] = "", lower[512];
	struct stat st;

	(void)lsm;
	assert_int_equal(where->flags, HF_ENROL_REFUSE_UPPER | HF_ENROL_LOOK);
	assert_int_equal(where->layer_set, 5);
	if (f.enrol_err)
		return f.enrol_err;
	*ret = (struct hf_enrol){ .status = f.status };
	if (f.status)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	snprintf(lower, sizeof(lower), "%s%s", f.lower, path + strlen(f.upper));
	if (f.moved && !strcmp(path + strlen(f.upper) + 1, f.moved))
		snprintf(lower, sizeof(lower), "%s/program", f.lower);
	ret->status = stat(lower, &st) || f.lost ? HF_ENROL_UPPER : f.data ? HF_ENROL_COPIED_DATA : HF_ENROL_COPIED_UP;
	ret->key.ino = st.st_ino;
	ret->key.dev = (uint32_t)st.st_dev;
	ret->value.size_mode = (uint64_t)st.st_size << HF_CATALOG_SIZE_SHIFT;
	if (f.writer && ret->status == HF_ENROL_COPIED_UP)
		ret->status = HF_ENROL_WRITER;
	return 0;
}

int lsm_written_add(struct lsm *lsm, const struct hf_written_key *key)
{
	(void)lsm;
	assert_int_equal(key->container, 42);
	f.notes += !f.note_err;
	return f.note_err;
}

int lsm_written_copied(struct lsm *lsm, const struct hf_written_key *key)
{
	(void)lsm;
	assert_int_equal(key->container, 42);
	f.equal++;
	return 0;
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[256];
	_cleanup_(close_file) FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
}

static int set_up(void **state)
{
	struct stat st;

	(void)state;
	log_set_level(LOG_EMERG);
	f = (struct fixture){ 0 };
	snprintf(f.folder, sizeof(f.folder), "/tmp/hf-upper-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	snprintf(f.lower, sizeof(f.lower), "%s/lower", f.folder);
	snprintf(f.upper, sizeof(f.upper), "%s/upper", f.folder);
	mkdir(f.lower, 0755);
	mkdir(f.upper, 0755);
	put(f.lower, "program", "same");
	put(f.lower, "other", "text");
	assert_int_equal(imagedb_layers_of_list(f.lower, &f.job.root.layers), 0);
	assert_int_equal(stat(f.upper, &st), 0);
	f.job.container = 42;
	f.job.root.upper = f.upper;
	f.job.upper_ino = st.st_ino;
	f.job.upper_dev = (uint32_t)st.st_dev;
	f.job.rootfs_fd = open(f.upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(f.job.rootfs_fd);
	free(f.job.root.layers);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", f.folder, NULL);
		_exit(1);
	}
	wait(NULL);
	return 0;
}

static void at_upper(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", f.upper, name);
}

static void test_copies_are_compared(void **state)
{
	static const struct {
		const char *name, *text;
		unsigned int notes;
	} rows[] = {
		{ "program", "same", 0 }, { "program", "sama", 1 }, { "program", "same and more", 1 }, { "program", "sam", 1 },
		{ "program", "", 0 }, { "new", "same", 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const bool equal = i % ARRAY_SIZE(rows) == 0;
		char path[256];

		f.notes = f.equal = 0;
		f.job.unwatched = i >= ARRAY_SIZE(rows); /* it ran before: what is equal is noted as well */
		put(f.upper, rows[i % ARRAY_SIZE(rows)].name, rows[i % ARRAY_SIZE(rows)].text);
		assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
		assert_int_equal(f.notes, rows[i % ARRAY_SIZE(rows)].notes);
		assert_int_equal(f.equal, f.job.unwatched && equal);
		at_upper(rows[i % ARRAY_SIZE(rows)].name, path);
		unlink(path);
	}
	f.job.unwatched = false;
}

/* Modules have no entry in the catalogue; what no interpreter would take for a script is not even looked at. */
static void test_scripts_are_compared_too(void **state)
{
	static const struct {
		const char *name, *text;
		unsigned int notes;
	} rows[] = {
		{ "m.py", "same", 0 }, { "m.py", "sama", 1 }, { "m.py", "longer", 1 }, { "m.txt", "sama", 0 }, { "new.py", "sama", 0 },
	};

	(void)state;
	f.data = true;
	put(f.lower, "m.py", "same");
	put(f.lower, "m.txt", "same");
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const bool alone = i >= ARRAY_SIZE(rows);
		char path[256];

		f.notes = 0;
		put(f.upper, rows[i % ARRAY_SIZE(rows)].name, rows[i % ARRAY_SIZE(rows)].text);
		assert_int_equal(alone ? enrol_upper_note_scripts(&f.e, &f.job, 5) : enrol_upper_note(&f.e, &f.job, 5), 0);
		if (f.notes != rows[i % ARRAY_SIZE(rows)].notes)
			fail_msg("row %zu: %u", i, f.notes);
		at_upper(rows[i % ARRAY_SIZE(rows)].name, path);
		unlink(path);
	}
	f.data = false;
}

/* Renamed or linked after it was copied up: the image's file has another name. */
static void test_moved_copies_are_compared(void **state)
{
	static const struct {
		const char *text;
		unsigned int notes;
	} rows[] = { { "same", 0 }, { "sama", 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f.notes = 0;
		f.moved = "elsewhere";
		put(f.upper, "elsewhere", rows[i].text);
		assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
		assert_int_equal(f.notes, rows[i].notes);
	}
}

/* A file with several names in the image: its copy is known by its place and its bytes, or not at all. */
static void test_copies_without_origin_are_found_by_their_place(void **state)
{
	static const struct {
		const char *name, *text;
		int64_t ctime_off;
		bool unwatched;
		unsigned int restored;
	} rows[] = {
		{ "program", "same", 0, false, 1 },  { "program", "sama", 0, false, 0 }, { "program", "same and more", 0, false, 0 },
		{ "elsewhere", "same", 0, false, 0 }, { "other", "text", 0, false, 0 },	  { "program", "same", 1, false, 0 },
		{ "program", "same", 0, true, 0 },
	};

	(void)state;
	f.lost = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[256];

		f.restored = f.notes = 0;
		f.ctime_off = rows[i].ctime_off;
		f.job.unwatched = rows[i].unwatched;
		put(f.upper, rows[i].name, rows[i].text);
		assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
		if (f.restored != rows[i].restored || f.notes)
			fail_msg("row %zu: %u restored, %u notes", i, f.restored, f.notes);
		at_upper(rows[i].name, path);
		unlink(path);
	}
	f.job.unwatched = f.lost = false;
	f.ctime_off = 0;
}

static void test_copy_with_a_writer_is_noted(void **state)
{
	(void)state;
	put(f.upper, "program", "same");
	f.writer = true;
	assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	assert_int_equal(f.notes, 1);
}

static void test_every_folder_is_walked(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/a", f.lower);
	mkdir(path, 0755);
	put(f.lower, "a/x", "1");
	at_upper("a", path);
	mkdir(path, 0755);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "%s/a/%d", f.upper, i);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "a/%d/x", i);
		put(f.upper, path, "2");
	}
	put(f.upper, "a/x", "2");
	put(f.upper, "program", "----");
	assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	assert_int_equal(f.notes, 2);
}

/* Each takes the proof away from the whole container. */
static void test_what_is_not_seen_for_certain_is_not_believed(void **state)
{
	const struct {
		int note_err, enrol_err;
		enum hf_enrol_status status;
		uint64_t ino_off;
	} rows[] = {
		{ .note_err = -E2BIG }, { .enrol_err = -EIO }, { .status = HF_ENROL_WORLD }, { .status = HF_ENROL_UNDECIDABLE },
		{ .status = HF_ENROL_ADDED }, { .ino_off = 1 },
	};

	(void)state;
	put(f.upper, "program", "sama");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f.note_err = rows[i].note_err;
		f.enrol_err = rows[i].enrol_err;
		f.status = rows[i].status;
		f.job.upper_ino += rows[i].ino_off;
		if (!enrol_upper_note(&f.e, &f.job, 5))
			fail_msg("row %zu", i);
		f.job.upper_ino -= rows[i].ino_off;
	}
	f.note_err = f.enrol_err = 0;
	f.status = HF_ENROL_PENDING;
	assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	f.job.root.upper = NULL;
	assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), -ESTALE);
}

static void test_late_and_deep_layers_are_not_believed(void **state)
{
	char path[256], name[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "new-%d", i);
		put(f.upper, name, "x");
	}
	f.job.deadline_ns = 1;
	assert_int_not_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	f.job.deadline_ns = 0;
	assert_int_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	at_upper("", path);
	for (int i = 0; i < 70; i++) {
		strcat(path, "d/");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_not_equal(enrol_upper_note(&f.e, &f.job, 5), 0);
	assert_true(enrol_upper_hides(&f.e, &f.job));
}

static void test_hiding_is_noticed(void **state)
{
	static const struct {
		const char *name;
		int kind; /* S_IF* */
		const char *text;
		bool hides;
	} rows[] = {
		{ "program", S_IFREG, "x", true }, { "program", S_IFREG, "", true }, { "program", S_IFLNK, "other", true },
		{ "program", S_IFCHR, "", true }, { "new", S_IFREG, "x", false }, { "new", S_IFREG, "", false },
		{ "program", S_IFDIR, "", true }, { "mtab", S_IFLNK, "/proc/mounts", false }, { "new", S_IFIFO, "", false }, { "new", S_IFDIR, "", false },
	};

	(void)state;
	assert_false(enrol_upper_hides(&f.e, &f.job));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[256];

		at_upper(rows[i].name, path);
		if (rows[i].kind == S_IFREG)
			put(f.upper, rows[i].name, rows[i].text);
		else if (rows[i].kind == S_IFLNK)
			assert_int_equal(symlink(rows[i].text, path), 0);
		else if (rows[i].kind == S_IFDIR)
			assert_int_equal(mkdir(path, 0755), 0);
		else
			assert_int_equal(mknod(path, (mode_t)rows[i].kind | 0600, makedev(0, 0)), 0);
		if (enrol_upper_hides(&f.e, &f.job) != rows[i].hides)
			fail_msg("row %zu", i);
		assert_int_equal(remove(path), 0);
	}
}

/* The container's root is its writable layer here: what is not in that does not show. */
static void test_folder_made_again_hides(void **state)
{
	char layer[80], upper[256], path[256], list[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/dir", f.lower);
	assert_int_equal(mkdir(path, 0755), 0);
	at_upper("dir", upper);
	assert_int_equal(mkdir(upper, 0755), 0);
	assert_false(enrol_upper_hides(&f.e, &f.job)); /* both are empty */
	put(path, "inner", "text");
	assert_true(enrol_upper_hides(&f.e, &f.job));

	/* A layer of the image had taken it away already. */
	snprintf(layer, sizeof(layer), "%s/middle", f.folder);
	mkdir(layer, 0755);
	snprintf(path, sizeof(path), "%s/dir", layer);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/dir/inner", layer);
	assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(0, 0)), 0);
	free(f.job.root.layers);
	snprintf(list, sizeof(list), "%s:%s", layer, f.lower);
	assert_int_equal(imagedb_layers_of_list(list, &f.job.root.layers), 0);
	assert_false(enrol_upper_hides(&f.e, &f.job));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_copies_are_compared),
		TEST(test_scripts_are_compared_too),
		TEST(test_moved_copies_are_compared),
		TEST(test_copies_without_origin_are_found_by_their_place), TEST(test_copy_with_a_writer_is_noted),
		TEST(test_every_folder_is_walked),
		TEST(test_what_is_not_seen_for_certain_is_not_believed),
		TEST(test_late_and_deep_layers_are_not_believed),
		TEST(test_hiding_is_noticed),
		TEST(test_folder_made_again_hides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
