// SPDX-License-Identifier: Apache-2.0
/*
 * The queue of events and their questions. Contracts: event_queue.h.
 *
 * I1: a line is made when its record is first looked at, because the container may be gone when the digest arrives.
 * I2: a question outlives its event: it belongs to itself, and to the event only while that one is in the queue.
 * I3: each question is answered exactly once (digests.h), so that it is freed there and nowhere else.
 */
#include "enforcer/event_queue.h"

#include <stdlib.h>
#include <string.h>

#include "enforcer/container.h"
#include "enforcer/util.h"
#include "imagedb/imagedb.h"

struct question {
	struct event_queue *queue;
	struct item *item; /* NULL: told already */
	char *late;	   /* then the open line for the answer; NULL: no memory for it, or the daemon ends */
	struct event_line line;
};

struct item {
	struct event_queue_record record;
	struct event_context context; /* without what is borrowed */
	pid_t init;
	char *container_id;
	char *text; /* NULL: nothing to tell */
	struct event_line line;
	int error;
	uint64_t until_ns;
	struct question *question; /* asked, not answered */
	bool unasked;		   /* too many were waiting: later */
	const char *missing;
	bool has_digest;
	struct imagedb_digest digest;
};

struct event_queue {
	struct event_queue_options options;
	struct item items[EVENT_QUEUE_LENGTH];
	size_t first, n;
	size_t bytes;
	uint64_t told;
	struct json json;
	char filled[EVENT_JSON_BYTES_MAX + 1];
};

int event_queue_new(const struct event_queue_options *options, struct event_queue **ret)
{
	struct event_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	queue->options = *options;
	json_init(&queue->json, EVENT_JSON_OPEN_BYTES_MAX);
	*ret = queue;
	return 0;
}

static void release_item(struct item *item)
{
	free(item->text);
	free(item->container_id);
	*item = (struct item){ 0 };
}

void event_queue_free(struct event_queue **queue)
{
	struct event_queue *gone = *queue;

	if (!gone)
		return;
	for (size_t i = 0; i < gone->n; i++)
		release_item(&gone->items[(gone->first + i) % EVENT_QUEUE_LENGTH]);
	json_release(&gone->json);
	free(gone);
	*queue = NULL;
}

bool event_queue_is_empty(const struct event_queue *queue)
{
	return queue->n == 0;
}

bool event_queue_is_full(const struct event_queue *queue)
{
	return queue->n == EVENT_QUEUE_LENGTH || (queue->n > 0 && queue->bytes > EVENT_QUEUE_BYTES - EVENT_JSON_BYTES_MAX);
}

uint64_t event_queue_told(const struct event_queue *queue)
{
	return queue->told;
}

static const char *name_error(int err)
{
	switch (-err) {
	case ENOENT:
	case ESRCH:
		return "gone";
	case ESTALE:
		return "changed";
	case EFBIG:
		return "too-large";
	case EBUSY:
		return "flood";
	case ETIMEDOUT:
	case ECANCELED:
		return "timeout";
	default:
		return "unreadable";
	}
}

/* Puts an answer where the event is rendered from. A digest of another length is not of that file. */
static void take_answer(struct item *item, int err, const struct imagedb_digest *digest)
{
	if (!err && digest->size != item->record.record->file_bytes)
		err = -ESTALE;
	item->has_digest = !err;
	if (err)
		item->missing = name_error(err);
	else
		item->digest = *digest;
}

static void tell_late(struct question *question, const struct imagedb_digest *digest)
{
	struct event_queue *queue = question->queue;
	struct event_digest filled = { .digest = digest };
	size_t n;

	n = event_json_fill(&question->line, &filled, queue->filled);
	queue->options.on_late(queue->filled, n, queue->options.data);
}

static void on_done(int err, const struct imagedb_digest *digest, void *data)
{
	struct question *question = data;
	struct event_queue *queue = question->queue;
	struct item *item = question->item;

	if (item) {
		item->question = NULL;
		take_answer(item, err, digest);
	} else if (!err && question->late) {
		tell_late(question, digest);
	}
	free(question->late);
	free(question);
	if (item)
		queue->options.on_answer(queue->options.data);
}

static const char *why_no_question(const struct event_queue *queue, const struct hf_event *record)
{
	if (event_is_access(record))
		return "not-code";
	if (record->reason == HF_REASON_MEMFD || record->flags & HF_EVENT_MEMFD || record->path_bytes == 0)
		return "no-file";
	if (record->flags & HF_EVENT_DELETED)
		return "gone";
	if (record->flags & HF_EVENT_WRITABLE)
		return "written-to";
	if (record->flags & (HF_EVENT_PATH_CUT | HF_EVENT_NO_PATH) || !queue->options.ask)
		return "unreadable";
	return NULL;
}

static int call_ask(struct event_queue *queue, struct item *item, struct question *question)
{
	const struct hf_event *record = item->record.record;
	char path[HF_PATH_BYTES + 1];
	struct digest_request request = {
		.pid = (pid_t)record->pid, .container = record->container, .init = item->init, .path = path,
		.path_len = event_json_path(record, path), .ino = record->ino, .dev = record->dev,
		.generation = record->generation, .size = record->file_bytes, .ctime_ns = record->ctime_ns,
	};
	struct imagedb_digest digest;
	int err = queue->options.ask(queue->options.digests, &request, on_done, question, &digest);

	if (err != -EINPROGRESS && err != -EBUSY)
		take_answer(item, err, &digest);
	return err;
}

/* -EBUSY is no answer yet: it is asked again while the event waits. */
static void ask(struct event_queue *queue, struct item *item)
{
	struct question *question;
	int err;

	item->unasked = false;
	item->missing = why_no_question(queue, item->record.record);
	if (item->missing)
		return;
	question = calloc(1, sizeof(*question));
	if (!question) {
		item->missing = "unreadable";
		return;
	}
	*question = (struct question){ .queue = queue, .item = item };
	err = call_ask(queue, item, question);
	item->unasked = err == -EBUSY;
	if (err == -EINPROGRESS)
		item->question = question;
	else
		free(question);
}

/* Those that nobody had time for; in their order, so the first refusal ends it. */
static void ask_again(struct event_queue *queue)
{
	for (size_t i = 0; i < queue->n; i++) {
		struct item *item = &queue->items[(queue->first + i) % EVENT_QUEUE_LENGTH];

		if (!item->unasked)
			continue;
		ask(queue, item);
		if (item->unasked)
			return;
	}
}

/* I1 */
static int render(struct event_queue *queue, struct item *item, const struct event_context *context)
{
	const struct container *container = context->container;
	struct event_line line;
	int err = event_json_drift(&queue->json, item->record.record, item->record.bytes, context, &line);

	if (err == -EPROTO) {
		item->error = err;
		return 0;
	}
	if (err < 0)
		return err;
	item->text = strndup(line.text, line.bytes);
	if (container && container->facts.id)
		item->container_id = strdup(container->facts.id);
	if (!item->text || (container && container->facts.id && !item->container_id))
		return -ENOMEM;
	item->line = (struct event_line){ .text = item->text, .bytes = line.bytes, .hole = line.hole };
	item->init = container ? container->pid : 0;
	item->context = *context;
	item->context.container = NULL;
	item->context.policy = NULL;
	return 0;
}

int event_queue_add(struct event_queue *queue, const struct event_queue_record *record, uint64_t now_ns)
{
	struct item *item = &queue->items[(queue->first + queue->n) % EVENT_QUEUE_LENGTH];
	int err = 0;

	*item = (struct item){ .record = *record, .until_ns = now_ns + queue->options.wait_ns };
	if (record->context)
		err = render(queue, item, record->context);
	item->record.context = NULL;
	if (err < 0) {
		release_item(item);
		return err;
	}
	queue->n++;
	queue->bytes += item->line.bytes;
	queue->told += item->text != NULL;
	if (item->text)
		ask(queue, item);
	return 0;
}

bool event_queue_head(struct event_queue *queue, uint64_t now_ns, bool hurry, struct event_queue_head *ret)
{
	struct item *item = &queue->items[queue->first];
	struct event_digest filled;

	if (queue->n == 0)
		return false;
	*ret = (struct event_queue_head){ .next = item->record.next, .error = item->error };
	if (!item->text)
		return true;
	ask_again(queue);
	filled = (struct event_digest){ .digest = item->has_digest ? &item->digest : NULL, .missing = item->missing };
	if (item->question || item->unasked) {
		if (!hurry && now_ns < item->until_ns)
			return false;
		filled.missing = hurry || item->unasked ? "flood" : "timeout";
	}
	ret->bytes = event_json_fill(&item->line, &filled, queue->filled);
	ret->line = queue->filled;
	return true;
}

/* The event goes, its question stays (I2). Without memory for the line the answer will not be told. */
static void part_from_question(struct event_queue *queue, struct item *item)
{
	struct question *question = item->question;
	struct event_line line;

	question->item = NULL;
	if (event_json_digest(&queue->json, item->record.record, item->container_id, &item->context, &line) < 0)
		return;
	question->late = strndup(line.text, line.bytes);
	question->line = (struct event_line){ .text = question->late, .bytes = line.bytes, .hole = line.hole };
}

void event_queue_remove(struct event_queue *queue)
{
	struct item *item = &queue->items[queue->first];

	if (item->question)
		part_from_question(queue, item);
	queue->bytes -= item->line.bytes;
	queue->told -= item->text != NULL;
	release_item(item);
	queue->first = (queue->first + 1) % EVENT_QUEUE_LENGTH;
	queue->n--;
}
