// SPDX-License-Identifier: Apache-2.0
/*
 * Verdicts of the enforcer for a recording: the daemon's lines as they come, where one runs. Contracts: record.h.
 *
 * The ring of verdicts is the daemon's alone, so that they come a little later than what the kernel tells us: what it told until
 * then is written first.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/detect_frames.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"
#include "tools/holdfast/record.h"

#define TIMEOUT_MS 2000

struct record_drift {
	const struct cli *cli;
	struct wire_message message;
	int sock;
	uint64_t lost; /* verdicts that the daemon says it could not tell */
};

int record_drift_new(const struct cli *cli, struct record_drift **ret)
{
	static const char request[] = "{\"follow\":true,\"last\":0}";
	struct record_drift *drift = calloc(1, sizeof(*drift));
	int err;

	if (!drift)
		return -ENOMEM;
	drift->cli = cli;
	drift->sock = wire_connect(cli->socket, TIMEOUT_MS);
	err = drift->sock < 0 ? drift->sock : wire_send(drift->sock, WIRE_EVENTS, 0, 0, request, strlen(request), NULL, 0);
	if (err)
		cli_error(cli, "verdicts of drift are not recorded: holdfastd does not answer on %s: %s", cli->socket, strerror(-err));
	if (err)
		close_fd(&drift->sock);
	*ret = drift;
	return 0;
}

void record_drift_free(struct record_drift **drift)
{
	if (!*drift)
		return;
	close_fd(&(*drift)->sock);
	free(*drift);
	*drift = NULL;
}

int record_drift_fd(const struct record_drift *drift)
{
	return drift->sock;
}

uint64_t record_drift_lost(const struct record_drift *drift)
{
	return drift->lost;
}

static const char *text_or_null(struct json_object *o, const char *key)
{
	const char *text = cli_json_text(o, key);

	return text[0] ? text : NULL;
}

static uint64_t read_time(const char *text)
{
	const char *dot = strchr(text, '.');
	uint64_t part = 0, scale = NSEC_PER_SEC / 10;
	time_t seconds;

	if (cli_time_parse(text, &seconds) < 0 || seconds < 0)
		return clock_ns(CLOCK_REALTIME);
	for (const char *at = dot ? dot + 1 : ""; *at >= '0' && *at <= '9'; at++, scale /= 10)
		part += (uint64_t)(*at - '0') * scale;
	return (uint64_t)seconds * NSEC_PER_SEC + part;
}

static void read_process(struct json_object *process, struct hf_event *record)
{
	const char *comm = cli_json_text(process, "comm");

	record->pid = (uint32_t)cli_json_number(process, "pid");
	record->tid = (uint32_t)cli_json_number(process, "tid");
	record->ppid = (uint32_t)cli_json_number(process, "ppid");
	record->uid = (uint32_t)cli_json_number(process, "uid");
	record->gid = (uint32_t)cli_json_number(process, "gid");
	memcpy(record->comm, comm, strnlen(comm, sizeof(record->comm) - 1));
}

/* A namespaced policy's name has its namespace before it here. */
static const char *policy_name(struct json_object *line)
{
	const char *policy = text_or_null(line, "policy"), *slash = policy ? strrchr(policy, '/') : NULL;

	return slash ? slash + 1 : policy;
}

static void read_words(struct json_object *line, struct detect_frames_drift *ret)
{
	struct detect_drift *drift = &ret->drift;

	drift->path = text_or_null(cli_json_get(line, "file"), "path");
	drift->exe = text_or_null(cli_json_get(line, "process"), "exe");
	drift->policy = policy_name(line);
	drift->severity = drift->policy ? text_or_null(line, "severity") : NULL;
	drift->reason = text_or_null(line, "reason");
	drift->detail = text_or_null(line, "detail");
	drift->verdict = text_or_null(line, "action");
	drift->operation = text_or_null(line, "operation");
	drift->class_ = text_or_null(line, "class");
	ret->record.flags = (json_object_get_boolean(cli_json_get(line, "paused")) ? HF_EVENT_PAUSED : 0) |
			    (json_object_get_boolean(cli_json_get(line, "existing")) ? HF_EVENT_EXISTING : 0);
}

static int put_line(struct record_drift *drift, struct json_object *line, struct stream_writer *writer)
{
	struct json_object *container = cli_json_get(line, "container");
	struct detect_frames_drift told = {
		.time_ns = read_time(cli_json_text(line, "time")),
		.container = { .id = text_or_null(container, "id"), .name = text_or_null(container, "name"),
			       .image = text_or_null(container, "image"), .namespace_ = text_or_null(container, "namespace"),
			       .pod = text_or_null(container, "pod"), .privileged = -1 },
	};
	int err;

	if (!strcmp(cli_json_text(line, "type"), "lost"))
		drift->lost += (uint64_t)cli_json_number(line, "count");
	if (strcmp(cli_json_text(line, "type"), "drift") != 0)
		return 0;
	read_process(cli_json_get(line, "process"), &told.record);
	read_words(line, &told);
	err = detect_frames_put_drift(writer, &told);
	return err ? err : 1;
}

int record_drift_take(struct record_drift *drift, struct stream_writer *writer)
{
	int r = wire_receive(drift->sock, &drift->message);
	struct json_object *line;

	if (r < 0 || drift->message.header.type != WIRE_EVENT) {
		cli_error(drift->cli, "from here on verdicts of drift are missing: holdfastd has ended the connection");
		close_fd(&drift->sock);
		drift->lost++; /* nobody knows how many */
		return 0;
	}
	line = json_tokener_parse(drift->message.payload);
	r = line ? put_line(drift, line, writer) : 0;
	drift->lost += !line;
	json_object_put(line);
	wire_message_release(&drift->message);
	return r;
}
