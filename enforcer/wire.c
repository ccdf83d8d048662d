// SPDX-License-Identifier: Apache-2.0
/*
 * Framing of the two sockets: one packet is one message.
 *
 * Owns: sendmsg, recvmsg, connect, and every descriptor between arrival and hand-over. Must not know: payloads.
 * Linked into the daemon, the CLI and the static hook, so: libc only.
 *
 * I1: a received descriptor is either in the message that wire_receive returned 0 for, or closed.
 * I2: nothing of a packet is believed before magic, version and lengths have been checked.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "enforcer/util.h"
#include "enforcer/wire.h"

#define PAYLOAD_MAX (WIRE_MAX_BYTES - sizeof(struct wire_header))

_Static_assert(sizeof(struct wire_header) == 20, "both ends must agree on the header");

union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * WIRE_MAX_FDS)];
};

static void attach_fds(struct msghdr *msg, union fd_control *control, const int *fds, size_t n_fds)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
}

int wire_send(int sock, enum wire_type type, int status, uint32_t flags, const char *payload, size_t bytes,
	      const int *fds, size_t n_fds)
{
	struct wire_header header = {
		.magic = WIRE_MAGIC, .version = WIRE_VERSION, .type = (uint16_t)type, .flags = flags, .status = status,
	};
	struct iovec iov[] = { { &header, sizeof(header) }, { (char *)payload, bytes } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	union fd_control control;
	ssize_t n;

	if (bytes > PAYLOAD_MAX)
		return -EMSGSIZE;
	if (n_fds > WIRE_MAX_FDS)
		return -EINVAL;
	header.bytes = (uint32_t)bytes;
	if (n_fds > 0)
		attach_fds(&msg, &control, fds, n_fds);
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int wire_send_long(int sock, enum wire_type type, int status, const char *payload, size_t bytes)
{
	while (bytes > PAYLOAD_MAX) {
		int r = wire_send(sock, type, status, WIRE_MORE, payload, PAYLOAD_MAX, NULL, 0);

		if (r < 0)
			return r;
		payload += PAYLOAD_MAX;
		bytes -= PAYLOAD_MAX;
	}
	return wire_send(sock, type, status, 0, payload, bytes, NULL, 0);
}

/* Moves the descriptors of one control message into the message; those beyond its room are closed and counted. */
static size_t take_fds(struct cmsghdr *cmsg, struct wire_message *message)
{
	size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int), surplus = 0;

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
		if (message->n_fds < WIRE_MAX_FDS) {
			message->fds[message->n_fds++] = fd;
		} else {
			close_fd(&fd);
			surplus++;
		}
	}
	return surplus;
}

/* Takes over whatever descriptors came (I1), before anything is judged. -EPROTO: more came than a message may carry. */
static int collect_fds(struct msghdr *msg, struct wire_message *message)
{
	size_t surplus = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
			surplus += take_fds(cmsg, message);
	return surplus > 0 || (msg->msg_flags & MSG_CTRUNC) ? -EPROTO : 0;
}

static int check_packet(const struct msghdr *msg, size_t bytes, const struct wire_header *header)
{
	if (bytes == 0)
		return -ENOTCONN;
	if (bytes < sizeof(*header) || (msg->msg_flags & MSG_TRUNC) || header->magic != WIRE_MAGIC)
		return -EPROTO;
	if (header->version != WIRE_VERSION)
		return -EPROTONOSUPPORT;
	return header->bytes == bytes - sizeof(*header) ? 0 : -EPROTO;
}

/* A peer that closes before it has read everything raises ECONNRESET, once, in front of what it had sent (a refusal). */
static ssize_t receive_packet(int sock, struct msghdr *msg)
{
	bool was_reset = false;

	for (;;) {
		ssize_t n = recvmsg(sock, msg, MSG_CMSG_CLOEXEC);

		if (n >= 0 || (errno != EINTR && (errno != ECONNRESET || was_reset)))
			return n;
		was_reset = was_reset || errno == ECONNRESET;
	}
}

int wire_receive(int sock, struct wire_message *ret)
{
	struct iovec iov[] = { { &ret->header, sizeof(ret->header) }, { ret->payload, PAYLOAD_MAX } };
	union fd_control control;
	struct msghdr msg = {
		.msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov),
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;
	int r;

	ret->header = (struct wire_header){ 0 };
	ret->payload[0] = '\0';
	ret->n_fds = 0;
	for (size_t i = 0; i < WIRE_MAX_FDS; i++)
		ret->fds[i] = -1;
	n = receive_packet(sock, &msg);
	if (n < 0)
		return -errno;
	r = collect_fds(&msg, ret);
	if (r == 0)
		r = check_packet(&msg, (size_t)n, &ret->header);
	if (r < 0) {
		wire_message_release(ret);
		return r;
	}
	ret->payload[ret->header.bytes] = '\0';
	return 0;
}

void wire_message_release(struct wire_message *message)
{
	for (size_t i = 0; i < WIRE_MAX_FDS; i++)
		close_fd(&message->fds[i]);
	message->n_fds = 0;
}

static int set_limits(int sock, int timeout_ms)
{
	struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };

	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return 0;
}

int wire_connect(const char *path, int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(close_fd) int sock = -1;
	int r;

	if (path[0] == '\0' || timeout_ms < 0)
		return -EINVAL;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	r = set_limits(sock, timeout_ms);
	if (r < 0)
		return r;
	do
		r = connect(sock, (struct sockaddr *)&address, sizeof(address));
	while (r < 0 && errno == EINTR);
	if (r < 0) /* a full backlog that stays full for the whole limit */
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return TAKE_FD(sock);
}
