// SPDX-License-Identifier: Apache-2.0
/* The store: policies of containers, reload all or nothing, sharing, what does not fit. */
#include <errno.h>

#include "tests/unit/policy_fixture.h"

#define ENFORCE "mode: enforce"
#define AUDIT "mode: audit"
/* More classes than an entry holds. */
#define TOO_CLASSY "exceptions: [{name: classy, paths: ['/[0][1][2][3][4][5][6][7][8]']}]"

static void test_missing_folder_is_audit_everywhere(void **state)
{
	struct fixture *f = *state;
	struct container *c;

	f->daemon->options.policy_path = "/nonexistent/holdfast/policies";
	fixture_start(f);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
	assert_int_equal(policy_store_generation(f->store), 1);
	assert_null(policy_store_last_error(f->store));
	c = fixture_container(f, "prod", 2);
	assert_int_equal(fixture_action(f, c), HF_ACTION_AUDIT);
	assert_int_equal(c->policy->kind, POLICY_KIND_BUILTIN);
	container_free(&c);
}

static void test_no_path_is_audit_everywhere(void **state)
{
	struct fixture *f = *state;

	f->daemon->options.policy_path = NULL;
	fixture_start(f);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 0);
	assert_int_equal(policy_store_watch(f->store), 0);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
}

static void test_invalid_file_stops_start(void **state)
{
	struct fixture *f = *state;
	struct policy_error error = { 0 };

	fixture_write(f, "a.yaml", CLUSTER("a", "mode: enforcing"));
	assert_int_equal(policy_store_new_on(f->daemon, &f->tables, &f->store, &error), -EINVAL);
	assert_null(f->store);
	assert_int_equal(error.line, 4);
	assert_non_null(strstr(error.file, "a.yaml"));
	assert_int_equal(policy_store_new_on(f->daemon, &f->tables, &f->store, NULL), -EINVAL);
	fixture_write(f, "a.yaml", CLUSTER("a", ENFORCE));
	assert_int_equal(policy_store_new_on(f->daemon, &f->tables, &f->store, NULL), 0);
}

static void test_each_container_gets_its_policy(void **state)
{
	struct fixture *f = *state;
	struct container *prod, *dev, *host;

	fixture_write(f, "a.yaml", NAMESPACED("prod", "a", ENFORCE) "---\n" CLUSTER("b", AUDIT));
	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	dev = fixture_container(f, "dev", 3);
	host = fixture_container(f, NULL, 4);
	assert_int_equal(fixture_action(f, prod), HF_ACTION_DENY);
	assert_int_equal(fixture_action(f, dev), HF_ACTION_AUDIT);
	assert_int_equal(fixture_action(f, host), HF_ACTION_AUDIT);
	assert_int_equal(dev->policy_slot, host->policy_slot);
	assert_string_equal(prod->policy->name, "a");
	assert_int_equal(f->tables.policies[prod->policy_slot].generation, 1);
	container_free(&prod);
	container_free(&dev);
	container_free(&host);
}

static void test_container_that_could_not_be_armed_is_never_denied(void **state)
{
	struct fixture *f = *state;
	struct container *armed, *not;
	uint32_t slot;

	fixture_write(f, "a.yaml", CLUSTER("a", "mode: enforce, onViolation: {action: kill}"));
	fixture_start(f);
	armed = fixture_container(f, "prod", 2);
	not = fixture_container(f, "prod", 3);
	assert_int_equal(fixture_action(f, not), HF_ACTION_KILL);
	not->state = CONTAINER_STATE_AUDIT;
	/* Assigned again: the record is switched here already, since it is this container's. */
	assert_int_equal(policy_store_assign(f->store, not), 0);
	assert_int_equal(fixture_action(f, not), HF_ACTION_AUDIT);
	assert_int_equal(fixture_action(f, armed), HF_ACTION_KILL);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_int_equal(fixture_action(f, not), HF_ACTION_AUDIT);
	assert_int_equal(fixture_action(f, armed), HF_ACTION_KILL);
	/* And the other way round, as arming does it. */
	policy_store_unassign(f->store, not);
	policy_store_unassign(f->store, not);
	assert_int_equal(not->policy_slot, 0);
	assert_non_null(not->policy);
	not->state = CONTAINER_STATE_ARMED;
	assert_int_equal(policy_store_assign(f->store, not), 0);
	slot = not->policy_slot;
	assert_int_equal(slot, armed->policy_slot);
	container_free(&armed);
	container_free(&not);
}

static void test_reload_switches_every_record(void **state)
{
	struct fixture *f = *state;
	struct container *prod, *dev;
	uint32_t old;

	fixture_write(f, "a.yaml", CLUSTER("a", AUDIT));
	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	dev = fixture_container(f, "dev", 3);
	old = prod->policy_slot;
	fixture_write(f, "b.yaml", NAMESPACED("prod", "b", ENFORCE));
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_int_equal(policy_store_generation(f->store), 2);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 2);
	assert_int_equal(fixture_action(f, prod), HF_ACTION_DENY);
	assert_int_equal(fixture_action(f, dev), HF_ACTION_AUDIT);
	assert_string_equal(prod->policy->name, "b");
	assert_int_equal(f->tables.containers[2].policy, prod->policy_slot);
	assert_int_equal(f->tables.policies[prod->policy_slot].generation, 2);
	/* A program that loaded the old number still finds the old policy there. */
	assert_int_equal(f->tables.policies[old].valid, 1);
	assert_int_equal(f->tables.policies[old].generation, 1);
	assert_int_not_equal(prod->policy_slot, old);
	assert_int_not_equal(dev->policy_slot, old);
	container_free(&prod);
	container_free(&dev);
}

static void test_reload_leaves_records_of_others_alone(void **state)
{
	struct fixture *f = *state;
	struct container *pending, *reserved;

	fixture_write(f, "a.yaml", CLUSTER("a", AUDIT));
	fixture_start(f);
	pending = fixture_container(f, "prod", 2);
	f->tables.containers[2] = (struct hf_container){ .id = 77, .policy = 9 };
	reserved = fixture_container(f, "prod", 3);
	f->tables.containers[3] = (struct hf_container){ 0 };
	reserved->slot = HF_SLOT_CANARY;
	f->tables.containers[HF_SLOT_CANARY].id = reserved->kernel_id;
	f->tables.containers[HF_SLOT_CANARY].policy = HF_SLOT_CANARY;
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_int_equal(f->tables.containers[2].policy, 9);
	assert_int_equal(f->tables.containers[HF_SLOT_CANARY].policy, HF_SLOT_CANARY);
	/* Whoever fills the record in later finds the new slot. */
	assert_int_equal(f->tables.policies[pending->policy_slot].generation, 2);
	container_free(&pending);
	container_free(&reserved);
}

static void test_bad_file_leaves_old_policies_standing(void **state)
{
	struct fixture *f = *state;
	struct policy_error error = { 0 };
	struct container *c;
	uint32_t slot;

	fixture_write(f, "a.yaml", CLUSTER("a", ENFORCE));
	fixture_start(f);
	c = fixture_container(f, "prod", 2);
	slot = c->policy_slot;
	fixture_write(f, "b.yaml", CLUSTER("b", "mode: off, mode: off"));
	assert_int_equal(policy_store_reload(f->store, &error), -EINVAL);
	assert_int_equal(error.line, 4);
	assert_non_null(strstr(error.file, "b.yaml"));
	assert_string_equal(policy_store_last_error(f->store)->message, error.message);
	assert_int_equal(policy_store_generation(f->store), 1);
	assert_int_equal(policy_set_count(policy_store_set(f->store)), 1);
	assert_int_equal(c->policy_slot, slot);
	assert_int_equal(fixture_action(f, c), HF_ACTION_DENY);
	fixture_write(f, "b.yaml", "");
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_null(policy_store_last_error(f->store));
	container_free(&c);
}

/* Found when it is loaded, although no container asks for it. */
static void test_exception_that_does_not_fit_is_named(void **state)
{
	struct fixture *f = *state;
	struct policy_error error = { 0 };

	fixture_write(f, "a.yaml", "# first\n" NAMESPACED("nobody", "a", "mode: enforce, " TOO_CLASSY));
	assert_int_equal(policy_store_new_on(f->daemon, &f->tables, &f->store, &error), -EINVAL);
	assert_non_null(strstr(error.file, "/a.yaml"));
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 1);
	assert_non_null(strstr(error.message, "\"classy\""));
	fixture_write(f, "a.yaml", CLUSTER("a", ENFORCE));
	fixture_start(f);
	fixture_write(f, "b.yaml", NAMESPACED("nobody", "a", "mode: enforce, " TOO_CLASSY));
	memset(&error, 0, sizeof(error));
	assert_int_equal(policy_store_reload(f->store, &error), -EINVAL);
	assert_non_null(strstr(error.message, "\"classy\""));
	assert_int_equal(policy_store_generation(f->store), 1);
}

static void test_thousand_containers_of_one_policy_cost_one_slot(void **state)
{
	enum { N = 1000 };
	struct container *all[N];
	struct fixture *f = *state;

	f->tables.n_policies = HF_SLOT_FIRST + 2; /* one, and one for the reload */
	f->tables.n_exceptions = 4;
	fixture_write(f, "a.yaml", CLUSTER("a", "mode: enforce, exceptions: [{name: e, paths: [/tmp/a, /tmp/b]}]"));
	fixture_start(f);
	for (uint32_t i = 0; i < N; i++)
		all[i] = fixture_container(f, "prod", HF_SLOT_FIRST + i);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(f->tables.containers[all[i]->slot].policy, all[0]->policy_slot);
		assert_int_equal(fixture_action(f, all[i]), HF_ACTION_DENY);
	}
	assert_int_equal(f->tables.policies[all[0]->policy_slot].exceptions_first, 2);
	for (uint32_t i = 0; i < N; i++)
		container_free(&all[i]);
}

static void test_reload_without_room_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct policy_error error = { 0 };
	struct container *prod, *dev, *third;
	const struct policy_effective *policy;

	f->tables.n_policies = HF_SLOT_FIRST + 3;
	fixture_write(f, "a.yaml", NAMESPACED("prod", "a", ENFORCE));
	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	dev = fixture_container(f, "dev", 3);
	policy = dev->policy;
	fixture_write(f, "a.yaml", NAMESPACED("prod", "a", "mode: enforce, memory: {memfdMap: deny}"));
	fixture_write(f, "b.yaml", NAMESPACED("dev", "b", "mode: enforce, memory: {anonymousExec: deny}"));
	assert_int_equal(policy_store_reload(f->store, &error), -ENOSPC);
	assert_non_null(strstr(error.message, "no room"));
	assert_int_equal(faults_count(f->daemon->faults, FAULT_POLICIES), 1);
	assert_int_equal(policy_store_retry(f->store), -ENOSPC);
	assert_string_equal(policy_store_last_error(f->store)->file, f->policies);
	assert_int_equal(policy_store_generation(f->store), 1);
	assert_int_equal(fixture_action(f, prod), HF_ACTION_DENY);
	assert_int_equal(fixture_action(f, dev), HF_ACTION_AUDIT);
	assert_ptr_equal(dev->policy, policy);
	/* What it had taken for the first container is free again. */
	fixture_write(f, "a.yaml", "");
	fixture_write(f, "b.yaml", "");
	dev->state = CONTAINER_STATE_ARMED;
	assert_int_equal(policy_store_retry(f->store), 0);
	assert_int_equal(policy_store_retry(f->store), 0);
	assert_int_equal(policy_store_generation(f->store), 2);
	assert_null(policy_store_last_error(f->store));
	assert_int_equal(fixture_action(f, prod), HF_ACTION_AUDIT);
	third = fixture_container(f, "third", 4);
	assert_int_equal(third->policy_slot, prod->policy_slot);
	container_free(&prod);
	container_free(&dev);
	container_free(&third);
}

/* Not even a slot for the new generation: who says the same as before goes on with that, whatever its number. */
static void test_reload_without_room_shares_what_says_the_same(void **state)
{
	struct fixture *f = *state;
	struct container *prod, *third;
	uint32_t slot;

	f->tables.n_policies = HF_SLOT_FIRST + 1;
	fixture_write(f, "a.yaml", NAMESPACED("prod", "a", ENFORCE));
	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	slot = prod->policy_slot;
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	assert_int_equal(prod->policy_slot, slot);
	assert_int_equal(f->tables.policies[slot].valid, 1);
	assert_int_equal(f->tables.policies[slot].generation, 1);
	third = fixture_container(f, "prod", 3);
	assert_int_equal(third->policy_slot, slot);
	container_free(&third);
	assert_int_equal(fixture_action(f, prod), HF_ACTION_DENY);
	container_free(&prod);
}

static void test_container_without_room_is_refused(void **state)
{
	struct fixture *f = *state;
	struct container *prod, dev = { .state = CONTAINER_STATE_PENDING };

	f->tables.n_policies = HF_SLOT_FIRST + 1;
	fixture_write(f, "a.yaml", NAMESPACED("prod", "a", ENFORCE));
	fixture_start(f);
	prod = fixture_container(f, "prod", 2);
	assert_int_equal(policy_store_assign(f->store, &dev), -ENOSPC);
	assert_null(dev.policy);
	assert_null(dev.on_free);
	policy_store_unassign(f->store, &dev);
	container_free(&prod);
}

/* A clock that was an hour off: all ends move by an hour on the kernel half's clock. */
static void test_set_clock_moves_ends_of_exceptions(void **state)
{
	struct fixture *f = *state;
	int64_t hour = 3600 * (int64_t)NSEC_PER_SEC;
	struct container *c;
	uint64_t before;

	fixture_write(f, "a.yaml", CLUSTER("a", "mode: enforce, exceptions: [{name: e, paths: [/x], expires: 2199-01-01}]"));
	fixture_start(f);
	c = fixture_container(f, "prod", 2);
	assert_int_equal(f->tables.policies[c->policy_slot].exceptions_count, 1);
	before = f->tables.exceptions[f->tables.policies[c->policy_slot].exceptions_first].expires_ns;
	assert_true(before > 0);
	assert_int_equal(policy_store_clock_changed(f->store), 0);
	assert_true(f->tables.exceptions[f->tables.policies[c->policy_slot].exceptions_first].expires_ns == before);
	/* As if the last look at the clocks had been before somebody set one of them. */
	f->store->real_to_boot_ns += hour;
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	f->store->real_to_boot_ns += hour;
	assert_int_equal(policy_store_clock_changed(f->store), 0);
	assert_in_range(f->tables.exceptions[f->tables.policies[c->policy_slot].exceptions_first].expires_ns,
			before - NSEC_PER_SEC, before + NSEC_PER_SEC);
	assert_int_equal(f->tables.containers[2].policy, c->policy_slot);
	assert_int_equal(policy_store_generation(f->store), 2);
	assert_string_equal(c->policy->name, "a");
	container_free(&c);
}

static void test_generation_goes_on_after_restart(void **state)
{
	struct fixture *f = *state;
	struct container *c, *again;

	fixture_write(f, "a.yaml", CLUSTER("a", ENFORCE));
	fixture_start(f);
	c = fixture_container(f, "prod", 2);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	policy_store_free(&f->store);
	assert_int_equal(fixture_action(f, c), HF_ACTION_DENY);
	assert_null(c->on_free);
	fixture_start(f);
	assert_int_equal(policy_store_generation(f->store), 3);
	/* What the record points to is not given to anybody else. */
	again = fixture_container(f, "dev", 3);
	assert_int_not_equal(again->policy_slot, c->policy_slot);
	container_free(&c);
	container_free(&again);
}

static void test_containers_may_be_freed_before_or_after(void **state)
{
	struct fixture *f = *state;
	struct container *a, *b;

	fixture_start(f);
	a = fixture_container(f, "prod", 2);
	b = fixture_container(f, "prod", 3);
	container_free(&a);
	assert_int_equal(policy_store_reload(f->store, NULL), 0);
	policy_store_free(&f->store);
	container_free(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_missing_folder_is_audit_everywhere),
		TEST(test_no_path_is_audit_everywhere),
		TEST(test_invalid_file_stops_start),
		TEST(test_each_container_gets_its_policy),
		TEST(test_container_that_could_not_be_armed_is_never_denied),
		TEST(test_reload_switches_every_record),
		TEST(test_reload_leaves_records_of_others_alone),
		TEST(test_bad_file_leaves_old_policies_standing),
		TEST(test_exception_that_does_not_fit_is_named),
		TEST(test_thousand_containers_of_one_policy_cost_one_slot),
		TEST(test_reload_without_room_changes_nothing),
		TEST(test_reload_without_room_shares_what_says_the_same),
		TEST(test_container_without_room_is_refused),
		TEST(test_set_clock_moves_ends_of_exceptions),
		TEST(test_generation_goes_on_after_restart),
		TEST(test_containers_may_be_freed_before_or_after),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
