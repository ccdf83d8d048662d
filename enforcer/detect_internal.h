/* SPDX-License-Identifier: Apache-2.0 */
/* What detect.c, detect_drift.c, detect_alert.c and detect_status.c share; nobody else includes it. */
#ifndef ENFORCER_DETECT_INTERNAL_H
#define ENFORCER_DETECT_INTERNAL_H

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/detect_containers.h"
#include "enforcer/detect_rules.h"
#include "enforcer/detect_users.h"

#define DETECT_HOSTNAME_BYTES 256

struct detector {
	struct daemon *daemon;
	struct detect_rules *rules;
	struct stream *stream;
	struct process_tree *tree;
	struct detect_containers *containers;
	struct detect_users *users;
	struct alert_out *out;
	struct loop_source *source, *check;
	struct policy_error error; /* of the last reload */
	bool failed;
	int64_t clock_offset_ns;
	uint64_t events, drift_events, alerts;
	uint64_t lost_told[_HF_DETECT_MAX];
	uint64_t lost_total, drops_told;
	char hostname[DETECT_HOSTNAME_BYTES];
};

/* What belongs to any event: number, time, names. type, stream or drift, process and container are set already. */
void detect_complete(struct detector *d, struct detect_event *event, const struct detect_containers_key *key);
/* Tries the rules on a complete event and writes the alerts. */
void detect_try(struct detector *d, struct detect_event *event);

/* detect_alert.c: an alert of our own about what is missing, with a flat JSON object of numbers. */
void detect_tell(struct detector *d, const char *rule, const char *message, const char *fields);
void detect_look_for_losses(struct detector *d);
void detect_alert(const struct rule *rule, struct rule_facts *facts, uint64_t time_ns, struct detector *d);

/* detect_facts.c: a detect_containers_source_fn; data is the daemon. */
int detect_container_facts(struct detect_containers *containers, const struct detect_containers_key *key, void *data);

#endif
