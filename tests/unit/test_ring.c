// SPDX-License-Identifier: Apache-2.0
/*
 * From the ring to a file while the daemon is killed at points of a seeded choice: every event is in the file, under a number
 * of its own, and one that is there twice says so. Then one daemon whose events wait for their digests. The ring is an image in
 * shared memory; the kernel half is the test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/detect.h"
#include "enforcer/digests.h"
#include "enforcer/event_log.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/mend.h"
#include "enforcer/ring.h"
#include "enforcer/settle.h"
#include "enforcer/ring_map.h"
#include "enforcer/util.h"

#define RING_BYTES ((size_t)HF_RING_BYTES)
#define EVENTS 20000u	   /* what the ring holds */
#define KILLS 200u	   /* at most: less when the ring is empty before */
#define LIFE_US_MAX 3000u  /* of a daemon */
#define CANARY_EVERY 7u
#define BROKEN_EVERY 1000u /* of another version */

struct fixture {
	int ring_fd;
	char *pages;
	struct hf_config *config; /* shared with the daemons, as the map is */
	char folder[32], file[64];
	uint64_t produced, told, broken;
};

static struct fixture fixture;
static struct ring_map *ring_map;
static int readable_fd;
static struct {
	digests_done_fn done;
	void *data;
} asked[4];
static size_t n_asked; /* starts at the end: nobody has time */

/* The kernel half. */
struct hf_config *lsm_config(struct lsm *lsm)
{
	(void)lsm;
	return fixture.config;
}

struct ring_map *lsm_ring(struct lsm *lsm)
{
	(void)lsm;
	return ring_map;
}

int lsm_ring_fd(struct lsm *lsm)
{
	(void)lsm;
	return readable_fd;
}

void settle_on_event(struct settler *settler, const struct hf_event *record, const struct container *container)
{
	(void)settler;
	(void)record;
	(void)container;
}

void detect_on_drift(struct daemon *daemon, const struct hf_event *record, size_t bytes, const struct event_context *context)
{
	(void)daemon;
	(void)record;
	(void)bytes;
	(void)context;
}

int lsm_others_ring(size_t i, struct ring_map **ret)
{
	(void)i;
	(void)ret;
	return -ENOENT;
}

int lsm_counters(struct lsm *lsm, uint64_t ret[_HF_COUNTER_MAX])
{
	(void)lsm;
	memset(ret, 0, _HF_COUNTER_MAX * sizeof(*ret));
	ret[HF_COUNTER_EVENTS] = fixture.produced;
	return 0;
}

void mend_look(struct daemon *daemon, const uint64_t counters[_HF_COUNTER_MAX])
{
	(void)daemon;
	(void)counters;
}

int digests_of_file(struct digests *digests, const struct digest_request *request, digests_done_fn done, void *data,
		    struct imagedb_digest *ret)
{
	(void)digests;
	(void)request;
	(void)ret;
	if (n_asked == ARRAY_SIZE(asked))
		return -EBUSY;
	asked[n_asked].done = done;
	asked[n_asked++].data = data;
	return -EINPROGRESS;
}

/* Answers the last question. */
static void answer(int err)
{
	struct imagedb_digest digest = { .algorithms = IMAGEDB_ALGORITHM_SHA256 };

	assert_true(n_asked > 0);
	n_asked--;
	asked[n_asked].done(err, err ? NULL : &digest, asked[n_asked].data);
}

void digests_cancel(struct digests *digests)
{
	(void)digests;
	while (n_asked > 0)
		answer(-ECANCELED);
}

static void put(uint64_t at, const void *bytes, size_t n)
{
	char *data = fixture.pages + 2 * 4096;

	memcpy(data + at % RING_BYTES, bytes, n);
	memcpy(data + RING_BYTES + at % RING_BYTES, bytes, n);
}

static const uint64_t record_bytes = 8 + sizeof(struct hf_event) + 8;

/* Fills the ring; of told events the inode is the number that they must get. */
static void fill_ring(void)
{
	struct {
		uint32_t header[2];
		struct hf_event event;
		char path[8];
	} record = { .header = { sizeof(record) - 8 }, .path = "x/tmp/" };
	uint64_t at = 0;

	_Static_assert(sizeof(record) == 8 + sizeof(struct hf_event) + 8, "a record as it stands in the ring");
	for (uint64_t i = 0; i < EVENTS; i++, at += sizeof(record)) {
		bool canary = i % CANARY_EVERY == 1, broken = i % BROKEN_EVERY == 2;

		record.event = (struct hf_event){ .version = broken ? 99 : HF_EVENT_VERSION, .bytes = sizeof(record.event) + 6,
						  .slot = canary ? HF_SLOT_CANARY : HF_SLOT_UNKNOWN, .path_bytes = 6 };
		fixture.broken += broken && !canary;
		fixture.told += !canary && !broken;
		record.event.ino = canary || broken ? 0 : fixture.told;
		put(at, &record, sizeof(record));
	}
	assert_true(at < RING_BYTES);
	fixture.produced = EVENTS;
	__atomic_store_n((uint64_t *)(void *)(fixture.pages + 4096), at, __ATOMIC_RELEASE);
}

static int setup(void **state)
{
	size_t bytes = 2 * 4096 + 2 * RING_BYTES;

	*state = &fixture;
	log_set_level(LOG_EMERG);
	strcpy(fixture.folder, "/tmp/hf-ring-XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.file, sizeof(fixture.file), "%s/events", fixture.folder);
	fixture.ring_fd = memfd_create("ring", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fixture.ring_fd, (off_t)bytes), 0);
	fixture.pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fixture.ring_fd, 0);
	fixture.config = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fixture.pages, MAP_FAILED);
	assert_ptr_not_equal(fixture.config, MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture.produced = fixture.told = fixture.broken = 0;
	munmap(fixture.pages, 2 * 4096 + 2 * RING_BYTES);
	munmap(fixture.config, 4096);
	close_fd(&fixture.ring_fd);
	unlink(fixture.file);
	rmdir(fixture.folder);
	return 0;
}

/* The daemon, until it is killed; the eventfd stays readable, as the ring's descriptor does while something waits. */
static void run_daemon(void)
{
	static struct daemon daemon;
	struct event_log_options options = { .stdout_fd = -1, .file = fixture.file };

	readable_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring_map_open(fixture.ring_fd, RING_BYTES, &ring_map) || loop_new(&daemon.loop) ||
	    container_table_new(&daemon.containers) || event_log_new(daemon.loop, &options, &daemon.events) ||
	    ring_new(&daemon, &daemon.ring))
		_exit(1);
	_exit(loop_run(daemon.loop) < 0);
}

/* One life of that length. */
static void live(useconds_t us)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		run_daemon();
	usleep(us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static bool is_drained(void)
{
	return memcmp(fixture.pages, fixture.pages + 4096, sizeof(uint64_t)) == 0;
}

struct score {
	uint64_t expected; /* number of the next event */
	uint64_t repeated, torn;
	bool after_torn;
};

static void check_line(struct score *score, const char *line)
{
	struct json_object *event = json_tokener_parse(line), *seq, *file, *inode, *flags;

	if (!event) { /* the kill hit a write: its event comes again */
		score->torn++;
		score->after_torn = true;
		return;
	}
	assert_true(json_object_object_get_ex(event, "seq", &seq));
	assert_true(json_object_object_get_ex(event, "file", &file));
	assert_true(json_object_object_get_ex(file, "inode", &inode));
	assert_true(json_object_object_get_ex(event, "flags", &flags));
	assert_int_equal(json_object_get_uint64(seq), json_object_get_uint64(inode));
	if (json_object_get_uint64(seq) == score->expected - 1 && !score->after_torn) {
		assert_non_null(strstr(json_object_to_json_string(flags), "repeated"));
		score->repeated++;
	} else {
		assert_int_equal(json_object_get_uint64(seq), score->expected++);
	}
	score->after_torn = false;
	json_object_put(event);
}

static void test_no_kill_loses_or_doubles_an_event_unsaid(void **state)
{
	struct score score = { .expected = 1 };
	_cleanup_(close_file) FILE *file = NULL;
	unsigned int kills = 0;
	char line[4096];

	(void)state;
	n_asked = ARRAY_SIZE(asked);
	srandom(20261122);
	fill_ring();
	while (kills < KILLS && !is_drained()) {
		live((useconds_t)((unsigned long)random() % LIFE_US_MAX));
		kills++;
	}
	while (!is_drained())
		live(20 * LIFE_US_MAX);
	file = fopen(fixture.file, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		check_line(&score, line);
	printf("# %u kills, %llu events: %llu told again, %llu cut\n", kills, (unsigned long long)fixture.told,
	       (unsigned long long)score.repeated, (unsigned long long)score.torn);
	assert_int_equal(score.expected - 1, fixture.told);
	assert_true(score.repeated + score.torn <= kills);
	assert_int_equal(fixture.config->events_taken, fixture.produced - fixture.broken);
	assert_int_equal(fixture.config->events_taken - fixture.config->events.own, fixture.told);
}

struct waiting {
	struct daemon daemon;
	struct loop_source *timer;
	size_t answers;
};

static void quit(uint32_t events, void *loop)
{
	(void)events;
	loop_quit(loop, 0);
}

/* Nothing is told or taken before the answer. */
static void on_answer_time(uint32_t events, void *data)
{
	struct waiting *w = data;

	(void)events;
	assert_int_equal(event_log_next(w->daemon.events), 0);
	assert_int_equal(ring_map_position(ring_map), 0);
	answer(0);
	if (--w->answers == 0)
		loop_quit(w->daemon.loop, 0);
}

static void start_waiting(struct waiting *w)
{
	struct event_log_options options = { .stdout_fd = -1 };

	fill_ring();
	__atomic_store_n((uint64_t *)(void *)(fixture.pages + 4096), record_bytes, __ATOMIC_RELEASE);
	n_asked = 0;
	w->daemon.options.digest_wait_ms = 30000;
	readable_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(ring_map_open(fixture.ring_fd, RING_BYTES, &ring_map), 0);
	assert_int_equal(loop_new(&w->daemon.loop), 0);
	assert_int_equal(container_table_new(&w->daemon.containers), 0);
	assert_int_equal(event_log_new(w->daemon.loop, &options, &w->daemon.events), 0);
	assert_int_equal(ring_new(&w->daemon, &w->daemon.ring), 0);
}

static void end_waiting(struct waiting *w)
{
	ring_free(&w->daemon.ring);
	loop_unwatch(&w->timer);
	event_log_free(&w->daemon.events);
	container_table_free(&w->daemon.containers);
	loop_free(&w->daemon.loop);
	ring_map_close(&ring_map);
	close_fd(&readable_fd);
}

/* The ring stays readable all the while: the loop must not turn on that. */
static void test_event_that_waits_lets_the_daemon_rest(void **state)
{
	struct waiting w = { .answers = 1 };
	uint64_t before, used;
	size_t bytes;

	(void)state;
	start_waiting(&w);
	assert_int_equal(loop_timer(w.daemon.loop, NSEC_PER_SEC / 2, 0, on_answer_time, &w, &w.timer), 0);
	before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(loop_run(w.daemon.loop), 0);
	used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
	assert_true(used < NSEC_PER_SEC / 8);
	assert_int_equal(event_log_next(w.daemon.events), 1);
	assert_non_null(strstr(event_log_line(w.daemon.events, 0, &bytes), "\"sha256\":\"00"));
	assert_int_equal(ring_map_position(ring_map), record_bytes);
	end_waiting(&w);
}

/* An orderly end does not leave what waits for the next start. */
static void test_end_tells_what_waits(void **state)
{
	struct waiting w = { 0 };
	struct daemon *daemon = &w.daemon;
	size_t bytes;

	(void)state;
	start_waiting(&w);
	w.answers = 0;
	assert_int_equal(loop_timer(daemon->loop, NSEC_PER_SEC / 20, 0, quit, daemon->loop, &w.timer), 0);
	assert_int_equal(loop_run(daemon->loop), 0);
	assert_int_equal(event_log_next(daemon->events), 0);
	ring_free(&daemon->ring);
	assert_int_equal(event_log_next(daemon->events), 1);
	assert_non_null(strstr(event_log_line(daemon->events, 0, &bytes), "\"sha256_missing\":\"timeout\""));
	assert_int_equal(ring_map_position(ring_map), record_bytes);
	assert_int_equal(fixture.config->events_taken, 1);
	end_waiting(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_kill_loses_or_doubles_an_event_unsaid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_that_waits_lets_the_daemon_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_tells_what_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
