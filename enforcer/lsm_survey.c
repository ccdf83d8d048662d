// SPDX-License-Identifier: Apache-2.0
/*
 * Surveys: reading the kernel half's iterators.
 *
 * Owns: their links and how they are read. Must not know: what is done with the tasks. Contracts: lsm.h.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"
#include "holdfast.skel.h"

#define READ_BYTES 32768 /* what the kernel gathers for one read */
#define SURVEYED_KEYS_MAX (2ull * HF_MAX_SURVEYED) /* a map that is filled while it is emptied ends nobody's time */

/* A loaded or pinned program's, without a pin of its own: it goes with the daemon. */
static int open_link(const struct bpf_program *prog)
{
	_cleanup_(close_fd) int fd = lsm_program_open(prog);
	int link = fd < 0 ? -1 : bpf_link_create(fd, 0, BPF_TRACE_ITER, NULL);

	return link < 0 ? -errno : link;
}

int lsm_surveys_open(struct lsm *lsm)
{
	const struct bpf_program *const programs[_LSM_SURVEY_MAX] = {
		[LSM_SURVEY_TASKS] = lsm->skel->progs.hf_survey_tasks,
		[LSM_SURVEY_PROGRAMS] = lsm->skel->progs.hf_survey_programs,
		[LSM_SURVEY_MAPS] = lsm->skel->progs.hf_survey_maps,
	};

	for (size_t i = 0; i < _LSM_SURVEY_MAX; i++)
		lsm->surveys[i] = -1;
	for (size_t i = 0; i < _LSM_SURVEY_MAX; i++) {
		int link = open_link(programs[i]);

		if (link < 0)
			return link;
		lsm->surveys[i] = link;
	}
	lsm->surveyable = true;
	return 0;
}

void lsm_surveys_close(struct lsm *lsm)
{
	for (size_t i = 0; lsm->surveyable && i < _LSM_SURVEY_MAX; i++)
		close_fd(&lsm->surveys[i]);
	lsm->surveyable = false;
}

static int begin(struct lsm *lsm, enum lsm_survey survey)
{
	int fd = bpf_iter_create(lsm->surveys[survey]);

	return fd < 0 ? -errno : fd;
}

/* Bytes read, 0 at the end, -errno. */
static ssize_t read_some(int fd, void *to, size_t bytes)
{
	for (;;) {
		ssize_t n = read(fd, to, bytes);

		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

/* What was read so far, in room that grows. */
struct tasks {
	char *bytes;
	size_t used, room;
};

static int make_room(struct tasks *tasks)
{
	char *grown;

	if (tasks->room - tasks->used >= READ_BYTES)
		return 0;
	if (tasks->used >= LSM_TASKS_MAX * sizeof(struct hf_task))
		return -E2BIG;
	grown = realloc(tasks->bytes, 2 * tasks->room + READ_BYTES);
	if (!grown)
		return -ENOMEM;
	tasks->bytes = grown;
	tasks->room = 2 * tasks->room + READ_BYTES;
	return 0;
}

int lsm_survey_tasks(struct lsm *lsm, struct hf_task **ret, size_t *ret_n)
{
	_cleanup_(close_fd) int fd = begin(lsm, LSM_SURVEY_TASKS);
	struct tasks tasks = { 0 };
	ssize_t n = 1;
	int err = fd < 0 ? fd : 0;

	while (!err && n > 0) {
		err = make_room(&tasks);
		n = err ? 0 : read_some(fd, tasks.bytes + tasks.used, tasks.room - tasks.used);
		if (n < 0)
			err = (int)n;
		else
			tasks.used += (size_t)n;
	}
	if (err && err != -E2BIG) {
		free(tasks.bytes);
		return err;
	}
	*ret = (struct hf_task *)(void *)tasks.bytes;
	*ret_n = tasks.used / sizeof(struct hf_task);
	return err;
}

static int read_to_end(struct lsm *lsm, enum lsm_survey survey)
{
	_cleanup_(close_fd) int fd = begin(lsm, survey);
	char scrap[256]; /* these write nothing */
	ssize_t n = fd;

	while (n >= 0 && fd >= 0) {
		n = read_some(fd, scrap, sizeof(scrap));
		if (n == 0)
			break;
	}
	return n < 0 ? (int)n : 0;
}

static void forget_reported(struct lsm *lsm)
{
	int fd = bpf_map__fd(lsm->skel->maps.hf_surveyed);
	struct hf_surveyed_key key;

	for (uint64_t i = 0; i < SURVEYED_KEYS_MAX && bpf_map_get_next_key(fd, NULL, &key) == 0; i++)
		bpf_map_delete_elem(fd, &key);
}

int lsm_survey_report(struct lsm *lsm)
{
	int err = read_to_end(lsm, LSM_SURVEY_PROGRAMS);

	if (!err)
		err = read_to_end(lsm, LSM_SURVEY_MAPS);
	forget_reported(lsm);
	return err;
}
