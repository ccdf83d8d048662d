// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: reading ELF headers of hostile files; the only user of libelf. Must not know: paths, directories, the walk.
 *
 * libelf translates records (class, byte order); it is never given the file itself: its own reading allocates and seeks by
 * what the headers claim. Here every read has a fixed upper bound and every offset is checked before it is used.
 *
 * I1: nothing is mapped: a file that is truncated while we read would raise SIGBUS.
 * I2: a number from the file is used as an offset or length only after fits() said yes.
 */
#include <assert.h>
#include <libelf.h>
#include <string.h>

#include "imagedb/elf.h"
#include "imagedb/util.h"

#define MAX_PHDR_BYTES	65536u		/* the kernel refuses a longer program header table */
#define MAX_DYN_BYTES	65536u		/* 4,096 entries; the largest seen in distributions have some hundred */

struct table {
	void *raw;
	void *records;		/* Elf32_X or Elf64_X by class */
	size_t count;
};

static void table_free(struct table *table)
{
	free(table->raw);
	free(table->records);
}

/* What the functions below pass along about one file. */
struct reader {
	const struct imagedb_start *start;
	struct imagedb_elf *elf;
	unsigned int class;
	unsigned int encoding;
	Elf64_Ehdr ehdr;
	struct table phdrs;
};

static bool fits(const struct reader *reader, uint64_t offset, uint64_t len)
{
	return offset <= reader->start->file_size && len <= reader->start->file_size - offset;
}

/* Reads exactly @len bytes; a file that has shrunk meanwhile counts as malformed, like any other bad offset. */
static bool read_exact(const struct reader *reader, void *buf, uint64_t offset, size_t len)
{
	const struct imagedb_start *start = reader->start;
	size_t done = 0;

	if (!fits(reader, offset, len))
		return false;
	if (offset <= start->len && len <= start->len - offset) {
		memcpy(buf, start->bytes + offset, len);
		return true;
	}
	while (done < len) {
		ssize_t n = pread(start->fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool translate(const struct reader *reader, Elf_Type type, const void *raw, size_t len, void *records)
{
	Elf_Data source = { .d_buf = (void *)(uintptr_t)raw, .d_size = len, .d_type = type, .d_version = EV_CURRENT };
	Elf_Data target = { .d_buf = records, .d_size = len, .d_version = EV_CURRENT };

	if (reader->class == ELFCLASS32)
		return elf32_xlatetom(&target, &source, reader->encoding) != NULL;
	return elf64_xlatetom(&target, &source, reader->encoding) != NULL;
}

static bool read_table(const struct reader *reader, Elf_Type type, uint64_t offset, size_t count, size_t record_bytes,
		       struct table *table)
{
	size_t len = count * record_bytes;

	table->raw = malloc(len);
	table->records = malloc(len);
	if (!table->raw || !table->records || !read_exact(reader, table->raw, offset, len))
		return false;
	if (!translate(reader, type, table->raw, len, table->records))
		return false;
	table->count = count;
	return true;
}

static bool read_ident(struct reader *reader)
{
	const struct imagedb_start *start = reader->start;

	if (start->len < EI_NIDENT || start->bytes[EI_VERSION] != EV_CURRENT)
		return false;
	reader->class = start->bytes[EI_CLASS];
	reader->encoding = start->bytes[EI_DATA];
	if (reader->class != ELFCLASS32 && reader->class != ELFCLASS64)
		return false;
	if (reader->encoding != ELFDATA2LSB && reader->encoding != ELFDATA2MSB)
		return false;
	reader->elf->details.bits = reader->class == ELFCLASS32 ? 32 : 64;
	reader->elf->details.big_endian = reader->encoding == ELFDATA2MSB;
	return true;
}

static bool read_ehdr32(struct reader *reader)
{
	Elf32_Ehdr ehdr;

	if (reader->start->len < sizeof(ehdr) ||
	    !translate(reader, ELF_T_EHDR, reader->start->bytes, sizeof(ehdr), &ehdr))
		return false;
	reader->ehdr = (Elf64_Ehdr){
		.e_type = ehdr.e_type,
		.e_machine = ehdr.e_machine,
		.e_phoff = ehdr.e_phoff,
		.e_phentsize = ehdr.e_phentsize,
		.e_phnum = ehdr.e_phnum,
	};
	return true;
}

static bool read_ehdr(struct reader *reader)
{
	bool ok;

	if (reader->class == ELFCLASS32)
		ok = read_ehdr32(reader);
	else
		ok = reader->start->len >= sizeof(reader->ehdr) &&
		     translate(reader, ELF_T_EHDR, reader->start->bytes, sizeof(reader->ehdr), &reader->ehdr);
	if (ok)
		reader->elf->details.machine = reader->ehdr.e_machine;
	return ok;
}

/* PN_XNUM and any other count that the kernel would refuse is refused here as well. */
static bool read_phdrs(struct reader *reader)
{
	size_t record_bytes = reader->class == ELFCLASS32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	const Elf64_Ehdr *ehdr = &reader->ehdr;

	if (ehdr->e_phnum == 0)
		return true;
	if (ehdr->e_phentsize != record_bytes || ehdr->e_phnum * record_bytes > MAX_PHDR_BYTES)
		return false;
	return read_table(reader, ELF_T_PHDR, ehdr->e_phoff, ehdr->e_phnum, record_bytes, &reader->phdrs);
}

static Elf64_Phdr phdr_at(const struct reader *reader, size_t i)
{
	const Elf32_Phdr *narrow = reader->phdrs.records;

	if (reader->class == ELFCLASS64)
		return ((const Elf64_Phdr *)reader->phdrs.records)[i];
	return (Elf64_Phdr){
		.p_type = narrow[i].p_type,
		.p_offset = narrow[i].p_offset,
		.p_vaddr = narrow[i].p_vaddr,
		.p_filesz = narrow[i].p_filesz,
	};
}

static bool find_phdr(const struct reader *reader, uint32_t type, Elf64_Phdr *ret)
{
	for (size_t i = 0; i < reader->phdrs.count; i++) {
		*ret = phdr_at(reader, i);
		if (ret->p_type == type)
			return true;
	}
	return false;
}

/* The kernel's conditions: 2 bytes to PATH_MAX, and the last one is the terminator. */
static bool read_interpreter(struct reader *reader, const Elf64_Phdr *phdr)
{
	struct imagedb_elf *elf = reader->elf;

	if (phdr->p_filesz < 2 || phdr->p_filesz > IMAGEDB_MAX_INTERP)
		return false;
	if (!read_exact(reader, elf->interpreter_bytes, phdr->p_offset, (size_t)phdr->p_filesz))
		return false;
	if (elf->interpreter_bytes[phdr->p_filesz - 1] != '\0')
		return false;
	elf->interpreter = elf->interpreter_bytes;
	return true;
}

/* What the dynamic section says, before any string is read. */
struct dynamic {
	uint64_t strtab;
	uint64_t strtab_bytes;
	uint64_t soname;
	bool has_soname;
	bool is_pie;
	uint64_t needed[IMAGEDB_ELF_MAX_NEEDED];
	size_t needed_count;
	bool cut_short;
};

static Elf64_Dyn dyn_at(const struct reader *reader, const struct table *table, size_t i)
{
	const Elf32_Dyn *narrow = table->records;

	if (reader->class == ELFCLASS64)
		return ((const Elf64_Dyn *)table->records)[i];
	return (Elf64_Dyn){ .d_tag = narrow[i].d_tag, .d_un.d_val = narrow[i].d_un.d_val };
}

static void note_dyn(struct dynamic *dynamic, const Elf64_Dyn *dyn)
{
	switch (dyn->d_tag) {
	case DT_STRTAB:
		dynamic->strtab = dyn->d_un.d_ptr;
		break;
	case DT_STRSZ:
		dynamic->strtab_bytes = dyn->d_un.d_val;
		break;
	case DT_SONAME:
		dynamic->soname = dyn->d_un.d_val;
		dynamic->has_soname = true;
		break;
	case DT_FLAGS_1:
		dynamic->is_pie = dyn->d_un.d_val & DF_1_PIE;
		break;
	case DT_NEEDED:
		if (dynamic->needed_count < IMAGEDB_ELF_MAX_NEEDED)
			dynamic->needed[dynamic->needed_count++] = dyn->d_un.d_val;
		else
			dynamic->cut_short = true;
		break;
	}
}

static bool read_dynamic(const struct reader *reader, const Elf64_Phdr *phdr, struct dynamic *ret)
{
	_cleanup_(table_free) struct table table = { 0 };
	size_t record_bytes = reader->class == ELFCLASS32 ? sizeof(Elf32_Dyn) : sizeof(Elf64_Dyn);
	uint64_t len = phdr->p_filesz;

	if (len > MAX_DYN_BYTES) {
		len = MAX_DYN_BYTES;
		ret->cut_short = true;
	}
	if (len < record_bytes || !read_table(reader, ELF_T_DYN, phdr->p_offset, len / record_bytes, record_bytes, &table))
		return false;
	for (size_t i = 0; i < table.count; i++) {
		Elf64_Dyn dyn = dyn_at(reader, &table, i);

		if (dyn.d_tag == DT_NULL)
			break;
		note_dyn(ret, &dyn);
	}
	return true;
}

/* Where in the file the string table lies, which the dynamic section names by its address. */
static bool find_strtab(const struct reader *reader, const struct dynamic *dynamic, uint64_t *ret)
{
	for (size_t i = 0; i < reader->phdrs.count; i++) {
		Elf64_Phdr phdr = phdr_at(reader, i);
		uint64_t delta = dynamic->strtab - phdr.p_vaddr;

		if (phdr.p_type != PT_LOAD || dynamic->strtab < phdr.p_vaddr || delta >= phdr.p_filesz)
			continue;
		if (!fits(reader, phdr.p_offset, delta) || !fits(reader, phdr.p_offset + delta, dynamic->strtab_bytes))
			return false;
		*ret = phdr.p_offset + delta;
		return true;
	}
	return false;
}

/* One string into the scratch memory. NULL: it does not end within its table or the bounds. */
static const char *read_string(struct reader *reader, const struct dynamic *dynamic, uint64_t strtab, uint64_t index)
{
	struct imagedb_elf *elf = reader->elf;
	char *string = elf->strings + elf->strings_used;
	size_t room = sizeof(elf->strings) - elf->strings_used;
	uint64_t len = dynamic->strtab_bytes - index;
	const char *end;

	if (index >= dynamic->strtab_bytes)
		return NULL;
	if (len > IMAGEDB_ELF_MAX_NAME + 1)
		len = IMAGEDB_ELF_MAX_NAME + 1;
	if (len > room)
		len = room;
	if (!read_exact(reader, string, strtab + index, (size_t)len))
		return NULL;
	end = memchr(string, '\0', (size_t)len);
	if (!end) {
		elf->details.cut_short = elf->details.cut_short || len == room;
		return NULL;
	}
	elf->strings_used += (size_t)(end - string) + 1;
	return string;
}

static bool read_names(struct reader *reader, const struct dynamic *dynamic)
{
	struct imagedb_elf *elf = reader->elf;
	bool ok = true;
	uint64_t strtab;

	elf->details.cut_short = dynamic->cut_short;
	if (!dynamic->has_soname && dynamic->needed_count == 0)
		return true;
	if (!find_strtab(reader, dynamic, &strtab))
		return false;
	if (dynamic->has_soname)
		elf->details.soname = read_string(reader, dynamic, strtab, dynamic->soname);
	for (size_t i = 0; i < dynamic->needed_count; i++) {
		const char *name = read_string(reader, dynamic, strtab, dynamic->needed[i]);

		if (name)
			elf->needed[elf->details.needed_count++] = name;
		ok = ok && name;
	}
	elf->details.needed = elf->details.needed_count ? elf->needed : NULL;
	return ok && (!dynamic->has_soname || elf->details.soname);
}

static enum imagedb_kind kind_of_dyn(bool has_interpreter, const struct dynamic *dynamic)
{
	if (dynamic->is_pie)
		return IMAGEDB_KIND_ELF_PIE;
	/* The C library can be started as a program, yet it is a library: it has a soname. */
	return has_interpreter && !dynamic->has_soname ? IMAGEDB_KIND_ELF_PIE : IMAGEDB_KIND_ELF_SHARED;
}

/* ET_EXEC and ET_DYN: what the program headers lead to. */
static bool read_loadable(struct reader *reader, bool want_details)
{
	struct dynamic dynamic = { 0 };
	Elf64_Phdr interp, dyn;
	bool has_interp, has_dyn, ok = true;

	if (!read_phdrs(reader) || reader->phdrs.count == 0)
		return false;
	has_interp = find_phdr(reader, PT_INTERP, &interp);
	has_dyn = find_phdr(reader, PT_DYNAMIC, &dyn);
	if (has_dyn && (want_details || reader->ehdr.e_type == ET_DYN))
		ok = read_dynamic(reader, &dyn, &dynamic);
	if (reader->ehdr.e_type == ET_EXEC)
		reader->elf->kind = IMAGEDB_KIND_ELF_EXEC;
	else
		reader->elf->kind = kind_of_dyn(has_interp, &dynamic);
	if (!want_details)
		return ok;
	if (has_interp)
		ok = read_interpreter(reader, &interp) && ok;
	return read_names(reader, &dynamic) && ok;
}

static bool read_by_type(struct reader *reader, bool want_details)
{
	switch (reader->ehdr.e_type) {
	case ET_EXEC:
	case ET_DYN:
		return read_loadable(reader, want_details);
	case ET_REL:
		reader->elf->kind = IMAGEDB_KIND_ELF_RELOC;
		return true;
	default:
		return true;
	}
}

void imagedb_elf_read(const struct imagedb_start *start, bool want_details, struct imagedb_elf *ret)
{
	struct reader reader = { .start = start, .elf = ret };
	bool ok;

	ret->kind = IMAGEDB_KIND_ELF_OTHER;
	ret->details = (struct imagedb_elf_details){ 0 };
	ret->interpreter = NULL;
	ret->strings_used = 0;
	ok = elf_version(EV_CURRENT) != EV_NONE && read_ident(&reader) && read_ehdr(&reader) &&
	     read_by_type(&reader, want_details);
	table_free(&reader.phdrs);
	ret->details.malformed = !ok;
}
