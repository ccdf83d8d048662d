// SPDX-License-Identifier: Apache-2.0
/*
 * The hook that sees every open of the node, for roots that are no overlay.
 *
 * Owns: which hook sees them, and when it is attached. Must not know: roots.
 *
 *   I1  Where overlay's own open is watched, no other open need pay for us: the program is loaded and pinned, and attached when the
 *       first container on a plain root comes. It stays attached then, over restarts, since files of such a root may be watched.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "enforcer/util.h"

#define PROGRAM "prog_hf_open"
#define LINK "link_hf_open"

/*
 * Whether overlay's own open can be watched, as a module of the kernel's or built in. A tracing program is left out when it was
 * preempted on the same processor, which the open it misses must not be. Since 6.2 that does not happen to LSM programs (told by
 * a function that came with the change), so they watch every open there; before, it happens to both kinds alike.
 */
bool lsm_can_watch_overlay(struct btf *kernel)
{
	struct btf *overlay;
	bool found;

	if (lsm_kernel_has_function("bpf_task_storage_get_recur"))
		return false;
	overlay = btf__load_module_btf("overlay", kernel);
	found = overlay && btf__find_by_name_kind(overlay, "ovl_open", BTF_KIND_FUNC) > 0;
	btf__free(overlay);
	return found || lsm_kernel_has_function("ovl_open");
}

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
