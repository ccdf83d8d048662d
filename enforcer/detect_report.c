// SPDX-License-Identifier: Apache-2.0
/* The detector's part of the daemon's state, as JSON. Contracts: detect.h. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "enforcer/detect.h"
#include "enforcer/util.h"

#define TEXT_BYTES 1280

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void degrade(struct json_object *status, const char *text)
{
	struct json_object *degraded;

	if (json_object_object_get_ex(status, "degraded", &degraded))
		json_object_array_add(degraded, json_object_new_string(text));
}

static void add_types(struct json_object *detection, const struct detect_status *s)
{
	struct json_object *types = json_object_new_object();

	for (size_t i = 0; i < s->n_types; i++) {
		struct json_object *type;

		if (!s->types[i].delivered && !s->types[i].lost && !s->types[i].filtered)
			continue;
		type = json_object_new_object();
		add_number(type, "events", s->types[i].delivered);
		add_number(type, "lost", s->types[i].lost);
		add_number(type, "filtered", s->types[i].filtered);
		json_object_object_add(types, s->types[i].name, type);
	}
	json_object_object_add(detection, "types", types);
}

static void add_outputs(struct json_object *detection, const struct detect_status *s, struct json_object *status)
{
	struct json_object *outputs = json_object_new_object();
	char text[TEXT_BYTES];

	for (size_t i = 0; i < _ALERT_CHANNEL_MAX; i++) {
		const struct alert_channel_stats *channel = &s->outputs[i];
		struct json_object *output;

		if (!channel->used)
			continue;
		output = json_object_new_object();
		add_number(output, "written", channel->written);
		add_number(output, "dropped", channel->dropped);
		json_object_object_add(output, "failing", json_object_new_boolean(channel->failing));
		json_object_object_add(outputs, alert_channel_name(i), output);
		if (!channel->failing)
			continue;
		snprintf(text, sizeof(text), "alerts cannot be written to their %s (%llu were dropped there)", alert_channel_name(i),
			 (unsigned long long)channel->dropped);
		degrade(status, text);
	}
	json_object_object_add(detection, "outputs", outputs);
}

static void add_error(const struct policy_error *error, struct json_object *status)
{
	char text[TEXT_BYTES];

	if (!error)
		return;
	snprintf(text, sizeof(text), "the rules on disk are not in force: %.512s:%d:%d: %.512s", error->file, error->line, error->column,
		 error->message);
	degrade(status, text);
}

void detect_report(const struct daemon *daemon, struct json_object *status)
{
	_cleanup_(free_ptr) struct detect_status *s = calloc(1, sizeof(*s));
	struct json_object *detection = json_object_new_object();

	if (!s || !detection) {
		json_object_put(detection);
		return;
	}
	detect_get_status(daemon, s);
	json_object_object_add(detection, "on", json_object_new_boolean(s->on));
	add_number(detection, "rules", s->rules);
	add_number(detection, "enabled", s->enabled);
	add_number(detection, "warnings", s->warnings);
	add_number(detection, "events", s->events);
	add_number(detection, "drift_events", s->drift_events);
	add_number(detection, "alerts", s->alerts);
	add_number(detection, "lost", s->lost);
	add_number(detection, "unseen", s->unseen);
	add_number(detection, "facts_cut", s->overflows);
	add_number(detection, "processes", s->processes);
	add_number(detection, "process_bytes", s->process_bytes);
	add_number(detection, "processes_refused", s->refused_processes);
	add_types(detection, s);
	add_outputs(detection, s, status);
	add_error(s->error, status);
	json_object_object_add(status, "detection", detection);
}
