// SPDX-License-Identifier: Apache-2.0
/* Break-glass: who is paused until when, in the kernel half's tables, in the file, after a restart, and at its end. */
#include <errno.h>

#include "tests/unit/policy_fixture.h"

/* A pause that was granted a moment ago for this many seconds. */
static void check_until(uint64_t until_boot_ns, uint64_t seconds)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	assert_in_range(until_boot_ns, now + (seconds - 5) * NSEC_PER_SEC, now + seconds * NSEC_PER_SEC);
}

static void write_pauses(const struct fixture *f, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/pauses.json", f->run);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static size_t count_pauses(const struct fixture *f)
{
	const char *name;
	uint64_t until;
	size_t n = 0;

	while (policy_store_pause_at(f->store, n, &name, &until) == 0)
		n++;
	return n;
}

static bool has_file(const struct fixture *f, struct stat *ret)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/pauses.json", f->run);
	return lstat(path, ret) == 0;
}

static void test_pause_of_all_is_in_config(void **state)
{
	struct fixture *f = *state;
	const char *name = NULL;
	uint64_t until = 0, now;

	fixture_start(f);
	assert_int_equal(policy_store_pause_at(f->store, 0, &name, &until), -ENOENT);
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
	check_until(f->tables.config->pause_until_ns, 600);
	assert_int_equal(policy_store_pause_at(f->store, 0, &name, &until), 0);
	assert_string_equal(name, "");
	now = clock_ns(CLOCK_REALTIME);
	assert_in_range(until, now + 590 * NSEC_PER_SEC, now + 601 * NSEC_PER_SEC);
	assert_int_equal(policy_store_pause_at(f->store, 1, &name, &until), -ENOENT);
	/* Anew, not on top; "" means the same as NULL. */
	assert_int_equal(policy_store_pause(f->store, "", 60), 0);
	check_until(f->tables.config->pause_until_ns, 60);
	assert_int_equal(count_pauses(f), 1);
	assert_int_equal(policy_store_pause(f->store, NULL, 0), 0);
	assert_int_equal(f->tables.config->pause_until_ns, 0);
	assert_int_equal(count_pauses(f), 0);
	assert_int_equal(policy_store_pause(f->store, NULL, 0), -ENOENT);
}

static void test_pause_of_namespace_is_in_its_records(void **state)
{
	struct fixture *f = *state;
	struct container *prod, *dev, *host, *foreign;

	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	dev = fixture_container(f, "dev", 3);
	host = fixture_container(f, NULL, 4);
	foreign = fixture_container(f, "prod", 5);
	f->tables.containers[5].id = 77;
	assert_int_equal(policy_store_pause(f->store, "prod", 600), 0);
	check_until(f->tables.containers[2].pause_until_ns, 600);
	assert_int_equal(f->tables.containers[3].pause_until_ns, 0);
	assert_int_equal(f->tables.containers[4].pause_until_ns, 0);
	assert_int_equal(f->tables.containers[5].pause_until_ns, 0);
	assert_int_equal(f->tables.config->pause_until_ns, 0);
	/* What arming writes into the record of one that starts later. */
	assert_true(policy_store_pause_until(f->store, "prod") == f->tables.containers[2].pause_until_ns);
	assert_true(policy_store_pause_until(f->store, "dev") == 0);
	assert_true(policy_store_pause_until(f->store, NULL) == 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 0), 0);
	assert_int_equal(f->tables.containers[2].pause_until_ns, 0);
	assert_true(policy_store_pause_until(f->store, "prod") == 0);
	container_free(&prod);
	container_free(&dev);
	container_free(&host);
	container_free(&foreign);
}

/* The pause of all is in struct hf_config and in no record. */
static void test_pause_of_all_is_no_namespace(void **state)
{
	struct fixture *f = *state;

	fixture_start(f);
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
	assert_true(policy_store_pause_until(f->store, "prod") == 0);
	assert_true(policy_store_pause_until(f->store, "") == 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 0), -ENOENT);
	assert_int_equal(count_pauses(f), 1);
}

static void test_wrong_requests_change_nothing(void **state)
{
	struct fixture *f = *state;
	char longest[POLICY_PAUSE_NAMESPACE_BYTES + 2];

	fixture_start(f);
	assert_int_equal(policy_store_pause(f->store, NULL, POLICY_STORE_PAUSE_SECONDS_MAX + 1), -EINVAL);
	assert_int_equal(policy_store_pause(f->store, NULL, UINT64_MAX), -EINVAL);
	assert_int_equal(policy_store_pause(f->store, "a b", 60), -EINVAL);
	assert_int_equal(policy_store_pause(f->store, "a\n", 60), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(policy_store_pause(f->store, longest, 60), -EINVAL);
	assert_int_equal(count_pauses(f), 0);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(policy_store_pause(f->store, longest, 60), 0);
	assert_int_equal(policy_store_pause(f->store, NULL, POLICY_STORE_PAUSE_SECONDS_MAX), 0);
	assert_int_equal(count_pauses(f), 2);
}

static void test_number_of_namespaces_is_bounded(void **state)
{
	struct fixture *f = *state;
	char name[16];

	fixture_start(f);
	for (int i = 0; i < POLICY_STORE_PAUSES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(policy_store_pause(f->store, name, 60), 0);
	}
	assert_int_equal(policy_store_pause(f->store, "more", 60), -ENOSPC);
	assert_int_equal(policy_store_pause(f->store, "n3", 60), 0);
	/* There is always room for the one of all containers. */
	assert_int_equal(policy_store_pause(f->store, NULL, 60), 0);
	assert_int_equal(policy_store_pause(f->store, "more", 60), -ENOSPC);
	assert_int_equal(policy_store_pause(f->store, "n3", 0), 0);
	assert_int_equal(policy_store_pause(f->store, "more", 60), 0);
	assert_int_equal(count_pauses(f), POLICY_STORE_PAUSES_MAX + 1);
	/* All of them come back after a restart. */
	policy_store_free(&f->store);
	fixture_start(f);
	assert_int_equal(count_pauses(f), POLICY_STORE_PAUSES_MAX + 1);
}

static void test_pauses_survive_a_restart(void **state)
{
	struct fixture *f = *state;
	uint64_t all, prod;
	struct stat st;

	fixture_start(f);
	assert_false(has_file(f, &st));
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 300), 0);
	assert_true(has_file(f, &st));
	assert_int_equal(st.st_mode & 07777, 0600);
	all = f->tables.config->pause_until_ns;
	prod = policy_store_pause_until(f->store, "prod");
	policy_store_free(&f->store);
	/* As after the kernel half was unloaded and loaded: the file alone knows. */
	f->tables.config->pause_until_ns = 0;
	fixture_start(f);
	assert_true(f->tables.config->pause_until_ns == all);
	assert_true(policy_store_pause_until(f->store, "prod") == prod);
	assert_int_equal(policy_store_pause(f->store, NULL, 0), 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 0), 0);
	assert_false(has_file(f, &st));
	policy_store_free(&f->store);
	fixture_start(f);
	assert_int_equal(count_pauses(f), 0);
}

static void test_kernel_half_knows_better_than_the_file(void **state)
{
	struct fixture *f = *state;
	uint64_t until = clock_ns(CLOCK_BOOTTIME) + 900 * NSEC_PER_SEC;

	fixture_start(f);
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
	policy_store_free(&f->store);
	f->tables.config->pause_until_ns = until;
	fixture_start(f);
	assert_true(f->tables.config->pause_until_ns == until);
	assert_int_equal(count_pauses(f), 1);
	policy_store_free(&f->store);
	/* Without a file at all. */
	write_pauses(f, "");
	fixture_start(f);
	assert_true(f->tables.config->pause_until_ns == until);
	assert_int_equal(count_pauses(f), 1);
}

static void test_file_that_is_not_ours_is_not_believed(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"boot_id\": 3, \"pauses\": []}",
		"{\"boot_id\": \"x\", \"pauses\": {}}",
		/* another boot */
		"{\"boot_id\": \"x%s\", \"pauses\": [{\"namespace\": \"\", \"until_boot_ns\": %llu}]}",
		"{\"boot_id\": \"%s\", \"pauses\": [3]}",
		"{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"a b\", \"until_boot_ns\": %llu}]}",
		"{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"a\", \"until_boot_ns\": \"%llu\"}]}",
		/* further away than a pause can be, and past */
		"{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"a\", \"until_boot_ns\": 18446744073709551615}]}",
		"{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"\", \"until_boot_ns\": 1}]}",
		"{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"\", \"until_boot_ns\": -1}]}",
	};
	char boot_id[64] = "", text[512];
	struct fixture *f = *state;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	assert_non_null(file);
	assert_non_null(fgets(boot_id, sizeof(boot_id), file));
	fclose(file);
	boot_id[strcspn(boot_id, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(text, sizeof(text), texts[i], boot_id, (unsigned long long)clock_ns(CLOCK_BOOTTIME) + NSEC_PER_SEC * 60);
		write_pauses(f, text);
		fixture_start(f);
		assert_int_equal(count_pauses(f), 0);
		assert_int_equal(f->tables.config->pause_until_ns, 0);
		policy_store_free(&f->store);
	}
	/* The negative twin: one that is. */
	snprintf(text, sizeof(text),
		 "{\"boot_id\": \"%s\", \"pauses\": [{\"namespace\": \"a\", \"until_boot_ns\": %llu}]}", boot_id,
		 (unsigned long long)clock_ns(CLOCK_BOOTTIME) + NSEC_PER_SEC * 60);
	write_pauses(f, text);
	fixture_start(f);
	assert_int_equal(count_pauses(f), 1);
}

/* The run folder is gone: the pause holds all the same. */
static void test_pause_holds_when_it_cannot_be_kept(void **state)
{
	struct fixture *f = *state;

	f->daemon->options.run_dir = "/nonexistent/run";
	fixture_start(f);
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
	check_until(f->tables.config->pause_until_ns, 600);
	assert_true(faults_count(f->daemon->faults, FAULT_STATE) > 0);
	assert_int_equal(policy_store_mend_pauses(f->store), -ENOENT);
	policy_store_free(&f->store);
	f->daemon->options.run_dir = NULL;
	fixture_start(f);
	assert_int_equal(policy_store_mend_pauses(f->store), 0);
	assert_int_equal(policy_store_pause(f->store, NULL, 600), 0);
}

static void remove_file(const struct fixture *f)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/pauses.json", f->run);
	unlink(path);
}

/* The folder comes back: what is in force is written, and a restart shows it. */
static void test_pause_is_kept_when_that_works_again(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	fixture_start(f);
	remove_file(f);
	assert_int_equal(rmdir(f->run), 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 600), 0);
	assert_int_equal(mkdir(f->run, 0755), 0);
	assert_false(has_file(f, &st));
	assert_int_equal(policy_store_mend_pauses(f->store), 0);
	assert_true(has_file(f, &st));
	policy_store_free(&f->store);
	fixture_start(f);
	assert_int_equal(count_pauses(f), 1);
}

static void poll_until_ended(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	if (f->tables.config->pause_until_ns == 0 && f->tables.containers[2].pause_until_ns == 0)
		loop_quit(f->daemon->loop, 0);
}

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->daemon->loop, 1);
}

static void test_pause_ends_by_itself(void **state)
{
	struct loop_source *poll = NULL, *deadline = NULL;
	struct fixture *f = *state;
	struct container *c;
	struct stat st;

	fixture_start(f);
	c = fixture_container(f, "prod", 2);
	assert_int_equal(policy_store_pause(f->store, NULL, 1), 0);
	assert_int_equal(policy_store_pause(f->store, "prod", 1), 0);
	assert_int_equal(policy_store_pause(f->store, "dev", 600), 0);
	assert_int_equal(loop_timer(f->daemon->loop, 1, NSEC_PER_SEC / 50, poll_until_ended, f, &poll), 0);
	assert_int_equal(loop_timer(f->daemon->loop, 20 * NSEC_PER_SEC, 0, give_up, f, &deadline), 0);
	assert_int_equal(loop_run(f->daemon->loop), 0);
	loop_unwatch(&poll);
	loop_unwatch(&deadline);
	assert_int_equal(count_pauses(f), 1);
	assert_true(policy_store_pause_until(f->store, "dev") > 0);
	assert_true(has_file(f, &st));
	container_free(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_pause_of_all_is_in_config),
		TEST(test_pause_of_namespace_is_in_its_records),
		TEST(test_pause_of_all_is_no_namespace),
		TEST(test_wrong_requests_change_nothing),
		TEST(test_number_of_namespaces_is_bounded),
		TEST(test_pauses_survive_a_restart),
		TEST(test_kernel_half_knows_better_than_the_file),
		TEST(test_file_that_is_not_ours_is_not_believed),
		TEST(test_pause_holds_when_it_cannot_be_kept),
		TEST(test_pause_is_kept_when_that_works_again),
		TEST(test_pause_ends_by_itself),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
