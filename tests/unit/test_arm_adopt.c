// SPDX-License-Identifier: Apache-2.0
/*
 * Arming of what runs already: each step fails once, and whatever happens it is told once, left alone or taken whole, and never refused.
 */
#include "tests/unit/arm_harness.h"

#define STEPS_MAX 200
#define PID 42

static struct {
	unsigned int told;
	const struct container *container;
} outcome;

static void on_adopted(struct daemon *daemon, const struct container *c, void *data)
{
	assert_ptr_equal(daemon, w.daemon);
	assert_ptr_equal(data, &outcome);
	outcome.told++;
	outcome.container = c;
}

/* keep_id 0: a new one. */
static void adopt(pid_t pid, uint64_t keep_id, uint32_t keep_slot)
{
	static const char config[] = "{\"mounts\":[{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"ro\"]}]}";
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct arm_adoption request = {
		.pidfd = dup(fd), .rootfs_fd = dup(fd), .config_fd = fd, .started_ns = 1700000000000000000ull,
		.keep_id = keep_id, .keep_slot = keep_slot, .insist = w.insist, .done = on_adopted, .data = &outcome,
	};

	assert_int_equal(write(fd, config, strlen(config)), (ssize_t)strlen(config));
	assert_true(asprintf(&request.state_json, "{\"id\":\"abc\",\"pid\":%d}", (int)pid) > 0);
	outcome.told = 0;
	outcome.container = NULL;
	arm_adopt(w.daemon, &request);
	assert_true(request.pidfd == -1 && request.rootfs_fd == -1 && request.config_fd == -1 && !request.state_json);
}

static void finish_job(int err)
{
	struct enrol_job *job = TAKE_PTR(w.job);

	if (!job)
		return;
	job->err = err;
	job->root_dev = ROOT_DEV;
	job->root_ino = 2;
	snprintf(job->error, sizeof(job->error), "%s", err ? "its scan took too long" : "");
	if (job->unwatched) { /* the enrolling thread told the kernel half of the root before it looked */
		w.roots = 1;
		w.root_owner = job->container;
	}
	if (!err) {
		w.sets++;
		job->layer_set = LAYER_SET;
		job->root.own_overlay = true;
		snprintf(job->root.type, sizeof(job->root.type), "overlay");
		job->volumes = calloc(job->n_mounts, sizeof(*job->volumes));
		job->volumes[0].dev = 8;
		job->clean_upper = true;
	}
	job->done(job, job->data);
}

static bool adopt_failing(unsigned int fail_at, int enrol_err)
{
	unsigned int steps;

	w.step = 0;
	w.fail_at = fail_at;
	adopt(PID, 0, 0);
	finish_job(enrol_err);
	steps = w.step;
	w.fail_at = 0;
	if (outcome.told != 1)
		fail_msg("step %u: told %u times", fail_at, outcome.told);
	assert_int_equal(container_count(w.daemon->containers), outcome.container != NULL);
	assert_int_equal(w.answers, 0);
	release_all();
	check_nothing_left();
	return fail_at <= steps;
}

static void test_each_failure_is_told_once_and_leaves_nothing(void **)
{
	static const int enrol_errs[] = { 0, -ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_SIZE(enrol_errs); i++) {
		unsigned int at = 1;

		while (adopt_failing(at, enrol_errs[i]))
			assert_true(++at < STEPS_MAX);
		assert_true(at > 5);
	}
}

/* It is shown as adopting until then, and notes of copies are wanted before anything is looked at. */
static void test_adopted_container_is_armed_and_to_be_surveyed(void **)
{
	const uint32_t wanted = HF_CONTAINER_OVERLAY_ROOT | HF_CONTAINER_CLEAN_UPPER | HF_CONTAINER_ADOPTED | HF_CONTAINER_SURVEY;
	const struct container *c;

	adopt(PID, 0, 0);
	assert_int_equal(outcome.told, 0);
	c = arm_pending_at(w.daemon, 0);
	assert_true(c && c->state == CONTAINER_STATE_ADOPTING && c->source == CONTAINER_SOURCE_ADOPTED);
	assert_null(arm_pending_at(w.daemon, 1));
	assert_true(w.job->unwatched && w.job->slot == c->slot);
	assert_true(w.records[c->slot].id == 0 && w.records[c->slot].flags == HF_CONTAINER_ADOPTED);
	finish_job(0);
	c = outcome.container;
	assert_true(outcome.told == 1 && c && c == container_at(w.daemon->containers, 0));
	assert_null(arm_pending_at(w.daemon, 0));
	assert_true(c->state == CONTAINER_STATE_ARMED && c->watched_ns && c->started_ns == 1700000000000000000ull);
	assert_int_equal(w.records[c->slot].flags, wanted);
	adopt(PID, 0, 0); /* again: it is known */
	assert_true(outcome.told == 1 && !outcome.container && !w.job);
	release_all();
	check_nothing_left();
}

/* What another version enforces is not given up because we have lost our means: nothing is written down, the caller is told. */
static void test_what_must_be_armed_is_not_given_up_without_helpers(void **)
{
	static const struct {
		bool insist, helpless, adopted;
	} rows[] = { { true, true, false }, { true, false, true }, { false, true, true } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.insist = rows[i].insist;
		w.helpless = rows[i].helpless;
		w.not_ready = POLICY_NOT_READY_AUDIT;
		adopt(PID, 0, 0);
		assert_int_equal(w.job->insist, rows[i].insist);
		finish_job(-EPIPE);
		assert_int_equal(outcome.told, 1);
		assert_int_equal(outcome.container != NULL, rows[i].adopted);
		assert_int_equal(w.files, rows[i].adopted);
		release_all();
		check_nothing_left();
	}
}

/* It runs, so notReady: deny cannot refuse it. */
static void test_what_cannot_be_enrolled_is_only_audited(void **)
{
	static const struct {
		enum policy_not_ready not_ready;
		enum container_state state;
		uint32_t flag;
	} rows[] = {
		{ POLICY_NOT_READY_DENY, CONTAINER_STATE_AUDIT, HF_CONTAINER_NO_BASELINE },
		{ POLICY_NOT_READY_AUDIT, CONTAINER_STATE_AUDIT, HF_CONTAINER_NO_BASELINE },
		{ POLICY_NOT_READY_ALLOW, CONTAINER_STATE_UNWATCHED, HF_CONTAINER_UNARMED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct container *c;

		w.not_ready = rows[i].not_ready;
		adopt(PID, 0, 0);
		finish_job(-ETIMEDOUT);
		c = outcome.container;
		assert_non_null(c);
		assert_int_equal(c->state, rows[i].state);
		assert_string_equal(c->state_reason, "its scan took too long");
		assert_true(w.records[c->slot].flags & rows[i].flag);
		assert_false(w.records[c->slot].flags & HF_CONTAINER_SURVEY);
		release_all();
		check_nothing_left();
	}
}

/* A record of an earlier daemon stands: nothing changes for its tasks, whose tags name it. */
static void test_living_record_is_kept(void **)
{
	static const struct {
		uint64_t record, keep;
		bool taken, adopted, unwatched;
	} rows[] = {
		{ 17, 17, false, true, false }, { 0, 17, false, true, true }, { 18, 17, false, false, false },
		{ 17, 17, true, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.records[7] = (struct hf_container){ .id = rows[i].record, .flags = HF_CONTAINER_CLEAN_UPPER };
		w.daemon->slot_taken[7] = rows[i].taken;
		w.not_ready = POLICY_NOT_READY_DENY;
		adopt(PID, rows[i].keep, 7);
		if (rows[i].adopted) {
			assert_int_equal(w.job->unwatched, rows[i].unwatched);
			finish_job(0);
			assert_true(outcome.container->kernel_id == 17 && outcome.container->slot == 7);
			assert_int_equal((w.records[7].flags & HF_CONTAINER_ADOPTED) != 0, rows[i].unwatched);
			assert_true(w.records[7].flags & HF_CONTAINER_CLEAN_UPPER);
		} else {
			assert_true(outcome.told == 1 && !outcome.container);
			assert_int_equal(w.records[7].id, rows[i].record);
		}
		release_all();
		w.records[7] = (struct hf_container){ 0 };
		w.daemon->slot_taken[7] = false;
		check_nothing_left();
	}
}

/* Writes on a shared root cannot be told apart; when one goes the other keeps the root. */
static void test_two_on_one_root_lose_the_proof_of_copies(void **)
{
	const struct container *first, *second;

	adopt(PID, 0, 0);
	finish_job(0);
	first = outcome.container;
	assert_false(w.records[first->slot].flags & HF_CONTAINER_WRITES_LOST);
	w.ended = true; /* so that the same number is not taken for the same container */
	((struct container *)first)->facts.id[0] = 'x';
	adopt(PID, 0, 0);
	finish_job(0);
	w.ended = false;
	second = outcome.container;
	assert_true(second && second != first && w.root_owner == second->kernel_id);
	assert_true(w.records[first->slot].flags & w.records[second->slot].flags & HF_CONTAINER_WRITES_LOST);
	arm_release(w.daemon, second->kernel_id);
	assert_true(w.roots == 1 && w.root_owner == first->kernel_id);
	w.cgroups = 1;
	release_all();
	check_nothing_left();
}

/* The clock goes back and all state is lost: the kernel half remembers. */
static void test_ids_rise_whatever_the_clock_does(void **)
{
	const uint64_t future = UINT64_C(1) << 62;

	w.config.last_container = future;
	assert_int_equal(arm_fresh_id(w.daemon), future + 1);
	w.daemon->last_kernel_id = 0; /* another daemon */
	assert_int_equal(arm_fresh_id(w.daemon), future + 2);
	assert_int_equal(w.config.last_container, future + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_failure_is_told_once_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopted_container_is_armed_and_to_be_surveyed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_must_be_armed_is_not_given_up_without_helpers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_enrolled_is_only_audited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_living_record_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_on_one_root_lose_the_proof_of_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_rise_whatever_the_clock_does, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
