// SPDX-License-Identifier: Apache-2.0
/* Digests for events: each question is answered once, by what the file was when it was asked about. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enforcer/digests.h"
#include "enforcer/loop.h"
#include "enforcer/util.h"
#include "enforcer/workers.h"

#define LIMIT_NS (30 * NSEC_PER_SEC)

struct fixture {
	char file[32];
	struct loop *loop;
	struct loop_source *limit;
	struct workers *workers;
	struct digests *digests;
	unsigned int answered, wanted;
	int err;
	struct imagedb_digest digest;
};

static void give_up(uint32_t events, void *data)
{
	struct fixture *f = data;

	(void)events;
	loop_quit(f->loop, -ETIMEDOUT);
}

static void start(struct fixture *f)
{
	struct workers_options options = { 0 };
	char why[WORKERS_ERROR_BYTES] = "";
	int fd;

	snprintf(f->file, sizeof(f->file), "/tmp/hf-digests-XXXXXX");
	fd = mkstemp(f->file);
	assert_true(fd >= 0 && write(fd, "abc", 3) == 3);
	close(fd);
	assert_int_equal(workers_new(&options, &f->workers, why), 0);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(loop_timer(f->loop, LIMIT_NS, 0, give_up, f, &f->limit), 0);
	assert_int_equal(digests_new(NULL, f->workers, f->loop, &f->digests), 0);
}

static void stop(struct fixture *f)
{
	digests_free(&f->digests);
	loop_unwatch(&f->limit);
	loop_free(&f->loop);
	workers_free(&f->workers);
	unlink(f->file);
}

static void take(int err, const struct imagedb_digest *digest, void *data)
{
	struct fixture *f = data;

	assert_int_equal(digest == NULL, err != 0);
	f->err = err;
	if (digest)
		f->digest = *digest;
	if (++f->answered == f->wanted)
		loop_quit(f->loop, 0);
}

static struct digest_request describe(struct fixture *f)
{
	struct stat st;

	assert_int_equal(stat(f->file, &st), 0);
	return (struct digest_request){
		.pid = getpid(), .init = getpid(), .path = f->file, .path_len = strlen(f->file), .ino = st.st_ino, .dev = 7,
		.size = (uint64_t)st.st_size,
		.ctime_ns = (uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec,
	};
}

static int ask(struct fixture *f, const struct digest_request *request)
{
	struct imagedb_digest digest;

	f->wanted++;
	return digests_of_file(f->digests, request, take, f, &digest);
}

static void await(struct fixture *f)
{
	assert_int_equal(f->answered < f->wanted ? loop_run(f->loop) : 0, 0);
}

static void assert_is_abc(const struct imagedb_digest *digest)
{
	char hex[65];

	imagedb_hex(digest->sha256, sizeof(digest->sha256), hex, sizeof(hex));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_digest_is_computed_once(void **state)
{
	struct fixture f = { 0 };
	struct digest_request request;
	struct imagedb_digest digest;

	(void)state;
	start(&f);
	request = describe(&f);
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	assert_int_equal(f.answered, 0);
	await(&f);
	assert_int_equal(f.err, 0);
	assert_is_abc(&f.digest);
	request.pid = -1; /* remembered: nobody looks */
	assert_int_equal(digests_of_file(f.digests, &request, take, &f, &digest), 0);
	assert_is_abc(&digest);
	request.generation++;
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	await(&f);
	assert_int_equal(f.err, 0);
	stop(&f);
}

static void test_other_states_get_no_digest(void **state)
{
	struct fixture f = { 0 };
	struct digest_request request;

	(void)state;
	start(&f);
	request = describe(&f);
	request.ctime_ns++;
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	await(&f);
	assert_int_equal(f.err, -ESTALE);
	unlink(f.file);
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	await(&f);
	assert_int_equal(f.err, -ENOENT);
	request.path_len = 0;
	assert_int_equal(digests_of_file(f.digests, &request, take, &f, &f.digest), -ENOENT);
	request.size = UINT64_MAX;
	request.path_len = 1;
	assert_int_equal(digests_of_file(f.digests, &request, take, &f, &f.digest), -EFBIG);
	assert_int_equal(digests_of_file(NULL, &request, take, &f, &f.digest), -EOPNOTSUPP);
	stop(&f);
}

static void test_process_that_has_gone_leaves_the_containers_root(void **state)
{
	struct fixture f = { 0 };
	struct digest_request request;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	start(&f);
	request = describe(&f);
	request.pid = pid;
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	await(&f);
	assert_int_equal(f.err, 0);
	stop(&f);
}

static void test_storm_is_bounded_and_a_stop_answers_all(void **state)
{
	struct fixture f = { 0 };
	struct digest_request request;
	unsigned int accepted = 0;
	int err;

	(void)state;
	start(&f);
	request = describe(&f);
	for (unsigned int i = 0; i <= DIGESTS_WAITING_MAX; i++) {
		request.generation = i; /* nothing is delivered while the loop does not run */
		err = digests_of_file(f.digests, &request, take, &f, &f.digest);
		accepted += err == -EINPROGRESS;
	}
	assert_int_equal(err, -EBUSY);
	assert_int_equal(accepted, DIGESTS_WAITING_MAX);
	f.wanted = UINT32_MAX;
	digests_cancel(f.digests);
	assert_int_equal(f.answered, accepted);
	request.generation = UINT32_MAX;
	assert_int_equal(digests_of_file(f.digests, &request, take, &f, &f.digest), -EOPNOTSUPP);
	stop(&f);
}

static void test_without_children_there_are_no_digests(void **state)
{
	struct fixture f = { 0 };
	struct digest_request request;

	(void)state;
	start(&f);
	request = describe(&f);
	kill(workers_pid(f.workers), SIGKILL);
	assert_int_equal(ask(&f, &request), -EINPROGRESS);
	await(&f);
	assert_int_equal(f.err, -EPIPE);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_is_computed_once),
		cmocka_unit_test(test_other_states_get_no_digest),
		cmocka_unit_test(test_process_that_has_gone_leaves_the_containers_root),
		cmocka_unit_test(test_storm_is_bounded_and_a_stop_answers_all),
		cmocka_unit_test(test_without_children_there_are_no_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
