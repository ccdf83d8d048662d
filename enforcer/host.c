// SPDX-License-Identifier: Apache-2.0
/*
 * Process 1's namespace and root, asked for once at the start.
 */
#include "enforcer/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define FSOPEN_CLOEXEC_FLAG 1u /* <linux/mount.h> and <sys/mount.h> cannot both be included in Debian 12 */

void host_load_overlay(void)
{
	/* Asking for a context of a file system type loads its module and mounts nothing. */
	int fd = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC_FLAG);

	close_fd(&fd);
}

int host_tell(struct lsm *lsm, char *reterr, size_t reterr_bytes)
{
	_cleanup_(close_fd) int root = open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct hf_config *config = lsm_config(lsm);
	struct hf_enrol answer;
	struct stat ns;
	int err;

	if (root < 0 || stat("/proc/1/ns/mnt", &ns)) {
		err = -errno;
		snprintf(reterr, reterr_bytes, "cannot look at /proc/1: run in the host's pid namespace, as root");
		return err;
	}
	err = lsm_enrol_register(lsm);
	if (!err)
		err = lsm_identify(lsm, root, &answer);
	if (err) {
		snprintf(reterr, reterr_bytes, "the kernel half does not answer");
		return err;
	}
	config->abi = HF_ABI_VERSION;
	config->host_mntns = (uint32_t)ns.st_ino;
	config->host_root_dev = answer.key.dev;
	config->host_root_ino = answer.key.ino;
	if (config->enabled != HF_ENABLED_ALL)
		__atomic_store_n(&config->enabled, HF_ENABLED_CANARY, __ATOMIC_RELEASE);
	return 0;
}
