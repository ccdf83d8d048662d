// SPDX-License-Identifier: Apache-2.0
/* The socket's name in the file system, its mode, names that are taken, and who may connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "enforcer/server_socket.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"

#define CONNECT_MS 5000

struct fixture {
	char folder[32];
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->folder, "/tmp/hf-socket-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/test.sock", f->folder);
	f->fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_fd(&f->fd);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void listen_here(struct fixture *f)
{
	f->fd = server_socket_listen(f->path);
	assert_true(f->fd >= 0);
}

static void test_socket_is_private_and_removed(void **state)
{
	struct fixture *f = *state;
	mode_t mask = umask(0);
	struct stat st;

	listen_here(f);
	assert_int_equal(umask(mask), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(fcntl(f->fd, F_GETFD), FD_CLOEXEC);
	server_socket_remove(f->path);
	assert_int_equal(stat(f->path, &st), -1);
	server_socket_remove(f->path);
}

static void test_socket_in_use_is_respected(void **state)
{
	struct fixture *f = *state;

	listen_here(f);
	assert_int_equal(server_socket_listen(f->path), -EADDRINUSE);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	_cleanup_(close_fd) int sock = -1;

	listen_here(f);
	close_fd(&f->fd);
	listen_here(f);
	sock = wire_connect(f->path, CONNECT_MS);
	assert_true(sock >= 0);
}

static void test_other_things_of_that_name_stay(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	struct stat st;

	close_fd(&fd);
	assert_int_equal(server_socket_listen(f->path), -EEXIST);
	server_socket_remove(f->path);
	assert_int_equal(stat(f->path, &st), 0);
}

static void test_bad_names_are_refused(void **state)
{
	char long_name[200];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	long_name[0] = '/';
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(server_socket_listen(""), -EINVAL);
	assert_int_equal(server_socket_listen("no-folder"), -EINVAL);
	assert_int_equal(server_socket_listen(long_name), -ENAMETOOLONG);
	assert_int_equal(server_socket_listen("/nonexistent-folder/below/test.sock"), -ENOENT);
}

static void test_folder_must_be_ours_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	chmod(f->folder, 0777);
	assert_int_equal(server_socket_listen(f->path), -EPERM);
	chmod(f->folder, 0755);
	assert_int_equal(chown(f->folder, 65534, 65534), 0);
	assert_int_equal(server_socket_listen(f->path), -EPERM);
	assert_int_equal(chown(f->folder, 0, 0), 0);
	assert_int_equal(rmdir(f->folder), 0);
	assert_int_equal(symlink("/tmp", f->folder), 0);
	assert_int_equal(server_socket_listen(f->path), -ENOTDIR);
	assert_int_equal(unlink(f->folder), 0);
	listen_here(f);
	assert_int_equal(stat(f->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* Connects as another user; true when the connection came about. */
static bool connect_as(struct fixture *f, uid_t uid)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int sock = setuid(uid) == 0 ? wire_connect(f->path, CONNECT_MS) : -1;

		_exit(sock >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Even if somebody opens up the file's mode, credentials decide. */
static void test_only_root_and_the_owner_are_trusted(void **state)
{
	static const struct {
		uid_t peer, self;
		bool trusted;
	} cases[] = { { 0, 0, true }, { 65534, 0, false }, { 1000, 0, false }, { 0, 65534, true }, { 65534, 65534, true },
		      { 1000, 65534, false } };
	struct fixture *f = *state;

	listen_here(f);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(chmod(f->folder, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(close_fd) int fd = -1;
		uid_t uid;

		assert_true(connect_as(f, cases[i].peer));
		fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(seteuid(cases[i].self), 0);
		assert_int_equal(server_socket_is_trusted(fd, &uid), cases[i].trusted);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(uid, cases[i].peer);
	}
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_false(connect_as(f, 65534));
}

static void test_descriptor_that_is_no_socket_is_not_trusted(void **state)
{
	uid_t uid;

	(void)state;
	assert_false(server_socket_is_trusted(STDIN_FILENO, &uid));
	assert_int_equal(uid, (uid_t)-1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_socket_is_private_and_removed),
		TEST(test_socket_in_use_is_respected),
		TEST(test_stale_socket_is_replaced),
		TEST(test_other_things_of_that_name_stay),
		TEST(test_bad_names_are_refused),
		TEST(test_folder_must_be_ours_alone),
		TEST(test_only_root_and_the_owner_are_trusted),
		TEST(test_descriptor_that_is_no_socket_is_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
