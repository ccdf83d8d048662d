/* SPDX-License-Identifier: Apache-2.0 */
/* The file that carries pauses over a restart of the daemon. Owns: its shape. Used by policy_pause.c only. */
#ifndef ENFORCER_POLICY_PAUSE_FILE_H
#define ENFORCER_POLICY_PAUSE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "enforcer/policy_pause.h"
#include "enforcer/policy_store.h"

struct policy_pause {
	char namespace_[POLICY_PAUSE_NAMESPACE_BYTES + 1]; /* "": all containers */
	uint64_t until_boot_ns;				   /* CLOCK_BOOTTIME */
};

/* Those of namespaces, and the one of all containers. */
struct policy_pause_list {
	size_t n;
	struct policy_pause at[POLICY_STORE_PAUSES_MAX + 1];
};

/* A name that a pause can have. */
int policy_pause_check_namespace(const char *namespace_);

/* Writes <run_dir>/pauses.json through a temporary file, mode 0600; removes it when the list is empty. On failure, too, so
 * that it never brings a pause back that was ended. 0 or -errno. */
int policy_pause_file_write(const char *run_dir, const struct policy_pause_list *list);
/* 0, with an empty list when there is no file or it is of another boot; -EBADMSG: not such a file; other -errno. */
int policy_pause_file_read(const char *run_dir, struct policy_pause_list *ret);

#endif
