// SPDX-License-Identifier: Apache-2.0
/*
 * Every allocation of the daemon's services fails once: constructors answer -ENOMEM, leave their output alone and leak
 * nothing (LeakSanitizer looks); appending an event never fails, and what could not be kept is only missing in memory.
 *
 * This program brings its own copy of the services with wrappers in place of the allocator; the linker then takes none
 * of them from the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/util.h"
#include "tests/unit/failing_alloc.h"

#define SWEEP_MAX 1000 /* far above what one set-up allocates */

#define malloc failing_malloc
#define calloc failing_calloc
#define realloc failing_realloc
#undef strdup
#undef strndup
#define strdup failing_strdup
#define strndup failing_strndup
#include "enforcer/json.c"
#include "enforcer/loop.c"
#include "enforcer/event_sink.c"
#include "enforcer/event_log.c"
#include "enforcer/server_socket.c"
#include "enforcer/server_client.c"
#include "enforcer/server.c"
#include "enforcer/hook_server.c"
#undef IDLE_NS
#include "enforcer/control.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef strndup

struct services {
	struct loop *loop;
	struct event_log *log;
	struct control *control;
	struct hook_server *hook;
};

static char folder[] = "/tmp/hf-alloc-XXXXXX";

static void arm(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd)
{
	(void)daemon, (void)client, (void)pidfd, (void)rootfs_fd, (void)config_fd;
	free(state_json);
}

static int start(struct services *s)
{
	char file[64];
	struct event_log_options options = { .stdout_fd = STDERR_FILENO, .file = file };
	struct control_ops ops = { 0 };
	int err = loop_new(&s->loop);

	snprintf(file, sizeof(file), "%s/events", folder);
	if (err == 0)
		err = event_log_new(s->loop, &options, &s->log);
	if (err == 0)
		err = control_new(s->loop, s->log, folder, &ops, &s->control);
	return err < 0 ? err : hook_server_new(s->loop, NULL, folder, arm, &s->hook);
}

static void stop(struct services *s)
{
	hook_server_free(&s->hook);
	control_free(&s->control);
	event_log_free(&s->log);
	loop_free(&s->loop);
}

static void test_each_failed_allocation_is_an_error(void **state)
{
	size_t failed = 0;

	(void)state;
	for (fail_at = 1; fail_at < SWEEP_MAX; fail_at++) {
		struct services s = { 0 };
		int err;

		allocations = 0;
		err = start(&s);
		if (allocations < fail_at) {
			assert_int_equal(err, 0);
			stop(&s);
			break;
		}
		assert_int_equal(err, -ENOMEM);
		assert_null(s.hook);
		stop(&s);
		failed++;
	}
	assert_in_range(failed, 10, SWEEP_MAX - 2);
	fail_at = 0;
}

static void test_events_are_written_without_memory_for_them(void **state)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64], text[256] = "";
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/events", folder);
	for (size_t i = 1; i < 20; i++) {
		struct event_log_options options = { .stdout_fd = -1, .file = path };
		struct services s = { 0 };

		unlink(path);
		fail_at = 0;
		assert_int_equal(loop_new(&s.loop), 0);
		assert_int_equal(event_log_new(s.loop, &options, &s.log), 0);
		allocations = 0;
		fail_at = i;
		event_log_append(s.log, "{\"i\":1}", 7);
		fail_at = 0;
		event_log_append(s.log, "{\"i\":2}", 7);
		stop(&s);
		file = fopen(path, "re");
		n = fread(text, 1, sizeof(text) - 1, file);
		text[n] = '\0';
		close_file(&file);
		assert_non_null(strstr(text, "{\"i\":2}\n"));
		assert_true(strstr(text, "{\"i\":1}\n") || strstr(text, "\"type\":\"lost\",\"count\":1"));
	}
}

static int make_folder(void **state)
{
	(void)state;
	log_set_level(LOG_EMERG);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/events", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_failed_allocation_is_an_error),
		cmocka_unit_test(test_events_are_written_without_memory_for_them),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
