// SPDX-License-Identifier: Apache-2.0
/*
 * Checks of the kernel: what it was built with, how it was booted, what is mounted.
 *
 * Must not know: the daemon. A feature is looked for, a version is only told.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "enforcer/doctor_internal.h"
#include "enforcer/util.h"

#define LIST_BYTES 1024		/* of the kernel's lists: LSMs, lockdown modes */
#define FILESYSTEMS_BYTES 16384 /* of /proc/filesystems: some 50 lines */
#define CMDLINE_BYTES 4096 /* COMMAND_LINE_SIZE is 2048 on x86 */

/* f_type, from statfs(2). */
#define MAGIC_BPFFS 0xcafe4a11u
#define MAGIC_CGROUP2 0x63677270u
#define MAGIC_CGROUP1 0x0027e0ebu
#define MAGIC_TMPFS 0x01021994u
#define MAGIC_SECURITYFS 0x73636673u

void doctor_check_kernel(const struct doctor_options *options, struct doctor_finding *ret)
{
	char release[LIST_BYTES];
	ssize_t n = doctor_read(release, sizeof(release), "%s/sys/kernel/osrelease", options->proc);

	if (n < 0)
		doctor_say(ret, DOCTOR_ERROR, "cannot read %s/sys/kernel/osrelease: %s", options->proc, strerror((int)-n));
	else
		doctor_say(ret, DOCTOR_OK, "Linux %s", release);
}

void doctor_check_btf(const struct doctor_options *options, struct doctor_finding *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/kernel/btf/vmlinux", options->sys);
	if (access(path, F_OK) == 0) {
		doctor_say(ret, DOCTOR_OK, "the kernel describes its own types (%s)", path);
	} else if (errno == ENOENT) {
		doctor_say(ret, DOCTOR_MISSING, "the kernel has no BTF: %s does not exist", path);
		doctor_advise(ret, "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y, such as Debian's");
	} else {
		doctor_say(ret, DOCTOR_ERROR, "cannot look at %s: %s", path, strerror(errno));
	}
}

static bool has_securityfs(const struct doctor_options *options)
{
	char path[PATH_MAX];
	uint64_t magic = 0;

	snprintf(path, sizeof(path), "%s/kernel/security", options->sys);
	return options->magic(path, &magic) == 0 && magic == MAGIC_SECURITYFS;
}

/* The list is not there: because it cannot be seen, or because there is none? */
static void say_no_lsm_list(const struct doctor_options *options, struct doctor_finding *ret, int err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/kernel/security", options->sys);
	if (err != -ENOENT) {
		doctor_say(ret, DOCTOR_ERROR, "cannot read %s/lsm: %s", path, strerror(-err));
	} else if (!has_securityfs(options)) {
		doctor_say(ret, DOCTOR_WARNING, "securityfs is not mounted at %s, so that the kernel's list of LSMs cannot be read",
			   path);
		doctor_advise(ret, "mount -t securityfs securityfs %s", path);
	} else {
		doctor_say(ret, DOCTOR_MISSING, "the kernel was built without LSMs: %s/lsm does not exist", path);
		doctor_advise(ret, "boot a kernel that was built with CONFIG_SECURITY=y and CONFIG_BPF_LSM=y, such as Debian's");
	}
}

/* The list as lsm= takes it: each with its comma, without "capability", which is always there and has its own place. */
static void format_boot_list(char ret[LIST_BYTES + 1], const char *list)
{
	static const char always[] = "capability";
	size_t used = 0;

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n && (n != strlen(always) || memcmp(list, always, n) != 0))
			used += (size_t)snprintf(ret + used, LIST_BYTES + 1 - used, "%.*s,", (int)n, list);
		list += n + (list[n] == ',');
	}
	ret[used] = '\0';
}

void doctor_check_lsm(const struct doctor_options *options, struct doctor_finding *ret)
{
	char list[LIST_BYTES], boot[LIST_BYTES + 1]; /* one comma more at most */
	ssize_t n = doctor_read(list, sizeof(list), "%s/kernel/security/lsm", options->sys);

	if (n < 0) {
		say_no_lsm_list(options, ret, (int)n);
	} else if (doctor_list_has(list, ",", "bpf")) {
		doctor_say(ret, DOCTOR_OK, "the kernel runs the LSMs %s", list);
	} else {
		doctor_say(ret, DOCTOR_MISSING, "bpf is not among the LSMs that the kernel runs: %s", list);
		format_boot_list(boot, list);
		doctor_advise(ret, "add lsm=%sbpf to the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then "
				   "update-grub) and reboot", boot);
	}
}

void doctor_check_lockdown(const struct doctor_options *options, struct doctor_finding *ret)
{
	char modes[LIST_BYTES];
	ssize_t n = doctor_read(modes, sizeof(modes), "%s/kernel/security/lockdown", options->sys);

	if (n == -ENOENT && !has_securityfs(options)) {
		doctor_say(ret, DOCTOR_WARNING, "kernel lockdown cannot be read without securityfs");
	} else if (n == -ENOENT) {
		doctor_say(ret, DOCTOR_OK, "kernel lockdown is not in use");
	} else if (n < 0) {
		doctor_say(ret, DOCTOR_ERROR, "cannot read %s/kernel/security/lockdown: %s", options->sys, strerror((int)-n));
	} else if (strstr(modes, "[confidentiality]")) {
		doctor_say(ret, DOCTOR_MISSING, "kernel lockdown is \"confidentiality\", under which no BPF program may read kernel memory");
		doctor_advise(ret, "boot with lockdown=integrity, or without lockdown=, on the kernel command line");
	} else {
		doctor_say(ret, DOCTOR_OK, "kernel lockdown: %s", modes);
	}
}

/* What the programs cannot do without. Hooks that only some kernels have are not in this list. */
static const struct {
	const char *name, *what;
} functions[] = {
	{ "bpf_lsm_bprm_creds_for_exec", "hook bprm_creds_for_exec" },
	{ "bpf_lsm_bprm_check_security", "hook bprm_check_security" },
	{ "bpf_lsm_mmap_file", "hook mmap_file" },
	{ "bpf_lsm_file_mprotect", "hook file_mprotect" },
	{ "bpf_lsm_file_open", "hook file_open" },
	{ "bpf_lsm_ptrace_access_check", "hook ptrace_access_check" },
	{ "bpf_lsm_ptrace_traceme", "hook ptrace_traceme" },
	{ "bpf_lsm_task_prctl", "hook task_prctl" },
	{ "bpf_lsm_path_truncate", "hook path_truncate" },
	{ "bpf_lsm_path_link", "hook path_link" },
	{ "bpf_lsm_inode_copy_up", "hook inode_copy_up" },
	{ "bpf_lsm_inode_post_setxattr", "hook inode_post_setxattr" },
	{ "bpf_lsm_task_alloc", "hook task_alloc" },
	{ "bpf_lsm_sb_statfs", "hook sb_statfs" },
	{ "bpf_task_storage_get", "task storage" },
	{ "bpf_loop", "bpf_loop" },
};

/*
 * Before 6.2 (the function came with the change) a program is left out, and task storage refused, when that happens while another task
 * was preempted inside of one on the same processor: verdicts would be missed.
 */
static bool skips_programs(const struct doctor_options *options)
{
	char line[CMDLINE_BYTES];

	return !options->has_function("bpf_task_storage_get_recur") &&
	       doctor_read(line, sizeof(line), "%s/cmdline", options->proc) > 0 && doctor_list_has(line, " ", "preempt=full");
}

void doctor_check_functions(const struct doctor_options *options, struct doctor_finding *ret)
{
	char missing[DOCTOR_TEXT_BYTES / 2] = "";

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (!options->has_function(functions[i].name))
			doctor_list_add(missing, sizeof(missing), functions[i].what);
	if (!missing[0] && skips_programs(options)) {
		doctor_say(ret, DOCTOR_MISSING, "this kernel leaves BPF programs out when it is booted with preempt=full");
		doctor_advise(ret, "boot with preempt=voluntary or without preempt=, or a kernel of Linux 6.2 or later");
		return;
	}
	if (!missing[0]) {
		doctor_say(ret, DOCTOR_OK, "the kernel has all hooks that are needed");
		return;
	}
	doctor_say(ret, DOCTOR_MISSING, "the kernel lacks: %s", missing);
	doctor_advise(ret, "boot a kernel of Linux 6.1 or later with CONFIG_BPF_LSM=y and CONFIG_SECURITY_PATH=y, such as Debian's");
}

/* The call has no hook: what can be done about it depends on how its entry is called. */
void doctor_check_personality(const struct doctor_options *options, struct doctor_finding *ret)
{
	if (options->has_function("__x64_sys_personality")) {
		doctor_say(ret, DOCTOR_OK, "personality(READ_IMPLIES_EXEC) is seen; it cannot be refused, so that a denial ends the process");
		return;
	}
	doctor_say(ret, DOCTOR_WARNING, "this kernel does not let personality(READ_IMPLIES_EXEC) be seen: memory.readImpliesExec has no "
					"effect, and the flag is noticed only where programs and memory are judged");
	doctor_advise(ret, "forbid personality() by the containers' seccomp profile, as the default profiles of the runtimes do");
}

void doctor_check_overlay(const struct doctor_options *options, struct doctor_finding *ret)
{
	char list[FILESYSTEMS_BYTES], path[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/kernel/btf/overlay", options->sys);
	if (access(path, F_OK) == 0) {
		doctor_say(ret, DOCTOR_OK, "the overlay module is loaded and describes its types");
		return;
	}
	n = doctor_read(list, sizeof(list), "%s/filesystems", options->proc);
	if (n < 0) {
		doctor_say(ret, DOCTOR_ERROR, "cannot read %s/filesystems: %s", options->proc, strerror((int)-n));
		return;
	}
	if (!doctor_list_has(list, "\t\n", "overlay")) {
		doctor_say(ret, DOCTOR_MISSING, "the overlay file system is not loaded");
		doctor_advise(ret, "modprobe overlay; to load it at each boot: echo overlay > /etc/modules-load.d/overlay.conf");
		return;
	}
	/* Only what was loaded has a state; what is built in has its types in vmlinux. */
	snprintf(path, sizeof(path), "%s/module/overlay/initstate", options->sys);
	if (access(path, F_OK) != 0) {
		doctor_say(ret, DOCTOR_OK, "the overlay file system is built into the kernel");
		return;
	}
	doctor_say(ret, DOCTOR_MISSING, "the overlay module was built without BTF: %s/kernel/btf/overlay does not exist",
		   options->sys);
	doctor_advise(ret, "use the module of a kernel built with CONFIG_DEBUG_INFO_BTF_MODULES=y, such as Debian's");
}

void doctor_check_bpffs(const struct doctor_options *options, struct doctor_finding *ret)
{
	char path[PATH_MAX];
	uint64_t magic = 0;
	int err;

	snprintf(path, sizeof(path), "%s/fs/bpf", options->sys);
	err = options->magic(path, &magic);
	if (!err && magic == MAGIC_BPFFS) {
		doctor_say(ret, DOCTOR_OK, "bpffs is mounted at %s", path);
	} else if (!err) {
		doctor_say(ret, DOCTOR_MISSING, "no bpffs is mounted at %s", path);
		doctor_advise(ret, "mount -t bpf bpf %s", path);
	} else if (err == -ENOENT) {
		doctor_say(ret, DOCTOR_MISSING, "the kernel has no BPF system call: %s does not exist", path);
		doctor_advise(ret, "boot a kernel that was built with CONFIG_BPF_SYSCALL=y, such as Debian's");
	} else {
		doctor_say(ret, DOCTOR_ERROR, "cannot look at %s: %s", path, strerror(-err));
	}
}

/* Where there is no v2 at the usual place: what is there instead? */
static void say_no_cgroup2(const struct doctor_options *options, struct doctor_finding *ret, const char *path, uint64_t magic)
{
	char unified[PATH_MAX];
	uint64_t below = 0;

	snprintf(unified, sizeof(unified), "%s/fs/cgroup/unified", options->sys);
	doctor_advise(ret, "add systemd.unified_cgroup_hierarchy=1 to the kernel command line and reboot");
	if (!options->magic(unified, &below) && below == MAGIC_CGROUP2) {
		doctor_say(ret, DOCTOR_MISSING, "the cgroup layout is hybrid: v1 at %s, v2 only at %s", path, unified);
	} else if (magic == MAGIC_TMPFS || magic == MAGIC_CGROUP1) {
		doctor_say(ret, DOCTOR_MISSING, "the cgroup hierarchy at %s is v1; v2 is needed", path);
	} else {
		doctor_say(ret, DOCTOR_MISSING, "no cgroup file system is mounted at %s", path);
		doctor_advise(ret, "mount -t cgroup2 cgroup2 %s", path);
	}
}

void doctor_check_cgroup(const struct doctor_options *options, struct doctor_finding *ret)
{
	char path[PATH_MAX];
	uint64_t magic = 0;
	int err;

	snprintf(path, sizeof(path), "%s/fs/cgroup", options->sys);
	err = options->magic(path, &magic);
	if (err && err != -ENOENT)
		doctor_say(ret, DOCTOR_ERROR, "cannot look at %s: %s", path, strerror(-err));
	else if (!err && magic == MAGIC_CGROUP2)
		doctor_say(ret, DOCTOR_OK, "cgroup v2 is mounted at %s", path);
	else
		say_no_cgroup2(options, ret, path, magic);
}
