// SPDX-License-Identifier: Apache-2.0
/* ELF headers: what they say in each class and byte order, cut short at every byte, altered at every byte, and bombs. */
#include <link.h>
#include <sys/mman.h>

#include "imagedb/classify.h"
#include "imagedb/elf.h"
#include "tests/unit/imagedb_elf_maker.h"

static struct imagedb_elf *elf;

/* Reads a file of which @start_len bytes were read before; the start lies in memory of exactly that length. */
static void read_file(const uint8_t *bytes, size_t len, size_t start_len, bool details)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	uint8_t *exact = malloc(start_len ? start_len : 1);
	struct imagedb_start start = { .fd = fd, .file_size = len, .bytes = exact, .len = start_len };

	assert_true(fd >= 0);
	assert_non_null(exact);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	memcpy(exact, bytes, start_len);
	imagedb_elf_read(&start, details, elf);
	free(exact);
	close(fd);
}

static void read_made(const struct maker *maker, bool details)
{
	size_t start_len = maker->len < IMAGEDB_START_BYTES ? maker->len : IMAGEDB_START_BYTES;

	read_file(maker->bytes, maker->len, start_len, details);
}

static int set_up(void **state)
{
	(void)state;
	elf = calloc(1, sizeof(*elf));
	return elf ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(elf);
	return 0;
}

static void assert_full_details(const struct maker *maker)
{
	assert_false(elf->details.malformed);
	assert_false(elf->details.cut_short);
	assert_int_equal(elf->details.machine, EM_MIPS);
	assert_int_equal(elf->details.bits, maker->wide ? 64 : 32);
	assert_int_equal(elf->details.big_endian, maker->big);
	assert_string_equal(elf->interpreter, INTERPRETER);
	assert_string_equal(elf->details.soname, SONAME);
	assert_int_equal(elf->details.needed_count, 2);
	assert_string_equal(elf->details.needed[0], "libone.so");
	assert_string_equal(elf->details.needed[1], "libtwo.so.2");
}

static void test_details_are_read_in_each_class_and_byte_order(void **state)
{
	static struct maker maker;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make(&maker, i & 1, i & 2, ET_DYN, 0);
		read_made(&maker, true);
		assert_full_details(&maker);
		/* The same when every part has to be read from the file. */
		read_file(maker.bytes, maker.len, ehdr_size(&maker), true);
		assert_full_details(&maker);
		read_made(&maker, false);
		assert_false(elf->details.malformed);
		assert_null(elf->interpreter);
		assert_null(elf->details.soname);
		assert_null(elf->details.needed);
	}
}

static void test_kind_follows_type_interpreter_soname_and_flag(void **state)
{
	static const struct {
		uint16_t type;
		bool interpreter;
		bool soname;
		uint64_t flags;
		enum imagedb_kind kind;
	} cases[] = {
		{ ET_EXEC, true, false, 0, IMAGEDB_KIND_ELF_EXEC },
		{ ET_EXEC, false, false, 0, IMAGEDB_KIND_ELF_EXEC },
		{ ET_DYN, true, false, 0, IMAGEDB_KIND_ELF_PIE },
		{ ET_DYN, true, false, DF_1_PIE, IMAGEDB_KIND_ELF_PIE },
		{ ET_DYN, false, false, DF_1_PIE | DF_1_NOW, IMAGEDB_KIND_ELF_PIE },	/* static PIE */
		{ ET_DYN, false, true, DF_1_NOW, IMAGEDB_KIND_ELF_SHARED },
		{ ET_DYN, false, false, 0, IMAGEDB_KIND_ELF_SHARED },
		{ ET_DYN, true, true, 0, IMAGEDB_KIND_ELF_SHARED },			/* as the C library */
		{ ET_REL, false, false, 0, IMAGEDB_KIND_ELF_RELOC },
		{ ET_CORE, false, false, 0, IMAGEDB_KIND_ELF_OTHER },
		{ ET_NONE, false, false, 0, IMAGEDB_KIND_ELF_OTHER },
		{ 0xffff, false, false, 0, IMAGEDB_KIND_ELF_OTHER },
	};
	static struct maker maker;

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		make(&maker, i & 1, i & 2, cases[i / 4].type, cases[i / 4].flags);
		if (!cases[i / 4].interpreter)
			put_phdr_type(&maker, 0, PT_NOTE);
		if (!cases[i / 4].soname)
			put_dyn(&maker, 0, DT_DEBUG, 0);
		/* What an object is called must not hang on how much was asked for. */
		read_made(&maker, true);
		assert_int_equal(elf->kind, cases[i / 4].kind);
		assert_false(elf->details.malformed);
		read_made(&maker, false);
		assert_int_equal(elf->kind, cases[i / 4].kind);
		assert_false(elf->details.malformed);
	}
}

static void test_file_cut_at_any_byte_is_malformed_and_harmless(void **state)
{
	static struct maker maker;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make(&maker, i & 1, i & 2, ET_DYN, 0);
		for (size_t len = 4; len < maker.len; len++) {
			read_file(maker.bytes, len, len, true);
			assert_true(elf->details.malformed);
			read_file(maker.bytes, len, len < 100 ? len : 100, true);
			assert_true(elf->details.malformed);
			read_file(maker.bytes, len, len, false);
			assert_in_range(elf->kind, 0, IMAGEDB_KIND_ELF_OTHER);
		}
		read_made(&maker, true);
		assert_false(elf->details.malformed);
	}
}

static void assert_strings_end(void)
{
	size_t bytes = 0;

	if (elf->interpreter)
		bytes += strlen(elf->interpreter);
	if (elf->details.soname)
		bytes += strlen(elf->details.soname);
	for (size_t i = 0; i < elf->details.needed_count; i++)
		bytes += strlen(elf->details.needed[i]);
	assert_in_range(bytes, 0, FILE_MAX);
	assert_in_range(elf->kind, 0, IMAGEDB_KIND_ELF_OTHER);
}

static void test_file_altered_at_any_byte_is_harmless(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };
	static struct maker maker;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make(&maker, i & 1, i & 2, ET_DYN, 0);
		for (size_t at = 4; at < maker.len; at++) {
			uint8_t before = maker.bytes[at];

			for (size_t j = 0; j < sizeof(values); j++) {
				maker.bytes[at] = values[j];
				read_made(&maker, true);
				assert_strings_end();
			}
			maker.bytes[at] = before;
		}
	}
}

static void test_bomb_is_malformed_and_harmless(void **state)
{
	static const struct {
		enum field field;
		uint64_t value;
	} cases[] = {
		{ E_PHNUM, PN_XNUM }, { E_PHNUM, 0 }, { E_PHNUM, 1171 }, { E_PHNUM, 2049 },
		{ E_PHOFF, UINT64_MAX }, { E_PHOFF, 1ull << 63 }, { E_PHOFF, 0x7fffffff }, { E_PHOFF, UINT64_MAX - 100 },
		{ E_PHENTSIZE, 0 }, { E_PHENTSIZE, 1 }, { E_PHENTSIZE, 0xffff },
		{ E_VERSION_IDENT, 0 },
		{ INTERP_FILESZ, 1ull << 63 }, { INTERP_FILESZ, UINT64_MAX }, { INTERP_FILESZ, 0 }, { INTERP_FILESZ, 1 },
		{ INTERP_FILESZ, IMAGEDB_MAX_INTERP + 1 }, { INTERP_FILESZ, sizeof(INTERPRETER) - 1 },
		{ INTERP_OFFSET, UINT64_MAX }, { INTERP_OFFSET, 1ull << 63 }, { INTERP_OFFSET, UINT64_MAX - 10 },
		{ INTERP_END, 'x' },
		{ DYN_FILESZ, 1ull << 63 }, { DYN_FILESZ, UINT64_MAX }, { DYN_FILESZ, 0 }, { DYN_FILESZ, 7 },
		{ DYN_OFFSET, UINT64_MAX }, { DYN_OFFSET, 1ull << 63 }, { DYN_OFFSET, UINT64_MAX - 50 },
		{ LOAD_OFFSET, UINT64_MAX }, { LOAD_OFFSET, 1ull << 63 }, { LOAD_FILESZ, 0 }, { LOAD_VADDR, UINT64_MAX },
		{ D_STRTAB, UINT64_MAX }, { D_STRTAB, 0 }, { D_STRTAB, 1ull << 63 },
		{ D_STRSZ, UINT64_MAX }, { D_STRSZ, 1ull << 63 }, { D_STRSZ, 0 },
		{ D_SONAME, UINT64_MAX }, { D_SONAME, sizeof(STRINGS) }, { D_NEEDED, UINT64_MAX }, { D_NEEDED, 1ull << 63 },
	};
	static struct maker maker;

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		make(&maker, i & 1, i & 2, ET_DYN, 0);
		if (!maker.wide && place_of(&maker, cases[i / 4].field).size == 4 && cases[i / 4].value == 1ull << 63)
			continue;	/* the low half is 0: another case */
		set(&maker, cases[i / 4].field, cases[i / 4].value);
		read_made(&maker, true);
		assert_strings_end();
		if (!elf->details.malformed)
			fail_msg("field %u, value %#lx passed", cases[i / 4].field, (unsigned long)cases[i / 4].value);
	}
}

/* Nothing that matters here is in the section headers, so nothing they claim is believed or even read. */
static void test_section_headers_are_ignored(void **state)
{
	static const uint64_t values[] = { 1, 0x7fffffff, 1ull << 63, UINT64_MAX };
	static struct maker maker;

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(values) / sizeof(values[0]); i++) {
		make(&maker, i & 1, i & 2, ET_DYN, 0);
		set(&maker, E_SHOFF, values[i / 4]);
		set(&maker, E_SHNUM, 0xffff);
		read_made(&maker, true);
		assert_full_details(&maker);
		set(&maker, E_SHNUM, 0);
		read_made(&maker, true);
		assert_full_details(&maker);
	}
}

static void test_program_header_table_is_read_up_to_the_limit_of_the_kernel(void **state)
{
	enum { TABLE_AT = 8192, LIMIT = 65536 / 56 };
	static uint8_t bytes[TABLE_AT + (LIMIT + 1) * 56];
	static struct maker maker;

	(void)state;
	for (size_t count = LIMIT; count <= LIMIT + 1; count++) {
		make(&maker, true, false, ET_DYN, 0);
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes + TABLE_AT + (count - 4) * 56, maker.bytes + 64, 4 * 56);
		set(&maker, E_PHOFF, TABLE_AT);
		set(&maker, E_PHNUM, count);
		memcpy(bytes, maker.bytes, maker.len);
		read_file(bytes, TABLE_AT + count * 56, IMAGEDB_START_BYTES, true);
		if (count == LIMIT)
			assert_full_details(&maker);
		else
			assert_true(elf->details.malformed);
	}
}

static void test_interpreter_is_read_up_to_the_limit_of_the_kernel(void **state)
{
	static struct maker maker;

	(void)state;
	for (size_t size = IMAGEDB_MAX_INTERP; size <= IMAGEDB_MAX_INTERP + 1; size++) {
		make(&maker, true, false, ET_EXEC, 0);
		memset(maker.bytes + 2000, 'i', size - 1);
		set(&maker, INTERP_OFFSET, 2000);
		set(&maker, INTERP_FILESZ, size);
		maker.len = 2000 + size;
		read_made(&maker, true);
		assert_int_equal(elf->kind, IMAGEDB_KIND_ELF_EXEC);
		assert_int_equal(elf->details.malformed, size > IMAGEDB_MAX_INTERP);
		if (size > IMAGEDB_MAX_INTERP)
			assert_null(elf->interpreter);
		else
			assert_int_equal(strlen(elf->interpreter), size - 1);
	}
}

/* A dynamic section with @count names of @name_len bytes each behind the other parts. */
static void make_many_needed(struct maker *maker, size_t count, size_t name_len)
{
	size_t dyn = 1024, strtab = dyn + (count + 3) * 16;

	make(maker, true, false, ET_DYN, 0);
	for (size_t i = 0; i < count; i++) {
		put(maker, (struct place){ dyn + i * 16, 8 }, DT_NEEDED);
		put(maker, (struct place){ dyn + i * 16 + 8, 8 }, 0);
	}
	put(maker, (struct place){ dyn + count * 16, 8 }, DT_STRTAB);
	put(maker, (struct place){ dyn + count * 16 + 8, 8 }, VADDR + strtab);
	put(maker, (struct place){ dyn + count * 16 + 16, 8 }, DT_STRSZ);
	put(maker, (struct place){ dyn + count * 16 + 24, 8 }, name_len + 1);
	memset(maker->bytes + strtab, 'n', name_len);
	maker->len = strtab + name_len + 1;
	set(maker, LOAD_FILESZ, maker->len);
	set(maker, DYN_OFFSET, dyn);
	set(maker, DYN_FILESZ, (count + 3) * 16);
}

static void test_needed_names_beyond_the_bounds_are_cut_and_said_so(void **state)
{
	static const struct {
		size_t count;
		size_t name_len;
		size_t expected;
		bool cut_short;
		bool malformed;
	} cases[] = {
		{ 1, 1, 1, false, false },
		{ 128, 10, 128, false, false },
		{ 129, 10, 128, true, false },
		{ 1000, 10, 128, true, false },
		{ 2, 255, 2, false, false },
		{ 1, 256, 0, false, true },
		{ 128, 255, 32, true, true },	/* 32 * 256 bytes fill the memory for names */
	};
	static struct maker maker;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_many_needed(&maker, cases[i].count, cases[i].name_len);
		read_made(&maker, true);
		assert_int_equal(elf->details.needed_count, cases[i].expected);
		assert_int_equal(elf->details.cut_short, cases[i].cut_short);
		assert_int_equal(elf->details.malformed, cases[i].malformed);
		assert_strings_end();
	}
}

/* The size was taken before the file shrank: what is gone reads as malformed, and nothing waits for it. */
static void test_file_shorter_than_announced_is_malformed(void **state)
{
	static struct maker maker;
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct imagedb_start start = { .fd = fd, .file_size = 1u << 20, .bytes = maker.bytes, .len = 64 };

	(void)state;
	make(&maker, true, false, ET_DYN, 0);
	assert_int_equal(write(fd, maker.bytes, 100), 100);
	imagedb_elf_read(&start, true, elf);
	assert_true(elf->details.malformed);
	assert_int_equal(elf->kind, IMAGEDB_KIND_ELF_OTHER);
	close(fd);
}

static void read_real(const char *path)
{
	uint8_t bytes[IMAGEDB_START_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct imagedb_start start = { .fd = fd, .bytes = bytes };
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	start.file_size = (uint64_t)st.st_size;
	start.len = (size_t)pread(fd, bytes, sizeof(bytes), 0);
	imagedb_elf_read(&start, true, elf);
	close(fd);
}

static bool needs(const char *name)
{
	for (size_t i = 0; i < elf->details.needed_count; i++) {
		if (strcmp(elf->details.needed[i], name) == 0)
			return true;
	}
	return false;
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	const char **path = data;

	(void)size;
	if (strstr(info->dlpi_name, "/libc.so.6"))
		*path = info->dlpi_name;
	return *path != NULL;
}

static void test_this_program_and_its_c_library_are_understood(void **state)
{
	const char *libc = NULL;

	(void)state;
	read_real("/proc/self/exe");
	assert_int_equal(elf->kind, IMAGEDB_KIND_ELF_PIE);
	assert_false(elf->details.malformed);
	assert_non_null(strstr(elf->interpreter, "/ld-"));
	assert_null(elf->details.soname);
	assert_true(needs("libc.so.6"));
	assert_true(needs("libcmocka.so.0"));
	dl_iterate_phdr(find_libc, &libc);
	assert_non_null(libc);
	read_real(libc);
	assert_int_equal(elf->kind, IMAGEDB_KIND_ELF_SHARED);
	assert_false(elf->details.malformed);
	assert_string_equal(elf->details.soname, "libc.so.6");
	read_real(elf->interpreter);
	assert_int_equal(elf->kind, IMAGEDB_KIND_ELF_SHARED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_details_are_read_in_each_class_and_byte_order),
		cmocka_unit_test(test_kind_follows_type_interpreter_soname_and_flag),
		cmocka_unit_test(test_file_cut_at_any_byte_is_malformed_and_harmless),
		cmocka_unit_test(test_file_altered_at_any_byte_is_harmless),
		cmocka_unit_test(test_bomb_is_malformed_and_harmless),
		cmocka_unit_test(test_section_headers_are_ignored),
		cmocka_unit_test(test_program_header_table_is_read_up_to_the_limit_of_the_kernel),
		cmocka_unit_test(test_interpreter_is_read_up_to_the_limit_of_the_kernel),
		cmocka_unit_test(test_needed_names_beyond_the_bounds_are_cut_and_said_so),
		cmocka_unit_test(test_file_shorter_than_announced_is_malformed),
		cmocka_unit_test(test_this_program_and_its_c_library_are_understood),
	};

	return cmocka_run_group_tests_name("imagedb_elf", tests, set_up, tear_down);
}
