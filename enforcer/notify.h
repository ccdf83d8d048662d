/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told (sd_notify(3)). Owns: libsystemd. Outside systemd every function does nothing and
 * succeeds. Each call opens, uses and closes an AF_UNIX socket, which the system call filter allows.
 */
#ifndef ENFORCER_NOTIFY_H
#define ENFORCER_NOTIFY_H

struct loop;
struct loop_source;

/* Up and proven; status (NULL: none) is shown by systemctl. All return 0 or -errno. */
int notify_ready(const char *status);
/* A reload begins, stamped with CLOCK_MONOTONIC as Type=notify-reload asks; ends with notify_ready(). */
int notify_reloading(void);
int notify_stopping(const char *status);
int notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* If the service manager wants signs of life (WatchdogSec=), sends them at half of its interval from the loop. *ret is
 * the timer, to be given to loop_unwatch(); NULL when none are wanted. 0 or -errno. */
int notify_watchdog(struct loop *loop, struct loop_source **ret);

#endif
