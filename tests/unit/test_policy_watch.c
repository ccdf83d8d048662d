// SPDX-License-Identifier: Apache-2.0
/* Reloading by itself: edits, swapped links, folders that come and go, what is not a change, and what the log says. */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/policy_fixture.h"

#define ENFORCE CLUSTER("a", "mode: enforce")
#define AUDIT CLUSTER("a", "mode: audit")
#define BROKEN CLUSTER("a", "mode: enforcing")
#define DEADLINE_NS (20 * NSEC_PER_SEC)
/* Longer than the wait for quiet: what has not been reloaded by then was not taken for a change. */
#define NOTHING_NS (NSEC_PER_SEC / 2)

struct wait {
	struct fixture *f;
	uint32_t generation;
	bool failed;
};

static void poll_for(uint32_t events, void *data)
{
	const struct wait *wait = data;

	(void)events;
	if (policy_store_generation(wait->f->store) >= wait->generation &&
	    (policy_store_last_error(wait->f->store) != NULL) == wait->failed)
		loop_quit(wait->f->daemon->loop, 0);
}

static void give_up(uint32_t events, void *data)
{
	(void)events;
	loop_quit(data, 1);
}

/* Runs the loop until the generation is reached, and the last reload went well or failed. */
static void await(struct fixture *f, uint32_t generation, bool failed)
{
	struct wait wait = { f, generation, failed };
	struct loop_source *poll = NULL, *deadline = NULL;

	assert_int_equal(loop_timer(f->daemon->loop, 1, NSEC_PER_SEC / 100, poll_for, &wait, &poll), 0);
	assert_int_equal(loop_timer(f->daemon->loop, DEADLINE_NS, 0, give_up, f->daemon->loop, &deadline), 0);
	assert_int_equal(loop_run(f->daemon->loop), 0);
	loop_unwatch(&poll);
	loop_unwatch(&deadline);
}

/* Runs the loop for so long that a change would have been reloaded. */
static void await_nothing(struct fixture *f)
{
	struct loop_source *deadline = NULL;

	assert_int_equal(loop_timer(f->daemon->loop, NOTHING_NS, 0, give_up, f->daemon->loop, &deadline), 0);
	assert_int_equal(loop_run(f->daemon->loop), 1);
	loop_unwatch(&deadline);
}

static void start_watching(struct fixture *f)
{
	fixture_start(f);
	assert_int_equal(policy_store_watch(f->store), 0);
	assert_int_equal(policy_store_watch(f->store), 0);
}

static enum policy_mode mode_of_first(const struct fixture *f)
{
	const struct policy_info *info = policy_set_get(policy_store_set(f->store), 0);

	return info ? info->mode : _POLICY_MODE_MAX;
}

static void join(char ret[256], const char *folder, const char *name)
{
	assert_true(snprintf(ret, 256, "%s/%s", folder, name) < 256);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
	char a[256], b[256];

	join(a, f->policies, from);
	join(b, f->policies, to);
	assert_int_equal(rename(a, b), 0);
}

static void test_edit_is_reloaded(void **state)
{
	struct fixture *f = *state;
	struct container *c;
	char path[256];

	fixture_write(f, "a.yaml", AUDIT);
	start_watching(f);
	c = fixture_container(f, "prod", 2);
	fixture_write(f, "a.yaml", ENFORCE);
	await(f, 2, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
	assert_int_equal(fixture_action(f, c), HF_ACTION_DENY);
	/* Written beside and renamed over, as most editors do. */
	fixture_write(f, ".a.yaml.tmp", AUDIT);
	move(f, ".a.yaml.tmp", "a.yaml");
	await(f, 3, false);
	assert_int_equal(fixture_action(f, c), HF_ACTION_AUDIT);
	join(path, f->policies, "a.yaml");
	assert_int_equal(unlink(path), 0);
	await(f, 4, false);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
	container_free(&c);
}

/* rm and cp, with a busy machine between: there is no moment without a policy. */
static void test_emptied_folder_waits_for_what_replaces_it(void **state)
{
	struct fixture *f = *state;
	char path[256];

	fixture_write(f, "a.yaml", ENFORCE);
	start_watching(f);
	join(path, f->policies, "a.yaml");
	assert_int_equal(unlink(path), 0);
	await_nothing(f);
	assert_int_equal(policy_store_generation(f->store), 1);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
	fixture_write(f, "a.yaml", AUDIT);
	await(f, 2, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_AUDIT);
	/* A file that is cut before it is written is as good as none. */
	fixture_write(f, "a.yaml", "");
	await_nothing(f);
	assert_int_equal(policy_store_generation(f->store), 2);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
}

static void test_broken_edit_is_kept_as_error_until_mended(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "a.yaml", ENFORCE);
	start_watching(f);
	fixture_write(f, "a.yaml", BROKEN);
	await(f, 1, true);
	assert_int_equal(policy_store_last_error(f->store)->line, 4);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
	fixture_write(f, "a.yaml", AUDIT);
	await(f, 2, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_AUDIT);
}

/* policies/a.yaml -> ..data/a.yaml, ..data -> ..one; an update makes ..two and renames a new ..data over the old one. */
static void test_swapped_config_map_is_reloaded(void **state)
{
	struct fixture *f = *state;
	char path[256];

	join(path, f->policies, "..one");
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(f, "..one/a.yaml", AUDIT);
	join(path, f->policies, "..data");
	assert_int_equal(symlink("..one", path), 0);
	join(path, f->policies, "a.yaml");
	assert_int_equal(symlink("..data/a.yaml", path), 0);
	start_watching(f);
	assert_int_equal(mode_of_first(f), POLICY_MODE_AUDIT);
	join(path, f->policies, "..two");
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(f, "..two/a.yaml", ENFORCE);
	join(path, f->policies, "..data_tmp");
	assert_int_equal(symlink("..two", path), 0);
	move(f, "..data_tmp", "..data");
	await(f, 2, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
}

static void test_folder_that_appears_later_is_found(void **state)
{
	struct fixture *f = *state;
	char deep[160], file[256];
	FILE *stream;

	snprintf(deep, sizeof(deep), "%s/one/two/policies", f->root);
	f->daemon->options.policy_path = deep;
	start_watching(f);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
	for (char *slash = strstr(deep, "/one") + 4; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_int_equal(mkdir(deep, 0755), 0);
		*slash = '/';
		/* Each folder is seen and the watch moves closer. */
		await(f, policy_store_generation(f->store) + 1, false);
	}
	assert_int_equal(mkdir(deep, 0755), 0);
	join(file, deep, "a.yaml");
	stream = fopen(file, "we");
	assert_non_null(stream);
	assert_true(fputs(ENFORCE, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
	while (policy_set_count(policy_store_set(f->store)) == 0)
		await(f, policy_store_generation(f->store) + 1, false);
	f->daemon->options.policy_path = f->policies;
}

static void test_replaced_folder_is_watched(void **state)
{
	struct fixture *f = *state;
	char away[160];

	fixture_write(f, "a.yaml", AUDIT);
	start_watching(f);
	snprintf(away, sizeof(away), "%s/away", f->root);
	assert_int_equal(rename(f->policies, away), 0);
	await(f, 2, false);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
	assert_int_equal(mkdir(f->policies, 0755), 0);
	await(f, 3, false);
	fixture_write(f, "a.yaml", ENFORCE);
	await(f, 4, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
}

static void test_single_file_is_watched(void **state)
{
	struct fixture *f = *state;
	char path[256];

	join(path, f->policies, "only.yaml");
	fixture_write(f, "only.yaml", AUDIT);
	f->daemon->options.policy_path = path;
	start_watching(f);
	fixture_write(f, "other.yaml", BROKEN);
	await_nothing(f);
	assert_int_equal(policy_store_generation(f->store), 1);
	fixture_write(f, "new", ENFORCE);
	move(f, "new", "only.yaml");
	await(f, 2, false);
	assert_int_equal(mode_of_first(f), POLICY_MODE_ENFORCE);
	f->daemon->options.policy_path = f->policies;
}

static void test_hidden_files_are_no_change(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, "a.yaml", AUDIT);
	start_watching(f);
	fixture_write(f, ".a.yaml.swp", BROKEN);
	await_nothing(f);
	assert_int_equal(policy_store_generation(f->store), 1);
	assert_null(policy_store_last_error(f->store));
}

static void test_burst_is_one_reload(void **state)
{
	struct fixture *f = *state;
	char name[32];

	start_watching(f);
	for (int i = 0; i < 50; i++) {
		char text[256];

		snprintf(name, sizeof(name), "p%d.yaml", i);
		snprintf(text, sizeof(text), CLUSTER("p%d", "mode: audit"), i);
		fixture_write(f, name, text);
	}
	await(f, 2, false);
	await_nothing(f);
	assert_int_equal(policy_store_generation(f->store), 2);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 50);
}

/* No room for old and new together; when the quarantine of an earlier reload is over, there is. */
static void test_reload_without_room_is_tried_again(void **state)
{
	struct fixture *f = *state;
	struct container *c;

	f->tables.n_policies = HF_SLOT_FIRST + 2;
	fixture_write(f, "a.yaml", AUDIT);
	start_watching(f);
	c = fixture_container(f, "prod", 2);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	fixture_write(f, "a.yaml", ENFORCE);
	await(f, 2, true);
	assert_int_equal(fixture_action(f, c), HF_ACTION_AUDIT);
	await(f, 3, false);
	assert_int_equal(fixture_action(f, c), HF_ACTION_DENY);
	/* By now the first change is longer ago than the patience with changes that go on. */
	fixture_write(f, "a.yaml", AUDIT);
	await(f, 4, false);
	container_free(&c);
}

/* What stderr got while fn ran. */
static void capture(struct fixture *f, void (*fn)(struct fixture *f), char *ret, size_t size)
{
	char path[256];
	int saved = dup(STDERR_FILENO), fd;
	ssize_t n;

	join(path, f->root, "stderr");
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(saved >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_set_level(LOG_INFO);
	fn(f);
	log_set_level(-1);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	n = pread(fd, ret, size - 1, 0);
	close(fd);
	assert_true(n >= 0);
	ret[n] = '\0';
}

static void reload(struct fixture *f)
{
	policy_store_reload(f->store, NULL);
}

static void pause_and_resume(struct fixture *f)
{
	assert_int_equal(policy_store_pause(f->store, "prod", 60), 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 0), 0);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static void test_each_reload_and_pause_is_logged(void **state)
{
	struct fixture *f = *state;
	struct container *c, *d;
	char text[4096];

	fixture_write(f, "a.yaml", AUDIT);
	fixture_start(f);
	c = fixture_container(f, "prod", 2);
	d = fixture_container(f, "dev", 3);
	fixture_write(f, "b.yaml", NAMESPACED("prod", "b", "mode: enforce"));
	capture(f, reload, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, "generation 2: 2 from "));
	assert_non_null(strstr(text, "(1 before); 1 of 2 containers have other rules now"));
	fixture_write(f, "b.yaml", BROKEN);
	capture(f, reload, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, "/b.yaml:4:14: \"enforcing\""));
	assert_non_null(strstr(text, "generation 2 stays in force"));
	capture(f, pause_and_resume, text, sizeof(text));
	assert_int_equal(count_lines(text), 2);
	assert_non_null(strstr(text, "nothing is denied until 2"));
	assert_non_null(strstr(text, "ended by order"));
	assert_non_null(strstr(text, "namespace prod"));
	container_free(&c);
	container_free(&d);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_edit_is_reloaded),
		TEST(test_emptied_folder_waits_for_what_replaces_it),
		TEST(test_broken_edit_is_kept_as_error_until_mended),
		TEST(test_swapped_config_map_is_reloaded),
		TEST(test_folder_that_appears_later_is_found),
		TEST(test_replaced_folder_is_watched),
		TEST(test_single_file_is_watched),
		TEST(test_hidden_files_are_no_change),
		TEST(test_burst_is_one_reload),
		TEST(test_reload_without_room_is_tried_again),
		TEST(test_each_reload_and_pause_is_logged),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
