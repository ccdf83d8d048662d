/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection rules in the daemon: kernel events and verdicts of drift in, alerts out.
 *
 * Owns: the stream of kernel events, the process tree, the rules in force, the alerts' outputs, counts. Must not know: the rule
 * language (policies/rules/), what a field is (detect_fields.h). Main thread only; works in slices, so that drift's own events and
 * requests of hooks are never behind more than one of them.
 */
#ifndef ENFORCER_DETECT_H
#define ENFORCER_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enforcer/alert_out.h"
#include "enforcer/process_tree.h"
#include "enforcer/stream.h"
#include "policies/policies.h"

struct daemon;
struct detector;
struct json_object;
struct event_context;
struct hf_event;

/* What runs when no --rules is given: the administrator's folder, else the rules that come with Holdfast, if they are there. */
#define DETECT_RULES_FOLDER "/etc/holdfast/rules"
#define DETECT_RULES_SHIPPED "/usr/share/holdfast/rules"

/**
 * detect_open - read the rules, open the stream, learn what runs
 * @daemon: (borrowed) options, loop and lsm are used; daemon->detector is set if there are rule files
 * @reterr: (output) a sentence on failure
 *
 * A start stage; before threads are made, since a child is forked. Return: 0; -EINVAL: a rule file is wrong; -errno.
 */
int detect_open(struct daemon *daemon, char *reterr);
void detect_stop(struct daemon *daemon);
/* A start stage: opens the outputs and begins to read. 0 or -errno. */
int detect_start(struct daemon *daemon, char *reterr);
/* Its end, before the event log's: tells what waits. */
void detect_end(struct daemon *daemon);

/**
 * detect_reload - rules and policies anew, both or neither
 * @reterr: (output) the mistake and its place; may be NULL
 *
 * Blocks on file I/O. Logs by itself. Return: 0; errors of policy_store_reload(), -EINVAL for rules as well.
 */
int detect_reload(struct daemon *daemon, struct policy_error *reterr);

/* A verdict of the enforcer, as it is told. Nothing happens without rules that ask for it. */
void detect_on_drift(struct daemon *daemon, const struct hf_event *record, size_t bytes, const struct event_context *context);

/* Opens the alerts' file anew, after somebody moved it; logs by itself. */
void detect_reopen(struct daemon *daemon);

/* Facts of a container have changed. NULL-safe. */
void detect_containers_changed(struct daemon *daemon);

struct detect_type_status {
	const char *name;
	uint64_t delivered, lost, filtered;
};

struct detect_status {
	bool on;
	size_t rules, enabled, warnings;
	const struct policy_error *error; /* of the last reload; NULL: the files on disk are in force */
	uint64_t events, drift_events, alerts, lost, overflows, refused_processes, unseen;
	size_t processes, process_bytes;
	struct alert_channel_stats outputs[_ALERT_CHANNEL_MAX];
	struct detect_type_status types[_HF_DETECT_MAX]; /* those that are wanted */
	size_t n_types;
};

void detect_get_status(const struct daemon *daemon, struct detect_status *ret);
/* Adds "detection" to a status document, and what is wrong to its "degraded". */
void detect_report(const struct daemon *daemon, struct json_object *status);

#endif
