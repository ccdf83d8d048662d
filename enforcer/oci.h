/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime tells about a container that is about to start: the OCI state and config.json, and podman's store.
 *
 * Owns: the names of annotations and fields of the runtimes that are known. Must not know: sockets, the kernel half.
 */
#ifndef ENFORCER_OCI_H
#define ENFORCER_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "enforcer/container.h"

#define OCI_CONFIG_BYTES_MAX (4u << 20) /* config.json: some kB; charts with a thousand environment variables reach 200 kB */
#define OCI_MOUNTS_MAX 1024u		/* declared mounts of one container: kubelet's own limits lie far below */
#define OCI_LABELS_MAX 1024u /* annotations, and labels as well: Kubernetes stops at 256 kB of them */
#define OCI_ERROR_BYTES 256

/* A bind mount that config.json declares; tmpfs, proc and the like are not listed. */
struct oci_mount {
	char *destination; /* absolute, in the container */
	bool read_only;
};

struct oci_container {
	struct container_facts facts;
	pid_t pid;
	struct oci_mount *mounts;
	size_t n_mounts;
};

/**
 * oci_parse - the container behind a hook's request
 * @state_json: (borrowed) the OCI state
 * @config_fd: (borrowed) config.json, open for reading at its start
 * @ret: (output) to be given to oci_free(); untouched on failure
 * @reterr: (output) OCI_ERROR_BYTES long, what is wrong, on failure
 *
 * Reads podman's containers.json as well when the container is podman's. Blocks on file I/O.
 * Nothing is cut: a container with more than the limits is refused, since what falls out could be what its policy goes by.
 * Return: 0; -EINVAL: not what an OCI runtime sends; -EFBIG: config.json is too long; -E2BIG: too many mounts, annotations or
 * labels; -EBADMSG: its annotations contradict each other; -ENOMEM; -errno of reading.
 */
int oci_parse(const char *state_json, int config_fd, struct oci_container **ret, char *reterr);
void oci_free(struct oci_container **oci);

#endif
