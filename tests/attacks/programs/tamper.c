// SPDX-License-Identifier: Apache-2.0
/*
 * usage: tamper ACTION [ARGUMENT]
 * One step towards a program that protects the host: its pinned BPF objects, the same by their numbers, its process, its socket.
 *
 *	pin PATH        open a pinned object
 *	detach PATH, update PATH    open a pinned link and end it, or give it another program
 *	maps, programs, links       open every object by its number; how many there are and how many could be had
 *	attach PID, memory PID, write PID, descriptor PID, signal PID, look PID
 *	limit PID, priority PID, cpus PID, io-priority PID, pages PID, score PID    what it has already, set anew
 *	connect PATH    to a socket of packets
 *	remount PATH    a file system read-only, and writable again
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
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

static long pin(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	return bpf(BPF_OBJ_GET, &attr);
}

static long detach(const char *path)
{
	union bpf_attr attr = { .link_detach.link_fd = (uint32_t)attack_must("open the link", pin(path)) };

	return bpf(BPF_LINK_DETACH, &attr);
}

static long update(const char *path)
{
	static const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)code, .insn_cnt = 2,
				.license = (uintptr_t)"GPL" };
	union bpf_attr attr = { .link_update.link_fd = (uint32_t)attack_must("open the link", pin(path)) };

	attr.link_update.new_prog_fd = (uint32_t)attack_must("load", bpf(BPF_PROG_LOAD, &load));
	return bpf(BPF_LINK_UPDATE, &attr);
}

/* As bpftool lists objects: one that is gone meanwhile is passed over, another error ends it. */
static long list(int next_command, int open_command)
{
	union bpf_attr next = { 0 };
	unsigned int all = 0, had = 0;

	while (bpf(next_command, &next) == 0) {
		union bpf_attr attr = { .prog_id = next.next_id };
		long fd = bpf(open_command, &attr);

		all++;
		if (fd < 0 && fd != -ENOENT)
			return fd;
		if (fd >= 0) {
			had++;
			close((int)fd);
		}
		next.start_id = next.next_id;
	}
	printf("%u of %u\n", had, all);
	return 0;
}

static long maps(const char *argument)
{
	(void)argument;
	return list(BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID);
}

static long programs(const char *argument)
{
	(void)argument;
	return list(BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID);
}

static long links(const char *argument)
{
	(void)argument;
	return list(BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID);
}

static pid_t pid_of(const char *text)
{
	return (pid_t)strtol(text, NULL, 10);
}

static long trace(const char *argument)
{
	long r = result(ptrace(PTRACE_SEIZE, pid_of(argument), 0, 0));

	if (r == 0)
		ptrace(PTRACE_DETACH, pid_of(argument), 0, 0);
	return r;
}

static long memory(const char *argument)
{
	char path[64];

	long r;

	snprintf(path, sizeof(path), "/proc/%s/mem", argument);
	r = result(open(path, O_RDWR));
	return r == -EACCES ? -EPERM : r; /* procfs's word for whatever refused */
}

/* A byte, to nowhere. */
static long write_memory(const char *argument)
{
	char byte = 0;
	struct iovec from = { &byte, 1 }, to = { (void *)4096, 1 };
	long r = result(process_vm_writev(pid_of(argument), &from, 1, &to, 1, 0));

	return r == -EFAULT ? 0 : r; /* that far nobody has refused */
}

static long descriptor(const char *argument)
{
	int fd = (int)attack_must("pidfd_open", syscall(SYS_pidfd_open, pid_of(argument), 0));

	return result(syscall(SYS_pidfd_getfd, fd, 0, 0));
}

static long send_signal(const char *argument)
{
	return result(kill(pid_of(argument), SIGWINCH)); /* which nobody minds */
}

static long limit(const char *argument)
{
	struct rlimit now;

	attack_must("prlimit", prlimit(pid_of(argument), RLIMIT_CPU, NULL, &now));
	return result(prlimit(pid_of(argument), RLIMIT_CPU, &now, NULL));
}

static long priority(const char *argument)
{
	return result(setpriority(PRIO_PROCESS, (id_t)pid_of(argument), getpriority(PRIO_PROCESS, (id_t)pid_of(argument))));
}

static long cpus(const char *argument)
{
	cpu_set_t set;

	attack_must("sched_getaffinity", sched_getaffinity(pid_of(argument), sizeof(set), &set));
	return result(sched_setaffinity(pid_of(argument), sizeof(set), &set));
}

static long io_priority(const char *argument)
{
	long now = attack_must("ioprio_get", syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, pid_of(argument)));

	return result(syscall(SYS_ioprio_set, 1, pid_of(argument), now));
}

/* No page is named. */
static long pages(const char *argument)
{
	return result(syscall(SYS_move_pages, pid_of(argument), 0ul, NULL, NULL, NULL, 0));
}

/* Whether the kernel ends it first when memory is short. */
static long score(const char *argument)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/oom_score_adj", argument);
	return result(open(path, O_WRONLY));
}

/* What ps does. */
static long look(const char *argument)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/maps", argument);
	return result(open(path, O_RDONLY));
}

static long reach_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = (int)attack_must("socket", socket(AF_UNIX, SOCK_SEQPACKET, 0));

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return result(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static long remount(const char *path)
{
	long r = result(mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL));

	if (r == 0)
		mount(NULL, path, NULL, MS_REMOUNT, NULL);
	return r;
}

static const struct {
	const char *name;
	long (*act)(const char *argument);
	int takes_argument;
} actions[] = {
	{ "pin", pin, 1 },	     { "detach", detach, 1 },	{ "update", update, 1 },
	{ "maps", maps, 0 },	     { "programs", programs, 0 }, { "links", links, 0 },
	{ "attach", trace, 1 },	     { "memory", memory, 1 },	{ "write", write_memory, 1 },
	{ "descriptor", descriptor, 1 }, { "signal", send_signal, 1 }, { "look", look, 1 },
	{ "limit", limit, 1 },	     { "priority", priority, 1 }, { "cpus", cpus, 1 },
	{ "io-priority", io_priority, 1 }, { "pages", pages, 1 }, { "score", score, 1 },
	{ "connect", reach_socket, 1 },	 { "remount", remount, 1 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(argv[1], actions[i].name) == 0 && argc == 2 + actions[i].takes_argument)
			return attack_say(argv[1], actions[i].act(argv[2]));
	}
	fputs("usage: tamper ACTION [ARGUMENT]\n", stderr);
	return 2;
}
