// SPDX-License-Identifier: Apache-2.0
/*
 * One enrolment: identify the root, find its layer set, show every candidate to the kernel half, identify the volumes.
 *
 *   I1  A container is reported as enrolled only when its scan ended and the kernel half answered for each candidate.
 *   I2  A set is shared with other containers only if nothing of it was hidden by this container's writable layer or mounts.
 *   I3  A set that is complete is not scanned again: only the writable layer is looked at (enrol_upper.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/enrol_copied.h"
#include "enforcer/enrol_covered.h"
#include "enforcer/enrol_folder.h"
#include "enforcer/enrol_internal.h"
#include "enforcer/enrol_interpreters.h"
#include "enforcer/enrol_stored.h"
#include "enforcer/enrol_upper.h"
#include "enforcer/enrol_volumes.h"
#include "enforcer/images.h"
#include "enforcer/interpreters.h"
#include "enforcer/log.h"
#include "enforcer/lsm.h"
#include "enforcer/root_kind.h"
#include "enforcer/store_devices.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define OVERLAY_MAGIC 0x794c7630u

struct scan_state {
	struct enroller *enroller;
	const struct enrol_job *job;
	struct copied_layers layers;
	struct image_list *list; /* for the database; NULL: it will not have this set */
	struct interpreters interpreters; /* what the image's files name as such */
	struct lsm_enrolment where;
	uint32_t enrolled;
	uint32_t copied;  /* candidates that lie in the writable layer over the image's file */
	uint32_t unnoted; /* … that differ from the image's file, and the kernel half could not be told */
	const struct folder_list *first; /* what a plain root held when a container first started on it; NULL: this is the first */
	uint32_t later; /* candidates that came or changed since then */
	enum hf_enrol_status bad; /* what stopped the scan */
};

static int fail(struct enrol_job *job, int err, const char *what)
{
	snprintf(job->error, sizeof(job->error), "%s: %s", what, strerror(-err));
	return err;
}

static int fail_unsupported(struct enrol_job *job)
{
	snprintf(job->error, sizeof(job->error), "unsupported root file system: %s", job->root.type);
	return -EOPNOTSUPP;
}

/* What the kernel half had no room or no answer for stops the scan. */
static int stop_at(struct scan_state *scan, enum hf_enrol_status status)
{
	scan->bad = status;
	if (status == HF_ENROL_UNDECIDABLE)
		return -EOPNOTSUPP;
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

	scan->copied++;
	if (copied_is_equal(scan->enroller, scan->job, &scan->layers, file->fd, file->path, lower)) {
		where.flags |= HF_ENROL_LOWER;
		if (scan->job->unwatched && lsm_written_copied(scan->enroller->lsm, &key))
			return 0; /* written meanwhile, or no room: it counts as modified */
		err = enrol_show(scan->enroller, file->fd, &where, &answer);
		if (!err && answer.status != HF_ENROL_ADDED && answer.status != HF_ENROL_KNOWN)
			err = stop_at(scan, answer.status);
		return err;
	}
	if (lsm_written_add(scan->enroller->lsm, &key))
		scan->unnoted++;
	return 0;
}

/* Notes for the database what was enrolled, by the kernel half's name. */
static void list_file(struct scan_state *scan, const struct imagedb_file *file, const struct hf_enrol *answer)
{
	struct imagedb_store_file stored;

	imagedb_store_file_from_scan(file, &stored);
	interpreters_note(&scan->interpreters, &stored);
	if (!scan->list)
		return;
	stored.inode = (struct imagedb_store_inode){ .ino = answer->key.ino, .dev = answer->key.dev,
						     .generation = answer->key.generation };
	stored.size = answer->value.size_mode >> HF_CATALOG_SIZE_SHIFT;
	stored.ctime = (struct timespec){ .tv_sec = (time_t)(answer->value.ctime_ns / NSEC_PER_SEC),
					  .tv_nsec = (long)(answer->value.ctime_ns % NSEC_PER_SEC) };
	image_list_add(scan->list, &stored);
}

/* A copy that somebody may write while it is compared: it counts as written. */
static int show_written(struct scan_state *scan, const struct hf_catalog_key *lower)
{
	struct hf_written_key key = { .container = scan->job->container, .ino = lower->ino, .dev = lower->dev,
				      .generation = lower->generation };

	scan->copied++;
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

	if (file->size == 0 || (file->hardlink_seen && !interpreters_lists(file->path)))
		return 0;
	err = enrol_show(scan->enroller, file->fd, &scan->where, &answer);
	if (err == -ENODEV || err == -EACCES || err == -EPERM)
		return 0; /* cannot be mapped by anybody, so it cannot run either */
	if (err)
		return err;
	switch (answer.status) {
	case HF_ENROL_ADDED:
	case HF_ENROL_KNOWN:
		if (scan->first && !folder_list_holds(scan->first, file->fd, &answer)) {
			scan->later++;
			lsm_watch_remove(scan->enroller->lsm, &answer.key);
			return lsm_catalog_drop(scan->enroller->lsm, &answer.key);
		}
		scan->enrolled += !file->hardlink_seen;
		list_file(scan, file, &answer);
		return 0;
	case HF_ENROL_COPIED_UP:
		return show_copied(scan, file, &answer.key);
	case HF_ENROL_WRITER:
		return show_written(scan, &answer.key);
	case HF_ENROL_UPPER:
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

/* The walk and the look at each file happen in a child, the answers of the kernel half are asked for here. */
static int scan_in_child(struct scan_state *scan, struct enrol_job *job, struct imagedb_scan_stats *stats)
{
	struct imagedb_scan_options options = { .flags = IMAGEDB_SCAN_DETAILS, .deadline_ns = job->deadline_ns,
						.cancel = &scan->enroller->stop };
	_cleanup_(worker_free) struct worker *worker = NULL;
	char fate[WORKERS_ERROR_BYTES];
	int err = worker_new(scan->enroller->workers, false, &worker);

	if (err)
		return fail(job, err, "no child can be made to read its root");
	err = worker_scan(worker, job->rootfs_fd, &options, show_file, scan, stats);
	if (err == -EPIPE || err == -EPROTO) {
		worker_fate(worker, fate);
		snprintf(job->error, sizeof(job->error), "the child that read its root %.200s",
			 err == -EPROTO ? "answered nonsense and was ended" : fate);
	} else if (err) {
		fail(job, err, stop_reason(scan, err));
	}
	return err;
}

static void warn(const struct scan_state *scan, struct enrol_job *job, const struct imagedb_scan_stats *stats)
{
	const char *note = root_kind_note(job->root.type);

	if (!stats->complete)
		snprintf(job->warning, sizeof(job->warning),
			 "its scan is incomplete (%s): executables that were not seen are denied",
			 imagedb_incomplete_to_string(stats->reason));
	else if (scan->later)
		snprintf(job->warning, sizeof(job->warning),
			 "%u executables in its root came or changed after the first start on it: they are no image", scan->later);
	else if (note || (!job->root.own_overlay && !job->root.layers))
		snprintf(job->warning, sizeof(job->warning), "%s%s%s", note ? note : "", note && !job->root.layers ? "; " : "",
			 job->root.layers ? "" : "its root has no lasting name: what an earlier container left there counts as image");
}

/*
 * Scans the root into the set. hides: the writable layer hides something of the image, so others need a set of their own. first: of
 * a plain root that is known; NULL.
 */
static int scan_root(struct enroller *e, struct enrol_job *job, struct layer_set *set, bool hides,
		     const struct folder_list *first)
{
	struct scan_state scan = { .enroller = e, .job = job, .first = first };
	struct imagedb_scan_stats stats = { 0 };
	int err = copied_layers_open(job->root.layers, &scan.layers);

	if (err)
		return fail(job, err, "layers");
	scan.where = (struct lsm_enrolment){ .layer_set = set->id, .root_dev = job->root_dev,
					     .flags = job->root.own_overlay ? HF_ENROL_REFUSE_UPPER : HF_ENROL_WATCH };
	if (e->images && job->root.layers && !hides && !first)
		scan.list = image_list_new(job->root.layers, job->image);
	err = scan_in_child(&scan, job, &stats);
	if (!err && enrol_interpreters_mark(e, job, set->id, &scan.interpreters))
		err = fail(job, -EIO, stop_reason(&scan, -EIO));
	interpreters_clear(&scan.interpreters);
	if (!err && job->root.layers && !hides)
		hides = enrol_covered(e, job, &scan.layers);
	copied_layers_close(&scan.layers);
	if (err) {
		image_list_free(&scan.list);
		return err;
	}
	hides = hides || (job->unwatched && enrol_upper_hides(e, job)); /* it may have removed files meanwhile */
	job->executables = set->executables = scan.enrolled;
	warn(&scan, job, &stats);
	if (hides && job->upper_ino && enrol_upper_note_scripts(e, job, set->id))
		log_warning("enrolment: the writable layer was not seen whole: scripts that an earlier life of the container changed "
			    "may count as unchanged");
	job->clean_upper = job->root.own_overlay && stats.complete && !scan.unnoted;
	set->complete = job->root.layers && stats.complete && !hides && !scan.copied;
	if (scan.list && set->complete) {
		scan.list->stats = stats;
		images_add(e->images, &scan.list);
	}
	image_list_free(&scan.list);
	return 0;
}

static int identify_root(struct enroller *e, struct enrol_job *job)
{
	struct hf_enrol answer;
	int err = lsm_identify(e->lsm, job->rootfs_fd, &answer);

	if (err == -EOPNOTSUPP)
		return fail(job, err, "unsupported root file system: it was loaded after the protection, holdfastd must be started anew");
	if (err)
		return fail(job, err, "cannot identify its root");
	job->root_ino = answer.key.ino;
	job->root_dev = answer.key.dev;
	if (answer.magic == OVERLAY_MAGIC) {
		job->upper_ino = answer.value.cookie;
		job->upper_dev = (uint32_t)answer.value.ctime_ns;
	}
	err = mounts_root(job->pid, job->rootfs_fd, job->root_dev, &job->root);
	if (err)
		return fail(job, err, "cannot find its root in mountinfo");
	if (!root_kind_supported(job->root.type))
		return fail_unsupported(job);
	if (!job->root.own_overlay) {
		job->root.layers = enrol_folder_identity(job->rootfs_fd, job->root.type);
		job->upper_ino = 0; /* of an overlay that it lies on, which is not its own */
	}
	return 0;
}

/*
 * A container that runs already writes while it is looked at. Its root is told to the kernel half before: without a record its
 * tasks are still an unknown container's, but what they open for writing is noted, and what they copy up.
 */
static int watch_writes(struct enroller *e, struct enrol_job *job)
{
	struct hf_root_key key = { .dev = job->root_dev, .ino = job->root.own_overlay ? 0 : job->root_ino };
	struct hf_slot_ref ref = { .id = job->container, .slot = job->slot };
	int err = job->unwatched ? lsm_root_add(e->lsm, &key, &ref) : 0;

	return err ? fail(job, err, "cannot tell the kernel half of its root") : 0;
}

/* A set that the database has: its files are opened by their names. False: the tree must be walked. */
static bool use_store(struct enroller *e, struct enrol_job *job, struct layer_set *set)
{
	int err = enrol_from_store(e, job, set->id, &set->executables);

	if (err && err != -ENOENT)
		log_info("enrolment: the image is not as the database has it (%s): its root is scanned", strerror(-err));
	if (err)
		return false;
	set->complete = true;
	job->known = true;
	job->executables = set->executables;
	job->clean_upper = job->root.own_overlay;
	return true;
}

/* A plain root: what it held when a container first started on it is the image, whatever that container left there. */
static int enrol_plain(struct enroller *e, struct enrol_job *job, struct layer_set **ret)
{
	_cleanup_(folder_list_free) struct folder_list *first = NULL;
	int err;

	lsm_watch_plain_roots(e->lsm);
	err = layers_acquire(e->layers, job->root.layers, ret);
	if (err)
		return fail(job, err, "layer set");
	err = job->root.layers ? folder_list_load(e->images, job->root.layers, &first) : -ENOENT;
	if (err && err != -ENOENT)
		return fail(job, err, "its first start cannot be read from the image database");
	return scan_root(e, job, *ret, false, first);
}

/* Layers that nobody else has scanned. If this writable layer hides some of them, what is found is not the whole image. */
static int enrol_fresh(struct enroller *e, struct enrol_job *job, struct layer_set **ret)
{
	bool hides = job->root.layers && job->upper_ino && enrol_upper_hides(e, job);
	int err = layers_acquire(e->layers, hides ? NULL : job->root.layers, ret);

	if (err)
		return fail(job, err, "layer set");
	if (!hides && use_store(e, job, *ret))
		return 0;
	return scan_root(e, job, *ret, hides, NULL);
}

/* Layers that stand in the catalogue: only the writable layer is looked at. *ret stays NULL when that cannot be done. */
static int enrol_known(struct enroller *e, struct enrol_job *job, struct layer_set **ret)
{
	struct layer_set *set;
	int err = layers_acquire(e->layers, job->root.layers, &set), unsure;

	if (err)
		return fail(job, err, "layer set");
	unsure = job->upper_ino ? enrol_upper_note(e, job, set->id) : 0;
	if (unsure == -ESTALE || unsure == -EXDEV) {
		layers_release(e->layers, set->id, clock_ns(CLOCK_MONOTONIC));
		return 0;
	}
	job->known = true;
	job->executables = set->executables;
	job->clean_upper = job->upper_ino && !unsure;
	*ret = set;
	return 0;
}

static int enrol_root(struct enroller *e, struct enrol_job *job, struct layer_set **ret)
{
	int err;

	if (!layers_complete(e->layers, job->root.layers))
		return job->root.own_overlay ? enrol_fresh(e, job, ret) : enrol_plain(e, job, ret);
	err = enrol_known(e, job, ret);
	if (err || *ret)
		return err;
	err = layers_acquire(e->layers, NULL, ret);
	return err ? fail(job, err, "layer set") : scan_root(e, job, *ret, true, NULL);
}

static int run(struct enroller *e, struct enrol_job *job)
{
	struct layer_set *set = NULL;
	int err = identify_root(e, job);

	if (!err)
		err = watch_writes(e, job);
	if (!err)
		err = enrol_volumes_identify(e->lsm, job);
	if (err)
		return err;
	err = enrol_root(e, job, &set);
	if (err && set) {
		layers_release(e->layers, set->id, clock_ns(CLOCK_MONOTONIC));
		return err;
	}
	if (err)
		return err;
	job->layer_set = set->id;
	job->complete = set->complete;
	err = store_devices_look(e->lsm, NULL);
	if (err)
		log_warning("the devices below an image's layers cannot be told to the kernel half: %s", strerror(-err));
	return 0;
}

/* What was found out before the child died. */
static void forget(struct enrol_job *job)
{
	free(job->root.layers);
	free(job->root.upper);
	free(job->volumes);
	job->root.layers = job->root.upper = NULL;
	job->volumes = NULL;
	job->known = job->complete = job->clean_upper = false;
}

void enrol_run(struct enroller *e, struct enrol_job *job)
{
	job->err = run(e, job);
	if (job->err == -EPIPE && job->insist && workers_alive(e->workers)) {
		log_warning("enrolment: %s: another one tries", job->error);
		forget(job);
		job->err = run(e, job);
	}
	close_fd(&job->rootfs_fd); /* it holds a mount of the container */
}
