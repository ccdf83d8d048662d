// SPDX-License-Identifier: Apache-2.0
/* Runtimes' folders of state, good and hostile, and whether the process that they name is still the one that they meant. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "enforcer/adopt_find.h"
#include "enforcer/adopt_work.h"
#include "enforcer/log.h"
#include "enforcer/oci.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"
#include "tests/unit/imagedb_tree.h"

static struct {
	struct tree *tree;
	pid_t pid;
	char root[640];
	struct adopt_entries entries;
} w;

static int setup(void **)
{
	log_set_level(-1);
	memset(&w, 0, sizeof(w));
	w.tree = tree_new();
	snprintf(w.root, sizeof(w.root), "%.500s/root", w.tree->path);
	close(tree_mkdir(w.tree->fd, "root"));
	w.pid = fork();
	if (w.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return w.pid > 0 ? 0 : -1;
}

static int teardown(void **)
{
	kill(w.pid, SIGKILL);
	waitpid(w.pid, NULL, 0);
	adopt_entries_release(&w.entries);
	tree_free(w.tree);
	return 0;
}

static const char config[] = "{\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"/bin/web\"]},\"annotations\":"
			     "{\"io.kubernetes.pod.namespace\":\"prod\"},\"mounts\":[{\"destination\":\"/v\",\"type\":\"bind\","
			     "\"options\":[\"ro\"]}]}";

/* Makes root/PATH and its folders. */
static void put(const char *path, const char *text)
{
	char full[1024], *slash;

	snprintf(full, sizeof(full), "root/%s", path);
	for (slash = strchr(full + 5, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdirat(w.tree->fd, full, 0755);
		*slash = '/';
	}
	tree_put(w.tree->fd, full, text, strlen(text), 0644);
}

static void find(void)
{
	adopt_entries_release(&w.entries);
	assert_int_equal(adopt_find(w.root, &w.entries), 0);
}

/* One container in each runtime's shape: where its state lies, and what stands before its pid, its start and its bundle. */
static const struct {
	const char *file, *pid, *start, *bundle, *end;
} shapes[] = {
	{ "abc/state.json", "{\"id\":\"abc\",\"init_process_pid\":", ",\"init_process_start\":",
	  ",\"config\":{\"labels\":[\"bundle=/nowhere\",\"a=b\",\"bundle=", "\"]}}" },
	{ "abc/status", "{\"pid\":", ",\"process-start-time\":", ",\"rootfs\":\"rootfs\",\"bundle\":\"", "\"}" },
	{ "ns/abc/state.json", "{\"pid\":", ",\"process-start-time\":", ",\"id\":\"abc\",\"bundle\":\"", "\"}" },
};

static void put_shape(size_t i, uint64_t start)
{
	char text[2048];

	mkdirat(w.tree->fd, "bundle", 0755);
	unlinkat(w.tree->fd, "bundle/config.json", 0);
	tree_put(w.tree->fd, "bundle/config.json", config, strlen(config), 0644);
	snprintf(text, sizeof(text), "%s%d%s%llu%s%.600s/bundle%s", shapes[i].pid, (int)w.pid, shapes[i].start,
		 (unsigned long long)start, shapes[i].bundle, w.tree->path, shapes[i].end);
	put(shapes[i].file, text);
}

static void check_opens(void)
{
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";
	int pidfd = -1;

	assert_int_equal(w.entries.n, 1);
	assert_string_equal(w.entries.list[0].id, "abc");
	assert_int_equal(adopt_open(&w.entries.list[0], "/proc", &oci, &pidfd, error), 0);
	assert_int_equal(oci->pid, w.pid);
	assert_string_equal(oci->facts.id, "abc");
	assert_string_equal(oci->facts.namespace_, "prod");
	assert_string_equal(oci->facts.program, "/bin/web");
	assert_true(oci->n_mounts == 1 && oci->mounts[0].read_only);
	assert_true(pidfd >= 0);
	close(pidfd);
	oci_free(&oci);
}

static void check_refused(int expected)
{
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";
	int pidfd = -1;

	assert_int_equal(adopt_open(&w.entries.list[0], "/proc", &oci, &pidfd, error), expected);
	assert_true(pidfd == -1 && !oci && error[0]);
}

static void test_each_runtimes_shape_is_understood(void **)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		put_shape(i, restore_start_of_pid(w.pid));
		find();
		check_opens();
		teardown(NULL);
		setup(NULL);
	}
}

/* The number lives, but it is another process's by now; then it has ended. */
static void test_reused_pid_is_never_taken(void **)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		put_shape(i, restore_start_of_pid(w.pid) + 1);
		find();
		assert_int_equal(w.entries.n, 1);
		check_refused(-ESRCH);
		teardown(NULL);
		setup(NULL);
	}
	put_shape(1, restore_start_of_pid(w.pid));
	find();
	kill(w.pid, SIGKILL);
	waitpid(w.pid, NULL, 0);
	check_refused(-ESRCH);
}

/* containerd writes no start: the cgroup must carry the id. */
static void test_task_folder_needs_its_cgroup(void **)
{
	char text[32], path[1024];
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES];
	int pidfd = -1;

	snprintf(text, sizeof(text), "%d", (int)w.pid);
	put("k8s.io/abc/init.pid", text);
	put("k8s.io/abc/config.json", config);
	find();
	assert_int_equal(w.entries.n, 1);
	assert_int_equal(w.entries.list[0].start, 0);
	for (unsigned int right = 0; right < 2; right++) {
		snprintf(path, sizeof(path), "proc%u/%d/cgroup", right, (int)w.pid);
		put(path, right ? "0::/kubepods/pod1/abc\n" : "0::/kubepods/pod1/abd\n");
		snprintf(path, sizeof(path), "%s/proc%u", w.root, right);
		assert_int_equal(adopt_open(&w.entries.list[0], path, &oci, &pidfd, error), right ? 0 : -ESRCH);
	}
	close(pidfd);
	oci_free(&oci);
}

static void test_rubbish_is_passed_over(void **)
{
	static const char *const states[] = {
		"", "{", "[]", "7", "null", "{}", "{\"pid\":1}", "{\"pid\":1,\"bundle\":7}", "{\"pid\":1,\"bundle\":\"relative\"}",
		"{\"pid\":-1,\"bundle\":\"/b\"}", "{\"pid\":0,\"bundle\":\"/b\"}", "{\"pid\":\"1\",\"bundle\":\"/b\"}",
		"{\"pid\":99999999999,\"bundle\":\"/b\"}", "{\"init_process_pid\":1,\"config\":{\"labels\":[7,null,{}]}}",
		"{\"init_process_pid\":1,\"config\":7}", "{\"init_process_pid\":1,\"config\":{\"labels\":\"bundle=/b\"}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		unlinkat(w.tree->fd, "root/abc/status", 0);
		put("abc/status", states[i]);
		find();
		assert_int_equal(w.entries.n, 0);
	}
	unlinkat(w.tree->fd, "root/abc/status", 0);
	put("abc/status", "{\"pid\":1,\"bundle\":\"/b\"}"); /* the twin */
	find();
	assert_int_equal(w.entries.n, 1);
	assert_int_equal(adopt_find("/no/such/folder", &w.entries), 0);
}

/* A user could say that somebody else's process is his container. */
static void test_only_roots_own_files_count(void **)
{
	static const struct {
		const char *path;
		uid_t uid;
		mode_t mode;
		size_t found;
	} rows[] = {
		{ "root/abc/status", 0, 0644, 1 },    { "root/abc/status", 1000, 0644, 0 }, { "root/abc/status", 0, 0666, 0 },
		{ "root/abc/status", 0, 0620, 0 },    { "root/abc", 1000, 0755, 0 },	    { "root/abc", 0, 0777, 0 },
		{ "root", 0, 0775, 0 },		      { "root/abc/status", 0, 0600, 1 },
	};

	put("abc/status", "{\"pid\":1,\"bundle\":\"/b\"}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stat before;

		assert_int_equal(fstatat(w.tree->fd, rows[i].path, &before, 0), 0);
		assert_int_equal(fchownat(w.tree->fd, rows[i].path, rows[i].uid, 0, 0), 0);
		assert_int_equal(fchmodat(w.tree->fd, rows[i].path, rows[i].mode, 0), 0);
		find();
		assert_int_equal(w.entries.n, rows[i].found);
		assert_int_equal(fchownat(w.tree->fd, rows[i].path, 0, 0, 0), 0);
		assert_int_equal(fchmodat(w.tree->fd, rows[i].path, before.st_mode & 07777, 0), 0);
	}
}

static void test_links_and_pipes_are_not_followed(void **)
{
	put("abc/real", "{\"pid\":1,\"bundle\":\"/b\"}");
	assert_int_equal(symlinkat("real", w.tree->fd, "root/abc/status"), 0);
	assert_int_equal(symlinkat("abc", w.tree->fd, "root/link"), 0);
	mkdirat(w.tree->fd, "root/pipe", 0755);
	assert_int_equal(mkfifoat(w.tree->fd, "root/pipe/status", 0644), 0);
	find();
	assert_int_equal(w.entries.n, 0);
}

/* A task list as the kernel half gives it: only who lives in a root of his own is adopted, and nobody twice. */
static void test_only_a_contained_process_is_matched(void **)
{
	struct hf_task init = { .tid = (uint32_t)w.pid, .pid = (uint32_t)w.pid, .root_dev = 70, .root_ino = 2 };
	struct hf_task stranger = { .tid = 1, .pid = 1, .root_dev = 71, .root_ino = 2 }, tagged = init, orphaned = init;
	static const uint64_t orphans[] = { 5 };
	const char *const roots[] = { w.root, w.root };
	struct {
		struct hf_task task;
		size_t found, starting;
		uint64_t keep;
	} rows[] = { { init, 1, 0, 0 }, { stranger, 0, 2, 0 }, { tagged, 0, 0, 0 }, { orphaned, 1, 0, 5 }, { init, 1, 0, 6 } };

	rows[2].task.container = 4;
	rows[3].task.container = 5;
	rows[4].task.container = 6;
	rows[4].task.flags = HF_TASK_STALE;
	put_shape(1, restore_start_of_pid(w.pid));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct adopt_look look = { .folders = roots, .n_folders = 2, .proc = "/proc", .orphans = orphans, .n_orphans = 1 };
		struct hf_task tasks[] = { stranger, rows[i].task };

		adopt_work_match(&look, tasks, 2);
		assert_int_equal(look.err, 0);
		assert_int_equal(look.found != NULL, rows[i].found);
		assert_int_equal(look.starting, rows[i].starting);
		assert_int_equal(look.strangers, 1);
		if (look.found) {
			assert_null(look.found->next);
			assert_true(look.found->pidfd >= 0 && look.found->rootfs_fd >= 0);
			assert_int_equal(look.found->keep_id, rows[i].keep);
		}
		adopt_found_free(&look.found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_runtimes_shape_is_understood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reused_pid_is_never_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_task_folder_needs_its_cgroup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rubbish_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_roots_own_files_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links_and_pipes_are_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_a_contained_process_is_matched, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
