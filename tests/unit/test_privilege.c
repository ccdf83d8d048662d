// SPDX-License-Identifier: Apache-2.0
/* Confinement, tried out in children: what must work works, what must not fails or kills, in every thread. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "enforcer/privilege.h"
#include "enforcer/util.h"

/* Exit codes of a child; others are an errno. */
#define CHILD_OK 0
#define CHILD_NOT_CONFINED 200
#define CHILD_TIME_OUT_SECONDS 30

static int expect_errno(long result)
{
	return result < 0 ? errno : CHILD_OK;
}

/* --- what must work ------------------------------------------------------------------------------------------------- */

static int try_memory(void)
{
	void *map = mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map, 4096, PROT_READ) < 0)
		return errno;
	return expect_errno(munmap(map, 1 << 22));
}

static int try_map_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	return map == MAP_FAILED ? errno : CHILD_OK;
}

static int try_read_folder(void)
{
	DIR *folder = opendir("/etc");
	struct dirent *entry = folder ? readdir(folder) : NULL;

	if (!entry)
		return errno;
	closedir(folder);
	return CHILD_OK;
}

static int try_write_and_rename(void)
{
	char path[] = "/tmp/hf-privilege-XXXXXX", other[64];
	int fd = mkostemp(path, O_CLOEXEC);

	snprintf(other, sizeof(other), "%s.1", path);
	if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) < 0 || fsync(fd) < 0 || rename(path, other) < 0)
		return errno;
	return expect_errno(unlink(other));
}

static int try_loop(void)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	uint64_t n;

	return timer < 0 || timerfd_settime(timer, 0, &soon, NULL) < 0 || read(timer, &n, sizeof(n)) < 0 ? errno : CHILD_OK;
}

static int try_unix_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/notify" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof(address));
	return errno == ENOENT ? CHILD_OK : errno;
}

static int try_random_and_time(void)
{
	char bytes[8];

	return getrandom(bytes, sizeof(bytes), 0) < 0 || clock_ns(CLOCK_BOOTTIME) == 0 ? errno : CHILD_OK;
}

/* Not EPERM: the filter lets it through to the kernel, which finds the descriptor bad. */
static int try_map_lookup(void)
{
	union bpf_attr attr = { .map_fd = 9999 };

	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0 && errno == EBADF ? CHILD_OK : errno;
}

static int try_terminal_question(void)
{
	errno = 0;
	isatty(STDIN_FILENO);
	return errno == EPERM ? EPERM : CHILD_OK;
}

static int try_limit_question(void)
{
	struct rlimit limit;

	return expect_errno(getrlimit(RLIMIT_NOFILE, &limit));
}

/* Needs CAP_DAC_READ_SEARCH, which is kept: a file of somebody else that nobody may read. */
static int foreign_file = -1;

static int try_foreign_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", foreign_file);
	return expect_errno(open(path, O_RDONLY | O_CLOEXEC));
}

static int try_foreign_root(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", (int)getppid());
	return expect_errno(open(path, O_PATH | O_CLOEXEC));
}

/* --- what must not -------------------------------------------------------------------------------------------------- */

static int try_mmap_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : CHILD_OK;
}

static int try_mprotect_exec(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return expect_errno(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

static int try_inet_socket(void)
{
	return expect_errno(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int try_netlink_socket(void)
{
	return expect_errno(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_prog_load(void)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	return expect_errno(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int try_map_create(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return expect_errno(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int try_kill(void)
{
	return expect_errno(kill(getppid(), 0));
}

static int try_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	return fd < 0 ? 1 : expect_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static int try_memfd(void)
{
	return expect_errno(memfd_create("x", MFD_CLOEXEC));
}

static int try_setuid(void)
{
	return expect_errno(setresuid(65534, 65534, 65534));
}

static int try_chmod(void)
{
	return expect_errno(chmod("/tmp", 01777));
}

static int try_thread(void)
{
	return expect_errno(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int try_set_limit(void)
{
	struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };

	return expect_errno(setrlimit(RLIMIT_NOFILE, &limit));
}

static int try_unlock_capabilities(void)
{
	cap_t all = cap_from_text("all=ep");

	return expect_errno(cap_set_proc(all));
}

static int try_execve(void)
{
	char *const args[] = { "true", NULL };

	return expect_errno(execve("/bin/true", args, NULL));
}

static int try_ptrace(void)
{
	return expect_errno(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int try_mount(void)
{
	return expect_errno(mount("none", "/nonexistent", "tmpfs", 0, NULL));
}

static int try_setns(void)
{
	return expect_errno(setns(STDIN_FILENO, 0));
}

static int try_unshare(void)
{
	return expect_errno(unshare(CLONE_NEWNS));
}

static int try_module(void)
{
	return expect_errno(syscall(SYS_finit_module, -1, "", 0));
}

static const struct {
	const char *name;
	int (*fn)(void);
	int expected; /* exit code, or -SIGNAL */
} attempts[] = {
	{ "memory", try_memory, CHILD_OK },
	{ "mapping a file", try_map_file, CHILD_OK },
	{ "reading a folder", try_read_folder, CHILD_OK },
	{ "writing and renaming", try_write_and_rename, CHILD_OK },
	{ "timers", try_loop, CHILD_OK },
	{ "AF_UNIX", try_unix_socket, CHILD_OK },
	{ "randomness and time", try_random_and_time, CHILD_OK },
	{ "map look-up", try_map_lookup, CHILD_OK },
	{ "isatty", try_terminal_question, CHILD_OK },
	{ "getrlimit", try_limit_question, CHILD_OK },
	{ "another user's file", try_foreign_file, CHILD_OK },
	{ "another process's root", try_foreign_root, CHILD_OK },
	{ "mmap PROT_EXEC", try_mmap_exec, EPERM },
	{ "mprotect PROT_EXEC", try_mprotect_exec, EPERM },
	{ "AF_INET", try_inet_socket, EPERM },
	{ "AF_NETLINK", try_netlink_socket, EPERM },
	{ "BPF_PROG_LOAD", try_prog_load, EPERM },
	{ "BPF_MAP_CREATE", try_map_create, EPERM },
	{ "kill", try_kill, EPERM },
	{ "pidfd_send_signal", try_pidfd, EPERM }, /* holding a process is allowed, reaching it is not */
	{ "memfd_create", try_memfd, EPERM },
	{ "setresuid", try_setuid, EPERM },
	{ "chmod", try_chmod, EPERM },
	{ "clone", try_thread, EPERM },
	{ "setrlimit", try_set_limit, EPERM },
	{ "all capabilities", try_unlock_capabilities, EPERM },
	{ "execve", try_execve, -SIGSYS },
	{ "ptrace", try_ptrace, -SIGSYS },
	{ "mount", try_mount, -SIGSYS },
	{ "setns", try_setns, -SIGSYS },
	{ "unshare", try_unshare, -SIGSYS },
	{ "finit_module", try_module, -SIGSYS },
};

static void confine(void)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";

	if (privilege_drop_capabilities(reason) == 0 && privilege_filter(reason) == 0 && privilege_check(reason) == 0)
		return;
	fprintf(stderr, "%s\n", reason);
	_exit(CHILD_NOT_CONFINED);
}

/* Runs fn in a child: its exit code, or minus the signal that ended it. */
static int run_in_child(void (*before)(void), int (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		alarm(CHILD_TIME_OUT_SECONDS);
		prctl(PR_SET_DUMPABLE, 0); /* no core files of the killed ones */
		if (before)
			before();
		_exit(fn());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_attempts_end_as_they_must(void **state)
{
	char path[] = "/tmp/hf-foreign-XXXXXX";

	(void)state;
	foreign_file = mkostemp(path, O_CLOEXEC);
	assert_true(foreign_file >= 0);
	assert_int_equal(fchown(foreign_file, 65534, 65534), 0);
	assert_int_equal(fchmod(foreign_file, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int end = run_in_child(confine, attempts[i].fn);

		if (end != attempts[i].expected)
			fail_msg("%s: ended with %d, not %d", attempts[i].name, end, attempts[i].expected);
	}
	unlink(path);
	close_fd(&foreign_file);
}

/* The twin: without confinement the same things are possible, so that their failure above proves something. */
static void test_unconfined_attempts_succeed(void **state)
{
	static int (*const possible[])(void) = { try_mmap_exec, try_mprotect_exec, try_inet_socket, try_kill, try_pidfd,
						 try_memfd, try_execve, try_unshare };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(possible); i++)
		assert_int_equal(run_in_child(NULL, possible[i]), CHILD_OK);
}

static int check_only(void)
{
	return privilege_check(NULL) == -EPERM ? CHILD_OK : CHILD_NOT_CONFINED;
}

static int check_without_filter(void)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";

	if (privilege_drop_capabilities(NULL) < 0 || privilege_check(reason) != -EPERM)
		return CHILD_NOT_CONFINED;
	return strstr(reason, "has no system call filter") ? CHILD_OK : CHILD_NOT_CONFINED;
}

static int check_without_drop(void)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";

	if (privilege_filter(NULL) < 0 || privilege_check(reason) != -EPERM)
		return CHILD_NOT_CONFINED;
	return strstr(reason, "does not have exactly the capabilities") ? CHILD_OK : CHILD_NOT_CONFINED;
}

static void test_check_finds_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(run_in_child(NULL, check_only), CHILD_OK);
	assert_int_equal(run_in_child(NULL, check_without_filter), CHILD_OK);
	assert_int_equal(run_in_child(NULL, check_without_drop), CHILD_OK);
}

static int drop_without_setpcap(void)
{
	char reason[PRIVILEGE_ERROR_BYTES] = "";
	cap_t few = cap_from_text("cap_sys_ptrace,cap_dac_read_search=ep");

	if (cap_set_proc(few) < 0 || privilege_drop_capabilities(reason) != -EPERM)
		return CHILD_NOT_CONFINED;
	return strstr(reason, "CAP_SETPCAP") ? CHILD_OK : CHILD_NOT_CONFINED;
}

static int check_securebits(void)
{
	if (privilege_drop_capabilities(NULL) < 0)
		return CHILD_NOT_CONFINED;
	return prctl(PR_GET_SECUREBITS) == (SECURE_ALL_BITS & ~SECBIT_KEEP_CAPS) + SECURE_ALL_LOCKS ? CHILD_OK :
												      CHILD_NOT_CONFINED;
}

static void test_securebits_are_locked(void **state)
{
	(void)state;
	assert_int_equal(run_in_child(NULL, check_securebits), CHILD_OK);
}

static void test_failed_step_is_named(void **state)
{
	(void)state;
	assert_int_equal(run_in_child(NULL, drop_without_setpcap), CHILD_OK);
}

/* A thread that exists already, like the one that enrols. */
struct worker {
	pthread_barrier_t dropped, filtered;
	bool drop;
	int result;
};

static void *work(void *data)
{
	struct worker *worker = data;

	if (worker->drop && privilege_drop_capabilities(NULL) < 0)
		return NULL;
	pthread_barrier_wait(&worker->dropped);
	pthread_barrier_wait(&worker->filtered);
	worker->result = try_inet_socket();
	return NULL;
}

static int confine_with_thread(bool drop, int expected_check)
{
	struct worker worker = { .drop = drop };
	pthread_t thread;

	pthread_barrier_init(&worker.dropped, NULL, 2);
	pthread_barrier_init(&worker.filtered, NULL, 2);
	if (pthread_create(&thread, NULL, work, &worker) != 0)
		return CHILD_NOT_CONFINED;
	pthread_barrier_wait(&worker.dropped);
	if (privilege_drop_capabilities(NULL) < 0 || privilege_filter(NULL) < 0 || privilege_check(NULL) != expected_check)
		return CHILD_NOT_CONFINED;
	pthread_barrier_wait(&worker.filtered);
	pthread_join(thread, NULL);
	return worker.result == EPERM ? CHILD_OK : worker.result;
}

static int confine_all_threads(void)
{
	return confine_with_thread(true, 0);
}

static int forget_a_thread(void)
{
	return confine_with_thread(false, -EPERM);
}

static void test_every_thread_is_covered(void **state)
{
	(void)state;
	assert_int_equal(run_in_child(NULL, confine_all_threads), CHILD_OK);
	assert_int_equal(run_in_child(NULL, forget_a_thread), CHILD_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts_end_as_they_must),
		cmocka_unit_test(test_unconfined_attempts_succeed),
		cmocka_unit_test(test_check_finds_what_is_missing),
		cmocka_unit_test(test_securebits_are_locked),
		cmocka_unit_test(test_failed_step_is_named),
		cmocka_unit_test(test_every_thread_is_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
