// SPDX-License-Identifier: Apache-2.0
/*
 * Verdicts of the enforcer as events of rules. Contracts: detect.h.
 *
 * I1: nothing behind the record's struct is read before its lengths have been found to agree.
 */
#include <string.h>

#include "enforcer/detect_fields.h"
#include "enforcer/detect_internal.h"
#include "enforcer/detect_stand_in.h"
#include "enforcer/event_json.h"
#include "enforcer/util.h"

static bool is_whole(const struct hf_event *record, size_t bytes)
{
	if (bytes < sizeof(*record) || record->version != HF_EVENT_VERSION || record->bytes > bytes)
		return false;
	return record->path_bytes <= HF_PATH_BYTES && record->exe_bytes <= HF_PATH_BYTES &&
	       record->bytes >= sizeof(*record) + record->path_bytes + record->exe_bytes;
}

static void make_stand_in(const struct hf_event *record, struct detect_stand_in *ret)
{
	char exe[HF_PATH_BYTES + 1];
	size_t n = event_json_path_of((const char *)(record + 1) + record->path_bytes, record->exe_bytes, exe);

	detect_stand_in_make(record, exe, n, ret);
}

static const char *severity_of(const struct policy_effective *policy)
{
	return policy ? policy_severity_name(policy->severity) : NULL;
}

static void describe(const struct hf_event *record, const struct event_context *context, const char *path, size_t path_len,
		     struct detect_drift *ret)
{
	const struct policy_effective *policy = context ? context->policy : NULL;

	*ret = (struct detect_drift){
		.record = record,
		.path = path_len ? path : NULL,
		.path_len = path_len,
		.reason = event_reason_name(record->reason),
		.detail = event_detail_name(record->detail),
		.verdict = event_verdict_name(record->verdict),
		.operation = event_op_name(record->op),
		.class_ = event_is_access(record) ? NULL : event_class_name(record->class_),
		.policy = policy ? policy->name : NULL,
		.severity = severity_of(policy),
	};
}

static void run(struct detector *d, struct detect_event *event, const struct hf_event *record)
{
	struct detect_containers_key key = { .kernel_id = record->slot >= HF_SLOT_FIRST ? record->container : 0,
					     .cgroup = record->cgroup, .pid = record->pid, .ppid = record->ppid };

	event->time_ns = record->time_ns + (uint64_t)d->clock_offset_ns;
	detect_complete(d, event, &key);
	detect_try(d, event);
}

void detect_on_drift(struct daemon *daemon, const struct hf_event *record, size_t bytes, const struct event_context *context)
{
	struct detector *d = daemon->detector;
	struct detect_event event = { 0 };
	struct detect_stand_in stand_in = { 0 };
	struct detect_drift drift;
	char path[HF_PATH_BYTES + 1];

	if (!d || !d->out || !is_whole(record, bytes))
		return;
	d->drift_events++;
	d->clock_offset_ns = event_json_clock_offset();
	event.type = detect_type_of_drift();
	if (!detect_rules_need(d->rules, event.type))
		return;
	event.number = ++d->events;
	event.process = process_tree_find(d->tree, record->pid);
	if (!event.process) {
		make_stand_in(record, &stand_in);
		event.process = &stand_in.process;
	}
	describe(record, context, path, event_json_path(record, path), &drift);
	event.drift = &drift;
	run(d, &event, record);
	detect_stand_in_release(&stand_in);
}
