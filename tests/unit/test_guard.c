// SPDX-License-Identifier: Apache-2.0
/* Self-protection: what mountinfo says about us. The rest needs the kernel: tests/drift/65-guard.sh. */
#include "enforcer/guard.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/util.h"

#define ROOT "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define SYS "23 22 0:21 / /sys rw,nosuid shared:7 master:1 - sysfs sysfs rw\n"
#define BPF "31 23 0:28 / /sys/fs/bpf rw,nosuid,nodev,noexec,relatime shared:9 - bpf bpf rw,mode=700\n"
#define PRIVATE "31 23 0:28 / /sys/fs/bpf rw - bpf shared:5 rw\n"

static void test_mounts_are_followed_to_the_root(void **)
{
	static const struct {
		const char *text;
		size_t n;
		struct hf_guard_mount mounts[HF_GUARD_MOUNTS];
	} rows[] = {
		{ ROOT SYS BPF, 3, { { 31, 9 }, { 23, 7 }, { 22, 1 } } },
		{ BPF SYS ROOT, 3, { { 31, 9 }, { 23, 7 }, { 22, 1 } } },
		{ ROOT SYS PRIVATE, 3, { { 31, 0 }, { 23, 7 }, { 22, 1 } } },
		{ SYS BPF, 2, { { 31, 9 }, { 23, 7 } } },
		{ BPF "nonsense\n", 1, { { 31, 9 } } },
		{ "31 31 0:28 / / rw - bpf bpf rw", 1, { { 31, 0 } } }, /* its own parent */
		{ "31 32 0:1 / / rw - x x rw\n32 31 0:1 / / rw - x x rw\n", HF_GUARD_MOUNTS,
		  { { 31, 0 }, { 32, 0 }, { 31, 0 }, { 32, 0 }, { 31, 0 }, { 32, 0 } } }, /* a circle comes to its end */
		{ ROOT, 0, { { 0, 0 } } },
		{ "", 0, { { 0, 0 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hf_guard_mount mounts[HF_GUARD_MOUNTS];

		assert_int_equal(guard_parse_mounts(rows[i].text, 31, mounts), rows[i].n);
		assert_memory_equal(mounts, rows[i].mounts, sizeof(mounts));
	}
}

static void test_modes_have_words_both_ways(void **)
{
	for (unsigned int mode = 0; mode < _HF_GUARD_MAX; mode++) {
		enum hf_guard_mode parsed = _HF_GUARD_MAX;

		assert_int_equal(guard_mode_parse(guard_mode_name((enum hf_guard_mode)mode), &parsed), 0);
		assert_int_equal(parsed, mode);
	}
	assert_null(guard_mode_name(_HF_GUARD_MAX));
	assert_int_equal(guard_mode_parse("all", &(enum hf_guard_mode){ 0 }), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts_are_followed_to_the_root),
		cmocka_unit_test(test_modes_have_words_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
