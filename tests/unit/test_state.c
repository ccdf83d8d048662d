// SPDX-License-Identifier: Apache-2.0
/*
 * A restart: what was written down of a container comes back, and only that which still holds. The kernel half's records,
 * policies and layer sets are this program's own.
 */
#include "enforcer/state.h"

#include "tests/unit/state_harness.h"

static void make_daemon(void)
{
	w.daemon = calloc(1, sizeof(*w.daemon));
	assert_non_null(w.daemon);
	w.daemon->options.run_dir = w.tree->path;
	assert_int_equal(loop_new(&w.daemon->loop), 0);
	assert_int_equal(container_table_new(&w.daemon->containers), 0);
	assert_int_equal(faults_new(NULL, mend, w.daemon, &w.daemon->faults), 0);
}

static void free_daemon(void)
{
	for (size_t i = 0; container_at(w.daemon->containers, i); i++)
		life_unwatch(container_at(w.daemon->containers, i));
	container_table_free(&w.daemon->containers);
	faults_free(&w.daemon->faults);
	loop_free(&w.daemon->loop);
	free(w.daemon);
}

static void end_first_process(void)
{
	if (w.pid <= 0)
		return;
	kill(w.pid, SIGKILL);
	assert_int_equal(waitpid(w.pid, NULL, 0), w.pid);
	w.pid = 0;
}

static int setup(void **)
{
	log_set_level(-1);
	memset(&w, 0, sizeof(w));
	w.tree = tree_new();
	close(tree_mkdir(w.tree->fd, "containers"));
	make_daemon();
	w.pid = fork();
	if (w.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return w.pid > 0 ? 0 : -1;
}

static int teardown(void **)
{
	free_daemon();
	end_first_process();
	tree_free(w.tree);
	assert_int_equal(w.assigned, 0);
	return 0;
}

static struct container_label *make_pair(const char *key, const char *value)
{
	struct container_label *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	*pair = (struct container_label){ strdup(key), strdup(value) };
	return pair;
}

static struct container *make_container(void)
{
	struct container *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	*c = (struct container){
		.facts = { .id = strdup("abc"), .name = strdup("web"), .image = strdup("web:1"), .image_digest = strdup("sha256:9f"),
			   .namespace_ = strdup("prod"), .pod = strdup("web-0"), .pod_uid = strdup("uid"),
			   .manager = strdup("cri-o"), .program = strdup("/bin/\"web\"\n\xff"),
			   .labels = make_pair("tier", "web"), .n_labels = 1, .annotations = make_pair("a/b", ""),
			   .n_annotations = 1 },
		.state = CONTAINER_STATE_ARMED, .state_reason = strdup("its scan is incomplete"), .pid = w.pid, .kernel_id = ID,
		.slot = SLOT, .layer_set = LAYER_SET, .root_dev = 77, .root_ino = UINT64_MAX, .cgroup = 99,
		.upper_dev = 78, .upper_ino = UINT64_MAX - 1,
		.cgroup_path = strdup("/no/such/cgroup"), .root_type = strdup("overlay"), .layers = strdup("/a=1:2@3.4;"),
		.layers_complete = true, .own_overlay = true, .executables = 1500, .volumes = 1,
		.mounts = calloc(1, sizeof(*c->mounts)), .n_mounts = 1, .started_ns = 1700000000000000000ull,
		.armed_after_ns = 12345678,
	};
	assert_non_null(c->mounts);
	c->mounts[0] = (struct container_mount){ .destination = strdup("/v"), .root_ino = 3, .dev = 8, .read_only = true };
	w.records[SLOT] = (struct hf_container){ .id = ID, .layer_set = LAYER_SET };
	return c;
}

static void save(struct container *c)
{
	assert_int_equal(state_save(w.daemon, c), 0);
	container_free(&c);
}

/* Another daemon, and what it takes back. */
static int restart(void)
{
	free_daemon();
	make_daemon();
	w.adopted = w.finished = 0;
	w.rearmed = w.published = w.learned = 0;
	return state_restore(w.daemon);
}

static bool has_file(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "containers/%s", name);
	return faccessat(w.tree->fd, path, F_OK, 0) == 0;
}

static void put_file(const char *name, const char *text)
{
	int fd = tree_open_dir(w.tree->fd, "containers");

	tree_put(fd, name, text, strlen(text), 0600);
	close(fd);
}

#define ID_TEXT "1700000000000000001"

static void check_texts(const struct container *c, const struct container *expected)
{
	const struct container_facts *f = &c->facts, *e = &expected->facts;
	const char *const pairs[][2] = {
		{ f->id, e->id }, { f->name, e->name }, { f->image, e->image }, { f->image_digest, e->image_digest },
		{ f->namespace_, e->namespace_ }, { f->pod, e->pod }, { f->pod_uid, e->pod_uid }, { f->manager, e->manager },
		{ f->program, e->program }, { c->state_reason, expected->state_reason }, { c->root_type, expected->root_type },
		{ c->cgroup_path, expected->cgroup_path }, { c->layers, expected->layers },
		{ f->labels[0].key, "tier" }, { f->labels[0].value, "web" }, { f->annotations[0].key, "a/b" },
		{ f->annotations[0].value, "" },
	};

	assert_true(f->n_labels == 1 && f->n_annotations == 1 && c->n_mounts == 1);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(pairs[i][0], pairs[i][1]);
	assert_string_equal(c->mounts[0].destination, "/v");
	assert_true(c->mounts[0].root_ino == 3 && c->mounts[0].dev == 8);
	assert_true(c->mounts[0].read_only && !c->mounts[0].is_file);
}

static void check_numbers(const struct container *c, const struct container *e)
{
	const uint64_t pairs[][2] = {
		{ c->state, e->state }, { (uint64_t)c->pid, (uint64_t)e->pid }, { c->kernel_id, e->kernel_id }, { c->slot, e->slot },
		{ c->layer_set, e->layer_set }, { c->root_dev, e->root_dev }, { c->root_ino, e->root_ino },
		{ c->upper_dev, e->upper_dev }, { c->upper_ino, e->upper_ino },
		{ c->layers_complete, e->layers_complete }, { c->own_overlay, e->own_overlay }, { c->cgroup, e->cgroup },
		{ c->executables, e->executables }, { c->volumes, e->volumes }, { c->started_ns, e->started_ns },
		{ c->armed_after_ns, e->armed_after_ns },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(pairs[i][0], pairs[i][1]);
}

static void test_container_comes_back_as_it_was(void **)
{
	struct container *expected = make_container();
	const struct container *c;

	assert_int_equal(state_save(w.daemon, expected), 0);
	assert_true(has_file(ID_TEXT));
	assert_false(has_file(ID_TEXT ".new"));
	assert_int_equal(restart(), 1);
	c = container_by_kernel_id(w.daemon->containers, ID);
	assert_int_equal(w.learned, ID);
	assert_non_null(c);
	check_texts(c, expected);
	check_numbers(c, expected);
	assert_true(w.daemon->slot_taken[SLOT] && w.daemon->last_kernel_id == ID);
	assert_int_equal(w.records[SLOT].policy, POLICY_SLOT);
	assert_int_equal(w.records[SLOT].id, ID);
	assert_int_equal(w.adopted, 1);
	assert_true(w.shared);
	assert_int_equal(w.finished, 1);
	assert_false(life_has_ended(c));
	assert_true(has_file(ID_TEXT));
	container_free(&expected);
}

static void test_what_is_not_known_stays_unknown(void **)
{
	struct container *c = calloc(1, sizeof(*c));

	*c = (struct container){ .facts = { .id = strdup("abc") }, .pid = w.pid, .kernel_id = ID, .slot = SLOT,
				 .state = CONTAINER_STATE_AUDIT };
	w.records[SLOT].id = ID;
	save(c);
	assert_int_equal(restart(), 1);
	c = container_at(w.daemon->containers, 0);
	assert_null(c->facts.namespace_);
	assert_null(c->facts.program);
	assert_null(c->layers);
	assert_null(c->cgroup_path);
	assert_int_equal(c->facts.n_labels, 0);
	assert_int_equal(c->n_mounts, 0);
	assert_int_equal(c->state, CONTAINER_STATE_AUDIT);
	assert_int_equal(w.adopted, 0);
}

static void test_incomplete_layers_are_not_shared_again(void **)
{
	struct container *c = make_container();

	c->layers_complete = false;
	save(c);
	assert_int_equal(restart(), 1);
	assert_int_equal(w.adopted, 1);
	assert_false(w.shared);
}

/* Nothing of it is taken back: file, record and slot are free again. */
static void check_gone(void)
{
	assert_int_equal(restart(), 0);
	assert_int_equal(container_count(w.daemon->containers), 0);
	assert_false(w.daemon->slot_taken[SLOT]);
	assert_int_equal(w.records[SLOT].id, 0);
	assert_false(has_file(ID_TEXT));
	assert_int_equal(w.assigned, 0);
	assert_true(w.adopted == 0 && w.finished == 1);
}

static void test_ended_or_removed_container_is_cleaned_up(void **)
{
	save(make_container());
	state_remove(w.daemon, ID);
	state_remove(w.daemon, ID);
	check_gone();
	save(make_container());
	end_first_process();
	check_gone();
}

/* The same number, but not the process that was written down. */
static void test_reused_pid_is_not_believed(void **)
{
	static const char *const starts[] = { "\"pid_start\":0", "\"pid_start\":1" };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		char text[512];

		w.records[SLOT].id = ID;
		snprintf(text, sizeof(text), "{\"id\":\"abc\",\"pid\":%d,\"kernel_id\":" ID_TEXT ",\"slot\":7,\"state\":1,%s}",
			 (int)w.pid, starts[i]);
		put_file(ID_TEXT, text);
		check_gone();
	}
}

/* The first process has ended, and others hold on in its cgroup; the twin's cgroup is another one of that name. */
static void test_rest_of_a_container_comes_back(void **)
{
	const pid_t pid = w.pid;
	struct stat st;

	put_file("../cgroup.events", "populated 1\n");
	assert_int_equal(fstat(w.tree->fd, &st), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct container *c = make_container();

		free(c->cgroup_path);
		c->cgroup_path = strdup(w.tree->path);
		c->cgroup = st.st_ino + i;
		c->pid = pid;
		save(c);
		end_first_process();
		if (i) {
			check_gone();
			break;
		}
		assert_int_equal(restart(), 1);
		assert_true(life_has_ended(container_at(w.daemon->containers, 0)));
		assert_int_equal(w.records[SLOT].id, ID);
	}
}

/* It lives, so it is adopted instead, and its file stays until that is done. */
/* Another version judges: nothing is believed to stand in our tables, and the file stays until it is armed. */
static void test_container_of_another_version_is_armed_again(void **)
{
	for (unsigned int i = 0; i < 2; i++) {
		save(make_container());
		w.fresh = i == 0;
		assert_int_equal(restart(), 1);
		assert_int_equal(w.rearmed, i == 0 ? ID : 0); /* the second is the twin */
		assert_true(w.adopted == i && has_file(ID_TEXT));
	}
}

/* One that could not be armed then is what it was, with a record of this version. */
static void test_unarmed_container_of_another_version_gets_a_record(void **)
{
	struct container *c = make_container();

	c->state = CONTAINER_STATE_AUDIT;
	save(c);
	w.records[SLOT].id = 0;
	w.fresh = true;
	assert_int_equal(restart(), 1);
	assert_true(w.published == ID && w.rearmed == 0);
	assert_int_equal(container_at(w.daemon->containers, 0)->state, CONTAINER_STATE_AUDIT);
}

static void test_failure_to_take_back_leaves_nothing_half_done(void **)
{
	static int *const errs[] = { &w.assign_err, &w.adopt_err };

	for (size_t i = 0; i < ARRAY_SIZE(errs); i++) {
		save(make_container());
		*errs[i] = -ENOMEM;
		assert_int_equal(restart(), 0);
		assert_true(w.again == i + 1 && w.adopted == 0 && has_file(ID_TEXT));
		*errs[i] = 0;
		save(make_container()); /* the twin */
		assert_int_equal(restart(), 1);
		w.adopted = 0;
	}
}

/* No room for its policy: it keeps the one in its record until there is some. */
static void test_full_policy_table_keeps_the_former_policy(void **)
{
	const uint64_t later = clock_ns(CLOCK_MONOTONIC) + FAULTS_QUIET_NS;

	save(make_container());
	w.records[SLOT].policy = 3;
	w.assign_err = -ENOSPC;
	assert_int_equal(restart(), 1);
	assert_int_equal(w.records[SLOT].id, ID);
	assert_int_equal(w.records[SLOT].policy, 3);
	assert_int_equal(faults_count(w.daemon->faults, FAULT_POLICIES), 1);
	faults_check(w.daemon->faults, clock_ns(CLOCK_MONOTONIC));
	assert_int_equal(w.records[SLOT].policy, 3);
	assert_true(faults_present(w.daemon->faults, FAULT_POLICIES));
	w.assign_err = 0;
	faults_check(w.daemon->faults, later);
	assert_int_equal(w.records[SLOT].policy, POLICY_SLOT);
	assert_int_equal(w.assigned, 1);
	faults_check(w.daemon->faults, later + FAULTS_SETTLE_NS);
	assert_false(faults_present(w.daemon->faults, FAULT_POLICIES));
}

static void move_folder(bool away)
{
	const char *names[] = { "containers", "elsewhere" };

	assert_int_equal(renameat(w.tree->fd, names[!away], w.tree->fd, names[away]), 0);
}

/* What cannot be written is written later, what cannot be removed is removed later; a restart then finds the truth. */
static void test_broken_folder_is_mended(void **)
{
	struct container *c = make_container();

	state_keep(w.daemon, c);
	assert_false(c->unsaved);
	assert_int_equal(faults_count(w.daemon->faults, FAULT_STATE), 0);
	state_remove(w.daemon, ID);
	put_file("5", "{}"); /* of a container that ends while the folder is broken */
	move_folder(true);
	state_keep(w.daemon, c);
	assert_true(c->unsaved);
	assert_int_equal(container_table_add(w.daemon->containers, &c), 0);
	assert_int_equal(state_mend(w.daemon), -ENOENT);
	w.daemon->state_stale = true;
	assert_int_equal(state_mend(w.daemon), -ENOENT);
	assert_true(faults_present(w.daemon->faults, FAULT_STATE));
	move_folder(false);
	faults_check(w.daemon->faults, clock_ns(CLOCK_MONOTONIC));
	assert_true(has_file(ID_TEXT));
	assert_false(has_file("5"));
	faults_check(w.daemon->faults, clock_ns(CLOCK_MONOTONIC) + FAULTS_SETTLE_NS);
	assert_false(faults_present(w.daemon->faults, FAULT_STATE));
	assert_int_equal(restart(), 1);
}

#define MADE "\"id\":\"abc\",\"state\":1,\"pid_start\":1,\"kernel_id\":" ID_TEXT

static void test_file_that_is_no_state_is_removed(void **)
{
	static const char *const texts[] = {
		"", "{", "[]", "7", "null", "not JSON", "{}",
		"{" MADE "}", "{" MADE ",\"pid\":1}",
		"{" MADE ",\"pid\":1,\"slot\":0}", "{" MADE ",\"pid\":1,\"slot\":1}",
		"{" MADE ",\"pid\":1,\"slot\":4096}", "{" MADE ",\"pid\":1,\"slot\":8}",
		"{" MADE ",\"pid\":0,\"slot\":7}", "{" MADE ",\"pid\":-1,\"slot\":7}",
		"{" MADE ",\"pid\":1,\"slot\":7,\"layer_set\":3}", "{" MADE ",\"pid\":1,\"slot\":7,\"state\":9}",
		"{" MADE ",\"pid\":1,\"slot\":7,\"id\":null}", "{" MADE ",\"pid\":1,\"slot\":7,\"kernel_id\":17}",
		"{" MADE ",\"pid\":1,\"slot\":7,\"labels\":{\"a\":null,\"b\":7},\"annotations\":[],\"mounts\":[null,7,{}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		w.records[SLOT] = (struct hf_container){ .id = ID };
		put_file(ID_TEXT, texts[i]);
		check_gone();
	}
}

static void test_file_of_another_name_is_removed(void **)
{
	save(make_container());
	assert_int_equal(renameat(w.tree->fd, "containers/" ID_TEXT, w.tree->fd, "containers/" ID_TEXT ".new"), 0);
	check_gone();
	assert_false(has_file(ID_TEXT ".new"));
}

static void test_second_file_of_a_slot_is_adopted(void **)
{
	struct container *c = make_container();

	c->kernel_id = ID + 1; /* the record says ID */
	save(c);
	save(make_container());
	assert_int_equal(restart(), 1);
	assert_int_equal(container_at(w.daemon->containers, 0)->kernel_id, ID);
	assert_true(has_file(ID_TEXT));
	assert_true(has_file("1700000000000000002") && w.again == 1);
}

/* What the kernel half has is another's, or gone, but the container lives: nothing of it is dropped. */
static void test_record_that_does_not_fit_is_adopted(void **)
{
	static const struct hf_container records[] = {
		{ 0 }, { .id = ID + 5, .layer_set = LAYER_SET }, { .id = ID, .layer_set = LAYER_SET + 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		save(make_container());
		w.records[SLOT] = records[i];
		assert_int_equal(restart(), 0);
		assert_true(w.again == i + 1 && has_file(ID_TEXT));
		assert_int_equal(w.orphans, i); /* a record that is nobody's waits for adoption as well */
	}
}

static void test_state_that_cannot_be_written_is_an_error(void **)
{
	struct container *c = make_container();

	w.daemon->options.run_dir = "/no/such/folder";
	assert_int_equal(state_save(w.daemon, c), -ENOENT);
	assert_int_equal(state_restore(w.daemon), -ENOENT);
	w.daemon->options.run_dir = w.tree->path;
	assert_int_equal(state_save(w.daemon, c), 0);
	container_free(&c);
}

static void test_start_of_a_process_tells_it_apart(void **)
{
	uint64_t start = restore_start_of_pid(w.pid);

	assert_int_not_equal(start, 0);
	assert_int_equal(restore_start_of_pid(w.pid), start);
	assert_true(restore_start_of_pid(1) < start);
	assert_int_equal(restore_start_of_pid(-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_container_comes_back_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_known_stays_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_incomplete_layers_are_not_shared_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended_or_removed_container_is_cleaned_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused_pid_is_not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rest_of_a_container_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_container_of_another_version_is_armed_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unarmed_container_of_another_version_gets_a_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_to_take_back_leaves_nothing_half_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_policy_table_keeps_the_former_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_folder_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_that_is_no_state_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_of_another_name_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_file_of_a_slot_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record_that_does_not_fit_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state_that_cannot_be_written_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_of_a_process_tells_it_apart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
