// SPDX-License-Identifier: Apache-2.0
/*
 * Real system calls of a child, seen through the kernel's programs, the ring and the decoder. Where the kernel does not let us
 * load programs, each test is skipped by name.
 */
#include "tests/unit/stream_harness.h"

static char path[128];

static void open_a_file(void)
{
	if (chdir(folder) || openat(AT_FDCWD, "./made", O_CREAT | O_RDWR | O_CLOEXEC, 0640) < 0)
		_exit(1);
	if (openat(AT_FDCWD, "/nonexistent/x", O_RDONLY) >= 0)
		_exit(2);
}

static void test_open_tells_path_base_real_and_result(void **state)
{
	(void)state;
	look_for(HF_DETECT_OPENAT, HF_DETECT_WANT_ALL);
	in_child(open_a_file);
	await(&search, 2);
	snprintf(path, sizeof(path), "%s/made", folder);
	assert_string_equal(search.seen[0].path, "./made");
	assert_string_equal(search.seen[0].base, folder);
	assert_string_equal(search.seen[0].real, path);
	assert_string_equal(search.seen[0].cwd, folder);
	assert_true(search.seen[0].head.result >= 0);
	assert_int_equal(search.seen[0].head.args[2], O_CREAT | O_RDWR | O_CLOEXEC);
	assert_int_equal(search.seen[0].head.args[3], 0640);
	assert_true(search.seen[0].has_file);
	assert_true(S_ISREG(search.seen[0].file.mode));
	assert_int_equal(search.seen[0].head.ppid, getpid());
	assert_string_equal(search.seen[1].path, "/nonexistent/x");
	assert_int_equal(search.seen[1].head.result, -ENOENT);
	assert_false(search.seen[1].has_file);
	assert_false(search.seen[1].has_base);
}

static void run_true(void)
{
	char *const argv[] = { "first", "second argument", "third", NULL };

	if (chdir("/usr/bin"))
		_exit(1);
	execv("/bin/true", argv);
	_exit(2);
}

static void test_exec_tells_program_and_arguments(void **state)
{
	(void)state;
	look_for(HF_DETECT_EXECVE, HF_DETECT_WANT_ALL);
	in_child(run_true);
	await(&search, 1);
	assert_string_equal(search.seen[0].filename, "/bin/true");
	assert_string_equal(search.seen[0].exepath, "/usr/bin/true");
	assert_string_equal(search.seen[0].cwd, "/usr/bin");
	assert_string_equal(search.seen[0].head.comm, "true");
	assert_string_equal(search.seen[0].args, "first");
	assert_int_equal(search.seen[0].args_len, sizeof("first") + sizeof("second argument") + sizeof("third"));
	assert_true(search.seen[0].file.ino > 0);
}

static void nothing(void)
{
}

static void test_fork_tells_the_child(void **state)
{
	uint32_t child;

	(void)state;
	look_for(HF_DETECT_CLONE, HF_DETECT_WANT_ALL);
	in_child(nothing);
	child = search.pid;
	search.pid = (uint32_t)getpid();
	await(&search, 1);
	assert_true(search.seen[0].has_child);
	assert_int_equal(search.seen[0].child.pid, child);
	assert_int_equal(search.seen[0].child.tid, child);
	assert_int_equal(search.seen[0].head.result, child);
}

static void rename_a_file(void)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || chdir("/tmp") || close(openat(fd, "from", O_CREAT | O_WRONLY, 0600)))
		_exit(1);
	if (renameat(fd, "from", AT_FDCWD, "hf-stream-absent/to") == 0 || renameat(fd, "from", fd, "to"))
		_exit(2);
}

static void test_rename_tells_both_paths_and_both_folders(void **state)
{
	(void)state;
	look_for(HF_DETECT_RENAMEAT, HF_DETECT_WANT_ALL);
	in_child(rename_a_file);
	await(&search, 2);
	assert_string_equal(search.seen[0].path, "from");
	assert_string_equal(search.seen[0].base, folder);
	assert_string_equal(search.seen[0].path2, "hf-stream-absent/to");
	assert_string_equal(search.seen[0].base2, "/tmp");
	assert_int_equal(search.seen[0].head.result, -ENOENT);
	assert_string_equal(search.seen[1].base2, folder);
	assert_int_equal(search.seen[1].head.result, 0);
}

static uint16_t port;

static int listener(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (void *)&to, &bytes), 0);
	port = ntohs(to.sin_port);
	return fd;
}

static void connect_there(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (void *)&to, sizeof(to)))
		_exit(1);
}

static void test_connect_tells_both_ends(void **state)
{
	const struct seen *seen = &search.seen[0];
	int fd;

	(void)state;
	look_for(HF_DETECT_CONNECT, HF_DETECT_WANT_ALL);
	fd = listener();
	in_child(connect_there);
	await(&search, 1);
	close(fd);
	assert_true(seen->has_socket && !seen->has_file);
	assert_int_equal(seen->socket.family, AF_INET);
	assert_int_equal(seen->socket.type, SOCK_STREAM);
	assert_int_equal(seen->socket.protocol, IPPROTO_TCP);
	assert_int_equal(seen->socket.peer_port, port);
	assert_true(seen->socket.local_port > 0);
	assert_memory_equal(seen->socket.peer, "\x7f\0\0\1", 4);
	assert_memory_equal(seen->socket.local, "\x7f\0\0\1", 4);
	assert_int_equal(seen->address_len, sizeof(struct sockaddr_in));
	assert_int_equal(((const struct sockaddr_in *)(const void *)seen->address)->sin_port, htons(port));
}

static void accept_one(void)
{
	int fd = listener();
	pid_t pid = fork();

	if (pid == 0) {
		connect_there();
		_exit(0);
	}
	if (accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0)
		_exit(1);
}

static void test_accept_tells_the_peer(void **state)
{
	(void)state;
	look_for(HF_DETECT_ACCEPT4, HF_DETECT_WANT_ALL);
	in_child(accept_one);
	await(&search, 1);
	assert_true(search.seen[0].has_socket);
	assert_true(search.seen[0].head.result >= 0);
	assert_true(search.seen[0].socket.peer_port > 0);
	assert_memory_equal(search.seen[0].socket.peer, "\x7f\0\0\1", 4);
}

static void send_to_a_unix_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char buf[8] = "12345678";
	struct iovec piece = { "cafebabe and more", 17 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", folder);
	if (bind(server, (void *)&to, sizeof(to)) || connect(client, (void *)&to, sizeof(to)))
		_exit(1);
	if (sendmsg(client, &message, 0) != 17 || recvfrom(server, buf, sizeof(buf), 0, NULL, NULL) != sizeof(buf))
		_exit(2);
}

static void test_received_bytes_and_unix_names_are_told(void **state)
{
	(void)state;
	look_for(HF_DETECT_RECVFROM, HF_DETECT_WANT_ALL);
	in_child(send_to_a_unix_socket);
	await(&search, 1);
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_string_equal(search.seen[0].data, "cafebabe");
	assert_string_equal(search.seen[0].unix_local, path);
	assert_int_equal(unlink(path), 0);
	look_for(HF_DETECT_SENDMSG, HF_DETECT_WANT_ALL);
	in_child(send_to_a_unix_socket);
	await(&search, 1);
	assert_string_equal(search.seen[0].data, "cafebabe and more");
	assert_string_equal(search.seen[0].unix_peer, path);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_tells_path_base_real_and_result),
		cmocka_unit_test(test_exec_tells_program_and_arguments),
		cmocka_unit_test(test_fork_tells_the_child),
		cmocka_unit_test(test_rename_tells_both_paths_and_both_folders),
		cmocka_unit_test(test_connect_tells_both_ends),
		cmocka_unit_test(test_accept_tells_the_peer),
		cmocka_unit_test(test_received_bytes_and_unix_names_are_told),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
