/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files behind a comparison: opening one in its container, reading it and the image's in a child, asking the image database.
 *
 * Owns: the child that reads. Must not know: the order of the steps (settle_work.h), queues. One thread's, not the main one's: everything
 * here may block on the disk, at most until SETTLE_FILE_NS have passed.
 */
#ifndef ENFORCER_SETTLE_IMAGE_H
#define ENFORCER_SETTLE_IMAGE_H

#include <stdatomic.h>

#include "enforcer/settle_work.h"

#define SETTLE_FILE_NS (600 * NSEC_PER_SEC) /* for the largest file on the slowest disk, as the image database's own */
#define SETTLE_SCAN_NS (600 * NSEC_PER_SEC) /* of a whole root, in the background */
#define SETTLE_OPEN_NS (5 * NSEC_PER_SEC) /* a container's file system that does not answer */

struct images;
struct learner;
struct lsm;
struct worker;
struct workers;

struct settle_image {
	struct lsm *lsm;	 /* borrowed, as the rest */
	struct workers *workers;
	struct images *images; /* NULL: there is no database */
	struct learner *learner; /* for roots that the database cannot keep; NULL: none are learned */
	const atomic_bool *stop;
	struct worker *worker; /* owned; NULL: made when it is needed */
	uint64_t read_bytes;   /* since it was made zero: what the pace is kept by */
};

struct learn_ops;

/* The steps of settle_compare(), to be given image as data. */
void settle_image_ops(struct settle_image *image, struct settle_ops *ret);
/* Those of learner_step(), likewise. */
void settle_image_learn_ops(struct settle_image *image, struct learn_ops *ret);
/* Ends the child, until it is needed again. */
void settle_image_rest(struct settle_image *image);

#endif
