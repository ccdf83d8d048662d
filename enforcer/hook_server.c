// SPDX-License-Identifier: Apache-2.0
/*
 * hook.sock: checks what the OCI hook hands over, then passes it on.
 *
 * Owns: the check of the request. Must not know: what arming is. Contracts: hook_server.h.
 *
 * I1: arm() is given three descriptors of the right kinds and an object, or is not called at all.
 */
#include "enforcer/hook_server.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/json.h"
#include "enforcer/request.h"
#include "enforcer/server.h"
#include "enforcer/util.h"
#include "enforcer/wire.h"

/* A hook sends its request at once; whoever does not, is none. */
#define IDLE_NS (10 * NSEC_PER_SEC)

/* What the descriptors are, in the order of the message. */
enum hook_fd { HOOK_FD_PID, HOOK_FD_ROOTFS, HOOK_FD_CONFIG, _HOOK_FD_MAX };
_Static_assert(_HOOK_FD_MAX == WIRE_MAX_FDS, "all descriptors of a message are used");

struct hook_server {
	struct server *server;
	struct daemon *daemon;
	hook_arm_fn arm;
};

/* Only a pidfd's fdinfo has a line "Pid:" (proc(5)), on kernels with and without pidfs. */
static bool is_pidfd(int fd)
{
	char path[64], line[256];
	_cleanup_(close_file) FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "Pid:", 4) == 0)
			return true;
	return false;
}

static bool is_kind(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static bool is_readable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY;
}

static int check_message(const struct wire_message *message)
{
	struct json_object *state = NULL;
	int err;

	if (message->header.type != WIRE_HOOK_ARM || message->n_fds != _HOOK_FD_MAX)
		return -EPROTO;
	if (!is_pidfd(message->fds[HOOK_FD_PID]) || !is_kind(message->fds[HOOK_FD_ROOTFS], S_IFDIR) ||
	    !is_kind(message->fds[HOOK_FD_CONFIG], S_IFREG) || !is_readable(message->fds[HOOK_FD_CONFIG]))
		return -EPROTO;
	err = request_parse(message->payload, message->header.bytes, &state);
	json_object_put(state);
	return err;
}

static int on_message(uint64_t client, struct wire_message *message, void *data)
{
	struct hook_server *hook = data;
	char *state;
	int err = check_message(message);

	if (err < 0)
		return err;
	state = strdup(message->payload);
	if (!state)
		return -ENOMEM;
	hook->arm(hook->daemon, client, state, TAKE_FD(message->fds[HOOK_FD_PID]),
		  TAKE_FD(message->fds[HOOK_FD_ROOTFS]), TAKE_FD(message->fds[HOOK_FD_CONFIG]));
	return 0;
}

int hook_server_new(struct loop *loop, struct daemon *daemon, const char *run_dir, hook_arm_fn arm,
		    struct hook_server **ret)
{
	_cleanup_(hook_server_free) struct hook_server *hook = calloc(1, sizeof(*hook));
	char path[PATH_MAX];
	struct server_options options = {
		.name = "hook", .path = path, .max_clients = HOOK_SERVER_CLIENTS, .idle_timeout_ns = IDLE_NS,
		.stall_timeout_ns = SERVER_STALL_NS, .on_message = on_message, .data = hook,
	};
	int err;

	if (!hook)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s/hook.sock", run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	hook->daemon = daemon;
	hook->arm = arm;
	err = server_new(loop, &options, &hook->server);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(hook);
	return 0;
}

void hook_server_free(struct hook_server **server)
{
	struct hook_server *gone = *server;

	if (!gone)
		return;
	server_free(&gone->server);
	free(gone);
	*server = NULL;
}

int hook_server_answer(struct hook_server *server, uint64_t client, int status, const char *container_id, bool armed,
		       const char *message)
{
	_cleanup_(json_release) struct json json;
	const char *text;
	size_t n;
	int err;

	json_init(&json, WIRE_MAX_BYTES);
	json_open_object(&json, NULL);
	json_put_string(&json, "container", container_id);
	json_put_bool(&json, "armed", armed);
	json_put_string(&json, "message", message);
	json_close(&json);
	err = json_finish(&json, &text, &n);
	/* An answer without words is still the answer that the runtime waits for. */
	if (err < 0)
		err = server_reply(server->server, client, status, armed ? "{\"armed\":true}" : "{\"armed\":false}",
				   armed ? 14 : 15);
	else
		err = server_reply(server->server, client, status, text, n);
	return err;
}
