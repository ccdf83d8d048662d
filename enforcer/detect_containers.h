/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which container an event's process belongs to, in the shape that rules ask for.
 *
 * Owns: copies of the facts of containers by the kernel half's id, and answers for cgroups that no registered container explains.
 * Must not know: rules, where events come from. Main thread only.
 */
#ifndef ENFORCER_DETECT_CONTAINERS_H
#define ENFORCER_DETECT_CONTAINERS_H

#include "enforcer/detect_event.h"

struct detect_containers;
struct detect_containers_key;

/* Containers and cgroups that are remembered; one that comes later takes the place of another. */
#define DETECT_CONTAINERS_MAX 4096

/* Tells the facts of a registered container by detect_containers_add() under that key. 0; -ENOENT: there is none; -ENOMEM. */
typedef int (*detect_containers_source_fn)(struct detect_containers *containers, const struct detect_containers_key *key, void *data);

/* source: NULL: only what is added is known, and nothing of this machine is looked at (a recording). 0; -ENOMEM. */
int detect_containers_new(detect_containers_source_fn source, void *data, struct detect_containers **ret);
/* NULL-safe, sets *containers to NULL. */
void detect_containers_free(struct detect_containers **containers);

struct detect_containers_key {
	uint64_t kernel_id; /* 0: the task has no tag */
	uint64_t cgroup;
	bool host;	/* certainly the host's */
	uint32_t pid, ppid; /* whose cgroup is looked at, if need be */
};

/**
 * detect_containers_find - the container of a process
 *
 * For one that nobody registered, the path of its cgroup tells by the runtimes' rules; reads /proc once for a cgroup. Never NULL:
 * "host" is a container, too; one that cannot be told has the id "unknown". Borrowed until the next call.
 */
const struct detect_container *detect_containers_find(struct detect_containers *containers, const struct detect_containers_key *key);

/* The same with what a recording tells, which is remembered under the key. Strings are copied. 0; -ENOMEM. */
int detect_containers_add(struct detect_containers *containers, const struct detect_containers_key *key,
			  const struct detect_container *facts);

/* Facts that have changed are to be looked up anew. */
void detect_containers_forget(struct detect_containers *containers);

/* Called with each key and what is remembered for it. A value other than 0 ends the walk and is returned. */
int detect_containers_walk(const struct detect_containers *containers,
			   int (*fn)(const struct detect_containers_key *key, const struct detect_container *facts, void *data),
			   void *data);

/* The container id in the path of a cgroup, as runtimes write it; *ret_runtime: which. NULL: none. Not NUL-terminated: 64 bytes. */
const char *detect_container_id_of(const char *cgroup_path, const char **ret_runtime);

#endif
