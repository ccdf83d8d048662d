/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one scan, shared by the walk (scan.c) and the look at one file (file.c). Nobody else includes this. */
#ifndef IMAGEDB_SCAN_H
#define IMAGEDB_SCAN_H

#include "imagedb/classify.h"
#include "imagedb/dirstack.h"
#include "imagedb/elf.h"
#include "imagedb/imagedb.h"
#include "imagedb/inodes.h"

#define IMAGEDB_LIST_BYTES	32768u	/* one getdents64: about 1,000 entries */

struct imagedb_scanner {
	struct imagedb_scan_options options;	/* with all limits filled in */
	imagedb_file_fn fn;
	void *data;
	int proc_fd;
	bool halted;				/* a bound ended the walk: not an error */
	struct imagedb_dirstack stack;
	struct imagedb_inodes inodes;
	struct imagedb_scan_stats stats;
	struct imagedb_script script;
	struct imagedb_elf elf;
	uint8_t start[IMAGEDB_START_BYTES];
	_Alignas(8) char list[IMAGEDB_LIST_BYTES];
};

/** imagedb_scanner_incomplete() - note that something was left out; the first reason stays */
void imagedb_scanner_incomplete(struct imagedb_scanner *scanner, enum imagedb_incomplete reason);

/** imagedb_scanner_halt() - end the walk at a bound; returns the non-zero value that its callers hand up */
int imagedb_scanner_halt(struct imagedb_scanner *scanner, enum imagedb_incomplete reason);

/**
 * imagedb_scanner_failed() - sort an error of opening or reading: mount, gone, unreadable, or out of resources
 * @scanner:	the scan
 * @error:	-errno
 *
 * Return: 0 when it was counted and the scan goes on, else @error.
 */
int imagedb_scanner_failed(struct imagedb_scanner *scanner, int error);

/**
 * imagedb_scanner_add_directory() - let a sub-directory of the current directory wait, within the bounds
 *
 * Return: 0, also when a bound left it out and that was counted; no memory (-ENOMEM).
 */
int imagedb_scanner_add_directory(struct imagedb_scanner *scanner, const char *name, size_t len);

/**
 * imagedb_scanner_examine() - look at one entry that is not known to be a directory or a link
 * @scanner:		the scan
 * @dir_fd:		the current directory
 * @name:		the entry
 * @len:		its length
 * @may_be_directory:	let it wait if it turns out to be a directory; if not, that counts as moved
 *
 * Return: 0 to go on, anything else ends the walk.
 */
int imagedb_scanner_examine(struct imagedb_scanner *scanner, int dir_fd, const char *name, size_t len,
			    bool may_be_directory);

#endif /* IMAGEDB_SCAN_H */
