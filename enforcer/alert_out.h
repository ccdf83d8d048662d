/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts of detection rules go: standard output, a file, syslog.
 *
 * Owns: the channels and what each did not take. Must not know: rules, what a line says. Main thread only. Nothing blocks: what a
 * channel cannot take now waits in bounded memory (syslog: in its socket), what finds no room there is dropped and counted.
 */
#ifndef ENFORCER_ALERT_OUT_H
#define ENFORCER_ALERT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alert_out;
struct event_log;
struct loop;

#define ALERT_SYSLOG_PATH "/dev/log"
/* Of a line that goes to syslog; journald's own default is 48 KiB, others take less. */
#define ALERT_SYSLOG_BYTES_MAX 8192

enum alert_channel { ALERT_CHANNEL_STDOUT, ALERT_CHANNEL_FILE, ALERT_CHANNEL_SYSLOG, _ALERT_CHANNEL_MAX };

struct alert_out_options {
	struct event_log *stdout_of; /* (borrowed) alerts go between its lines; NULL: not to standard output */
	const char *file;	     /* NULL: none */
	uint64_t file_max_bytes;     /* renamed to FILE.1 beyond this; 0 never */
	const char *syslog;	     /* path of its socket; NULL: none */
};

struct alert_channel_stats {
	bool used, failing;
	uint64_t written, dropped;
};

/* Starts the file's thread. 0; -errno of opening the file (a mistake in its path; a full disk is tried again). */
int alert_out_new(struct loop *loop, const struct alert_out_options *options, struct alert_out **ret);
/* Tries once more to write what waits. NULL-safe, sets *out to NULL. */
void alert_out_free(struct alert_out **out);

/* One line without its newline. priority: as syslog counts. */
void alert_out_line(struct alert_out *out, int priority, const char *line, size_t bytes);

/* Opens the file anew, after somebody moved it. 0 or -errno; the old one stays then. */
int alert_out_reopen(struct alert_out *out);

void alert_out_get_stats(const struct alert_out *out, struct alert_channel_stats ret[_ALERT_CHANNEL_MAX]);
const char *alert_channel_name(enum alert_channel channel);

#endif
