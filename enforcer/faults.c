// SPDX-License-Identifier: Apache-2.0
/*
 * The list of faults. Contracts: faults.h.
 *
 *   I1  A fault is at most two lines in each FAULTS_SETTLE_NS, however many containers meet it.
 */
#include "enforcer/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"

#define CHECK_NS (2ull * NSEC_PER_SEC)

struct fault {
	bool present;
	uint64_t count, count_before; /* since the start; when it began */
	uint64_t began_ns, met_ns;    /* CLOCK_MONOTONIC */
	uint64_t over_ns;	      /* 0: not yet */
};

struct faults {
	struct loop *loop;
	struct loop_source *timer; /* while something is present */
	void (*mend)(void *data);
	void *data;
	struct fault at[_FAULT_MAX];
};

static const struct {
	const char *name, *text;
} words[] = {
	[FAULT_CONTAINERS] = { "container_slots", "no slot is left for another container (--max-containers)" },
	[FAULT_POLICIES] = { "policy_slots", "the kernel's tables have no room for another policy or its exceptions" },
	[FAULT_CATALOG] = { "catalogue", "the catalogue has no room for more executables (--max-executables)" },
	[FAULT_VOLUMES] = { "volumes", "the kernel's table of volumes is full" },
	[FAULT_ROOTS] = { "roots", "the kernel's table of roots or cgroups is full" },
	[FAULT_WRITES] = { "write_notes", "there is no room for more notes of written image files: copy-ups of some containers "
					  "count as modified" },
	[FAULT_QUEUE] = { "start_queue", "too many containers start at once" },
	[FAULT_DESCRIPTORS] = { "descriptors", "the daemon can open no more files" },
	[FAULT_TASKS] = { "task_tags", "the kernel had no memory for a task's tag and refused its fork" },
	[FAULT_STATE] = { "state", "the daemon's state cannot be written; it is tried again" },
};
_Static_assert(ARRAY_SIZE(words) == _FAULT_MAX, "words for each kind");

int faults_new(struct loop *loop, void (*mend)(void *data), void *data, struct faults **ret)
{
	struct faults *faults = calloc(1, sizeof(*faults));

	if (!faults)
		return -ENOMEM;
	faults->loop = loop;
	faults->mend = mend;
	faults->data = data;
	*ret = faults;
	return 0;
}

void faults_free(struct faults **faults)
{
	if (!*faults)
		return;
	loop_unwatch(&(*faults)->timer);
	free(*faults);
	*faults = NULL;
}

static void on_timer(uint32_t events, void *data)
{
	(void)events;
	faults_check(data, clock_ns(CLOCK_MONOTONIC));
}

static void start_timer(struct faults *faults)
{
	int err = faults->timer || !faults->loop ? 0 : loop_timer(faults->loop, CHECK_NS, CHECK_NS, on_timer, faults,
								  &faults->timer);

	if (err)
		log_error("faults: no timer, what failed is tried again only when it is met again: %s", strerror(-err));
}

static void begin(struct faults *faults, enum fault_kind kind, uint64_t now_ns, const char *detail)
{
	struct fault *fault = &faults->at[kind];

	fault->present = true;
	fault->began_ns = now_ns;
	fault->count_before = fault->count;
	log_error("%s%s%s; one line more when it is over, see holdfast status", words[kind].text, detail ? ": " : "",
		  detail ? detail : "");
	start_timer(faults);
}

static bool meet(struct faults *faults, enum fault_kind kind, uint64_t n, const char *detail)
{
	struct fault *fault = &faults->at[kind];
	bool fresh = !fault->present;

	fault->met_ns = clock_ns(CLOCK_MONOTONIC);
	fault->over_ns = 0;
	if (fresh)
		begin(faults, kind, fault->met_ns, detail);
	fault->count += n;
	return fresh;
}

bool faults_met(struct faults *faults, enum fault_kind kind, const char *detail)
{
	return meet(faults, kind, 1, detail);
}

void faults_met_times(struct faults *faults, enum fault_kind kind, uint64_t n)
{
	if (n)
		meet(faults, kind, n, NULL);
}

void faults_still(struct faults *faults, enum fault_kind kind)
{
	faults->at[kind].met_ns = clock_ns(CLOCK_MONOTONIC);
	faults->at[kind].over_ns = 0;
}

void faults_over(struct faults *faults, enum fault_kind kind)
{
	struct fault *fault = &faults->at[kind];

	if (fault->present && !fault->over_ns)
		fault->over_ns = clock_ns(CLOCK_MONOTONIC);
}

static void end(struct faults *faults, enum fault_kind kind, uint64_t now_ns)
{
	struct fault *fault = &faults->at[kind];

	fault->present = false;
	fault->over_ns = 0;
	log_info("over after %llu s, met %llu times: %s", (unsigned long long)((now_ns - fault->began_ns) / NSEC_PER_SEC),
		 (unsigned long long)(fault->count - fault->count_before), words[kind].text);
}

/* What can be tried again says by itself whether it is over. */
static bool is_over(const struct fault *fault, enum fault_kind kind, uint64_t now_ns)
{
	if (fault->over_ns)
		return now_ns >= fault->over_ns + FAULTS_SETTLE_NS;
	return kind != FAULT_STATE && now_ns >= fault->met_ns + FAULTS_QUIET_NS;
}

void faults_check(struct faults *faults, uint64_t now_ns)
{
	bool any = false;

	if (faults->mend)
		faults->mend(faults->data);
	for (enum fault_kind kind = 0; kind < _FAULT_MAX; kind++) {
		if (faults->at[kind].present && is_over(&faults->at[kind], kind, now_ns))
			end(faults, kind, now_ns);
		any = any || faults->at[kind].present;
	}
	if (!any)
		loop_unwatch(&faults->timer);
}

bool faults_present(const struct faults *faults, enum fault_kind kind)
{
	return faults->at[kind].present;
}

uint64_t faults_count(const struct faults *faults, enum fault_kind kind)
{
	return faults->at[kind].count;
}

const char *faults_name(enum fault_kind kind)
{
	return words[kind].name;
}

const char *faults_text(enum fault_kind kind)
{
	return words[kind].text;
}
