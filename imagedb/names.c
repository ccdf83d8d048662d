// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the words for this library's enums, as they appear in reports and JSON: they are an interface, never change one.
 * Must not know: how a scan or a digest works.
 */
#include <assert.h>

#include "imagedb/imagedb.h"

static const char *const kind_names[] = {
	[IMAGEDB_KIND_ELF_EXEC]		= "elf-exec",
	[IMAGEDB_KIND_ELF_PIE]		= "elf-pie",
	[IMAGEDB_KIND_ELF_SHARED]	= "elf-shared",
	[IMAGEDB_KIND_ELF_RELOC]	= "elf-reloc",
	[IMAGEDB_KIND_ELF_OTHER]	= "elf-other",
	[IMAGEDB_KIND_SCRIPT]		= "script",
	[IMAGEDB_KIND_PE]		= "pe",
	[IMAGEDB_KIND_HEAP]		= "heap",
	[IMAGEDB_KIND_MODE_BITS]	= "mode-bits",
	[IMAGEDB_KIND_OTHER]		= "other",
};
static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == _IMAGEDB_KIND_MAX, "a kind has no name");

static const char *const incomplete_names[] = {
	[IMAGEDB_INCOMPLETE_NONE]	= "none",
	[IMAGEDB_INCOMPLETE_DEPTH]	= "depth",
	[IMAGEDB_INCOMPLETE_PATH]	= "path-length",
	[IMAGEDB_INCOMPLETE_ENTRIES]	= "entries",
	[IMAGEDB_INCOMPLETE_CANDIDATES]	= "candidates",
	[IMAGEDB_INCOMPLETE_PENDING]	= "pending-directories",
	[IMAGEDB_INCOMPLETE_UNREADABLE]	= "unreadable",
	[IMAGEDB_INCOMPLETE_MOVED]	= "directory-moved",
	[IMAGEDB_INCOMPLETE_STOPPED]	= "stopped",
};
static_assert(sizeof(incomplete_names) / sizeof(incomplete_names[0]) == _IMAGEDB_INCOMPLETE_MAX, "a reason has no name");

const char *imagedb_kind_to_string(enum imagedb_kind kind)
{
	return (unsigned int)kind < _IMAGEDB_KIND_MAX ? kind_names[kind] : NULL;
}

const char *imagedb_incomplete_to_string(enum imagedb_incomplete reason)
{
	return (unsigned int)reason < _IMAGEDB_INCOMPLETE_MAX ? incomplete_names[reason] : NULL;
}

const char *imagedb_algorithm_to_string(enum imagedb_algorithm algorithm)
{
	switch (algorithm) {
	case IMAGEDB_ALGORITHM_XXH3_128:
		return "xxh3-128";
	case IMAGEDB_ALGORITHM_SHA256:
		return "sha256";
	}
	return NULL;
}
