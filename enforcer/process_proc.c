// SPDX-License-Identifier: Apache-2.0
/*
 * One process as /proc tells it. Owns: the shapes of stat, status and the links. Must not know: the tree.
 * Reading may block for as long as the memory or the root of the process does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "enforcer/process_internal.h"
#include "enforcer/util.h"

#define FILE_BYTES 8192 /* of stat, status, cgroup: more than they have */
#define STAT_FIELDS 20	/* behind the name: state is the first, start the twentieth */
#define CGROUP_ROOT "/sys/fs/cgroup"
#define PIDS_MAX (1u << 22) /* of Linux */

static int read_file(const char *path, char *to, size_t room)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r = 1;

	if (fd < 0)
		return -errno;
	while (n < room - 1 && (r = read(fd, to + n, room - 1 - n)) > 0)
		n += (size_t)r;
	to[n] = '\0';
	return r < 0 ? -errno : (int)n;
}

static int read_of(uint32_t pid, const char *name, char *to, size_t room)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return read_file(path, to, room);
}

static int link_of(uint32_t pid, const char *name, char *to, size_t room)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	n = readlink(path, to, room - 1);
	if (n < 0)
		return -errno;
	to[n] = '\0';
	return (int)n;
}

/* The name stands in parentheses and may hold any: the last closing one ends it. */
static int take_stat(struct process *p, char *stat)
{
	char *name = strchr(stat, '('), *at = strrchr(stat, ')');
	uint64_t fields[STAT_FIELDS] = { 0 };
	size_t len;

	if (!name || !at || at < name || at[1] != ' ' || !at[2])
		return -EBADMSG;
	len = (size_t)(at - name - 1);
	memcpy(p->comm, name + 1, len < sizeof(p->comm) ? len : sizeof(p->comm) - 1);
	at += 3; /* the state */
	for (size_t i = 1; i < STAT_FIELDS; i++)
		fields[i] = (uint64_t)strtoll(at, &at, 10);
	p->ppid = (uint32_t)fields[1];
	p->pgid = (uint32_t)fields[2];
	p->sid = (uint32_t)fields[3];
	p->tty = (uint32_t)fields[4];
	p->kthread = fields[6] & 0x00200000; /* PF_KTHREAD */
	p->start_ns = p->exec_ns = fields[19] * PROCESS_TICK_NS;
	p->from_proc = true;
	return 0;
}

/* The last number of a line such as "NSpid: 12 3": the one in the own namespace. */
static uint32_t last_number(const char *status, const char *key)
{
	const char *at = strstr(status, key);
	uint32_t number = 0;

	if (!at)
		return 0;
	at += strlen(key);
	while (*at && *at != '\n') {
		char *end;
		unsigned long found = strtoul(at, &end, 10);

		if (end == at)
			break;
		number = (uint32_t)found;
		at = end + strspn(end, " \t");
	}
	return number;
}

static uint64_t number_of(const char *status, const char *key, int base)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

static void take_status(struct process *p, const char *status)
{
	const char *uid = strstr(status, "\nUid:"), *gid = strstr(status, "\nGid:");
	char *end;

	if (uid) {
		p->uid = (uint32_t)strtoul(uid + 5, &end, 10);
		p->euid = (uint32_t)strtoul(end, NULL, 10);
	}
	if (gid) {
		p->gid = (uint32_t)strtoul(gid + 5, &end, 10);
		p->egid = (uint32_t)strtoul(end, NULL, 10);
	}
	p->vpid = last_number(status, "\nNSpid:");
	p->vpgid = last_number(status, "\nNSpgid:");
	p->vsid = last_number(status, "\nNSsid:");
	p->cap_inheritable = number_of(status, "\nCapInh:", 16);
	p->cap_permitted = number_of(status, "\nCapPrm:", 16);
	p->cap_effective = number_of(status, "\nCapEff:", 16);
}

static uint32_t namespace_of(uint32_t pid, const char *name)
{
	char text[64];
	const char *number;

	if (link_of(pid, name, text, sizeof(text)) < 0)
		return 0;
	number = strchr(text, '[');
	return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

/* "0::/path" of cgroup v2; its folder's inode is the number that the kernel uses. */
static uint64_t cgroup_of(uint32_t pid)
{
	char text[FILE_BYTES], path[FILE_BYTES + sizeof(CGROUP_ROOT)];
	struct stat st;
	char *at;

	if (read_of(pid, "cgroup", text, sizeof(text)) < 0)
		return 0;
	at = !strncmp(text, "0::", 3) ? text : strstr(text, "\n0::");
	if (!at)
		return 0;
	at += *at == '\n' ? 4 : 3;
	at[strcspn(at, "\n")] = '\0';
	snprintf(path, sizeof(path), CGROUP_ROOT "%s", at);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* As the kernel has it: major << 20 | minor. */
static void take_root(struct process *p, const struct stat *own_root)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/root", p->pid);
	if (stat(path, &st))
		return;
	p->root_ino = st.st_ino;
	p->root_dev = major(st.st_dev) << 20 | minor(st.st_dev);
	p->host = st.st_ino == own_root->st_ino && st.st_dev == own_root->st_dev;
}

int process_proc_read(uint32_t pid, struct process_facts *facts)
{
	char text[FILE_BYTES], number[16];
	struct process *p = &facts->process;
	struct stat own_root = { 0 };
	int n;

	if (read_of(pid, "stat", text, sizeof(text)) < 0 || take_stat(p, text))
		return -ESRCH;
	if (read_of(pid, "status", text, sizeof(text)) < 0)
		return -ESRCH;
	take_status(p, text);
	p->loginuid = read_of(pid, "loginuid", number, sizeof(number)) > 0 ? (uint32_t)strtoul(number, NULL, 10) : ~0u;
	p->mnt_ns = namespace_of(pid, "ns/mnt");
	p->pid_ns = namespace_of(pid, "ns/pid");
	p->user_ns = namespace_of(pid, "ns/user");
	p->cgroup = cgroup_of(pid);
	n = link_of(pid, "exe", facts->exe, sizeof(facts->exe));
	facts->exe_bytes = n > 0 ? (uint32_t)n : 0;
	n = link_of(pid, "cwd", facts->cwd, sizeof(facts->cwd));
	facts->cwd_bytes = n > 0 ? (uint32_t)n : 0;
	stat("/", &own_root);
	take_root(p, &own_root);
	n = read_of(pid, "cmdline", facts->args, sizeof(facts->args));
	facts->args_cut = n >= HF_DETECT_TEXT_BYTES;
	facts->args_bytes = n > 0 ? (uint32_t)n : 0;
	return 0;
}

uint32_t process_proc_next(uint32_t after)
{
	static DIR *folder;
	const struct dirent *entry;

	if (!folder)
		folder = opendir("/proc");
	while (folder && (entry = readdir(folder)) != NULL) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);

		if (*end == '\0' && end != entry->d_name && pid > after && pid <= PIDS_MAX)
			return (uint32_t)pid;
	}
	return 0;
}
