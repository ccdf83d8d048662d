/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel calls a container's declared mounts. Used by enrol_job.c only, on the enrolling thread. */
#ifndef ENFORCER_ENROL_VOLUMES_H
#define ENFORCER_ENROL_VOLUMES_H

#include <stdbool.h>

struct enrol_job;
struct lsm;

/*
 * Fills in job->volumes. One that is not mounted or cannot be identified is none: code on it is foreign. Blocks on /proc and on
 * the volumes' file systems. 0 or -ENOMEM with job->error.
 */
int enrol_volumes_identify(struct lsm *lsm, struct enrol_job *job);

/* True when one folder of a file system is the other or lies in it; both as mountinfo writes them. "/a" does not hold "/ab". */
bool enrol_volumes_overlap(const char *a, const char *b);

#endif
