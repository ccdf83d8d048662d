// SPDX-License-Identifier: Apache-2.0
/* Alerts of rules, and our own about what is missing. Contracts: detect_internal.h. */
#include <stdio.h>
#include <string.h>

#include "enforcer/detect_fields.h"
#include "enforcer/detect_internal.h"
#include "enforcer/log.h"
#include "enforcer/util.h"

#define DROP_RULE "Holdfast internal: event drop"
#define ALERT_DROP_RULE "Holdfast internal: alert drop"
/* Containers that are named in one alert; the others in the next second's. */
#define LOSERS_MAX 16
#define LOSER_BYTES (DETECT_CONTAINER_ID_BYTES + 24) /* "ID=18446744073709551615 " */
/* A number for each type: "n_drops_openat":18446744073709551615 */
#define FIELDS_BYTES (_HF_DETECT_MAX * 64 + LOSERS_MAX * LOSER_BYTES)

static void write_alert(struct detector *d, const struct rule_alert *alert)
{
	const struct rule_alert_options options = { .text = d->daemon->options.alert_text, .iso_8601 = d->daemon->options.alert_iso_8601 };
	char line[RULE_ALERT_BYTES_MAX];
	size_t bytes;

	d->alerts++;
	if (rule_alert_line(alert, &options, line, sizeof(line), &bytes) == 0)
		alert_out_line(d->out, (int)alert->priority, line, bytes);
	else
		log_error("rules: an alert of '%s' is too long for any line", alert->rule);
}

void detect_alert(const struct rule *rule, struct rule_facts *facts, uint64_t time_ns, struct detector *d)
{
	struct rule_alert alert = { .time_ns = time_ns, .rule = rule->name, .priority = rule->priority, .source = rule->source,
				    .tags = rule->tags, .n_tags = rule->n_tags, .hostname = d->hostname, .format = rule->format,
				    .facts = facts };

	if (d->out)
		write_alert(d, &alert);
}

void detect_tell(struct detector *d, const char *rule, const char *message, const char *fields)
{
	struct rule_alert alert = { .time_ns = clock_ns(CLOCK_REALTIME), .rule = rule, .priority = RULE_PRIORITY_WARNING,
				    .source = "internal", .hostname = d->hostname, .message = message, .fields = fields };

	log_warning("rules: %s", message);
	if (d->out && d->daemon->options.alert_priority >= RULE_PRIORITY_WARNING)
		write_alert(d, &alert);
}

/* What is new of one type; 0 when it cannot be read, so that it is told later. */
static uint64_t new_losses(struct detector *d, enum hf_detect_type type)
{
	struct stream_count count;
	uint64_t lost, fresh;

	if (stream_count(d->stream, type, &count) < 0)
		return 0;
	lost = count.kernel.lost + count.unreadable;
	fresh = lost > d->lost_told[type] ? lost - d->lost_told[type] : 0;
	d->lost_told[type] += fresh;
	return fresh;
}

/* Who lost them, as far as there is room: "ID=NUMBER ID=NUMBER". Ids of containers need no escapes. */
static void name_losers(struct detector *d, char ret[LOSERS_MAX * LOSER_BYTES])
{
	struct stream_loss losses[LOSERS_MAX];
	size_t n = stream_losses(d->stream, losses, LOSERS_MAX), used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		struct detect_containers_key key = { .kernel_id = losses[i].container, .host = !losses[i].container };
		const char *id = detect_containers_find(d->containers, &key)->id;

		used += (size_t)snprintf(ret + used, LOSER_BYTES, "%s%.*s=%llu", used ? " " : "", DETECT_CONTAINER_ID_BYTES, id,
					 (unsigned long long)losses[i].lost);
	}
}

static void look_for_lost_events(struct detector *d)
{
	char fields[FIELDS_BYTES] = "{", losers[LOSERS_MAX * LOSER_BYTES], message[160];
	uint64_t total = 0;
	size_t used = 1;

	for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++) {
		uint64_t n = new_losses(d, type);

		total += n;
		if (n)
			used += (size_t)snprintf(fields + used, sizeof(fields) - used, "%s\"n_drops_%s\":%llu", used > 1 ? "," : "",
						 stream_type_name(type), (unsigned long long)n);
	}
	if (!total)
		return;
	d->lost_total += total;
	name_losers(d, losers);
	snprintf(fields + used, sizeof(fields) - used, ",\"n_drops\":%llu,\"n_drops_total\":%llu,\"drops_by_container\":\"%s\"}",
		 (unsigned long long)total, (unsigned long long)d->lost_total, losers);
	snprintf(message, sizeof(message), DROP_RULE ". %llu events were lost in the last second.", (unsigned long long)total);
	detect_tell(d, DROP_RULE, message, fields);
}

static void look_for_lost_alerts(struct detector *d)
{
	struct alert_channel_stats stats[_ALERT_CHANNEL_MAX];
	char fields[64], message[160];
	uint64_t dropped = 0;

	alert_out_get_stats(d->out, stats);
	for (size_t i = 0; i < _ALERT_CHANNEL_MAX; i++)
		dropped += stats[i].dropped;
	if (dropped <= d->drops_told)
		return;
	snprintf(fields, sizeof(fields), "{\"n_drops\":%llu}", (unsigned long long)(dropped - d->drops_told));
	snprintf(message, sizeof(message), ALERT_DROP_RULE ". %llu alerts found no room in an output.",
		 (unsigned long long)(dropped - d->drops_told));
	d->drops_told = dropped;
	detect_tell(d, ALERT_DROP_RULE, message, fields);
}

void detect_look_for_losses(struct detector *d)
{
	look_for_lost_events(d);
	look_for_lost_alerts(d);
}

void detect_get_status(const struct daemon *daemon, struct detect_status *ret)
{
	const struct detector *d = daemon->detector;
	struct process_tree_counts processes;
	uint64_t unseen[_HF_DETECT_UNSEEN_MAX] = { 0 };

	memset(ret, 0, sizeof(*ret));
	if (!d || !d->out)
		return;
	process_tree_count(d->tree, &processes);
	stream_unseen(d->stream, unseen);
	ret->on = true;
	ret->rules = detect_rules_set(d->rules)->n_rules;
	ret->enabled = detect_rules_enabled(d->rules);
	ret->warnings = detect_rules_warnings(d->rules);
	ret->error = d->failed ? &d->error : NULL;
	ret->events = d->events;
	ret->drift_events = d->drift_events;
	ret->alerts = d->alerts;
	ret->overflows = detect_rules_overflows(d->rules);
	ret->processes = processes.processes;
	ret->process_bytes = processes.bytes;
	ret->refused_processes = processes.refused;
	for (size_t i = 0; i < _HF_DETECT_UNSEEN_MAX; i++)
		ret->unseen += unseen[i];
	alert_out_get_stats(d->out, ret->outputs);
	for (unsigned int type = HF_DETECT_NONE + 1; type < _HF_DETECT_MAX; type++) {
		struct stream_count count = { 0 };

		if (!detect_rules_need(d->rules, detect_type_of(type)) || stream_count(d->stream, type, &count) < 0)
			continue;
		ret->lost += count.kernel.lost + count.unreadable;
		ret->types[ret->n_types++] = (struct detect_type_status){ .name = stream_type_name(type), .delivered = count.delivered,
									  .lost = count.kernel.lost + count.unreadable,
									  .filtered = count.kernel.filtered };
	}
}
