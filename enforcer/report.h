/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's state as JSON documents, for control.sock.
 *
 * Owns: the shape and the words of answers. Must not know: where the facts come from (answers.c gathers them), sockets.
 * Each function returns a new object, json_object_put() by the caller, or NULL when there is no memory. Strings from
 * containers may hold any bytes; what is not UTF-8 comes out as U+FFFD.
 */
#ifndef ENFORCER_REPORT_H
#define ENFORCER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf-lsm/abi.h"
#include "enforcer/container.h"
#include "policies/policies.h"

struct json_object;

/* Pauses shown at most; more namespaces than that are not paused by hand. */
#define REPORT_PAUSES_MAX 64
/* Reasons shown why the daemon is not as it should be, and the length of each. */
#define REPORT_DEGRADED_MAX 24
#define REPORT_DEGRADED_BYTES 1280
#define REPORT_HOOKS_MAX 16
#define REPORT_FAULTS_MAX 16

struct report_pause {
	const char *namespace_; /* "" for all */
	uint64_t until_ns;	/* CLOCK_REALTIME */
};

/* Everything that STATUS tells. Borrowed. */
/* Where event lines go. */
#define REPORT_OUTPUTS_MAX 2
struct report_output {
	const char *name;
	bool failing;
	uint64_t missing;	/* lines that it did not take */
	uint64_t waiting_bytes; /* of lines in memory that it has not taken yet */
};

struct report_status {
	const char *version;
	const char *self_protection; /* against whom: guard_mode_name() */
	const char *self_protection_fault; /* why it is less than was asked for; "": it is not */
	uint64_t unlocked_until_ns;	   /* CLOCK_REALTIME, 0: not */
	bool ready;
	pid_t pid;
	uint64_t uptime_seconds;

	const char *kernel_release;
	const char *hooks[REPORT_HOOKS_MAX];
	size_t n_hooks;

	size_t containers[_CONTAINER_STATE_MAX];

	uint32_t policy_generation;
	const char *policy_path;
	size_t policies;
	const struct policy_error *policy_error; /* NULL: what is on disk is in force */

	struct report_pause pauses[REPORT_PAUSES_MAX];
	size_t n_pauses;

	struct report_output outputs[REPORT_OUTPUTS_MAX];
	size_t n_outputs;
	uint64_t events_produced, events_delivered, events_waiting, events_lost;
	uint64_t counters[_HF_COUNTER_MAX];
	const char *counter_names[_HF_COUNTER_MAX];
	uint64_t faults[REPORT_FAULTS_MAX]; /* how often each was met */
	const char *fault_names[REPORT_FAULTS_MAX];
	uint64_t catalog_entries, catalog_max;
	/* The image database. pending: files whose digest is still to be computed. */
	uint64_t image_sets, image_files, image_digests, image_pending, image_unreadable;
	bool scrub_enabled, scrub_running; /* the pass over images' files */
	uint64_t scrub_began_ns, scrub_ended_ns; /* CLOCK_REALTIME, 0: none yet */
	uint64_t scrub_files, scrub_bytes, scrub_bad;
	uint64_t settle_waiting, settle_learning, settle_refused, settle_given_up; /* files opened for writing, to be compared with the image's */

	char degraded[REPORT_DEGRADED_MAX][REPORT_DEGRADED_BYTES];
	size_t n_degraded;
};

/* What belongs to a container besides struct container. */
struct report_counts {
	uint64_t denied, audited;
	uint64_t paused_until_ns; /* CLOCK_REALTIME, 0: not paused */
};

struct json_object *report_status(const struct report_status *status);
struct json_object *report_container(const struct container *container, const struct report_counts *counts);
struct json_object *report_policy(const struct policy_info *info, size_t containers);
struct json_object *report_effective(const struct policy_effective *effective);
/* {"message", "until"}; until_ns 0: null. */
struct json_object *report_message(const char *message, uint64_t until_ns);
/* {"message", "file", "line", "column"}. */
struct json_object *report_policy_error(const struct policy_error *error);

#endif
