/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way this library opens anything below a container's root.
 * Owns: the flags that keep a scan inside the root, on one mount, and away from FIFOs, sockets and devices.
 * Must not know: what the files are for, the order of the walk.
 *
 * I1: a name is pinned with O_PATH, looked at, and the pinned inode is opened through /proc. Between fstat() and open() of a
 *     name, whoever controls the container could put a device node there, and opening some devices has effects.
 * I2: RESOLVE_NO_XDEV on every step: a bind mount shares st_dev with what it covers, so comparing st_dev proves nothing.
 * I3: climbing by ".." counts only if the directory reached is the one we came from: a directory that was moved meanwhile
 *     has another parent, perhaps outside the root.
 */
#ifndef IMAGEDB_OPEN_H
#define IMAGEDB_OPEN_H

#include <stdint.h>
#include <sys/types.h>

/* Descriptors are returned; failures are -errno, -EXDEV meaning "something is mounted there". All may block. */

/** imagedb_open_proc() - open the folder of our own descriptors in /proc; -ENOENT without /proc */
int imagedb_open_proc(void);

/** imagedb_open_root() - open the directory that @rootfs_fd is, with an offset of its own, for listing */
int imagedb_open_root(int rootfs_fd);

/** imagedb_open_directory() - open sub-directory @name (one component) of @dir_fd for listing; a link is -ELOOP or -ENOTDIR */
int imagedb_open_directory(int dir_fd, const char *name);

/** imagedb_pin() - take hold of @name (one component) in @dir_fd without opening it, be it of any type */
int imagedb_pin(int dir_fd, const char *name);

/** imagedb_open_pinned() - open the pinned regular file for reading; the caller has checked that it is one */
int imagedb_open_pinned(int proc_fd, int pin_fd);

/**
 * imagedb_climb() - go up from a directory
 * @dir_fd:	a directory, borrowed
 * @levels:	how many levels up
 * @dev:	st_dev and
 * @ino:	st_ino of the directory that must be there
 *
 * Cost: one system call per 1,000 levels and one more. Return: an O_PATH descriptor, or another directory is there (-ESTALE), or
 * the error of openat2().
 */
int imagedb_climb(int dir_fd, uint32_t levels, dev_t dev, ino_t ino);

#endif /* IMAGEDB_OPEN_H */
