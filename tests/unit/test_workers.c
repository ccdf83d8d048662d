// SPDX-License-Identifier: Apache-2.0
/* Children that read what is hostile: they do their work, are confined, and their end is the daemon's only as an error. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "enforcer/privilege.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define LIMIT_NS (60 * NSEC_PER_SEC)
#define FILES 100

struct fixture {
	char folder[32], view[48];
	int root;
	struct workers *workers;
	uint64_t memory_bytes;
};

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	_cleanup_(close_file) FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
}

static void start(struct fixture *f)
{
	struct workers_options options = { .folder = f->view, .memory_bytes = f->memory_bytes };
	char why[WORKERS_ERROR_BYTES] = "";

	if (workers_new(&options, &f->workers, why))
		fail_msg("%s", why);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char name[32];

	snprintf(f->folder, sizeof(f->folder), "/tmp/hf-workers-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->view, sizeof(f->view), "%s/view", f->folder);
	mkdir(f->view, 0700);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "script-%d", i);
		write_file(f->folder, name, "#!/bin/sh -e\n");
	}
	write_file(f->folder, "text", "abc");
	f->root = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[64];

	workers_free(&f->workers);
	close(f->root);
	snprintf(command, sizeof(command), "%s", f->folder);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", command, NULL);
		_exit(1);
	}
	wait(NULL);
	free(f);
	return 0;
}

static struct worker *make(struct fixture *f)
{
	struct worker *worker = NULL;

	assert_int_equal(worker_new(f->workers, false, &worker), 0);
	return worker;
}

static int count_file(const struct imagedb_file *file, void *data)
{
	char byte;

	assert_int_equal(pread(file->fd, &byte, 1, 0), 1);
	assert_int_equal(byte, '#');
	assert_string_equal(file->interpreter, "/bin/sh");
	++*(unsigned int *)data;
	return 0;
}

static int scan(struct fixture *f, struct worker *worker, unsigned int *n, struct imagedb_scan_stats *stats)
{
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + LIMIT_NS };

	*n = 0;
	return worker_scan(worker, f->root, &options, count_file, n, stats);
}

static void test_scan_hands_over_every_file(void **state)
{
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_scan_stats stats = { 0 };
	unsigned int n;

	assert_int_equal(scan(f, worker, &n, &stats), 0);
	assert_int_equal(n, FILES);
	assert_int_equal(stats.candidates, FILES);
	assert_true(stats.complete);
	assert_int_equal(scan(f, worker, &n, NULL), 0);
	assert_int_equal(n, FILES);
}

static int stop_at_third(const struct imagedb_file *file, void *data)
{
	(void)file;
	return ++*(unsigned int *)data == 3 ? -EDOM : 0;
}

static void test_callback_ends_the_scan(void **state)
{
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_scan_options options = { 0 };
	unsigned int n = 0;

	assert_int_equal(worker_scan(worker, f->root, &options, stop_at_third, &n, NULL), -EDOM);
	assert_int_equal(n, 3);
}

static void test_open_gives_the_named_files(void **state)
{
	static const char paths[] = "script-1\0script-99";
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + LIMIT_NS };
	unsigned int n = 0;

	assert_int_equal(worker_open(worker, f->root, paths, sizeof(paths), &options, stop_at_third, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(worker_open(worker, f->root, "gone", 5, &options, stop_at_third, &n), -ENOENT);
	assert_int_equal(worker_open(worker, f->root, "view", 5, &options, stop_at_third, &n), -EINVAL);
	assert_int_equal(worker_open(worker, f->root, "", 0, &options, stop_at_third, &n), -EINVAL);
}

static void describe(struct fixture *f, const char *path, struct worker_hash *ret)
{
	struct stat st;

	assert_int_equal(fstatat(f->root, path, &st, 0), 0);
	*ret = (struct worker_hash){ .root_fd = f->root, .path = path, .ino = st.st_ino, .size = (uint64_t)st.st_size,
				     .ctime_ns = (uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec,
				     .deadline_ns = clock_ns(CLOCK_MONOTONIC) + LIMIT_NS };
}

static void test_hash_of_a_file_in_its_state_only(void **state)
{
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_digest digest;
	struct worker_hash file;
	char hex[65];

	describe(f, "text", &file);
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), 0);
	imagedb_hex(digest.sha256, sizeof(digest.sha256), hex, sizeof(hex));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	file.ctime_ns++;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -ESTALE);
	file.ctime_ns--;
	file.ino++;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -ESTALE);
	file.ino = 0;
	file.max_bytes = 2;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -EFBIG);
	file.path = "../../etc/passwd";
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -ENOENT);
	file.path = "view";
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -EINVAL);
}

/* A file that its asker has opened already. */
static void test_hash_of_a_descriptor(void **state)
{
	static const uint32_t net_bind[5] = { 0x02000000, 1u << 10 }; /* vfs_cap_data, revision 2 */
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_digest digest;
	struct worker_hash file;

	describe(f, "text", &file);
	file.root_fd = openat(f->root, "text", O_RDONLY | O_CLOEXEC);
	file.path = "";
	file.no_capabilities = true;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), 0);
	assert_int_equal(digest.size, 3);
	file.ctime_ns++;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -ESTALE);
	file.ctime_ns--;
	if (fsetxattr(file.root_fd, "security.capability", net_bind, sizeof(net_bind), 0)) {
		print_message("no capabilities can be given to files here\n");
	} else {
		describe(f, "text", &file);
		file.root_fd = openat(f->root, "text", O_RDONLY | O_CLOEXEC);
		file.path = "";
		assert_int_equal(worker_hash(worker, &file, NULL, &digest), 0);
		file.no_capabilities = true;
		assert_int_equal(worker_hash(worker, &file, NULL, &digest), -EPERM);
	}
	file.root_fd = f->root;
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -EINVAL);
}

/* A FIFO's open would wait for ever: it is never opened. */
static void test_special_files_are_not_opened(void **state)
{
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct worker_hash file;
	struct imagedb_digest digest;

	assert_int_equal(mkfifoat(f->root, "fifo", 0600), 0);
	describe(f, "fifo", &file);
	assert_int_equal(worker_hash(worker, &file, NULL, &digest), -EINVAL);
}

static void test_killed_child_is_an_error_and_the_next_is_fine(void **state)
{
	struct fixture *f = *state;
	struct worker *worker = make(f);
	char fate[WORKERS_ERROR_BYTES] = "";
	unsigned int n;

	kill(worker_pid(worker), SIGKILL);
	assert_int_equal(scan(f, worker, &n, NULL), -EPIPE);
	worker_fate(worker, fate);
	assert_non_null(strstr(fate, "signal 9"));
	worker_free(&worker);
	worker = make(f);
	assert_int_equal(scan(f, worker, &n, NULL), 0);
	worker_free(&worker);
}

static void test_stopped_child_is_given_up_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make(f);
	struct imagedb_scan_options options = { .deadline_ns = clock_ns(CLOCK_MONOTONIC) + 100000000 };
	unsigned int n = 0;
	pid_t pid = worker_pid(worker);

	kill(pid, SIGSTOP);
	assert_int_equal(worker_scan(worker, f->root, &options, count_file, &n, NULL), -ETIMEDOUT);
	worker_free(&worker);
	assert_int_equal(kill(pid, 0), -1);
}

static void test_without_memory_the_child_fails_and_the_daemon_lives(void **state)
{
	struct fixture *f = *state;
	struct worker *worker;
	unsigned int n;

	workers_free(&f->workers);
	f->memory_bytes = 4096;
	start(f);
	worker = make(f);
	assert_int_not_equal(scan(f, worker, &n, NULL), 0);
	worker_free(&worker);
	assert_true(workers_alive(f->workers));
}

static void test_without_spawner_there_are_no_children(void **state)
{
	struct fixture *f = *state;
	struct worker *worker = make(f), *another = NULL;
	struct pollfd child = { .fd = (int)syscall(SYS_pidfd_open, worker_pid(worker), 0), .events = POLLIN };
	unsigned int n;

	assert_true(workers_alive(f->workers));
	kill(workers_pid(f->workers), SIGKILL);
	assert_int_equal(worker_new(f->workers, false, &another), -EPIPE);
	assert_false(workers_alive(f->workers));
	assert_int_equal(poll(&child, 1, 10000), 1); /* it dies with the spawner */
	close(child.fd);
	assert_int_equal(scan(f, worker, &n, NULL), -EPIPE);
	worker_free(&worker);
}

/* --- confinement ---------------------------------------------------------------------------------------------------- */

static void read_proc(pid_t pid, const char *name, char *text, size_t bytes)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, bytes - 1, file)] = '\0';
}

/* It has answered once, so its limits stand. */
static struct worker *make_confined(struct fixture *f)
{
	struct worker *worker = make(f);
	unsigned int n;

	assert_int_equal(scan(f, worker, &n, NULL), 0);
	return worker;
}

/* Those that lead to something that begins so. */
static unsigned int count_descriptors(pid_t pid, const char *start)
{
	char path[64], link[64];
	unsigned int n = 0;

	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		memset(link, 0, sizeof(link));
		n += readlink(path, link, sizeof(link) - 1) > 0 && !strncmp(link, start, strlen(start));
	}
	return n;
}

static void test_child_is_confined(void **state)
{
	static const char *const status[] = { "CapEff:\t0000000000000004", "CapPrm:\t0000000000000004",
					      "CapBnd:\t0000000000000000", "CapInh:\t0000000000000000",
					      "NoNewPrivs:\t1", "Seccomp:\t2", "Name:\tholdfastd-read" };
	static const char *const limits[] = { "Max file size             0                    0 ",
					      "Max core file size        0                    0 ",
					      "Max cpu time              60                   60 ",
					      "Max open files            1024                 1024 ",
					      "Max processes             0                    0 " };
	struct fixture *f = *state;
	_cleanup_(worker_free) struct worker *worker = make_confined(f);
	pid_t pid = worker_pid(worker);
	char text[8192];

	read_proc(pid, "status", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(status); i++)
		assert_non_null(strstr(text, status[i]));
	read_proc(pid, "limits", text, sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		assert_non_null(strstr(text, limits[i]));
	assert_null(strstr(text, "Max address space         unlimited"));
	assert_null(strstr(text, "Max data size             unlimited"));
	read_proc(pid, "oom_score_adj", text, sizeof(text));
	assert_string_equal(text, "1000\n");
	read_proc(pid, "mounts", text, sizeof(text));
	assert_null(strstr(text, "cgroup"));
	assert_int_equal(count_descriptors(pid, "/dev/null"), 3);
	assert_int_equal(count_descriptors(pid, "socket:"), 1);
	assert_int_equal(count_descriptors(pid, ""), 4);
}

/* What a child that was taken over might try. status: of the child that tries, 0: refused with EPERM. */
static int try_call(int what)
{
	int err = privilege_prepare_worker();

	if (err || privilege_keep_reading(NULL) || privilege_filter_worker())
		return 100;
	switch (what) {
	case 0:
		return open("/tmp/hf-workers-written", O_WRONLY | O_CREAT, 0600) < 0 && errno == EPERM ? 0 : 1;
	case 1:
		return open("/dev/null", O_RDONLY) >= 0 ? 0 : 1;
	case 2:
		return socket(AF_UNIX, SOCK_STREAM, 0);
	case 3:
		return (int)syscall(SYS_execve, "/bin/true", NULL, NULL);
	case 4:
		return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case 5:
		return kill(getppid(), SIGKILL);
	case 6:
		return unlink("/tmp/hf-workers-none") < 0 && errno == EPERM ? 0 : 1;
	default:
		return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
	}
}

static void test_child_may_read_and_nothing_else(void **state)
{
	static const int killed[] = { 0, 0, SIGSYS, SIGSYS, SIGSYS, SIGSYS, 0, SIGSYS };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(killed); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			syscall(SYS_exit_group, try_call((int)i)); /* the leak check has not the calls it needs */
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (killed[i])
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == killed[i]);
		else
			assert_int_equal(status ? (int)i << 16 | status : 0, 0);
	}
}

static void await_end(pid_t pid)
{
	struct pollfd poll_fd = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (poll_fd.fd < 0)
		return; /* it has ended already */
	assert_int_equal(poll(&poll_fd, 1, 30000), 1);
	close(poll_fd.fd);
}

/* Killed like the daemon's process: spawner and children end with it. */
static void test_nothing_outlives_the_daemon(void **state)
{
	struct fixture *f = *state;
	pid_t pids[2] = { 0 }, daemon;
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	daemon = fork();
	if (daemon == 0) {
		struct worker *worker;

		f->workers = NULL;
		start(f);
		worker = make_confined(f);
		pids[0] = workers_pid(f->workers);
		pids[1] = worker_pid(worker);
		if (write(pair[1], pids, sizeof(pids)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(pair[0], pids, sizeof(pids)), sizeof(pids));
	kill(daemon, SIGKILL);
	waitpid(daemon, NULL, 0);
	await_end(pids[0]);
	await_end(pids[1]);
	close(pair[0]);
	close(pair[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_scan_hands_over_every_file),
		TEST(test_callback_ends_the_scan),
		TEST(test_open_gives_the_named_files),
		TEST(test_hash_of_a_file_in_its_state_only),
		TEST(test_hash_of_a_descriptor),
		TEST(test_special_files_are_not_opened),
		TEST(test_killed_child_is_an_error_and_the_next_is_fine),
		TEST(test_stopped_child_is_given_up_at_the_deadline),
		TEST(test_without_memory_the_child_fails_and_the_daemon_lives),
		TEST(test_without_spawner_there_are_no_children),
		TEST(test_child_is_confined),
		cmocka_unit_test(test_child_may_read_and_nothing_else),
		TEST(test_nothing_outlives_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
