/* SPDX-License-Identifier: Apache-2.0 */
/* Is a file a candidate, and of which kind? Owns: the magic numbers and the "#!" line. Must not know: paths, the walk. */
#ifndef IMAGEDB_CLASSIFY_H
#define IMAGEDB_CLASSIFY_H

#include <stdbool.h>

#include "imagedb/elf.h"

#define IMAGEDB_START_BYTES	1024u	/* enough for a "#!" line and for the program headers of ordinary ELF files */
#define IMAGEDB_MIN_BYTES	3u	/* "#!x" is the shortest thing that the kernel runs */

struct imagedb_script {
	char line[IMAGEDB_MAX_SCRIPT_LINE + 1];
	const char *interpreter;	/* NULL, or points into line */
	const char *arg;		/* NULL, or points into line */
};

/**
 * imagedb_classify_magic() - is it code, by its first bytes?
 * @start:	the file's start, borrowed
 * @ret:	output: IMAGEDB_KIND_SCRIPT, IMAGEDB_KIND_PE, IMAGEDB_KIND_HEAP, or IMAGEDB_KIND_ELF_OTHER for any ELF file
 *
 * The magic number alone decides: the kernel and ld.so may accept what a parser here would call broken, and a broken file
 * in the catalogue does no harm. Return: whether the file is a candidate.
 */
bool imagedb_classify_magic(const struct imagedb_start *start, enum imagedb_kind *ret);

/**
 * imagedb_script_read() - interpreter and argument of a "#!" line, by the kernel's rules (fs/binfmt_script.c)
 * @start:	the file's start, beginning with "#!"
 * @ret:	output: .interpreter is NULL when the kernel would refuse the line (none, or cut off by the 256-byte limit)
 */
void imagedb_script_read(const struct imagedb_start *start, struct imagedb_script *ret);

#endif /* IMAGEDB_CLASSIFY_H */
