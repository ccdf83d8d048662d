/* SPDX-License-Identifier: Apache-2.0 */
/* The host as the kernel half must know it: which mount namespace and root are not a container's. */
#ifndef ENFORCER_HOST_H
#define ENFORCER_HOST_H

#include <stddef.h>

struct lsm;

/* Has the kernel fetch its overlay module, to whose types the programs are fitted at loading. Nothing happens when there is none:
 * the checks say so. */
void host_load_overlay(void);
/* Tells the kernel half process 1's mount namespace and root, and switches the hooks on. Registers the calling thread for the
 * question. 0, or -errno with the reason in reterr. */
int host_tell(struct lsm *lsm, char *reterr, size_t reterr_bytes);

#endif
