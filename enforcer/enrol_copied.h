/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that an earlier life of a container copied into its writable layer: are they still the image's?
 *
 * Owns: the comparison. Must not know: what follows from it.
 */
#ifndef ENFORCER_ENROL_COPIED_H
#define ENFORCER_ENROL_COPIED_H

#include <stdbool.h>

#include "enforcer/enrol_internal.h"

struct hf_catalog_key;

/**
 * copied_is_equal - compare a copied-up file with the image's
 * @e: (borrowed)
 * @job: (borrowed) its layers and deadline
 * @file: (borrowed) the copy
 * @lower: (borrowed) the image's file as the kernel half knows it
 *
 * Finds the image's file by the copy's path in each layer and makes sure that it is @lower. Blocks on reading both.
 * Return: true only if every byte was read and is equal before the deadline.
 */
bool copied_is_equal(struct enroller *e, const struct enrol_job *job, const struct imagedb_file *file,
		     const struct hf_catalog_key *lower);

#endif
