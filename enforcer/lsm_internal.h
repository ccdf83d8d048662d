/* SPDX-License-Identifier: Apache-2.0 */
/* What lsm_load.c and lsm_unload.c (life of the programs) and lsm_maps.c (use of the maps) share; nobody else includes it. */
#ifndef ENFORCER_LSM_INTERNAL_H
#define ENFORCER_LSM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "enforcer/lsm.h"
#include "enforcer/ring_map.h"

#define LSM_TEXT(number) #number
#define LSM_VERSION_TEXT(number) LSM_TEXT(number)
#define LSM_PIN_FOLDER HF_PIN_DIR "/v" LSM_VERSION_TEXT(HF_ABI_VERSION)

struct holdfast_bpf;

/* A map whose memory the daemon sees directly. */
struct lsm_view {
	void *addr;
	size_t bytes;
};

struct lsm {
	struct holdfast_bpf *skel;
	struct ring_map *ring;
	struct lsm_view config, enrol, containers, policies, exceptions;
	struct lsm_sizes sizes;
	bool took_over;
	bool has_backing_hook;
	int n_cpus;
};

/* Before the load: gives each table the entries that limits (or NULL) asks for, or those of its pin. 0 or -errno. */
int lsm_size_maps(struct lsm *lsm, const struct lsm_limits *limits);
/* Maps the arrays and opens the ring. 0 or -errno. */
int lsm_maps_open(struct lsm *lsm);
void lsm_maps_close(struct lsm *lsm);

#endif
