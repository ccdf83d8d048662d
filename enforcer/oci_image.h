/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose container it is: namespace, pod, image and labels from the annotations of containerd, CRI-O, podman and plain OCI.
 *
 * Owns: the annotation keys. Must not know: config.json's other fields.
 */
#ifndef ENFORCER_OCI_IMAGE_H
#define ENFORCER_OCI_IMAGE_H

#include "enforcer/container.h"

/**
 * oci_image_facts - fill in what the annotations of a container tell about it
 * @facts: id and annotations are set; name, image, image_digest, namespace_, pod, pod_uid, manager and labels are filled in
 * @bundle: (borrowed) where podman's store is looked for; NULL: unknown
 *
 * A fact that cannot be found stays NULL. Reads podman's containers.json (bounded).
 * Return: 0; -EBADMSG: keys of different runtimes contradict each other; -E2BIG: too many labels; -ENOMEM.
 */
int oci_image_facts(struct container_facts *facts, const char *bundle);

#endif
