// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enforcer/root_kind.h"
#include "enforcer/util.h"

static void test_local_file_systems_are_supported(void **state)
{
	static const char *const types[] = { "overlay", "ext4", "xfs", "btrfs", "tmpfs", "erofs", "squashfs",
					     "fuse.fuse-overlayfs" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_true(root_kind_supported(types[i]));
}

static void test_remote_and_unknown_ones_are_not(void **state)
{
	static const char *const types[] = { "", "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "virtiofs", "fuse", "fuse.sshfs",
					     "fuse.fuse-overlayfs2", "zfs", "bcachefs", "overlay ", "ext" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		assert_false(root_kind_supported(types[i]));
		assert_null(root_kind_note(types[i]));
	}
}

static void test_fuse_says_what_is_not_seen(void **state)
{
	(void)state;
	assert_non_null(root_kind_note("fuse.fuse-overlayfs"));
	assert_null(root_kind_note("ext4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local_file_systems_are_supported),
		cmocka_unit_test(test_remote_and_unknown_ones_are_not),
		cmocka_unit_test(test_fuse_says_what_is_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
