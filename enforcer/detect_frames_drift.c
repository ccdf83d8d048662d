// SPDX-License-Identifier: Apache-2.0
/*
 * Verdicts of the enforcer in recordings. Contracts: detect_frames.h.
 *
 * I1: lengths that a file gives are checked against what is there before anything is read by them.
 */
#include "enforcer/detect_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/event_json.h"
#include "enforcer/util.h"

#define TEXTS 14
/* Of the longest frame: two paths, and names as long as the daemon's lines have them. */
#define DRIFT_BYTES_MAX (4 * HF_PATH_BYTES + TEXTS * 1024)

struct drift_frame {
	uint64_t time_ns;
	uint32_t pid, tid, ppid, uid, gid, flags;
	uint32_t present; /* bit n: text n is there */
	uint32_t verdict;
	char comm[HF_COMM_BYTES];
};

/* In the order in which they stand in the frame. */
static void list_texts(struct detect_frames_drift *drift, const char **texts[TEXTS])
{
	struct detect_drift *d = &drift->drift;
	struct detect_container *c = &drift->container;
	const char **all[TEXTS] = { &d->path, &d->exe, &d->policy, &d->severity, &d->reason, &d->detail, &d->verdict, &d->operation,
				    &d->class_, &c->id, &c->name, &c->image, &c->namespace_, &c->pod };

	memcpy(texts, all, sizeof(all));
}

static enum hf_verdict find_verdict(const char *word)
{
	for (enum hf_verdict verdict = 0; word && verdict < _HF_VERDICT_MAX; verdict++) {
		if (!strcmp(word, event_verdict_name(verdict)))
			return verdict;
	}
	return HF_VERDICT_ALLOW;
}

int detect_frames_put_drift(struct stream_writer *writer, const struct detect_frames_drift *drift)
{
	const struct hf_event *record = &drift->record;
	struct detect_frames_drift copy = *drift;
	struct drift_frame frame = { .time_ns = drift->time_ns, .pid = record->pid, .tid = record->tid, .ppid = record->ppid,
				     .uid = record->uid, .gid = record->gid, .flags = record->flags,
				     .verdict = (uint32_t)find_verdict(drift->drift.verdict) };
	_cleanup_(free_ptr) char *bytes = malloc(DRIFT_BYTES_MAX);
	const char **texts[TEXTS];
	size_t n = sizeof(frame);

	if (!bytes)
		return -ENOMEM;
	memcpy(frame.comm, record->comm, sizeof(frame.comm));
	list_texts(&copy, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		size_t len = *texts[i] ? strlen(*texts[i]) + 1 : 0;

		if (len > DRIFT_BYTES_MAX - n)
			return -EMSGSIZE;
		frame.present |= len ? 1u << i : 0;
		if (len)
			memcpy(bytes + n, *texts[i], len);
		n += len;
	}
	memcpy(bytes, &frame, sizeof(frame));
	return stream_writer_put(writer, STREAM_FRAME_DRIFT, bytes, n);
}

/* I1 */
int detect_frames_take_drift(const void *bytes, size_t n, struct detect_frames_drift *ret)
{
	const char *at = (const char *)bytes + sizeof(struct drift_frame), *end = (const char *)bytes + n;
	struct detect_frames_drift drift = { .container.privileged = -1 };
	struct drift_frame frame;
	const char **texts[TEXTS];

	if (n < sizeof(frame))
		return -EBADMSG;
	memcpy(&frame, bytes, sizeof(frame));
	if (frame.verdict >= _HF_VERDICT_MAX)
		return -EBADMSG;
	list_texts(&drift, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

		if (!(frame.present & 1u << i))
			continue;
		if (!nul)
			return -EBADMSG;
		*texts[i] = at;
		at = nul + 1;
	}
	drift.time_ns = frame.time_ns;
	drift.record = (struct hf_event){ .pid = frame.pid, .tid = frame.tid, .ppid = frame.ppid, .uid = frame.uid, .gid = frame.gid,
					  .flags = frame.flags, .verdict = frame.verdict };
	memcpy(drift.record.comm, frame.comm, sizeof(frame.comm) - 1);
	drift.drift.path_len = drift.drift.path ? strlen(drift.drift.path) : 0;
	drift.drift.exe_len = drift.drift.exe ? strlen(drift.drift.exe) : 0;
	*ret = drift;
	return 0;
}
