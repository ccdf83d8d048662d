// SPDX-License-Identifier: Apache-2.0
/*
 * Arming, with everything around it replaced: each step and each allocation fails once, and whatever happens the hook is
 * answered exactly once and nothing is left behind.
 *
 * This program brings its own copy of arm.c with wrappers in place of the allocator.
 */
#include "tests/unit/arm_harness.h"

#define STEPS_MAX 200 /* far above what one start takes */

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* From a process that may have ended. */
static void request_of(pid_t pid, const char *state_json)
{
	static const char config[] = "{\"mounts\":[{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"ro\"]}]}";
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert_int_equal(write(fd, config, strlen(config)), (ssize_t)strlen(config));
	arm_request(w.daemon, CLIENT, strdup(state_json), (int)syscall(SYS_pidfd_open, pid, 0), dup(fd), fd);
}

static void request(const char *state_json)
{
	request_of(getpid(), state_json);
}

/* What the enrolling thread answers. */
static void finish_job(int err)
{
	struct enrol_job *job = TAKE_PTR(w.job);

	if (!job)
		return;
	job->err = err;
	job->root_dev = ROOT_DEV;
	job->root_ino = 2;
	snprintf(job->error, sizeof(job->error), "%s", err ? "its scan took too long" : "");
	if (!err) {
		w.sets++;
		job->layer_set = LAYER_SET;
		job->root.own_overlay = true;
		snprintf(job->root.type, sizeof(job->root.type), "overlay");
		job->root.layers = strdup("layers");
		job->volumes = calloc(job->n_mounts, sizeof(*job->volumes));
		job->volumes[0].dev = 8;
	}
	job->done(job, job->data);
}

#define STATE(id) "{\"id\":\"" id "\",\"pid\":42}"

/* One start in which step fail_at fails; true while there was such a step. */
static bool start_failing(unsigned int fail_at, int enrol_err)
{
	unsigned int fds = count_fds(), steps;
	bool registered;

	w.step = w.answers = 0;
	w.fail_at = fail_at;
	request(STATE("abc"));
	finish_job(enrol_err);
	steps = w.step;
	w.fail_at = 0;
	if (w.answers != 1)
		fail_msg("step %u: answered %u times", fail_at, w.answers);
	/* In the table and with a record, armed or not; or nobody knows it, and the policy lets it start as one of those. */
	registered = container_count(w.daemon->containers) == 1;
	assert_int_equal(w.records[HF_SLOT_FIRST].id != 0, registered);
	if (registered ? w.status != 0 : w.armed || (w.status == 0 && w.not_ready == POLICY_NOT_READY_DENY))
		fail_msg("step %u: status %d, armed %d, registered %d", fail_at, w.status, w.armed, registered);
	release_all();
	check_nothing_left();
	if (count_fds() != fds)
		fail_msg("step %u: %u descriptors before, %u after", fail_at, fds, count_fds());
	return fail_at <= steps;
}

static void test_each_failure_is_answered_once_and_leaves_nothing(void **)
{
	static const enum policy_not_ready rows[] = { POLICY_NOT_READY_DENY, POLICY_NOT_READY_AUDIT, POLICY_NOT_READY_ALLOW };
	static const int enrol_errs[] = { 0, -ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(enrol_errs); i++) {
		unsigned int at = 1;

		w.not_ready = rows[i / 2];
		while (start_failing(at, enrol_errs[i % 2]))
			assert_true(++at < STEPS_MAX);
		assert_true(at > 5);
	}
}

/* What a container gets whose image could not be enrolled, by its policy; the twin is enrolled. */
static void test_not_ready_is_decided_by_the_policy(void **)
{
	static const struct {
		enum policy_not_ready not_ready;
		int status;
		enum container_state state;
		uint32_t flag;
	} rows[] = {
		{ POLICY_NOT_READY_DENY, -ETIMEDOUT, CONTAINER_STATE_PENDING, 0 },
		{ POLICY_NOT_READY_AUDIT, 0, CONTAINER_STATE_AUDIT, HF_CONTAINER_NO_BASELINE },
		{ POLICY_NOT_READY_ALLOW, 0, CONTAINER_STATE_UNWATCHED, HF_CONTAINER_UNARMED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct container *c;

		w.not_ready = rows[i].not_ready;
		request(STATE("abc"));
		finish_job(-ETIMEDOUT);
		c = container_at(w.daemon->containers, 0);
		assert_int_equal(w.status, rows[i].status);
		assert_false(w.armed);
		assert_string_equal(w.message, "its scan took too long");
		assert_int_equal(c != NULL, rows[i].status == 0);
		if (c) {
			assert_int_equal(c->state, rows[i].state);
			assert_string_equal(c->state_reason, "its scan took too long");
			assert_true(w.records[c->slot].flags & rows[i].flag);
		}
		release_all();
		request(STATE("abc"));
		finish_job(0);
		assert_true(w.armed);
		c = container_at(w.daemon->containers, 0);
		assert_int_equal(c->state, CONTAINER_STATE_ARMED);
		assert_int_equal(w.records[c->slot].flags, HF_CONTAINER_OVERLAY_ROOT);
		release_all();
		check_nothing_left();
	}
}

/* A root that cannot be told apart is named to the kernel half, for its events; the twin failed for another reason. */
static void test_unsupported_root_is_marked(void **)
{
	static const int errs[] = { -EOPNOTSUPP, -ETIMEDOUT };

	w.not_ready = POLICY_NOT_READY_AUDIT;
	for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
		const struct container *c;

		request(STATE("abc"));
		finish_job(errs[i]);
		c = container_at(w.daemon->containers, 0);
		assert_non_null(c);
		assert_int_equal(c->state, CONTAINER_STATE_AUDIT);
		assert_int_equal(!!(w.records[c->slot].flags & HF_CONTAINER_UNSUPPORTED), errs[i] == -EOPNOTSUPP);
		release_all();
		check_nothing_left();
	}
}

/* The daemon was away for so long that the runtime gave up: nothing is armed for nobody. The twin lives. */
static void test_ended_process_is_not_armed(void **)
{
	unsigned int fds = count_fds();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	request_of(pid, STATE("abc"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.status, -ESRCH);
	assert_null(w.job);
	check_nothing_left();
	assert_int_equal(count_fds(), fds);
	request(STATE("abc"));
	finish_job(0);
	assert_true(w.armed);
	release_all();
}

static void test_bad_request_is_answered_and_refused(void **)
{
	unsigned int fds = count_fds();

	request("{\"id\":\"abc\"}");
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.status, -EINVAL);
	assert_null(w.job);
	check_nothing_left();
	assert_int_equal(count_fds(), fds);
}

/* No slot: the policy decides; nobody's record changes; the slot that becomes free is the next one's. */
static void test_full_node_gives_not_ready_and_recovers(void **)
{
	static const struct {
		enum policy_not_ready not_ready;
		int status;
	} rows[] = { { POLICY_NOT_READY_DENY, -ENOSPC }, { POLICY_NOT_READY_AUDIT, 0 }, { POLICY_NOT_READY_ALLOW, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.not_ready = rows[i].not_ready;
		w.answers = 0;
		for (uint32_t slot = HF_SLOT_FIRST; slot < HF_MAX_CONTAINERS; slot++)
			w.records[slot].id = 1;
		request(STATE("abc"));
		assert_int_equal(w.answers, 1);
		assert_int_equal(w.status, rows[i].status);
		assert_false(w.armed);
		assert_non_null(strstr(w.message, "no slot is left"));
		assert_int_equal(container_count(w.daemon->containers), 0);
		assert_int_equal(faults_count(w.daemon->faults, FAULT_CONTAINERS), i + 1);
		for (uint32_t slot = HF_SLOT_FIRST; slot < HF_MAX_CONTAINERS; slot++)
			assert_int_equal(w.records[slot].id, 1);
		w.records[HF_SLOT_FIRST].id = 0;
		request(STATE("abc"));
		finish_job(0);
		assert_true(w.armed);
		assert_int_equal(container_at(w.daemon->containers, 0)->slot, HF_SLOT_FIRST);
		release_all();
		memset(w.records, 0, sizeof(w.records));
		check_nothing_left();
	}
}

static void stop_loop(uint32_t, void *)
{
	loop_quit(w.daemon->loop, 0);
}

/* Lets the daemon's loop go on until ms milliseconds have passed. */
static void run_loop(uint64_t ms)
{
	struct loop_source *timer;

	assert_int_equal(loop_timer(w.daemon->loop, ms * 1000000, 0, stop_loop, NULL, &timer), 0);
	assert_int_equal(loop_run(w.daemon->loop), 0);
	loop_unwatch(&timer);
}

/* I4 of arm.c. later_ns: when room is said to come, from now; full: how often there is none before. */
static void test_room_for_a_policy_that_comes_soon_is_waited_for(void **)
{
	static const struct {
		uint64_t later_ns;
		unsigned int full;
		bool waits, armed;
	} rows[] = {
		{ 20000000, 1, true, true },
		{ 20000000, 3, true, true },
		{ 0, 1, false, false },				     /* nothing was given back */
		{ POLICY_SLOTS_QUARANTINE_NS * 2, 1, false, false }, /* only after the request */
	};
	unsigned int fds;

	assert_int_equal(loop_new(&w.daemon->loop), 0);
	fds = count_fds();
	w.not_ready = POLICY_NOT_READY_AUDIT;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.answers = 0;
		w.full = rows[i].full;
		w.room_ns = rows[i].later_ns ? clock_ns(CLOCK_MONOTONIC) + rows[i].later_ns : 0;
		request(STATE("abc"));
		assert_int_equal(w.answers, rows[i].waits ? 0 : 1);
		assert_int_equal(arm_pending_at(w.daemon, 0) != NULL, rows[i].waits);
		assert_null(w.job);
		run_loop(rows[i].waits ? 100 : 1);
		finish_job(0);
		assert_int_equal(w.answers, 1);
		assert_int_equal(w.armed, rows[i].armed);
		assert_int_equal(faults_count(w.daemon->faults, FAULT_POLICIES) > 0, !rows[i].armed);
		assert_null(w.daemon->armings);
		release_all();
		check_nothing_left();
		assert_int_equal(count_fds(), fds);
	}
	loop_free(&w.daemon->loop);
}

/* The state cannot be written: armed all the same, and marked. The twin is written. */
static void test_unwritten_state_does_not_refuse_a_start(void **)
{
	for (unsigned int broken = 0; broken < 2; broken++) {
		const struct container *c;

		w.state_broken = broken;
		request(STATE("abc"));
		finish_job(0);
		assert_true(w.armed);
		c = container_at(w.daemon->containers, 0);
		assert_int_equal(c->unsaved, broken);
		assert_int_equal(faults_count(w.daemon->faults, FAULT_STATE), broken);
		release_all();
		check_nothing_left();
	}
}

/* The hook timed out: the runtime ends the container, and its end releases it. */
static void test_hook_that_has_gone_leaves_a_watched_container(void **)
{
	w.client_gone = true;
	request(STATE("abc"));
	finish_job(0);
	assert_int_equal(w.answers, 1);
	assert_int_equal(container_count(w.daemon->containers), 1);
	assert_int_equal(w.watches, 1);
	release_all();
	check_nothing_left();
}

static void test_same_id_releases_only_what_has_ended(void **)
{
	static const size_t left[] = { 2, 1 };

	for (unsigned int ended = 0; ended < 2; ended++) {
		uint64_t first;

		w.ended = false;
		request(STATE("same"));
		finish_job(0);
		first = container_at(w.daemon->containers, 0)->kernel_id;
		w.ended = ended;
		request(STATE("same"));
		finish_job(0);
		assert_true(w.armed);
		assert_int_equal(container_count(w.daemon->containers), left[ended]);
		assert_int_equal(container_by_kernel_id(w.daemon->containers, first) != NULL, !ended);
		release_all();
		check_nothing_left();
	}
}

static void test_kernel_ids_are_never_reused(void **)
{
	uint64_t last;

	w.daemon->last_kernel_id = last = clock_ns(CLOCK_REALTIME) + 1000 * NSEC_PER_SEC; /* the clock was set back */
	for (unsigned int i = 0; i < 3; i++) {
		request(STATE("abc"));
		finish_job(0);
		assert_true(container_at(w.daemon->containers, 0)->kernel_id > last);
		last = container_at(w.daemon->containers, 0)->kernel_id;
		release_all();
	}
	check_nothing_left();
}

/* Of the address sanitizer, whose header not every compiler brings. */
size_t __sanitizer_get_current_allocated_bytes(void);

#define STARTS 100000u
#define STARTS_FIRST 1000u /* until tables have the size that they keep */

/* A start and a stop beside a container that goes on. */
static void start_and_stop(void)
{
	request(STATE("abc"));
	finish_job(0);
	assert_true(w.armed);
	arm_release(w.daemon, container_at(w.daemon->containers, 1)->kernel_id);
}

static void test_100000_starts_and_stops_leave_nothing(void **)
{
	unsigned int fds;
	size_t bytes;

	request(STATE("stays"));
	finish_job(0);
	for (unsigned int i = 0; i < STARTS_FIRST; i++)
		start_and_stop();
	fds = count_fds();
	bytes = __sanitizer_get_current_allocated_bytes();
	for (unsigned int i = STARTS_FIRST; i < STARTS; i++)
		start_and_stop();
	assert_int_equal(container_count(w.daemon->containers), 1);
	assert_int_equal(__sanitizer_get_current_allocated_bytes(), bytes);
	assert_int_equal(count_fds(), fds);
	release_all();
	check_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_100000_starts_and_stops_leave_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_failure_is_answered_once_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_ready_is_decided_by_the_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unsupported_root_is_marked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended_process_is_not_armed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_request_is_answered_and_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_node_gives_not_ready_and_recovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room_for_a_policy_that_comes_soon_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritten_state_does_not_refuse_a_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hook_that_has_gone_leaves_a_watched_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_id_releases_only_what_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_ids_are_never_reused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
