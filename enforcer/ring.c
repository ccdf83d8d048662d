// SPDX-License-Identifier: Apache-2.0
/*
 * Reading the ring. Contracts: ring.h.
 *
 * I1: of each record, in this order: its end and the count before it are noted, its line is handed out, the count is raised,
 *     it is taken. Whoever finds the count raised but the record not taken (the lowest bits tell) takes it without a word;
 *     with the count not raised, the line may have been out.
 * I2: while the first event waits, or there is no memory for it, the ring stays readable: its descriptor is not watched then,
 *     a timer looks on instead.
 */
#include "enforcer/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/digests.h"
#include "enforcer/event_json.h"
#include "enforcer/event_log.h"
#include "enforcer/event_queue.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/mend.h"
#include "enforcer/ring_map.h"
#include "enforcer/ring_note.h"
#include "enforcer/settle.h"
#include "enforcer/util.h"

#define LOST_CHECK_NS (1 * NSEC_PER_SEC)
/* How often is looked for more records, and for the end of a wait, while an event waits for its digest. */
#define LOOK_NS (20 * NSEC_PER_SEC / 1000)
/* Events told in one visit, before others on the loop have their turn. */
#define VISIT_EVENTS 1024
/* Attempts at a set of counts that agree, while events come in. */
#define COUNT_ATTEMPTS 4

struct ring {
	struct daemon *daemon;
	struct ring_map *map; /* borrowed */
	struct hf_config *config; /* the notes that outlive us */
	struct event_queue *queue;
	struct loop_source *source, *check, *look;
	struct json json;
	int64_t clock_offset_ns;
	uint64_t ahead; /* position behind the last record of the queue */
	bool repeated;	/* the next record may have been told before */
	bool unreadable_told;
	bool starved; /* there was no memory to look at the next record */
	bool closing;
};

/* Records of the canary are for the daemon itself, which has had its answer. */
static int queue_record(struct ring *ring, const struct ring_record *found)
{
	const struct hf_event *record = found->data;
	struct event_context context = { .boot_to_real_ns = ring->clock_offset_ns, .repeated = ring->repeated };
	struct event_queue_record item = { .record = record, .bytes = found->bytes, .next = found->next };
	int err;

	if (found->bytes < sizeof(*record) || record->slot != HF_SLOT_CANARY)
		item.context = &context;
	if (found->bytes >= sizeof(*record) && record->slot != HF_SLOT_UNKNOWN)
		context.container = container_by_kernel_id(ring->daemon->containers, record->container);
	if (context.container)
		context.policy = context.container->policy;
	if (context.container && found->bytes >= sizeof(*record) + record->path_bytes)
		settle_on_event(ring->daemon->settler, record, context.container);
	context.seq = ring->config->events_taken - ring->config->events.own + event_queue_told(ring->queue) + 1;
	err = event_queue_add(ring->queue, &item, clock_ns(CLOCK_MONOTONIC));
	ring->starved = err < 0;
	if (!err && item.context && !ring->repeated)
		detect_on_drift(ring->daemon, record, found->bytes, &context);
	if (!err)
		ring->repeated = false;
	return err;
}

/* A ring that makes no sense is left behind as it is; the counters then say how many records that were. */
static void leave_broken(struct ring *ring)
{
	uint64_t bytes = ring_map_skip_all(ring->map);

	log_error("events: the ring makes no sense, %llu bytes of it were skipped", (unsigned long long)bytes);
	ring->ahead = ring_map_position(ring->map);
}

static void look_ahead(struct ring *ring)
{
	struct ring_record found;

	while (!event_queue_is_full(ring->queue)) {
		enum ring_state state = ring_map_peek(ring->map, ring->ahead, &found);

		if (state == RING_BROKEN && event_queue_is_empty(ring->queue))
			leave_broken(ring);
		if (state == RING_DISCARDED && event_queue_is_empty(ring->queue))
			ring_map_take(ring->map, found.next);
		else if (state != RING_RECORD || queue_record(ring, &found) < 0)
			return;
		ring->ahead = found.next;
	}
}

/* More records than the queue holds: nobody waits for a digest then. */
static bool is_flooded(const struct ring *ring)
{
	struct ring_record found;

	return event_queue_is_full(ring->queue) && ring_map_peek(ring->map, ring->ahead, &found) != RING_EMPTY;
}

/* I1 */
static void take_head(struct ring *ring, const struct event_queue_head *head)
{
	struct hf_config *config = ring->config;

	if (head->error && !ring->unreadable_told) {
		ring->unreadable_told = true;
		log_error("events: a record could not be read: %s", strerror(-head->error));
	}
	ring_note_begin(config, head->next);
	if (head->line)
		event_log_append(ring->daemon->events, head->line, head->bytes);
	if (!head->error)
		ring_note_taken(config, head->line != NULL);
	event_queue_remove(ring->queue);
	ring_map_take(ring->map, head->next);
}

/* I2 */
static void arrange_watch(struct ring *ring, bool waiting);

/* Tells what need not wait, at most n events. False when more could be told at once. */
static bool tell_events(struct ring *ring, size_t n, bool hurry)
{
	struct event_queue_head head;

	while (n-- > 0) {
		look_ahead(ring);
		if (!event_queue_head(ring->queue, clock_ns(CLOCK_MONOTONIC), hurry || is_flooded(ring), &head))
			return true;
		take_head(ring, &head);
	}
	return false;
}

static void visit(struct ring *ring)
{
	bool done;

	ring->clock_offset_ns = event_json_clock_offset();
	ring->starved = false;
	done = tell_events(ring, VISIT_EVENTS, false);
	arrange_watch(ring, done && (ring->starved || !event_queue_is_empty(ring->queue)));
}

static void on_ring(uint32_t events, void *data)
{
	(void)events;
	visit(data);
}

static void on_answer(void *data)
{
	struct ring *ring = data;

	if (!ring->closing)
		visit(ring);
}

static void on_late(const char *line, size_t bytes, void *data)
{
	struct ring *ring = data;

	event_log_append(ring->daemon->events, line, bytes);
}

static void arrange_watch(struct ring *ring, bool waiting)
{
	struct loop *loop = ring->daemon->loop;

	if (waiting == (ring->look != NULL))
		return;
	if (!waiting)
		loop_unwatch(&ring->look);
	else if (loop_timer(loop, LOOK_NS, LOOK_NS, on_ring, ring, &ring->look) < 0)
		return; /* busy, but not deaf */
	if (ring->source)
		loop_rewatch(ring->source, waiting ? 0 : EPOLLIN);
}

/* The counters first: what comes in meanwhile can only look like waiting, never like lost. */
static int count_records(const struct ring *ring, uint64_t counters[_HF_COUNTER_MAX], struct ring_counts *ret)
{
	int err = lsm_counters(ring->daemon->lsm, counters);

	if (err < 0)
		return err;
	ring_note_counts(ring->config, counters, ring_map_count(ring->map), ret);
	return 0;
}

int ring_count(const struct ring *ring, struct ring_counts *ret)
{
	uint64_t counters[_HF_COUNTER_MAX];
	struct ring_counts counts;

	for (int i = 0; i < COUNT_ATTEMPTS; i++) {
		int err = count_records(ring, counters, &counts);

		if (err < 0)
			return err;
		if (counts.produced == counts.delivered + counts.waiting + counts.lost)
			break;
	}
	*ret = counts;
	return 0;
}

/* Whose are missing since the last time. How many of ret were filled; their counts become told. */
static size_t find_owners(const struct ring *ring, struct event_loss_of ret[EVENT_LOSS_CONTAINERS_MAX])
{
	struct hf_share *share;
	size_t n = 0;

	for (uint32_t slot = 0; n < EVENT_LOSS_CONTAINERS_MAX && (share = lsm_share(ring->daemon->lsm, slot)); slot++) {
		uint64_t lost = __atomic_load_n(&share->lost, __ATOMIC_ACQUIRE);
		const struct container *c;

		if (lost <= share->told)
			continue;
		c = slot >= HF_SLOT_FIRST ? container_by_kernel_id(ring->daemon->containers, share->container) : NULL;
		ret[n++] = (struct event_loss_of){ .container = c ? c->facts.id : NULL, .count = lost - share->told };
		share->told = lost;
	}
	return n;
}

/* Tells what is missing since the last time. */
static void on_lost_check(uint32_t events, void *data)
{
	struct ring *ring = data;
	struct hf_config *config = ring->config;
	uint64_t counters[_HF_COUNTER_MAX];
	struct ring_counts counts;
	struct event_loss_of of[EVENT_LOSS_CONTAINERS_MAX];
	struct event_loss loss = { .of = of };
	const char *line;
	size_t bytes;

	(void)events;
	visit(ring);
	if (count_records(ring, counters, &counts) < 0)
		return;
	mend_look(ring->daemon, counters);
	if (counts.lost <= config->lost_told)
		return;
	loss.count = counts.lost - config->lost_told;
	loss.total = counts.lost;
	loss.where = counts.lost > counts.unreadable ? "the kernel's ring was full" : "records of the ring could not be read";
	loss.n_of = find_owners(ring, of);
	log_warning("events: %llu lost, %s", (unsigned long long)loss.count, loss.where);
	if (event_json_lost(&ring->json, &loss, clock_ns(CLOCK_REALTIME), &line, &bytes) < 0)
		return;
	event_log_append(ring->daemon->events, line, bytes);
	config->lost_told = counts.lost;
}

static int start_queue(struct ring *ring)
{
	struct event_queue_options options = {
		.ask = digests_of_file, .digests = ring->daemon->digests,
		.wait_ns = ring->daemon->options.digest_wait_ms * (NSEC_PER_SEC / 1000),
		.on_answer = on_answer, .on_late = on_late, .data = ring,
	};

	return event_queue_new(&options, &ring->queue);
}

/* I1: what an earlier daemon left. */
static void recover(struct ring *ring)
{
	uint64_t position = ring_map_position(ring->map);

	switch (ring_note_recover(ring->config, position)) {
	case RING_NOTE_TOLD:
		ring_map_take(ring->map, ring_note_end(ring->config));
		break;
	case RING_NOTE_DOUBTFUL:
		ring->repeated = true;
		break;
	default:
		break;
	}
	ring->ahead = ring_map_position(ring->map);
}

/* One record of another version's ring. It is taken before it is counted: should we die in between, it is told as lost, which
 * is wrong, but hides nothing. */
static int take_from_other(struct ring *ring, struct ring_map *map, const struct ring_record *found)
{
	struct event_queue_head head;
	int err = queue_record(ring, found);

	if (err < 0)
		return err;
	if (event_queue_head(ring->queue, 0, true, &head) && head.line)
		event_log_append(ring->daemon->events, head.line, head.bytes);
	event_queue_remove(ring->queue);
	ring_map_take(map, found->next);
	if (!head.error)
		ring_note_taken(ring->config, head.line != NULL);
	return 0;
}

/* What other versions, older or newer, left in their rings. Records of another layout count as lost. */
static void take_from_others(struct ring *ring)
{
	ring->clock_offset_ns = event_json_clock_offset();
	for (size_t i = 0;; i++) {
		_cleanup_(ring_map_close) struct ring_map *map = NULL;
		int err = lsm_others_ring(i, &map);
		enum ring_state state = RING_EMPTY;
		struct ring_record found;

		if (err == -ENOENT)
			return;
		if (err)
			log_error("events: cannot read the ring of another version: %s", strerror(-err));
		while (map && !err && (state = ring_map_peek(map, ring_map_position(map), &found)) != RING_EMPTY) {
			if (state == RING_BROKEN)
				break;
			if (state == RING_RECORD)
				err = take_from_other(ring, map, &found);
			else
				ring_map_take(map, found.next);
		}
	}
}

int ring_new(struct daemon *daemon, struct ring **ret)
{
	_cleanup_(ring_free) struct ring *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	ring->daemon = daemon;
	ring->map = lsm_ring(daemon->lsm);
	ring->config = lsm_config(daemon->lsm);
	json_init(&ring->json, EVENT_JSON_BYTES_MAX);
	recover(ring);
	event_log_keep_notes(daemon->events, &ring->config->events);
	err = start_queue(ring);
	if (!err)
		err = loop_watch(daemon->loop, lsm_ring_fd(daemon->lsm), EPOLLIN, on_ring, ring, &ring->source);
	if (!err)
		err = loop_timer(daemon->loop, LOST_CHECK_NS, LOST_CHECK_NS, on_lost_check, ring, &ring->check);
	if (err)
		return err;
	take_from_others(ring);
	*ret = TAKE_PTR(ring);
	return 0;
}

/* The events that wait are told now: nobody would see them before the next start. */
void ring_free(struct ring **ring)
{
	struct ring *gone = *ring;

	if (!gone)
		return;
	loop_unwatch(&gone->source);
	loop_unwatch(&gone->check);
	loop_unwatch(&gone->look);
	gone->closing = true;
	digests_cancel(gone->daemon->digests);
	if (gone->queue)
		tell_events(gone, HF_RING_BYTES / sizeof(struct hf_event), true);
	event_queue_free(&gone->queue);
	event_log_leave_notes(gone->daemon->events);
	json_release(&gone->json);
	free(gone);
	*ring = NULL;
}
