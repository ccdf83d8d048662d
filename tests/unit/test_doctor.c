// SPDX-License-Identifier: Apache-2.0
/* The doctor on made-up hosts: one that has everything, and for each thing that can be missing one that lacks just that. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "enforcer/doctor.h"
#include "enforcer/util.h"

#define FINDINGS_ALL 15 /* with both callbacks */
#define NESTING_MAX 16

#define BPFFS 0xcafe4a11u
#define CGROUP2 0x63677270u
#define TMPFS 0x01021994u
#define SECURITYFS 0x73636673u
#define SYSFS 0x62656572u

#define LSM_LIST "capability,landlock,lockdown,yama,apparmor,bpf\n"
#define STATUS(uid, caps) "Name:\tx\nUid:\t" uid "\t" uid "\t0\t0\nNoCapEff:\t0\nCapEff:\t" caps "\nSeccomp:\t0\n"
#define HOOK_JSON(program) "{\"version\":\"1.0.0\",\"hook\":{\"path\":\"" program "\"},\"stages\":[\"createRuntime\"]}"

/* What the host under test answers; set anew for each test. */
static struct {
	char path[PATH_MAX], sys[PATH_MAX], proc[PATH_MAX];
	uint64_t cgroup, unified, bpffs, security;
	int bpffs_error;
	const char *no_function;
	int proof;
	const char *proof_reason;
	unsigned int proofs;
	struct doctor_options options;
} host;

static int fake_magic(const char *path, uint64_t *ret)
{
	static const struct {
		const char *tail;
		uint64_t *magic;
		int *error;
	} places[] = {
		{ "/fs/cgroup", &host.cgroup, NULL },
		{ "/fs/cgroup/unified", &host.unified, NULL },
		{ "/fs/bpf", &host.bpffs, &host.bpffs_error },
		{ "/kernel/security", &host.security, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (strncmp(path, host.sys, strlen(host.sys)) != 0 || strcmp(path + strlen(host.sys), places[i].tail) != 0)
			continue;
		if (places[i].error && *places[i].error)
			return *places[i].error;
		if (!*places[i].magic)
			return -ENOENT;
		*ret = *places[i].magic;
		return 0;
	}
	return -ENOENT;
}

static bool fake_function(const char *name)
{
	return !host.no_function || strcmp(name, host.no_function) != 0;
}

static int fake_proof(char *reterr, size_t bytes)
{
	host.proofs++;
	if (host.proof)
		snprintf(reterr, bytes, "%s", host.proof_reason);
	return host.proof;
}

static void path_of(const char *name, char ret[PATH_MAX])
{
	assert_in_range(snprintf(ret, PATH_MAX, "%s/%s", host.path, name), 1, PATH_MAX - 1);
}

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

/* Writes a file of the host; NULL removes it. */
static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	path_of(name, path);
	if (!text) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	make_folders(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void put_link(const char *name, const char *target)
{
	char path[PATH_MAX];

	path_of(name, path);
	make_folders(path);
	unlink(path);
	if (target)
		assert_int_equal(symlink(target, path), 0);
}

static void fill_host(void)
{
	put("sys/kernel/btf/vmlinux", "");
	put("sys/kernel/btf/overlay", "");
	put("sys/kernel/security/lsm", LSM_LIST);
	put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	put("proc/sys/kernel/osrelease", "6.1.0-1-amd64\n");
	put("proc/filesystems", "nodev\tsysfs\nnodev\toverlay\n\text4\n");
	put("proc/self/status", STATUS("0", "000001ffffffffff"));
	put_link("proc/self/ns/pid", "pid:[4026531836]");
	put_link("proc/self/ns/mnt", "mnt:[4026531841]");
	put_link("proc/1/ns/mnt", "mnt:[4026531841]");
	put("usr/bin/crun", "");
	put("usr/sbin/runc", "");
	put("usr/libexec/holdfast/holdfast-hook", "");
	put("usr/share/containers/oci/hooks.d/holdfast.json", HOOK_JSON("/usr/libexec/holdfast/holdfast-hook"));
}

static int setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	memset(&host, 0, sizeof(host));
	snprintf(host.path, sizeof(host.path), "%s/doctor-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(host.path));
	path_of("sys", host.sys);
	path_of("proc", host.proc);
	host.cgroup = CGROUP2;
	host.bpffs = BPFFS;
	host.security = SECURITYFS;
	host.options = (struct doctor_options){ .sys = host.sys, .proc = host.proc, .root = host.path, .magic = fake_magic,
						.has_function = fake_function, .prove = fake_proof };
	fill_host();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(host.path, remove_one, NESTING_MAX, FTW_DEPTH | FTW_PHYS);
}

static const struct doctor_finding *find(const struct doctor_report *report, const char *name)
{
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->findings[i].name, name) == 0)
			return &report->findings[i];
	fail_msg("no finding %s", name);
	return NULL;
}

static void check_text(const char *text, const char *fragment)
{
	if (!strstr(text, fragment))
		fail_msg("\"%s\" does not say \"%s\"", text, fragment);
}

static void test_a_host_with_everything_is_ready(void **state)
{
	struct doctor_report report;
	char missing[64] = "x";

	(void)state;
	assert_int_equal(doctor_check(&host.options, &report), 0);
	assert_int_equal(report.n, FINDINGS_ALL);
	for (size_t i = 0; i < report.n; i++) {
		if (report.findings[i].status != DOCTOR_OK)
			fail_msg("%s: %s", report.findings[i].name, report.findings[i].text);
		assert_string_not_equal(report.findings[i].text, "");
		assert_string_equal(report.findings[i].remedy, "");
	}
	assert_int_equal(doctor_exit_code(&report), 0);
	assert_int_equal(doctor_missing(&report, missing, sizeof(missing)), 0);
	assert_string_equal(missing, "");
	assert_int_equal(host.proofs, 1);
	check_text(find(&report, "kernel")->text, "6.1.0-1-amd64");
	check_text(find(&report, "runtimes")->text, "found runc, crun");
	check_text(find(&report, "proof")->text, "canary was denied");
}

static void no_btf(void) { put("sys/kernel/btf/vmlinux", NULL); }
static void no_bpf_in_list(void) { put("sys/kernel/security/lsm", "lockdown,capability,bpfilter\n"); }
static void empty_list(void) { put("sys/kernel/security/lsm", ""); }
static void no_lsms(void) { put("sys/kernel/security/lsm", NULL); }
static void no_securityfs(void) { put("sys/kernel/security/lsm", NULL), host.security = SYSFS; }
static void confidential(void) { put("sys/kernel/security/lockdown", "none integrity [confidentiality]\n"); }
static void no_bpffs(void) { host.bpffs = SYSFS; }
static void no_bpf_folder(void) { host.bpffs = 0; }
static void odd_bpffs(void) { host.bpffs_error = -EIO; }
static void cgroup1(void) { host.cgroup = TMPFS; }
static void hybrid(void) { host.cgroup = TMPFS, host.unified = CGROUP2; }
static void no_cgroup(void) { host.cgroup = SYSFS; }
static void no_cgroup_folder(void) { host.cgroup = 0; }
static void no_hook_function(void) { host.no_function = "bpf_lsm_file_mprotect"; }
static void no_personality(void) { host.no_function = "__x64_sys_personality"; }
static void preempted(void) { host.no_function = "bpf_task_storage_get_recur", put("proc/cmdline", "quiet preempt=full\n"); }
static void no_task_storage(void) { host.no_function = "bpf_task_storage_get"; }
static void not_root(void) { put("proc/self/status", STATUS("1000", "0000000000000000")); }
static void few_caps(void) { put("proc/self/status", STATUS("0", "00000000a80425fb")); }
static void no_status(void) { put("proc/self/status", "Name:\tx\n"); }
static void own_pid_ns(void) { put_link("proc/self/ns/pid", "pid:[4026532000]"); }
static void own_mnt_ns(void) { put_link("proc/self/ns/mnt", "mnt:[4026532001]"); }
static void hidden_init(void) { put_link("proc/1/ns/mnt", NULL); }
static void no_hook(void) { put("usr/share/containers/oci/hooks.d/holdfast.json", NULL); }
static void no_hook_program(void) { put("usr/libexec/holdfast/holdfast-hook", NULL); }
static void no_release(void) { put("proc/sys/kernel/osrelease", NULL); }

static void other_hook(void)
{
	put("usr/share/containers/oci/hooks.d/holdfast.json", HOOK_JSON("/usr/bin/holdfast-hook-not"));
	put("etc/containers/oci/hooks.d/broken.json", "{\"hook\": [");
	put("etc/containers/oci/hooks.d/odd.json", "{\"hook\":{\"path\":7}}");
}

static void no_overlay(void)
{
	put("sys/kernel/btf/overlay", NULL);
	put("proc/filesystems", "nodev\tsysfs\n\toverlayish\n");
}

static void overlay_without_btf(void)
{
	put("sys/kernel/btf/overlay", NULL);
	put("sys/module/overlay/initstate", "live\n");
}

static void no_runtimes(void)
{
	put("usr/bin/crun", NULL);
	put("usr/sbin/runc", NULL);
}

static void no_proof(void)
{
	host.proof = -EPERM;
	host.proof_reason = "cannot attach the hooks: Operation\nnot permitted";
}

static void broken_proof(void)
{
	host.proof = -ENOMEM;
	host.proof_reason = "";
}

/* What is taken away, which finding must say so, in what words, and the exit status. */
static const struct {
	void (*take)(void);
	const char *name;
	enum doctor_status status;
	int exit_code;
	const char *text, *remedy;
} cases[] = {
	{ no_btf, "btf", DOCTOR_MISSING, 1, "no BTF", "CONFIG_DEBUG_INFO_BTF" },
	{ no_bpf_in_list, "lsm", DOCTOR_MISSING, 1, "lockdown,capability,bpfilter", "lsm=lockdown,bpfilter,bpf to the kernel" },
	{ empty_list, "lsm", DOCTOR_MISSING, 1, "bpf is not among", "lsm=bpf to" },
	{ no_lsms, "lsm", DOCTOR_MISSING, 1, "built without LSMs", "CONFIG_BPF_LSM" },
	{ no_securityfs, "lsm", DOCTOR_WARNING, 0, "securityfs is not mounted", "mount -t securityfs securityfs" },
	{ confidential, "lockdown", DOCTOR_MISSING, 1, "confidentiality", "lockdown=integrity" },
	{ no_bpffs, "bpffs", DOCTOR_MISSING, 1, "no bpffs is mounted", "mount -t bpf bpf" },
	{ no_bpf_folder, "bpffs", DOCTOR_MISSING, 1, "no BPF system call", "CONFIG_BPF_SYSCALL" },
	{ odd_bpffs, "bpffs", DOCTOR_ERROR, 2, "Input/output error", "" },
	{ cgroup1, "cgroup", DOCTOR_MISSING, 1, "is v1", "systemd.unified_cgroup_hierarchy=1" },
	{ hybrid, "cgroup", DOCTOR_MISSING, 1, "hybrid", "systemd.unified_cgroup_hierarchy=1" },
	{ no_cgroup, "cgroup", DOCTOR_MISSING, 1, "no cgroup file system", "mount -t cgroup2" },
	{ no_cgroup_folder, "cgroup", DOCTOR_MISSING, 1, "no cgroup file system", "mount -t cgroup2" },
	{ no_overlay, "overlay", DOCTOR_MISSING, 1, "not loaded", "modprobe overlay" },
	{ overlay_without_btf, "overlay", DOCTOR_MISSING, 1, "without BTF", "CONFIG_DEBUG_INFO_BTF_MODULES" },
	{ no_hook_function, "hooks", DOCTOR_MISSING, 1, "lacks: hook file_mprotect", "6.1 or later" },
	{ no_personality, "personality", DOCTOR_WARNING, 0, "has no effect", "seccomp profile" },
	{ no_task_storage, "hooks", DOCTOR_MISSING, 1, "lacks: task storage", "6.1 or later" },
	{ preempted, "hooks", DOCTOR_MISSING, 1, "preempt=full", "preempt=voluntary" },
	{ not_root, "privileges", DOCTOR_MISSING, 1, "user 1000", "as root" },
	{ few_caps, "privileges", DOCTOR_MISSING, 1, "without CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF", "host" },
	{ no_status, "privileges", DOCTOR_ERROR, 2, "cannot read", "" },
	{ own_pid_ns, "namespaces", DOCTOR_MISSING, 1, "pid namespace of its own", "hostPID" },
	{ own_mnt_ns, "namespaces", DOCTOR_MISSING, 1, "mount namespace of its own", "PrivateTmp" },
	{ hidden_init, "namespaces", DOCTOR_ERROR, 2, "cannot read the namespaces", "" },
	{ no_runtimes, "runtimes", DOCTOR_WARNING, 0, "no container runtime", "" },
	{ no_hook, "oci-hook", DOCTOR_WARNING, 0, "no hooks.d file", "make install" },
	{ other_hook, "oci-hook", DOCTOR_WARNING, 0, "no hooks.d file", "make install" },
	{ no_hook_program, "oci-hook", DOCTOR_WARNING, 0, "cannot be run", "make install" },
	{ no_release, "kernel", DOCTOR_ERROR, 2, "osrelease", "" },
	{ no_proof, "proof", DOCTOR_MISSING, 1, "Operation not permitted", "" },
	{ broken_proof, "proof", DOCTOR_ERROR, 2, "Cannot allocate memory", "" },
};

static void check_case(size_t i)
{
	struct doctor_report report;

	cases[i].take();
	assert_int_equal(doctor_check(&host.options, &report), 0);
	assert_int_equal(report.n, FINDINGS_ALL);
	for (size_t k = 0; k < report.n; k++) {
		const struct doctor_finding *f = &report.findings[k];
		bool untried = strcmp(f->name, "proof") == 0 && cases[i].exit_code == 1;

		if (strcmp(f->name, cases[i].name) != 0 && !untried && f->status != DOCTOR_OK)
			fail_msg("case %zu: %s: %s", i, f->name, f->text);
	}
	if (find(&report, cases[i].name)->status != cases[i].status)
		fail_msg("case %zu: %s", i, find(&report, cases[i].name)->text);
	check_text(find(&report, cases[i].name)->text, cases[i].text);
	check_text(find(&report, cases[i].name)->remedy, cases[i].remedy);
	assert_int_equal(doctor_exit_code(&report), cases[i].exit_code);
}

static void test_preemption_matters_to_old_kernels_only(void **state)
{
	struct doctor_report report;

	(void)state;
	put("proc/cmdline", "quiet preempt=full\n");
	assert_int_equal(doctor_check(&host.options, &report), 0);
	assert_int_equal(find(&report, "hooks")->status, DOCTOR_OK);
	host.no_function = "bpf_task_storage_get_recur";
	put("proc/cmdline", "quiet preempt=voluntary\n");
	assert_int_equal(doctor_check(&host.options, &report), 0);
	assert_int_equal(find(&report, "hooks")->status, DOCTOR_OK);
}

static void test_each_missing_thing_is_named_alone(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_case(i);
		teardown(state);
		setup(state);
	}
}

static void test_a_built_in_overlay_is_enough(void **state)
{
	struct doctor_report report;

	(void)state;
	put("sys/kernel/btf/overlay", NULL);
	put("sys/module/overlay/parameters/index", "N\n");
	doctor_check(&host.options, &report);
	assert_int_equal(find(&report, "overlay")->status, DOCTOR_OK);
	check_text(find(&report, "overlay")->text, "built into");
}

static void test_no_lockdown_is_fine_if_it_can_be_seen(void **state)
{
	struct doctor_report report;

	(void)state;
	put("sys/kernel/security/lockdown", NULL);
	doctor_check(&host.options, &report);
	assert_int_equal(find(&report, "lockdown")->status, DOCTOR_OK);
	host.security = SYSFS;
	doctor_check(&host.options, &report);
	assert_int_equal(find(&report, "lockdown")->status, DOCTOR_WARNING);
	check_text(find(&report, "lockdown")->text, "without securityfs");
}

static void test_the_proof_waits_for_what_is_missing(void **state)
{
	struct doctor_report report;

	(void)state;
	no_bpffs();
	doctor_check(&host.options, &report);
	assert_int_equal(host.proofs, 0);
	assert_int_equal(find(&report, "proof")->status, DOCTOR_WARNING);
	check_text(find(&report, "proof")->text, "not tried");
	host.bpffs = BPFFS;
	doctor_check(&host.options, &report);
	assert_int_equal(host.proofs, 1);
}

static void test_checks_without_callback_are_left_out(void **state)
{
	struct doctor_report report;

	(void)state;
	host.options.prove = NULL;
	host.options.has_function = NULL;
	doctor_check(&host.options, &report);
	assert_int_equal(report.n, FINDINGS_ALL - 3);
	assert_int_equal(doctor_exit_code(&report), 0);
}

static void test_long_lists_are_cut_not_overrun(void **state)
{
	struct doctor_report report;
	char list[8192];

	(void)state;
	memset(list, 'a', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	put("sys/kernel/security/lsm", list);
	put("sys/kernel/security/lockdown", list);
	put("proc/sys/kernel/osrelease", list);
	doctor_check(&host.options, &report);
	assert_int_equal(find(&report, "lsm")->status, DOCTOR_MISSING);
	assert_int_equal(strlen(find(&report, "kernel")->text), DOCTOR_TEXT_BYTES - 1);
}

/* What RestrictSUIDSGID= of a service does. The filter stays, so it is put on a child. */
static void filtered_child(void)
{
	struct doctor_report report;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0) || seccomp_load(filter))
		_exit(10);
	doctor_check(&host.options, &report);
	if (!strstr(find(&report, "syscalls")->remedy, "RestrictSUIDSGID"))
		_exit(11);
	_exit(find(&report, "syscalls")->status == DOCTOR_MISSING ? doctor_exit_code(&report) : 12);
}

static void test_a_filter_on_openat2_is_told(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		filtered_child();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

/* Whatever this machine is: every check answers, and nothing is left behind. */
static void test_this_host_gets_a_whole_report(void **state)
{
	struct doctor_report report;

	(void)state;
	assert_int_equal(doctor_check(NULL, &report), 0);
	assert_int_equal(report.n, FINDINGS_ALL - 3);
	for (size_t i = 0; i < report.n; i++)
		assert_string_not_equal(report.findings[i].text, "");
	assert_int_equal(doctor_check(NULL, NULL), -EINVAL);
}

#define HOST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(test_a_host_with_everything_is_ready),
		HOST_TEST(test_each_missing_thing_is_named_alone),
		HOST_TEST(test_a_built_in_overlay_is_enough),
		HOST_TEST(test_preemption_matters_to_old_kernels_only),
		HOST_TEST(test_no_lockdown_is_fine_if_it_can_be_seen),
		HOST_TEST(test_the_proof_waits_for_what_is_missing),
		HOST_TEST(test_checks_without_callback_are_left_out),
		HOST_TEST(test_long_lists_are_cut_not_overrun),
		HOST_TEST(test_a_filter_on_openat2_is_told),
		HOST_TEST(test_this_host_gets_a_whole_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
