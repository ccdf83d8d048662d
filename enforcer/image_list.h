/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scan found, kept in memory between the enrolment and the image database: one compact buffer.
 *
 * Owns: the buffer. Must not know: where the files come from or go. No locks: one thread at a time.
 */
#ifndef ENFORCER_IMAGE_LIST_H
#define ENFORCER_IMAGE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imagedb/store.h"

#define IMAGE_LIST_BYTES_MAX (8u << 20) /* some 50,000 executables; a larger image is scanned again after a reboot */

struct image_list {
	char *identity;
	char *label; /* the image's name, or NULL */
	char *bytes;
	size_t used, room;
	uint32_t files;
	bool overflow; /* bound or memory: nothing of it may be stored */
	struct imagedb_scan_stats stats;
	struct image_list *next;
};

/* identity is copied, label is too and may be NULL. NULL: no memory. */
struct image_list *image_list_new(const char *identity, const char *label);
void image_list_free(struct image_list **list);

/* Appends a file (borrowed); what does not fit sets overflow. */
void image_list_add(struct image_list *list, const struct imagedb_store_file *file);

/* Calls fn for each file (borrowed) until it returns another value than 0, which is then returned. */
int image_list_walk(const struct image_list *list, imagedb_store_file_fn fn, void *data);

#endif
