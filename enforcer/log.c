// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's own log lines on stderr.
 *
 * Owns: their format and their level. Must not know: events (event_log.c) or what the lines are about.
 *
 * I1: one line is one write(), so that lines of two threads never mix.
 * I2: a stderr that nobody reads never stops the daemon: a line that would block is dropped and counted.
 * I3: no argument can forge a line or reach a terminal as an escape sequence: control bytes come out as \xNN.
 */
#include "enforcer/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "enforcer/util.h"

/* Longest line, the rest is cut: what a pipe that polls as writable takes in one piece and without blocking. */
#define LOG_LINE_BYTES PIPE_BUF

static atomic_int log_level = LOG_INFO;
static atomic_uint lost_lines;

/**
 * log_set_level - choose what is written
 * @priority: lines less urgent than this syslog priority are dropped
 *
 * Any thread.
 */
void log_set_level(int priority)
{
	atomic_store(&log_level, priority);
}

/* C0, DEL, and C1 in its UTF-8 form (C2 80 .. C2 9F), which some terminals obey. */
static bool is_control(const unsigned char *text, size_t i)
{
	if (text[i] < 0x20 || text[i] == 0x7f)
		return true;
	return text[i] >= 0x80 && text[i] <= 0x9f && i > 0 && text[i - 1] == 0xc2;
}

/* Stops where the next byte might not fit into size. */
static size_t escape_text(const char *text, char *ret, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = 0;

	for (size_t i = 0; bytes[i] && n + 4 <= size; i++) {
		if (!is_control(bytes, i)) {
			ret[n++] = (char)bytes[i];
			continue;
		}
		ret[n++] = '\\';
		ret[n++] = 'x';
		ret[n++] = digits[bytes[i] >> 4];
		ret[n++] = digits[bytes[i] & 15];
	}
	return n;
}

/* The priority prefix for the journal, and what was lost before this line. */
static size_t write_prefix(char *ret, size_t size, int priority, unsigned int lost)
{
	size_t n = 0;

	if (!isatty(STDERR_FILENO))
		n += (size_t)snprintf(ret, size, "<%d>", priority);
	if (lost)
		n += (size_t)snprintf(ret + n, size - n, "(%u lines lost) ", lost);
	return n;
}

/**
 * log_line - write one line to stderr
 * @priority: syslog priority
 * @format: (borrowed) as printf's, without a newline
 *
 * Any thread. Does not block: a line for which stderr has no room is dropped, and the next one tells how many were.
 * Leaves errno as it was.
 */
void log_line(int priority, const char *format, ...)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	char text[LOG_LINE_BYTES], line[LOG_LINE_BYTES];
	int saved = errno;
	unsigned int lost;
	va_list args;
	size_t n;

	if (priority > atomic_load(&log_level))
		return;
	va_start(args, format);
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		text[0] = '\0';
	va_end(args);
	lost = atomic_exchange(&lost_lines, 0);
	n = write_prefix(line, sizeof(line), priority, lost);
	n += escape_text(text, line + n, sizeof(line) - n - 1);
	line[n++] = '\n';
	if (poll(&ready, 1, 0) <= 0 || write(STDERR_FILENO, line, n) < 0)
		atomic_fetch_add(&lost_lines, lost + 1);
	errno = saved;
}
