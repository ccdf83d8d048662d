// SPDX-License-Identifier: Apache-2.0
/*
 * The event loop: one epoll set, a timerfd per timer, one signalfd.
 *
 * Owns: those descriptors and the sources. Must not know: what the callbacks do.
 *
 * I1: a source that was unwatched never has its callback called again, even when epoll had already reported it in the
 *     batch being delivered: it is marked dead first, and its memory goes only after the batch.
 */
#include "enforcer/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "enforcer/util.h"

/* Events taken from epoll at once: bounds the stack, not the number of sources. */
#define LOOP_BATCH 32

struct loop_source {
	struct loop *loop; /* NULL once the loop is gone */
	struct loop_source *next, *prev;
	int fd;
	bool is_timer; /* fd is a timerfd and owned */
	bool dead;
	loop_fn fn;
	void *data;
};

struct loop_signal_handler {
	loop_signal_fn fn;
	void *data;
};

struct loop {
	int epoll_fd;
	int signal_fd;
	sigset_t signals;
	struct loop_signal_handler handlers[_NSIG];
	struct loop_source *signal_source;
	struct loop_source *sources; /* living */
	struct loop_source *dead;    /* waiting for the end of the batch */
	bool dispatching;
	bool quit;
	int code;
};

/**
 * loop_new - make an empty loop
 * @ret: (output) to be given to loop_free(); untouched on failure
 *
 * Return: 0; -ENOMEM; -EMFILE or -ENFILE: no descriptor left.
 */
int loop_new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->signal_fd = -1;
	sigemptyset(&loop->signals);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int err = -errno;

		free(loop);
		return err;
	}
	*ret = loop;
	return 0;
}

static void free_dead(struct loop *loop)
{
	while (loop->dead) {
		struct loop_source *next = loop->dead->next;

		free(loop->dead);
		loop->dead = next;
	}
}

/* Out of epoll and of the list of the living; its callback is never called again. */
static void detach_source(struct loop_source *source)
{
	struct loop *loop = source->loop;

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->is_timer)
		close_fd(&source->fd);
	if (source->prev)
		source->prev->next = source->next;
	else
		loop->sources = source->next;
	if (source->next)
		source->next->prev = source->prev;
	source->next = source->prev = NULL;
	source->dead = true;
}

/**
 * loop_free - close what the loop owns
 * @loop: (taken) may be NULL or point to NULL; set to NULL
 *
 * Sources that still exist stop working and remain their owners', who may unwatch them later. Not to be called from a
 * callback.
 */
void loop_free(struct loop **loop)
{
	struct loop *gone = *loop;

	if (!gone)
		return;
	loop_unwatch(&gone->signal_source);
	while (gone->sources) {
		struct loop_source *source = gone->sources;

		detach_source(source);
		source->loop = NULL;
	}
	free_dead(gone);
	close_fd(&gone->signal_fd);
	close_fd(&gone->epoll_fd);
	free(gone);
	*loop = NULL;
}

/**
 * loop_watch - call a function whenever a descriptor is ready
 * @loop: (borrowed)
 * @fd: (borrowed) must stay open until loop_unwatch()
 * @events: epoll events; EPOLLHUP and EPOLLERR always come
 * @fn: called with the events that came
 * @data: (borrowed) handed to @fn
 * @ret: (output) the source, the caller's; untouched on failure
 *
 * Return: 0; -ENOMEM; -EPERM: a descriptor that cannot be polled, such as a regular file; -EEXIST: watched already;
 * other -errno of epoll_ctl.
 */
int loop_watch(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *data, struct loop_source **ret)
{
	struct loop_source *source = calloc(1, sizeof(*source));
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (!source)
		return -ENOMEM;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int err = -errno;

		free(source);
		return err;
	}
	source->loop = loop;
	source->fd = fd;
	source->fn = fn;
	source->data = data;
	source->next = loop->sources;
	if (loop->sources)
		loop->sources->prev = source;
	loop->sources = source;
	*ret = source;
	return 0;
}

/**
 * loop_rewatch - wait for other events of the same descriptor
 * @source: (borrowed) made by loop_watch()
 * @events: epoll events; 0 leaves EPOLLHUP and EPOLLERR
 *
 * Return: 0; -errno of epoll_ctl.
 */
int loop_rewatch(struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (!source->loop)
		return -EBADF;
	return epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

static struct timespec split_ns(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

/**
 * loop_timer - call a function later, once or again and again
 * @loop: (borrowed)
 * @first_ns: from now; 0 means as soon as the loop runs
 * @period_ns: from then on; 0 means once
 * @fn: called with EPOLLIN
 * @data: (borrowed) handed to @fn
 * @ret: (output) the source, the caller's even after a single shot; untouched on failure
 *
 * Counts on CLOCK_MONOTONIC. Expirations missed while a callback ran are merged into one call.
 * Return: 0; -ENOMEM; -EMFILE or -ENFILE: no descriptor left.
 */
int loop_timer(struct loop *loop, uint64_t first_ns, uint64_t period_ns, loop_fn fn, void *data,
	       struct loop_source **ret)
{
	/* A first expiration of 0 would disarm the timer. */
	struct itimerspec spec = { .it_value = split_ns(first_ns ? first_ns : 1), .it_interval = split_ns(period_ns) };
	_cleanup_(close_fd) int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int err;

	if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL) < 0)
		return -errno;
	err = loop_watch(loop, fd, EPOLLIN, fn, data, ret);
	if (err < 0)
		return err;
	(*ret)->is_timer = true;
	TAKE_FD(fd);
	return 0;
}

static void deliver_signal(uint32_t events, void *data)
{
	struct loop *loop = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		struct loop_signal_handler *handler;

		if (info.ssi_signo >= _NSIG)
			continue;
		handler = &loop->handlers[info.ssi_signo];
		if (handler->fn)
			handler->fn((int)info.ssi_signo, handler->data);
	}
}

/**
 * loop_signal - deliver a signal as a callback
 * @loop: (borrowed)
 * @signo: blocked for the calling thread and all threads it makes afterwards, so call before any is made
 * @fn: called on the loop's thread, outside signal context; replaces an earlier one for the same signal
 * @data: (borrowed) handed to @fn
 *
 * Return: 0; -EINVAL: no such signal; -ENOMEM; -EMFILE or -ENFILE: no descriptor left.
 */
int loop_signal(struct loop *loop, int signo, loop_signal_fn fn, void *data)
{
	sigset_t wanted = loop->signals;
	int fd;

	if (signo <= 0 || signo >= _NSIG || sigaddset(&wanted, signo) < 0)
		return -EINVAL;
	fd = signalfd(loop->signal_fd, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signal_fd = fd;
	if (!loop->signal_source) {
		int err = loop_watch(loop, fd, EPOLLIN, deliver_signal, loop, &loop->signal_source);

		if (err < 0)
			return err;
	}
	if (sigprocmask(SIG_BLOCK, &wanted, NULL) < 0)
		return -errno;
	loop->signals = wanted;
	loop->handlers[signo] = (struct loop_signal_handler){ .fn = fn, .data = data };
	return 0;
}

/**
 * loop_unwatch - end a source
 * @source: (taken) may be NULL or point to NULL; set to NULL
 *
 * Its callback is not called again (I1). A watched descriptor stays open; a timer is closed. May be called from any
 * callback, the source's own included.
 */
void loop_unwatch(struct loop_source **source)
{
	struct loop_source *gone = source ? *source : NULL;
	struct loop *loop;

	if (!gone)
		return;
	*source = NULL;
	loop = gone->loop;
	if (!loop) {
		free(gone);
		return;
	}
	detach_source(gone);
	if (!loop->dispatching) {
		free(gone);
		return;
	}
	gone->next = loop->dead;
	loop->dead = gone;
}

static void dispatch(struct loop_source *source, uint32_t events)
{
	uint64_t expirations;

	if (source->dead)
		return;
	if (source->is_timer && read(source->fd, &expirations, sizeof(expirations)) < 0)
		return;
	source->fn(events, source->data);
}

/**
 * loop_run - deliver events until loop_quit()
 * @loop: (borrowed)
 *
 * After loop_quit() the rest of the batch is still delivered. A loop_quit() from before the call counts.
 * Return: the code given to loop_quit(); -errno when epoll fails.
 */
int loop_run(struct loop *loop)
{
	struct epoll_event batch[LOOP_BATCH];

	while (!loop->quit) {
		int n = epoll_wait(loop->epoll_fd, batch, LOOP_BATCH, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->dispatching = true;
		for (int i = 0; i < n; i++)
			dispatch(batch[i].data.ptr, batch[i].events);
		loop->dispatching = false;
		free_dead(loop);
	}
	loop->quit = false;
	return loop->code;
}

/**
 * loop_quit - make loop_run() return
 * @loop: (borrowed)
 * @code: what it returns
 */
void loop_quit(struct loop *loop, int code)
{
	loop->quit = true;
	loop->code = code;
}
