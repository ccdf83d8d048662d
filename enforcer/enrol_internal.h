/* SPDX-License-Identifier: Apache-2.0 */
/* What enrol.c (thread and queue) and enrol_job.c (the work) share; nobody else includes it. */
#ifndef ENFORCER_ENROL_INTERNAL_H
#define ENFORCER_ENROL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "enforcer/enrol.h"
#include "enforcer/layers.h"

struct hf_enrol;
struct images;
struct loop_source;
struct lsm_enrolment;
struct workers;

struct enrol_queue {
	struct enrol_job *first, *last;
	unsigned int n;
};

/* lock guards waiting, finished, released and the start; layers belong to the thread, before it works to the main thread. */
struct enroller {
	struct lsm *lsm;
	struct workers *workers;
	struct images *images; /* NULL: there is no database */
	struct layers *layers;
	struct loop_source *source, *tick;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct enrol_queue waiting, finished;
	uint32_t *released;
	uint32_t n_released, released_room;
	uint64_t sweep_ns;
	atomic_bool stop;
	bool running, started;
	int start_err;
	int done_fd;
};

/* Shows a file to the kernel half. A full catalogue gives up images that no container uses, one after the other. As
 * lsm_enrol_file. */
int enrol_show(struct enroller *e, int fd, const struct lsm_enrolment *where, struct hf_enrol *ret);
/* The catalogue is full: takes out the set that nobody has used for longest. Enrolling thread only. False: there is none. */
bool enrol_make_room(struct enroller *e);
/* Does the job on the enrolling thread: fills in its answers. */
void enrol_run(struct enroller *e, struct enrol_job *job);

#endif
