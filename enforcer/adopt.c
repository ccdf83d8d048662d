// SPDX-License-Identifier: Apache-2.0
/*
 * Adoption's order of steps, on the main thread, and its thread: look at everything -> arm one after the other, tagging the tasks of
 * each -> survey what runs in them -> forget the records of containers that are gone.
 *
 *   I1  One at a time: a container that starts through the hook waits behind one scan at most.
 *   I2  A record of an earlier daemon is taken out only after the look has told that nobody can be found for it.
 *   I3  A survey that a dead daemon began is done again: the flag in the record says that it is due.
 */
#include "enforcer/adopt.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "enforcer/adopt_work.h"
#include "enforcer/arm.h"
#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/enrol.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/oci.h"
#include "enforcer/policy_store.h"
#include "enforcer/privilege.h"
#include "enforcer/restore.h"
#include "enforcer/state.h"
#include "enforcer/util.h"

#define LOOKS_MAX 5 /* further looks for containers that were about to start at the first: each has LOOK_AGAIN_NS to do so */
#define LOOK_AGAIN_NS (2ull * NSEC_PER_SEC)

static const char *const usual_folders[] = {
	"/run/runc", "/run/crun", "/run/youki", "/run/containerd/runc", "/run/containerd/io.containerd.runtime.v2.task",
	"/run/docker/runtime-runc", "/run/docker/containerd/daemon/io.containerd.runtime.v2.task",
	"/run/k3s/containerd/io.containerd.runtime.v2.task",
};

/* What the thread is asked to do; one thing at a time. */
enum work { WORK_NONE, WORK_LOOK, WORK_TAG, WORK_SURVEY, WORK_STOP };

struct orphan {
	uint32_t slot, layer_set;
	uint64_t id;
	bool held;
	struct orphan *next;
};

struct adopter {
	struct daemon *daemon;
	const char *folders[ARRAY_SIZE(usual_folders) + DAEMON_RUNTIME_ROOTS_MAX];
	size_t n_folders;
	struct loop_source *source, *timer;
	struct adopt_found *known, *waiting;
	struct orphan *orphans;
	uint64_t *orphan_ids;
	size_t looks, adopted, failed;
	uint64_t file_id; /* of the state file behind the container that is being armed, 0: none */
	bool busy;    /* a container is being armed, or the thread works */
	bool told;    /* how the first look ended */
	bool handing; /* within arm_adopt, which may answer at once */
	pthread_t thread;
	bool running, started;
	int start_err;
	int done_fd;
	/* Between the threads. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	enum work work;
	struct adopt_look look;
	int err; /* of the work that was done */
	enum work done;
};

static void go_on(struct adopter *a);

/* --- the thread ------------------------------------------------------------------------------------------------------ */

static enum work wait_for_work(struct adopter *a)
{
	enum work work;

	pthread_mutex_lock(&a->lock);
	while (a->work == WORK_NONE)
		pthread_cond_wait(&a->wake, &a->lock);
	work = a->work;
	pthread_mutex_unlock(&a->lock);
	return work;
}

static void finish_work(struct adopter *a, enum work work, int err)
{
	uint64_t one = 1;

	pthread_mutex_lock(&a->lock);
	a->done = work;
	a->err = err;
	if (a->work != WORK_STOP)
		a->work = WORK_NONE;
	pthread_mutex_unlock(&a->lock);
	if (write(a->done_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("adoption: cannot wake the main thread: %m");
}

static void tell_started(struct adopter *a, int err)
{
	pthread_mutex_lock(&a->lock);
	a->started = true;
	a->start_err = err;
	pthread_cond_broadcast(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

static int wait_started(struct adopter *a)
{
	pthread_mutex_lock(&a->lock);
	while (!a->started)
		pthread_cond_wait(&a->wake, &a->lock);
	pthread_mutex_unlock(&a->lock);
	return a->start_err;
}

static void *adopt_thread(void *data)
{
	struct adopter *a = data;
	struct lsm *lsm = a->daemon->lsm;
	char reason[PRIVILEGE_ERROR_BYTES] = "";
	enum work work;

	tell_started(a, privilege_drop_capabilities(reason));
	if (a->start_err)
		log_error("adoption: cannot drop capabilities: %s", reason);
	while (!a->start_err && (work = wait_for_work(a)) != WORK_STOP) {
		int err = 0;

		if (work == WORK_LOOK)
			adopt_work_look(lsm, &a->look);
		else
			err = adopt_work_tag(lsm);
		if (work == WORK_SURVEY && !err)
			err = lsm_survey_report(lsm);
		finish_work(a, work, err);
	}
	return NULL;
}

static void ask(struct adopter *a, enum work work)
{
	a->busy = work != WORK_STOP;
	pthread_mutex_lock(&a->lock);
	a->work = work;
	pthread_cond_broadcast(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

/* --- records of an earlier daemon ------------------------------------------------------------------------------------- */

void adopter_add_orphan(struct adopter *a, uint32_t slot, bool held)
{
	const struct hf_container *record = lsm_container(a->daemon->lsm, slot);
	struct orphan *orphan = calloc(1, sizeof(*orphan));

	if (!orphan) {
		restore_free_slot(a->daemon, slot);
		return;
	}
	*orphan = (struct orphan){ .slot = slot, .id = record->id, .layer_set = record->layer_set, .held = held,
				   .next = a->orphans };
	a->orphans = orphan;
}

/* I2. What was adopted has taken its slot over. */
static void end_orphans(struct adopter *a)
{
	size_t gone = 0;

	while (a->orphans) {
		struct orphan *orphan = a->orphans;

		a->orphans = orphan->next;
		if (!a->daemon->slot_taken[orphan->slot] && lsm_container(a->daemon->lsm, orphan->slot)->id == orphan->id) {
			restore_free_slot(a->daemon, orphan->slot);
			gone++;
		}
		if (orphan->held)
			enrol_release(a->daemon->enroller, orphan->layer_set);
		free(orphan);
	}
	if (gone)
		log_info("adoption: %zu records of containers that have gone, or that nobody could name, are removed", gone);
	policy_store_tidy(a->daemon->policies); /* what their records, and those of the adopted, pointed to is nobody's now */
}

/* --- one container after the other ------------------------------------------------------------------------------------ */

/* Tasks of two containers on one root are told apart by their cgroups, once both are known: until then none gets a tag. */
static bool has_mate(const struct adopter *a, const struct container *c)
{
	for (const struct adopt_found *f = a->waiting; f; f = f->next) {
		if (f->root_dev == c->root_dev)
			return true;
	}
	return false;
}

static void on_armed(struct daemon *daemon, const struct container *c, void *data)
{
	struct adopter *a = data;

	if (c)
		a->adopted++;
	else
		a->failed++;
	if (a->file_id && (!c || c->kernel_id != a->file_id))
		state_remove(daemon, a->file_id);
	a->file_id = 0;
	a->busy = false;
	if (c && !has_mate(a, c))
		ask(a, WORK_TAG);
	else if (!a->handing)
		go_on(a);
}

/* An orphan's id and slot, or those of a state file where the slot is free. A tag of a container that nobody has a record of is stale:
 * it is replaced by one with a new id. */
static bool may_keep(const struct adopter *a, const struct adopt_found *f)
{
	const struct hf_container *record = lsm_container(a->daemon->lsm, f->keep_slot);

	if (!f->keep_id || f->keep_slot < HF_SLOT_FIRST || !record || a->daemon->slot_taken[f->keep_slot])
		return false;
	return record->id == f->keep_id || (!record->id && f->file_id);
}

static void adopt_next(struct adopter *a)
{
	struct adopt_found *f = a->waiting;
	struct arm_adoption request = {
		.pidfd = TAKE_FD(f->pidfd), .rootfs_fd = TAKE_FD(f->rootfs_fd), .config_fd = -1, .oci = TAKE_PTR(f->oci),
		.started_ns = f->started_ns, .done = on_armed, .data = a,
	};

	if (may_keep(a, f)) {
		request.keep_id = f->keep_id;
		request.keep_slot = f->keep_slot;
	}
	a->waiting = f->next;
	a->file_id = f->file_id;
	adopt_found_free(&f);
	a->busy = a->handing = true;
	arm_adopt(a->daemon, &request);
	a->handing = false;
}

/* --- the look, and the survey ----------------------------------------------------------------------------------------- */

/* The thread is told which tags of living records are nobody's. */
static void list_orphans(struct adopter *a)
{
	size_t n = 0;

	for (const struct orphan *o = a->orphans; o; o = o->next)
		n++;
	free(a->orphan_ids);
	a->orphan_ids = calloc(n + 1, sizeof(*a->orphan_ids));
	for (const struct orphan *o = a->orphans; o && a->orphan_ids; o = o->next)
		a->orphan_ids[a->look.n_orphans++] = o->id;
	a->look.orphans = a->orphan_ids;
}

static void look(struct adopter *a)
{
	a->looks++;
	a->look = (struct adopt_look){ .folders = a->folders, .n_folders = a->n_folders, .proc = "/proc",
				       .known = TAKE_PTR(a->known) };
	list_orphans(a);
	ask(a, WORK_LOOK);
}

static void on_time(uint32_t events, void *data)
{
	struct adopter *a = data;

	(void)events;
	loop_unwatch(&a->timer);
	if (!a->busy)
		look(a);
}

/* Runtimes name containers that have not entered their root yet: they get some time. So does a node without memory. */
static void look_again(struct adopter *a)
{
	if ((a->look.starting || a->look.err) && a->looks < LOOKS_MAX && !a->timer)
		loop_timer(a->daemon->loop, LOOK_AGAIN_NS, 0, on_time, a, &a->timer);
}

static void take_look(struct adopter *a)
{
	struct adopt_found **at = &a->waiting;

	if (a->look.err)
		log_error("adoption: cannot look at what runs: %s", strerror(-a->look.err));
	if (a->look.known) /* not got to */
		a->known = TAKE_PTR(a->look.known);
	while (*at)
		at = &(*at)->next;
	*at = TAKE_PTR(a->look.found);
	if (a->look.strangers && a->looks == 1)
		log_info("adoption: %zu roots of their own belong to no container that a runtime names: unknown containers",
			 a->look.strangers);
}

static bool survey_is_due(struct adopter *a)
{
	const struct container *c;

	for (size_t i = 0; (c = container_at(a->daemon->containers, i)); i++) {
		if (lsm_container(a->daemon->lsm, c->slot)->flags & HF_CONTAINER_SURVEY)
			return true;
	}
	return false;
}

static void end_survey(struct adopter *a, int err)
{
	const struct container *c;

	if (err)
		log_error("adoption: what runs in the adopted containers could not be looked at: %s", strerror(-err));
	else
		log_info("adoption: what runs in the adopted containers was looked at");
	for (size_t i = 0; (c = container_at(a->daemon->containers, i)); i++)
		__atomic_fetch_and(&lsm_container(a->daemon->lsm, c->slot)->flags, ~HF_CONTAINER_SURVEY, __ATOMIC_RELEASE);
}

static void on_done(uint32_t events, void *data)
{
	struct adopter *a = data;
	enum work done;
	uint64_t n;

	(void)events;
	if (read(a->done_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_error("adoption: cannot read the wake-up: %m");
	pthread_mutex_lock(&a->lock);
	done = a->done;
	a->done = WORK_NONE;
	pthread_mutex_unlock(&a->lock);
	if (done == WORK_NONE)
		return;
	a->busy = false;
	if (done == WORK_LOOK)
		take_look(a);
	else if (a->err && done == WORK_TAG)
		log_error("adoption: tasks could not be tagged: %s", strerror(-a->err));
	else if (done == WORK_SURVEY)
		end_survey(a, a->err);
	go_on(a);
}

/* The next step, when none is on its way. */
static void go_on(struct adopter *a)
{
	while (a->waiting && !a->busy)
		adopt_next(a);
	if (a->busy)
		return;
	if (!a->look.err)
		end_orphans(a);
	if (survey_is_due(a)) {
		ask(a, WORK_SURVEY);
		return;
	}
	if (a->adopted || a->failed || !a->told)
		log_info("adoption: done: %zu containers adopted, %zu not", a->adopted, a->failed);
	a->adopted = a->failed = 0;
	a->told = true;
	look_again(a);
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

int adopter_new(struct daemon *daemon, struct adopter **ret)
{
	_cleanup_(adopter_free) struct adopter *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->daemon = daemon;
	for (size_t i = 0; i < daemon->options.n_runtime_roots; i++)
		a->folders[a->n_folders++] = daemon->options.runtime_roots[i];
	for (size_t i = 0; i < ARRAY_SIZE(usual_folders); i++)
		a->folders[a->n_folders++] = usual_folders[i];
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	a->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->done_fd < 0)
		return -errno;
	err = loop_watch(daemon->loop, a->done_fd, EPOLLIN, on_done, a, &a->source);
	if (!err)
		err = -pthread_create(&a->thread, NULL, adopt_thread, a);
	if (err)
		return err;
	a->running = true;
	err = wait_started(a);
	if (!err)
		*ret = TAKE_PTR(a);
	return err;
}

static void free_list(struct adopt_found **list)
{
	while (*list) {
		struct adopt_found *f = *list;

		*list = f->next;
		adopt_found_free(&f);
	}
}

void adopter_free(struct adopter **adopter)
{
	struct adopter *a = *adopter;

	if (!a)
		return;
	if (a->running) {
		ask(a, WORK_STOP);
		pthread_join(a->thread, NULL);
	}
	loop_unwatch(&a->source);
	loop_unwatch(&a->timer);
	free(a->orphan_ids);
	free_list(&a->known);
	free_list(&a->waiting);
	free_list(&a->look.found);
	free_list(&a->look.known);
	while (a->orphans) {
		struct orphan *orphan = a->orphans;

		a->orphans = orphan->next;
		free(orphan);
	}
	close_fd(&a->done_fd);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*adopter = NULL;
}

void adopter_add(struct adopter *a, struct oci_container *oci, uint64_t start, uint64_t started_ns, uint64_t keep_id,
		 uint32_t keep_slot)
{
	struct adopt_found *f = calloc(1, sizeof(*f));

	if (!f) {
		log_error("adoption: no memory for container %s: it is looked for in its runtime's folder", oci->facts.id);
		oci_free(&oci);
		return;
	}
	*f = (struct adopt_found){ .oci = oci, .pidfd = -1, .rootfs_fd = -1, .start = start, .started_ns = started_ns,
				   .keep_id = keep_id, .keep_slot = keep_slot, .file_id = keep_id, .next = a->known };
	a->known = f;
}

void adopter_begin(struct adopter *a)
{
	look(a);
}

bool adopter_waiting_at(const struct adopter *a, size_t i, struct container *ret)
{
	const struct adopt_found *f = a ? a->waiting : NULL;

	while (f && i-- > 0)
		f = f->next;
	if (!f)
		return false;
	*ret = (struct container){ .facts = f->oci->facts, .pid = f->oci->pid, .started_ns = f->started_ns,
				   .state = CONTAINER_STATE_ADOPTING, .source = CONTAINER_SOURCE_ADOPTED };
	return true;
}
