// SPDX-License-Identifier: Apache-2.0
/*
 * What a task does that Holdfast's hooks see, counted in guest instructions. Runs on the host and in a container of the VM.
 *
 * usage: ops FOLDER SAMPLES [OPERATION...]   FOLDER (absolute) holds tiny, dynamic, code and text; prints "LOOP" (the self-check), one line for each
 * operation: name, median, lower and upper quartile, in instructions; and "NS_PER_COUNT", for runs on a real machine.
 *
 * Owns: the operations. Must not know: what is loaded. Under `-icount shift=0` the time-stamp counter counts instructions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 4001 /* bounds the table; more would not move a median */
#define WARM_UP 8	 /* runs before the first sample: caches of names, pages and slabs */
#define LOOP_TURNS 1000	 /* of two instructions each */
#define CODE_BYTES 4096

struct op {
	const char *name;
	int (*run)(void);
};

static int code_fd = -1, socket_fd = -1;
static void *code_page;
static char absolute[256]; /* path of text */

/* Instructions so far. The fence keeps the count where it stands on machines that are no emulation. */
static uint64_t instructions(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static uint64_t loop_reads(void)
{
	uint64_t turns = LOOP_TURNS, start = instructions();

	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns)::"cc");
	return instructions() - start;
}

static int reap(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int spawn(const char *path)
{
	char *const argv[] = { (char *)path, NULL }, *const envp[] = { NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	return reap(pid);
}

static int spawn_static(void)
{
	return spawn("tiny");
}

static int spawn_dynamic(void)
{
	return spawn("dynamic");
}

static int fork_exit(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return reap(pid);
}

static int mmap_exec(void)
{
	void *page = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, code_fd, 0);

	return page == MAP_FAILED ? -errno : munmap(page, CODE_BYTES);
}

static int mprotect_pair(void)
{
	if (mprotect(code_page, CODE_BYTES, PROT_READ | PROT_EXEC) < 0)
		return -errno;
	return mprotect(code_page, CODE_BYTES, PROT_READ);
}

static int open_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : close(fd);
}

static int open_read(void)
{
	return open_close("text", O_RDONLY);
}

static int open_write(void)
{
	return open_close("text", O_WRONLY);
}

static int open_absolute(void)
{
	return open_close(absolute, O_RDONLY);
}

/* What a dynamic loader does on its way to each library. */
static int open_missing(void)
{
	return open_close("/usr/lib/missing/libc.so.6", O_RDONLY) == -ENOENT ? 0 : -EEXIST;
}

/* A datagram socket can be connected again and again, and nothing travels. */
static int connect_socket(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(socket_fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* Opening for writing comes last: on an overlay it copies the file up. */
static const struct op ops[] = {
	{ "spawn_static", spawn_static },   { "spawn_dynamic", spawn_dynamic }, { "mmap_exec", mmap_exec },
	{ "mprotect_pair", mprotect_pair }, { "fork_exit", fork_exit },		{ "open_read", open_read },
	{ "open_absolute", open_absolute }, { "open_missing", open_missing },	{ "connect", connect_socket },
	{ "open_write", open_write },
};

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int measure(const struct op *op, uint64_t *took, int samples)
{
	int err = 0;

	for (int i = -WARM_UP; i < samples && !err; i++) {
		uint64_t start = instructions();

		err = op->run();
		if (i >= 0)
			took[i] = instructions() - start;
	}
	if (err) {
		fprintf(stderr, "ops: %s: error %d\n", op->name, err);
		return err;
	}
	qsort(took, (size_t)samples, sizeof(*took), compare);
	printf("%s %lu %lu %lu\n", op->name, took[samples / 2], took[samples / 4], took[samples * 3 / 4]);
	return 0;
}

static int prepare(const char *folder)
{
	if (chdir(folder) < 0)
		return -errno;
	snprintf(absolute, sizeof(absolute), "%s/text", folder);
	code_fd = open("code", O_RDONLY | O_CLOEXEC);
	if (code_fd < 0)
		return -errno;
	socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return -errno;
	code_page = mmap(NULL, CODE_BYTES, PROT_READ, MAP_PRIVATE, code_fd, 0);
	return code_page == MAP_FAILED ? -errno : 0;
}

/* Without names, all. */
static bool is_wanted(const struct op *op, char *const *names)
{
	for (char *const *name = names; *name; name++) {
		if (!strcmp(*name, op->name))
			return true;
	}
	return !*names;
}

static int measure_all(int samples, char *const *names)
{
	static uint64_t took[SAMPLES_MAX];
	uint64_t start_ns = now_ns(), start = instructions();

	loop_reads();
	printf("LOOP %lu\n", loop_reads());
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		int err = is_wanted(&ops[i], names) ? measure(&ops[i], took, samples) : 0;

		if (err)
			return err;
	}
	printf("NS_PER_COUNT %.4f\n", (double)(now_ns() - start_ns) / (double)(instructions() - start));
	return 0;
}

int main(int argc, char **argv)
{
	long samples = argc >= 3 ? strtol(argv[2], NULL, 10) : 0;
	int err;

	if (samples < 1 || samples > SAMPLES_MAX) {
		fprintf(stderr, "usage: ops FOLDER SAMPLES [OPERATION...] (samples: 1 to %d)\n", SAMPLES_MAX);
		return 2;
	}
	err = prepare(argv[1]);
	if (err) {
		fprintf(stderr, "ops: %s: error %d\n", argv[1], err);
		return 1;
	}
	return measure_all((int)samples, argv + 3) ? 1 : 0;
}
