// SPDX-License-Identifier: Apache-2.0
/* Recordings tried again. Contracts: detect_replay.h. */
#include "enforcer/detect_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/detect_fields.h"
#include "enforcer/detect_frames.h"
#include "enforcer/detect_names.h"
#include "enforcer/detect_stand_in.h"
#include "enforcer/util.h"

struct named {
	struct detect_frames_names whose;
	struct detect_names *names;
};

struct detect_replay {
	struct detect_rules *rules;
	struct process_tree *tree;
	struct detect_containers *containers;
	struct named named[DETECT_REPLAY_NAMES_MAX]; /* the first is the host's */
	size_t n_named;
	bool tied; /* parents of the recorded processes */
	int64_t boot_to_real_ns;
	char hostname[sizeof(((struct stream_record_header *)0)->hostname) + 1];
	uint64_t events;
};

/* One frame's. */
struct replayed {
	const struct detect_event *event;
	detect_replay_fn fn;
	void *data;
};

int detect_replay_new(struct detect_rules *rules, const struct stream_record_header *header, struct detect_replay **ret)
{
	_cleanup_(detect_replay_free) struct detect_replay *replay = calloc(1, sizeof(*replay));
	int err;

	if (!replay)
		return -ENOMEM;
	replay->rules = rules;
	replay->boot_to_real_ns = header->boot_to_real_ns;
	memcpy(replay->hostname, header->hostname, sizeof(header->hostname));
	err = process_tree_new(PROCESS_TREE_MAX, NULL, NULL, &replay->tree);
	if (!err)
		err = detect_containers_new(NULL, NULL, &replay->containers);
	if (err)
		return err;
	*ret = TAKE_PTR(replay);
	return 0;
}

void detect_replay_free(struct detect_replay **replay)
{
	struct detect_replay *gone = *replay;

	if (!gone)
		return;
	for (size_t i = 0; i < gone->n_named; i++)
		detect_names_free(&gone->named[i].names);
	detect_containers_free(&gone->containers);
	process_tree_free(&gone->tree);
	free(gone);
	*replay = NULL;
}

const char *detect_replay_hostname(const struct detect_replay *replay)
{
	return replay->hostname;
}

uint64_t detect_replay_events(const struct detect_replay *replay)
{
	return replay->events;
}

static const struct detect_names *find_names(const struct detect_replay *replay, uint64_t kernel_id, uint64_t cgroup)
{
	for (size_t i = 0; i < replay->n_named; i++) {
		const struct detect_frames_names *whose = &replay->named[i].whose;

		if (whose->kernel_id == kernel_id && (kernel_id || whose->cgroup == cgroup))
			return replay->named[i].names;
	}
	return NULL;
}

static int take_names(struct detect_replay *replay, const struct stream_item *item)
{
	struct named *named = &replay->named[replay->n_named];
	int err;

	if (replay->n_named == DETECT_REPLAY_NAMES_MAX)
		return 0;
	err = detect_frames_take_names(item->bytes, item->n_bytes, &named->whose, &named->names);
	replay->n_named += !err;
	return err;
}

static void on_match(const struct rule *rule, struct rule_facts *facts, void *data)
{
	const struct replayed *replayed = data;

	replayed->fn(rule, facts, replayed->event, replayed->data);
}

static void take_event(struct detect_replay *replay, const struct stream_event *stream, detect_replay_fn fn, void *data)
{
	struct detect_event event = { .number = ++replay->events, .boot_to_real_ns = replay->boot_to_real_ns, .stream = stream };
	struct replayed replayed = { .event = &event, .fn = fn, .data = data };
	const struct hf_detect_head *head = stream->head;
	struct detect_containers_key key = { .kernel_id = head->container, .cgroup = head->cgroup, .host = head->flags & HF_DETECT_HOST };

	if (!replay->tied)
		process_tree_tie(replay->tree);
	replay->tied = true;
	event.process = process_tree_apply(replay->tree, stream);
	event.type = detect_type_of(stream->type);
	if (!detect_rules_need(replay->rules, event.type))
		return;
	event.time_ns = head->time_ns + (uint64_t)replay->boot_to_real_ns;
	event.container = detect_containers_find(replay->containers, &key);
	event.host_names = find_names(replay, 0, 0);
	event.names = key.host ? event.host_names : find_names(replay, key.kernel_id, key.cgroup);
	detect_rules_run(replay->rules, &event, on_match, &replayed);
}

/* What the recording says of the process's cgroup, which is more than the verdict does, if it is the same container. */
static const struct detect_container *find_container(struct detect_replay *replay, const struct process *process,
						     const struct detect_container *told)
{
	struct detect_containers_key key = { .kernel_id = process->container, .cgroup = process->cgroup, .host = process->host };
	const struct detect_container *found = detect_containers_find(replay->containers, &key);

	return !told->id || (found->id && !strcmp(found->id, told->id)) ? found : told;
}

static int take_drift(struct detect_replay *replay, const struct stream_item *item, detect_replay_fn fn, void *data)
{
	struct detect_event event = { .number = ++replay->events, .boot_to_real_ns = replay->boot_to_real_ns };
	struct replayed replayed = { .event = &event, .fn = fn, .data = data };
	struct detect_stand_in stand_in = { 0 };
	struct detect_frames_drift told;
	int err = detect_frames_take_drift(item->bytes, item->n_bytes, &told);

	event.type = detect_type_of_drift();
	if (err || !detect_rules_need(replay->rules, event.type))
		return err;
	if (!replay->tied)
		process_tree_tie(replay->tree);
	replay->tied = true;
	detect_stand_in_make(&told.record, told.drift.exe, told.drift.exe_len, &stand_in);
	event.process = process_tree_find(replay->tree, told.record.pid);
	if (!event.process)
		event.process = &stand_in.process;
	told.drift.record = &told.record;
	event.drift = &told.drift;
	event.time_ns = told.time_ns;
	event.container = find_container(replay, event.process, &told.container);
	event.host_names = find_names(replay, 0, 0);
	event.names = event.process->host ? event.host_names : find_names(replay, event.process->container, event.process->cgroup);
	detect_rules_run(replay->rules, &event, on_match, &replayed);
	detect_stand_in_release(&stand_in);
	return 0;
}

int detect_replay_item(struct detect_replay *replay, const struct stream_item *item, detect_replay_fn fn, void *data)
{
	int err;

	switch (item->kind) {
	case STREAM_FRAME_PROCESS:
		err = process_tree_add(replay->tree, &item->process);
		return err == -EEXIST || err == -ENOSPC ? 0 : err;
	case STREAM_FRAME_CONTAINER:
		return detect_frames_take_container(item->bytes, item->n_bytes, replay->containers);
	case STREAM_FRAME_USERS:
		return take_names(replay, item);
	case STREAM_FRAME_EVENT:
		take_event(replay, &item->event, fn, data);
		return 0;
	case STREAM_FRAME_DRIFT:
		return take_drift(replay, item, fn, data);
	default:
		return 0;
	}
}
