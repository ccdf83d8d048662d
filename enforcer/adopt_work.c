// SPDX-License-Identifier: Apache-2.0
/*
 * The adopting thread's work: tasks and runtimes' folders to containers that run.
 *
 *   I1  A process is somebody's container only if the kernel half says that it lives in a root and mount namespace of its own: the
 *       runtime's word alone makes no host process contained.
 */
#include "enforcer/adopt_work.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/adopt_find.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"

#define TAG_ROUNDS 4 /* each sees the children that the one before missed; a fork bomb must not keep us here */

void adopt_found_free(struct adopt_found **found)
{
	struct adopt_found *gone = *found;

	if (!gone)
		return;
	*found = NULL;
	oci_free(&gone->oci);
	close_fd(&gone->pidfd);
	close_fd(&gone->rootfs_fd);
	free(gone);
}

/* The task that is the process's own, NULL: it lives in the host's root. */
static const struct hf_task *find_task(const struct hf_task *tasks, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++) {
		if (tasks[i].pid == (uint32_t)pid && tasks[i].tid == tasks[i].pid)
			return &tasks[i];
	}
	return NULL;
}

static int open_root(const char *proc, pid_t pid)
{
	char path[512];

	snprintf(path, sizeof(path), "%.400s/%d/root", proc, (int)pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool has_ended(int pidfd)
{
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	return poll(&poller, 1, 0) != 0;
}

static void append(struct adopt_look *look, struct adopt_found *found)
{
	struct adopt_found **at = &look->found;

	while (*at)
		at = &(*at)->next;
	found->next = NULL;
	*at = found;
}

static bool has_process(const struct adopt_look *look, pid_t pid)
{
	for (const struct adopt_found *f = look->found; f; f = f->next) {
		if (f->oci->pid == pid)
			return true;
	}
	return false;
}

/* The process is held by a descriptor; only then is its root asked for. Takes *found, or frees it. */
static void take(struct adopt_look *look, struct adopt_found **found, const struct hf_task *task)
{
	struct adopt_found *f = *found;

	f->rootfs_fd = open_root(look->proc, f->oci->pid);
	if (f->rootfs_fd < 0 || has_ended(f->pidfd)) {
		adopt_found_free(found);
		return;
	}
	if (!f->keep_id) {
		f->keep_id = task->container;
		f->keep_slot = task->slot;
	}
	if (!f->started_ns)
		f->started_ns = task->start_ns + clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	f->root_dev = task->root_dev;
	*found = NULL;
	append(look, f);
}

/* Those that state files name. */
static void take_known(struct adopt_look *look, const struct hf_task *tasks, size_t n)
{
	struct adopt_found *f;

	while ((f = look->known)) {
		pid_t pid = f->oci->pid;
		const struct hf_task *task = find_task(tasks, n, pid);

		look->known = f->next;
		f->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (f->pidfd < 0 || !task || restore_start_in(look->proc, pid) != f->start)
			adopt_found_free(&f);
		else
			take(look, &f, task);
	}
}

/* Its first process has the tag of a container that is known. */
static bool is_settled(const struct adopt_look *look, const struct hf_task *task)
{
	if (!task->container || task->flags & HF_TASK_STALE)
		return false;
	for (size_t i = 0; i < look->n_orphans; i++) {
		if (look->orphans[i] == task->container)
			return false;
	}
	return true;
}

static void take_entry(struct adopt_look *look, const struct adopt_entry *entry, const struct hf_task *task)
{
	struct adopt_found *f = calloc(1, sizeof(*f));
	char error[OCI_ERROR_BYTES];
	int err;

	if (!f) {
		look->err = -ENOMEM;
		return;
	}
	f->pidfd = f->rootfs_fd = -1;
	err = adopt_open(entry, look->proc, &f->oci, &f->pidfd, error);
	if (err) {
		if (err != -ESRCH)
			log_warning("adoption: container %s: %s", entry->id, error);
		adopt_found_free(&f);
		return;
	}
	take(look, &f, task);
}

static void take_entries(struct adopt_look *look, const struct hf_task *tasks, size_t n)
{
	struct adopt_entries entries = { 0 };

	for (size_t i = 0; i < look->n_folders && !look->err; i++)
		look->err = adopt_find(look->folders[i], &entries);
	for (size_t i = 0; i < entries.n; i++) {
		const struct adopt_entry *entry = &entries.list[i];
		const struct hf_task *task = find_task(tasks, n, entry->pid);

		if (task && !is_settled(look, task) && !has_process(look, entry->pid))
			take_entry(look, entry, task);
		else if (!task && entry->start && restore_start_in(look->proc, entry->pid) == entry->start)
			look->starting++;
	}
	if (entries.passed_over)
		log_debug("adoption: %zu folders are no containers'", entries.passed_over);
	adopt_entries_release(&entries);
}

static bool is_found(const struct adopt_look *look, const struct hf_task *task)
{
	for (const struct adopt_found *f = look->found; f; f = f->next) {
		if (f->root_dev == task->root_dev)
			return true;
	}
	return false;
}

static int by_root(const void *a, const void *b)
{
	const struct hf_task *x = a, *y = b;

	if (x->root_dev != y->root_dev)
		return x->root_dev < y->root_dev ? -1 : 1;
	return x->root_ino < y->root_ino ? -1 : x->root_ino > y->root_ino;
}

/* Roots that are no found container's: they stay unknown containers. Sorts the tasks. */
static size_t count_strangers(const struct adopt_look *look, struct hf_task *tasks, size_t n)
{
	size_t strangers = 0;

	if (n)
		qsort(tasks, n, sizeof(*tasks), by_root);
	for (size_t i = 0; i < n; i++) {
		bool tagged = tasks[i].container && !(tasks[i].flags & HF_TASK_STALE);

		if (!tagged && (i == 0 || by_root(&tasks[i - 1], &tasks[i])) && !is_found(look, &tasks[i]))
			strangers++;
	}
	return strangers;
}

void adopt_work_match(struct adopt_look *look, struct hf_task *tasks, size_t n_tasks)
{
	take_known(look, tasks, n_tasks);
	take_entries(look, tasks, n_tasks);
	look->strangers = count_strangers(look, tasks, n_tasks);
}

void adopt_work_look(struct lsm *lsm, struct adopt_look *look)
{
	_cleanup_(free_ptr) struct hf_task *tasks = NULL;
	size_t n = 0;
	int err = lsm_survey_tasks(lsm, &tasks, &n);

	if (err == -E2BIG)
		log_warning("adoption: more than %d tasks in containers: the rest is not looked at", LSM_TASKS_MAX);
	else if (err) {
		look->err = err;
		return;
	}
	adopt_work_match(look, tasks, n);
}

int adopt_work_tag(struct lsm *lsm)
{
	for (int round = 0; round < TAG_ROUNDS; round++) {
		_cleanup_(free_ptr) struct hf_task *tasks = NULL;
		size_t n = 0, tagged = 0;
		int err = lsm_survey_tasks(lsm, &tasks, &n);

		if (err && err != -E2BIG)
			return err;
		for (size_t i = 0; i < n; i++)
			tagged += (tasks[i].flags & HF_TASK_TAGGED) != 0;
		if (!tagged)
			break;
	}
	return 0;
}
