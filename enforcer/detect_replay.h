/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules over a recording: the same way from record to match as in the daemon.
 *
 * Owns: processes, containers and names as the recording tells them. Must not know: where alerts go. Nothing of the machine it runs
 * on is looked at.
 */
#ifndef ENFORCER_DETECT_REPLAY_H
#define ENFORCER_DETECT_REPLAY_H

#include "enforcer/detect_rules.h"
#include "enforcer/stream_record.h"

/* Containers and cgroups that a recording brings names of users for; what is above has none. */
#define DETECT_REPLAY_NAMES_MAX 1024

struct detect_replay;

/* rules, header: (borrowed) the former outlive it; the latter is the recording's. 0; -ENOMEM. */
int detect_replay_new(struct detect_rules *rules, const struct stream_record_header *header, struct detect_replay **ret);
/* NULL-safe, sets *replay to NULL. */
void detect_replay_free(struct detect_replay **replay);

typedef void (*detect_replay_fn)(const struct rule *rule, struct rule_facts *facts, const struct detect_event *event, void *data);

/**
 * detect_replay_item - one frame of a recording
 * @item: (borrowed) of any kind
 * @fn: called for each rule that matches
 *
 * Allocates nothing for an event that makes no process. Return: 0; -EBADMSG: it makes no sense; -ENOMEM.
 */
int detect_replay_item(struct detect_replay *replay, const struct stream_item *item, detect_replay_fn fn, void *data);

/* Of the machine that made the recording. Borrowed. */
const char *detect_replay_hostname(const struct detect_replay *replay);
uint64_t detect_replay_events(const struct detect_replay *replay);

#endif
