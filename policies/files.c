// SPDX-License-Identifier: Apache-2.0
/*
 * Reads files, and lists folders. Must not know what the files say.
 */
#include "policies/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files of one folder, while it is read. */
struct listing {
	struct policy_arena *arena;
	struct entry {
		const char *name;
		struct entry *next;
	} *first;
	const char **names;
	size_t n;
};

static int fail_errno(struct policy_error *err, const char *path, const char *what, int error)
{
	return policy_fail(err, error, (struct policy_place){ .file = path }, "cannot %s: %s", what,
			   strerrordesc_np(-error));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Up to @size bytes of @fd. Return: bytes read; -errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, buffer + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static int fail_size(struct policy_error *err, const char *path)
{
	return policy_fail(err, -EFBIG, (struct policy_place){ .file = path },
			   "the file is larger than %d bytes; split it", POLICY_FILE_BYTES_MAX);
}

/* Reads one byte more than stat() promised: a file that grows meanwhile is noticed. */
static int read_open_file(int fd, size_t size, const char *path, struct policy_arena *arena, char **ret, size_t *ret_len,
			  struct policy_error *err)
{
	char *text;
	ssize_t n;

	if (size > POLICY_FILE_BYTES_MAX)
		return fail_size(err, path);
	text = policy_arena_alloc(arena, 1, size + 2);
	if (!text)
		return fail_errno(err, path, "read", -ENOMEM);
	n = read_all(fd, text, size + 1);
	if (n < 0)
		return fail_errno(err, path, "read", (int)n);
	if ((size_t)n > size)
		return policy_fail(err, -EAGAIN, (struct policy_place){ .file = path },
				   "the file grew while it was read; try again");
	*ret = text;
	*ret_len = (size_t)n;
	return 0;
}

int policy_file_read(const char *path, struct policy_arena *arena, char **ret, size_t *ret_len, struct policy_error *err)
{
	/* Without O_NONBLOCK the open of a FIFO waits for a writer. */
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail_errno(err, path, "open", -errno);
	if (fstat(fd, &st) < 0)
		return fail_errno(err, path, "stat", -errno);
	if (!S_ISREG(st.st_mode))
		return policy_fail(err, -EINVAL, (struct policy_place){ .file = path },
				   "neither a file nor a folder; name a YAML file");
	return read_open_file(fd, (size_t)st.st_size, path, arena, ret, ret_len, err);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t name_len = strlen(name), len = strlen(suffix);

	return name_len > len && strcmp(name + name_len - len, suffix) == 0;
}

static int add_entry(struct listing *listing, const char *name)
{
	struct entry *entry = policy_arena_alloc(listing->arena, 1, sizeof(*entry));

	if (!entry || policy_arena_dup(listing->arena, name, &entry->name) < 0)
		return -ENOMEM;
	entry->next = listing->first;
	listing->first = entry;
	listing->n++;
	return 0;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort_listing(struct listing *listing)
{
	size_t i = 0;

	listing->names = policy_arena_alloc(listing->arena, listing->n, sizeof(*listing->names));
	if (!listing->names)
		return -ENOMEM;
	for (const struct entry *entry = listing->first; entry; entry = entry->next)
		listing->names[i++] = entry->name;
	qsort(listing->names, listing->n, sizeof(*listing->names), compare_strings);
	return 0;
}

static int list_folder(DIR *dir, struct listing *listing)
{
	const struct dirent *entry;
	int r = 0;

	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno ? -errno : sort_listing(listing);
		if (entry->d_name[0] == '.' || !(has_suffix(entry->d_name, ".yaml") || has_suffix(entry->d_name, ".yml")))
			continue;
		r = listing->n < POLICY_FILES_MAX ? add_entry(listing, entry->d_name) : -E2BIG;
	}
	return r;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int each_of_folder(const char *path, policy_file_fn fn, void *arg, struct policy_error *err)
{
	_cleanup_(policy_arena_free) struct policy_arena *arena = NULL;
	_cleanup_(close_dir) DIR *dir = opendir(path);
	struct listing listing = { 0 };
	char file[POLICY_ERROR_FILE_MAX];
	int r;

	if (!dir)
		return fail_errno(err, path, "open", -errno);
	r = policy_arena_new(&arena);
	listing.arena = arena;
	if (r == 0)
		r = list_folder(dir, &listing);
	if (r < 0)
		return fail_errno(err, path, "list", r);
	for (size_t i = 0; i < listing.n && r == 0; i++) {
		int n = snprintf(file, sizeof(file), "%s%s%s", path, has_suffix(path, "/") ? "" : "/",
				 listing.names[i]);

		if (n < 0 || (size_t)n >= sizeof(file))
			return fail_errno(err, path, "open a file of it", -ENAMETOOLONG);
		r = is_folder(file) ? 0 : fn(file, arg);
	}
	return r;
}

int policy_files_each(const char *path, policy_file_fn fn, void *arg, struct policy_error *err)
{
	return is_folder(path) ? each_of_folder(path, fn, arg, err) : fn(path, arg);
}
