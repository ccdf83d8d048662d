// SPDX-License-Identifier: Apache-2.0
/*
 * The hook that sees every open of the node, for roots that are no overlay.
 *
 * Owns: when it is attached. Must not know: roots.
 *
 *   I1  Where overlay's own open is watched, no other open need pay for us: the program is loaded and pinned, and attached when the
 *       first container on a plain root comes. It stays attached then, over restarts, since files of such a root may be watched.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"

#define PROGRAM "prog_hf_open"
#define LINK "link_hf_open"

bool lsm_writes_waits(const struct lsm *lsm, const struct bpf_program *prog)
{
	return lsm->has_overlay_open && !strcmp(bpf_program__name(prog), "hf_open");
}

static int attach(int program)
{
	_cleanup_(close_fd) int link = bpf_raw_tracepoint_open(NULL, program);

	return link < 0 ? -errno : lsm_pin_over(link, LINK);
}

int lsm_writes_pin(const struct bpf_program *prog, uint32_t *pins)
{
	int fd = bpf_program__fd(prog), err = lsm_pin_over(fd, PROGRAM);

	(*pins)++;
	if (err || access(LSM_PIN_FOLDER "/" LINK, F_OK))
		return err;
	(*pins)++;
	return attach(fd); /* over that of the programs before these */
}

int lsm_writes_attach(struct lsm *lsm)
{
	_cleanup_(close_fd) int fd = -1;
	int err;

	if (access(LSM_PIN_FOLDER "/" LINK, F_OK) == 0)
		return 0;
	fd = bpf_obj_get(LSM_PIN_FOLDER "/" PROGRAM);
	if (fd < 0)
		return -errno;
	err = attach(fd);
	if (!err)
		lsm_config(lsm)->pins++;
	return err;
}
