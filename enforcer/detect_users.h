/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups of the host and of each container, for detection rules.
 *
 * Owns: a thread that has them read, and what it found. Must not know: rules, events. A container's files are opened by a child
 * (workers.h); the main thread never waits: a name that is not known yet is missing.
 */
#ifndef ENFORCER_DETECT_USERS_H
#define ENFORCER_DETECT_USERS_H

#include <stdint.h>
#include <sys/types.h>

struct detect_names;
struct detect_users;
struct loop;
struct workers;

/* Containers whose names are kept; a node runs hundreds. */
#define DETECT_USERS_MAX 1024
/* How old names may be before the files are read again. */
#define DETECT_USERS_FRESH_NS (60ull * 1000000000)

/* Starts the thread and reads the host's files. workers: NULL: containers have no names. 0 or -errno. */
int detect_users_new(struct loop *loop, struct workers *workers, struct detect_users **ret);
/* NULL-safe, sets *users to NULL. */
void detect_users_free(struct detect_users **users);

/* The host's names; NULL: they could not be read. Borrowed until the loop runs again. */
const struct detect_names *detect_users_host(struct detect_users *users);

/**
 * detect_users_of - names in a container
 * @container: struct hf_container.id, not 0
 * @pid: of a process in its root, whose root is read if they are not known
 *
 * Return: borrowed until the loop runs again; NULL: not known yet, or they cannot be read.
 */
const struct detect_names *detect_users_of(struct detect_users *users, uint64_t container, pid_t pid);

#endif
