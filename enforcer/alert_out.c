// SPDX-License-Identifier: Apache-2.0
/*
 * The channels of alerts. Contracts: alert_out.h.
 *
 * I1: syslog is told with non-blocking datagrams; a socket that was closed on the other side is connected anew once per line.
 */
#include "enforcer/alert_out.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "enforcer/event_log.h"
#include "enforcer/event_sink.h"
#include "enforcer/log.h"
#include "enforcer/util.h"

struct alert_out {
	struct event_log *stdout_of;
	struct event_sink *file;
	char *syslog;
	int syslog_fd;
	bool syslog_failing; /* logged */
	uint64_t written[_ALERT_CHANNEL_MAX], dropped[_ALERT_CHANNEL_MAX];
};

static const char *const channel_names[] = {
	[ALERT_CHANNEL_STDOUT] = "stdout",
	[ALERT_CHANNEL_FILE] = "file",
	[ALERT_CHANNEL_SYSLOG] = "syslog",
};
_Static_assert(ARRAY_SIZE(channel_names) == _ALERT_CHANNEL_MAX, "a name for each channel");

const char *alert_channel_name(enum alert_channel channel)
{
	return channel_names[channel];
}

int alert_out_new(struct loop *loop, const struct alert_out_options *options, struct alert_out **ret)
{
	_cleanup_(alert_out_free) struct alert_out *out = calloc(1, sizeof(*out));
	int err = 0;

	if (!out)
		return -ENOMEM;
	out->syslog_fd = -1;
	out->stdout_of = options->stdout_of;
	if (options->syslog && !(out->syslog = strdup(options->syslog)))
		return -ENOMEM;
	if (options->file)
		err = event_sink_new_file(loop, options->file, options->file_max_bytes, &out->file);
	if (err)
		return err;
	*ret = TAKE_PTR(out);
	return 0;
}

void alert_out_free(struct alert_out **out)
{
	struct alert_out *gone = *out;

	if (!gone)
		return;
	event_sink_free(&gone->file);
	close_fd(&gone->syslog_fd);
	free(gone->syslog);
	free(gone);
	*out = NULL;
}

/* --- syslog --------------------------------------------------------------------------------------------------------- */

static int connect_syslog(struct alert_out *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	close_fd(&out->syslog_fd);
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", out->syslog) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	out->syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out->syslog_fd < 0)
		return -errno;
	return connect(out->syslog_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int send_syslog(struct alert_out *out, const char *message, size_t bytes)
{
	if (out->syslog_fd < 0)
		return -ENOTCONN;
	return send(out->syslog_fd, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* I1 */
static bool put_syslog(struct alert_out *out, int priority, const char *line, size_t bytes)
{
	char message[ALERT_SYSLOG_BYTES_MAX];
	int n = snprintf(message, sizeof(message), "<%d>holdfastd: %.*s", LOG_DAEMON | priority,
			 (int)(bytes < sizeof(message) ? bytes : sizeof(message)), line);
	size_t length = n < (int)sizeof(message) ? (size_t)n : sizeof(message) - 1;
	int err = send_syslog(out, message, length);

	if (err && err != -EAGAIN && err != -ENOBUFS) {
		err = connect_syslog(out);
		if (!err)
			err = send_syslog(out, message, length);
	}
	if (!err != out->syslog_failing)
		return !err;
	out->syslog_failing = err != 0;
	if (err)
		log_error("alerts: cannot write to %s: %s; they are dropped there and counted", out->syslog, strerror(-err));
	else
		log_info("alerts: writing to %s again", out->syslog);
	return !err;
}

/* -------------------------------------------------------------------------------------------------------------------- */

static void count(struct alert_out *out, enum alert_channel channel, bool taken)
{
	if (taken)
		out->written[channel]++;
	else
		out->dropped[channel]++;
}

void alert_out_line(struct alert_out *out, int priority, const char *line, size_t bytes)
{
	if (out->stdout_of)
		count(out, ALERT_CHANNEL_STDOUT, event_log_write_aside(out->stdout_of, line, bytes));
	if (out->file)
		count(out, ALERT_CHANNEL_FILE, event_sink_write_aside(out->file, line, bytes));
	if (out->syslog)
		count(out, ALERT_CHANNEL_SYSLOG, put_syslog(out, priority, line, bytes));
}

int alert_out_reopen(struct alert_out *out)
{
	return out->file ? event_sink_reopen(out->file) : 0;
}

void alert_out_get_stats(const struct alert_out *out, struct alert_channel_stats ret[_ALERT_CHANNEL_MAX])
{
	for (size_t i = 0; i < _ALERT_CHANNEL_MAX; i++)
		ret[i] = (struct alert_channel_stats){ .written = out->written[i], .dropped = out->dropped[i] };
	ret[ALERT_CHANNEL_STDOUT].used = out->stdout_of != NULL;
	ret[ALERT_CHANNEL_FILE].used = out->file != NULL;
	ret[ALERT_CHANNEL_FILE].failing = out->file && event_sink_is_failing(out->file);
	ret[ALERT_CHANNEL_SYSLOG].used = out->syslog != NULL;
	ret[ALERT_CHANNEL_SYSLOG].failing = out->syslog_failing;
}
