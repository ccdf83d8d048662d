// SPDX-License-Identifier: Apache-2.0
/*
 * /sys/dev/block/MAJOR:MINOR, followed down to the disks.
 *
 *   I1  A device that stays wanted is never taken out, not for an instant: what is wanted is found out first.
 */
#include "enforcer/store_devices.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/lsm.h"
#include "enforcer/util.h"

#define MINOR_BITS 20 /* of the kernel's dev_t */
#define PATH_BYTES 512

struct devices {
	uint32_t dev[HF_MAX_STORE_DEVICES];
	size_t n;
};

static bool has(const struct devices *list, uint32_t dev)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->dev[i] == dev)
			return true;
	}
	return false;
}

static int push(struct devices *list, uint32_t dev)
{
	if (has(list, dev))
		return 0;
	if (list->n == ARRAY_SIZE(list->dev))
		return -E2BIG;
	list->dev[list->n++] = dev;
	return 0;
}

static void block_path(const char *sysfs, uint32_t dev, const char *more, char ret[PATH_BYTES])
{
	snprintf(ret, PATH_BYTES, "%s/dev/block/%u:%u%s", sysfs ? sysfs : "/sys", dev >> MINOR_BITS,
		 dev & ((1u << MINOR_BITS) - 1), more);
}

/* The number in a file like "8:1". False: there is none. */
static bool read_dev(const char *path, uint32_t *ret)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	unsigned int major, minor;

	if (!file || fscanf(file, "%u:%u", &major, &minor) != 2)
		return false;
	*ret = major << MINOR_BITS | minor;
	return true;
}

/* The disk that a partition is part of. */
static int push_disk(struct devices *list, const char *sysfs, uint32_t dev)
{
	char path[PATH_BYTES];
	struct stat st;
	uint32_t disk;

	block_path(sysfs, dev, "/partition", path);
	if (stat(path, &st))
		return 0;
	block_path(sysfs, dev, "/../dev", path);
	return read_dev(path, &disk) ? push(list, disk) : 0;
}

static int push_below(struct devices *list, const char *sysfs, uint32_t dev)
{
	char path[PATH_BYTES], name[PATH_BYTES];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	block_path(sysfs, dev, "/slaves", path);
	dir = opendir(path);
	while (!err && dir && (entry = readdir(dir))) {
		uint32_t below;

		if (entry->d_name[0] != '.' &&
		    snprintf(name, sizeof(name), "%.200s/%.200s/dev", path, entry->d_name) < (int)sizeof(name) &&
		    read_dev(name, &below))
			err = push(list, below);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* All that lies below and around those of the list, behind them. */
static int complete(struct devices *list, const char *sysfs)
{
	int err = 0;

	for (size_t i = 0; !err && i < list->n; i++) {
		err = push_disk(list, sysfs, list->dev[i]);
		if (!err)
			err = push_below(list, sysfs, list->dev[i]);
	}
	return err;
}

int store_devices_look(struct lsm *lsm, const char *sysfs)
{
	uint32_t dev[HF_MAX_STORE_DEVICES], why[HF_MAX_STORE_DEVICES];
	size_t n = lsm_store_devices(lsm, dev, why, ARRAY_SIZE(dev));
	struct devices wanted = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		if (why[i] & HF_STORE_DEVICE && !(why[i] & HF_STORE_LOOKED))
			err = push(&wanted, dev[i]);
	}
	n = wanted.n;
	if (!err)
		err = complete(&wanted, sysfs);
	for (size_t i = n; !err && i < wanted.n; i++)
		err = lsm_store_device_add(lsm, wanted.dev[i], HF_STORE_BELOW);
	for (size_t i = 0; !err && i < n; i++)
		err = lsm_store_device_looked(lsm, wanted.dev[i]);
	return err;
}

int store_devices_keep(struct lsm *lsm, const uint32_t *devs, size_t n, const char *sysfs)
{
	uint32_t dev[HF_MAX_STORE_DEVICES], why[HF_MAX_STORE_DEVICES];
	size_t n_known = lsm_store_devices(lsm, dev, why, ARRAY_SIZE(dev));
	struct devices kept = { 0 }, wanted = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = push(&kept, devs[i]);
	for (size_t i = 0; !err && i < n_known; i++) {
		if (why[i] & HF_STORE_LASTING || (why[i] & HF_STORE_DEVICE && has(&kept, dev[i])))
			err = push(&wanted, dev[i]);
	}
	if (!err)
		err = complete(&wanted, sysfs);
	for (size_t i = 0; !err && i < n_known; i++) {
		if (!has(&wanted, dev[i]))
			err = lsm_store_device_remove(lsm, dev[i]);
	}
	return err;
}
