// SPDX-License-Identifier: Apache-2.0
/*
 * What is pinned of this version of the kernel half, as its tables say:
 *
 *	pins check	prints how much they hold, and a line "left: ..." for each entry that no container uses; status 1 then
 *	pins forget	makes the next start of this version load its programs anew, as if another build had pinned these
 *
 * Built for each version by itself, since records differ. It knows nothing about the daemon and its files.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf-lsm/abi.h"

#define FOLDER_FORMAT HF_PIN_DIR "/v%d/%s"
#define SETS_MAX 1024 /* layer sets told apart; the tests have a handful */

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_map(const char *name)
{
	char path[256];
	union bpf_attr attr = { 0 };
	int fd;

	snprintf(path, sizeof(path), FOLDER_FORMAT, HF_ABI_VERSION, name);
	attr.pathname = (uint64_t)path;
	fd = (int)bpf(BPF_OBJ_GET, &attr);
	if (fd < 0) {
		fprintf(stderr, "pins: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return fd;
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = (uint32_t)fd, .info_len = sizeof(info), .info = (uint64_t)&info } };

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr)) {
		perror("pins: a map's size");
		exit(2);
	}
	return info;
}

static void *view(const char *name, size_t each, uint32_t *ret_n)
{
	int fd = open_map(name);
	struct bpf_map_info info = info_of(fd);
	void *addr = mmap(NULL, each * info.max_entries, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (info.value_size != each || addr == MAP_FAILED) {
		fprintf(stderr, "pins: %s: not as this version has it\n", name);
		exit(2);
	}
	*ret_n = info.max_entries;
	close(fd);
	return addr;
}

struct tables {
	const struct hf_container *containers;
	uint32_t n_containers;
	unsigned int left;
};

static bool lives(const struct tables *t, uint64_t id)
{
	for (uint32_t slot = 0; slot < t->n_containers; slot++) {
		if (id && t->containers[slot].id == id)
			return true;
	}
	return false;
}

static bool set_is_used(const struct tables *t, uint32_t set)
{
	for (uint32_t slot = HF_SLOT_FIRST; slot < t->n_containers; slot++) {
		if (t->containers[slot].id && t->containers[slot].layer_set == set)
			return true;
	}
	return false;
}

static void tell_left(struct tables *t, const char *what, uint64_t of)
{
	printf("left: %s of %llu\n", what, (unsigned long long)of);
	t->left++;
}

/* Calls fn for each entry. key and value have room for the largest. */
static unsigned int walk(struct tables *t, const char *name, void (*fn)(struct tables *, const void *key, const void *value))
{
	char key[64], next[64], value[64];
	union bpf_attr attr = { .map_fd = (uint32_t)open_map(name), .next_key = (uint64_t)next };
	union bpf_attr get = { .map_fd = attr.map_fd, .key = (uint64_t)key, .value = (uint64_t)value };
	unsigned int n = 0;

	while (bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0) {
		memcpy(key, next, sizeof(key));
		attr.key = (uint64_t)key;
		if (bpf(BPF_MAP_LOOKUP_ELEM, &get) == 0)
			fn(t, key, value);
		n++;
	}
	close((int)attr.map_fd);
	return n;
}

static void check_volume(struct tables *t, const void *key, const void *value)
{
	(void)value;
	if (!lives(t, ((const struct hf_volume_key *)key)->container))
		tell_left(t, "a volume", ((const struct hf_volume_key *)key)->container);
}

static void check_written(struct tables *t, const void *key, const void *value)
{
	(void)value;
	if (!lives(t, ((const struct hf_written_key *)key)->container))
		tell_left(t, "a note of writing", ((const struct hf_written_key *)key)->container);
}

static void check_ref(struct tables *t, const void *key, const void *value)
{
	(void)key;
	if (!lives(t, ((const struct hf_slot_ref *)value)->id))
		tell_left(t, "a root or cgroup", ((const struct hf_slot_ref *)value)->id);
}

static void check_catalog(struct tables *t, const void *key, const void *value)
{
	static uint32_t told[SETS_MAX], n;
	uint32_t set = ((const struct hf_catalog_key *)key)->layer_set;

	(void)value;
	if (set_is_used(t, set))
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (told[i] == set)
			return;
	}
	if (n < SETS_MAX)
		told[n++] = set;
	tell_left(t, "layer set", set);
}

static unsigned int check_policies(struct tables *t)
{
	uint32_t n, used = 0;
	const struct hf_policy *policies = view("hf_policies", sizeof(*policies), &n);

	for (uint32_t i = HF_SLOT_FIRST; i < n; i++) {
		bool in_use = false;

		if (!policies[i].valid)
			continue;
		used++;
		for (uint32_t slot = 0; slot < t->n_containers; slot++)
			in_use |= t->containers[slot].id && t->containers[slot].policy == i;
		if (!in_use)
			tell_left(t, "policy", i);
	}
	return used;
}

static int check(void)
{
	struct tables t = { 0 };
	unsigned int containers = 0, policies;

	t.containers = view("hf_containers", sizeof(*t.containers), &t.n_containers);
	for (uint32_t slot = HF_SLOT_FIRST; slot < t.n_containers; slot++)
		containers += t.containers[slot].id != 0;
	policies = check_policies(&t);
	printf("containers %u policies %u", containers, policies);
	printf(" roots %u", walk(&t, "hf_roots", check_ref));
	printf(" cgroups %u", walk(&t, "hf_cgroups", check_ref));
	printf(" volumes %u", walk(&t, "hf_volumes", check_volume));
	printf(" written %u", walk(&t, "hf_written", check_written));
	printf(" files %u\n", walk(&t, "hf_catalog", check_catalog));
	return t.left != 0;
}

static int forget(void)
{
	uint32_t n;
	struct hf_config *config = view("hf_config", sizeof(*config), &n);

	config->object = 0;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "check"))
		return check();
	if (argc == 2 && !strcmp(argv[1], "forget"))
		return forget();
	fputs("usage: pins check|forget\n", stderr);
	return 2;
}
