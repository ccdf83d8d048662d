/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that runtimes say they run: their folders of state, read with suspicion.
 *
 * Owns: the shapes of those folders (runc, crun, containerd's tasks, whoever writes an OCI state.json). Must not know: what is done
 * with a container, or the kernel half.
 */
#ifndef ENFORCER_ADOPT_FIND_H
#define ENFORCER_ADOPT_FIND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct oci_container;

#define ADOPT_ENTRIES_MAX 16384u /* looked at in one of them: a node's containers are hundreds, and the rest is rubbish */
#define ADOPT_STATE_BYTES_MAX (4u << 20) /* runc's holds its whole configuration: some 100 kB */
#define ADOPT_ID_BYTES_MAX 1024u	 /* as oci.c */

/* What a runtime wrote down of one container. */
struct adopt_entry {
	char *id;
	char *bundle;	/* folder of its config.json */
	char *fallback; /* where a copy may lie: the folder of its state */
	pid_t pid;	/* its first process, when that was written */
	uint64_t start; /* of that process, as /proc/PID/stat says (field 22); 0: the runtime does not say */
};

struct adopt_entries {
	struct adopt_entry *list;
	size_t n, room;
	size_t passed_over; /* folders that could not be read, or are not root's */
};

/**
 * adopt_find - read one folder of state
 * @folder: (borrowed) its entries are containers, or namespaces of containers; need not exist
 * @entries: (borrowed) grows; to be given to adopt_entries_release()
 *
 * A file counts only when it and its folders belong to root and nobody else can write them, so that no user can say whose container a
 * process is. What is malformed is passed over and counted. Blocks on files.
 * Return: 0; -ENOMEM.
 */
int adopt_find(const char *folder, struct adopt_entries *entries);
void adopt_entries_release(struct adopt_entries *entries);

/**
 * adopt_open - the container behind an entry, if it still runs
 * @entry: (borrowed)
 * @proc: (borrowed) "/proc"
 * @ret: (output) facts and mounts, to be given to oci_free()
 * @ret_pidfd: (output) of its first process
 * @reterr: (output) OCI_ERROR_BYTES long, on failure
 *
 * The process is held by a descriptor before its start time is compared, so that a number that another process has got by now is never
 * taken for it. Where the runtime wrote none, its cgroup must carry the id.
 * Return: 0; -ESRCH: it has ended; others: see oci_parse(), and -errno of reading.
 */
int adopt_open(const struct adopt_entry *entry, const char *proc, struct oci_container **ret, int *ret_pidfd, char *reterr);

#endif
