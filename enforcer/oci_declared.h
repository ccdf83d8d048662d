/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config.json declares and detection rules ask for: bind mounts with their sources, and whether the container is privileged.
 *
 * Owns: those two facts, in config.json and in our state files. Must not know: enrolment, policies.
 */
#ifndef ENFORCER_OCI_DECLARED_H
#define ENFORCER_OCI_DECLARED_H

#include "enforcer/container.h"

struct json_object;

/**
 * oci_declared_facts - fill in facts->declared and facts->privileged
 * @config: (borrowed) config.json; at most OCI_MOUNTS_MAX mounts are taken
 *
 * No runtime says "privileged" to OCI: it counts as that if it has all of the capabilities that lead to the kernel and no path of
 * /proc is masked. Return: 0; -ENOMEM.
 */
int oci_declared_facts(struct container_facts *facts, struct json_object *config);

/* Into and out of the object of a state file. What is not there stays unknown. 0; -ENOMEM. */
void oci_declared_save(const struct container_facts *facts, struct json_object *state);
int oci_declared_restore(struct container_facts *facts, struct json_object *state);

void oci_declared_release(struct container_facts *facts);

#endif
