/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where event lines go: standard output, a file, the memory of the last lines, and whoever follows.
 *
 * Owns: the sinks and their state. Must not know: what a line says. Main thread only. Nothing here blocks: a sink that
 * fails keeps a bounded spool, counts what it drops, is tried again by itself and says so once.
 */
#ifndef ENFORCER_EVENT_LOG_H
#define ENFORCER_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi.h"

struct event_log;
struct event_subscription;
struct loop;

/* Lines kept in memory for `holdfast events`, and the bytes that they may take together. */
#define EVENT_LOG_LINES 1024
#define EVENT_LOG_BYTES (4 << 20)

struct event_log_options {
	int stdout_fd;	       /* borrowed; -1: none */
	const char *file;      /* NULL: none */
	uint64_t file_max_bytes; /* renamed to FILE.1 beyond this; 0 never */
};

/* By number of struct hf_event_notes.out. */
enum event_output {
	EVENT_OUTPUT_STDOUT,
	EVENT_OUTPUT_FILE,
	_EVENT_OUTPUT_MAX
};

struct event_output_stats {
	bool used, failing;
	uint64_t missing; /* lines that it did not take, told there or not */
	uint64_t waiting; /* bytes in memory that it has not taken yet */
};

struct event_log_stats {
	uint64_t lines;	  /* appended since the start */
	uint64_t dropped; /* by all sinks together */
	struct event_output_stats outputs[_EVENT_OUTPUT_MAX];
};

/**
 * event_log_new - open the sinks
 * @loop: (borrowed) for retries; outlives the log
 * @options: (borrowed) strings are copied
 * @ret: (output) to be given to event_log_free(); untouched on failure
 *
 * Ignores SIGPIPE and SIGXFSZ for the process. A file that cannot be opened now is an error, since a typing mistake should not
 * pass; but for a disk that is full, read-only or broken, which is tried again.
 * Return: 0; -ENOMEM; -errno of opening the file (-ELOOP: it is a symbolic link; -EINVAL: not a regular file).
 */
int event_log_new(struct loop *loop, const struct event_log_options *options, struct event_log **ret);
/* Tries once more to write what is spooled, then frees. NULL-safe, sets *log to NULL. */
void event_log_free(struct event_log **log);

/* Takes one line without its newline, at most EVENT_JSON_BYTES_MAX bytes, no newline inside. Never fails: what a sink
 * cannot take now is spooled, what does not fit into the spool is counted and told when the sink works again. */
void event_log_append(struct event_log *log, const char *line, size_t bytes);

/* A line that is no event to standard output alone, between whole lines. False: it was not taken, or there is none. */
bool event_log_write_aside(struct event_log *log, const char *line, size_t bytes);

/* Counts in notes (borrowed, outlive the log) from now on: what earlier daemons could not write is told to each output then. */
void event_log_keep_notes(struct event_log *log, struct hf_event_notes *notes);

/* Before the notes go: tries once more to write what waits. What an output does not take even then, the notes say is missing. */
void event_log_leave_notes(struct event_log *log);

/* Opens the file anew, after it was moved away by somebody else (logrotate and SIGHUP). On failure the old one stays:
 * -errno. 0 when there is no file. */
int event_log_reopen(struct event_log *log);

/* The remembered lines by number: numbers rise by one and are never reused. The oldest one remembered and the next to
 * come; equal when there is none. */
uint64_t event_log_first(const struct event_log *log);
uint64_t event_log_next(const struct event_log *log);
/* Line number `number`, NUL-terminated, borrowed until the next append; NULL when it is not remembered. */
const char *event_log_line(const struct event_log *log, uint64_t number, size_t *ret_bytes);

/* Calls fn after each append, when event_log_line() already has it. fn may unsubscribe. -ENOMEM. */
typedef void (*event_log_fn)(void *data);
int event_log_subscribe(struct event_log *log, event_log_fn fn, void *data, struct event_subscription **ret);
void event_log_unsubscribe(struct event_subscription **subscription);

void event_log_get_stats(const struct event_log *log, struct event_log_stats *ret);

#endif
