/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a verdict that no process tree knows, as far as the verdict tells it.
 */
#ifndef ENFORCER_DETECT_STAND_IN_H
#define ENFORCER_DETECT_STAND_IN_H

#include <string.h>

#include "bpf-lsm/abi.h"
#include "enforcer/process_tree.h"

struct detect_stand_in {
	struct process process;
	struct process_text *exepath;
};

/* exe: (borrowed) n bytes; none: not known. To be given to detect_stand_in_release(). */
static inline void detect_stand_in_make(const struct hf_event *record, const char *exe, size_t n, struct detect_stand_in *ret)
{
	*ret = (struct detect_stand_in){ .process = { .pid = record->pid, .ppid = record->ppid, .start_ns = record->start_ns,
						      .exec_ns = record->start_ns, .uid = record->uid, .euid = record->uid,
						      .gid = record->gid, .egid = record->gid, .incomplete = true,
						      .loginuid = UINT32_MAX } };
	memcpy(ret->process.comm, record->comm, sizeof(ret->process.comm) - 1);
	ret->exepath = n ? process_text_new(exe, n, false) : NULL;
	ret->process.exepath = ret->exepath;
}

/* All zero is fine. */
static inline void detect_stand_in_release(struct detect_stand_in *stand_in)
{
	process_text_unref(&stand_in->exepath);
}

#endif
