// SPDX-License-Identifier: Apache-2.0
/* A real tree, this machine's programs: the scan finds exactly what a plain walk with nftw() and four bytes per file finds. */
#include <ftw.h>

#include "tests/unit/imagedb_tree.h"

struct tally {
	size_t elf;
	size_t scripts;
	size_t pe;
	size_t heaps;
	uint64_t path_bytes;	/* catches a file counted under another name */
};

static struct tally expected;
static size_t root_len;

static int count_plainly(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char magic[8] = { 0 };
	bool elf, script, pe, heap;
	int fd;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size < 3)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (read(fd, magic, sizeof(magic)) < 0)
		magic[0] = '\0';
	close(fd);
	elf = memcmp(magic, ELFMAG, SELFMAG) == 0;
	script = memcmp(magic, "#!", 2) == 0;
	pe = memcmp(magic, "MZ", 2) == 0;
	heap = memcmp(magic, "LCBS\0\0\0", 8) == 0 || (!memcmp(magic + 1, "\xab\x0b\xf0", 3) && (magic[0] == '\xa2' || magic[0] == '\xa8'));
	expected.elf += elf;
	expected.scripts += script;
	expected.pe += pe;
	expected.heaps += heap;
	if (elf || script || pe || heap)
		expected.path_bytes += strlen(path) - root_len - 1;
	return 0;
}

static int count_scanned(const struct imagedb_file *file, void *data)
{
	struct tally *tally = data;

	tally->elf += file->kind <= IMAGEDB_KIND_ELF_OTHER;
	tally->scripts += file->kind == IMAGEDB_KIND_SCRIPT;
	tally->pe += file->kind == IMAGEDB_KIND_PE;
	tally->heaps += file->kind == IMAGEDB_KIND_HEAP;
	tally->path_bytes += file->path_len;
	if (file->kind <= IMAGEDB_KIND_ELF_OTHER)
		assert_non_null(file->elf);
	if (file->kind == IMAGEDB_KIND_ELF_PIE && file->interpreter)
		assert_int_equal(file->interpreter[0], '/');
	return 0;
}

static void compare(const char *root)
{
	struct imagedb_scan_options options = { .flags = IMAGEDB_SCAN_DETAILS };
	struct imagedb_scan_stats stats;
	struct tally tally = { 0 };
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	expected = (struct tally){ 0 };
	root_len = strlen(root);
	assert_int_equal(nftw(root, count_plainly, 32, FTW_PHYS | FTW_MOUNT), 0);
	assert_int_equal(imagedb_scan(fd, &options, count_scanned, &tally, &stats), 0);
	close(fd);
	assert_int_equal(tally.elf, expected.elf);
	assert_int_equal(tally.scripts, expected.scripts);
	assert_int_equal(tally.pe, expected.pe);
	assert_int_equal(tally.heaps, expected.heaps);
	assert_int_equal(tally.path_bytes, expected.path_bytes);
	assert_int_equal(stats.candidates, tally.elf + tally.scripts + tally.pe + tally.heaps);
	assert_true(tally.elf > 0);
	print_message("%s: %zu ELF files, %zu scripts\n", root, tally.elf, tally.scripts);
}

static void test_scan_of_installed_programs_agrees_with_plain_walk(void **state)
{
	(void)state;
	compare("/usr/bin");
	compare("/usr/sbin");
}

static void test_scan_of_installed_libraries_agrees_with_plain_walk(void **state)
{
	(void)state;
	compare("/usr/lib");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_of_installed_programs_agrees_with_plain_walk),
		cmocka_unit_test(test_scan_of_installed_libraries_agrees_with_plain_walk),
	};

	return cmocka_run_group_tests_name("imagedb_real", tests, NULL, NULL);
}
