// SPDX-License-Identifier: Apache-2.0
/*
 * The event log: the last lines in memory, the sinks, the followers.
 *
 * Owns: the ring of lines and the subscriptions. Must not know: what lines say. Contracts: event_log.h.
 *
 * I1: a line is remembered before subscribers are called, and subscribers may leave while they are called.
 * I2: a line is counted once all outputs have it. Of a daemon killed before that, some may have accepted one more than were
 *     counted: that one is told again by its successor, or was of no event.
 */
#include "enforcer/event_log.h"

#include <signal.h>
#include <string.h>

#include "enforcer/event_sink.h"
#include "enforcer/util.h"

struct event_subscription {
	struct event_log *log;
	struct event_subscription *next;
	event_log_fn fn; /* NULL: left during a notification, freed after it */
	void *data;
};

struct remembered {
	char *text;
	size_t bytes;
};

struct event_log {
	struct event_sink *sinks[HF_EVENT_OUTPUTS]; /* NULL: not wanted */
	struct remembered lines[EVENT_LOG_LINES]; /* by number modulo their count */
	uint64_t first, next;
	size_t bytes;
	uint64_t appended;
	struct hf_event_notes own, *notes;
	struct event_subscription *subscriptions;
	bool notifying;
};

_Static_assert(_EVENT_OUTPUT_MAX == HF_EVENT_OUTPUTS, "a note for each");

static void store(__u64 *note, uint64_t value)
{
	__atomic_store_n(note, value, __ATOMIC_RELEASE);
}

static void forget_oldest(struct event_log *log)
{
	struct remembered *line = &log->lines[log->first++ % EVENT_LOG_LINES];

	log->bytes -= line->bytes;
	free(line->text);
	*line = (struct remembered){ 0 };
}

/* Without memory for it, a line is only written to the sinks. */
static void remember_line(struct event_log *log, const char *line, size_t bytes)
{
	char *text = strndup(line, bytes);

	if (!text)
		return;
	while (log->first < log->next &&
	       (log->next - log->first == EVENT_LOG_LINES || log->bytes + bytes > EVENT_LOG_BYTES))
		forget_oldest(log);
	log->lines[log->next++ % EVENT_LOG_LINES] = (struct remembered){ .text = text, .bytes = bytes };
	log->bytes += bytes;
}

static int open_sinks(struct event_log *log, struct loop *loop, const struct event_log_options *options)
{
	int err = 0;

	if (options->stdout_fd >= 0)
		err = event_sink_new_stream(loop, options->stdout_fd, &log->sinks[EVENT_OUTPUT_STDOUT]);
	if (err == 0 && options->file)
		err = event_sink_new_file(loop, options->file, options->file_max_bytes,
					  &log->sinks[EVENT_OUTPUT_FILE]);
	return err;
}

int event_log_new(struct loop *loop, const struct event_log_options *options, struct event_log **ret)
{
	_cleanup_(event_log_free) struct event_log *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	log->notes = &log->own;
	/* A reader that goes away, or a limit that is reached, is an error of one write, not the end of the daemon. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -errno;
	err = open_sinks(log, loop, options);
	if (err < 0)
		return err;
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++)
		if (log->sinks[i])
			event_sink_keep_note(log->sinks[i], &log->own.out[i], 0, 0);
	*ret = TAKE_PTR(log);
	return 0;
}

void event_log_free(struct event_log **log)
{
	struct event_log *gone = *log;

	if (!gone)
		return;
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++)
		event_sink_free(&gone->sinks[i]);
	while (gone->first < gone->next)
		forget_oldest(gone);
	while (gone->subscriptions) {
		struct event_subscription *subscription = gone->subscriptions;

		gone->subscriptions = subscription->next;
		free(subscription);
	}
	free(gone);
	*log = NULL;
}

static void remove_left(struct event_log *log)
{
	struct event_subscription **at = &log->subscriptions;

	while (*at) {
		struct event_subscription *subscription = *at;

		if (subscription->fn) {
			at = &subscription->next;
			continue;
		}
		*at = subscription->next;
		free(subscription);
	}
}

static void notify(struct event_log *log)
{
	log->notifying = true;
	for (struct event_subscription *s = log->subscriptions; s; s = s->next)
		if (s->fn)
			s->fn(s->data);
	log->notifying = false;
	remove_left(log);
}

/* I2: what an earlier daemon handed to an output, and that one had not accepted when it died. */
static uint64_t count_missing(const struct hf_event_notes *notes, size_t i)
{
	return notes->lines > notes->out[i] ? notes->lines - notes->out[i] : 0;
}

void event_log_keep_notes(struct event_log *log, struct hf_event_notes *notes)
{
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++) {
		uint64_t missing = log->sinks[i] ? count_missing(notes, i) : 0;
		uint64_t value = notes->lines - missing + log->own.out[i];

		if (log->sinks[i])
			event_sink_keep_note(log->sinks[i], &notes->out[i], value, missing);
		else
			store(&notes->out[i], value);
	}
	store(&notes->lines, notes->lines + log->own.lines);
	log->notes = notes;
}

void event_log_leave_notes(struct event_log *log)
{
	if (log->notes == &log->own)
		return;
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++)
		if (log->sinks[i])
			event_sink_leave_note(log->sinks[i]);
	log->own = *log->notes;
	log->notes = &log->own;
}

void event_log_append(struct event_log *log, const char *line, size_t bytes)
{
	log->appended++;
	remember_line(log, line, bytes);
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++) {
		if (log->sinks[i])
			event_sink_write(log->sinks[i], line, bytes);
		else
			store(&log->notes->out[i], log->notes->lines + 1);
	}
	store(&log->notes->lines, log->notes->lines + 1); /* I2 */
	if (!log->notifying)
		notify(log);
}

bool event_log_write_aside(struct event_log *log, const char *line, size_t bytes)
{
	struct event_sink *sink = log->sinks[EVENT_OUTPUT_STDOUT];

	return sink && event_sink_write_aside(sink, line, bytes);
}

int event_log_reopen(struct event_log *log)
{
	return log->sinks[EVENT_OUTPUT_FILE] ? event_sink_reopen(log->sinks[EVENT_OUTPUT_FILE]) : 0;
}

uint64_t event_log_first(const struct event_log *log)
{
	return log->first;
}

uint64_t event_log_next(const struct event_log *log)
{
	return log->next;
}

const char *event_log_line(const struct event_log *log, uint64_t number, size_t *ret_bytes)
{
	const struct remembered *line = &log->lines[number % EVENT_LOG_LINES];

	if (number < log->first || number >= log->next)
		return NULL;
	*ret_bytes = line->bytes;
	return line->text;
}

int event_log_subscribe(struct event_log *log, event_log_fn fn, void *data, struct event_subscription **ret)
{
	struct event_subscription *subscription = calloc(1, sizeof(*subscription));

	if (!subscription)
		return -ENOMEM;
	*subscription = (struct event_subscription){ .log = log, .next = log->subscriptions, .fn = fn, .data = data };
	log->subscriptions = subscription;
	*ret = subscription;
	return 0;
}

void event_log_unsubscribe(struct event_subscription **subscription)
{
	struct event_subscription *gone = *subscription;

	if (!gone)
		return;
	*subscription = NULL;
	gone->fn = NULL;
	if (!gone->log->notifying)
		remove_left(gone->log);
}

void event_log_get_stats(const struct event_log *log, struct event_log_stats *ret)
{
	*ret = (struct event_log_stats){ .lines = log->appended };
	for (size_t i = 0; i < HF_EVENT_OUTPUTS; i++) {
		if (!log->sinks[i])
			continue;
		ret->dropped += event_sink_dropped(log->sinks[i]);
		ret->outputs[i] = (struct event_output_stats){
			.used = true,
			.failing = event_sink_is_failing(log->sinks[i]),
			.missing = event_sink_dropped(log->sinks[i]),
			.waiting = event_sink_waiting(log->sinks[i]),
		};
	}
}
