// SPDX-License-Identifier: Apache-2.0
/*
 * Owns: the walk over a container's root, its bounds, deadline and statistics.
 * Must not know: what makes a file a candidate, how descriptors are opened.
 *
 * Depth first, without recursion: a directory is listed completely (files looked at on the way, names of sub-directories
 * kept), then its sub-directories are entered one by one. I1: whatever is left out is counted and ends .complete.
 */
#include <dirent.h>
#include <string.h>

#include "imagedb/open.h"
#include "imagedb/scan.h"
#include "imagedb/util.h"

#define ENTRIES_PER_CLOCK	16u	/* reading the clock may be a system call in a virtual machine */
#define ENTRIES_PER_PROGRESS	4096u
#define KNOWN_FLAGS		((unsigned int)(IMAGEDB_SCAN_DETAILS | IMAGEDB_SCAN_MODE_BITS | IMAGEDB_SCAN_ALL))

void imagedb_scanner_incomplete(struct imagedb_scanner *scanner, enum imagedb_incomplete reason)
{
	scanner->stats.complete = false;
	if (scanner->stats.reason == IMAGEDB_INCOMPLETE_NONE)
		scanner->stats.reason = reason;
}

int imagedb_scanner_halt(struct imagedb_scanner *scanner, enum imagedb_incomplete reason)
{
	imagedb_scanner_incomplete(scanner, reason);
	scanner->halted = true;
	return 1;
}

int imagedb_scanner_failed(struct imagedb_scanner *scanner, int error)
{
	switch (error) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return error;
	case -EXDEV:
		scanner->stats.skipped_mounts++;
		return 0;
	case -ENOENT:
		scanner->stats.vanished++;
		return 0;
	default:
		scanner->stats.unreadable++;
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_UNREADABLE);
		return 0;
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int check_deadline(const struct imagedb_scanner *scanner)
{
	uint64_t deadline_ns = scanner->options.deadline_ns;

	return deadline_ns && now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

static int check_cancel(const struct imagedb_scanner *scanner)
{
	const atomic_bool *cancel = scanner->options.cancel;

	return cancel && atomic_load_explicit(cancel, memory_order_relaxed) ? -ECANCELED : 0;
}

static int check_stop(const struct imagedb_scanner *scanner)
{
	int r = check_cancel(scanner);

	return r == 0 ? check_deadline(scanner) : r;
}

/* Counts an entry; non-zero ends the walk. */
static int begin_entry(struct imagedb_scanner *scanner)
{
	const struct imagedb_scan_options *options = &scanner->options;

	if (scanner->stats.entries >= options->limits.entries)
		return imagedb_scanner_halt(scanner, IMAGEDB_INCOMPLETE_ENTRIES);
	scanner->stats.entries++;
	if (options->progress && scanner->stats.entries % ENTRIES_PER_PROGRESS == 0)
		options->progress(&scanner->stats, options->progress_data);
	return scanner->stats.entries % ENTRIES_PER_CLOCK == 0 ? check_stop(scanner) : check_cancel(scanner);
}

int imagedb_scanner_add_directory(struct imagedb_scanner *scanner, const char *name, size_t len)
{
	int r;

	if (scanner->stack.depth > scanner->options.limits.depth) {
		scanner->stats.too_deep++;
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_DEPTH);
		return 0;
	}
	r = imagedb_dirstack_add_name(&scanner->stack, name, len);
	if (r == -ENOSPC) {
		scanner->stats.pending_dropped++;
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_PENDING);
		return 0;
	}
	return r;
}

/* The entry's type as the listing gives it is a hint only: what is opened is looked at again. */
static int take_entry(struct imagedb_scanner *scanner, int dir_fd, const struct dirent64 *entry)
{
	size_t len = strlen(entry->d_name);

	switch (entry->d_type) {
	case DT_DIR:
		return imagedb_scanner_add_directory(scanner, entry->d_name, len);
	case DT_LNK:
		scanner->stats.symlinks++;
		return 0;
	case DT_REG:
	case DT_UNKNOWN:
		return imagedb_scanner_examine(scanner, dir_fd, entry->d_name, len, true);
	default:
		scanner->stats.skipped_special++;
		return 0;
	}
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int take_entries(struct imagedb_scanner *scanner, int dir_fd, size_t len)
{
	const struct dirent64 *entry;

	for (size_t at = 0; at < len; at += entry->d_reclen) {
		int r;

		entry = (const struct dirent64 *)(scanner->list + at);
		if (is_dot(entry->d_name))
			continue;
		r = begin_entry(scanner);
		if (r == 0)
			r = take_entry(scanner, dir_fd, entry);
		if (r != 0)
			return r;
	}
	return 0;
}

static int list_directory(struct imagedb_scanner *scanner, int dir_fd)
{
	scanner->stats.directories++;
	for (;;) {
		ssize_t n = getdents64(dir_fd, scanner->list, sizeof(scanner->list));
		int r;

		if (n == 0)
			return 0;
		if (n < 0)
			return imagedb_scanner_failed(scanner, -errno);
		r = take_entries(scanner, dir_fd, (size_t)n);
		if (r != 0)
			return r;
	}
}

/* Takes @fd, which belongs to the path that the stack holds. */
static int enter_directory(struct imagedb_scanner *scanner, int fd)
{
	int r = imagedb_dirstack_push(&scanner->stack, fd);

	if (r < 0)
		return r;
	r = imagedb_dirstack_directory(&scanner->stack);
	return r < 0 ? r : list_directory(scanner, r);
}

/* The way back is gone: everything below the kept descriptors is given up, and counted where names still waited. */
static int abandon_moved(struct imagedb_scanner *scanner, int error)
{
	struct imagedb_dirstack *stack = &scanner->stack;

	if (error == -ENOMEM || error == -EMFILE || error == -ENFILE)
		return error;
	imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_MOVED);
	scanner->stats.moved++;
	while (stack->depth > IMAGEDB_KEPT_DESCRIPTORS) {
		imagedb_dirstack_pop(stack);
		if (stack->depth > IMAGEDB_KEPT_DESCRIPTORS && imagedb_dirstack_has_names(stack))
			scanner->stats.moved++;
	}
	return 0;
}

/* Enters the next waiting sub-directory of the top frame. */
static int visit_next(struct imagedb_scanner *scanner)
{
	struct imagedb_dirstack *stack = &scanner->stack;
	int dir_fd = imagedb_dirstack_directory(stack);
	const char *name;
	size_t len;
	int fd, r;

	if (dir_fd < 0)
		return abandon_moved(scanner, dir_fd);
	name = imagedb_dirstack_next_name(stack, &len);
	fd = imagedb_open_directory(dir_fd, name);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return imagedb_scanner_examine(scanner, dir_fd, name, len, false);
	if (fd < 0)
		return imagedb_scanner_failed(scanner, fd);
	r = imagedb_dirstack_set_path(stack, name, len);
	if (r == 0)
		return enter_directory(scanner, fd);
	close(fd);
	if (r != -ENAMETOOLONG)
		return r;
	scanner->stats.too_long++;
	imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_PATH);
	return 0;
}

static int walk(struct imagedb_scanner *scanner)
{
	struct imagedb_dirstack *stack = &scanner->stack;
	int r = 0;

	while (r == 0 && stack->depth > 0) {
		r = check_stop(scanner);
		if (r != 0)
			break;
		imagedb_dirstack_reset_path(stack);
		if (imagedb_dirstack_has_names(stack))
			r = visit_next(scanner);
		else
			imagedb_dirstack_pop(stack);
	}
	return r;
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static void set_options(struct imagedb_scanner *scanner, const struct imagedb_scan_options *options)
{
	struct imagedb_scan_limits *limits = &scanner->options.limits;

	if (options)
		scanner->options = *options;
	limits->depth = or_default(limits->depth, IMAGEDB_MAX_DEPTH);
	limits->entries = or_default(limits->entries, IMAGEDB_MAX_ENTRIES);
	limits->candidates = or_default(limits->candidates, IMAGEDB_MAX_CANDIDATES);
	limits->path_bytes = or_default(limits->path_bytes, IMAGEDB_MAX_PATH);
	limits->pending_bytes = or_default(limits->pending_bytes, IMAGEDB_MAX_PENDING);
	scanner->stack.path_max = limits->path_bytes;
	scanner->stack.names_max = limits->pending_bytes;
}

static void scanner_release(struct imagedb_scanner **scanner)
{
	if (!*scanner)
		return;
	imagedb_dirstack_release(&(*scanner)->stack);
	imagedb_inodes_release(&(*scanner)->inodes);
	closep(&(*scanner)->proc_fd);
	free(*scanner);
	*scanner = NULL;
}

static int scan_root(struct imagedb_scanner *scanner, int rootfs_fd)
{
	int fd, r = check_stop(scanner);

	if (r != 0)
		return r;
	scanner->proc_fd = imagedb_open_proc();
	if (scanner->proc_fd < 0)
		return scanner->proc_fd;
	fd = imagedb_open_root(rootfs_fd);
	if (fd < 0)
		return fd;
	r = enter_directory(scanner, fd);
	return r == 0 ? walk(scanner) : r;
}

int imagedb_scan(int rootfs_fd, const struct imagedb_scan_options *options, imagedb_file_fn fn, void *data,
		 struct imagedb_scan_stats *ret_stats)
{
	_cleanup_(scanner_release) struct imagedb_scanner *scanner = NULL;
	int r;

	if (ret_stats)
		*ret_stats = (struct imagedb_scan_stats){ .reason = IMAGEDB_INCOMPLETE_STOPPED };
	if (!fn || (options && options->flags & ~KNOWN_FLAGS))
		return -EINVAL;
	scanner = calloc(1, sizeof(*scanner));
	if (!scanner)
		return -ENOMEM;
	scanner->fn = fn;
	scanner->data = data;
	scanner->proc_fd = -1;
	scanner->stack.current_fd = -1;
	scanner->stats.complete = true;
	set_options(scanner, options);
	r = scan_root(scanner, rootfs_fd);
	if (scanner->halted)
		r = 0;
	else if (r != 0)
		imagedb_scanner_incomplete(scanner, IMAGEDB_INCOMPLETE_STOPPED);
	if (ret_stats)
		*ret_stats = scanner->stats;
	return r;
}
