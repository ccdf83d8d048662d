/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's one event loop: descriptors, timers and signals on epoll.
 *
 * Owns: epoll, timerfds, the signalfd. Must not know: what the callbacks do. Everything here is called on the main
 * thread; a callback may unwatch any source, its own included.
 */
#ifndef ENFORCER_LOOP_H
#define ENFORCER_LOOP_H

#include <stdint.h>

struct loop;
struct loop_source;

typedef void (*loop_fn)(uint32_t events, void *data);
typedef void (*loop_signal_fn)(int signo, void *data);

int loop_new(struct loop **ret);
void loop_free(struct loop **loop);

/* Watches fd (borrowed, must stay open) for epoll events. The source is owned by the caller: loop_unwatch. */
int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data, struct loop_source **ret);
/* Changes the events of a watched descriptor. */
int loop_rewatch(struct loop_source *source, uint32_t events);
/* Calls fn after first_ns and then every period_ns (0: once). Expirations missed while busy are merged into one. */
int loop_timer(struct loop *loop, uint64_t first_ns, uint64_t period_ns, loop_fn fn, void *data,
	       struct loop_source **ret);
/* Blocks signo for the process and delivers it as a callback; call before threads are made. */
int loop_signal(struct loop *loop, int signo, loop_signal_fn fn, void *data);
/* NULL-safe; sets *source to NULL. */
void loop_unwatch(struct loop_source **source);

/* Runs until loop_quit. Returns the code given to it, or -errno when epoll fails. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop, int code);

#endif
