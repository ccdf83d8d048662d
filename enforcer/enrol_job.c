// SPDX-License-Identifier: Apache-2.0
/*
 * One enrolment: identify the root, find its layer set, show every candidate to the kernel half, identify the volumes.
 *
 *   I1  A container is reported as enrolled only when its scan ended and the kernel half answered for each candidate.
 *   I2  A set is shared with other containers only if nothing of it was hidden by this container's writable layer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/enrol_copied.h"
#include "enforcer/enrol_internal.h"
#include "enforcer/enrol_volumes.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"

struct scan_state {
	struct enroller *enroller;
	const struct enrol_job *job;
	struct lsm_enrolment where;
	uint32_t enrolled;
	uint32_t hidden;  /* candidates whose data lie in the writable layer */
	uint32_t unnoted; /* … that differ from the image's file, and the kernel half could not be told */
	enum hf_enrol_status bad; /* what stopped the scan */
};

static int fail(struct enrol_job *job, int err, const char *what)
{
	snprintf(job->error, sizeof(job->error), "%s: %s", what, strerror(-err));
	return err;
}

/* Shows a file to the kernel half. A full catalogue gives up images that no container uses, one after the other. */
static int enrol_one(struct scan_state *scan, int fd, const struct lsm_enrolment *where, struct hf_enrol *answer)
{
	int err;

	do
		err = lsm_enrol_file(scan->enroller->lsm, fd, where, answer);
	while (!err && answer->status == HF_ENROL_FULL && enrol_make_room(scan->enroller));
	return err;
}

/* What the kernel half had no room or no answer for stops the scan. */
static int stop_at(struct scan_state *scan, enum hf_enrol_status status)
{
	scan->bad = status;
	return status == HF_ENROL_FULL ? -ENOSPC : -EIO;
}

/* A file that was copied up before we watched: either its image's file counts as seen, or the copy as written. */
static int show_copied(struct scan_state *scan, const struct imagedb_file *file, const struct hf_catalog_key *lower)
{
	struct hf_written_key key = { .container = scan->job->container, .ino = lower->ino, .dev = lower->dev,
				      .generation = lower->generation };
	struct lsm_enrolment where = scan->where;
	struct hf_enrol answer;
	int err;

	scan->hidden++;
	if (copied_is_equal(scan->enroller, scan->job, file, lower)) {
		where.flags |= HF_ENROL_LOWER;
		err = enrol_one(scan, file->fd, &where, &answer);
		if (!err && answer.status != HF_ENROL_ADDED && answer.status != HF_ENROL_KNOWN)
			err = stop_at(scan, answer.status);
		return err;
	}
	if (lsm_written_add(scan->enroller->lsm, &key))
		scan->unnoted++;
	return 0;
}

/* imagedb's callback: shows one file. */
static int show_file(const struct imagedb_file *file, void *data)
{
	struct scan_state *scan = data;
	struct hf_enrol answer;
	int err;

	if (file->hardlink_seen || file->size == 0)
		return 0;
	err = enrol_one(scan, file->fd, &scan->where, &answer);
	if (err == -ENODEV || err == -EACCES || err == -EPERM)
		return 0; /* cannot be mapped by anybody, so it cannot run either */
	if (err)
		return err;
	switch (answer.status) {
	case HF_ENROL_ADDED:
	case HF_ENROL_KNOWN:
		scan->enrolled++;
		return 0;
	case HF_ENROL_UPPER:
		scan->hidden++;
		return 0;
	case HF_ENROL_COPIED_UP:
		return show_copied(scan, file, &answer.key);
	case HF_ENROL_WORLD:
		return 0;
	default:
		return stop_at(scan, answer.status);
	}
}

static const char *stop_reason(const struct scan_state *scan, int err)
{
	switch (scan->bad) {
	case HF_ENROL_FULL:
		return "the catalogue is full";
	case HF_ENROL_NO_MEMORY:
		return "the kernel had no memory for the catalogue";
	case HF_ENROL_UNDECIDABLE:
		return "a file of the root cannot be resolved to its real inode (unsupported root file system)";
	case HF_ENROL_PENDING:
		if (err == -EIO)
			return "the enrolment hook does not answer";
		break;
	default:
		break;
	}
	return err == -ETIMEDOUT ? "the scan of its root took longer than --enrol-timeout" : "cannot scan its root";
}

/* Scans the root into the set. */
static int scan_root(struct enroller *e, struct enrol_job *job, struct layer_set *set)
{
	struct scan_state scan = { .enroller = e, .job = job,
				   .where = { .layer_set = set->id, .root_dev = job->root_dev } };
	struct imagedb_scan_options options = { .deadline_ns = job->deadline_ns, .cancel = &e->stop,
						.flags = IMAGEDB_SCAN_MODE_BITS };
	struct imagedb_scan_stats stats;
	int err;

	if (job->root.own_overlay)
		scan.where.flags = HF_ENROL_REFUSE_UPPER;
	err = imagedb_scan(job->rootfs_fd, &options, show_file, &scan, &stats);
	if (err)
		return fail(job, err, stop_reason(&scan, err));
	job->executables = scan.enrolled;
	if (!stats.complete)
		snprintf(job->warning, sizeof(job->warning),
			 "its scan is incomplete (%s): executables that were not seen are denied",
			 imagedb_incomplete_to_string(stats.reason));
	set->executables = scan.enrolled;
	job->clean_upper = job->root.own_overlay && stats.complete && !scan.unnoted;
	set->complete = job->root.layers && stats.complete && !scan.hidden;
	return 0;
}

static int stop_at_first(const struct imagedb_file *file, void *data)
{
	(void)data;
	return file->size != 0; /* runtimes make empty files to mount on */
}

/*
 * Layers that are known are not scanned again, but the writable layer may hold code of an earlier life. Such a container gets a
 * set of its own: an image file that its own copy hides must not be in it unless the two were compared.
 */
static bool upper_is_clean(struct enroller *e, const struct enrol_job *job)
{
	struct imagedb_scan_options options = { .deadline_ns = job->deadline_ns, .cancel = &e->stop,
						.flags = IMAGEDB_SCAN_MODE_BITS };
	struct imagedb_scan_stats stats;
	_cleanup_(close_fd) int fd = -1;

	if (job->root.upper)
		fd = open(job->root.upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && imagedb_scan(fd, &options, stop_at_first, NULL, &stats) == 0 && stats.complete;
}

static int identify_root(struct enroller *e, struct enrol_job *job)
{
	struct hf_enrol answer;
	int err = lsm_identify(e->lsm, job->rootfs_fd, &answer);

	if (err)
		return fail(job, err, "cannot identify its root");
	job->root_ino = answer.key.ino;
	job->root_dev = answer.key.dev;
	err = mounts_root(job->pid, job->rootfs_fd, job->root_dev, &job->root);
	return err ? fail(job, err, "cannot find its root in mountinfo") : 0;
}

static int run(struct enroller *e, struct enrol_job *job)
{
	struct layer_set *set;
	int err = identify_root(e, job);
	bool clean;

	if (!err)
		err = enrol_volumes_identify(e->lsm, job);
	if (err)
		return err;
	clean = upper_is_clean(e, job);
	err = layers_acquire(e->layers, clean || !job->root.upper ? job->root.layers : NULL, &set);
	if (err)
		return fail(job, err, "layer set");
	job->layer_set = set->id;
	job->known = set->complete;
	job->executables = set->executables;
	job->clean_upper = clean;
	if (!set->complete)
		err = scan_root(e, job, set);
	job->complete = set->complete;
	if (err) {
		layers_release(e->layers, set->id, clock_ns(CLOCK_MONOTONIC));
		job->layer_set = 0;
	}
	return err;
}

void enrol_run(struct enroller *e, struct enrol_job *job)
{
	job->err = run(e, job);
	close_fd(&job->rootfs_fd); /* it holds a mount of the container */
}
