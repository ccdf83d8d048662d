/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment: one thread that looks into containers' roots and has the kernel half write the catalogue.
 *
 * Owns: the thread, its queue, the layer sets. A container's file system may hang, so nothing here runs on the main thread.
 * Must not know: policies, sockets, container records.
 */
#ifndef ENFORCER_ENROL_H
#define ENFORCER_ENROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "enforcer/mounts.h"
#include "enforcer/oci.h"
#include "imagedb/imagedb.h"

#define ENROL_ERROR_BYTES 256
#define ENROL_QUEUE_MAX 1024 /* container starts that may wait; beyond it they get their notReady answer at once */

struct enroller;
struct images;
struct lsm;
struct loop;
struct workers;

/* A declared mount as the kernel half knows it. */
struct enrol_volume {
	uint64_t root_ino;
	uint32_t dev; /* 0: could not be identified */
	bool is_file;
	bool written; /* also reached through a writable mount of this container: nothing on it is read-only */
};

struct enrol_job;
typedef void (*enrol_done_fn)(struct enrol_job *job, void *data);

struct enrol_job {
	/* Given: */
	int rootfs_fd; /* taken */
	pid_t pid;     /* in the container's mount namespace */
	uint64_t container; /* struct hf_container.id that it will have */
	const char *image; /* its name, borrowed until done; may be NULL */
	uint32_t slot;	    /* … and its slot */
	bool insist;	/* when the child that reads its root dies, another one tries */
	bool unwatched; /* it runs: its writes are to be noted before anything is compared */
	const struct oci_mount *mounts; /* borrowed until done */
	size_t n_mounts;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	enrol_done_fn done;   /* called on the main thread, once */
	void *data;
	/* Answered: */
	int err;
	char error[ENROL_ERROR_BYTES];
	char warning[ENROL_ERROR_BYTES]; /* armed, but … ; empty: none */
	uint64_t root_ino;
	uint32_t root_dev;
	uint64_t upper_ino; /* folder of its writable layer, as the kernel half knows it; 0: there is none */
	uint32_t upper_dev;
	struct mounts_root root;
	uint32_t layer_set; /* held for the caller until enrol_release, when err is 0 */
	uint32_t executables;
	bool complete; /* the set may be shared */
	bool clean_upper; /* its writable layer is empty of copies, or they were compared: copy-ups can be judged */
	bool known; /* the layer set was enrolled before: nothing was scanned */
	struct enrol_volume *volumes; /* n_mounts of them */
	struct enrol_job *next;
};

struct enroller_options {
	struct lsm *lsm;	 /* all borrowed, and outlive the enroller */
	struct loop *loop;	 /* for the callbacks */
	struct workers *workers; /* who reads the roots */
	struct images *images;	 /* the image database; NULL: there is none */
	uint64_t layer_grace_ns; /* how long a set stays without containers */
};

/**
 * enroller_new - start the thread
 * @options: (borrowed)
 * @ret: (output)
 *
 * Returns once the thread has registered with the kernel half (needs CAP_BPF) and dropped its capabilities. -errno.
 */
int enroller_new(const struct enroller_options *options, struct enroller **ret);
/* Cancels what runs, waits for the thread. NULL-safe. */
void enroller_free(struct enroller **enroller);

/* Queues a job (taken; handed back to done, which frees it with enrol_job_free). -ENOBUFS: queue full, job still the
 * caller's. */
int enrol_submit(struct enroller *enroller, struct enrol_job *job);
void enrol_job_free(struct enrol_job **job);

/* A container that used the layer set has gone. Never fails: kept in a counter, done by the thread. */
void enrol_release(struct enroller *enroller, uint32_t layer_set);
/* After a restart, before any job: a running container uses this set. identity NULL: not shared. */
int enrol_adopt(struct enroller *enroller, uint32_t layer_set, const char *identity, bool complete,
		uint32_t executables);
/* After the last enrol_adopt: removes what earlier daemons left in the catalogue. */
void enrol_adopted_all(struct enroller *enroller);

#endif
