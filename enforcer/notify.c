// SPDX-License-Identifier: Apache-2.0
/* Telling the service manager how we are. Owns: libsystemd. Contracts: notify.h. */
#include "enforcer/notify.h"

#include <stdarg.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

/* Longest status; systemctl shows one line. */
#define STATUS_BYTES 512

/* One variable per line: a status must not bring further ones. */
static void copy_line(const char *text, char ret[STATUS_BYTES])
{
	snprintf(ret, STATUS_BYTES, "%s", text ? text : "");
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
}

static int send_state(const char *state, const char *status)
{
	char line[STATUS_BYTES];
	int sent;

	copy_line(status, line);
	sent = sd_notifyf(0, "%s%s%s", state, line[0] ? "STATUS=" : "", line);
	return sent < 0 ? sent : 0;
}

int notify_ready(const char *status)
{
	return send_state("READY=1\n", status);
}

int notify_reloading(void)
{
	int sent = sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
			      (unsigned long long)(clock_ns(CLOCK_MONOTONIC) / 1000));

	return sent < 0 ? sent : 0;
}

int notify_stopping(const char *status)
{
	return send_state("STOPPING=1\n", status);
}

int notify_status(const char *format, ...)
{
	char text[STATUS_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return send_state("", text);
}

static void send_sign_of_life(uint32_t events, void *data)
{
	int sent = sd_notify(0, "WATCHDOG=1");

	(void)events;
	(void)data;
	if (sent < 0)
		log_warning("notify: no sign of life to the service manager: %s", strerror(-sent));
}

int notify_watchdog(struct loop *loop, struct loop_source **ret)
{
	uint64_t interval_usec = 0;
	int wanted = sd_watchdog_enabled(0, &interval_usec);

	*ret = NULL;
	if (wanted <= 0)
		return wanted;
	return loop_timer(loop, 0, interval_usec * 1000 / 2, send_sign_of_life, NULL, ret);
}
