/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees for the tests of imagedb: making and removing them, and what a scan reported about them.
 * Everything is static inline, so that each test program takes what it needs.
 */
#ifndef TESTS_UNIT_IMAGEDB_TREE_H
#define TESTS_UNIT_IMAGEDB_TREE_H

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imagedb/imagedb.h"

#define SCRIPT_TEXT	"#!/bin/sh\nexit 0\n"
#define TREE_MAX_STEPS	100000u	/* so that what cannot be removed, a mount point, does not keep a failed test busy */
#define TREE_MAX_FOUND	4096u	/* more than any tree here has; the scan of /usr/bin has its own collector */

struct tree {
	char path[PATH_MAX];
	int fd;
};

struct found_file {
	char *path;
	size_t path_len;
	enum imagedb_kind kind;
	bool hardlink_seen;
	ino_t ino;
	uint64_t size;
	char first_byte;
};

struct found {
	struct found_file files[TREE_MAX_FOUND];
	size_t count;
};

static inline struct tree *tree_new(void)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	const char *base = getenv("TMPDIR");

	assert_non_null(tree);
	snprintf(tree->path, sizeof(tree->path), "%s/imagedb-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(tree->path));
	tree->fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(tree->fd >= 0);
	return tree;
}

static inline int tree_open_dir(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Unlinks all in a directory but directories that are not empty; returns the name of one of these, or false. */
static inline bool tree_empty_dir(int dir_fd, char *ret_name, size_t name_size)
{
	DIR *dir = fdopendir(tree_open_dir(dir_fd, "."));
	struct dirent *entry;
	bool has_dir = false;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dir_fd, entry->d_name, 0) == 0 || unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR) == 0)
			continue;
		snprintf(ret_name, name_size, "%s", entry->d_name);
		has_dir = true;
	}
	closedir(dir);
	return has_dir;
}

static inline void tree_free(struct tree *tree)
{
	char name[NAME_MAX + 1];
	uint32_t depth = 0;
	int fd = tree->fd;

	/* Down into any directory that has something in it, up again when it is empty: no recursion, one descriptor. */
	for (uint32_t step = 0; step < TREE_MAX_STEPS; step++) {
		bool down = tree_empty_dir(fd, name, sizeof(name));
		int next;

		if (!down && depth == 0)
			break;
		next = tree_open_dir(fd, down ? name : "..");
		depth = down ? depth + 1 : depth - 1;
		close(fd);
		fd = next;
	}
	close(fd);
	rmdir(tree->path);
	free(tree);
}

static inline void tree_put(int dir_fd, const char *name, const void *bytes, size_t len, mode_t mode)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline void tree_put_script(int dir_fd, const char *name)
{
	tree_put(dir_fd, name, SCRIPT_TEXT, strlen(SCRIPT_TEXT), 0755);
}

/* The smallest file that the kernel loads: one header, one segment. Little endian, 64 bits. */
static inline void tree_put_elf(int dir_fd, const char *name, uint16_t type)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr;
	} elf = {
		.ehdr = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = type,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.phdr = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 120, .p_memsz = 120 },
	};

	tree_put(dir_fd, name, &elf, sizeof(elf), 0644);
}

static inline int tree_mkdir(int dir_fd, const char *name)
{
	assert_int_equal(mkdirat(dir_fd, name, 0755), 0);
	return tree_open_dir(dir_fd, name);
}

static inline int found_add(const struct imagedb_file *file, void *data)
{
	struct found *found = data;
	struct found_file *entry = &found->files[found->count];

	assert_true(found->count < TREE_MAX_FOUND);
	assert_true(file->fd >= 0);
	assert_int_equal(strlen(file->path), file->path_len);
	assert_int_not_equal(file->path[0], '/');
	*entry = (struct found_file){
		.path = strdup(file->path),
		.path_len = file->path_len,
		.kind = file->kind,
		.hardlink_seen = file->hardlink_seen,
		.ino = file->ino,
		.size = file->size,
	};
	if (file->size > 0)
		assert_int_equal(read(file->fd, &entry->first_byte, 1), 1);
	found->count++;
	return 0;
}

static inline void found_clear(struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->files[i].path);
	found->count = 0;
}

static inline const struct found_file *found_get(const struct found *found, const char *path)
{
	for (size_t i = 0; i < found->count; i++) {
		if (strcmp(found->files[i].path, path) == 0)
			return &found->files[i];
	}
	return NULL;
}

#endif /* TESTS_UNIT_IMAGEDB_TREE_H */
