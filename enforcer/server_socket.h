/* SPDX-License-Identifier: Apache-2.0 */
/* The listening end of a server: its name in the file system and who may speak to it. Used by server.c only. */
#ifndef ENFORCER_SERVER_SOCKET_H
#define ENFORCER_SERVER_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes the folder if need be (0700), and a listening non-blocking SEQPACKET socket of mode 0600 in it, in place of one
 * that nobody listens on. Changes the umask for a moment: call before threads are made. A new descriptor, or -errno:
 * -EPERM when others may write to the folder, else as server_new(). */
int server_socket_listen(const char *path);
/* Removes the name, if it is a socket. */
void server_socket_remove(const char *path);
/* Whether the peer of a connected socket is root or the daemon's own user; *ret_uid is who it is, -1 unknown. */
bool server_socket_is_trusted(int fd, uid_t *ret_uid);

#endif
