// SPDX-License-Identifier: Apache-2.0
/* The process tree, by events made by hand: each step of a story is one event, and then the tree is asked. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enforcer/process_tree.h"

#define START(pid) ((uint64_t)(pid) * 1000)
#define MANY 10000
#define BYTES_PER_PROCESS 1024 /* what a process with its texts may take */

static struct process_tree *tree;
static uint64_t now;
static unsigned int forgotten;

static void forget(void *user, void *data)
{
	(void)data;
	assert_non_null(user);
	forgotten++;
}

static int setup(void **state)
{
	(void)state;
	now = 1;
	forgotten = 0;
	return process_tree_new(0, forget, NULL, &tree);
}

static int teardown(void **state)
{
	(void)state;
	process_tree_free(&tree);
	process_tree_free(&tree);
	return 0;
}

static struct stream_text text(const char *s)
{
	return (struct stream_text){ s, (uint32_t)strlen(s), false };
}

static struct hf_detect_head head_of(uint32_t pid, uint32_t ppid, const char *comm)
{
	struct hf_detect_head h = { .pid = pid, .tid = pid, .ppid = ppid, .start_ns = START(pid), .parent_start_ns = START(ppid) };

	h.time_ns = now++;
	h.vpid = pid;
	snprintf(h.comm, sizeof(h.comm), "%s", comm);
	return h;
}

static struct process *apply(enum hf_detect_type type, struct hf_detect_head *h, const struct hf_detect_child *child,
			     const char *exepath, const char *args)
{
	struct stream_event event = { .head = h, .type = type, .child = child };

	if (exepath) {
		event.exepath = text(exepath);
		event.args = text(args);
	}
	return process_tree_apply(tree, &event);
}

static struct process *fork_one(uint32_t pid, uint32_t ppid, uint32_t child, uint64_t flags)
{
	struct hf_detect_child c = { .pid = child, .tid = child, .vpid = child, .start_ns = START(child) };
	struct hf_detect_head h = head_of(pid, ppid, "forker");

	h.args[0] = flags;
	return apply(HF_DETECT_CLONE, &h, &c, NULL, NULL);
}

static struct process *exec_one(uint32_t pid, uint32_t ppid, const char *path, const char *args)
{
	struct hf_detect_head h = head_of(pid, ppid, strrchr(path, '/') + 1);

	return apply(HF_DETECT_EXECVE, &h, NULL, path, args);
}

static struct process *exit_one(uint32_t pid, uint32_t ppid, uint32_t reaper)
{
	struct hf_detect_head h = head_of(pid, ppid, "gone");

	h.args[0] = reaper;
	return apply(HF_DETECT_PROCEXIT, &h, NULL, NULL, NULL);
}

static size_t count(void)
{
	struct process_tree_counts counts;

	process_tree_count(tree, &counts);
	return counts.processes;
}

static void test_child_has_its_parents_program_until_it_execs(void **state)
{
	struct process *p;
	uint32_t len;

	(void)state;
	exec_one(10, 1, "/usr/bin/bash", "bash");
	fork_one(10, 1, 11, 0);
	p = process_tree_find(tree, 11);
	assert_non_null(p);
	assert_string_equal(p->exepath->data, "/usr/bin/bash");
	assert_int_equal(p->ppid, 10);
	assert_ptr_equal(process_ancestor(p, 1), process_tree_find(tree, 10));
	exec_one(11, 10, "/usr/bin/ls", "ls");
	assert_string_equal(p->exepath->data, "/usr/bin/ls");
	assert_string_equal(p->comm, "ls");
	assert_string_equal(process_exe(p, &len), "ls");
	assert_int_equal(len, 2);
	assert_string_equal(process_tree_find(tree, 10)->exepath->data, "/usr/bin/bash");
}

static void test_orphan_goes_to_the_reaper_and_keeps_its_origin(void **state)
{
	struct process *p;

	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	exec_one(10, 1, "/usr/bin/evil", "evil");
	fork_one(10, 1, 11, 0);
	exit_one(10, 1, 1);
	assert_null(process_tree_find(tree, 10));
	exec_one(11, 1, "/bin/sh", "sh");
	p = process_tree_find(tree, 11);
	assert_int_equal(process_ancestor(p, 1)->pid, 1);
	assert_int_equal(process_origin(p, 1)->pid, 10);
	assert_string_equal(process_origin(p, 1)->exepath->data, "/usr/bin/evil");
	assert_int_equal(count(), 3);
	exit_one(11, 1, 1);
	assert_int_equal(count(), 3); /* the last one stays until the next event */
	exec_one(1, 0, "/sbin/init", "init");
	assert_int_equal(count(), 1);
}

static void test_exited_process_can_be_asked_until_the_next_event(void **state)
{
	struct process *p;

	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	exec_one(10, 1, "/bin/x", "x");
	p = exit_one(10, 1, 1);
	assert_true(p->exit_ns > 0);
	assert_int_equal(process_ancestor(p, 1)->pid, 1);
}

static void test_reused_pid_is_another_process(void **state)
{
	struct hf_detect_head h = head_of(10, 1, "new");
	struct process *p;

	(void)state;
	exec_one(10, 1, "/bin/old", "old secret");
	process_tree_find(tree, 10)->user = &h;
	h.start_ns = START(10) + 5;
	p = apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL);
	assert_null(p->exepath);
	assert_true(p->incomplete);
	assert_null(p->user);
	assert_int_equal(forgotten, 1);
	assert_int_equal(count(), 1);
}

static void test_unknown_process_is_made_from_any_event(void **state)
{
	struct hf_detect_head h = head_of(10, 1, "lost");
	struct process_tree_counts counts;

	(void)state;
	assert_string_equal(apply(HF_DETECT_CONNECT, &h, NULL, NULL, NULL)->comm, "lost");
	process_tree_count(tree, &counts);
	assert_int_equal(counts.mended, 1);
}

static void test_lost_exit_of_the_parent_is_mended_by_the_childs_next_event(void **state)
{
	struct hf_detect_head h;

	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	fork_one(10, 1, 11, 0);
	h = head_of(11, 1, "child");
	assert_int_equal(process_ancestor(apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL), 1)->pid, 1);
	assert_int_equal(process_origin(process_tree_find(tree, 11), 1)->pid, 10);
}

/* No kernel says so; a recording may. */
static void test_own_parent_does_no_harm(void **state)
{
	struct hf_detect_head h = head_of(10, 10, "ring");
	struct process *p;

	(void)state;
	h.parent_start_ns = START(10) + 1;
	exec_one(10, 1, "/bin/ring", "ring");
	p = apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL);
	assert_non_null(p);
	assert_null(process_ancestor(p, 1));
	h.parent_start_ns = h.start_ns;
	assert_null(process_ancestor(apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL), 1));
}

static void test_orphan_that_is_to_take_itself_has_no_parent(void **state)
{
	(void)state;
	fork_one(10, 1, 11, 0);
	fork_one(10, 1, 12, 0);
	exit_one(10, 1, 11);
	assert_null(process_ancestor(process_tree_find(tree, 11), 1));
	assert_int_equal(process_ancestor(process_tree_find(tree, 12), 1)->pid, 11);
}

static void test_clone_parent_makes_a_sibling(void **state)
{
	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	fork_one(1, 0, 10, 0);
	fork_one(10, 1, 11, CLONE_PARENT);
	assert_int_equal(process_ancestor(process_tree_find(tree, 11), 1)->pid, 1);
	assert_int_equal(process_origin(process_tree_find(tree, 11), 1)->pid, 10);
}

static void test_threads_name_is_not_the_processs(void **state)
{
	struct hf_detect_head h = head_of(10, 1, "worker-3");

	(void)state;
	exec_one(10, 1, "/usr/bin/java", "java");
	h.tid = 12;
	assert_string_equal(apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL)->comm, "java");
}

static void test_failed_exec_changes_nothing(void **state)
{
	struct hf_detect_head h = head_of(10, 1, "bash");

	(void)state;
	exec_one(10, 1, "/usr/bin/bash", "bash");
	h.result = -ENOENT;
	assert_string_equal(apply(HF_DETECT_EXECVE, &h, NULL, NULL, NULL)->exepath->data, "/usr/bin/bash");
}

static void test_daemonizing_for_ever_takes_no_memory(void **state)
{
	uint32_t pid = 100;

	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	exec_one(pid, 1, "/bin/worm", "worm");
	for (int i = 0; i < MANY; i++, pid++) {
		fork_one(pid, 1, pid + 1, 0);
		exit_one(pid, 1, 1);
	}
	assert_in_range(count(), 1, PROCESS_ANCESTORS_MAX + 4);
	assert_string_equal(process_origin(process_tree_find(tree, pid), 5)->exepath->data, "/bin/worm");
}

static void test_full_tree_counts_what_it_refuses(void **state)
{
	struct process_tree_counts counts;
	struct process_tree *small;
	struct process_tree *kept = tree;

	(void)state;
	assert_int_equal(process_tree_new(2, NULL, NULL, &small), 0);
	tree = small;
	exec_one(1, 0, "/sbin/init", "init");
	fork_one(1, 0, 2, 0);
	fork_one(1, 0, 3, 0);
	assert_null(process_tree_find(tree, 3));
	process_tree_count(small, &counts);
	assert_int_equal(counts.refused, 1);
	process_tree_free(&small);
	tree = kept;
}

static void test_ten_thousand_processes_take_little_memory(void **state)
{
	struct process_tree_counts counts;

	(void)state;
	exec_one(1, 0, "/sbin/init", "init");
	for (uint32_t i = 0; i < MANY; i++) {
		char args[128];

		snprintf(args, sizeof(args), "worker --number %u --config /etc/worker/config.yaml --verbose", i);
		fork_one(1, 0, 10 + i, 0);
		exec_one(10 + i, 1, "/usr/local/bin/worker", args);
	}
	process_tree_count(tree, &counts);
	assert_int_equal(counts.processes, MANY + 1);
	print_message("%zu bytes a process\n", counts.bytes / counts.processes);
	assert_in_range(counts.bytes / counts.processes, 1, BYTES_PER_PROCESS);
	for (uint32_t i = 0; i < MANY; i++)
		exit_one(10 + i, 1, 1);
	exec_one(1, 0, "/sbin/init", "init");
	assert_int_equal(count(), 1);
	process_tree_count(tree, &counts);
	assert_int_equal(counts.exited, 0);
}

static void test_added_processes_are_tied_and_told_from_events(void **state)
{
	struct process init = { .pid = 1, .start_ns = 10000000, .from_proc = true, .comm = "init" };
	struct process sh = { .pid = 5, .ppid = 1, .start_ns = 120000000, .from_proc = true, .comm = "sh" };
	struct hf_detect_head h = head_of(5, 1, "sh");

	(void)state;
	sh.exepath = process_text_new("/bin/sh", 7, false);
	assert_int_equal(process_tree_add(tree, &sh), 0);
	assert_int_equal(process_tree_add(tree, &init), 0);
	assert_int_equal(process_tree_add(tree, &sh), -EEXIST);
	process_text_unref(&sh.exepath);
	process_tree_tie(tree);
	h.start_ns = 120000000 + 4321; /* /proc rounds down */
	h.parent_start_ns = 10000000;
	assert_string_equal(apply(HF_DETECT_OPENAT, &h, NULL, NULL, NULL)->exepath->data, "/bin/sh");
	assert_int_equal(process_ancestor(process_tree_find(tree, 5), 1)->pid, 1);
	assert_int_equal(count(), 2);
}

static void test_scan_finds_this_process_and_its_child(void **state)
{
	static const char name[] = "sh) 1 (x";
	const struct process *p;
	int to[2], back[2];
	char byte = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(back), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name); /* what would end a name in /proc/PID/stat */
		if (write(back[1], &byte, 1) == 1)
			_exit(read(to[0], &byte, 1) == 1 ? 0 : 1);
		_exit(2);
	}
	assert_int_equal(read(back[0], &byte, 1), 1);
	assert_true(process_scan(tree, 1000) > 1);
	p = process_tree_find(tree, (uint32_t)child);
	assert_non_null(p);
	assert_string_equal(p->comm, name);
	assert_ptr_equal(process_ancestor(p, 1), process_tree_find(tree, (uint32_t)getpid()));
	assert_non_null(p->args);
	assert_non_null(p->cwd);
	assert_non_null(strstr(p->exepath->data, "test_process_tree"));
	assert_int_equal(p->euid, geteuid());
	assert_true(p->start_ns > 0 && p->from_proc && p->host);
	assert_true(process_scan(tree, 1000) >= 0); /* who is there already stays as it is */
	assert_ptr_equal(process_tree_find(tree, (uint32_t)child), p);
	assert_int_equal(write(to[1], &byte, 1), 1);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_child_has_its_parents_program_until_it_execs),
		TEST(test_orphan_goes_to_the_reaper_and_keeps_its_origin),
		TEST(test_exited_process_can_be_asked_until_the_next_event),
		TEST(test_reused_pid_is_another_process),
		TEST(test_unknown_process_is_made_from_any_event),
		TEST(test_lost_exit_of_the_parent_is_mended_by_the_childs_next_event),
		TEST(test_own_parent_does_no_harm),
		TEST(test_orphan_that_is_to_take_itself_has_no_parent),
		TEST(test_clone_parent_makes_a_sibling),
		TEST(test_threads_name_is_not_the_processs),
		TEST(test_failed_exec_changes_nothing),
		TEST(test_daemonizing_for_ever_takes_no_memory),
		TEST(test_full_tree_counts_what_it_refuses),
		TEST(test_ten_thousand_processes_take_little_memory),
		TEST(test_scan_finds_this_process_and_its_child),
		TEST(test_added_processes_are_tied_and_told_from_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
