// SPDX-License-Identifier: Apache-2.0
/* Declared mounts: which kind is told to the kernel half, for how long, and what a write to one makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/container.h"
#include "enforcer/lsm.h"
#include "enforcer/util.h"
#include "enforcer/volumes.h"

static struct {
	struct hf_volume_key key;
	enum hf_volume_kind kind;
	bool while_read_only;
} told[8];
static size_t n_told;

int lsm_volume_add(struct lsm *, const struct hf_volume_key *key, enum hf_volume_kind kind, bool while_read_only)
{
	assert_true(n_told < ARRAY_SIZE(told));
	told[n_told].key = *key;
	told[n_told].kind = kind;
	told[n_told++].while_read_only = while_read_only;
	return 0;
}

static void publish(const struct container *c)
{
	n_told = 0;
	assert_int_equal(volumes_publish(NULL, c), 0);
	assert_int_equal(n_told, c->n_mounts);
}

static void expect(size_t i, enum hf_volume_kind kind, bool while_read_only)
{
	if (told[i].kind != kind || told[i].while_read_only != while_read_only || told[i].key.what != HF_VOLUME_KIND)
		fail_msg("mount %zu: kind %u, while read-only %d", i, told[i].kind, told[i].while_read_only);
}

static void test_kinds_that_hold_while_read_only(void **state)
{
	struct policy_volume allowed[] = { { .path = (char *)"/plugins" }, { .path = (char *)"/fixed", .read_only = true } };
	struct policy_effective policy = { .volumes = allowed, .n_volumes = 2 };
	struct container_mount mounts[] = {
		{ .destination = (char *)"/config", .root_ino = 1, .dev = 9, .read_only = true },
		{ .destination = (char *)"/data", .root_ino = 2, .dev = 9 },
		{ .destination = (char *)"/plugins/", .root_ino = 3, .dev = 9, .read_only = true },
		{ .destination = (char *)"/fixed", .root_ino = 4, .dev = 9, .read_only = true },
		{ .destination = (char *)"/sbin/init", .root_ino = 5, .dev = 9, .read_only = true, .is_file = true },
		{ .destination = (char *)"/also-fixed", .root_ino = 3, .dev = 9, .read_only = true },
	};
	struct container c = { .facts = { .id = (char *)"box", .program = (char *)"/sbin/init" }, .policy = &policy,
			       .mounts = mounts, .n_mounts = ARRAY_SIZE(mounts) };

	(void)state;
	publish(&c);
	expect(0, HF_VOLUME_READ_ONLY, true);
	expect(1, HF_VOLUME_WRITABLE, false);
	expect(2, HF_VOLUME_ALLOWED, false);
	expect(3, HF_VOLUME_ALLOWED, true);
	expect(4, HF_VOLUME_INIT, true);
	expect(5, HF_VOLUME_ALLOWED, false);
}

static void test_a_write_marks_that_volume_alone(void **state)
{
	struct policy_effective policy = { 0 };
	struct container_mount mounts[] = {
		{ .destination = (char *)"/config", .root_ino = 1, .dev = 9, .read_only = true },
		{ .destination = (char *)"/data", .root_ino = 2, .dev = 9 },
		{ .destination = (char *)"/again", .root_ino = 1, .dev = 9, .read_only = true },
		{ .destination = (char *)"/elsewhere", .root_ino = 1, .dev = 8, .read_only = true },
		{ .destination = (char *)"/other", .root_ino = 3, .dev = 9, .read_only = true },
	};
	struct container c = { .facts = { .id = (char *)"box" }, .policy = &policy, .mounts = mounts,
			       .n_mounts = ARRAY_SIZE(mounts) };

	(void)state;
	assert_int_equal(volumes_mark_written(&c, 7, 9), 0);
	assert_int_equal(volumes_mark_written(&c, 1, 9), 2);
	assert_int_equal(volumes_mark_written(&c, 1, 9), 0);
	publish(&c);
	expect(0, HF_VOLUME_WRITABLE, false);
	expect(2, HF_VOLUME_WRITABLE, false);
	expect(3, HF_VOLUME_READ_ONLY, true);
	expect(4, HF_VOLUME_READ_ONLY, true);
	assert_int_equal(volumes_mark_written(&c, 0, 9), 1); /* somewhere on that file system */
	publish(&c);
	expect(3, HF_VOLUME_READ_ONLY, true);
	expect(4, HF_VOLUME_WRITABLE, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_that_hold_while_read_only),
		cmocka_unit_test(test_a_write_marks_that_volume_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
