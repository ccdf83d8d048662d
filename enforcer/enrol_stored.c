// SPDX-License-Identifier: Apache-2.0
/*
 * Stored paths in portions: a child opens them, the kernel half names them, and each must be what was stored.
 */
#include "enforcer/enrol_stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/enrol_interpreters.h"
#include "enforcer/images.h"
#include "enforcer/interpreters.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define PORTION_FILES 1024 /* of one request to the child, which is bounded in bytes as well */

struct expected {
	uint64_t ino, size, ctime_ns;
	uint32_t generation;
	uint32_t at; /* its path in paths */
	bool again; /* another name of a file that is there */
};

struct stored {
	struct enroller *e;
	const struct enrol_job *job;
	struct worker *worker;
	struct lsm_enrolment where;
	char paths[WORKERS_PATHS_BYTES];
	size_t used;
	struct expected files[PORTION_FILES];
	size_t n, next;
	struct interpreters interpreters;
	uint32_t enrolled;
};

/* A database that the command line tool made does not know the kernel's names of files. */
static bool is_expected(const struct expected *expected, const struct hf_enrol *answer)
{
	if (expected->ino && (answer->key.ino != expected->ino || answer->key.generation != expected->generation))
		return false;
	return answer->value.ctime_ns == expected->ctime_ns &&
	       answer->value.size_mode >> HF_CATALOG_SIZE_SHIFT == expected->size;
}

/* The child's files come in the order in which they were asked for. */
static int take_opened(const struct imagedb_file *file, void *data)
{
	struct stored *s = data;
	const struct expected *expected = &s->files[s->next];
	struct hf_enrol answer;
	int err;

	if (s->next == s->n || strcmp(file->path, s->paths + expected->at) != 0)
		return -EPROTO;
	s->next++;
	err = enrol_show(s->e, file->fd, &s->where, &answer);
	if (err)
		return err;
	if ((answer.status != HF_ENROL_ADDED && answer.status != HF_ENROL_KNOWN) || !is_expected(expected, &answer))
		return -ESTALE;
	s->enrolled += !expected->again;
	return 0;
}

static int show_portion(struct stored *s)
{
	struct imagedb_scan_options options = { .deadline_ns = s->job->deadline_ns, .cancel = &s->e->stop };
	int err = 0;

	if (!s->n)
		return 0;
	if (!s->worker)
		err = worker_new(s->e->workers, false, &s->worker);
	if (!err)
		err = worker_open(s->worker, s->job->rootfs_fd, s->paths, s->used, &options, take_opened, s);
	if (!err && s->next != s->n)
		err = -EPROTO;
	s->n = s->next = s->used = 0;
	return err;
}

/* The store's callback. */
static int take_stored(const struct imagedb_store_file *file, void *data)
{
	struct stored *s = data;
	int err = 0;

	if (file->path_len + 1 > sizeof(s->paths))
		return -ESTALE; /* rare enough to be scanned */
	if (s->n == PORTION_FILES || s->used + file->path_len + 1 > sizeof(s->paths))
		err = show_portion(s);
	if (err)
		return err;
	s->files[s->n++] = (struct expected){
		.ino = file->inode.ino, .generation = file->inode.generation, .size = file->size, .at = (uint32_t)s->used,
		.again = file->flags & IMAGEDB_STORE_HARDLINK,
		.ctime_ns = (uint64_t)file->ctime.tv_sec * NSEC_PER_SEC + (uint64_t)file->ctime.tv_nsec,
	};
	memcpy(s->paths + s->used, file->path, file->path_len + 1);
	interpreters_note(&s->interpreters, file);
	s->used += file->path_len + 1;
	return 0;
}

int enrol_from_store(struct enroller *e, const struct enrol_job *job, uint32_t layer_set, uint32_t *ret_executables)
{
	struct stored *s;
	int err;

	if (!job->root.layers || !e->images)
		return -ENOENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->e = e;
	s->job = job;
	s->where = (struct lsm_enrolment){ .layer_set = layer_set, .root_dev = job->root_dev,
					   .flags = HF_ENROL_REFUSE_UPPER };
	err = images_walk(e->images, job->root.layers, take_stored, s);
	if (!err)
		err = show_portion(s);
	if (!err)
		err = enrol_interpreters_mark(e, job, layer_set, &s->interpreters);
	if (!err)
		*ret_executables = s->enrolled;
	interpreters_clear(&s->interpreters);
	worker_free(&s->worker);
	free(s);
	return err;
}
