// SPDX-License-Identifier: Apache-2.0
/*
 * The judgement of an original file, timed natively, and what an entry of the catalogue weighs.
 *
 * usage: judge ENTRIES BATCHES   prints "judge_ns MEDIAN LOWER UPPER" (one judgement, from the real inode on, as untouched
 * files have it), "long_ns …" (as all others have it, from the resolved object on) and "entry_bytes BYTES WAY", where WAY is memcg
 * (charged to a memory cgroup made for this) or fdinfo (the kernel's own sum). Needs root.
 *
 * Owns: filling, timing. Must not know: what is judged how; budgets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf-lsm/abi.h"
#include "tests/bench/judge.h"
/* Last: the skeleton only names the structs. */
#include "judge.skel.h"

#define BATCHES_MAX 10001
#define FILL 4096 /* entries of one map update call */
#define SEED 0x62656e6368ull
#define CGROUP "/sys/fs/cgroup/memory/holdfast-bench" /* v1; the unified hierarchy is tried next */
#define CGROUP2 "/sys/fs/cgroup/holdfast-bench"

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* The n-th entry's key: inode numbers as a file system gives them, in no order. */
static struct hf_catalog_key key_of(uint64_t n)
{
	uint64_t state = SEED + n * 77;
	struct hf_catalog_key key = { .ino = next_random(&state) >> 16, .layer_set = JUDGE_LAYER_SET, .dev = 8 << 20 | 1 };

	key.generation = (uint32_t)next_random(&state);
	return key;
}

/* A file's state, and the same as the catalogue keeps it. */
static const struct hf_catalog_value file_state = { .ctime_ns = 1700000000000000000ull,
						    .size_mode = 12345ull << HF_CATALOG_SIZE_SHIFT | 0755 };
static const struct hf_catalog_entry file_entry = { .ctime_ns = 1700000000000000000ull,
						    .state = 12345ull << HF_ENTRY_SIZE_SHIFT | HF_ENTRY_EXECUTABLE };

static int fill(int map, uint64_t entries)
{
	static struct hf_catalog_key keys[FILL];
	static struct hf_catalog_entry values[FILL];
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);

	for (uint64_t at = 0; at < entries; at += FILL) {
		__u32 n = entries - at < FILL ? (__u32)(entries - at) : FILL;

		for (__u32 i = 0; i < n; i++) {
			keys[i] = key_of(at + i);
			values[i] = file_entry;
		}
		if (bpf_map_update_batch(map, keys, values, &n, &opts))
			return -errno;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* ours alone, on a machine with other work */
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* Every batch asks for other entries of the million, so that they come from memory, not from a cache. */
static int time_batches(struct judge_bpf *p, const char *name, struct bpf_program *program, uint64_t entries, int batches)
{
	static uint64_t took[BATCHES_MAX];
	uint64_t state = SEED;

	for (int b = 0; b < batches; b++) {
		uint64_t start;

		for (int i = 0; i < JUDGE_BATCH; i++) {
			p->bss->keys[i] = key_of(next_random(&state) % entries);
			p->bss->keys[i].layer_set = 0;
		}
		start = now_ns();
		if (bpf_prog_test_run_opts(bpf_program__fd(program), NULL))
			return -errno;
		took[b] = (now_ns() - start) * 10 / JUDGE_BATCH;
		if (p->bss->n_denied)
			return -EPERM;
	}
	qsort(took, (size_t)batches, sizeof(*took), compare);
	printf("%s %.1f %.1f %.1f\n", name, (double)took[batches / 2] / 10, (double)took[batches / 4] / 10,
	       (double)took[batches * 3 / 4] / 10);
	return 0;
}

static int prepare(struct judge_bpf *p)
{
	struct hf_policy policy = { .valid = 1, .generation = 1 };
	const __u32 zero = 0;

	memset(policy.action, HF_ACTION_DENY, sizeof(policy.action));
	p->bss->value = file_state;
	if (bpf_map_update_elem(bpf_map__fd(p->maps.hf_policies), &zero, &policy, BPF_ANY))
		return -errno;
	return bpf_prog_test_run_opts(bpf_program__fd(p->progs.judge_prepare), NULL);
}

static long long read_number(const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoll(text, NULL, 10) : -1;
}

static bool write_pid(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && dprintf(fd, "%d", getpid()) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Moves us into a memory cgroup of our own; returns the file that tells its bytes, NULL when there can be none. */
static const char *enter_cgroup(void)
{
	if (mkdir(CGROUP, 0755) == 0 && write_pid(CGROUP "/cgroup.procs"))
		return CGROUP "/memory.usage_in_bytes";
	if (mkdir(CGROUP2, 0755) == 0 && write_pid(CGROUP2 "/cgroup.procs") && read_number(CGROUP2 "/memory.current") >= 0)
		return CGROUP2 "/memory.current";
	return NULL;
}

static void leave_cgroup(const char *usage)
{
	if (usage) {
		write_pid("/sys/fs/cgroup/memory/cgroup.procs");
		write_pid("/sys/fs/cgroup/cgroup.procs");
	}
	rmdir(CGROUP);
	rmdir(CGROUP2);
}

static long long map_bytes(int map)
{
	char path[64], line[128];
	long long bytes = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "memlock:", 8) == 0)
			bytes = strtoll(line + 8, NULL, 10);
	}
	if (f)
		fclose(f);
	return bytes;
}

/* The map is made inside of the cgroup, empty buckets included: an entry's share of everything. */
static int weigh(uint64_t entries)
{
	const char *usage = enter_cgroup();
	long long before = usage ? read_number(usage) : 0, after;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", sizeof(struct hf_catalog_key), sizeof(struct hf_catalog_entry),
				 HF_MAX_CATALOG, &opts);
	int err = map < 0 ? -errno : fill(map, entries);

	after = usage ? read_number(usage) : map_bytes(map);
	if (!err)
		printf("entry_bytes %.1f %s\n", (double)(after - before) / (double)entries, usage ? "memcg" : "fdinfo");
	leave_cgroup(usage);
	if (map >= 0)
		close(map);
	return err;
}

static int ignore_messages(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int run(uint64_t entries, int batches)
{
	struct judge_bpf *p = NULL;
	int err = weigh(entries);

	libbpf_set_print(ignore_messages);
	if (!err)
		p = judge_bpf__open_and_load();
	if (!err && !p)
		err = -errno;
	if (!err)
		err = fill(bpf_map__fd(p->maps.hf_catalog), entries);
	if (!err)
		err = prepare(p);
	if (!err)
		err = time_batches(p, "judge_ns", p->progs.judge_batch_short, entries, batches);
	if (!err)
		err = time_batches(p, "long_ns", p->progs.judge_batch_long, entries, batches);
	judge_bpf__destroy(p);
	return err;
}

int main(int argc, char **argv)
{
	long entries = argc == 3 ? strtol(argv[1], NULL, 10) : 0, batches = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	int err;

	if (entries < 1 || entries > HF_MAX_CATALOG || batches < 1 || batches > BATCHES_MAX) {
		fprintf(stderr, "usage: judge ENTRIES BATCHES (1 to %d, 1 to %d)\n", HF_MAX_CATALOG, BATCHES_MAX);
		return 2;
	}
	err = run((uint64_t)entries, (int)batches);
	if (err)
		fprintf(stderr, "judge: %s\n", strerror(-err));
	return err ? 1 : 0;
}
