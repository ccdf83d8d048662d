// SPDX-License-Identifier: Apache-2.0
/* Signals to orders. Contracts: signals.h. */
#include "enforcer/signals.h"

#include <signal.h>
#include <string.h>

#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/notify.h"

static void on_stop(int signo, void *data)
{
	struct daemon *daemon = data;

	log_info("signal %d: stopping; enforcement stays in the kernel", signo);
	daemon->stopping = true;
	loop_quit(daemon->loop, 0);
}

static void reopen_outputs(struct daemon *daemon)
{
	int err = event_log_reopen(daemon->events);

	if (err)
		log_error("cannot reopen %s: %s", daemon->options.event_file, strerror(-err));
	detect_reopen(daemon);
}

static void on_hangup(int signo, void *data)
{
	struct daemon *daemon = data;

	(void)signo;
	notify_reloading();
	reopen_outputs(daemon);
	detect_reload(daemon, NULL); /* logs by itself */
	notify_ready(NULL);
}

/* As Falco's: after a rotation, without reading rules anew. */
static void on_user(int signo, void *data)
{
	(void)signo;
	reopen_outputs(data);
}

int signals_watch(struct daemon *daemon)
{
	static const struct {
		int signo;
		loop_signal_fn fn;
	} orders[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_hangup }, { SIGUSR1, on_user } };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(orders) / sizeof(orders[0]); i++)
		err = loop_signal(daemon->loop, orders[i].signo, orders[i].fn, daemon);
	return err;
}
