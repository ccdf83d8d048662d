/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.sock: container starts as they are announced by the OCI hook.
 *
 * Owns: checking the request before anybody acts on it. Must not know: what arming is.
 */
#ifndef ENFORCER_HOOK_SERVER_H
#define ENFORCER_HOOK_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct hook_server;
struct loop;

/* Hooks that may wait at once: container starts of one node at the same moment, far above what runtimes do. */
#define HOOK_SERVER_CLIENTS 256

/**
 * hook_arm_fn - a container is about to start
 * @daemon: (borrowed)
 * @client: whom to answer with hook_server_answer(), now or later; every call must be answered once
 * @state_json: (taken) the OCI state as text, known to be one JSON object; free()
 * @pidfd: (taken) of the container's first process; known to be a pidfd
 * @rootfs_fd: (taken) known to be a folder
 * @config_fd: (taken) config.json, known to be a regular file open for reading
 */
typedef void (*hook_arm_fn)(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd,
			    int config_fd);

/**
 * hook_server_new - listen on hook.sock
 * @loop: (borrowed) outlives the server
 * @daemon: (borrowed) handed to @arm
 * @run_dir: (borrowed) folder of the socket: exists, belongs to root
 * @arm: called for each valid request
 * @ret: (output) to be given to hook_server_free(); untouched on failure
 *
 * Return: 0; errors of server_new().
 */
int hook_server_new(struct loop *loop, struct daemon *daemon, const char *run_dir, hook_arm_fn arm,
		    struct hook_server **ret);
/* Disconnects waiting hooks (each then follows its own failure policy). NULL-safe, sets *server to NULL. */
void hook_server_free(struct hook_server **server);

/**
 * hook_server_answer - tell the hook how it went
 * @server: (borrowed)
 * @client: as given to hook_arm_fn
 * @status: 0, or -errno: the container must not start
 * @container_id: (borrowed) NULL: not known
 * @armed: false with status 0: it may start, unarmed
 * @message: (borrowed) for the runtime's log; NULL: none
 *
 * Return: 0; -ENOENT: the hook has gone (timed out); -ENOBUFS; -ENOMEM.
 */
int hook_server_answer(struct hook_server *server, uint64_t client, int status, const char *container_id, bool armed,
		       const char *message);

#endif
