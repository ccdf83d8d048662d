/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own answers to control.sock: looks into the other parts, acts on them, has report.h write it down. */
#ifndef ENFORCER_ANSWERS_H
#define ENFORCER_ANSWERS_H

#include "enforcer/control.h"

struct daemon;

/* Fills in *ret for control_new(); daemon is borrowed and must have lsm, containers, policies and events set. */
void answers_init(struct daemon *daemon, struct control_ops *ret);

#endif
