// SPDX-License-Identifier: Apache-2.0
/*
 * Reloading by itself: inotify on the folder of the policies and on the nearest folder above it that exists; and a timer that the
 * kernel cancels when somebody sets the wall clock.
 *
 * Owns: the watches and the wait for quiet. Must not know: what a reload does.
 *
 * I1: both watches are set anew before each reload, so that a change during a reload is seen, and a folder that was replaced
 *     or has appeared is watched from the reload on that its appearance causes.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "enforcer/daemon.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/policy_store_internal.h"
#include "enforcer/util.h"

/* Files come in groups (a ConfigMap, an editor's copy and rename): the reload waits for this long a silence … */
#define QUIET_NS (200ull * 1000 * 1000)
/* … but not for ever, however often files are written. */
#define PATIENCE_NS (2 * NSEC_PER_SEC)
/* Files that are replaced by deleting them and writing them again are none for a moment: what leaves no policy at all, where there were
 * some, is believed only after this long a further silence. holdfast reload does not wait. */
#define EMPTY_NS (2 * NSEC_PER_SEC)
/* When slots in quarantine were all that a reload lacked, they are free by then. */
#define RETRY_NS (POLICY_SLOTS_QUARANTINE_NS + NSEC_PER_SEC / 2)

#define FOLDER_EVENTS                                                                                              \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define EVENTS_BYTES 4096 /* read at once: some dozens */

struct policy_watch {
	struct policy_store *store; /* borrowed */
	struct loop_source *source, *timer, *clock;
	char path[PATH_MAX];
	char above_name[NAME_MAX + 1]; /* the name in the folder above that leads to path */
	uint64_t first_ns;	       /* of the changes not yet reloaded, CLOCK_MONOTONIC; 0: none */
	int fd, clock_fd;
	int folder, above; /* watch descriptors; -1: none */
	bool is_folder;	   /* path is one; otherwise above_name is the file's name */
	bool retried;
	bool emptied; /* the last look found no policy, and EMPTY_NS runs, or ran */
};

void policy_watch_free(struct policy_watch **watch)
{
	struct policy_watch *gone = watch ? *watch : NULL;

	if (!gone)
		return;
	*watch = NULL;
	loop_unwatch(&gone->timer);
	loop_unwatch(&gone->source);
	loop_unwatch(&gone->clock);
	close_fd(&gone->fd);
	close_fd(&gone->clock_fd);
	free(gone);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Moves a watch to where path leads now. The same folder has the same descriptor. */
static int move_watch(struct policy_watch *watch, int *descriptor, int other, const char *path)
{
	int added = path ? inotify_add_watch(watch->fd, path, FOLDER_EVENTS) : -1;
	int err = path && added < 0 ? -errno : 0;

	if (*descriptor >= 0 && *descriptor != added && *descriptor != other)
		inotify_rm_watch(watch->fd, *descriptor);
	*descriptor = added;
	return err;
}

/* The nearest folder above path that exists, and the name in it that leads to path. */
static void find_above(const char *path, char folder[PATH_MAX], char name[NAME_MAX + 1])
{
	char copy[PATH_MAX];

	snprintf(folder, PATH_MAX, "%s", path);
	do {
		snprintf(copy, sizeof(copy), "%s", folder);
		snprintf(name, NAME_MAX + 1, "%s", basename(copy));
		snprintf(copy, sizeof(copy), "%s", folder);
		snprintf(folder, PATH_MAX, "%s", dirname(copy));
	} while (!is_folder(folder) && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0);
}

static int set_watches(struct policy_watch *watch)
{
	char folder[PATH_MAX];
	int err, err_above;

	watch->is_folder = is_folder(watch->path);
	find_above(watch->path, folder, watch->above_name);
	err = move_watch(watch, &watch->folder, watch->above, watch->is_folder ? watch->path : NULL);
	err_above = move_watch(watch, &watch->above, watch->folder, folder);
	return err ? err : err_above;
}

/* Names beginning with two dots are how ConfigMaps are mounted; with one, what editors leave behind. */
static bool is_of_interest(const struct policy_watch *watch, const struct inotify_event *event)
{
	const char *name = event->len ? event->name : "";

	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->wd != watch->folder && event->wd != watch->above)
		return false; /* of a folder that was watched before */
	if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		return true;
	if (event->wd == watch->above && strcmp(name, watch->above_name) == 0)
		return true;
	if (event->wd == watch->folder)
		return name[0] != '.' || strncmp(name, "..", 2) == 0;
	return !watch->is_folder && strncmp(name, "..", 2) == 0;
}

static bool nothing_is_left(const struct policy_watch *watch)
{
	_cleanup_(policy_set_free) struct policy_set *set = NULL;
	struct policy_error error = { 0 };

	return policy_set_count(watch->store->set) > 0 && policy_store_load(watch->store, &set, &error) == 0 && policy_set_count(set) == 0;
}

static void reload(uint32_t events, void *data)
{
	struct policy_watch *watch = data;
	int err;

	(void)events;
	loop_unwatch(&watch->timer);
	watch->first_ns = 0;
	watch->emptied = !watch->emptied && nothing_is_left(watch);
	if (watch->emptied && loop_timer(watch->store->daemon->loop, EMPTY_NS, 0, reload, watch, &watch->timer) == 0)
		return;
	err = set_watches(watch);
	if (err)
		log_error("policies: cannot watch %s, reload by hand from now on: %s", watch->path, strerror(-err));
	err = policy_store_reload(watch->store, NULL);
	if (err != -ENOSPC || watch->retried) {
		watch->retried = false;
		return;
	}
	watch->retried = true;
	if (!watch->timer)
		loop_timer(watch->store->daemon->loop, RETRY_NS, 0, reload, watch, &watch->timer);
}

static void note_change(struct policy_watch *watch)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err;

	if (!watch->first_ns)
		watch->first_ns = now;
	else if (watch->timer && now - watch->first_ns + QUIET_NS > PATIENCE_NS)
		return;
	loop_unwatch(&watch->timer);
	err = loop_timer(watch->store->daemon->loop, QUIET_NS, 0, reload, watch, &watch->timer);
	if (err)
		log_error("policies: no timer for a reload: %s", strerror(-err));
}

static void on_events(uint32_t events, void *data)
{
	_Alignas(struct inotify_event) char buffer[EVENTS_BYTES];
	struct policy_watch *watch = data;
	bool changed = false;
	ssize_t n;

	(void)events;
	while ((n = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (char *at = buffer; at < buffer + n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			changed = changed || is_of_interest(watch, event);
		}
	}
	if (changed)
		note_change(watch);
}

/* A timer that never expires: all that happens to it is that setting the clock cancels it (timerfd_create(2)). */
static int arm_clock(struct policy_watch *watch)
{
	const struct itimerspec never = { .it_value.tv_sec = INT64_MAX };

	return timerfd_settime(watch->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0 ? -errno : 0;
}

static void on_clock(uint32_t events, void *data)
{
	struct policy_watch *watch = data;
	uint64_t expirations;
	int err;

	(void)events;
	while (read(watch->clock_fd, &expirations, sizeof(expirations)) > 0)
		;
	policy_store_clock_changed(watch->store);
	err = arm_clock(watch);
	if (!err)
		return;
	log_error("policies: the clock is not watched any more: %s", strerror(-err));
	loop_unwatch(&watch->clock);
}

static int start_clock(struct policy_watch *watch)
{
	int err;

	watch->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->clock_fd < 0)
		return -errno;
	err = arm_clock(watch);
	return err ? err : loop_watch(watch->store->daemon->loop, watch->clock_fd, EPOLLIN, on_clock, watch, &watch->clock);
}

static int start(struct policy_watch *watch)
{
	int err = start_clock(watch);

	if (err)
		return err;
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0)
		return -errno;
	err = set_watches(watch);
	return err ? err : loop_watch(watch->store->daemon->loop, watch->fd, EPOLLIN, on_events, watch, &watch->source);
}

int policy_store_watch(struct policy_store *store)
{
	_cleanup_(policy_watch_free) struct policy_watch *watch = NULL;
	const char *path = policy_store_path(store);
	int err;

	if (store->watch || !path[0])
		return 0;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->fd = watch->clock_fd = watch->folder = watch->above = -1;
	watch->store = store;
	snprintf(watch->path, sizeof(watch->path), "%s", path);
	err = start(watch);
	if (err)
		return err;
	store->watch = TAKE_PTR(watch);
	return 0;
}
