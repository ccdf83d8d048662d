// SPDX-License-Identifier: Apache-2.0
/* Framing over a socket pair: what a well-meaning peer sends, and what a broken or hostile one can send. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "enforcer/util.h"
#include "enforcer/wire.h"

#define PAYLOAD_MAX (WIRE_MAX_BYTES - sizeof(struct wire_header))

struct pair {
	int a, b;
	struct wire_message message;
};

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int fds[2];

	assert_non_null(pair);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pair->a = fds[0];
	pair->b = fds[1];
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;

	close_fd(&pair->a);
	close_fd(&pair->b);
	free(pair);
	return 0;
}

static size_t count_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A packet as no honest peer sends it. */
static void send_raw(int sock, const void *bytes, size_t n, const int *fds, size_t n_fds)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = { 0 };
	struct iovec iov = { (void *)bytes, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), (ssize_t)n);
}

static void test_send_arrives_unchanged(void **state)
{
	static const char payload[] = "{\"a\":\"\\u0000 \xc3\xa9\"}";
	struct pair *p = *state;

	assert_int_equal(wire_send(p->a, WIRE_STATUS, -13, WIRE_MORE, payload, strlen(payload), NULL, 0), 0);
	assert_int_equal(wire_receive(p->b, &p->message), 0);
	assert_int_equal(p->message.header.magic, WIRE_MAGIC);
	assert_int_equal(p->message.header.version, WIRE_VERSION);
	assert_int_equal(p->message.header.type, WIRE_STATUS);
	assert_int_equal(p->message.header.flags, WIRE_MORE);
	assert_int_equal(p->message.header.status, -13);
	assert_int_equal(p->message.header.bytes, strlen(payload));
	assert_string_equal(p->message.payload, payload);
	assert_int_equal(p->message.n_fds, 0);
}

static void test_send_empty_payload_arrives(void **state)
{
	struct pair *p = *state;

	memset(p->message.payload, 'x', sizeof(p->message.payload));
	assert_int_equal(wire_send(p->a, WIRE_REPLY, 0, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(wire_receive(p->b, &p->message), 0);
	assert_string_equal(p->message.payload, "");
}

static void test_send_descriptors_arrive_in_order_and_cloexec(void **state)
{
	struct pair *p = *state;
	int fds[] = { open("/dev/null", O_RDONLY | O_CLOEXEC), open("/", O_PATH | O_CLOEXEC),
		      open("/dev/zero", O_RDONLY | O_CLOEXEC) };
	size_t before = count_open_fds();

	assert_int_equal(wire_send(p->a, WIRE_HOOK_ARM, 0, 0, "{}", 2, fds, 3), 0);
	assert_int_equal(wire_receive(p->b, &p->message), 0);
	assert_int_equal(p->message.n_fds, 3);
	for (size_t i = 0; i < 3; i++) {
		struct stat sent, got;

		assert_int_equal(fstat(fds[i], &sent), 0);
		assert_int_equal(fstat(p->message.fds[i], &got), 0);
		assert_int_equal(sent.st_ino, got.st_ino);
		assert_int_equal(sent.st_dev, got.st_dev);
		assert_true(fcntl(p->message.fds[i], F_GETFD) & FD_CLOEXEC);
		close_fd(&fds[i]);
	}
	wire_message_release(&p->message);
	wire_message_release(&p->message);
	assert_int_equal(count_open_fds(), before - 3);
}

static void test_release_leaves_taken_descriptors_open(void **state)
{
	struct pair *p = *state;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), taken;

	assert_int_equal(wire_send(p->a, WIRE_HOOK_ARM, 0, 0, "{}", 2, &null, 1), 0);
	assert_int_equal(wire_receive(p->b, &p->message), 0);
	taken = TAKE_FD(p->message.fds[0]);
	wire_message_release(&p->message);
	assert_true(fcntl(taken, F_GETFD) >= 0);
	close_fd(&taken);
	close_fd(&null);
}

static void test_send_too_much_is_refused(void **state)
{
	struct pair *p = *state;
	char *big = calloc(1, WIRE_MAX_BYTES);
	int fds[WIRE_MAX_FDS + 1] = { 0 };

	memset(big, ' ', WIRE_MAX_BYTES);
	assert_int_equal(wire_send(p->a, WIRE_REPLY, 0, 0, big, PAYLOAD_MAX + 1, NULL, 0), -EMSGSIZE);
	assert_int_equal(wire_send(p->a, WIRE_REPLY, 0, 0, "", 0, fds, WIRE_MAX_FDS + 1), -EINVAL);
	/* Twin: the largest that is allowed. */
	assert_int_equal(wire_send(p->a, WIRE_REPLY, 0, 0, big, PAYLOAD_MAX, NULL, 0), 0);
	assert_int_equal(wire_receive(p->b, &p->message), 0);
	assert_int_equal(p->message.header.bytes, PAYLOAD_MAX);
	assert_int_equal(strlen(p->message.payload), PAYLOAD_MAX);
	free(big);
}

/* Packets that must be refused; the descriptor that travels with each must not stay open. */
static const struct {
	const char *name;
	struct wire_header header;
	size_t payload; /* bytes behind the header */
	size_t cut;	/* send only so many bytes of it all; 0: everything */
	size_t fds;
	int expect;
} packets[] = {
	{ "well formed", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 4 }, 4, 0, 1, 0 },
	{ "unknown type", { WIRE_MAGIC, WIRE_VERSION, 999, 0, 0, 4 }, 4, 0, 1, 0 },
	{ "wrong magic", { 0x12345678, WIRE_VERSION, WIRE_STATUS, 0, 0, 4 }, 4, 0, 1, -EPROTO },
	{ "older version", { WIRE_MAGIC, 0, WIRE_STATUS, 0, 0, 4 }, 4, 0, 1, -EPROTONOSUPPORT },
	{ "newer version", { WIRE_MAGIC, 77, WIRE_STATUS, 0, 0, 4 }, 4, 0, 1, -EPROTONOSUPPORT },
	{ "newer version, other length", { WIRE_MAGIC, 77, WIRE_STATUS, 0, 0, 9 }, 4, 0, 1, -EPROTONOSUPPORT },
	{ "length too small", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 3 }, 4, 0, 1, -EPROTO },
	{ "length too large", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 5 }, 4, 0, 1, -EPROTO },
	{ "length of all bits", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, UINT32_MAX }, 4, 0, 1, -EPROTO },
	{ "length that wraps", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, (uint32_t)-16 }, 4, 0, 1, -EPROTO },
	{ "half a header", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 0 }, 0, 10, 1, -EPROTO },
	{ "one byte", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 0 }, 0, 1, 1, -EPROTO },
	{ "oversize", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, WIRE_MAX_BYTES }, WIRE_MAX_BYTES, 0, 1, -EPROTO },
	{ "one byte too many", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, PAYLOAD_MAX }, PAYLOAD_MAX + 1, 0, 1,
	  -EPROTO },
	{ "as many descriptors as allowed", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 4 }, 4, 0, 3, 0 },
	{ "one descriptor too many", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 4 }, 4, 0, 4, -EPROTO },
	{ "descriptors cut off (MSG_CTRUNC)", { WIRE_MAGIC, WIRE_VERSION, WIRE_STATUS, 0, 0, 4 }, 4, 0, 12, -EPROTO },
};

static void test_receive_judges_packets_and_leaks_nothing(void **state)
{
	struct pair *p = *state;
	char *bytes = calloc(1, sizeof(struct wire_header) + 2 * WIRE_MAX_BYTES);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[16];
	size_t before;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = null;
	before = count_open_fds();
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		size_t n = sizeof(struct wire_header) + packets[i].payload;

		memcpy(bytes, &packets[i].header, sizeof(struct wire_header));
		send_raw(p->a, bytes, packets[i].cut ? packets[i].cut : n, fds, packets[i].fds);
		if (wire_receive(p->b, &p->message) != packets[i].expect)
			fail_msg("%s", packets[i].name);
		if (packets[i].expect == -EPROTONOSUPPORT)
			assert_int_equal(p->message.header.version, packets[i].header.version);
		assert_int_equal(p->message.n_fds, packets[i].expect == 0 ? packets[i].fds : 0);
		wire_message_release(&p->message);
		if (count_open_fds() != before)
			fail_msg("%s: a descriptor leaked", packets[i].name);
	}
	close_fd(&null);
	free(bytes);
}

static void test_receive_end_of_stream_is_enotconn(void **state)
{
	struct pair *p = *state;

	close_fd(&p->a);
	assert_int_equal(wire_receive(p->b, &p->message), -ENOTCONN);
}

static void test_send_to_closed_peer_is_epipe_without_signal(void **state)
{
	struct pair *p = *state;

	close_fd(&p->b);
	assert_int_equal(wire_send(p->a, WIRE_STATUS, 0, 0, "{}", 2, NULL, 0), -EPIPE);
}

static void test_receive_gets_what_a_closing_peer_sent(void **state)
{
	struct pair *p = *state;

	assert_int_equal(wire_send(p->a, WIRE_STATUS, 0, 0, "unread", 6, NULL, 0), 0);
	assert_int_equal(wire_send(p->b, WIRE_REPLY, -16, 0, "{}", 2, NULL, 0), 0);
	close_fd(&p->b);
	assert_int_equal(wire_receive(p->a, &p->message), 0);
	assert_int_equal(p->message.header.status, -16);
	assert_int_equal(wire_receive(p->a, &p->message), -ENOTCONN);
}

static void test_receive_silent_peer_is_eagain(void **state)
{
	struct pair *p = *state;
	struct timeval limit = { .tv_usec = 20000 };

	assert_int_equal(setsockopt(p->b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(wire_receive(p->b, &p->message), -EAGAIN);
}

static void test_send_slow_peer_is_eagain(void **state)
{
	struct pair *p = *state;
	char *big = calloc(1, WIRE_MAX_BYTES);
	int r = 0;

	assert_int_equal(fcntl(p->a, F_SETFL, O_NONBLOCK), 0);
	for (size_t i = 0; i < 10000 && r == 0; i++)
		r = wire_send(p->a, WIRE_EVENT, 0, 0, big, PAYLOAD_MAX, NULL, 0);
	assert_int_equal(r, -EAGAIN);
	free(big);
}

struct reader {
	int sock;
	char *all;
	size_t bytes, packets;
	int result;
};

static void *read_answer(void *data)
{
	struct reader *reader = data;
	struct wire_message *m = malloc(sizeof(*m));

	do {
		reader->result = wire_receive(reader->sock, m);
		if (reader->result < 0)
			break;
		memcpy(reader->all + reader->bytes, m->payload, m->header.bytes);
		reader->bytes += m->header.bytes;
		reader->packets++;
	} while (m->header.flags & WIRE_MORE);
	free(m);
	return NULL;
}

static void test_send_long_arrives_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, 2 * PAYLOAD_MAX, 1000000 };
	struct pair *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct reader reader = { .sock = p->b, .all = malloc(sizes[i] + PAYLOAD_MAX) };
		char *text = malloc(sizes[i] + 1);
		pthread_t thread;

		for (size_t k = 0; k < sizes[i]; k++)
			text[k] = (char)('a' + k % 23);
		assert_int_equal(pthread_create(&thread, NULL, read_answer, &reader), 0);
		assert_int_equal(wire_send_long(p->a, WIRE_REPLY, 0, text, sizes[i]), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(reader.result, 0);
		assert_int_equal(reader.bytes, sizes[i]);
		assert_int_equal(reader.packets, sizes[i] ? (sizes[i] - 1) / PAYLOAD_MAX + 1 : 1);
		assert_memory_equal(reader.all, text, sizes[i]);
		free(text);
		free(reader.all);
	}
}

static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(sock, backlog), 0);
	return sock;
}

static void test_connect_reaches_listener_or_says_why(void **state)
{
	char dir[] = "/tmp/holdfast-wire-XXXXXX", path[64], long_path[200];
	int server, sock, filler;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(wire_connect(path, 100), -ENOENT);
	assert_int_equal(wire_connect(long_path, 100), -ENAMETOOLONG);
	assert_int_equal(wire_connect("", 100), -EINVAL);
	assert_int_equal(wire_connect(path, -1), -EINVAL);
	server = listen_at(path, 0);
	sock = wire_connect(path, 100);
	assert_true(sock >= 0);
	assert_true(fcntl(sock, F_GETFD) & FD_CLOEXEC);
	/* Nobody accepts: the second one waits in vain, but not for ever. */
	filler = wire_connect(path, 50);
	assert_int_equal(filler, -ETIMEDOUT);
	close_fd(&sock);
	close_fd(&server);
	assert_int_equal(wire_connect(path, 100), -ECONNREFUSED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_send_arrives_unchanged),
		PAIR_TEST(test_send_empty_payload_arrives),
		PAIR_TEST(test_send_descriptors_arrive_in_order_and_cloexec),
		PAIR_TEST(test_release_leaves_taken_descriptors_open),
		PAIR_TEST(test_send_too_much_is_refused),
		PAIR_TEST(test_receive_judges_packets_and_leaks_nothing),
		PAIR_TEST(test_receive_end_of_stream_is_enotconn),
		PAIR_TEST(test_send_to_closed_peer_is_epipe_without_signal),
		PAIR_TEST(test_receive_gets_what_a_closing_peer_sent),
		PAIR_TEST(test_receive_silent_peer_is_eagain),
		PAIR_TEST(test_send_slow_peer_is_eagain),
		PAIR_TEST(test_send_long_arrives_whole),
		cmocka_unit_test(test_connect_reaches_listener_or_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
