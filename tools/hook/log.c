// SPDX-License-Identifier: Apache-2.0
/*
 * The record of what the hook decided: runtimes drop the standard error of a hook that succeeded, crun that of every
 * hook.
 *
 * Owns: the three places a line can go. Must not know: what it says. Nothing here may block or fail the hook.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

static void write_line(const char *path, int flags, const char *line, size_t bytes)
{
	_cleanup_(close_fd) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0640);

	if (fd >= 0 && write(fd, line, bytes) < 0)
		return;
}

static void send_syslog(const char *line, size_t bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	_cleanup_(close_fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock >= 0)
		sendto(sock, line, bytes, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address));
}

void hook_log(const char *where, const char *line)
{
	char record[HOOK_TEXT_MAX + 128], now[32] = "";
	struct tm tm;
	time_t seconds = time(NULL);
	int n;

	if (!where || strcmp(where, "none") == 0)
		return;
	if (where[0] == '/') {
		strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
		n = snprintf(record, sizeof(record), "%s holdfast-hook[%d]: %s\n", now, (int)getpid(), line);
		write_line(where, O_APPEND | O_CREAT, record, (size_t)n);
		return;
	}
	n = snprintf(record, sizeof(record), "<%d>holdfast-hook[%d]: %s", LOG_DAEMON | LOG_WARNING, (int)getpid(), line);
	if (strcmp(where, "kmsg") == 0)
		write_line("/dev/kmsg", 0, record, (size_t)n);
	else
		send_syslog(record, (size_t)n);
}
