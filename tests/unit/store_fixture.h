/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for a store, sets of made-up files, and the checks that each of them came back as it went in. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "imagedb/store.h"

#define FIXTURE_FILE "images.mdb"

struct fixture {
	char base[64];		/* removed at the end */
	char folder[96];	/* of the store, in it */
};

static inline int fixture_set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	snprintf(fixture->base, sizeof(fixture->base), "/tmp/store-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->base));
	snprintf(fixture->folder, sizeof(fixture->folder), "%s/imagedb", fixture->base);
	*state = fixture;
	return 0;
}

static inline void fixture_empty(const struct fixture *fixture)
{
	static const char *const names[] = {
		FIXTURE_FILE, FIXTURE_FILE "-lock", "lock", FIXTURE_FILE ".aside.1", FIXTURE_FILE ".aside.2", FIXTURE_FILE ".aside.3",
	};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->folder, names[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	rmdir(fixture->folder);
}

static inline int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	fixture_empty(fixture);
	assert_int_equal(rmdir(fixture->base), 0);
	free(fixture);
	return 0;
}

static inline void fixture_path(const struct fixture *fixture, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", fixture->folder, name);
}

static inline struct imagedb_store *fixture_open(const struct fixture *fixture)
{
	struct imagedb_store_report report;
	struct imagedb_store *store = NULL;
	int r = imagedb_store_open(fixture->folder, 0, &store, &report);

	if (r < 0)
		fail_msg("open: %s (%s)", strerror(-r), report.message);
	return store;
}

/* The i-th file of a set: all of it follows from i. strings: memory for what it points to. */
struct made_file {
	struct imagedb_store_file file;
	char path[300], interpreter[64], argument[64], soname[64], names[4][64];
	const char *needed[4];
};

static inline void made_digest(uint32_t i, uint64_t size, struct imagedb_digest *ret)
{
	ret->algorithms = IMAGEDB_ALGORITHM_XXH3_128 | IMAGEDB_ALGORITHM_SHA256;
	ret->size = size;
	memset(ret->xxh3_128, (int)(i * 7 + 1), sizeof(ret->xxh3_128));
	memset(ret->sha256, (int)(i * 13 + 2), sizeof(ret->sha256));
}

static inline void made_make(uint32_t i, struct made_file *made)
{
	struct imagedb_store_file *file = &made->file;

	memset(made, 0, sizeof(*made));
	snprintf(made->path, sizeof(made->path), "usr/lib/x86_64-linux-gnu/%.*s/file-%u.so", (int)(i % 40),
		 "directory-name-of-some-length-or-another", i);
	file->path = made->path;
	file->path_len = strlen(made->path);
	file->kind = i % _IMAGEDB_KIND_MAX;
	file->flags = i % 8;
	file->mode = S_IFREG | (0600 + i % 64);
	file->size = 1000ull * i + (uint64_t)(i % 3) * (1ull << 40);
	file->ctime = (struct timespec){ .tv_sec = 1700000000 + i, .tv_nsec = i % 1000000000 };
	if (i % 4)
		file->inode = (struct imagedb_store_inode){ .ino = 1000000 + i, .dev = 0xfe00001, .generation = i % 5 };
	if (i % 2) {
		snprintf(made->interpreter, sizeof(made->interpreter), "/lib64/ld-%u", i);
		file->interpreter = made->interpreter;
		snprintf(made->argument, sizeof(made->argument), "-%u", i);
		file->interpreter_arg = i % 7 ? made->argument : NULL;
	}
	if (i % 3) {
		snprintf(made->soname, sizeof(made->soname), "file-%u.so.1", i);
		file->soname = made->soname;
	}
	file->needed_count = i % 5;
	for (size_t k = 0; k < file->needed_count; k++) {
		snprintf(made->names[k], sizeof(made->names[k]), "lib%u-%zu.so", i, k);
		made->needed[k] = made->names[k];
	}
	file->needed = file->needed_count ? made->needed : NULL;
	if (i % 10 == 9)
		made_digest(i, file->size, &file->digest);
}

static inline void assert_text_equal(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static inline void assert_file_equal(const struct imagedb_store_file *a, const struct imagedb_store_file *b)
{
	assert_int_equal(a->path_len, b->path_len);
	assert_memory_equal(a->path, b->path, a->path_len + 1);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->ctime.tv_sec, b->ctime.tv_sec);
	assert_int_equal(a->ctime.tv_nsec, b->ctime.tv_nsec);
	assert_int_equal(a->inode.ino, b->inode.ino);
	assert_int_equal(a->inode.dev, b->inode.dev);
	assert_int_equal(a->inode.generation, b->inode.generation);
	assert_text_equal(a->interpreter, b->interpreter);
	assert_text_equal(a->interpreter_arg, b->interpreter_arg);
	assert_text_equal(a->soname, b->soname);
	assert_int_equal(a->needed_count, b->needed_count);
	for (size_t i = 0; i < a->needed_count; i++)
		assert_string_equal(a->needed[i], b->needed[i]);
	assert_int_equal(a->digest.algorithms, b->digest.algorithms);
	assert_int_equal(a->digest.size, b->digest.size);
	assert_memory_equal(a->digest.xxh3_128, b->digest.xxh3_128, sizeof(a->digest.xxh3_128));
	assert_memory_equal(a->digest.sha256, b->digest.sha256, sizeof(a->digest.sha256));
}

static const struct imagedb_scan_stats fixture_complete = { .complete = true };

/* Stores a set of n made files; 0 or -errno. */
static inline int fixture_try_put(struct imagedb_store *store, const char *identity, uint32_t n, uint64_t *ret_number)
{
	struct imagedb_store_writer *writer;
	struct made_file made;
	int r = imagedb_store_begin(store, identity, "label", IMAGEDB_STORE_LAYERS, &writer);

	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		made_make(i, &made);
		r = imagedb_store_add(writer, &made.file);
	}
	if (r == 0)
		return imagedb_store_commit(&writer, &fixture_complete, ret_number);
	imagedb_store_abort(&writer);
	return r;
}

static inline uint64_t fixture_put(struct imagedb_store *store, const char *identity, uint32_t n)
{
	uint64_t number = 0;
	int r = fixture_try_put(store, identity, n, &number);

	if (r < 0)
		fail_msg("put %s: %s", identity, strerror(-r));
	return number;
}

static inline int fixture_compare_file(const struct imagedb_store_file *file, void *data)
{
	uint32_t *next = data;
	struct made_file made;

	assert_int_equal(file->number, *next);
	made_make((*next)++, &made);
	assert_file_equal(file, &made.file);
	return 0;
}

/* The set is there, complete, with exactly the made files. */
static inline void fixture_check(struct imagedb_store *store, const char *identity, uint32_t n)
{
	struct imagedb_store_set *set = NULL;
	uint32_t next = 0;

	assert_int_equal(imagedb_store_get(store, identity, &set), 0);
	assert_string_equal(set->identity, identity);
	assert_true(set->complete);
	assert_int_equal(set->files, n);
	assert_int_equal(imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, fixture_compare_file, &next), 0);
	assert_int_equal(next, n);
	imagedb_store_set_free(&set);
}

#endif /* TESTS_UNIT_STORE_FIXTURE_H */
