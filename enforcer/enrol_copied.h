/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of an image's layers, and whether a file that was copied out of them is still the image's.
 *
 * Owns: looking a path up in the layers, the comparison. Must not know: what follows from it.
 */
#ifndef ENFORCER_ENROL_COPIED_H
#define ENFORCER_ENROL_COPIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/enrol_internal.h"

struct hf_catalog_entry;
struct hf_catalog_key;

struct copied_layers {
	int *fds; /* of the layers' folders, from top to bottom */
	size_t n;
	bool broken; /* not all of them could be opened: nothing can be said for sure */
};

/* Opens the folders that the identity of a layer set names; blocks on their file systems. 0 or -ENOMEM. */
int copied_layers_open(const char *identity, struct copied_layers *ret);
/* The same for those that only give data to names in the others. */
int copied_layers_open_data(const char *identity, struct copied_layers *ret);
void copied_layers_close(struct copied_layers *layers);

/* Whether some layer has something of that path, or it cannot be told. */
bool copied_layers_have(const struct copied_layers *layers, const char *path);

/**
 * copied_layers_shine_through - whether every name that the layers have in a folder is there in the container's root
 * @layers: (borrowed)
 * @root_fd: (borrowed) the container's root
 * @path: (borrowed) of the folder; no layer needs to have it
 *
 * A folder that was removed and made again hides what the layers have in it, which only its missing names tell: overlay's own
 * mark cannot be read without CAP_SYS_ADMIN. A name that a layer above took away is not missed. Return: false also when it
 * cannot be told.
 */
bool copied_layers_shine_through(const struct copied_layers *layers, int root_fd, const char *path);

/**
 * copied_is_equal - compare a copied-up file with the image's
 * @e: (borrowed)
 * @job: (borrowed) its deadline
 * @layers: (borrowed)
 * @fd: (borrowed) the copy, open for reading
 * @path: (borrowed) its path
 * @lower: (borrowed) the image's file as the kernel half knows it
 *
 * Finds the image's file by the copy's path in each layer and makes sure that it is @lower. Blocks on reading both.
 * Return: true only if every byte was read and is equal before the deadline.
 */
bool copied_is_equal(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers, int fd,
		     const char *path, const struct hf_catalog_key *lower);

/**
 * copied_find_equal - compare a file of the writable layer with what the image has in its place
 * @e: (borrowed)
 * @job: (borrowed) its deadline
 * @layers: (borrowed)
 * @fd: (borrowed) the file, open for reading
 * @path: (borrowed) its path
 * @layer_set: complete
 * @ret: output: the catalogue's entry of the image's file
 *
 * For copies whose origin the overlay cannot tell any more. Blocks on reading both. Return: 0 only if the top layer that has the path
 * has an executable of the image there, unchanged, and every byte is equal; -ENOENT otherwise, and when it cannot be told.
 */
int copied_find_equal(struct enroller *e, const struct enrol_job *job, const struct copied_layers *layers, int fd, const char *path,
		      uint32_t layer_set, struct hf_catalog_entry *ret);

#endif
