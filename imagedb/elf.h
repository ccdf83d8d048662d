/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ELF file's headers say. Owns: reading ELF within bounds. Must not know: paths, directories, the walk.
 */
#ifndef IMAGEDB_ELF_H
#define IMAGEDB_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imagedb/imagedb.h"

#define IMAGEDB_ELF_MAX_NEEDED	128u		/* the most-linked programs of a distribution stay below 100 libraries */
#define IMAGEDB_ELF_MAX_NAME	255u		/* a DT_NEEDED or DT_SONAME is a file name */
#define IMAGEDB_ELF_STRINGS	8192u		/* bytes for all of them: names average 20 */

/* The start of a file, and what is needed to read more of it. */
struct imagedb_start {
	int fd;			/* borrowed */
	uint64_t file_size;
	const uint8_t *bytes;
	size_t len;
};

/* Results and the memory they point into; one per scan, used again for each file. */
struct imagedb_elf {
	enum imagedb_kind kind;
	struct imagedb_elf_details details;
	const char *interpreter;	/* NULL, or points into interpreter_bytes */
	const char *needed[IMAGEDB_ELF_MAX_NEEDED];
	char strings[IMAGEDB_ELF_STRINGS];
	size_t strings_used;
	char interpreter_bytes[IMAGEDB_MAX_INTERP + 1];
};

/**
 * imagedb_elf_read() - read the headers of a file that starts with the ELF magic
 * @start:		the file, borrowed
 * @want_details:	also read interpreter, soname and needed names
 * @ret:		output, overwritten; never fails: what does not hold together makes IMAGEDB_KIND_ELF_OTHER and .malformed
 *
 * Cost: one pread for a shared object, up to two more per name with @want_details; at most 128 KiB of memory at any time.
 */
void imagedb_elf_read(const struct imagedb_start *start, bool want_details, struct imagedb_elf *ret);

#endif /* IMAGEDB_ELF_H */
