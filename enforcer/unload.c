// SPDX-License-Identifier: Apache-2.0
/*
 * `holdfastd --unload`. Contract: unload.h. Must not know: pins and programs.
 */
#include "enforcer/unload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define TIMEOUT_MS 30000u /* the kernel takes seconds under load */

/* The daemon holds this lock for as long as it lives. */
static bool daemon_runs(const char *run_dir)
{
	_cleanup_(close_fd) int fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

int unload_host(const char *run_dir, char *reterr, size_t reterr_bytes)
{
	int err;

	/* It would go on to call its containers armed. */
	if (daemon_runs(run_dir)) {
		snprintf(reterr, reterr_bytes, "a holdfastd runs with %s: stop it first", run_dir);
		return -EBUSY;
	}
	err = lsm_unload_wait(TIMEOUT_MS);
	if (err == -ETIMEDOUT)
		snprintf(reterr, reterr_bytes,
			 "the pins are removed, but some process still holds the programs: they may still deny");
	else if (err)
		snprintf(reterr, reterr_bytes, "cannot remove " HF_PIN_DIR ": %s", strerror(-err));
	return err;
}
