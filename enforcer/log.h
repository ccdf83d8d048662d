/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own log lines (not events): one line each on stderr, with the syslog priority prefix <N> that the journal
 * understands when stderr is not a terminal. Control bytes in arguments are escaped, so that no name can forge a line. */
#ifndef ENFORCER_LOG_H
#define ENFORCER_LOG_H

#include <syslog.h>

/* Lines above this syslog priority are dropped (default LOG_INFO; --debug sets LOG_DEBUG). */
void log_set_level(int priority);
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
