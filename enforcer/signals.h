/* SPDX-License-Identifier: Apache-2.0 */
/* What signals mean to the daemon: TERM, INT: end; HUP: outputs and files anew; USR1: outputs alone. */
#ifndef ENFORCER_SIGNALS_H
#define ENFORCER_SIGNALS_H

struct daemon;

/* On daemon->loop, before threads are made. 0 or -errno. */
int signals_watch(struct daemon *daemon);

#endif
