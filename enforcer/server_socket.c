// SPDX-License-Identifier: Apache-2.0
/*
 * Creating a listening socket in the file system, and checking peers.
 *
 * Owns: the folder, the name, credentials. Must not know: messages. Contracts: server_socket.h.
 *
 * I1: between bind() and the end there is no moment at which anybody but the owner could connect: the umask is in
 *     force during bind(), and nobody else can write to the folder.
 * I2: a socket that somebody listens on is never taken away.
 */
#include "enforcer/server_socket.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "enforcer/util.h"

/* Connections that may wait for the loop: a burst of container starts. */
#define BACKLOG 128

static int set_address(const char *path, struct sockaddr_un *ret)
{
	size_t n = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0)
		return -EINVAL;
	if (n >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, n + 1);
	return 0;
}

static int prepare_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(free_ptr) char *folder = strndup(path, slash && slash > path ? (size_t)(slash - path) : 1);
	struct stat st;

	if (!folder)
		return -ENOMEM;
	if (!slash)
		return -EINVAL;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(folder, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) ? -EPERM : 0;
}

/* I2: asks whether somebody answers behind the name. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_(close_fd) int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (probe < 0 || lstat(address->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	int err = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(mask);
	return err;
}

int server_socket_listen(const char *path)
{
	_cleanup_(close_fd) int fd = -1;
	struct sockaddr_un address;
	int err = set_address(path, &address);

	if (err == 0)
		err = prepare_folder(path);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = bind_private(fd, &address);
	if (err == -EADDRINUSE) {
		err = remove_stale(&address);
		if (err == 0)
			err = bind_private(fd, &address);
	}
	if (err < 0)
		return err;
	if (listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void server_socket_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

bool server_socket_is_trusted(int fd, uid_t *ret_uid)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		peer.uid = (uid_t)-1;
	*ret_uid = peer.uid;
	return peer.uid == 0 || (peer.uid != (uid_t)-1 && peer.uid == geteuid());
}
