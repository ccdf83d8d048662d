/* SPDX-License-Identifier: Apache-2.0 */
/* What arm.c (the steps) and arm_record.c (what stands in the kernel half) share; arm.h is for everybody else. */
#ifndef ENFORCER_ARM_RECORD_H
#define ENFORCER_ARM_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container;
struct daemon;
struct enrol_job;

/* A container id that was never given before, whatever the clock does and whatever files were lost. */
uint64_t arm_fresh_id(struct daemon *daemon);

/* A slot for the container, kept for it from now on. -ENOSPC. */
int arm_take_slot(struct daemon *daemon, struct container *container);

/* The very slot that its record or its tasks' tags name, free or holding its id. -EBUSY: it is another's by now. */
int arm_keep_slot(struct daemon *daemon, struct container *container, uint32_t slot);

/* Before an adopted container is looked at: from now on its slot's flags say which notes of copies are wanted. Nothing changes for
 * one whose record stands. */
void arm_begin_watch(struct daemon *daemon, struct container *container);

/* What enrolment found out of the container's root; the job's layers are taken. */
void arm_take_root(struct container *container, struct enrol_job *job);

/* Takes everything of the container out of the kernel half, and gives back its slot, policy and layer set. */
void arm_withdraw(struct daemon *daemon, struct container *container);

/* A runtime may start a container again under the same id before we saw the end of the old one, which is released here. One that
 * lives is another runtime's, whose ids need not differ, and stays. */
void arm_release_same_id(struct daemon *daemon, const char *id);

/* Whether a container is known by its first process: one of the table, or one on its way. */
bool arm_is_known(struct daemon *daemon, pid_t pid);

#endif
