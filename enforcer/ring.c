// SPDX-License-Identifier: Apache-2.0
/*
 * Reading the ring.
 */
#include "enforcer/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/event_json.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/mend.h"
#include "enforcer/util.h"

#define LOST_CHECK_NS (1 * NSEC_PER_SEC)

struct ring {
	struct daemon *daemon;
	struct loop_source *source, *timer;
	struct json json;
	int64_t clock_offset_ns;
	uint64_t malformed;
};

static void on_record(const struct hf_event *record, void *data)
{
	struct ring *ring = data;
	struct daemon *daemon = ring->daemon;
	struct event_context context = { .boot_to_real_ns = ring->clock_offset_ns };
	const char *line;
	size_t bytes;
	int err;

	if (record->slot == HF_SLOT_CANARY)
		return;
	if (record->slot != HF_SLOT_UNKNOWN)
		context.container = container_by_kernel_id(daemon->containers, record->container);
	if (context.container)
		context.policy = context.container->policy;
	err = event_json_drift(&ring->json, record, record->bytes, &context, &line, &bytes);
	if (err) {
		if (ring->malformed++ == 0)
			log_error("events: a record could not be read: %s", strerror(-err));
		return;
	}
	event_log_append(daemon->events, line, bytes);
	daemon->events_delivered++;
}

static void on_ring(uint32_t events, void *data)
{
	struct ring *ring = data;
	int n;

	(void)events;
	ring->clock_offset_ns = event_json_clock_offset();
	n = lsm_ring_consume(ring->daemon->lsm, on_record, ring);
	if (n < 0)
		log_error("events: cannot read the ring: %s", strerror(-n));
}

/* Tells what the ring had no room for since the last time. */
static void on_lost_check(uint32_t events, void *data)
{
	struct ring *ring = data;
	uint64_t counters[_HF_COUNTER_MAX], lost;
	__u64 *told = &lsm_config(ring->daemon->lsm)->lost_told;
	const char *line;
	size_t bytes;

	(void)events;
	if (lsm_counters(ring->daemon->lsm, counters))
		return;
	mend_look(ring->daemon, counters);
	lost = counters[HF_COUNTER_EVENTS_LOST] + counters[HF_COUNTER_EVENTS_NO_MEMORY];
	if (lost == *told)
		return;
	if (event_json_lost(&ring->json, lost - *told, "the kernel's ring was full", clock_ns(CLOCK_REALTIME),
			    &line, &bytes) == 0)
		event_log_append(ring->daemon->events, line, bytes);
	log_warning("events: %llu lost, the ring was full", (unsigned long long)(lost - *told));
	*told = lost;
}

/* What another version, older or newer, left in its ring. Records that cannot be read are told as lost. */
static void take_from_others(struct ring *ring)
{
	uint64_t unread = 0;
	const char *line;
	size_t bytes;
	int err;

	ring->clock_offset_ns = event_json_clock_offset();
	err = lsm_others_drain(on_record, ring, &unread);
	if (err)
		log_error("events: cannot read the ring of another version: %s", strerror(-err));
	if (!unread)
		return;
	if (event_json_lost(&ring->json, unread, "records of another version", clock_ns(CLOCK_REALTIME), &line, &bytes) == 0)
		event_log_append(ring->daemon->events, line, bytes);
	log_warning("events: %llu of another version cannot be read", (unsigned long long)unread);
}

int ring_new(struct daemon *daemon, struct ring **ret)
{
	_cleanup_(ring_free) struct ring *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->daemon = daemon;
	json_init(&ring->json, EVENT_JSON_BYTES_MAX);
	err = loop_watch(daemon->loop, lsm_ring_fd(daemon->lsm), EPOLLIN, on_ring, ring, &ring->source);
	if (!err)
		err = loop_timer(daemon->loop, LOST_CHECK_NS, LOST_CHECK_NS, on_lost_check, ring, &ring->timer);
	if (err)
		return err;
	*ret = TAKE_PTR(ring);
	take_from_others(*ret);
	on_ring(0, *ret); /* what an earlier daemon left */
	return 0;
}

void ring_free(struct ring **ring)
{
	if (!*ring)
		return;
	loop_unwatch(&(*ring)->source);
	loop_unwatch(&(*ring)->timer);
	json_release(&(*ring)->json);
	free(*ring);
	*ring = NULL;
}
