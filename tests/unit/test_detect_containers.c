// SPDX-License-Identifier: Apache-2.0
/* Containers for rules: what is remembered, whose place it takes, and what the path of a cgroup tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "enforcer/detect_containers.h"
#include "enforcer/util.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static unsigned int asked;

/* One registered container, of number 7. */
static int registered(struct detect_containers *containers, const struct detect_containers_key *key, void *data)
{
	char name[] = "web"; /* gone when this returns: a copy is remembered */
	struct detect_pair label = { .key = "app", .value = name };
	struct detect_mount mount = { .source = name, .destination = "/d", .mode = "", .propagation = "" };
	struct detect_container facts = { .id = ID, .name = name, .labels = &label, .n_labels = 1, .mounts = &mount, .n_mounts = 1 };

	(void)data;
	asked++;
	return key->kernel_id == 7 ? detect_containers_add(containers, key, &facts) : -ENOENT;
}

static int setup(void **state)
{
	struct detect_containers *containers = NULL;

	asked = 0;
	assert_int_equal(detect_containers_new(registered, NULL, &containers), 0);
	*state = containers;
	return 0;
}

static int teardown(void **state)
{
	struct detect_containers *containers = *state;

	detect_containers_free(&containers);
	assert_null(containers);
	detect_containers_free(&containers);
	return 0;
}

static const struct detect_container *find(struct detect_containers *containers, uint64_t kernel_id, uint64_t cgroup)
{
	return detect_containers_find(containers, &(struct detect_containers_key){ .kernel_id = kernel_id, .cgroup = cgroup });
}

static void test_registered_one_is_asked_for_once(void **state)
{
	const struct detect_container *found = find(*state, 7, 100);

	assert_string_equal(found->id, ID);
	assert_string_equal(found->name, "web");
	assert_int_equal(found->n_labels, 1);
	assert_string_equal(found->labels[0].value, "web");
	assert_string_equal(found->mounts[0].source, "web");
	assert_string_equal(find(*state, 7, 101)->name, "web"); /* moved to another cgroup: the tag counts */
	assert_int_equal(asked, 1);
	detect_containers_forget(*state);
	assert_string_equal(find(*state, 7, 100)->name, "web");
	assert_int_equal(asked, 2);
}

static void test_host_and_what_cannot_be_told(void **state)
{
	struct detect_containers_key host = { .cgroup = 5, .host = true };

	assert_string_equal(detect_containers_find(*state, &host)->id, "host");
	assert_int_equal(asked, 0);
	assert_string_equal(find(*state, 0, 5)->id, "unknown"); /* no process to ask */
	assert_string_equal(find(*state, 8, 5)->id, "unknown"); /* registered with nobody */
	assert_int_equal(asked, 1);
}

/* This test's own cgroup is no container's, or one whose id stands in its path. */
static void test_cgroup_of_a_process_is_looked_at_once(void **state)
{
	struct detect_containers_key key = { .cgroup = 9, .pid = (uint32_t)getpid() }, gone = { .cgroup = 9, .pid = UINT32_MAX };
	const struct detect_container *found = detect_containers_find(*state, &key);

	assert_string_not_equal(found->id, "unknown");
	assert_ptr_equal(detect_containers_find(*state, &gone), found);
	gone.cgroup = 8 + DETECT_CONTAINERS_MAX; /* of the same place */
	assert_string_equal(detect_containers_find(*state, &gone)->id, "unknown");
	gone.ppid = (uint32_t)getpid(); /* its parent is there */
	assert_string_not_equal(detect_containers_find(*state, &gone)->id, "unknown");
}

static int count(const struct detect_containers_key *key, const struct detect_container *facts, void *data)
{
	assert_true(key->kernel_id || key->cgroup);
	assert_non_null(facts->id);
	return ++*(int *)data == 1000 ? -E2BIG : 0;
}

static void test_recording_knows_what_it_was_told(void **state)
{
	_cleanup_(detect_containers_free) struct detect_containers *containers = NULL;
	struct detect_containers_key key = { .cgroup = 9, .pid = (uint32_t)getpid() };
	struct detect_container facts = { .id = "told" };
	int n = 0;

	(void)state;
	assert_int_equal(detect_containers_new(NULL, NULL, &containers), 0);
	assert_string_equal(detect_containers_find(containers, &key)->id, "unknown"); /* nothing of this machine */
	assert_int_equal(detect_containers_add(containers, &key, &facts), 0);
	assert_string_equal(detect_containers_find(containers, &key)->id, "told");
	assert_int_equal(detect_containers_walk(containers, count, &n), 0);
	assert_int_equal(n, 1);
}

/* More than there is room for: each answer is one's own, whoever took whose place. */
static void test_places_are_shared(void **state)
{
	struct detect_container facts = { 0 };
	char id[32];
	int n = 0;

	for (uint64_t i = 1; i <= 3 * DETECT_CONTAINERS_MAX; i++) {
		snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
		facts.id = id;
		assert_int_equal(detect_containers_add(*state, &(struct detect_containers_key){ .kernel_id = i + 100 }, &facts), 0);
		assert_string_equal(find(*state, i + 100, 0)->id, id);
	}
	for (uint64_t i = 1; i <= 3 * DETECT_CONTAINERS_MAX; i++) {
		const char *found = find(*state, i + 100, 0)->id;

		snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
		assert_true(!strcmp(found, id) || !strcmp(found, "unknown"));
	}
	assert_int_equal(detect_containers_walk(*state, count, &n), -E2BIG); /* ended by the caller */
	assert_int_equal(n, 1000);
}

static void test_paths_of_cgroups(void **state)
{
	static const struct {
		const char *path, *runtime; /* NULL: no container's */
	} cases[] = {
		{ "0::/system.slice/docker-" ID ".scope", "docker" },
		{ "0::/docker/" ID, "docker" },
		{ "0::/docker/" ID "/init", "docker" },
		{ "0::/machine.slice/libpod-" ID ".scope/container", "podman" },
		{ "0::/machine.slice/libpod-payload-" ID, "podman" },
		{ "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", "containerd" },
		{ "0::/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID, "containerd" },
		{ "0::/kubepods.slice/crio-" ID ".scope", "cri-o" },
		{ "0::/kubepods/besteffort/pod1/" ID, "cri" },
		{ "0::/system.slice/nerdctl-" ID ".scope", "containerd" },
		{ "0::/", NULL },
		{ "0::/user.slice/user-0.slice/session-1.scope", NULL },
		{ "0::/docker/" ID "0", NULL },					     /* 65 digits */
		{ "0::/docker/0123456789ABCDEF" "0123456789abcdef0123456789abcdef0123456789abcdef", NULL }, /* no capitals */
		{ "0::/docker-0123.scope", NULL },
		{ "0::/system.slice/docker-" ID ".service", NULL },
		{ "0::/" ID "/of-somebody", NULL }, /* in the midst of a path only with a runtime's name */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *runtime = NULL, *id = detect_container_id_of(cases[i].path, &runtime);

		if (!cases[i].runtime) {
			assert_null(id);
			continue;
		}
		if (!id)
			fail_msg("%s: no container", cases[i].path);
		assert_memory_equal(id, ID, strlen(ID));
		assert_string_equal(runtime, cases[i].runtime);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_registered_one_is_asked_for_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_and_what_cannot_be_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cgroup_of_a_process_is_looked_at_once, setup, teardown),
		cmocka_unit_test(test_recording_knows_what_it_was_told),
		cmocka_unit_test_setup_teardown(test_places_are_shared, setup, teardown),
		cmocka_unit_test(test_paths_of_cgroups),
	};

	return cmocka_run_group_tests_name("detect_containers", tests, NULL, NULL);
}
