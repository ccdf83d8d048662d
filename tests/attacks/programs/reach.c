// SPDX-License-Identifier: Apache-2.0
/*
 * usage: reach ACTION [PATH]
 * One step towards the kernel: a BPF program or map, BPF objects of others, a performance event, a module, a kernel to boot, memory
 * and ports, a file that steers the kernel. Nothing is changed when it succeeds: what is loaded is not valid, what is written is
 * what was there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

static long result(long r)
{
	return r < 0 ? -errno : r;
}

static long bpf(int command, union bpf_attr *attr)
{
	return result(syscall(SYS_bpf, command, attr, sizeof(*attr)));
}

/* "return 0" as a socket filter. */
static long bpf_load(const char *path)
{
	static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)code, .insn_cnt = 2,
				.license = (uintptr_t)"GPL" };

	(void)path;
	return bpf(BPF_PROG_LOAD, &attr);
}

static long bpf_map(const char *path)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 };

	(void)path;
	return bpf(BPF_MAP_CREATE, &attr);
}

/* The same, attached by a link; both stay until this ends. */
static long hold_program(const char *path)
{
	static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_SKB, .insns = (uintptr_t)code, .insn_cnt = 2,
				.expected_attach_type = BPF_CGROUP_INET_EGRESS, .license = (uintptr_t)"GPL" };
	union bpf_attr link = { 0 };

	(void)path;
	link.link_create.prog_fd = (uint32_t)attack_must("load", bpf(BPF_PROG_LOAD, &attr));
	link.link_create.target_fd = (uint32_t)attack_must("the cgroup", open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY));
	link.link_create.attach_type = BPF_CGROUP_INET_EGRESS;
	attack_must("attach", bpf(BPF_LINK_CREATE, &link));
	puts("holding");
	fflush(stdout);
	return pause();
}

/* The first program that anybody has loaded. */
static long bpf_foreign(const char *path)
{
	union bpf_attr next = { 0 }, attr = { 0 };

	(void)path;
	attack_must("a program's number", bpf(BPF_PROG_GET_NEXT_ID, &next));
	attr.prog_id = next.next_id;
	return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* What programs do to see what they have, which gets at nothing. */
static long bpf_probe(const char *path)
{
	union bpf_attr next = { 0 }, attr = { .map_fd = 99 };
	long r = bpf(BPF_PROG_GET_NEXT_ID, &next);

	(void)path;
	if (r < 0 && r != -ENOENT)
		return r;
	r = bpf(BPF_MAP_LOOKUP_ELEM, &attr);
	return r == -EBADF || r == -EFAULT || r == -EINVAL ? 0 : r;
}

static long perf(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	attr->size = sizeof(*attr);
	attr->disabled = 1;
	return result(syscall(SYS_perf_event_open, attr, pid, cpu, -1, 0));
}

static long perf_self(const char *path)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1 };

	(void)path;
	return perf(&attr, 0, -1);
}

static long perf_all(const char *path)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK };

	(void)path;
	return perf(&attr, -1, 0);
}

static long module(const char *path)
{
	static const char nonsense[64] = "no module";
	long r = result(syscall(SYS_init_module, nonsense, sizeof(nonsense), ""));

	(void)path;
	return r == -ENOEXEC ? 0 : r; /* it was looked at */
}

static long module_file(const char *path)
{
	int fd = (int)attack_must("open", open(path, O_RDONLY));
	long r = result(syscall(SYS_finit_module, fd, "", 0));

	return r == -ENOEXEC ? 0 : r;
}

/* Nothing to be booted: takes away what was loaded, which is nothing, after the same questions. */
static long kexec(const char *path)
{
	(void)path;
	return result(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static long kexec_file(const char *path)
{
	int fd = (int)attack_must("open", open(path, O_RDONLY));
	long r = result(syscall(SYS_kexec_file_load, fd, -1, 1ul, "", 4ul /* no initrd */));

	return r == -ENOEXEC || r == -EINVAL ? 0 : r;
}

static long ports(const char *path)
{
	(void)path;
	return result(iopl(3));
}

static long port(const char *path)
{
	(void)path;
	return result(ioperm(0x80, 1, 1));
}

/* Opened for writing, nothing written. */
static long file_write(const char *path)
{
	return result(open(path, O_WRONLY));
}

static long file_read(const char *path)
{
	return result(open(path, O_RDONLY));
}

static const struct {
	const char *name;
	long (*act)(const char *path);
	int takes_path;
} actions[] = {
	{ "bpf-load", bpf_load, 0 },	 { "bpf-map", bpf_map, 0 },	  { "bpf-foreign", bpf_foreign, 0 },
	{ "hold-program", hold_program, 0 }, { "bpf-probe", bpf_probe, 0 },	 { "perf-self", perf_self, 0 },	  { "perf-all", perf_all, 0 },
	{ "module", module, 0 },	 { "module-file", module_file, 1 }, { "kexec", kexec, 0 },
	{ "kexec-file", kexec_file, 1 }, { "iopl", ports, 0 },		  { "ioperm", port, 0 },
	{ "write", file_write, 1 },	 { "read", file_read, 1 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(argv[1], actions[i].name) == 0 && argc == 2 + actions[i].takes_path)
			return attack_say(argv[1], actions[i].act(argv[2]));
	}
	fputs("usage: reach ACTION [PATH]\n", stderr);
	return 2;
}
