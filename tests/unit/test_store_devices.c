// SPDX-License-Identifier: Apache-2.0
/* Devices below those that carry layers, found in a sysfs of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/lsm.h"
#include "enforcer/store_devices.h"
#include "enforcer/util.h"

#define DEV(major, minor) ((major) << 20 | (minor))

/* The kernel half's table. */
static struct {
	uint32_t dev[32], why[32];
	size_t n;
	int full;
} table;

size_t lsm_store_devices(struct lsm *, uint32_t *ret, uint32_t *ret_why, size_t max)
{
	assert_true(max >= table.n);
	memcpy(ret, table.dev, table.n * sizeof(*ret));
	memcpy(ret_why, table.why, table.n * sizeof(*ret_why));
	return table.n;
}

static size_t find(uint32_t dev)
{
	size_t i = 0;

	while (i < table.n && table.dev[i] != dev)
		i++;
	return i;
}

int lsm_store_device_add(struct lsm *, uint32_t dev, uint32_t why)
{
	if (find(dev) < table.n)
		return 0;
	if (table.full)
		return -E2BIG;
	table.dev[table.n] = dev;
	table.why[table.n++] = why;
	return 0;
}

int lsm_store_device_remove(struct lsm *, uint32_t dev)
{
	size_t i = find(dev);

	assert_true(i < table.n);
	table.n--;
	table.dev[i] = table.dev[table.n];
	table.why[i] = table.why[table.n];
	return 0;
}

int lsm_store_device_looked(struct lsm *, uint32_t dev)
{
	table.why[find(dev)] |= HF_STORE_LOOKED;
	return 0;
}

static char folder[] = "/tmp/hf-sysfs-XXXXXX";

static int set_up(void **)
{
	memset(&table, 0, sizeof(table));
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **)
{
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", folder, NULL);
		_exit(1);
	}
	wait(NULL);
	return 0;
}

static void put(const char *name, const char *text)
{
	char path[256], *slash;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0755);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void check(const uint32_t *expected, size_t n)
{
	assert_int_equal(table.n, n);
	for (size_t i = 0; i < n; i++)
		assert_true(find(expected[i]) < table.n);
}

/* A volume on an encrypted partition: volume, encryption, partition, disk. In sysfs dev/block/N is a link into the disk's folder. */
static void test_all_below_a_volume_are_told(void **)
{
	put("dev/block/253:1/slaves/dm-0/dev", "253:0\n");
	put("dev/block/253:0/slaves/sda3/dev", "8:3\n");
	put("disks/sda/dev", "8:0\n");
	put("disks/sda/sda3/partition", "3\n");
	put("dev/block/7:0/dev", "7:0\n");
	{
		char from[256], to[256];

		snprintf(from, sizeof(from), "%s/disks/sda/sda3", folder);
		snprintf(to, sizeof(to), "%s/dev/block/8:3", folder);
		assert_int_equal(symlink(from, to), 0);
	}
	lsm_store_device_add(NULL, DEV(253u, 1u), HF_STORE_DEVICE);
	assert_int_equal(store_devices_look(NULL, folder), 0);
	check((const uint32_t[]){ DEV(253u, 1u), DEV(253u, 0u), DEV(8u, 3u), DEV(8u, 0u) }, 4);
	assert_int_equal(table.why[0], HF_STORE_DEVICE | HF_STORE_LOOKED);
	assert_int_equal(table.why[1], HF_STORE_BELOW);
}

/* Two volumes on one disk, and one elsewhere whose file system has numbers of its own. */
static void test_what_carries_layers_no_more_goes_alone(void **)
{
	put("dev/block/253:0/slaves/sda/dev", "8:0\n");
	put("dev/block/253:1/slaves/sda/dev", "8:0\n");
	put("dev/block/253:1/slaves/sdb/dev", "8:16\n");
	put("dev/block/253:2/slaves/sdc/dev", "8:32\n");
	lsm_store_device_add(NULL, DEV(253u, 0u), HF_STORE_DEVICE);
	lsm_store_device_add(NULL, DEV(253u, 1u), HF_STORE_DEVICE);
	lsm_store_device_add(NULL, DEV(253u, 2u), HF_STORE_DEVICE | HF_STORE_LASTING);
	assert_int_equal(store_devices_look(NULL, folder), 0);
	assert_int_equal(table.n, 6);
	assert_int_equal(store_devices_keep(NULL, (const uint32_t[]){ DEV(253u, 0u), DEV(7u, 7u) }, 2, folder), 0);
	check((const uint32_t[]){ DEV(253u, 0u), DEV(8u, 0u), DEV(253u, 2u), DEV(8u, 32u) }, 4);
	assert_int_equal(store_devices_keep(NULL, NULL, 0, folder), 0);
	check((const uint32_t[]){ DEV(253u, 2u), DEV(8u, 32u) }, 2);
}

static void test_a_plain_disk_has_nothing_below(void **)
{
	put("dev/block/8:16/dev", "8:16\n");
	lsm_store_device_add(NULL, DEV(8u, 16u), HF_STORE_DEVICE);
	assert_int_equal(store_devices_look(NULL, folder), 0);
	check((const uint32_t[]){ DEV(8u, 16u) }, 1);
	assert_int_equal(store_devices_look(NULL, folder), 0);
}

static void test_a_full_table_is_said(void **)
{
	put("dev/block/253:1/slaves/sdb/dev", "8:16\n");
	lsm_store_device_add(NULL, DEV(253u, 1u), HF_STORE_DEVICE);
	table.full = 1;
	assert_int_equal(store_devices_look(NULL, folder), -E2BIG);
}

static void test_a_device_that_is_made_of_itself_ends(void **)
{
	put("dev/block/9:0/slaves/md0/dev", "9:0\n");
	put("dev/block/9:0/slaves/odd/dev", "nonsense\n");
	lsm_store_device_add(NULL, DEV(9u, 0u), HF_STORE_DEVICE);
	assert_int_equal(store_devices_look(NULL, folder), 0);
	check((const uint32_t[]){ DEV(9u, 0u) }, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_below_a_volume_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_carries_layers_no_more_goes_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_plain_disk_has_nothing_below, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_table_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_device_that_is_made_of_itself_ends, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
