/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block devices that carry layers, and those below and around them: the disk of a partition, the disks of a volume group, of an encrypted
 * or mirrored device, whose raw blocks are as good as the files.
 *
 * Owns: looking them up in sysfs, and which are no longer wanted. Must not know: what the kernel half does with them. Enrolling thread,
 * before it works also the main thread; reads sysfs, which does not wait for disks.
 */
#ifndef ENFORCER_STORE_DEVICES_H
#define ENFORCER_STORE_DEVICES_H

#include <stddef.h>
#include <stdint.h>

struct lsm;

/* Tells the kernel half of what lies below and around the devices that it has met since the last time. sysfs: NULL: /sys. 0 or -errno. */
int store_devices_look(struct lsm *lsm, const char *sysfs);

/* File systems of these devices (n of them) are all that the catalogue has files of: takes out the other devices, with what lies below
 * them alone. 0 or -errno. */
int store_devices_keep(struct lsm *lsm, const uint32_t *devs, size_t n, const char *sysfs);

#endif
