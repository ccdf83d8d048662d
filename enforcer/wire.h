/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of holdfastd's two sockets, as both ends see them.
 *
 * Owns: framing (one SOCK_SEQPACKET packet = one message: header and JSON payload, at most WIRE_MAX_BYTES, at most
 * WIRE_MAX_FDS descriptors), message types, version. Must not know: what the payloads mean, or who listens.
 *
 *   hook.sock     HOOK_ARM  {OCI state as the runtime gave it}  + fds pidfd, rootfs, config.json
 *                 -> REPLY  status 0 armed | -errno refused     {"container": id, "armed": bool, "message": text}
 *   control.sock  STATUS, CONTAINERS, POLICY_LIST, COUNTERS {} -> REPLY {…}
 *                 EVENTS {"follow": bool, "last": n}  -> EVENT … EVENT, then REPLY unless following
 *                 POLICY_EFFECTIVE {"namespace","pod","image","container","labels":{},"annotations":{}} -> REPLY {…}
 *                 PAUSE {"seconds": n, "namespace": text or absent} | RESUME {"namespace"} | RELOAD {} -> REPLY {…}
 *                 UNLOCK {"seconds": n} | LOCK {} -> REPLY {…}
 * A REPLY with a status below 0 carries {"message": text}. A long answer comes as several REPLY packets of which all
 * but the last have WIRE_MORE set; their payloads are concatenated.
 */
#ifndef ENFORCER_WIRE_H
#define ENFORCER_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_MAGIC 0x54464448u /* "HDFT" */
#define WIRE_VERSION 1u
#define WIRE_MAX_BYTES 65536u /* a packet: far below the socket buffer's default, far above any request */
#define WIRE_MAX_FDS 3

#define WIRE_RUN_DIR "/run/holdfast"
#define WIRE_HOOK_SOCKET WIRE_RUN_DIR "/hook.sock"
#define WIRE_CONTROL_SOCKET WIRE_RUN_DIR "/control.sock"

enum wire_type {
	WIRE_REPLY,
	WIRE_EVENT,
	WIRE_HOOK_ARM,
	WIRE_STATUS,
	WIRE_CONTAINERS,
	WIRE_EVENTS,
	WIRE_POLICY_LIST,
	WIRE_POLICY_EFFECTIVE,
	WIRE_PAUSE,
	WIRE_RESUME,
	WIRE_RELOAD,
	WIRE_UNLOCK,
	WIRE_LOCK,
	_WIRE_TYPE_MAX
};

#define WIRE_MORE 0x1u /* header.flags: another packet of this answer follows */

/* In host byte order: both ends run on one machine. */
struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t flags;
	int32_t status; /* of a REPLY: 0 or -errno */
	uint32_t bytes; /* of the payload; must equal what the packet holds behind the header */
};

/* A received message. The payload is NUL-terminated behind its bytes, so that JSON can be parsed in place. */
struct wire_message {
	struct wire_header header;
	char payload[WIRE_MAX_BYTES + 1];
	int fds[WIRE_MAX_FDS]; /* owned by the message until taken; -1 where none */
	size_t n_fds;
};

/* Sends one packet on a connected SEQPACKET socket; fds are borrowed. 0, -EMSGSIZE (too long), -EAGAIN (the peer does
 * not read), -EPIPE and other -errno of sendmsg. Never raises SIGPIPE. Blocks only if the socket does. */
int wire_send(int sock, enum wire_type type, int status, uint32_t flags, const char *payload, size_t bytes,
	      const int *fds, size_t n_fds);

/* Sends a payload of any length as a series of packets of one answer (WIRE_MORE). Errors as wire_send. */
int wire_send_long(int sock, enum wire_type type, int status, const char *payload, size_t bytes);

/* Receives one packet. 0; -ENOTCONN at end of stream; -EPROTO: wrong magic, lengths that disagree or a truncated packet;
 * -EPROTONOSUPPORT: another version (header filled in, so that the caller can name it); -EAGAIN and other -errno of
 * recvmsg. On failure no descriptor stays open. */
int wire_receive(int sock, struct wire_message *ret);

/* Closes what descriptors the message still owns. Idempotent. */
void wire_message_release(struct wire_message *message);

/* Connects to a listening socket, with a limit in ms on connect, send and receive each. A new descriptor or -errno. */
int wire_connect(const char *path, int timeout_ms);

#endif
