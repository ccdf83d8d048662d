// SPDX-License-Identifier: Apache-2.0
/*
 * fd.*: both ends of a connection. Contracts: detect_fields_internal.h.
 *
 * Which end is the server follows from what is done: who connects or sends is the client, who accepts, listens or receives is the
 * server.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/util.h"

#define END_BYTES 64 /* "[address]:port" */
#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED, of connected datagram sockets too */

enum end { END_CLIENT, END_SERVER, END_LOCAL, END_REMOTE, END_BOTH };

struct ends {
	unsigned int family; /* AF_INET or AF_INET6; 0: no such socket */
	uint8_t local[16], peer[16];
	uint16_t local_port, peer_port;
	bool connected; /* there is a peer */
};

bool detect_is_socket_call(enum hf_detect_type type)
{
	return type >= HF_DETECT_SOCKET && type <= HF_DETECT_SETSOCKOPT;
}

static bool is_server(enum hf_detect_type type)
{
	return type == HF_DETECT_ACCEPT || type == HF_DETECT_ACCEPT4 || type == HF_DETECT_LISTEN || type == HF_DETECT_BIND ||
	       type == HF_DETECT_RECVFROM || type == HF_DETECT_RECVMSG || type == HF_DETECT_RECVMMSG;
}

/* The address that the task gave or got, which says more than the socket of a datagram or of a connection that failed. */
static void take_address(const struct stream_text *address, struct ends *ends)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	sa_family_t family;

	if (!address->data || address->len < sizeof(family))
		return;
	memcpy(&family, address->data, sizeof(family));
	if (family == AF_INET && address->len >= sizeof(in)) {
		memcpy(&in, address->data, sizeof(in));
		memcpy(ends->peer, &in.sin_addr, 4);
		ends->peer_port = ntohs(in.sin_port);
	} else if (family == AF_INET6 && address->len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&in6, address->data, offsetof(struct sockaddr_in6, sin6_scope_id));
		memcpy(ends->peer, &in6.sin6_addr, 16);
		ends->peer_port = ntohs(in6.sin6_port);
	} else {
		return;
	}
	ends->connected = true;
	if (!ends->family)
		ends->family = family;
}

static bool is_mapped(const uint8_t address[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(address, prefix, sizeof(prefix));
}

/* IPv4 by way of an IPv6 socket is IPv4. */
static void unmap(struct ends *ends)
{
	static const uint8_t nothing[16];

	if (ends->family != AF_INET6 || !(ends->connected ? is_mapped(ends->peer) : is_mapped(ends->local)))
		return;
	if (!is_mapped(ends->local) && memcmp(ends->local, nothing, sizeof(nothing)))
		return;
	ends->family = AF_INET;
	memmove(ends->local, ends->local + 12, 4);
	memmove(ends->peer, ends->peer + 12, 4);
}

static void find_ends(const struct detect_event *event, struct ends *ret)
{
	const struct stream_event *stream = event->stream;
	const struct hf_detect_socket *socket = stream ? stream->socket : NULL;

	memset(ret, 0, sizeof(*ret));
	if (!stream)
		return;
	if (socket && (socket->family == AF_INET || socket->family == AF_INET6)) {
		ret->family = socket->family;
		memcpy(ret->local, socket->local, sizeof(ret->local));
		memcpy(ret->peer, socket->peer, sizeof(ret->peer));
		ret->local_port = socket->local_port;
		ret->peer_port = socket->peer_port;
		ret->connected = socket->peer_port != 0;
	}
	if (detect_is_socket_call(stream->type) && stream->type != HF_DETECT_BIND && !(socket && socket->family == AF_UNIX))
		take_address(&stream->address, ret);
	unmap(ret);
}

/* True with the local end for which it stands. */
static bool is_local(const struct detect_event *event, enum end end)
{
	bool server = is_server(stream_type(event));

	return end == END_LOCAL || (end == END_CLIENT && !server) || (end == END_SERVER && server);
}

static void set_address(struct rule_value *ret, const struct ends *ends, bool local)
{
	ret->kind = RULE_VALUE_ADDRESS;
	ret->n = ends->family == AF_INET ? 4 : 16;
	memcpy(ret->address, local ? ends->local : ends->peer, ret->n);
}

static void set_both(const struct detect_event *event, struct rule_value *ret, struct rule_value both[2])
{
	struct rule_value *items = detect_room_take(event->room, 2 * sizeof(*items));

	if (!items)
		return;
	memcpy(items, both, 2 * sizeof(*items));
	ret->kind = RULE_VALUE_LIST;
	ret->n = 2;
	ret->items = items;
}

static void put_ip(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	struct rule_value both[2] = { 0 };
	struct ends ends;

	(void)use;
	find_ends(event, &ends);
	if (!ends.family)
		return;
	if (what != END_BOTH) {
		set_address(ret, &ends, is_local(event, what));
		return;
	}
	set_address(&both[0], &ends, is_local(event, END_CLIENT));
	set_address(&both[1], &ends, is_local(event, END_SERVER));
	set_both(event, ret, both);
}

static void put_port(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	struct rule_value both[2] = { 0 };
	struct ends ends;

	(void)use;
	find_ends(event, &ends);
	if (!ends.family)
		return;
	if (what != END_BOTH) {
		set_unsigned(ret, is_local(event, what) ? ends.local_port : ends.peer_port);
		return;
	}
	set_unsigned(&both[0], is_local(event, END_CLIENT) ? ends.local_port : ends.peer_port);
	set_unsigned(&both[1], is_local(event, END_SERVER) ? ends.local_port : ends.peer_port);
	set_both(event, ret, both);
}

char detect_socket_char(const struct detect_event *event)
{
	const struct hf_detect_socket *socket = event->stream->socket;
	struct ends ends;

	find_ends(event, &ends);
	if (ends.family)
		return ends.family == AF_INET ? '4' : '6';
	if (!socket)
		return 0;
	return socket->family == AF_UNIX ? 'u' : socket->family == AF_NETLINK ? 'n' : 'o';
}

static int print_end(unsigned int family, const uint8_t *a, uint16_t port, char *ret)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (family == AF_INET)
		return snprintf(ret, END_BYTES, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], port);
	inet_ntop(AF_INET6, a, text, sizeof(text));
	return snprintf(ret, END_BYTES, "%s:%u", text, port);
}

void detect_tuple(const struct detect_event *event, struct rule_value *ret)
{
	const struct stream_event *stream = event->stream;
	char text[2 * END_BYTES + 2];
	struct ends ends;
	bool local;
	int n;

	find_ends(event, &ends);
	if (!ends.family) { /* the path of a unix socket; of an abstract name, behind its NUL */
		const struct stream_text *path = is_server(stream->type) && stream->unix_local.len ? &stream->unix_local :
												     &stream->unix_peer;

		set_text(ret, path->data, path->data ? strnlen(path->data, path->len) : 0);
		if (path->data && path->len && !path->data[0])
			set_text(ret, path->data + 1, path->len - 1);
		return;
	}
	local = is_local(event, END_CLIENT);
	n = print_end(ends.family, local ? ends.local : ends.peer, local ? ends.local_port : ends.peer_port, text);
	if (ends.connected || ends.peer_port) {
		memcpy(text + n, "->", 2);
		n += 2;
		n += print_end(ends.family, local ? ends.peer : ends.local, local ? ends.peer_port : ends.local_port, text + n);
	}
	set_copy(event, ret, text, (size_t)n);
}

/* What a sockaddr_un says, where the socket itself does not. */
static void put_unix_address(const struct stream_event *stream, struct rule_value *ret)
{
	const struct stream_text *address = &stream->address;
	size_t skip = sizeof(sa_family_t);
	sa_family_t family;

	if (!address->data || address->len <= skip)
		return;
	memcpy(&family, address->data, sizeof(family));
	if (family == AF_UNIX)
		set_text(ret, address->data + skip, strnlen(address->data + skip, address->len - skip));
}

void detect_socket_name(const struct detect_event *event, struct rule_value *ret)
{
	detect_tuple(event, ret);
	if (ret->kind != RULE_VALUE_TEXT || !ret->n)
		put_unix_address(event->stream, ret);
}

static void put_protocol(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	const struct hf_detect_socket *socket = event->stream ? event->stream->socket : NULL;

	(void)use, (void)what;
	if (!socket || (socket->family != AF_INET && socket->family != AF_INET6))
		return;
	if (socket->type == SOCK_RAW)
		set_string(ret, "raw");
	else if (socket->protocol == IPPROTO_ICMP || socket->protocol == IPPROTO_ICMPV6)
		set_string(ret, "icmp");
	else if (socket->type == SOCK_STREAM)
		set_string(ret, "tcp");
	else if (socket->type == SOCK_DGRAM)
		set_string(ret, "udp");
}

static void put_family(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char c = detect_fd_typechar(event);

	(void)use, (void)what;
	if (c == '4' || c == '6')
		set_string(ret, "ip");
	else if (c == 'u')
		set_string(ret, "unix");
}

enum socket_question { SOCKET_SERVER, SOCKET_CONNECTED, SOCKET_CHANGED };

static bool socket_answer(const struct stream_event *stream, int what)
{
	const struct hf_detect_socket *socket = stream->socket;

	switch (what) {
	case SOCKET_SERVER:
		return is_server(stream->type);
	case SOCKET_CONNECTED:
		if (stream->type == HF_DETECT_CONNECT)
			return stream->head->result == 0;
		return socket && (socket->state == STATE_ESTABLISHED || (socket->family != AF_UNIX && socket->peer_port));
	default: /* a peer was named, or is new */
		return stream->type == HF_DETECT_CONNECT || stream->type == HF_DETECT_ACCEPT || stream->type == HF_DETECT_ACCEPT4 ||
		       stream->type == HF_DETECT_BIND || stream->address.len > 0;
	}
}

static void put_socket(const struct detect_event *event, const struct rule_field_use *use, int what, struct rule_value *ret)
{
	char c = detect_fd_typechar(event);

	(void)use;
	if (c == '4' || c == '6' || c == 'u')
		set_bool(ret, socket_answer(event->stream, what));
	else if (what == SOCKET_CHANGED && event->stream && detect_args_fd(event->stream->type) != DETECT_ARG_NONE)
		set_bool(ret, is_open(event->stream->type));
}

static const struct detect_field_row rows[] = {
	{ "fd.ip", put_ip, END_BOTH },
	{ "fd.net", put_ip, END_BOTH },
	{ "fd.cip", put_ip, END_CLIENT },
	{ "fd.cnet", put_ip, END_CLIENT },
	{ "fd.sip", put_ip, END_SERVER },
	{ "fd.snet", put_ip, END_SERVER },
	{ "fd.lip", put_ip, END_LOCAL },
	{ "fd.lnet", put_ip, END_LOCAL },
	{ "fd.rip", put_ip, END_REMOTE },
	{ "fd.rnet", put_ip, END_REMOTE },
	{ "fd.port", put_port, END_BOTH },
	{ "fd.cport", put_port, END_CLIENT },
	{ "fd.sport", put_port, END_SERVER },
	{ "fd.lport", put_port, END_LOCAL },
	{ "fd.rport", put_port, END_REMOTE },
	{ "fd.l4proto", put_protocol, 0 },
	{ "fd.sockfamily", put_family, 0 },
	{ "fd.is_server", put_socket, SOCKET_SERVER },
	{ "fd.connected", put_socket, SOCKET_CONNECTED },
	{ "fd.name_changed", put_socket, SOCKET_CHANGED },
};

const struct detect_field_table detect_fields_of_socket = { rows, ARRAY_SIZE(rows) };
