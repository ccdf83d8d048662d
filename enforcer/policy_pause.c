// SPDX-License-Identifier: Apache-2.0
/*
 * The pauses in force. Contracts: policy_pause.h.
 *
 * I1: the kernel half compares each end with the clock by itself; what happens here at an end only tells people and
 *     tidies up.
 * I2: the file never holds a pause that was ended: it is written first, and removed if that fails.
 */
#include "enforcer/policy_pause.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/policy_pause_file.h"
#include "enforcer/util.h"

struct policy_pauses {
	struct policy_pause_options options;
	char *run_dir; /* owned; NULL: no file */
	struct loop_source *timer;
	struct policy_pause_list list;
	bool unsaved;
};

static const char *describe(const char *namespace_, char ret[POLICY_PAUSE_NAMESPACE_BYTES + 16])
{
	snprintf(ret, POLICY_PAUSE_NAMESPACE_BYTES + 16, "%s%s", namespace_[0] ? "namespace " : "all containers", namespace_);
	return ret;
}

static uint64_t to_real_ns(uint64_t boot_ns)
{
	return boot_ns - clock_ns(CLOCK_BOOTTIME) + clock_ns(CLOCK_REALTIME);
}

static void log_begin(const struct policy_pause *pause)
{
	char who[POLICY_PAUSE_NAMESPACE_BYTES + 16], until[JSON_TIME_BYTES];

	json_format_time(to_real_ns(pause->until_boot_ns), until);
	log_warning("break-glass: nothing is denied until %s: %s", until, describe(pause->namespace_, who));
}

static void log_end(const struct policy_pause *pause, const char *how)
{
	char who[POLICY_PAUSE_NAMESPACE_BYTES + 16];

	log_warning("break-glass: %s: %s", how, describe(pause->namespace_, who));
}

static struct policy_pause *find(struct policy_pauses *pauses, const char *namespace_)
{
	for (size_t i = 0; i < pauses->list.n; i++)
		if (strcmp(pauses->list.at[i].namespace_, namespace_) == 0)
			return &pauses->list.at[i];
	return NULL;
}

static void save(struct policy_pauses *pauses)
{
	int err = pauses->run_dir ? policy_pause_file_write(pauses->run_dir, &pauses->list) : 0;

	pauses->unsaved = err != 0;
	if (err && pauses->options.unsaved)
		pauses->options.unsaved(err, pauses->options.data);
	else if (err)
		log_error("cannot write %s/pauses.json, a restart would not show the pauses: %s", pauses->run_dir,
			  strerror(-err));
}

/* Keeps the order of the others, so that listings stay as they are. */
static void drop(struct policy_pauses *pauses, struct policy_pause *pause)
{
	size_t i = (size_t)(pause - pauses->list.at);

	memmove(pause, pause + 1, (pauses->list.n - i - 1) * sizeof(*pause));
	pauses->list.n--;
}

static void apply(const struct policy_pauses *pauses, const char *namespace_, uint64_t until_boot_ns)
{
	pauses->options.apply(namespace_, until_boot_ns, pauses->options.data);
}

/* Takes out what has ended by itself. */
static void sweep(struct policy_pauses *pauses)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	size_t before = pauses->list.n;

	for (size_t i = 0; i < pauses->list.n;) {
		struct policy_pause pause = pauses->list.at[i];

		if (pause.until_boot_ns > now) {
			i++;
			continue;
		}
		drop(pauses, &pauses->list.at[i]);
		apply(pauses, pause.namespace_, 0);
		log_end(&pause, "ended by itself, the policies are in force again");
	}
	if (pauses->list.n != before)
		save(pauses);
}

static void set_timer(struct policy_pauses *pauses);

static void on_end(uint32_t events, void *data)
{
	struct policy_pauses *pauses = data;

	(void)events;
	sweep(pauses);
	set_timer(pauses);
}

/* For the next end. The loop's timers stand still while the machine sleeps; then an end is told late (I1). */
static void set_timer(struct policy_pauses *pauses)
{
	uint64_t next = UINT64_MAX, now = clock_ns(CLOCK_BOOTTIME);
	int err;

	loop_unwatch(&pauses->timer);
	for (size_t i = 0; i < pauses->list.n; i++)
		if (pauses->list.at[i].until_boot_ns < next)
			next = pauses->list.at[i].until_boot_ns;
	if (!pauses->list.n || !pauses->options.loop)
		return;
	err = loop_timer(pauses->options.loop, next > now ? next - now : 0, 0, on_end, pauses, &pauses->timer);
	if (err)
		log_error("no timer for the end of break-glass, which comes all the same: %s", strerror(-err));
}

/* An end no later than a pause can have: a clock or a file that says otherwise is not believed. */
static bool is_in_force(uint64_t until_boot_ns, uint64_t now)
{
	return until_boot_ns > now && until_boot_ns - now <= POLICY_STORE_PAUSE_SECONDS_MAX * NSEC_PER_SEC;
}

static void restore(struct policy_pauses *pauses)
{
	struct policy_pause_list *list = &pauses->list;
	uint64_t now = clock_ns(CLOCK_BOOTTIME), all = pauses->options.all_until_ns;
	int err = pauses->run_dir ? policy_pause_file_read(pauses->run_dir, list) : 0;
	struct policy_pause *pause;

	if (err)
		log_error("cannot read %s/pauses.json, the pauses in it are not shown: %s", pauses->run_dir, strerror(-err));
	for (size_t i = 0; i < list->n;) {
		if (is_in_force(list->at[i].until_boot_ns, now))
			i++;
		else
			drop(pauses, &list->at[i]);
	}
	/* What the kernel half holds is what is in force. */
	pause = find(pauses, "");
	if (!pause && is_in_force(all, now) && list->n < ARRAY_SIZE(list->at)) {
		pause = &list->at[list->n++];
		*pause = (struct policy_pause){ 0 };
	}
	if (pause && is_in_force(all, now))
		pause->until_boot_ns = all;
	for (size_t i = 0; i < list->n; i++) {
		apply(pauses, list->at[i].namespace_, list->at[i].until_boot_ns);
		log_begin(&list->at[i]);
	}
	save(pauses);
	set_timer(pauses);
}

int policy_pauses_new(const struct policy_pause_options *options, struct policy_pauses **ret)
{
	_cleanup_(policy_pauses_free) struct policy_pauses *pauses = calloc(1, sizeof(*pauses));

	if (!pauses)
		return -ENOMEM;
	pauses->options = *options;
	pauses->run_dir = options->run_dir ? strdup(options->run_dir) : NULL;
	if (options->run_dir && !pauses->run_dir)
		return -ENOMEM;
	restore(pauses);
	*ret = TAKE_PTR(pauses);
	return 0;
}

void policy_pauses_free(struct policy_pauses **pauses)
{
	struct policy_pauses *gone = pauses ? *pauses : NULL;

	if (!gone)
		return;
	*pauses = NULL;
	loop_unwatch(&gone->timer);
	free(gone->run_dir);
	free(gone);
}

int policy_pauses_mend(struct policy_pauses *pauses)
{
	int err = pauses->unsaved ? policy_pause_file_write(pauses->run_dir, &pauses->list) : 0;

	pauses->unsaved = err != 0;
	return err;
}

static int end_pause(struct policy_pauses *pauses, const char *namespace_)
{
	struct policy_pause *pause = find(pauses, namespace_), ended;

	if (!pause)
		return -ENOENT;
	ended = *pause;
	drop(pauses, pause);
	save(pauses);
	apply(pauses, namespace_, 0);
	set_timer(pauses);
	log_end(&ended, "ended by order, the policies are in force again");
	return 0;
}

int policy_pauses_set(struct policy_pauses *pauses, const char *namespace_, uint64_t seconds)
{
	struct policy_pause *pause;

	namespace_ = namespace_ ? namespace_ : "";
	if (seconds > POLICY_STORE_PAUSE_SECONDS_MAX || policy_pause_check_namespace(namespace_) < 0)
		return -EINVAL;
	sweep(pauses);
	if (seconds == 0)
		return end_pause(pauses, namespace_);
	pause = find(pauses, namespace_);
	if (!pause) {
		/* One place is kept for all containers: in an incident that one must work. */
		bool all = !namespace_[0] || find(pauses, "");

		if (pauses->list.n >= (all ? ARRAY_SIZE(pauses->list.at) : POLICY_STORE_PAUSES_MAX))
			return -ENOSPC;
		pause = &pauses->list.at[pauses->list.n++];
		*pause = (struct policy_pause){ 0 };
		snprintf(pause->namespace_, sizeof(pause->namespace_), "%s", namespace_);
	}
	pause->until_boot_ns = clock_ns(CLOCK_BOOTTIME) + seconds * NSEC_PER_SEC;
	save(pauses);
	apply(pauses, namespace_, pause->until_boot_ns);
	set_timer(pauses);
	log_begin(pause);
	return 0;
}

int policy_pauses_at(const struct policy_pauses *pauses, size_t i, const char **ret_namespace, uint64_t *ret_until_ns)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	for (size_t k = 0; k < pauses->list.n; k++) {
		const struct policy_pause *pause = &pauses->list.at[k];

		if (pause->until_boot_ns <= now || i-- > 0)
			continue;
		*ret_namespace = pause->namespace_;
		*ret_until_ns = to_real_ns(pause->until_boot_ns);
		return 0;
	}
	return -ENOENT;
}

uint64_t policy_pauses_until(const struct policy_pauses *pauses, const char *namespace_)
{
	if (!namespace_ || !namespace_[0])
		return 0;
	for (size_t i = 0; i < pauses->list.n; i++)
		if (strcmp(pauses->list.at[i].namespace_, namespace_) == 0)
			return pauses->list.at[i].until_boot_ns;
	return 0;
}
