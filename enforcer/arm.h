/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a hook's request to an armed container, and back.
 *
 * Owns: the order of the steps, slots and kernel ids, and what a container gets that cannot be armed. Must not know: how
 * requests arrive, how files are enrolled, how policies are compiled. Main thread only.
 */
#ifndef ENFORCER_ARM_H
#define ENFORCER_ARM_H

#include <stdint.h>

struct container;
struct daemon;

/* A hook_arm_fn (hook_server.h). */
void arm_request(struct daemon *daemon, uint64_t client, char *state_json, int pidfd, int rootfs_fd, int config_fd);

/* Writes the container's record, root, cgroup and policy into the kernel half; its id last. Used at arming and after a
 * restart when a record is missing. 0 or -errno. */
int arm_publish(struct daemon *daemon, struct container *container);

/* The container has gone: takes it out of the kernel half and the table, and frees it. */
void arm_release(struct daemon *daemon, uint64_t kernel_id);

#endif
