/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes small ELF files of each class and byte order for tests, with known places of the fields that tests alter.
 * Written without libelf, on purpose: what is tested must not also make the sample.
 */
#ifndef TESTS_UNIT_IMAGEDB_ELF_MAKER_H
#define TESTS_UNIT_IMAGEDB_ELF_MAKER_H

#include "tests/unit/imagedb_tree.h"

#define INTERPRETER	"/lib/ld-test.so.1"
#define SONAME		"libtest.so.7"
#define FILE_MAX	32768u

/* The file being made. */
struct maker {
	uint8_t bytes[FILE_MAX];
	size_t len;
	bool wide;
	bool big;
};

enum field {
	E_TYPE, E_PHOFF, E_SHOFF, E_PHENTSIZE, E_PHNUM, E_SHNUM, E_VERSION_IDENT,
	INTERP_OFFSET, INTERP_FILESZ, LOAD_OFFSET, LOAD_VADDR, LOAD_FILESZ, DYN_OFFSET, DYN_FILESZ,
	D_SONAME, D_NEEDED, D_STRTAB, D_STRSZ, INTERP_END,
	_FIELD_MAX,
};

struct place {
	size_t at;
	size_t size;
};

static inline void put(struct maker *maker, struct place place, uint64_t value)
{
	for (size_t i = 0; i < place.size; i++) {
		size_t shift = maker->big ? place.size - 1 - i : i;

		maker->bytes[place.at + i] = (uint8_t)(value >> (8 * shift));
	}
	if (maker->len < place.at + place.size)
		maker->len = place.at + place.size;
}

static inline size_t ehdr_size(const struct maker *maker)
{
	return maker->wide ? 64 : 52;
}

static inline size_t phdr_size(const struct maker *maker)
{
	return maker->wide ? 56 : 32;
}

/* Layout: header, four program headers, interpreter, dynamic section of six entries, string table. */
static inline size_t interp_at(const struct maker *maker)
{
	return ehdr_size(maker) + 4 * phdr_size(maker);
}

static inline size_t dyn_at(const struct maker *maker)
{
	return interp_at(maker) + sizeof(INTERPRETER);
}

static inline size_t strtab_at(const struct maker *maker)
{
	return dyn_at(maker) + 6 * (maker->wide ? 16 : 8);
}

static inline struct place phdr_field(const struct maker *maker, size_t index, size_t narrow, size_t wide)
{
	return (struct place){
		.at = ehdr_size(maker) + index * phdr_size(maker) + (maker->wide ? wide : narrow),
		.size = maker->wide ? 8 : 4,
	};
}

static inline struct place dyn_value(const struct maker *maker, size_t index)
{
	size_t word = maker->wide ? 8 : 4;

	return (struct place){ .at = dyn_at(maker) + index * 2 * word + word, .size = word };
}

static inline struct place place_of(const struct maker *maker, enum field field)
{
	size_t word = maker->wide ? 8 : 4;

	switch (field) {
	case E_TYPE:		return (struct place){ 16, 2 };
	case E_PHOFF:		return (struct place){ maker->wide ? 32 : 28, word };
	case E_SHOFF:		return (struct place){ maker->wide ? 40 : 32, word };
	case E_PHENTSIZE:	return (struct place){ maker->wide ? 54 : 42, 2 };
	case E_PHNUM:		return (struct place){ maker->wide ? 56 : 44, 2 };
	case E_SHNUM:		return (struct place){ maker->wide ? 60 : 48, 2 };
	case E_VERSION_IDENT:	return (struct place){ 6, 1 };
	case INTERP_OFFSET:	return phdr_field(maker, 0, 4, 8);
	case INTERP_FILESZ:	return phdr_field(maker, 0, 16, 32);
	case LOAD_OFFSET:	return phdr_field(maker, 1, 4, 8);
	case LOAD_VADDR:	return phdr_field(maker, 1, 8, 16);
	case LOAD_FILESZ:	return phdr_field(maker, 1, 16, 32);
	case DYN_OFFSET:	return phdr_field(maker, 2, 4, 8);
	case DYN_FILESZ:	return phdr_field(maker, 2, 16, 32);
	case D_SONAME:		return dyn_value(maker, 0);
	case D_NEEDED:		return dyn_value(maker, 1);
	case D_STRTAB:		return dyn_value(maker, 3);
	case D_STRSZ:		return dyn_value(maker, 4);
	case INTERP_END:	return (struct place){ interp_at(maker) + sizeof(INTERPRETER) - 1, 1 };
	case _FIELD_MAX:	break;
	}
	fail();
	return (struct place){ 0 };
}

static inline void set(struct maker *maker, enum field field, uint64_t value)
{
	put(maker, place_of(maker, field), value);
}

static inline void put_phdr_type(struct maker *maker, size_t index, uint32_t type)
{
	put(maker, (struct place){ ehdr_size(maker) + index * phdr_size(maker), 4 }, type);
}

static inline void put_dyn(struct maker *maker, size_t index, uint64_t tag, uint64_t value)
{
	struct place place = dyn_value(maker, index);

	put(maker, place, value);
	place.at -= place.size;
	put(maker, place, tag);
}

#define STRINGS		"\0" SONAME "\0libone.so\0libtwo.so.2"
#define NAME_ONE	(1 + sizeof(SONAME))
#define NAME_TWO	(NAME_ONE + sizeof("libone.so"))
#define VADDR		0x10000u

static inline void make_headers(struct maker *maker, uint16_t type)
{
	memcpy(maker->bytes, "\177ELF", 4);
	maker->bytes[4] = maker->wide ? ELFCLASS64 : ELFCLASS32;
	maker->bytes[5] = maker->big ? ELFDATA2MSB : ELFDATA2LSB;
	set(maker, E_VERSION_IDENT, 1);
	set(maker, E_TYPE, type);
	put(maker, (struct place){ 18, 2 }, EM_MIPS);
	set(maker, E_PHOFF, ehdr_size(maker));
	set(maker, E_PHENTSIZE, phdr_size(maker));
	set(maker, E_PHNUM, 4);
}

/* A shared object with everything in it; @flags goes into DT_FLAGS_1. */
static inline void make(struct maker *maker, bool wide, bool big, uint16_t type, uint64_t flags)
{
	*maker = (struct maker){ .wide = wide, .big = big };
	make_headers(maker, type);
	put_phdr_type(maker, 0, PT_INTERP);
	set(maker, INTERP_OFFSET, interp_at(maker));
	set(maker, INTERP_FILESZ, sizeof(INTERPRETER));
	put_phdr_type(maker, 1, PT_LOAD);
	set(maker, LOAD_OFFSET, 0);
	set(maker, LOAD_VADDR, VADDR);
	put_phdr_type(maker, 2, PT_DYNAMIC);
	set(maker, DYN_OFFSET, dyn_at(maker));
	set(maker, DYN_FILESZ, strtab_at(maker) - dyn_at(maker));
	put_phdr_type(maker, 3, PT_GNU_STACK);
	memcpy(maker->bytes + interp_at(maker), INTERPRETER, sizeof(INTERPRETER));
	put_dyn(maker, 0, DT_SONAME, 1);
	put_dyn(maker, 1, DT_NEEDED, NAME_ONE);
	put_dyn(maker, 2, DT_NEEDED, NAME_TWO);
	put_dyn(maker, 3, DT_STRTAB, VADDR + strtab_at(maker));
	put_dyn(maker, 4, DT_STRSZ, sizeof(STRINGS));
	put_dyn(maker, 5, DT_FLAGS_1, flags);
	memcpy(maker->bytes + strtab_at(maker), STRINGS, sizeof(STRINGS));
	maker->len = strtab_at(maker) + sizeof(STRINGS);
	set(maker, LOAD_FILESZ, maker->len);
}

#endif /* TESTS_UNIT_IMAGEDB_ELF_MAKER_H */
