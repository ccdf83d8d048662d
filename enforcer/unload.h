/* SPDX-License-Identifier: Apache-2.0 */
/* `holdfastd --unload`: the end of enforcement on this host. */
#ifndef ENFORCER_UNLOAD_H
#define ENFORCER_UNLOAD_H

#include <stddef.h>

/**
 * unload_host - remove the kernel half, and wait until nothing is denied any more
 * @run_dir: (borrowed) of the daemon that may run
 * @reterr: (output) one line for people when it fails
 *
 * May block for half a minute. Return: 0, also when nothing was loaded; -EBUSY: a daemon runs, nothing was done;
 * -ETIMEDOUT: the pins are gone, but somebody holds the programs; or the error of removing a pin.
 */
int unload_host(const char *run_dir, char *reterr, size_t reterr_bytes);

#endif
