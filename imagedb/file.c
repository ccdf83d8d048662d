// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the look at one directory entry: what it is, whether it is a candidate, handing it to the callback.
 * Must not know: the order of the walk, how directories are opened.
 */
#include <string.h>
#include <sys/stat.h>

#include "imagedb/open.h"
#include "imagedb/scan.h"
#include "imagedb/util.h"

#define ANY_EXEC_BIT	(S_IXUSR | S_IXGRP | S_IXOTH)

/* The file's start; returns its length or -errno. */
static ssize_t read_start(struct imagedb_scanner *scanner, int fd, uint64_t file_size)
{
	size_t want = file_size < sizeof(scanner->start) ? (size_t)file_size : sizeof(scanner->start);
	size_t done = 0;

	while (done < want) {
		ssize_t n = pread(fd, scanner->start + done, want - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static bool wants_mode_bits(const struct imagedb_scanner *scanner, const struct stat *st)
{
	return (scanner->options.flags & IMAGEDB_SCAN_MODE_BITS) && (st->st_mode & ANY_EXEC_BIT);
}

static bool wants_any(const struct imagedb_scanner *scanner, const struct stat *st)
{
	return scanner->options.flags & IMAGEDB_SCAN_ALL || wants_mode_bits(scanner, st);
}

/* Fills kind, interpreter and details. Returns whether the file is to be reported at all. */
static bool classify(struct imagedb_scanner *scanner, const struct imagedb_start *start, const struct stat *st,
		     struct imagedb_file *file)
{
	bool details = scanner->options.flags & IMAGEDB_SCAN_DETAILS;

	if (!imagedb_classify_magic(start, &file->kind)) {
		file->kind = wants_mode_bits(scanner, st) ? IMAGEDB_KIND_MODE_BITS : IMAGEDB_KIND_OTHER;
		return wants_any(scanner, st);
	}
	if (file->kind == IMAGEDB_KIND_SCRIPT) {
		imagedb_script_read(start, &scanner->script);
		file->interpreter = scanner->script.interpreter;
		file->interpreter_arg = scanner->script.arg;
	} else if (file->kind == IMAGEDB_KIND_ELF_OTHER) {
		imagedb_elf_read(start, details, &scanner->elf);
		file->kind = scanner->elf.kind;
		file->interpreter = scanner->elf.interpreter;
		file->elf = details ? &scanner->elf.details : NULL;
	}
	return true;
}

static void fill_from_stat(struct imagedb_file *file, const struct stat *st)
{
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->nlink = st->st_nlink;
	file->mode = st->st_mode;
	file->uid = st->st_uid;
	file->gid = st->st_gid;
	file->size = (uint64_t)st->st_size;
	file->ctime = st->st_ctim;
	file->mtime = st->st_mtim;
}

static int find_hardlink(struct imagedb_scanner *scanner, struct imagedb_file *file)
{
	struct imagedb_inode inode = { .dev = file->dev, .ino = file->ino };
	int r;

	if (file->nlink < 2)
		return 0;
	r = imagedb_inodes_add(&scanner->inodes, inode, &file->hardlink_seen);
	if (r == 0 && file->hardlink_seen)
		scanner->stats.hardlinks++;
	return r;
}

static int report(struct imagedb_scanner *scanner, struct imagedb_file *file, const char *name, size_t len)
{
	struct imagedb_scan_stats *stats = &scanner->stats;
	bool candidate = file->kind != IMAGEDB_KIND_OTHER;
	int r;

	if (candidate && stats->candidates >= scanner->options.limits.candidates)
		return imagedb_scanner_halt(scanner, IMAGEDB_INCOMPLETE_CANDIDATES);
	r = imagedb_dirstack_set_path(&scanner->stack, name, len);
	if (r == -ENAMETOOLONG) {
		stats->too_long++;
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_PATH);
		return 0;
	}
	if (r == 0)
		r = find_hardlink(scanner, file);
	if (r < 0)
		return r;
	file->path = scanner->stack.path;
	file->path_len = scanner->stack.path_len;
	stats->candidates += candidate;
	stats->kinds[file->kind]++;
	r = scanner->fn(file, scanner->data);
	imagedb_dirstack_reset_path(&scanner->stack);
	return r;
}

static int examine_regular(struct imagedb_scanner *scanner, int pin_fd, const struct stat *st, const char *name, size_t len)
{
	struct imagedb_file file = { 0 };
	struct imagedb_start start;
	_cleanup_(closep) int fd = -1;
	ssize_t n;

	scanner->stats.regular_files++;
	scanner->stats.bytes += (uint64_t)st->st_size;
	if (st->st_size < IMAGEDB_MIN_BYTES && !wants_any(scanner, st))
		return 0;
	fd = imagedb_open_pinned(scanner->proc_fd, pin_fd);
	if (fd < 0)
		return imagedb_scanner_failed(scanner, fd);
	n = read_start(scanner, fd, (uint64_t)st->st_size);
	if (n < 0)
		return imagedb_scanner_failed(scanner, (int)n);
	start = (struct imagedb_start){
		.fd = fd,
		.file_size = (uint64_t)st->st_size,
		.bytes = scanner->start,
		.len = (size_t)n,
	};
	if (!classify(scanner, &start, st, &file))
		return 0;
	file.fd = fd;
	fill_from_stat(&file, st);
	return report(scanner, &file, name, len);
}

int imagedb_scanner_examine(struct imagedb_scanner *scanner, int dir_fd, const char *name, size_t len,
			    bool may_be_directory)
{
	_cleanup_(closep) int pin_fd = imagedb_pin(dir_fd, name);
	struct stat st;

	if (pin_fd < 0)
		return imagedb_scanner_failed(scanner, pin_fd);
	if (fstat(pin_fd, &st) < 0)
		return imagedb_scanner_failed(scanner, -errno);
	if (S_ISREG(st.st_mode))
		return examine_regular(scanner, pin_fd, &st, name, len);
	if (S_ISLNK(st.st_mode)) {
		scanner->stats.symlinks++;
	} else if (!S_ISDIR(st.st_mode)) {
		scanner->stats.skipped_special++;
	} else if (may_be_directory) {
		return imagedb_scanner_add_directory(scanner, name, len);
	} else {
		scanner->stats.moved++;
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_MOVED);
	}
	return 0;
}
