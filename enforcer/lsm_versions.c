// SPDX-License-Identifier: Apache-2.0
/*
 * Other versions of the kernel half, older or newer: found by their folders, silenced, read as far as that holds across
 * versions, removed.
 *
 * Owns: what is believed of another version: names of maps, the beginning of hf_config, the numbers of the counters, the
 * head of a ring's record. Must not know: the layout of anything else of theirs.
 *
 *   I1  Whoever takes over silences the others before it accepts containers: their programs find the tags of new containers
 *       without a record, and would deny.
 *   I2  Every step may be the last one before a SIGKILL, and is done again by the next start, of whatever version.
 */
#include "enforcer/lsm_internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/util.h"

/* "v17": the number, 0 for any other name. */
static uint32_t version_of(const char *name)
{
	char *end;
	unsigned long n;

	if (name[0] != 'v' || name[1] < '1' || name[1] > '9')
		return 0;
	n = strtoul(name + 1, &end, 10);
	return *end || n > UINT32_MAX ? 0 : (uint32_t)n;
}

size_t lsm_versions(uint32_t ret[LSM_VERSIONS_MAX], bool own_too)
{
	DIR *dir = opendir(HF_PIN_DIR);
	struct dirent *entry;
	size_t n = 0;

	while (dir && n < LSM_VERSIONS_MAX && (entry = readdir(dir))) {
		uint32_t version = version_of(entry->d_name);

		if (version && (own_too || version != HF_ABI_VERSION))
			ret[n++] = version;
	}
	if (dir)
		closedir(dir);
	return n;
}

void lsm_version_folder(uint32_t version, char ret[LSM_PATH_BYTES])
{
	snprintf(ret, LSM_PATH_BYTES, HF_PIN_DIR "/v%u", version);
}

int lsm_version_map(uint32_t version, const char *name)
{
	char folder[LSM_PATH_BYTES], path[LSM_PATH_BYTES + 64];

	lsm_version_folder(version, folder);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return bpf_obj_get(path);
}

bool lsm_has_others(void)
{
	uint32_t versions[LSM_VERSIONS_MAX];

	return lsm_versions(versions, false) > 0;
}

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t bytes = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return fd < 0 || bpf_obj_get_info_by_fd(fd, info, &bytes) ? -errno : 0;
}

/* Maps another version's hf_config: the first page of it, which is more than any. NULL: it has none. */
static struct hf_config *map_config(uint32_t version)
{
	_cleanup_(close_fd) int fd = lsm_version_map(version, "hf_config");
	struct bpf_map_info info;
	void *addr;

	if (map_info(fd, &info) || info.value_size < offsetof(struct hf_config, host_mntns))
		return NULL;
	addr = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

static void unmap_config(struct hf_config *config)
{
	if (config)
		munmap(config, (size_t)sysconf(_SC_PAGESIZE));
}

/* Behind a config that is shorter than ours the page holds zeroes, which is what an unknown note has to be. */
void lsm_versions_inherit(struct hf_config *config)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	size_t n = lsm_versions(versions, false);

	for (size_t i = 0; i < n; i++) {
		struct hf_config *theirs = map_config(versions[i]);

		if (theirs && theirs->last_container >= config->last_container) {
			config->pause_until_ns = theirs->pause_until_ns;
			config->lost_told = theirs->lost_told;
			config->last_container = theirs->last_container;
			config->events_taken = theirs->events_taken;
			config->events = theirs->events;
			config->events.position = 0; /* in their ring */
			config->guard.unlocked_until_ns = theirs->guard.unlocked_until_ns;
			config->plain_roots = 1;     /* theirs may have been told, or not known of it */
		}
		unmap_config(theirs);
	}
}

/* Adds one of their maps of numbers, per CPU or not, to sums. */
static int add_numbers(uint32_t version, const char *name, uint64_t sums[_HF_COUNTER_MAX])
{
	_cleanup_(close_fd) int fd = lsm_version_map(version, name);
	_cleanup_(free_ptr) uint64_t *values = NULL;
	int cpus = libbpf_num_possible_cpus();
	struct bpf_map_info info;

	if (map_info(fd, &info) || info.value_size != sizeof(*values))
		return 0; /* it has none */
	values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY)
		cpus = 1;
	for (uint32_t key = 0; key < _HF_COUNTER_MAX && key < info.max_entries; key++) {
		if (bpf_map_lookup_elem(fd, &key, values))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			sums[key] += values[cpu];
	}
	return 0;
}

/* Once: a version that came up beside ours and never took over has counted what ours has counted as well. */
static int carry_counters(struct lsm *lsm, const uint32_t *versions, size_t n)
{
	struct hf_config *config = lsm_config(lsm);
	uint64_t sums[_HF_COUNTER_MAX] = { 0 };
	int err = 0;

	if (config->carried)
		return 0;
	for (size_t i = 0; !err && i < n; i++) {
		err = add_numbers(versions[i], "hf_counters", sums);
		if (!err)
			err = add_numbers(versions[i], "hf_carried", sums);
	}
	if (!err)
		err = lsm_carry(lsm, sums);
	config->carried = !err;
	return err;
}

int lsm_others_silence(struct lsm *lsm)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	size_t n = lsm_versions(versions, false);

	for (size_t i = 0; i < n; i++) {
		struct hf_config *theirs = map_config(versions[i]);

		if (theirs)
			__atomic_store_n(&theirs->enabled, HF_ENABLED_NOT, __ATOMIC_RELEASE);
		unmap_config(theirs);
	}
	lsm->took_over = true; /* a start that fails now must not take our programs away */
	return carry_counters(lsm, versions, n);
}

int lsm_others_ring(size_t i, struct ring_map **ret)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	size_t n = lsm_versions(versions, false);
	_cleanup_(close_fd) int fd = i < n ? lsm_version_map(versions[i], "hf_events") : -1;
	struct bpf_map_info info;

	if (i >= n)
		return -ENOENT;
	if (map_info(fd, &info) || info.type != BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	return ring_map_open(fd, info.max_entries, ret);
}

/* Tags of another layout, when no version that could read them is left. */
static void remove_other_tags(void)
{
	DIR *dir = opendir(HF_PIN_DIR);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "tasks_v", 7) && strcmp(entry->d_name, LSM_TASKS_NAME) != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

int lsm_others_remove(void)
{
	uint32_t versions[LSM_VERSIONS_MAX];
	size_t n = lsm_versions(versions, false);
	char folder[LSM_PATH_BYTES];
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		int one;

		lsm_version_folder(versions[i], folder);
		one = lsm_remove_folder(folder, NULL);
		err = one ? one : err;
	}
	if (!err)
		remove_other_tags();
	return err;
}
